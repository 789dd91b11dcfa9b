package deploytest

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/presignup"
)

// typed turns texts into the booleans and numbers that Cognito's API takes.
func typed(v any) any {
	switch v := v.(type) {
	case object:
		m := object{}
		for k, e := range v {
			m[k] = typed(e)
		}
		return m
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, typed(e))
		}
		return list
	case string:
		if b, err := strconv.ParseBool(v); err == nil && len(v) > 1 {
			return b
		}
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	return v
}

// TestTakeover is somebody who has an account and changes her number to that of a
// person who has none yet, on a pool and an app client with the properties of each
// deployment. Cognito asks for a code that only the victim gets; so the number stays as
// it was, the victim signs up, and comes into an account of her own.
func TestTakeover(t *testing.T) {
	const attacker, victim = "+12065550100", "+12065550101"
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			s := d.read(t, profiles[0])
			inbox := new(cognitotest.Inbox)
			api := newPool(t, inbox)
			pool := maps.Clone(s.Pool)
			pool["LambdaConfig"] = object{}
			for trigger := range s.Triggers {
				if trigger != "PostAuthentication" { // the pool alone must be enough
					pool["LambdaConfig"].(object)[trigger] = "arn:aws:lambda:us-east-1:123456789012:function:challenges"
				}
			}
			pool["PoolName"] = "made"
			pool["AccountRecoverySetting"] = nil
			id := api.call(t, "CreateUserPool", typed(pool).(object))["UserPool"].(object)["Id"]
			client := typed(s.Client).(object)
			client["UserPoolId"], client["ClientName"] = id, "app"
			clientID := api.call(t, "CreateUserPoolClient", client)["UserPoolClient"].(object)["ClientId"].(string)

			app := app{api, clientID, inbox}
			first := app.signUp(t, attacker)
			token := app.signIn(t, attacker)["AccessToken"]
			before := len(inbox.Messages(victim))
			api.call(t, "UpdateUserAttributes", object{"AccessToken": token, "UserAttributes": attributes("phone_number", victim)})
			if n := len(inbox.Messages(victim)) - before; n != 1 {
				t.Errorf("%d codes of Cognito to the new number, want 1", n)
			}
			if got := app.attribute(t, token, "phone_number"); got != attacker {
				t.Error("the number was changed without a code")
			}
			if api.try("UpdateUserAttributes", object{"AccessToken": token, "UserAttributes": attributes("email", "victim@example.com")}) == http.StatusOK {
				t.Error("an app can write an e-mail address that nobody proved")
			}
			if second := app.signUp(t, victim); second == first {
				t.Error("the victim's account is the attacker's")
			}
			if got := app.attribute(t, app.signIn(t, victim)["AccessToken"], "phone_number"); got != victim {
				t.Error("the victim came into another account")
			}
		})
	}
}

// TestUnknownUsers asks for somebody who does not exist. The app client of each
// deployment answers as for anybody. With LEGACY the pool tells who has an account, and
// no trigger is called that could notice it: so this asks as docs/console.md does.
func TestUnknownUsers(t *testing.T) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			s := d.read(t, profiles[1])
			for mode, want := range map[string]string{"ENABLED": "CUSTOM_CHALLENGE", "LEGACY": "UserNotFoundException"} {
				api := newPool(t, new(cognitotest.Inbox))
				client := typed(s.Client).(object)
				if mode == "LEGACY" {
					client["PreventUserExistenceErrors"] = mode
				}
				client["UserPoolId"], client["ClientName"] = api.ID(), "app"
				id := api.call(t, "CreateUserPoolClient", client)["UserPoolClient"].(object)["ClientId"]
				_, answer := api.post("InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": id, "AuthParameters": object{"USERNAME": "+12065550199"}})
				got, _ := answer["ChallengeName"].(string)
				if got == "" {
					got, _ = answer["__type"].(string)
				}
				if got != want {
					t.Errorf("%s: %s, want %s", mode, got, want)
				}
			}
		})
	}
}

type api struct{ *cognitotest.Pool }

// newPool is the service that other pools are made of, with the function of the
// challenges.
func newPool(t *testing.T, inbox *cognitotest.Inbox) api {
	t.Helper()
	h, err := customauth.NewHandler(customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide("a key that seals the sign-ins of a test")},
		CounterKey: customauth.Hide("a key that names the counters of a test"),
		Store:      customauth.NewMemoryStore(),
		Senders:    map[string]customauth.Sender{"SMS": inbox},
		Logger:     slog.New(slog.DiscardHandler),
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		Triggers: cognitotest.Triggers{All: h}, Inbox: inbox, Functions: map[string]lambda.Handler{"challenges": h}, Logf: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	return api{pool}
}

func (a api) post(operation string, body object) (int, object) {
	text, _ := json.Marshal(body)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	answer := object{}
	json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

func (a api) call(t *testing.T, operation string, body object) object {
	t.Helper()
	status, answer := a.post(operation, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", operation, status, answer)
	}
	return answer
}

func (a api) try(operation string, body object) int {
	status, _ := a.post(operation, body)
	return status
}

// An app is what people use.
type app struct {
	api
	id    string
	inbox *cognitotest.Inbox
}

// signUp returns the sub of the new user. Cognito itself must send nothing.
func (a app) signUp(t *testing.T, phone string) string {
	t.Helper()
	before := len(a.inbox.Messages(phone))
	out := a.call(t, "SignUp", object{
		"ClientId": a.id, "Username": phone, "Password": "Throw-away-1", "UserAttributes": attributes("phone_number", phone),
	})
	if len(a.inbox.Messages(phone)) != before || out["UserConfirmed"] != true {
		t.Error("sign-up asked for a code of Cognito's")
	}
	return out["UserSub"].(string)
}

func (a app) signIn(t *testing.T, phone string) object {
	t.Helper()
	first := a.call(t, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": a.id, "AuthParameters": object{"USERNAME": phone}})
	out := a.call(t, "RespondToAuthChallenge", object{
		"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": a.id, "Session": first["Session"],
		"ChallengeResponses": object{"USERNAME": first["ChallengeParameters"].(object)["USERNAME"], "ANSWER": a.inbox.Code(phone)},
	})
	tokens, ok := out["AuthenticationResult"].(object)
	if !ok {
		t.Fatalf("the right code brought no tokens: %v", out["ChallengeParameters"])
	}
	return tokens
}

func (a app) attribute(t *testing.T, token any, name string) string {
	t.Helper()
	for _, e := range a.call(t, "GetUser", object{"AccessToken": token})["UserAttributes"].([]any) {
		if e := e.(object); e["Name"] == name {
			return e["Value"].(string)
		}
	}
	return ""
}

func attributes(name, value string) []object {
	return []object{{"Name": name, "Value": value}}
}
