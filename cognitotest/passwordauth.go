package cognitotest

// This file is the sign-ins by password alone: USER_PASSWORD_AUTH,
// ADMIN_USER_PASSWORD_AUTH and USER_SRP_AUTH, and the challenge for a new
// password that follows a temporary one.

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"
)

const newPasswordRequired = "NEW_PASSWORD_REQUIRED"

// begin finds the user of a sign-in and runs PreAuthentication. The user is nil
// for an unknown one who is not to be told from a known one.
func (p *Pool) begin(ctx context.Context, c *Client, parameters, clientMetadata map[string]string) (*attempt, *user, error) {
	name := parameters["USERNAME"]
	if name == "" {
		return nil, nil, errMissing("USERNAME")
	}
	if err := checkName(name); err != nil {
		return nil, nil, err
	}
	a := &attempt{client: c, userName: p.internalName(name), byPassword: true}
	if err := c.checkHash(parameters["SECRET_HASH"], name, a.userName); err != nil {
		return nil, nil, err
	}
	u := p.find(name)
	switch {
	case u == nil && c.PreventUserExistenceErrors == existenceShown:
		return nil, nil, errUserNotFound()
	case u == nil:
		a.notFound = true
	case u.disabled:
		return nil, nil, errDisabled()
	}
	return a, u, p.preAuthentication(ctx, a, u, clientMetadata)
}

// startPassword is USER_PASSWORD_AUTH and ADMIN_USER_PASSWORD_AUTH.
func (p *Pool) startPassword(ctx context.Context, c *Client, parameters, clientMetadata map[string]string) (*authAnswer, error) {
	if parameters["PASSWORD"] == "" {
		return nil, errMissing("PASSWORD")
	}
	a, u, err := p.begin(ctx, c, parameters, clientMetadata)
	if err != nil {
		return nil, err
	}
	v := p.fakeVerifier(a.userName)
	if u != nil && u.password != nil {
		v = *u.password
	}
	if right := v.matches(p.name(), a.userName, parameters["PASSWORD"]); !right || a.notFound {
		return nil, errIncorrect()
	}
	return p.passwordProven(ctx, a, clientMetadata)
}

// startSRP is USER_SRP_AUTH. Its first answer has no Session: the client goes on
// with the secret block.
func (p *Pool) startSRP(ctx context.Context, c *Client, parameters, clientMetadata map[string]string) (*authAnswer, error) {
	if parameters[srpA] == "" {
		return nil, errMissing(srpA)
	}
	number, err := srpNumber(parameters[srpA])
	if err != nil {
		return nil, errParameter("Invalid SRP_A: %v", err)
	}
	a, u, err := p.begin(ctx, c, parameters, clientMetadata)
	if err != nil {
		return nil, err
	}
	v := p.fakeVerifier(a.userName)
	if u != nil && u.password != nil {
		v = *u.password
	}
	a.srp = newSRPServer(number, v, p.name(), a.userName)
	answer, err := p.askPassword(a)
	if err != nil {
		return nil, err
	}
	answer.Session = ""
	return answer, nil
}

// passwordProven goes on after the right password.
func (p *Pool) passwordProven(ctx context.Context, a *attempt, clientMetadata map[string]string) (*authAnswer, error) {
	u, err := p.subject(a)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errIncorrect()
	}
	switch {
	case u.status == statusUnconfirmed:
		return nil, failure("UserNotConfirmedException", "User is not confirmed.") // (observed)
	case u.status == statusReset:
		return nil, failure("PasswordResetRequiredException", "Password reset required for the user") // (observed)
	case u.status != statusChangePassword:
		return p.succeed(ctx, a, clientMetadata)
	case !u.passwordEnds.IsZero() && !p.now().Before(u.passwordEnds):
		return nil, errTemporaryEnded()
	}
	known, err := json.Marshal(u.attributes)
	if err != nil {
		return nil, err
	}
	pending := *a
	pending.challenge, pending.srp = newPasswordRequired, nil
	return p.ask(&pending, map[string]string{
		"USER_ID_FOR_SRP":    a.userName,
		"requiredAttributes": p.missing(u),
		"userAttributes":     string(known),
	})
}

// missing are the attributes that the user must give with the new password, as a
// JSON list.
func (p *Pool) missing(u *user) string {
	names := []string{}
	for name, a := range p.settings().schema.attributes {
		if a.Required && u.attributes[name] == "" {
			names = append(names, "userAttributes."+name)
		}
	}
	list, err := json.Marshal(names)
	if err != nil {
		panic(err) // strings cannot fail
	}
	return string(list)
}

// takeNewPassword answers NEW_PASSWORD_REQUIRED. A password that the policy does
// not take leaves the session as it is.
func (p *Pool) takeNewPassword(ctx context.Context, a *attempt, responses, clientMetadata map[string]string) (*authAnswer, error) {
	u, err := p.subject(a)
	if err != nil {
		return nil, err
	}
	if u == nil || u.status != statusChangePassword {
		return nil, errNotAuthorized("Invalid session for the user.")
	}
	v, err := p.newPassword(u, responses["NEW_PASSWORD"])
	if err != nil {
		return nil, err
	}
	attributes := make(map[string]string)
	for name, value := range responses {
		if name, ok := strings.CutPrefix(name, "userAttributes."); ok {
			attributes[name] = value
		}
	}
	schema := p.settings().schema
	if err := a.client.checkWritable(attributes); err != nil {
		return nil, err
	}
	if err := schema.check(attributes); err != nil {
		return nil, err
	}
	all := maps.Clone(u.attributes)
	maps.Copy(all, attributes)
	if err := schema.required(all); err != nil {
		return nil, err
	}
	if err := p.end(a); err != nil {
		return nil, err
	}
	err = p.update(u.name, func(u *user) error {
		for name, value := range attributes {
			u.put(name, value)
			if isAddress(name) {
				u.setCode(name, nil)
				u.put(name+"_verified", "false")
			}
		}
		u.takePassword(v, p.settings().passwords)
		u.status, u.passwordEnds = statusConfirmed, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.tokenSource = "TokenGeneration_NewPasswordChallenge"
	return p.succeed(ctx, a, clientMetadata)
}
