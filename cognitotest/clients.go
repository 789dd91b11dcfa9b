package cognitotest

// This file is the operations on app clients.

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
)

// clientIn is what CreateUserPoolClient and UpdateUserPoolClient take. What is
// raw is kept for DescribeUserPoolClient and has no effect here.
type clientIn struct {
	UserPoolId     string
	ClientId       string
	ClientName     string
	GenerateSecret bool
	ClientSecret   string

	ExplicitAuthFlows          []string
	PreventUserExistenceErrors string
	AuthSessionValidity        int // minutes
	AccessTokenValidity        int
	IdTokenValidity            int
	RefreshTokenValidity       int
	TokenValidityUnits         struct{ AccessToken, IdToken, RefreshToken string }
	RefreshTokenRotation       *rotationType
	ReadAttributes             []string
	WriteAttributes            []string
	EnableTokenRevocation      *bool

	SupportedIdentityProviders      json.RawMessage
	CallbackURLs                    json.RawMessage
	LogoutURLs                      json.RawMessage
	DefaultRedirectURI              json.RawMessage
	AllowedOAuthFlows               json.RawMessage
	AllowedOAuthScopes              json.RawMessage
	AllowedOAuthFlowsUserPoolClient json.RawMessage
	AnalyticsConfiguration          json.RawMessage

	EnablePropagateAdditionalUserContextData json.RawMessage
}

type rotationType struct {
	Feature                 string
	RetryGracePeriodSeconds int
}

