package cognitotest

// This file is what a password must be like, and the passwords that users have.

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A PasswordPolicy is what the passwords of a pool must be like. The zero value
// is the service's default: 8 characters, with an upper case letter, a lower
// case letter, a digit and a symbol. A policy with any field set counts as it
// is, so one that sets MinimumLength alone wants no kind of character.
type PasswordPolicy struct {
	// MinimumLength is 6 to 99 characters. Default 8.
	MinimumLength int

	RequireUppercase bool // A to Z
	RequireLowercase bool // a to z
	RequireNumbers   bool // 0 to 9
	RequireSymbols   bool // a space inside, and ^ $ * . [ ] { } ( ) ? " ! @ # % & / \ , > < ' : ; | _ ~ ` = + -

	// PasswordHistorySize is how many passwords, the present one included, a new
	// one must differ from: 0 to 24. Default none.
	PasswordHistorySize int

	// TemporaryPasswordValidityDays is how long the password of a user whom an
	// administrator has made can be used: 1 to 365 days. Default 7.
	TemporaryPasswordValidityDays int
}

// passwordSymbols are what counts as a symbol, a space inside of the password
// included (developer guide, "Password requirements").
const passwordSymbols = " ^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-"

// complete fills in the defaults and checks the ranges of the API reference.
func (p *PasswordPolicy) complete() error {
	if *p == (PasswordPolicy{}) {
		*p = PasswordPolicy{RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true}
	}
	if p.MinimumLength == 0 {
		p.MinimumLength = 8
	}
	if p.TemporaryPasswordValidityDays == 0 {
		p.TemporaryPasswordValidityDays = 7
	}
	for _, r := range []struct {
		name              string
		value, least, max int
	}{
		{"MinimumLength", p.MinimumLength, 6, 99},
		{"PasswordHistorySize", p.PasswordHistorySize, 0, 24},
		{"TemporaryPasswordValidityDays", p.TemporaryPasswordValidityDays, 1, 365},
	} {
		if r.value < r.least || r.value > r.max {
			return fmt.Errorf("cognitotest: PasswordPolicy: %s is %d: want %d to %d", r.name, r.value, r.least, r.max)
		}
	}
	return nil
}

// check reports what the policy has against a password.
func (p PasswordPolicy) check(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n > 256: // API reference, PasswordType
		return errConstraint("password", `Member must have length less than or equal to 256`)
	case strings.TrimSpace(password) != password:
		return errConstraint("password", `Member must satisfy regular expression pattern: [\S]+`)
	case n < p.MinimumLength:
		return errPolicy("Password not long enough")
	}
	for _, kind := range []struct {
		required bool
		name     string
		is       func(rune) bool
	}{
		{p.RequireUppercase, "uppercase", func(r rune) bool { return 'A' <= r && r <= 'Z' }},
		{p.RequireLowercase, "lowercase", func(r rune) bool { return 'a' <= r && r <= 'z' }},
		{p.RequireNumbers, "numeric", func(r rune) bool { return '0' <= r && r <= '9' }},
		{p.RequireSymbols, "symbol", func(r rune) bool { return strings.ContainsRune(passwordSymbols, r) }},
	} {
		if kind.required && !strings.ContainsFunc(password, kind.is) {
			return errPolicy("Password must have " + kind.name + " characters")
		}
	}
	return nil
}

// temporaryPassword makes one that the policy takes.
func (p PasswordPolicy) temporaryPassword() string {
	password := "Tmp-" + digits() + "-" + digits()
	return password + strings.Repeat("x", max(0, p.MinimumLength-len(password)))
}

func errPolicy(text string) error { // (observed)
	return failure("InvalidPasswordException", "Password did not conform with policy: %s", text)
}

// SetPassword gives the user the password for [Pool.SignInSRP], and confirms
// the user, as AdminSetUserPassword with Permanent does. The pool's
// PasswordPolicy applies.
func (p *Pool) SetPassword(name, password string) error {
	return p.setPassword(name, password, true)
}

// setPassword gives the user another password, a temporary one unless it is
// permanent.
func (p *Pool) setPassword(name, password string, permanent bool) error {
	u := p.find(name)
	if u == nil {
		return errUserNotFound()
	}
	v, err := p.newPassword(u, password)
	if err != nil {
		return err
	}
	return p.update(u.name, func(u *user) error {
		policy := p.settings().passwords
		u.takePassword(v, policy)
		if !permanent {
			u.temporary(p.now(), policy)
			return nil
		}
		u.status, u.passwordEnds = statusConfirmed, time.Time{}
		return nil
	})
}

// newPassword checks a password that is to be the user's.
func (p *Pool) newPassword(u *user, password string) (verifier, error) {
	policy := p.settings().passwords
	if err := policy.check(password); err != nil {
		return verifier{}, err
	}
	if u.usedBefore(p.name(), password, policy.PasswordHistorySize) {
		return verifier{}, failure("PasswordHistoryPolicyViolationException", "Password has previously been used")
	}
	return newVerifier(p.name(), u.name, password), nil
}

// takePassword makes a password the user's and keeps the earlier ones that the
// policy wants to know.
func (u *user) takePassword(v verifier, policy PasswordPolicy) {
	if u.password != nil && policy.PasswordHistorySize > 1 {
		earlier := append([]*verifier{u.password}, u.passwords...)
		u.passwords = slices.Clip(earlier[:min(len(earlier), policy.PasswordHistorySize-1)])
	}
	u.password = &v
}

// temporary makes the user's password one that must be changed.
func (u *user) temporary(now time.Time, policy PasswordPolicy) {
	u.status = statusChangePassword
	u.passwordEnds = now.AddDate(0, 0, policy.TemporaryPasswordValidityDays)
}

// usedBefore reports whether the password is one of the newest n of the user.
func (u *user) usedBefore(poolName, password string, n int) bool {
	known := u.passwords
	if u.password != nil {
		known = append([]*verifier{u.password}, known...)
	}
	return slices.ContainsFunc(known[:min(len(known), n)], func(v *verifier) bool {
		return v.matches(poolName, u.name, password)
	})
}

// errTemporaryEnded is the end of a temporary password.
func errTemporaryEnded() error { // (observed)
	return errNotAuthorized("Temporary password has expired and must be reset by an administrator.")
}
