package cognitotest_test

// This file tests what PreTokenGeneration gets and what becomes of its answers.

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestTokenEvents(t *testing.T) {
	for version, want := range map[string]object{
		"":     {"version": "1", "response": object{"claimsOverrideDetails": nil}},
		"V1_0": {"version": "1", "response": object{"claimsOverrideDetails": nil}},
		"V2_0": {"version": "2", "scopes": []any{"aws.cognito.signin.user.admin"}, "response": object{"claimsAndScopeOverrideDetails": nil}},
		"V3_0": {"version": "3", "scopes": []any{"aws.cognito.signin.user.admin"}, "response": object{"claimsAndScopeOverrideDetails": nil}},
	} {
		t.Run(version, func(t *testing.T) {
			f := &fake{respond: respondWith("TokenGeneration", object{})}
			triggers := every(f)
			triggers.PreTokenGenerationVersion = version
			pool := newPool(t, cognitotest.Config{Triggers: triggers})
			if err := pool.AddUser("alice", map[string]string{"sub": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4"}); err != nil {
				t.Fatal(err)
			}
			signIn(t, pool, "alice")
			event := f.last(t, "TokenGeneration_Authentication")
			request := object{
				"userAttributes":     object{"sub": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", "cognito:user_status": "CONFIRMED"},
				"groupConfiguration": object{"groupsToOverride": []any{}, "iamRolesToOverride": []any{}, "preferredRole": nil},
			}
			if want["scopes"] != nil {
				request["scopes"] = want["scopes"]
			}
			wantEvent := object{
				"version": want["version"], "triggerSource": "TokenGeneration_Authentication", "region": "us-east-1", "userPoolId": poolID, "userName": "alice",
				"callerContext": object{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": clientID},
				"request":       request, "response": want["response"],
			}
			if diff := cmp.Diff(wantEvent, event); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTokenOverrides compares the claims that a trigger can change.
func TestTokenOverrides(t *testing.T) {
	const scope = "aws.cognito.signin.user.admin"
	v1 := func(o object) object { return object{"claimsOverrideDetails": o} }
	v2 := func(o object) object { return object{"claimsAndScopeOverrideDetails": o} }
	staff := object{"groupsToOverride": []string{"staff"}, "iamRolesToOverride": []string{"arn:aws:iam::000000000000:role/a"}, "preferredRole": "arn:aws:iam::000000000000:role/a"}
	tests := map[string]struct {
		version    string
		response   any
		access, id object // beside what every token has
	}{
		"nothing":              {"V1_0", v1(nil), object{"scope": scope}, object{"email": email, "email_verified": false}},
		"nothing at all":       {"V1_0", object{}, object{"scope": scope}, object{"email": email, "email_verified": false}},
		"claims of an ID":      {"V1_0", v1(object{"claimsToAddOrOverride": object{"plan": "gold", "email": "x"}, "claimsToSuppress": []string{"email_verified"}}), object{"scope": scope}, object{"email": "x", "plan": "gold"}},
		"claims of version 2":  {"V1_0", v2(object{"accessTokenGeneration": object{"claimsToAddOrOverride": object{"plan": "gold"}}}), object{"scope": scope}, object{"email": email, "email_verified": false}},
		"groups":               {"V1_0", v1(object{"groupOverrideDetails": staff}), object{"scope": scope, "cognito:groups": []any{"staff"}}, object{"email": email, "email_verified": false, "cognito:groups": []any{"staff"}, "cognito:roles": []any{"arn:aws:iam::000000000000:role/a"}, "cognito:preferred_role": "arn:aws:iam::000000000000:role/a"}},
		"reserved claims":      {"V1_0", v1(object{"claimsToAddOrOverride": object{"sub": "x", "iss": "x", "cognito:username": "x", "cognito:groups": "x", "dev:a": "x", "token_use": "x"}, "claimsToSuppress": []string{"sub", "iss", "exp"}}), object{"scope": scope}, object{"email": email, "email_verified": false}},
		"claims of both":       {"V2_0", v2(object{"idTokenGeneration": object{"claimsToAddOrOverride": object{"plan": "gold"}, "claimsToSuppress": []string{"email"}}, "accessTokenGeneration": object{"claimsToAddOrOverride": object{"tenant": "acme", "email": email}}}), object{"scope": scope, "tenant": "acme", "email": email}, object{"email_verified": false, "plan": "gold"}},
		"claims of every kind": {"V3_0", v2(object{"accessTokenGeneration": object{"claimsToAddOrOverride": object{"n": 1.5, "list": []any{"a", true}, "o": object{"k": nil}, "b": false}}}), object{"scope": scope, "n": 1.5, "list": []any{"a", true}, "o": object{"k": nil}, "b": false}, object{"email": email, "email_verified": false}},
		"scopes":               {"V2_0", v2(object{"accessTokenGeneration": object{"scopesToAdd": []string{"read", "two words", ""}, "scopesToSuppress": []string{"phone"}}}), object{"scope": scope + " read"}, object{"email": email, "email_verified": false}},
		"another scope":        {"V2_0", v2(object{"accessTokenGeneration": object{"scopesToAdd": []string{"read"}, "scopesToSuppress": []string{scope}}}), object{"scope": "read"}, object{"email": email, "email_verified": false}},
		"an audience":          {"V2_0", v2(object{"accessTokenGeneration": object{"claimsToAddOrOverride": object{"aud": clientID}}}), object{"scope": scope, "aud": clientID}, object{"email": email, "email_verified": false}},
		"another's audience":   {"V2_0", v2(object{"accessTokenGeneration": object{"claimsToAddOrOverride": object{"aud": "x", "client_id": "x", "username": "x"}}}), object{"scope": scope}, object{"email": email, "email_verified": false}},
		"groups in version 2":  {"V2_0", v2(object{"groupOverrideDetails": object{"groupsToOverride": []string{"staff"}}}), object{"scope": scope, "cognito:groups": []any{"staff"}}, object{"email": email, "email_verified": false, "cognito:groups": []any{"staff"}}},
		"claims of version 1":  {"V2_0", v1(object{"claimsToAddOrOverride": object{"plan": "gold"}}), object{"scope": scope}, object{"email": email, "email_verified": false}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			triggers := every(&fake{respond: respondWith("TokenGeneration", tt.response)})
			triggers.PreTokenGenerationVersion = tt.version
			pool := newPool(t, cognitotest.Config{Triggers: triggers})
			if err := pool.AddUser("alice", map[string]string{"email": email}); err != nil {
				t.Fatal(err)
			}
			tokens := signIn(t, pool, "alice")
			if diff := cmp.Diff(tt.access, rest(t, pool, tokens["AccessToken"], "client_id", "username")); diff != "" {
				t.Errorf("access token (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.id, rest(t, pool, tokens["IdToken"], "aud", "cognito:username")); diff != "" {
				t.Errorf("ID token (-want +got):\n%s", diff)
			}
			call(t, pool, "GetUser", object{"AccessToken": tokens["AccessToken"]})
		})
	}
}

// rest are the claims without those that every token must have.
func rest(t *testing.T, pool *cognitotest.Pool, token any, own ...string) object {
	t.Helper()
	claims := unique(t, verified(t, pool, token.(string)))
	for _, name := range append(own, "sub", "iss", "token_use", "auth_time", "iat", "exp") {
		if claims[name] == nil || claims[name] == "x" {
			t.Errorf("%s is %v", name, claims[name])
		}
		delete(claims, name)
	}
	return claims
}

func TestBadTokenAnswers(t *testing.T) {
	const unrecognizable = "InvalidLambdaResponseException: Unrecognizable lambda output"
	for name, tt := range map[string]struct {
		version  string
		response any
	}{
		"a number as a claim in version 1": {"V1_0", object{"claimsOverrideDetails": object{"claimsToAddOrOverride": object{"n": 1}}}},
		"a text for the details":           {"V1_0", object{"claimsOverrideDetails": "x"}},
		"a text for the groups":            {"V1_0", object{"claimsOverrideDetails": object{"groupOverrideDetails": "x"}}},
		"a text for groups":                {"V2_0", object{"claimsAndScopeOverrideDetails": object{"groupOverrideDetails": object{"groupsToOverride": "x"}}}},
		"a text for scopes":                {"V2_0", object{"claimsAndScopeOverrideDetails": object{"accessTokenGeneration": object{"scopesToAdd": "x"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			triggers := every(&fake{respond: respondWith("TokenGeneration", tt.response)})
			triggers.PreTokenGenerationVersion = tt.version
			pool := newPool(t, cognitotest.Config{Triggers: triggers})
			if err := pool.AddUser("alice", nil); err != nil {
				t.Fatal(err)
			}
			s, err := pool.SignIn(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if got := errorOf(s.Answer(t.Context(), "right", nil)); got != unrecognizable {
				t.Errorf("error: %s, want %s", got, unrecognizable)
			}
		})
	}
}
