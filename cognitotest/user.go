package cognitotest

// This file keeps the users: their attributes, and the names they go by.

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Values of UserStatus.
const (
	statusUnconfirmed    = "UNCONFIRMED"
	statusConfirmed      = "CONFIRMED"
	statusChangePassword = "FORCE_CHANGE_PASSWORD"
)

// A user is never changed after it went into the pool; changes make a copy.
type user struct {
	name       string // as it was given, or the sub
	sub        string
	status     string
	attributes map[string]string // without sub and cognito:*
	password   *verifier         // nil: the user has none
	passwords  []*verifier       // earlier ones, newest first, that the policy wants to know
	disabled   bool
	groups     []*group         // those that are gone included
	codes      map[string]*code // by what they are for
	created    time.Time
	modified   time.Time

	passwordEnds time.Time // zero, but for a temporary password

	signOuts  int       // counts global sign-outs; tokens of earlier ones are dead
	signedOut time.Time // the last one
}

// signOut ends the tokens of all sign-ins until now.
func (u *user) signOut(now time.Time) {
	u.signOuts++
	u.signedOut = now
}

// fold makes names that differ in case alone the same. New pools ignore case
// (developer guide, "User pool case sensitivity").
func (p *Pool) fold(name string) string {
	if p.config.CaseSensitive {
		return name
	}
	return strings.ToLower(name)
}

func (p *Pool) aliasKey(attribute, value string) string { return attribute + "\x00" + p.fold(value) }

// AddUser adds a user who has signed up and is confirmed, as if there had been
// no trigger. The attributes are strings, as in an event; "sub" and
// "cognito:user_status" can be among them and are otherwise made up and
// CONFIRMED. Booleans are "true" and "false". An address of which nothing is
// said is not verified, "false", but for FORCE_CHANGE_PASSWORD: the service says
// nothing of the address of a user whom an administrator has made.
//
// In a pool with UsernameAttributes, name may be empty (it is then the sub, as
// in the service) or that attribute's value. AddUser fails as SignUp does, for
// example when the name is taken.
func (p *Pool) AddUser(name string, attributes map[string]string) error {
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = make(map[string]string)
	}
	sub := cmp.Or(attributes["sub"], uuid(random(16)))
	status := cmp.Or(attributes["cognito:user_status"], statusConfirmed)
	delete(attributes, "sub")
	delete(attributes, "cognito:user_status")

	if name == "" && len(p.config.UsernameAttributes) > 0 {
		for _, a := range p.config.UsernameAttributes {
			name = cmp.Or(name, attributes[a])
		}
	}
	u, err := p.newUser(name, sub, status, attributes)
	if err != nil {
		return err
	}
	if status != statusChangePassword {
		unverified(u.attributes)
	}
	return p.insert(u, false)
}

// Attributes returns what a trigger is told about the user, or nil if there is
// no such user. The name may be an alias.
func (p *Pool) Attributes(name string) map[string]string {
	u := p.find(name)
	if u == nil {
		return nil
	}
	return p.attributes(u)
}

// attributes are the user's attributes as triggers get them.
func (p *Pool) attributes(u *user) map[string]string {
	a := maps.Clone(u.attributes)
	a["sub"] = u.sub
	a["cognito:user_status"] = u.status
	if !u.signedOut.IsZero() {
		a["cognito:token_nbf"] = strconv.FormatInt(u.signedOut.UnixMilli(), 10)
	}
	for key, value := range p.aliasesOf(u) {
		if key != "preferred_username" {
			a["cognito:"+key+"_alias"] = value
		}
	}
	return a
}

// name is the part of the pool ID that SRP calls the pool's name.
func (p *Pool) name() string {
	_, name, _ := strings.Cut(p.config.ID, "_")
	return name
}

// find returns the user with this name or alias, or nil.
func (p *Pool) find(name string) *user {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.findLocked(name)
}

func (p *Pool) findLocked(name string) *user {
	if u := p.users[p.fold(name)]; u != nil {
		return u
	}
	for _, attribute := range slices.Concat(p.config.UsernameAttributes, p.config.AliasAttributes) {
		if key, ok := p.aliases[p.aliasKey(attribute, name)]; ok {
			return p.users[key]
		}
	}
	return nil
}

// internalName is the USERNAME that the pool uses for a name: the user's own, or
// for somebody unknown a made-up UUID, the same one every time.
func (p *Pool) internalName(name string) string {
	if u := p.find(name); u != nil {
		return u.name
	}
	return uuid(p.derive("unknown user", p.fold(name)))
}

// fakeVerifier stands for the password of a user who does not exist or has none.
// It is the same every time, and nobody knows a password for it.
func (p *Pool) fakeVerifier(userName string) verifier {
	var v []byte
	for i := range 12 { // 12 hashes are as long as N
		v = append(v, p.derive("verifier "+strconv.Itoa(i), userName)...)
	}
	return verifier{
		salt: new(big.Int).SetBytes(p.derive("salt", userName)[:16]),
		v:    new(big.Int).Mod(new(big.Int).SetBytes(v), srpN),
	}
}

