package cognitotest

// This file is the operations by which users change a password, or get a new one.

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// resetValidity is how long the code of ForgotPassword is valid (developer
// guide, "Recovering passwords").
const resetValidity = time.Hour

const (
	codeReset = "ForgotPassword"

	statusReset = "RESET_REQUIRED"
)

type forgotIn struct {
	ClientId       string
	SecretHash     string
	Username       string
	ClientMetadata map[string]string
}

func (p *Pool) opForgotPassword(ctx context.Context, in forgotIn) (any, error) {
	c, u, err := p.signingUp(in.ClientId, in.SecretHash, in.Username)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return map[string]any{"CodeDeliveryDetails": p.fakeDelivery(in.Username)}, nil
	}
	switch {
	case u.disabled:
		return nil, errDisabled()
	case u.status == statusChangePassword:
		return nil, errNotAuthorized("User password cannot be reset in the current state.") // (observed)
	}
	d, err := p.sendReset(ctx, u.name, c.ID, in.ClientMetadata, func(*user) {})
	if err != nil {
		return nil, err
	}
	return map[string]any{"CodeDeliveryDetails": d}, nil
}

// sendReset sends the code for a new password, to an address that is verified.
func (p *Pool) sendReset(ctx context.Context, name, clientID string, clientMetadata map[string]string, also func(*user)) (deliveryDetails, error) {
	var sent *user
	err := p.update(name, func(u *user) error {
		sent = u
		for _, a := range addresses {
			if u.attributes[a] != "" && isTrue(u.attributes[a+"_verified"]) && u.status != statusUnconfirmed {
				u.setCode(codeReset, p.newCodeFor(a, u.attributes[a], resetValidity))
				also(u)
				return nil
			}
		}
		return errParameter("Cannot reset password for the user as there is no registered/verified email or phone_number") // (observed)
	})
	if err != nil {
		return deliveryDetails{}, err
	}
	c := sent.codes[codeReset]
	return p.deliver(ctx, sent, message{
		source:         "CustomMessage_ForgotPassword",
		clientID:       clientID,
		clientMetadata: clientMetadata,
		attribute:      c.attribute,
		to:             c.address,
		code:           c.digits,
		text:           "Your password reset code is " + codeParameter,
	})
}

// fakeDelivery is where a message for nobody seems to go, always the same place.
func (p *Pool) fakeDelivery(name string) deliveryDetails {
	end := binary.BigEndian.Uint16(p.derive("destination", p.fold(name))) % 10_000
	return delivery("phone_number", fmt.Sprintf("+0000000%04d", end))
}

type confirmForgotIn struct {
	ClientId         string
	SecretHash       string
	Username         string
	ConfirmationCode string
	Password         string
	ClientMetadata   map[string]string
}

func (p *Pool) opConfirmForgotPassword(ctx context.Context, in confirmForgotIn) (any, error) {
	c, u, err := p.signingUp(in.ClientId, in.SecretHash, in.Username)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errExpiredCode()
	}
	v, err := p.newPassword(u, in.Password)
	if err != nil {
		return nil, err
	}
	err = p.spendCode(u.name, codeReset, in.ConfirmationCode, false, func(u *user, _ *code) error {
		u.takePassword(v, p.settings().passwords)
		u.status, u.passwordEnds = statusConfirmed, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done{}, p.confirmed(ctx, "PostConfirmation_ConfirmForgotPassword", c.ID, u.name, in.ClientMetadata)
}

type changePasswordIn struct{ AccessToken, PreviousPassword, ProposedPassword string }

// opChangePassword lets a user without a password set one.
func (p *Pool) opChangePassword(_ context.Context, in changePasswordIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	if u.password != nil && !u.password.matches(p.name(), u.name, in.PreviousPassword) {
		return nil, errIncorrect()
	}
	v, err := p.newPassword(u, in.ProposedPassword)
	if err != nil {
		return nil, err
	}
	return done{}, p.update(u.name, func(u *user) error {
		u.takePassword(v, p.settings().passwords)
		return nil
	})
}

// opAdminResetUserPassword sends a code, without which the user can sign in with
// no password.
func (p *Pool) opAdminResetUserPassword(ctx context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if u.status == statusChangePassword {
		return nil, errNotAuthorized("User password cannot be reset in the current state.")
	}
	_, err = p.sendReset(ctx, u.name, noClient, in.ClientMetadata, func(u *user) { u.status = statusReset })
	return done{}, err
}
