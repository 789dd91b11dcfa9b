package cognitotest

// This file is ListUsers: its filters, and the indexes that answer them.

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

type listUsersIn struct {
	UserPoolId      string
	AttributesToGet []string
	Filter          string
	Limit           int
	PaginationToken string
}

// A filter is what Filter asks for: attribute = "value", or ^= for a prefix.
type filter struct {
	attribute string
	prefix    bool
	value     string
}

var filterForm = regexp.MustCompile(`^\s*"?([\w:]+)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$`)

// searchable are what a filter can look at (API reference, ListUsers).
var searchable = strings.Fields(`username email phone_number name given_name family_name preferred_username
	cognito:user_status status sub`)

func parseFilter(text string) (filter, error) {
	parts := filterForm.FindStringSubmatch(text)
	if parts == nil {
		return filter{}, errParameter("Error while parsing filter.")
	}
	f := filter{parts[1], parts[2] == "^=", strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(parts[3])}
	if !slices.Contains(searchable, f.attribute) {
		return filter{}, errParameter("Invalid search attribute: %s", f.attribute)
	}
	if f.attribute == "cognito:user_status" { // the one that knows no case
		f.value = strings.ToUpper(f.value)
	}
	return f, nil
}

// field is what a filter looks at, "" for what the user does not have.
func (u *user) field(attribute string) string {
	switch attribute {
	case "username":
		return u.name
	case "sub":
		return u.sub
	case "cognito:user_status":
		return u.status
	case "status":
		if u.disabled {
			return "Disabled"
		}
		return "Enabled"
	default:
		return u.attributes[attribute]
	}
}

// entry is the user's place in the index of an attribute, "" for none.
func (p *Pool) entry(u *user, attribute string) string {
	value := u.field(attribute)
	if value == "" {
		return ""
	}
	return value + "\x00" + p.fold(u.name)
}

// indexLocked is the index of an attribute. It is made when a filter first asks
// for it, of all users, and kept from then on.
func (p *Pool) indexLocked(attribute string) *index {
	x := p.indexes[attribute]
	if x != nil {
		return x
	}
	x = new(index)
	for _, u := range p.users {
		if e := p.entry(u, attribute); e != "" {
			x.add(e)
		}
	}
	p.indexes[attribute] = x
	return x
}

// putLocked puts a user in the place of the one with the same name, or adds it.
func (p *Pool) putLocked(u *user) {
	key := p.fold(u.name)
	old := p.users[key]
	p.users[key] = u
	if old == nil {
		p.names.add(key)
	}
	for attribute, x := range p.indexes {
		was := ""
		if old != nil {
			was = p.entry(old, attribute)
		}
		if is := p.entry(u, attribute); is != was {
			x.remove(was)
			if is != "" {
				x.add(is)
			}
		}
	}
}

// dropUserLocked takes a user out of the pool, its indexes and its groups.
func (p *Pool) dropUserLocked(u *user) {
	key := p.fold(u.name)
	delete(p.users, key)
	p.names.remove(key)
	for attribute, x := range p.indexes {
		x.remove(p.entry(u, attribute))
	}
	for _, g := range u.groups {
		g.members.remove(key)
	}
}

func (p *Pool) opListUsers(_ context.Context, in listUsersIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	if err := p.checkKnown(in.AttributesToGet); err != nil {
		return nil, err
	}
	var f filter
	if in.Filter != "" {
		var err error
		if f, err = parseFilter(in.Filter); err != nil {
			return nil, err
		}
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	answer := struct {
		Users           []userType
		PaginationToken string `json:",omitempty"`
	}{Users: []userType{}}
	x, prefix := &p.names, ""
	if in.Filter != "" {
		x, prefix = p.indexLocked(f.attribute), f.value
		if !f.prefix {
			prefix += "\x00"
		}
	}
	var err error
	answer.PaginationToken, err = p.read(x, page{"users " + in.Filter, in.Limit, in.PaginationToken}, prefix, func(key string) bool {
		u := p.users[key[strings.LastIndexByte(key, 0)+1:]]
		t := p.userType(u)
		if in.AttributesToGet != nil {
			t.Attributes = slices.DeleteFunc(t.Attributes, func(a attribute) bool { return !slices.Contains(in.AttributesToGet, a.Name) })
		}
		answer.Users = append(answer.Users, t)
		return true
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// checkKnown checks that the pool has the attributes.
func (p *Pool) checkKnown(names []string) error {
	for _, name := range names {
		if name != "sub" && p.settings().schema.of(name) == nil {
			return errParameter("One or more requested attributes do not exist.")
		}
	}
	return nil
}
