package cognitotest

// This file is what groups and PreTokenGeneration make of the claims in tokens.

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// The event versions of PreTokenGeneration, and how the events call them.
var tokenEventVersions = map[string]string{"V1_0": "1", "V2_0": "2", "V3_0": "3"}

// signInScope is the one scope that a sign-in without hosted pages has.
const signInScope = "aws.cognito.signin.user.admin"

type (
	// A tokenRequest has scopes from version 2 on.
	tokenRequest struct {
		UserAttributes     map[string]string  `json:"userAttributes"`
		GroupConfiguration groupConfiguration `json:"groupConfiguration"`
		Scopes             []string           `json:"scopes,omitempty"`
		ClientMetadata     map[string]string  `json:"clientMetadata,omitempty"`
	}

	// Version 1 changes the ID token.
	tokenResponseV1 struct {
		Details *struct {
			ClaimsToAddOrOverride map[string]string `json:"claimsToAddOrOverride"`
			ClaimsToSuppress      []string          `json:"claimsToSuppress"`
			GroupOverrideDetails  groupOverride     `json:"groupOverrideDetails"`
		} `json:"claimsOverrideDetails"`
	}

	// Versions 2 and 3 change both tokens, and claims may be of any kind.
	tokenResponseV2 struct {
		Details *struct {
			IDTokenGeneration     *claimChanges `json:"idTokenGeneration"`
			AccessTokenGeneration *claimChanges `json:"accessTokenGeneration"`
			GroupOverrideDetails  groupOverride `json:"groupOverrideDetails"`
		} `json:"claimsAndScopeOverrideDetails"`
	}

	claimChanges struct {
		ClaimsToAddOrOverride map[string]any `json:"claimsToAddOrOverride"`
		ClaimsToSuppress      []string       `json:"claimsToSuppress"`
		ScopesToAdd           []string       `json:"scopesToAdd"`
		ScopesToSuppress      []string       `json:"scopesToSuppress"`
	}

	groupConfiguration struct {
		GroupsToOverride   []string `json:"groupsToOverride"`
		IAMRolesToOverride []string `json:"iamRolesToOverride"`
		PreferredRole      *string  `json:"preferredRole"`
	}
)

// A groupOverride is the groups that a trigger answers with. Without the member
// they stay as they are; null and an empty object take them away (developer
// guide, "Pre token generation Lambda trigger").
type groupOverride struct {
	given bool
	groupConfiguration
}

func (g *groupOverride) UnmarshalJSON(data []byte) error {
	g.given = true
	return json.Unmarshal(data, &g.groupConfiguration)
}

// overrides is what PreTokenGeneration wants, whatever its version.
type overrides struct {
	id, access claimChanges
	groups     groupConfiguration
}

// preTokenGeneration asks the trigger. Without one, the groups are the user's.
func (p *Pool) preTokenGeneration(ctx context.Context, source string, c *Client, u *user, clientMetadata map[string]string) (*overrides, error) {
	version := p.settings().triggers.PreTokenGenerationVersion
	t := trigger{name: "PreTokenGeneration", source: source, handler: p.settings().triggers.PreTokenGeneration, version: tokenEventVersions[version]}
	request := tokenRequest{
		UserAttributes:     p.attributes(u),
		GroupConfiguration: p.groupConfiguration(u),
		ClientMetadata:     clientMetadata,
	}
	o := &overrides{groups: request.GroupConfiguration}
	if t.version == "1" {
		var r tokenResponseV1
		if err := p.invoke(ctx, t, u.name, c.ID, request, &r); err != nil || r.Details == nil {
			return o, err
		}
		o.id.ClaimsToSuppress = r.Details.ClaimsToSuppress
		o.id.ClaimsToAddOrOverride = make(map[string]any)
		for name, value := range r.Details.ClaimsToAddOrOverride {
			o.id.ClaimsToAddOrOverride[name] = value
		}
		o.take(r.Details.GroupOverrideDetails)
		return o, nil
	}

	request.Scopes = []string{signInScope}
	var r tokenResponseV2
	if err := p.invoke(ctx, t, u.name, c.ID, request, &r); err != nil || r.Details == nil {
		return o, err
	}
	if r.Details.IDTokenGeneration != nil {
		o.id = *r.Details.IDTokenGeneration
	}
	if r.Details.AccessTokenGeneration != nil {
		o.access = *r.Details.AccessTokenGeneration
	}
	o.take(r.Details.GroupOverrideDetails)
	return o, nil
}

func (o *overrides) take(g groupOverride) {
	if g.given {
		o.groups = g.groupConfiguration
	}
}

// reservedClaims cannot be changed by PreTokenGeneration (developer guide, "Pre
// token generation Lambda trigger"), nor can those that begin with cognito: or
// dev:.
var reservedClaims = strings.Fields(`acr amr at_hash auth_time azp exp iat iss jti nbf nonce origin_jti sub
	token_use aud client_id event_id device_key identities scope username version`)

// groupClaims are what groups make. They change by groupOverrideDetails, and can
// be suppressed.
var groupClaims = []string{"cognito:groups", "cognito:roles", "cognito:preferred_role"}

// apply puts the groups into the claims of both tokens and changes the claims as
// the trigger asked.
func (o *overrides) apply(access, id map[string]any) {
	if groups := o.groups.GroupsToOverride; len(groups) > 0 {
		access["cognito:groups"], id["cognito:groups"] = groups, groups
	}
	if roles := o.groups.IAMRolesToOverride; len(roles) > 0 {
		id["cognito:roles"] = roles
	}
	if role := o.groups.PreferredRole; role != nil && *role != "" {
		id["cognito:preferred_role"] = *role
	}

	o.id.apply(id)
	o.access.apply(access)
	// An access token may have an audience, if it is the app client's.
	if aud, ok := o.access.ClaimsToAddOrOverride["aud"]; ok && aud == access["client_id"] {
		access["aud"] = aud
	}
	o.access.scope(access)
}

func (c claimChanges) apply(claims map[string]any) {
	for name, value := range c.ClaimsToAddOrOverride {
		if !reserved(name) {
			claims[name] = value
		}
	}
	for _, name := range c.ClaimsToSuppress {
		if !reserved(name) || slices.Contains(groupClaims, name) || strings.HasPrefix(name, "dev:") {
			delete(claims, name)
		}
	}
}

func reserved(claim string) bool {
	return slices.Contains(reservedClaims, claim) || strings.HasPrefix(claim, "cognito:") || strings.HasPrefix(claim, "dev:")
}

// scope adds and takes away scopes. A scope with a space in it would be two.
func (c claimChanges) scope(access map[string]any) {
	if len(c.ScopesToAdd) == 0 && len(c.ScopesToSuppress) == 0 {
		return
	}
	scopes := map[string]bool{signInScope: true}
	for _, s := range c.ScopesToAdd {
		if s != "" && !strings.ContainsAny(s, " \t\r\n") {
			scopes[s] = true
		}
	}
	for _, s := range c.ScopesToSuppress {
		delete(scopes, s)
	}
	access["scope"] = strings.Join(slices.Sorted(maps.Keys(scopes)), " ")
}