// client reads the request. The defaults are the API's, not those of a Client:
// SRP, custom and refresh flows, and LEGACY (API reference, CreateUserPoolClient).
func (in clientIn) client() (*Client, error) {
	if in.EnableTokenRevocation != nil && !*in.EnableTokenRevocation {
		return nil, errParameter("cognitotest: tokens can always be revoked: EnableTokenRevocation false is not there")
	}
	c := &Client{
		ID:                         in.ClientId,
		Name:                       in.ClientName,
		Secret:                     in.ClientSecret,
		ExplicitAuthFlows:          in.ExplicitAuthFlows,
		PreventUserExistenceErrors: cmp.Or(in.PreventUserExistenceErrors, existenceShown),
		AuthSessionValidity:        time.Duration(cmp.Or(in.AuthSessionValidity, 3)) * time.Minute,
		AccessTokenValidity:        validity(in.AccessTokenValidity, in.TokenValidityUnits.AccessToken, "hours"),
		IDTokenValidity:            validity(in.IdTokenValidity, in.TokenValidityUnits.IdToken, "hours"),
		RefreshTokenValidity:       validity(in.RefreshTokenValidity, in.TokenValidityUnits.RefreshToken, "days"),
		ReadAttributes:             in.ReadAttributes,
		WriteAttributes:            in.WriteAttributes,
		shown:                      in.shown(),
	}
	if len(c.ExplicitAuthFlows) == 0 {
		c.ExplicitAuthFlows = []string{"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
	}
	if r := in.RefreshTokenRotation; r != nil && r.Feature == "ENABLED" {
		c.RotateRefreshTokens = true
		c.RefreshTokenGracePeriod = time.Duration(r.RetryGracePeriodSeconds) * time.Second
	}
	if err := c.complete(); err != nil {
		return nil, errParameter("%v", err)
	}
	return c, nil
}

func (in clientIn) shown() map[string]any {
	m := make(map[string]any)
	for name, raw := range map[string]json.RawMessage{
		"SupportedIdentityProviders":      in.SupportedIdentityProviders,
		"CallbackURLs":                    in.CallbackURLs,
		"LogoutURLs":                      in.LogoutURLs,
		"DefaultRedirectURI":              in.DefaultRedirectURI,
		"AllowedOAuthFlows":               in.AllowedOAuthFlows,
		"AllowedOAuthScopes":              in.AllowedOAuthScopes,
		"AllowedOAuthFlowsUserPoolClient": in.AllowedOAuthFlowsUserPoolClient,
		"AnalyticsConfiguration":          in.AnalyticsConfiguration,

		"EnablePropagateAdditionalUserContextData": in.EnablePropagateAdditionalUserContextData,
	} {
		if raw != nil {
			m[name] = raw
		}
	}
	return m
}

func validity(n int, unit, usual string) time.Duration {
	units := map[string]time.Duration{"seconds": time.Second, "minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}
	return time.Duration(n) * units[cmp.Or(unit, usual)]
}

func (p *Pool) opCreateUserPoolClient(_ context.Context, in clientIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	in.ClientId = strings.ToLower(rand.Text())
	if in.GenerateSecret && in.ClientSecret == "" {
		in.ClientSecret = strings.ToLower(rand.Text() + rand.Text())[:51]
	}
	c, err := in.client()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.clients[c.ID] = c
	p.clientIDs.add(c.ID)
	p.mu.Unlock()
	return map[string]any{"UserPoolClient": p.describeClient(c)}, nil
}

// opUpdateUserPoolClient puts defaults in the place of what is not sent, as the
// service does. ID, name and secret stay.
func (p *Pool) opUpdateUserPoolClient(_ context.Context, in clientIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	old, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	in.ClientName, in.ClientSecret = cmp.Or(in.ClientName, old.Name), old.Secret
	c, err := in.client()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.clients[c.ID] = c
	p.mu.Unlock()
	return map[string]any{"UserPoolClient": p.describeClient(c)}, nil
}

type describeClientIn struct{ UserPoolId, ClientId string }

func (p *Pool) opDeleteUserPoolClient(_ context.Context, in describeClientIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	if _, err := p.client(in.ClientId); err != nil {
		return nil, err
	}
	p.mu.Lock()
	delete(p.clients, in.ClientId)
	p.clientIDs.remove(in.ClientId)
	p.mu.Unlock()
	return done{}, nil
}

func (p *Pool) opDescribeUserPoolClient(_ context.Context, in describeClientIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	c, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	return map[string]any{"UserPoolClient": p.describeClient(c)}, nil
}

// describeClient is UserPoolClientType of the API.
func (p *Pool) describeClient(c *Client) map[string]any {
	d := map[string]any{
		"UserPoolId":                 p.config.ID,
		"ClientId":                   c.ID,
		"ClientName":                 c.Name,
		"ExplicitAuthFlows":          c.ExplicitAuthFlows,
		"PreventUserExistenceErrors": c.PreventUserExistenceErrors,
		"AuthSessionValidity":        int(c.AuthSessionValidity.Minutes()),
		"AccessTokenValidity":        int(c.AccessTokenValidity.Seconds()),
		"IdTokenValidity":            int(c.IDTokenValidity.Seconds()),
		"RefreshTokenValidity":       int(c.RefreshTokenValidity.Seconds()),
		"TokenValidityUnits":         map[string]string{"AccessToken": "seconds", "IdToken": "seconds", "RefreshToken": "seconds"},
		"EnableTokenRevocation":      true,
		"CreationDate":               epoch(p.created),
		"LastModifiedDate":           epoch(p.created),
	}
	if c.Secret != "" {
		d["ClientSecret"] = c.Secret
	}
	if c.RotateRefreshTokens {
		d["RefreshTokenRotation"] = rotationType{"ENABLED", int(c.RefreshTokenGracePeriod.Seconds())}
	}
	if c.ReadAttributes != nil {
		d["ReadAttributes"] = c.ReadAttributes
	}
	if c.WriteAttributes != nil {
		d["WriteAttributes"] = c.WriteAttributes
	}
	for name, value := range c.shown {
		d[name] = value
	}
	return d
}

func (p *Pool) opListUserPoolClients(_ context.Context, in listPoolsIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clients := []any{}
	next, err := p.read(&p.clientIDs, page{"clients", in.MaxResults, in.NextToken}, "", func(id string) bool {
		clients = append(clients, map[string]any{"ClientId": id, "UserPoolId": p.config.ID, "ClientName": p.clients[id].Name})
		return true
	})
	return listed("UserPoolClients", clients, next), err
}
