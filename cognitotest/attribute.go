package cognitotest

// This file changes, verifies and removes attributes of users.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// addresses are the attributes that messages go to. Which of two is used first
// is the order here: a user who signs up with both is sent a text (developer
// guide, "Signing up and confirming user accounts").
var addresses = []string{"phone_number", "email"}

func isAddress(attribute string) bool { return slices.Contains(addresses, attribute) }

// checkVerification checks AutoVerifiedAttributes and
// AttributesRequireVerificationBeforeUpdate.
func checkVerification(auto, first []string) error {
	for _, a := range auto {
		if !isAddress(a) {
			return fmt.Errorf("cognitotest: AutoVerifiedAttributes: %q is not phone_number or email", a)
		}
	}
	for _, a := range first {
		if !slices.Contains(auto, a) {
			return fmt.Errorf("cognitotest: AttributesRequireVerificationBeforeUpdate: %q is not among AutoVerifiedAttributes", a)
		}
	}
	return nil
}

// A change is a request to change attributes of a user.
type change struct {
	attributes     map[string]string // an empty value removes one
	clientID       string
	clientMetadata map[string]string
}

// setAttributes changes attributes and sends the codes that verify new
// addresses, where the pool does that. An address that changes is no longer
// verified, unless the change says that it is; where verification comes before
// the update, the old one stays until the code has come back.
func (p *Pool) setAttributes(ctx context.Context, name string, c change) ([]deliveryDetails, error) {
	if _, ok := c.attributes["sub"]; ok {
		return nil, errParameter("user.sub: Attribute cannot be updated.") // (observed)
	}
	schema := p.settings().schema
	if err := cmp.Or(schema.check(c.attributes), schema.mutable(c.attributes)); err != nil {
		return nil, err
	}
	var changed *user
	var sent []*code
	err := p.update(name, func(u *user) error {
		changed, sent = u, nil
		for name, value := range c.attributes {
			if !isAddress(name) && !isAddress(strings.TrimSuffix(name, "_verified")) {
				u.put(name, value)
			}
		}
		for _, address := range addresses {
			if code := p.setAddress(u, address, c.attributes); code != nil {
				sent = append(sent, code)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	details := []deliveryDetails{}
	for _, code := range sent {
		d, err := p.deliver(ctx, changed, message{
			source:         "CustomMessage_UpdateUserAttribute",
			clientID:       c.clientID,
			clientMetadata: c.clientMetadata,
			attribute:      code.attribute,
			to:             code.address,
			code:           code.digits,
			text:           codeText,
		})
		if err != nil {
			return nil, err
		}
		details = append(details, d)
	}
	return details, nil
}

// setAddress changes a phone number or e-mail address, and whether it is
// verified. It returns the code that the user has to be sent, if any.
func (p *Pool) setAddress(u *user, address string, changes map[string]string) *code {
	verified, told := changes[address+"_verified"]
	value, given := changes[address]
	if !given || value == u.attributes[address] {
		if told {
			u.put(address+"_verified", verified)
		}
		return nil
	}
	u.setCode(address, nil) // it was for another address
	auto := slices.Contains(p.settings().autoVerified, address) && value != "" && !isTrue(verified)
	if auto && slices.Contains(p.settings().verifyFirst, address) {
		c := p.newCode(address, value)
		u.setCode(address, c)
		return c
	}
	u.put(address, value)
	if value == "" {
		u.put(address+"_verified", "")
		return nil
	}
	if !told || verified == "" {
		verified = "false"
	}
	u.put(address+"_verified", verified)
	if !auto {
		return nil
	}
	c := p.newCode(address, value)
	u.setCode(address, c)
	return c
}

// put sets an attribute, or removes it.
func (u *user) put(name, value string) {
	if value == "" {
		delete(u.attributes, name)
	} else {
		u.attributes[name] = value
	}
}

// unverified says "false" of each address that nothing else was said about, as
// the service does of users who sign up.
func unverified(attributes map[string]string) {
	for _, a := range addresses {
		if attributes[a] != "" && attributes[a+"_verified"] == "" {
			attributes[a+"_verified"] = "false"
		}
	}
}

type updateAttributesIn struct {
	AccessToken    string
	UserAttributes []attribute
	ClientMetadata map[string]string
}

func (p *Pool) opUpdateUserAttributes(ctx context.Context, in updateAttributesIn) (any, error) {
	u, client, err := p.authorizeClient(in.AccessToken)
	if err != nil {
		return nil, err
	}
	c, err := p.client(client)
	if err != nil {
		return nil, err
	}
	attributes := attributeMap(in.UserAttributes)
	if err := c.checkWritable(attributes); err != nil {
		return nil, err
	}
	details, err := p.setAttributes(ctx, u.name, change{attributes, client, in.ClientMetadata})
	if err != nil {
		return nil, err
	}
	return map[string]any{"CodeDeliveryDetailsList": details}, nil
}

type adminUpdateIn struct {
	UserPoolId     string
	Username       string
	UserAttributes []attribute
	ClientMetadata map[string]string
}

func (p *Pool) opAdminUpdateUserAttributes(ctx context.Context, in adminUpdateIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	_, err = p.setAttributes(ctx, u.name, change{attributeMap(in.UserAttributes), noClient, in.ClientMetadata})
	return done{}, err
}

type attributeCodeIn struct {
	AccessToken    string
	AttributeName  string
	ClientMetadata map[string]string
}

// opGetUserAttributeVerificationCode sends the code to the new address, where
// one waits to be verified, and otherwise to the present one.
func (p *Pool) opGetUserAttributeVerificationCode(ctx context.Context, in attributeCodeIn) (any, error) {
	u, client, err := p.authorizeClient(in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := checkVerifiable(in.AttributeName); err != nil {
		return nil, err
	}
	var c *code
	err = p.update(u.name, func(changed *user) error {
		u = changed
		address := u.attributes[in.AttributeName]
		if waiting := u.codes[in.AttributeName]; waiting != nil {
			address = waiting.address
		}
		if address == "" {
			return errParameter("cognitotest: the user has no %s to verify", in.AttributeName)
		}
		c = p.newCode(in.AttributeName, address)
		u.setCode(in.AttributeName, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d, err := p.deliver(ctx, u, message{
		source:         "CustomMessage_VerifyUserAttribute",
		clientID:       client,
		clientMetadata: in.ClientMetadata,
		attribute:      c.attribute,
		to:             c.address,
		code:           c.digits,
		text:           codeText,
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"CodeDeliveryDetails": d}, nil
}

func checkVerifiable(attribute string) error {
	if !isAddress(attribute) {
		return errParameter("cognitotest: the attribute %s cannot be verified", clip(attribute))
	}
	return nil
}

type verifyAttributeIn struct{ AccessToken, AttributeName, Code string }

func (p *Pool) opVerifyUserAttribute(_ context.Context, in verifyAttributeIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := checkVerifiable(in.AttributeName); err != nil {
		return nil, err
	}
	return done{}, p.spendCode(u.name, in.AttributeName, in.Code, false, func(u *user, c *code) error {
		u.put(c.attribute, c.address)
		u.put(c.attribute+"_verified", "true")
		return nil
	})
}

type deleteAttributesIn struct {
	AccessToken        string
	UserAttributeNames []string
}

func (p *Pool) opDeleteUserAttributes(_ context.Context, in deleteAttributesIn) (any, error) {
	u, client, err := p.authorizeClient(in.AccessToken)
	if err != nil {
		return nil, err
	}
	c, err := p.client(client)
	if err != nil {
		return nil, err
	}
	for _, name := range in.UserAttributeNames {
		if err := c.checkWritable(map[string]string{name: ""}); err != nil {
			return nil, err
		}
	}
	return done{}, p.deleteAttributes(u.name, in.UserAttributeNames)
}

type adminDeleteAttributesIn struct {
	UserPoolId         string
	Username           string
	UserAttributeNames []string
}

func (p *Pool) opAdminDeleteUserAttributes(_ context.Context, in adminDeleteAttributesIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.deleteAttributes(u.name, in.UserAttributeNames)
}

// deleteAttributes removes attributes; those that the user does not have are no
// error. With an address goes what is known of it.
func (p *Pool) deleteAttributes(name string, names []string) error {
	changes := make(map[string]string)
	for _, a := range names {
		if a == "sub" {
			return errParameter("user.sub: Attribute cannot be updated.")
		}
		if slices.Contains(p.config.UsernameAttributes, a) {
			return errParameter("cognitotest: %s is the user's name and cannot be removed", a)
		}
		changes[a] = ""
	}
	schema := p.settings().schema
	if err := cmp.Or(schema.check(changes), schema.mutable(changes)); err != nil {
		return err
	}
	for a := range changes {
		if schema.of(a).Required {
			return errParameter("cognitotest: %s is required and cannot be removed", a)
		}
	}
	return p.update(name, func(u *user) error {
		for a := range changes {
			u.put(a, "")
			if isAddress(a) {
				u.put(a+"_verified", "")
				u.setCode(a, nil)
			}
		}
		return nil
	})
}
