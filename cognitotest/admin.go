package cognitotest

// This file is the operations of administrators. No signature is checked.

import (
	"cmp"
	"context"
	"time"
)

// checkPool checks the UserPoolId that every operation here has.
func (p *Pool) checkPool(id string) error {
	if id != p.config.ID {
		return failure("ResourceNotFoundException", "User pool %s does not exist.", clip(id)) // (observed)
	}
	return nil
}

// adminUser finds the user of an operation.
func (p *Pool) adminUser(poolID, name string) (*user, error) {
	if err := p.checkPool(poolID); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if u := p.find(name); u != nil {
		return u, nil
	}
	return nil, errUserNotFound()
}

type adminInitiateAuthIn struct {
	UserPoolId     string
	AuthFlow       string
	AuthParameters map[string]string
	ClientId       string
	ClientMetadata map[string]string
}

func (p *Pool) opAdminInitiateAuth(ctx context.Context, in adminInitiateAuthIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	return p.initiate(ctx, initiateAuthIn{in.AuthFlow, in.AuthParameters, in.ClientId, in.ClientMetadata}, true)
}

type adminRespondIn struct {
	UserPoolId         string
	ChallengeName      string
	ChallengeResponses map[string]string
	ClientId           string
	ClientMetadata     map[string]string
	Session            string
}

func (p *Pool) opAdminRespondToAuthChallenge(ctx context.Context, in adminRespondIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	return p.opRespondToAuthChallenge(ctx, respondIn{in.ChallengeName, in.ChallengeResponses, in.ClientId, in.ClientMetadata, in.Session})
}

type adminCreateUserIn struct {
	UserPoolId         string
	Username           string
	UserAttributes     []attribute
	ValidationData     []attribute
	ClientMetadata     map[string]string
	TemporaryPassword  string
	MessageAction      string
	ForceAliasCreation bool
}

// opAdminCreateUser makes a user who must change the password; a custom sign-in
// works without that.
func (p *Pool) opAdminCreateUser(ctx context.Context, in adminCreateUserIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	policy := p.settings().passwords
	password := cmp.Or(in.TemporaryPassword, policy.temporaryPassword())
	if err := policy.check(password); err != nil {
		return nil, err
	}
	if in.MessageAction == "RESEND" {
		return p.resendInvitation(ctx, in, password)
	}

	attributes := attributeMap(in.UserAttributes)
	delete(attributes, "sub") // some tools send it back
	u, err := p.newUser(in.Username, uuid(random(16)), statusChangePassword, attributes)
	if err != nil {
		return nil, err
	}
	if err := p.free(u); err != nil {
		return nil, err
	}
	_, err = p.preSignUp(ctx, "PreSignUp_AdminCreateUser", noClient, u, in.ValidationData, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	u.takePassword(newVerifier(p.name(), u.name, password), policy)
	u.temporary(p.now(), policy)
	if err := p.insert(u, in.ForceAliasCreation); err != nil {
		return nil, err
	}
	if in.MessageAction != "SUPPRESS" {
		if err := p.invite(ctx, u, password, in.ClientMetadata); err != nil {
			return nil, err
		}
	}
	return map[string]any{"User": p.userType(u)}, nil
}

// noClient is how events and the pool say that no app client is involved
// (observed).
const noClient = "CLIENT_ID_NOT_APPLICABLE"

func (p *Pool) resendInvitation(ctx context.Context, in adminCreateUserIn, password string) (any, error) {
	u := p.find(in.Username)
	if u == nil {
		return nil, errUserNotFound()
	}
	if u.status != statusChangePassword {
		return nil, failure("UnsupportedUserStateException", "Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.name)
	}
	if err := p.setPassword(u.name, password, false); err != nil {
		return nil, err
	}
	if u = p.find(u.name); u == nil {
		return nil, errUserNotFound()
	}
	if err := p.invite(ctx, u, password, in.ClientMetadata); err != nil {
		return nil, err
	}
	return map[string]any{"User": p.userType(u)}, nil
}

// invite sends the temporary password to the phone number or e-mail address.
func (p *Pool) invite(ctx context.Context, u *user, password string, clientMetadata map[string]string) error {
	for _, a := range addresses {
		to := u.attributes[a]
		if to == "" {
			continue
		}
		_, err := p.deliver(ctx, u, message{
			source:         "CustomMessage_AdminCreateUser",
			clientID:       noClient,
			clientMetadata: clientMetadata,
			attribute:      a,
			to:             to,
			code:           password,
			text:           "Your username is " + nameParameter + " and temporary password is " + codeParameter + ".",
			named:          true,
		})
		return err
	}
	return nil
}

// A userType is UserType of the API.
type userType struct {
	Username             string
	Attributes           []attribute
	UserCreateDate       float64
	UserLastModifiedDate float64
	Enabled              bool
	UserStatus           string
}

func (p *Pool) userType(u *user) userType {
	return userType{u.name, attributeList(p.attributes(u)), epoch(u.created), epoch(u.modified), !u.disabled, u.status}
}

// epoch is how the API writes times: seconds since 1970.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type adminUserIn struct {
	UserPoolId     string
	Username       string
	ClientMetadata map[string]string
}

func (p *Pool) opAdminGetUser(_ context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	l := p.userType(u)
	return map[string]any{
		"Username":             l.Username,
		"UserAttributes":       l.Attributes,
		"UserCreateDate":       l.UserCreateDate,
		"UserLastModifiedDate": l.UserLastModifiedDate,
		"Enabled":              l.Enabled,
		"UserStatus":           l.UserStatus,
	}, nil
}

type adminPasswordIn struct {
	UserPoolId string
	Username   string
	Password   string
	Permanent  bool
}

func (p *Pool) opAdminSetUserPassword(_ context.Context, in adminPasswordIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.setPassword(u.name, in.Password, in.Permanent)
}

func (p *Pool) opAdminConfirmSignUp(ctx context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	err = p.update(u.name, func(u *user) error {
		if u.status != statusUnconfirmed {
			return errNotUnconfirmed(u)
		}
		u.status = statusConfirmed
		u.setCode(codeSignUp, nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done{}, p.postConfirmation(ctx, noClient, u.name, in.ClientMetadata)
}

func (p *Pool) opAdminDeleteUser(_ context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.remove(u.name)
}

func (p *Pool) opAdminUserGlobalSignOut(_ context.Context, in adminUserIn) (any, error) {
	return p.changeUser(in, func(u *user) { u.signOut(p.now()) })
}

// opAdminDisableUser ends the user's tokens too (API reference).
func (p *Pool) opAdminDisableUser(_ context.Context, in adminUserIn) (any, error) {
	return p.changeUser(in, func(u *user) {
		u.disabled = true
		u.signOuts++
	})
}

func (p *Pool) opAdminEnableUser(_ context.Context, in adminUserIn) (any, error) {
	return p.changeUser(in, func(u *user) { u.disabled = false })
}

func (p *Pool) changeUser(in adminUserIn, change func(*user)) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.update(u.name, func(u *user) error {
		change(u)
		return nil
	})
}
