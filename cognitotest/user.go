package cognitotest

// This file keeps the users: their attributes, and the names they go by.

import (
	"cmp"
	"maps"
	"math/big"
	"regexp"
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
	code       *confirmation
	created    time.Time
	modified   time.Time

	signOuts  int       // counts global sign-outs; tokens of earlier ones are dead
	signedOut time.Time // the last one
}

// A confirmation is the code that a new user must enter.
type confirmation struct {
	code      string
	attribute string // to which it was sent
	expires   time.Time
	wrong     int
}

// fold makes names that differ in case alone the same. New pools ignore case
// (developer guide, "User pool case sensitivity").
func fold(name string) string { return strings.ToLower(name) }

func aliasKey(attribute, value string) string { return attribute + "\x00" + fold(value) }

// AddUser adds a user who has signed up and is confirmed, as if there had been
// no trigger. The attributes are strings, as in an event; "sub" and
// "cognito:user_status" can be among them and are otherwise made up and
// CONFIRMED. Booleans are "true" and "false".
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
	return p.insert(u, false)
}

// SetPassword gives the user the password for [Pool.SignInSRP], and confirms
// the user, as AdminSetUserPassword with Permanent does.
func (p *Pool) SetPassword(name, password string) error {
	return p.setPassword(name, password, true)
}

func (p *Pool) setPassword(name, password string, permanent bool) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	u := p.find(name)
	if u == nil {
		return errUserNotFound()
	}
	v := newVerifier(p.name(), u.name, password)
	return p.update(u.name, func(u *user) error {
		u.password, u.status = &v, statusChangePassword
		if permanent {
			u.status = statusConfirmed
		}
		return nil
	})
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
	if u := p.users[fold(name)]; u != nil {
		return u
	}
	for _, attribute := range slices.Concat(p.config.UsernameAttributes, p.config.AliasAttributes) {
		if key, ok := p.aliases[aliasKey(attribute, name)]; ok {
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
	return uuid(p.derive("unknown user", fold(name)))
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
	if err := checkAttributes(attributes); err != nil {
		return nil, err
	}
	now := time.Now()
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

	if p.users[fold(u.name)] != nil {
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
	u.modified = time.Now()
	if err := change(&u); err != nil {
		return err
	}
	return p.linkLocked(old, &u, steal)
}

// linkLocked puts u in the place of old (nil for a new user), aliases included.
func (p *Pool) linkLocked(old, u *user, steal bool) error {
	self := fold(u.name)
	found := p.aliasesOf(u)
	for attribute, value := range found {
		owner, taken := p.aliases[aliasKey(attribute, value)]
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
	p.users[self] = u
	for attribute, value := range found {
		key := aliasKey(attribute, value)
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
	p.users[owner] = &u
}

func (p *Pool) unlinkLocked(u *user) {
	for attribute, value := range p.aliasesOf(u) {
		if key := aliasKey(attribute, value); p.aliases[key] == fold(u.name) {
			delete(p.aliases, key)
		}
	}
	delete(p.users, fold(u.name))
}

func (p *Pool) remove(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.findLocked(name)
	if u == nil {
		return errUserNotFound()
	}
	p.unlinkLocked(u)
	return nil
}

// isTrue reads a boolean attribute. They are strings, and not always lower case.
func isTrue(s string) bool { return strings.EqualFold(s, "true") }

var attributeForms = map[string]*regexp.Regexp{
	"phone_number":          regexp.MustCompile(`^\+[0-9]{4,15}$`),
	"email":                 regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`),
	"phone_number_verified": regexp.MustCompile(`^(?i:true|false)$`),
	"email_verified":        regexp.MustCompile(`^(?i:true|false)$`),
}

// standardAttributes are those of OpenID Connect that every pool has (developer
// guide, "Working with user attributes").
var standardAttributes = strings.Fields(`address birthdate email email_verified family_name gender
	given_name locale middle_name name nickname phone_number phone_number_verified picture
	preferred_username profile updated_at website zoneinfo`)

// checkAttributes checks names and values. Custom attributes need no schema.
func checkAttributes(attributes map[string]string) error {
	for name, value := range attributes {
		if !slices.Contains(standardAttributes, name) && !strings.HasPrefix(name, "custom:") {
			return errParameter("Attributes did not conform to the schema: Type for attribute {%s} could not be determined", clip(name)) // (observed)
		}
		if utf8.RuneCountInString(name) > 32 || utf8.RuneCountInString(value) > 2048 {
			return errParameter("Attributes did not conform to the schema: %.32s: String must be no longer than 2048 characters", name)
		}
		if form := attributeForms[name]; form == nil || value == "" || form.MatchString(value) {
			continue
		}
		switch name { // (observed)
		case "phone_number":
			return errParameter("Invalid phone number format.")
		case "email":
			return errParameter("Invalid email address format.")
		default:
			return errParameter("Attribute value for %s must be of boolean type", name)
		}
	}
	return nil
}

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

// checkPassword checks the length alone: 8 characters is the least in a new
// pool's policy, 256 the most in any.
func checkPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < 8:
		return failure("InvalidPasswordException", "Password did not conform with policy: Password not long enough") // (observed)
	case n > 256:
		return errConstraint("password", `Member must have length less than or equal to 256`)
	}
	return nil
}

// errConstraint is the error of a field that is out of its range (observed).
func errConstraint(field, rule string) error {
	return errParameter("1 validation error detected: Value at '%s' failed to satisfy constraint: %s", field, rule)
}

func errNull(field string) error { return errConstraint(field, "Member must not be null") }
