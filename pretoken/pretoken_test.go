package pretoken_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/pretoken"
)

const (
	low   = "1example23456789abcdefghij"
	high  = "2example23456789abcdefghij"
	none  = "3example23456789abcdefghij"
	phone = "+12065550100"
)

// proof is a step that is passed by "right".
type proof struct{}

func (proof) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{Unguessable: true}, nil
}
func (proof) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }
func (proof) Check(_ context.Context, _ customauth.Request, answer string) (customauth.Checked, error) {
	return customauth.Checked{Right: answer == "right"}, nil
}

func step(name string) customauth.Step { return customauth.Step{Name: name, Challenge: proof{}} }

var either = customauth.Step{Name: "either", Challenge: customauth.OneOf{Ways: []customauth.Step{step("passkey"), step("totp")}}}

func options() customauth.Options {
	return customauth.Options{
		Keys:   []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Clients: map[string]customauth.Options{
			low:  {Steps: []customauth.Step{step("first")}},
			high: {Steps: []customauth.Step{step("first"), either}},
			none: {Steps: []customauth.Step{step("first")}},
		},
	}
}

func clients() map[string]pretoken.Client {
	return map[string]pretoken.Client{
		low: {Level: 1, Refreshed: 1, Methods: map[string][]string{"first": {"sms", "otp"}}},
		high: {Level: 3, Methods: map[string][]string{
			"first": {"pwd"}, "either/passkey": {"user", "hwk", "mfa"}, "either/totp": {"otp", "mfa"},
		}},
	}
}

