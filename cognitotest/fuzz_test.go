package cognitotest_test

// This file throws what anybody may send at whatever reads it.

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// FuzzRequest: whatever comes in, the answer is JSON, with 200 or with 400 and
// an error type.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ operation, body string }{
		{"SignUp", `{"Username":"bob","Password":"Passw0rd!x","UserAttributes":[{"Name":"email","Value":"bob@example.com"}],"ClientMetadata":{"k":"v"},"ClientId":"` + clientID + `"}`},
		{"SignUp", `{"Username":"bob","ClientId":"` + clientID + `","UserAttributes":[null,{"Name":null}],"ValidationData":null}`},
		{"ConfirmSignUp", `{"Username":"carol","ConfirmationCode":"123456","ClientId":"` + clientID + `","ForceAliasCreation":true}`},
		{"ResendConfirmationCode", `{"Username":"carol","ClientId":"` + clientID + `"}`},
		{"InitiateAuth", `{"AuthFlow":"CUSTOM_AUTH","AuthParameters":{"USERNAME":"alice"},"ClientId":"` + clientID + `"}`},
		{"InitiateAuth", `{"AuthFlow":"CUSTOM_AUTH","AuthParameters":{"USERNAME":"alice","CHALLENGE_NAME":"SRP_A","SRP_A":"2"},"ClientId":"` + clientID + `"}`},
		{"InitiateAuth", `{"AuthFlow":"REFRESH_TOKEN_AUTH","AuthParameters":{"REFRESH_TOKEN":"x"},"ClientId":"` + clientID + `"}`},
		{"RespondToAuthChallenge", `{"ChallengeName":"CUSTOM_CHALLENGE","ChallengeResponses":{"USERNAME":"alice","ANSWER":"0000"},"Session":"AYABb8Gc4RabQlXQBEbY0O5jQatBuqGr","ClientId":"` + clientID + `"}`},
		{"RespondToAuthChallenge", `{"ChallengeName":"PASSWORD_VERIFIER","ChallengeResponses":{"USERNAME":"alice","PASSWORD_CLAIM_SECRET_BLOCK":"AA==","TIMESTAMP":"Sun Nov 22 09:20:29 UTC 2026","PASSWORD_CLAIM_SIGNATURE":"AA=="},"ClientId":"` + clientID + `"}`},
		{"GetTokensFromRefreshToken", `{"ClientId":"` + clientID + `","RefreshToken":"AAAA"}`},
		{"RevokeToken", `{"ClientId":"` + clientID + `","Token":"a.b.c"}`},
		{"GetUser", `{"AccessToken":"eyJhbGciOiJub25lIn0.e30."}`},
		{"AdminCreateUser", `{"UserPoolId":"` + poolID + `","Username":"bob","MessageAction":"RESEND"}`},
		{"AdminUpdateUserAttributes", `{"UserPoolId":"` + poolID + `","Username":"alice","UserAttributes":[{"Name":"email","Value":""}]}`},
		{"ListUsers", `{"UserPoolId":"` + poolID + `","Filter":"name ^= \"a\"","Limit":1}`},
		{"DescribeUserPoolClient", `{"UserPoolId":"` + poolID + `","ClientId":"` + clientID + `"}`},
		{"ForgotPassword", `[]`},
	} {
		f.Add(seed.operation, seed.body)
	}
	testKey()
	f.Fuzz(func(t *testing.T, operation, body string) {
		pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
		for name, status := range map[string]string{"alice": "CONFIRMED", "carol": "UNCONFIRMED"} {
			if err := pool.AddUser(name, map[string]string{"cognito:user_status": status, "phone_number": phone}); err != nil {
				t.Fatal(err)
			}
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header["X-Amz-Target"] = []string{"AWSCognitoIdentityProviderService." + operation}
		w := httptest.NewRecorder()
		pool.ServeHTTP(w, r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("answer %q: %v", w.Body, err)
		}
		kind, _ := answer["__type"].(string)
		if (w.Code != http.StatusOK || kind != "") && (w.Code != http.StatusBadRequest || kind == "") {
			t.Errorf("status %d with %s", w.Code, w.Body)
		}
		if kind == "InternalErrorException" || answer["AuthenticationResult"] != nil {
			t.Errorf("answer %s", w.Body)
		}
	})
}