// newUser checks a new user and makes it, without adding it to the pool.
func (p *Pool) newUser(name, sub, status string, attributes map[string]string) (*user, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if len(p.config.UsernameAttributes) > 0 {
		attribute, err := p.usernameAttribute(name)
		if err != nil {
			return nil, err
		}
		attributes[attribute] = cmp.Or(attributes[attribute], name)
		name = sub
	}
	if err := p.settings().schema.check(attributes); err != nil {
		return nil, err
	}
	now := p.now()
	return &user{name: name, sub: sub, status: status, attributes: attributes, created: now, modified: now}, nil
}

// usernameAttribute tells which attribute a name is, by its form.
func (p *Pool) usernameAttribute(name string) (string, error) {
	allowed := p.config.UsernameAttributes
	for _, a := range allowed {
		if attributeForms[a].MatchString(name) {
			return a, nil
		}
	}
	switch { // (observed)
	case len(allowed) > 1:
		return "", errParameter("Username should be either an email or a phone number.")
	case allowed[0] == "email":
		return "", errParameter("Username should be an email.")
	default:
		return "", errParameter("Username should be a phone number.")
	}
}

// aliasesOf are the attributes by which the user can sign in.
func (p *Pool) aliasesOf(u *user) map[string]string {
	found := make(map[string]string)
	for _, a := range p.config.UsernameAttributes {
		if u.attributes[a] != "" {
			found[a] = u.attributes[a]
		}
	}
	if u.status == statusUnconfirmed {
		return found
	}
	for _, a := range p.config.AliasAttributes {
		if u.attributes[a] != "" && (a == "preferred_username" || isTrue(u.attributes[a+"_verified"])) {
			found[a] = u.attributes[a]
		}
	}
	return found
}

// insert adds a new user. With steal, addresses that are aliases move away from
// their owners; other aliases, and those that are user names, never do.
func (p *Pool) insert(u *user, steal bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.users[p.fold(u.name)] != nil {
		return failure("UsernameExistsException", "User already exists") // (observed)
	}
	return p.linkLocked(nil, u, steal)
}

// update changes a copy of the user and puts it in the user's place.
func (p *Pool) update(name string, change func(*user) error) error {
	return p.updateAlias(name, false, change)
}

func (p *Pool) updateAlias(name string, steal bool, change func(*user) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()

	old := p.findLocked(name)
	if old == nil {
		return errUserNotFound()
	}
	u := *old
	u.attributes = maps.Clone(old.attributes)
	u.modified = p.now()
	if err := change(&u); err != nil {
		return err
	}
	return p.linkLocked(old, &u, steal)
}

// linkLocked puts u in the place of old (nil for a new user), aliases included.
func (p *Pool) linkLocked(old, u *user, steal bool) error {
	self := p.fold(u.name)
	found := p.aliasesOf(u)
	for attribute, value := range found {
		owner, taken := p.aliases[p.aliasKey(attribute, value)]
		canMove := steal && len(p.config.UsernameAttributes) == 0 && attribute != "preferred_username"
		if taken && owner != self && !canMove {
			kind := "AliasExistsException"
			if old == nil && len(p.config.UsernameAttributes) > 0 {
				kind = "UsernameExistsException"
			}
			return failure(kind, "An account with the given %s already exists.", attribute) // (observed)
		}
	}

	if old != nil {
		p.unlinkLocked(old)
	}
	p.putLocked(u)
	for attribute, value := range found {
		key := p.aliasKey(attribute, value)
		if owner, taken := p.aliases[key]; taken && owner != self {
			p.loseLocked(owner, attribute)
		}
		p.aliases[key] = self
	}
	return nil
}

// loseLocked takes an alias away from its owner: the attribute stays, unverified.
func (p *Pool) loseLocked(owner, attribute string) {
	u := *p.users[owner]
	u.attributes = maps.Clone(u.attributes)
	u.attributes[attribute+"_verified"] = "false"
	p.putLocked(&u)
}

// unlinkLocked takes away the aliases of a user.
func (p *Pool) unlinkLocked(u *user) {
	for attribute, value := range p.aliasesOf(u) {
		if key := p.aliasKey(attribute, value); p.aliases[key] == p.fold(u.name) {
			delete(p.aliases, key)
		}
	}
}

func (p *Pool) remove(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.findLocked(name)
	if u == nil {
		return errUserNotFound()
	}
	p.unlinkLocked(u)
	p.dropUserLocked(u)
	return nil
}

// isTrue reads a boolean attribute. They are strings, and not always lower case.
func isTrue(s string) bool { return strings.EqualFold(s, "true") }

// checkName checks a user name (API reference, UsernameType).
func checkName(name string) error {
	switch {
	case name == "":
		return errNull("username")
	case utf8.RuneCountInString(name) > 128:
		return errConstraint("username", "Member must have length less than or equal to 128")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	}):
		return errConstraint("username", `Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
	}
	return nil
}

// errConstraint is the error of a field that is out of its range (observed).
func errConstraint(field, rule string) error {
	return errParameter("1 validation error detected: Value at '%s' failed to satisfy constraint: %s", field, rule)
}

func errNull(field string) error { return errConstraint(field, "Member must not be null") }
