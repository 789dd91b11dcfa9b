package cognitotest

// This file keeps a pool over the end of its process.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// stateVersion changes when a state of before cannot be read any more.
const stateVersion = 1

// A savedState is a pool's state as JSON.
type savedState struct {
	Version int
	ID      string // of the pool
	Secret  []byte
	Created time.Time
	Groups  []savedGroup
	Users   []savedUser
	Revoked map[string]savedRevocation
	Rotated map[string]savedRevocation
}

type savedUser struct {
	Name       string
	Sub        string
	Status     string
	Attributes map[string]string
	Password   *savedVerifier       `json:",omitempty"`
	Passwords  []savedVerifier      `json:",omitempty"`
	Disabled   bool                 `json:",omitempty"`
	Groups     []string             `json:",omitempty"`
	Codes      map[string]savedCode `json:",omitempty"`
	Created    time.Time
	Modified   time.Time

	PasswordEnds time.Time `json:",omitzero"`

	SignOuts  int       `json:",omitempty"`
	SignedOut time.Time `json:",omitzero"`
}

type savedGroup struct {
	Name        string
	Description string `json:",omitempty"`
	Role        string `json:",omitempty"`
	Precedence  *int   `json:",omitempty"`
	Created     time.Time
	Modified    time.Time
}

type savedVerifier struct{ Salt, V *big.Int }

type savedCode struct {
	Digits    string
	Attribute string
	Address   string
	Expires   time.Time
	Wrong     int `json:",omitempty"`
}

type savedRevocation struct{ Ends, Expires time.Time }

// Save writes what the pool knows: its users and groups, what was revoked, and the
// secret by which it knows the refresh tokens that it has issued. Not the key, nor
// sign-ins that wait for an answer, nor what CreateUserPool, UpdateUserPool and the
// like made. It is as secret as the users' passwords are.
func (p *Pool) Save(w io.Writer) error {
	state := savedState{Version: stateVersion, ID: p.config.ID, Secret: p.secret, Created: p.created}
	p.mu.Lock()
	for _, g := range p.groups {
		state.Groups = append(state.Groups, savedGroup{g.name, g.description, g.role, g.precedence, g.created, g.modified})
	}
	for _, u := range p.users {
		s := u.saved()
		for _, g := range p.groupsLocked(u) {
			s.Groups = append(s.Groups, g.name)
		}
		state.Users = append(state.Users, s)
	}
	p.mu.Unlock()

	state.Revoked, state.Rotated = p.revoked.saved(), p.rotated.saved()
	if err := json.NewEncoder(w).Encode(state); err != nil {
		return fmt.Errorf("cognitotest: save: %w", err)
	}
	return nil
}

// Restore reads what [Pool.Save] wrote into a new pool, before anybody uses it:
// one with the ID of the old one, and the same Key if tokens are to stay valid.
func (p *Pool) Restore(r io.Reader) error {
	var state savedState
	if err := json.NewDecoder(r).Decode(&state); err != nil {
		return fmt.Errorf("cognitotest: restore: %w", err)
	}
	switch {
	case state.Version != stateVersion:
		return fmt.Errorf("cognitotest: restore: version %d: want %d", state.Version, stateVersion)
	case state.ID != p.config.ID:
		return fmt.Errorf("cognitotest: restore: it is of the pool %q, this is %q", state.ID, p.config.ID)
	case len(state.Secret) < 32:
		return errors.New("cognitotest: restore: the secret is too short")
	}
	p.secret, p.created = state.Secret, state.Created
	p.revoked.restore(state.Revoked)
	p.rotated.restore(state.Rotated)
	p.restoreGroups(state.Groups)
	for _, s := range state.Users {
		if s.Name == "" || s.Sub == "" {
			return errors.New("cognitotest: restore: a user without a name")
		}
		if err := p.insert(p.member(s), false); err != nil {
			return fmt.Errorf("cognitotest: restore: user %q: %w", s.Name, err)
		}
	}
	return nil
}

func (p *Pool) restoreGroups(saved []savedGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range saved {
		if p.groups[s.Name] != nil {
			continue
		}
		p.groups[s.Name] = &group{name: s.Name, description: s.Description, role: s.Role, precedence: s.Precedence, created: s.Created, modified: s.Modified}
		p.groupNames.add(s.Name)
	}
}

// member makes the user and a member of the groups.
func (p *Pool) member(s savedUser) *user {
	u := s.user()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range s.Groups {
		if g := p.groups[name]; g != nil {
			u.groups = append(u.groups, g)
			g.members.add(p.fold(u.name))
		}
	}
	return u
}

func (u *user) saved() savedUser {
	s := savedUser{
		Name:         u.name,
		Sub:          u.sub,
		Status:       u.status,
		Attributes:   u.attributes,
		Disabled:     u.disabled,
		Created:      u.created,
		Modified:     u.modified,
		PasswordEnds: u.passwordEnds,
		SignOuts:     u.signOuts,
		SignedOut:    u.signedOut,
	}
	if u.password != nil {
		s.Password = &savedVerifier{u.password.salt, u.password.v}
	}
	for _, v := range u.passwords {
		s.Passwords = append(s.Passwords, savedVerifier{v.salt, v.v})
	}
	for purpose, c := range u.codes {
		if s.Codes == nil {
			s.Codes = make(map[string]savedCode)
		}
		s.Codes[purpose] = savedCode{c.digits, c.attribute, c.address, c.expires, c.wrong}
	}
	return s
}

func (s savedUser) user() *user {
	u := &user{
		name:         s.Name,
		sub:          s.Sub,
		status:       s.Status,
		attributes:   s.Attributes,
		disabled:     s.Disabled,
		created:      s.Created,
		modified:     s.Modified,
		passwordEnds: s.PasswordEnds,
		signOuts:     s.SignOuts,
		signedOut:    s.SignedOut,
	}
	if u.attributes == nil {
		u.attributes = make(map[string]string)
	}
	if s.Password != nil {
		u.password = s.Password.verifier()
	}
	for _, v := range s.Passwords {
		if old := v.verifier(); old != nil {
			u.passwords = append(u.passwords, old)
		}
	}
	for purpose, c := range s.Codes {
		u.setCode(purpose, &code{c.Digits, c.Attribute, c.Address, c.Expires, c.Wrong})
	}
	return u
}

// verifier is nil for one that is not whole.
func (v savedVerifier) verifier() *verifier {
	if v.Salt == nil || v.V == nil {
		return nil
	}
	return &verifier{v.Salt, v.V}
}

func (r *revocations) saved() map[string]savedRevocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	saved := make(map[string]savedRevocation, len(r.ids))
	for id, at := range r.ids {
		saved[id] = savedRevocation{at.ends, at.expires}
	}
	return saved
}

func (r *revocations) restore(saved map[string]savedRevocation) {
	for id, at := range saved {
		r.endAt(id, at.Ends, at.Expires)
	}
}
