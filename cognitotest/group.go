package cognitotest

// This file is the groups of users.

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// A group is changed under the pool's lock alone.
type group struct {
	name, description, role string
	precedence              *int // the lowest comes first; nil after all others
	created, modified       time.Time
	members                 index // of folded names
}

// groupsPerUser is the service's quota.
const groupsPerUser = 100

// A groupType is GroupType of the API.
type groupType struct {
	GroupName        string
	UserPoolId       string
	Description      string `json:",omitempty"`
	RoleArn          string `json:",omitempty"`
	Precedence       *int   `json:",omitempty"`
	CreationDate     float64
	LastModifiedDate float64
}

func (p *Pool) groupType(g *group) groupType {
	return groupType{g.name, p.config.ID, g.description, g.role, g.precedence, epoch(g.created), epoch(g.modified)}
}

type groupIn struct {
	UserPoolId  string
	GroupName   string
	Description *string
	RoleArn     *string
	Precedence  *int
}

func (in groupIn) fill(g *group, now time.Time) {
	if in.Description != nil {
		g.description = *in.Description
	}
	if in.RoleArn != nil {
		g.role = *in.RoleArn
	}
	if in.Precedence != nil {
		g.precedence = in.Precedence
	}
	g.modified = now
}

func (p *Pool) opCreateGroup(_ context.Context, in groupIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.groups[in.GroupName] != nil {
		return nil, failure("GroupExistsException", "A group with the name %s already exists.", in.GroupName)
	}
	g := &group{name: in.GroupName, created: p.now()}
	in.fill(g, p.now())
	p.groups[g.name] = g
	p.groupNames.add(g.name)
	return map[string]any{"Group": p.groupType(g)}, nil
}

// withGroup runs f, under the pool's lock, with the group.
func (p *Pool) withGroup(poolID, name string, f func(*group) (any, error)) (any, error) {
	if err := p.checkPool(poolID); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[name]
	if g == nil {
		return nil, failure("ResourceNotFoundException", "Group not found.") // (observed)
	}
	return f(g)
}

func (p *Pool) opGetGroup(_ context.Context, in groupIn) (any, error) {
	return p.withGroup(in.UserPoolId, in.GroupName, func(g *group) (any, error) {
		return map[string]any{"Group": p.groupType(g)}, nil
	})
}

func (p *Pool) opUpdateGroup(_ context.Context, in groupIn) (any, error) {
	return p.withGroup(in.UserPoolId, in.GroupName, func(g *group) (any, error) {
		in.fill(g, p.now())
		return map[string]any{"Group": p.groupType(g)}, nil
	})
}

// opDeleteGroup leaves the group in its members, who count it no longer.
func (p *Pool) opDeleteGroup(_ context.Context, in groupIn) (any, error) {
	return p.withGroup(in.UserPoolId, in.GroupName, func(g *group) (any, error) {
		delete(p.groups, g.name)
		p.groupNames.remove(g.name)
		return done{}, nil
	})
}

type memberIn struct{ UserPoolId, GroupName, Username string }

func (p *Pool) opAdminAddUserToGroup(_ context.Context, in memberIn) (any, error) {
	return p.withMember(in, func(g *group, u *user) error {
		groups := p.groupsLocked(u)
		switch {
		case slices.Contains(groups, g):
			return nil
		case len(groups) == groupsPerUser:
			return failure("LimitExceededException", "cognitotest: a user is in %d groups at most", groupsPerUser)
		}
		u.groups = append(groups, g)
		g.members.add(p.fold(u.name))
		return nil
	})
}

func (p *Pool) opAdminRemoveUserFromGroup(_ context.Context, in memberIn) (any, error) {
	return p.withMember(in, func(g *group, u *user) error {
		u.groups = slices.DeleteFunc(p.groupsLocked(u), func(other *group) bool { return other == g })
		g.members.remove(p.fold(u.name))
		return nil
	})
}

func (p *Pool) withMember(in memberIn, f func(*group, *user) error) (any, error) {
	return p.withGroup(in.UserPoolId, in.GroupName, func(g *group) (any, error) {
		old := p.findLocked(in.Username)
		if old == nil {
			return nil, errUserNotFound()
		}
		u := *old
		if err := f(g, &u); err != nil {
			return nil, err
		}
		p.putLocked(&u)
		return done{}, nil
	})
}

// groupsLocked are the user's groups, without those that are gone, in the order
// of their precedence. The list is a new one.
func (p *Pool) groupsLocked(u *user) []*group {
	var groups []*group
	for _, g := range u.groups {
		if p.groups[g.name] == g {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(comparePrecedence(a.precedence, b.precedence), cmp.Compare(a.name, b.name))
	})
	return groups
}

func comparePrecedence(a, b *int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	default:
		return cmp.Compare(*a, *b)
	}
}

// groupConfiguration is what the user's groups make of the tokens. The preferred
// role is that of the first group that has one, unless another one of the same
// precedence has another role (API reference, GroupType).
func (p *Pool) groupConfiguration(u *user) groupConfiguration {
	c := groupConfiguration{GroupsToOverride: []string{}, IAMRolesToOverride: []string{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	var preferred *group
	for _, g := range p.groupsLocked(u) {
		c.GroupsToOverride = append(c.GroupsToOverride, g.name)
		if g.role == "" {
			continue
		}
		if !slices.Contains(c.IAMRolesToOverride, g.role) {
			c.IAMRolesToOverride = append(c.IAMRolesToOverride, g.role)
		}
		switch {
		case preferred == nil:
			preferred = g
			role := g.role
			c.PreferredRole = &role
		case comparePrecedence(preferred.precedence, g.precedence) == 0 && preferred.role != g.role:
			c.PreferredRole = nil
		}
	}
	return c
}

type groupsIn struct {
	UserPoolId string
	Username   string
	GroupName  string
	Limit      int
	NextToken  string
}

func (p *Pool) opListGroups(_ context.Context, in groupsIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := []groupType{}
	next, err := p.read(&p.groupNames, page{"groups", in.Limit, in.NextToken}, "", func(name string) bool {
		groups = append(groups, p.groupType(p.groups[name]))
		return true
	})
	return listed("Groups", groups, next), err
}

func (p *Pool) opAdminListGroupsForUser(_ context.Context, in groupsIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var names index // at most groupsPerUser
	for _, g := range p.groupsLocked(u) {
		names.add(g.name)
	}
	groups := []groupType{}
	next, err := p.read(&names, page{"groups of " + u.sub, in.Limit, in.NextToken}, "", func(name string) bool {
		groups = append(groups, p.groupType(p.groups[name]))
		return true
	})
	return listed("Groups", groups, next), err
}

func (p *Pool) opListUsersInGroup(_ context.Context, in groupsIn) (any, error) {
	return p.withGroup(in.UserPoolId, in.GroupName, func(g *group) (any, error) {
		users := []userType{}
		next, err := p.read(&g.members, page{"members of " + g.name, in.Limit, in.NextToken}, "", func(name string) bool {
			users = append(users, p.userType(p.users[name]))
			return true
		})
		return listed("Users", users, next), err
	})
}

// listed is a page as it goes out.
func listed(name string, list any, next string) any {
	page := map[string]any{name: list}
	if next != "" {
		page["NextToken"] = next
	}
	return page
}