// FuzzSRP: no number, proof, block or time makes a proof but the password.
func FuzzSRP(f *testing.F) {
	n := cognitotest.SRPModulus()
	for _, a := range []string{"0", "1", "2", "ff", n.Text(16), "-1", strings.Repeat("f", 768), "00"} {
		f.Add(a, "", "AAAA", midnight)
	}
	f.Add("2", "Zm9v", "", "Sat Jan 01 00:00:00 UTC 2000")
	f.Fuzz(func(t *testing.T, a, block, signature, timestamp string) {
		pool, _ := passwordPool(t)
		status, answer := post(t, pool, "InitiateAuth", object{
			"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID,
			"AuthParameters": object{"USERNAME": "alice", "CHALLENGE_NAME": "SRP_A", "SRP_A": a},
		})
		if status != http.StatusOK {
			return
		}
		if block == "" {
			block = answer["ChallengeParameters"].(object)["SECRET_BLOCK"].(string)
		}
		if status, answer := post(t, pool, "RespondToAuthChallenge", object{
			"ClientId": clientID, "ChallengeName": "PASSWORD_VERIFIER",
			"ChallengeResponses": object{
				"USERNAME": "alice", "PASSWORD_CLAIM_SECRET_BLOCK": block, "PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": timestamp,
			},
		}); status == http.StatusOK {
			t.Errorf("the password was proven: %v", answer)
		}
	})
}

// FuzzSRPChallenge: the client's side, for whatever a server sends.
func FuzzSRPChallenge(f *testing.F) {
	f.Add("d663cc3e3968a5ce8b3e81f25c75b514", "2", "Zm9v", "alice")
	f.Add("", "0", "!", "")
	f.Fuzz(func(t *testing.T, salt, b, block, user string) {
		_, err := cognitotest.NewSRPClient(nil).Answer(map[string]string{
			"USERNAME": user, "USER_ID_FOR_SRP": user, "SALT": salt, "SRP_B": b, "SECRET_BLOCK": block,
		}, poolID, "Correct-Horse-9", midnight)
		if err != nil && !strings.HasPrefix(err.Error(), "cognitotest: ") {
			t.Errorf("error: %v", err)
		}
	})
}

// FuzzAnswer: whatever a trigger answers, the sign-in goes on or ends with an
// error of the service.
func FuzzAnswer(f *testing.F) {
	for source, answers := range map[string][]string{
		"DefineAuthChallenge":         {`{"response":{"challengeName":"CUSTOM_CHALLENGE"}}`, `{"response":{"issueTokens":true}}`, `{"response":null}`, `null`, ``},
		"CreateAuthChallenge":         {`{"response":{"publicChallengeParameters":{"a":null},"privateChallengeParameters":{"answer":"right"},"challengeMetadata":null}}`},
		"VerifyAuthChallengeResponse": {`{"response":{"answerCorrect":1}}`, `{"response":{"answerCorrect":true}}`},
		"TokenGeneration":             {`{"response":{"claimsOverrideDetails":{"claimsToAddOrOverride":{"a":"b"},"claimsToSuppress":[null],"groupOverrideDetails":{"groupsToOverride":["x"]}}}}`},
	} {
		for _, answer := range answers {
			f.Add(source, answer)
		}
	}
	testKey()
	f.Fuzz(func(t *testing.T, source, answer string) {
		pool := newPool(t, cognitotest.Config{Triggers: every(&fake{respond: respondWith(source, answer)})})
		if err := pool.AddUser("alice", nil); err != nil {
			t.Fatal(err)
		}
		s, err := pool.SignIn(t.Context(), "alice")
		if err == nil && !s.Done() {
			err = s.Answer(t.Context(), "right", nil)
		}
		var e *cognitotest.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("error: %v, want one of the service", err)
		}
	})
}

// FuzzStrings: session strings and tokens that the pool did not make are
// refused by everything that takes them.
func FuzzStrings(f *testing.F) {
	f.Add("")
	f.Add("eyJhbGciOiJSUzI1NiJ9.e30.AA")
	f.Add(strings.Repeat("A", 75))
	f.Add(strings.Repeat("_", 2048))
	pool := newPool(f, cognitotest.Config{Triggers: every(new(fake))})
	if err := pool.AddUser("alice", nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := pool.Claims(s); err == nil {
			t.Error("Claims took it")
		}
		refused(t, pool, "GetUser", object{"AccessToken": s})
		refused(t, pool, "GetTokensFromRefreshToken", object{"ClientId": clientID, "RefreshToken": s})
		refused(t, pool, "RevokeToken", object{"ClientId": clientID, "Token": s})
		refused(t, pool, "RespondToAuthChallenge", object{
			"ClientId": clientID, "ChallengeName": "CUSTOM_CHALLENGE", "Session": s,
			"ChallengeResponses": object{"USERNAME": "alice", "ANSWER": "right"},
		})
	})
}