func newHandler(t testing.TB) lambda.Handler {
	t.Helper()
	h, err := pretoken.New(options(), clients())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestNew(t *testing.T) {
	methods := func(m map[string][]string) map[string]pretoken.Client {
		return map[string]pretoken.Client{high: {Level: 1, Methods: m}}
	}
	alike := options()
	alike.Clients = nil
	tests := []struct {
		name    string
		o       customauth.Options
		clients map[string]pretoken.Client
		want    string // what the error says
	}{
		{"right", options(), clients(), ""},
		{"no options", customauth.Options{}, clients(), "Keys"},
		{"no clients", options(), nil, "no clients"},
		{"all sign in alike", alike, clients(), "is not one of Options.Clients"},
		{"another client", options(), map[string]pretoken.Client{"x": {Level: 1}}, `client "x" is not one of Options.Clients`},
		{"no level", options(), map[string]pretoken.Client{low: {Methods: clients()[low].Methods}}, "Level must be from 1 to 9, not 0"},
		{"level", options(), map[string]pretoken.Client{low: {Level: 10, Methods: clients()[low].Methods}}, "Level must be from 1 to 9, not 10"},
		{"raised by refresh", options(), map[string]pretoken.Client{low: {Level: 1, Refreshed: 2, Methods: clients()[low].Methods}}, "Refreshed must be from 0 to Level, not 2"},
		{"a step is missing", options(), methods(map[string][]string{"either/passkey": {}, "either/totp": {}}), `"first" is missing in Methods`},
		{"a way is missing", options(), methods(map[string][]string{"first": {}, "either/passkey": {}}), `"either/totp" is missing in Methods`},
		{"a way too many", options(), methods(map[string][]string{"first": {}, "either/passkey": {}, "either/totp": {}, "either/sms": {}}), `"either/sms" in Methods is none`},
		{"ways as one", options(), methods(map[string][]string{"first": {}, "either": {"hwk"}}), `"either" in Methods is none`},
		{"no word", options(), methods(map[string][]string{"first": {"passkey"}, "either/passkey": {}, "either/totp": {}}), `"passkey" in Methods, which is no word of RFC 8176`},
	}
	for _, tt := range tests {
		_, err := pretoken.New(tt.o, tt.clients)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Whole sign-ins, and refreshes, with every version of the event.
func TestTokens(t *testing.T) {
	type says struct{ Level, Methods string }
	ofLow, ofHigh, nothing, refreshed := says{"1", "otp sms"}, says{"3", "mfa pwd"}, says{}, says{Level: "1"}
	for _, version := range []string{"V1_0", "V2_0", "V3_0"} {
		for _, tt := range []struct {
			client     string
			answers    int
			signIn, re says
		}{
			{low, 1, ofLow, refreshed},
			{high, 2, ofHigh, nothing},
			{none, 1, nothing, nothing},
		} {
			t.Run(version+"/"+tt.client, func(t *testing.T) {
				h, err := customauth.NewHandler(options(), map[string]lambda.Handler{"TokenGeneration": newHandler(t)})
				if err != nil {
					t.Fatal(err)
				}
				pool, err := cognitotest.NewPool(cognitotest.Config{
					Clients:  []cognitotest.Client{{ID: low}, {ID: high}, {ID: none}},
					Triggers: cognitotest.Triggers{All: h, PreTokenGeneration: h, PreTokenGenerationVersion: version},
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := pool.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
					t.Fatal(err)
				}
				admin(t, pool, "CreateGroup", `{"UserPoolId":%q,"GroupName":"staff"}`, pool.ID())
				admin(t, pool, "AdminAddUserToGroup", `{"UserPoolId":%q,"GroupName":"staff","Username":"alice"}`, pool.ID())
				s, err := pool.SignInAs(t.Context(), tt.client, "alice", "")
				for range tt.answers {
					if err == nil {
						err = s.Answer(t.Context(), "right", map[string]string{
							"customauth:level": "9", "level": "9", "customauth:methods": "hwk", "way": "totp",
						})
					}
				}
				if err != nil || !s.Done() {
					t.Fatalf("done %v, %v", s != nil && s.Done(), err)
				}
				check := func(what, token string, want says) {
					t.Helper()
					claims, err := pool.Claims(token)
					if err != nil {
						t.Fatal(err)
					}
					var got says
					got.Level, _ = claims["customauth:level"].(string)
					got.Methods, _ = claims["customauth:methods"].(string)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", what, diff)
					}
					if fmt.Sprint(claims["cognito:groups"]) != "[staff]" {
						t.Errorf("%s: groups %v, want those of the user", what, claims["cognito:groups"])
					}
				}
				access := func(s says) says {
					if version == "V1_0" {
						return nothing
					}
					return s
				}
				check("ID token", s.Tokens().IDToken, tt.signIn)
				check("access token", s.Tokens().AccessToken, access(tt.signIn))
				var again struct{ AuthenticationResult cognitotest.Tokens }
				out := admin(t, pool, "InitiateAuth", `{"ClientId":%q,"AuthFlow":"REFRESH_TOKEN_AUTH","AuthParameters":{"REFRESH_TOKEN":%q},"ClientMetadata":{"customauth:level":"9"}}`,
					tt.client, s.Tokens().RefreshToken)
				if err := json.Unmarshal(out, &again); err != nil {
					t.Fatal(err)
				}
				check("refreshed ID token", again.AuthenticationResult.IDToken, tt.re)
				check("refreshed access token", again.AuthenticationResult.AccessToken, access(tt.re))
			})
		}
	}
}

func event(version, source, client, response string) string {
	return fmt.Sprintf(`{"version":%q,"triggerSource":%q,"region":"eu-west-1","userPoolId":"eu-west-1_Ab1Cd2Ef3","userName":"alice",
		"callerContext":{"awsSdkVersion":"x","clientId":%q},
		"request":{"userAttributes":{"sub":"s"},"groupConfiguration":{"groupsToOverride":["a"],"iamRolesToOverride":[],"preferredRole":null},"clientMetadata":{"customauth:level":"9"},"later":[1.50]},
		"response":%s}`, version, source, client, response)
}

// Only the response changes, and only these claims in it.
func TestInvoke(t *testing.T) {
	const (
		claims = `{"customauth:level":"1","customauth:methods":"otp sms"}`
		forged = `{"customauth:level":"9","customauth:methods":"hwk","x":1}`
		signIn = "TokenGeneration_Authentication"
	)
	tests := []struct {
		name, version, source, client, response, want string
	}{
		{"version 1", "1", signIn, low, `{"claimsOverrideDetails":null}`, `{"claimsOverrideDetails":{"claimsToAddOrOverride":` + claims + `}}`},
		{"no response", "1", signIn, low, `null`, `{"claimsOverrideDetails":{"claimsToAddOrOverride":` + claims + `}}`},
		{"version 2", "2", signIn, low, `{"claimsAndScopeOverrideDetails":null}`,
			`{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":` + claims + `},"accessTokenGeneration":{"claimsToAddOrOverride":` + claims + `}}}`},
		{"after another handler", "1", signIn, low, `{"claimsOverrideDetails":{"claimsToSuppress":["email"],"claimsToAddOrOverride":` + forged + `}}`,
			`{"claimsOverrideDetails":{"claimsToSuppress":["email"],"claimsToAddOrOverride":{"customauth:level":"1","customauth:methods":"otp sms","x":1}}}`},
		{"another client", "1", signIn, none, `{"claimsOverrideDetails":null}`, `{"claimsOverrideDetails":null}`},
		{"another client, forged", "1", signIn, none, `{"claimsOverrideDetails":{"claimsToAddOrOverride":` + forged + `}}`,
			`{"claimsOverrideDetails":{"claimsToAddOrOverride":{"x":1}}}`},
		{"managed login", "1", "TokenGeneration_HostedAuth", low, `{"claimsOverrideDetails":null}`, `{"claimsOverrideDetails":null}`},
		{"a new password", "2", "TokenGeneration_NewPasswordChallenge", low, `{}`, `{}`},
		{"a device of Cognito's", "2", "TokenGeneration_AuthenticateDevice", low, `{}`, `{}`},
		{"a machine", "3", "TokenGeneration_ClientCredentials", low, `{}`, `{}`},
		{"refreshed, forged", "2", "TokenGeneration_RefreshTokens", high, `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":` + forged + `}}}`,
			`{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"x":1}}}}`},
	}
	h := newHandler(t)
	for _, tt := range tests {
		out, err := h.Invoke(t.Context(), []byte(event(tt.version, tt.source, tt.client, tt.response)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(parse(t, event(tt.version, tt.source, tt.client, tt.want)), parse(t, string(out))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func parse(t testing.TB, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNoEvent(t *testing.T) {
	h := newHandler(t)
	for name, payload := range map[string]string{
		"nothing":         ``,
		"null":            `null`,
		"a list":          `[]`,
		"another trigger": event("1", "PostAuthentication_Authentication", low, `{}`),
		"another version": event("4", "TokenGeneration_Authentication", low, `{}`),
		"no version":      `{"triggerSource":"TokenGeneration_Authentication","callerContext":{}}`,
		"no client":       `{"triggerSource":"TokenGeneration_Authentication","version":"1"}`,
		"odd response":    event("1", "TokenGeneration_Authentication", low, `[]`),
		"noise of 16 KiB": strings.Repeat("\xa3", 16<<10),
	} {
		if out, err := h.Invoke(t.Context(), []byte(payload)); err == nil || err.Error() != "pretoken: not a pre token generation event" {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}

func FuzzInvoke(f *testing.F) {
	h := newHandler(f)
	f.Add([]byte(event("1", "TokenGeneration_Authentication", low, `null`)))
	f.Add([]byte(event("2", "TokenGeneration_RefreshTokens", none, `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":{"customauth:level":"9"}}}}`)))
	f.Add([]byte(`{"triggerSource":"TokenGeneration_Authentication"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := h.Invoke(t.Context(), payload)
		if err == nil && !json.Valid(out) {
			t.Errorf("%q is no JSON", out)
		}
	})
}
