package cognitotest_test

// This file tests the HTTP API from outside, with requests as clients send them.

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const (
	clientID = "1example23456789testclient"
	poolID   = "us-east-1_Test00001"
)

// post sends a request as the SDKs do and returns status and answer.
func post(t testing.TB, h http.Handler, operation string, body any) (int, object) {
	t.Helper()
	text, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(text))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("%s: content type %q", operation, got)
	}
	answer := decode(w.Body.String())
	if w.Code != http.StatusOK && w.Header().Get("x-amzn-ErrorType") != answer["__type"] {
		t.Errorf("%s: x-amzn-ErrorType %q, __type %v", operation, w.Header().Get("x-amzn-ErrorType"), answer["__type"])
	}
	return w.Code, answer
}

// call is post for a request that must succeed.
func call(t testing.TB, h http.Handler, operation string, body any) object {
	t.Helper()
	status, answer := post(t, h, operation, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", operation, status, answer)
	}
	return answer
}

// refused is post for a request that must fail; it returns "type: message".
func refused(t testing.TB, h http.Handler, operation string, body any) string {
	t.Helper()
	status, answer := post(t, h, operation, body)
	if status != http.StatusBadRequest {
		t.Fatalf("%s: status %d, want 400: %v", operation, status, answer)
	}
	return fmt.Sprintf("%v: %v", answer["__type"], answer["message"])
}

// signIn signs a user in over HTTP and returns the tokens.
func signIn(t testing.TB, h http.Handler, name string) object {
	t.Helper()
	first := call(t, h, "InitiateAuth", object{
		"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": name},
	})
	second := call(t, h, "RespondToAuthChallenge", object{
		"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": clientID, "Session": first["Session"],
		"ChallengeResponses": object{"USERNAME": first["ChallengeParameters"].(object)["USERNAME"], "ANSWER": "right"},
	})
	return second["AuthenticationResult"].(object)
}

func attributes(pairs ...string) []object {
	list := []object{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, object{"Name": pairs[i], "Value": pairs[i+1]})
	}
	return list
}

// TestSignInOverHTTP walks through a whole life: sign-up, a wrong answer, a right
// one, the profile, refresh, sign-out, deletion.
func TestSignInOverHTTP(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{UsernameAttributes: []string{"phone_number"}, Triggers: every(f)})

	signedUp := call(t, pool, "SignUp", object{
		"ClientId": clientID, "Username": phone, "Password": "Passw0rd!x",
		"UserAttributes": attributes("name", "Some One"), "ValidationData": nil, "ClientMetadata": nil,
	})
	sub := signedUp["UserSub"].(string)
	if diff := cmp.Diff(object{"UserConfirmed": true, "UserSub": sub}, signedUp); diff != "" {
		t.Errorf("SignUp (-want +got):\n%s", diff)
	}

	first := call(t, pool, "InitiateAuth", object{
		"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": phone},
	})
	want := object{
		"ChallengeName":       "CUSTOM_CHALLENGE",
		"ChallengeParameters": object{"USERNAME": sub, "hint": "say right"},
		"Session":             first["Session"],
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("InitiateAuth (-want +got):\n%s", diff)
	}
	respond := func(session any, answer string) object {
		return object{
			"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": clientID, "Session": session,
			"ChallengeResponses": object{"USERNAME": phone, "ANSWER": answer},
		}
	}
	second := call(t, pool, "RespondToAuthChallenge", respond(first["Session"], "wrong"))
	if second["ChallengeName"] != "CUSTOM_CHALLENGE" || second["Session"] == first["Session"] {
		t.Errorf("after a wrong answer: %v", second)
	}
	if got, want := refused(t, pool, "RespondToAuthChallenge", respond(first["Session"], "right")),
		"NotAuthorizedException: Invalid session for the user, session can only be used once."; got != want {
		t.Errorf("replay: %s, want %s", got, want)
	}
	third := call(t, pool, "RespondToAuthChallenge", respond(second["Session"], "right"))
	tokens := third["AuthenticationResult"].(object)
	want = object{
		"AccessToken": tokens["AccessToken"], "IdToken": tokens["IdToken"], "RefreshToken": tokens["RefreshToken"],
		"ExpiresIn": 3600.0, "TokenType": "Bearer",
	}
	if diff := cmp.Diff(object{"AuthenticationResult": want, "ChallengeParameters": object{}}, third); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}

	access := object{"AccessToken": tokens["AccessToken"]}
	profile := call(t, pool, "GetUser", access)
	want = object{"Username": sub, "UserAttributes": []any{
		object{"Name": "sub", "Value": sub},
		object{"Name": "name", "Value": "Some One"},
		object{"Name": "phone_number", "Value": phone},
		object{"Name": "phone_number_verified", "Value": "false"},
	}}
	if diff := cmp.Diff(want, profile); diff != "" {
		t.Errorf("GetUser (-want +got):\n%s", diff)
	}
	call(t, pool, "UpdateUserAttributes", object{"AccessToken": tokens["AccessToken"], "UserAttributes": attributes("name", "Someone Else")})
	if got := pool.Attributes(phone)["name"]; got != "Someone Else" {
		t.Errorf("name after the update: %q", got)
	}

	refresh := object{"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": clientID, "AuthParameters": object{"REFRESH_TOKEN": tokens["RefreshToken"]}}
	refreshed := call(t, pool, "InitiateAuth", refresh)["AuthenticationResult"].(object)
	if refreshed["AccessToken"] == tokens["AccessToken"] || refreshed["RefreshToken"] != nil {
		t.Errorf("refresh without rotation: %v", slices.Sorted(maps.Keys(refreshed)))
	}
	call(t, pool, "GlobalSignOut", object{"AccessToken": refreshed["AccessToken"]})
	if got, want := refused(t, pool, "GetUser", access), "NotAuthorizedException: Access Token has been revoked"; got != want {
		t.Errorf("GetUser after GlobalSignOut: %s, want %s", got, want)
	}
	if got, want := refused(t, pool, "InitiateAuth", refresh), "NotAuthorizedException: Refresh Token has been revoked"; got != want {
		t.Errorf("refresh after GlobalSignOut: %s, want %s", got, want)
	}

	again := signIn(t, pool, phone)
	call(t, pool, "DeleteUser", object{"AccessToken": again["AccessToken"]})
	if pool.Attributes(phone) != nil {
		t.Error("the user is still there after DeleteUser")
	}
	if got, want := refused(t, pool, "GetUser", object{"AccessToken": again["AccessToken"]}), "UserNotFoundException: User does not exist."; got != want {
		t.Errorf("GetUser after DeleteUser: %s, want %s", got, want)
	}

	wantCalls := []string{"PreSignUp", "PostConfirmation", "PreAuthentication", "DefineAuthChallenge", "CreateAuthChallenge",
		"VerifyAuthChallengeResponse", "DefineAuthChallenge", "CreateAuthChallenge",
		"VerifyAuthChallengeResponse", "DefineAuthChallenge", "PostAuthentication", "TokenGeneration", "TokenGeneration"}
	if diff := cmp.Diff(wantCalls, f.sources()[:len(wantCalls)]); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
}

// TestPreSignUpEvent compares with the service's event.
func TestPreSignUpEvent(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{UsernameAttributes: []string{"phone_number"}, Triggers: every(f)})
	sub := call(t, pool, "SignUp", object{
		"ClientId": clientID, "Username": phone, "UserAttributes": attributes("name", "Some One"),
	})["UserSub"]
	want := object{
		"version": "1", "region": "us-east-1", "userPoolId": poolID, "userName": sub,
		"callerContext": object{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": clientID},
		"triggerSource": "PreSignUp_SignUp",
		"request": object{
			"userAttributes": object{"phone_number": phone, "name": "Some One"},
			"validationData": nil,
		},
		"response": object{"autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false},
	}
	if diff := cmp.Diff(want, f.last(t, "PreSignUp_SignUp")); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestSignUp(t *testing.T) {
	byPhone := []string{"phone_number"}
	signUp := func(name string, more object) object {
		o := object{"ClientId": clientID, "Username": name, "Password": "Passw0rd!x"}
		maps.Copy(o, more)
		return o
	}
	tests := map[string]struct {
		username, alias []string
		respond         object // of PreSignUp
		request         object
		want            string
	}{
		"twice":                   {request: signUp("alice", nil), want: "UsernameExistsException: User already exists"},
		"twice by phone":          {username: byPhone, request: signUp(phone, nil), want: "UsernameExistsException: An account with the given phone_number already exists."},
		"verified by the app":     {request: signUp("bob", object{"UserAttributes": attributes("email_verified", "true")}), want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
		"short password":          {request: signUp("bob", object{"Password": "short"}), want: "InvalidPasswordException: Password did not conform with policy: Password not long enough"},
		"no client":               {request: object{"Username": "bob"}, want: "InvalidParameterException: 1 validation error detected: Value at 'clientId' failed to satisfy constraint: Member must not be null"},
		"unknown client":          {request: object{"Username": "bob", "ClientId": "other"}, want: "ResourceNotFoundException: User pool client other does not exist."},
		"no upper case letter":    {request: signUp("bob", object{"Password": "aaaaaaaa"}), want: "InvalidPasswordException: Password did not conform with policy: Password must have uppercase characters"},
		"spaces":                  {request: signUp("bob", object{"Password": "        "}), want: `InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: [\S]+`},
		"verified, not confirmed": {request: signUp("bob", object{"UserAttributes": attributes("email", "bob@example.com")}), respond: object{"autoConfirmUser": false, "autoVerifyEmail": true}, want: "InvalidLambdaResponseException: Phone or email cannot be auto verified, when user is not being auto confirmed."},
		"verified without number": {request: signUp("bob", nil), respond: object{"autoConfirmUser": true, "autoVerifyPhone": true}, want: "InvalidLambdaResponseException: cognitotest: PreSignUp verifies phone_number, which the user does not have"},
		"answer of another shape": {request: signUp("bob", nil), respond: object{"autoConfirmUser": "true"}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := new(fake)
			pool := newPool(t, cognitotest.Config{UsernameAttributes: tt.username, AliasAttributes: tt.alias, Triggers: every(f)})
			first := "alice"
			if tt.username != nil {
				first = phone
			}
			call(t, pool, "SignUp", signUp(first, nil))
			if tt.respond != nil {
				f.respond = respondWith("PreSignUp", tt.respond)
			}
			if got := refused(t, pool, "SignUp", tt.request); got != tt.want {
				t.Errorf("error: %s, want %s", got, tt.want)
			}
			// Only what the trigger itself is the cause of reaches the trigger.
			want := []string{"PreSignUp", "PostConfirmation"}
			if tt.respond != nil {
				want = append(want, "PreSignUp")
			}
			if diff := cmp.Diff(want, f.sources()); diff != "" {
				t.Errorf("triggers (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("auto-verifying moves no preferred name", func(t *testing.T) {
		f := &fake{respond: respondWith("PreSignUp", object{"autoConfirmUser": true, "autoVerifyPhone": true})}
		pool := newPool(t, cognitotest.Config{AliasAttributes: []string{"preferred_username"}, Triggers: every(f)})
		if err := pool.AddUser("alice", map[string]string{"preferred_username": "al"}); err != nil {
			t.Fatal(err)
		}
		got := refused(t, pool, "SignUp", signUp("bob", object{"UserAttributes": attributes("phone_number", phone, "preferred_username", "al")}))
		if want := "AliasExistsException: An account with the given preferred_username already exists."; got != want {
			t.Errorf("error: %s, want %s", got, want)
		}
	})
	t.Run("auto-verifying moves an alias", func(t *testing.T) {
		f := &fake{respond: respondWith("PreSignUp", object{"autoConfirmUser": true, "autoVerifyPhone": true})}
		pool := newPool(t, cognitotest.Config{AliasAttributes: byPhone, Triggers: every(f)})
		for _, name := range []string{"alice", "bob"} {
			call(t, pool, "SignUp", signUp(name, object{"UserAttributes": attributes("phone_number", phone)}))
		}
		if got, want := pool.Attributes(phone)["sub"], pool.Attributes("bob")["sub"]; got != want {
			t.Error("the alias did not move to the new user")
		}
		if got := pool.Attributes("alice")["phone_number_verified"]; got != "false" {
			t.Errorf("phone_number_verified of the previous owner: %q, want false", got)
		}
	})
}

func TestConfirmSignUp(t *testing.T) {
	const (
		mismatch = "CodeMismatchException: Invalid verification code provided, please try again."
		expired  = "ExpiredCodeException: Invalid code provided, please request a code again."
	)
	// Every row starts with alice, who has signed up and was sent a code.
	tests := map[string]struct {
		client cognitotest.Client
		before func(t *testing.T, p *cognitotest.Pool)
		user   string
		code   string // empty: the right one
		want   string // empty: confirmed
	}{
		"right":         {},
		"wrong":         {code: "x", want: mismatch},
		"after a day":   {before: func(*testing.T, *cognitotest.Pool) { time.Sleep(24 * time.Hour) }, want: expired},
		"unknown":       {user: "nobody", want: expired},
		"unknown shown": {client: cognitotest.Client{PreventUserExistenceErrors: "LEGACY"}, user: "nobody", want: "UserNotFoundException: Username/client id combination not found."},
		"twice": {before: func(t *testing.T, p *cognitotest.Pool) {
			call(t, p, "AdminConfirmSignUp", object{"UserPoolId": poolID, "Username": "alice"})
		}, want: "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED"},
		"after five wrong ones": {before: func(t *testing.T, p *cognitotest.Pool) {
			for range 5 {
				got := refused(t, p, "ConfirmSignUp", object{"ClientId": clientID, "Username": "alice", "ConfirmationCode": "x"})
				if got != mismatch {
					t.Errorf("error: %s, want %s", got, mismatch)
				}
			}
		}, want: "LimitExceededException: Attempt limit exceeded, please try after some time."},
		"the first of two codes": {before: func(t *testing.T, p *cognitotest.Pool) {
			call(t, p, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "alice"})
		}, want: mismatch},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{respond: respondWith("PreSignUp", object{})}
				inbox := new(cognitotest.Inbox)
				pool := newPool(t, cognitotest.Config{Clients: []cognitotest.Client{tt.client}, AutoVerifiedAttributes: []string{"phone_number"}, Inbox: inbox, Triggers: every(f)})
				signedUp := call(t, pool, "SignUp", object{
					"ClientId": clientID, "Username": "alice", "Password": "Passw0rd!x", "UserAttributes": attributes("phone_number", phone),
				})
				want := object{"AttributeName": "phone_number", "DeliveryMedium": "SMS", "Destination": "+*******0100"}
				if diff := cmp.Diff(want, signedUp["CodeDeliveryDetails"]); diff != "" || signedUp["UserConfirmed"] != false {
					t.Errorf("SignUp (-want +got):\n%s", diff)
				}
				code := inbox.Code(phone)
				if tt.before != nil {
					tt.before(t, pool)
				}
				request := object{"ClientId": clientID, "Username": "alice", "ConfirmationCode": code}
				if tt.user != "" {
					request["Username"] = tt.user
				}
				if tt.code != "" {
					request["ConfirmationCode"] = tt.code
				}
				if tt.want != "" {
					if got := refused(t, pool, "ConfirmSignUp", request); got != tt.want {
						t.Errorf("error: %s, want %s", got, tt.want)
					}
					return
				}
				call(t, pool, "ConfirmSignUp", request)
				a := pool.Attributes("alice")
				if a["cognito:user_status"] != "CONFIRMED" || a["phone_number_verified"] != "true" {
					t.Errorf("attributes after confirmation: %v", a)
				}
				f.last(t, "PostConfirmation_ConfirmSignUp")
			})
		})
	}
}

// TestResendToNobody: an unknown user gets an answer of the same shape, always
// the same one.
func TestResendToNobody(t *testing.T) {
	pool := newPool(t, cognitotest.Config{AutoVerifiedAttributes: []string{"phone_number"}, Triggers: every(new(fake))})
	request := object{"ClientId": clientID, "Username": "nobody"}
	first := call(t, pool, "ResendConfirmationCode", request)
	details := first["CodeDeliveryDetails"].(object)
	if details["DeliveryMedium"] != "SMS" || !strings.HasPrefix(details["Destination"].(string), "+*******") {
		t.Errorf("details: %v", details)
	}
	if diff := cmp.Diff(first, call(t, pool, "ResendConfirmationCode", request)); diff != "" {
		t.Errorf("second answer (-first +second):\n%s", diff)
	}
}

// TestTokens checks the signature with the published key, and every claim.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{respond: respondWith("TokenGeneration", object{"claimsOverrideDetails": object{
			"claimsToAddOrOverride": object{"plan": "gold", "sub": "somebody else"},
			"claimsToSuppress":      []string{"name"},
			"groupOverrideDetails":  object{"groupsToOverride": []string{"staff"}},
		}})}
		pool := newPool(t, cognitotest.Config{Triggers: every(f)})
		if err := pool.AddUser("alice", map[string]string{
			"sub": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", "name": "Alice", "phone_number": phone, "phone_number_verified": "True",
		}); err != nil {
			t.Fatal(err)
		}
		tokens := signIn(t, pool, "alice")
		now := float64(time.Now().Unix())

		access := verified(t, pool, tokens["AccessToken"].(string))
		want := object{
			"sub": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", "iss": "https://cognito-idp.us-east-1.amazonaws.com/" + poolID,
			"client_id": clientID, "token_use": "access", "scope": "aws.cognito.signin.user.admin", "username": "alice",
			"auth_time": now, "iat": now, "exp": now + 3600,
			"cognito:groups": []any{"staff"},
		}
		if diff := cmp.Diff(want, unique(t, access)); diff != "" {
			t.Errorf("access token (-want +got):\n%s", diff)
		}

		id := verified(t, pool, tokens["IdToken"].(string))
		want = object{
			"sub": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", "iss": "https://cognito-idp.us-east-1.amazonaws.com/" + poolID,
			"aud": clientID, "token_use": "id", "cognito:username": "alice",
			"phone_number": phone, "phone_number_verified": true,
			"auth_time": now, "iat": now, "exp": now + 3600,
			"cognito:groups": []any{"staff"}, "plan": "gold",
		}
		if diff := cmp.Diff(want, unique(t, id)); diff != "" {
			t.Errorf("ID token (-want +got):\n%s", diff)
		}
	})
}

// unique checks that the claims that are random are there, and leaves them out.
func unique(t *testing.T, claims object) object {
	t.Helper()
	rest := maps.Clone(claims)
	for _, name := range []string{"jti", "origin_jti", "event_id"} {
		if s, _ := claims[name].(string); !uuidForm.MatchString(s) {
			t.Errorf("%s is %q, want a UUID", name, s)
		}
		delete(rest, name)
	}
	return rest
}

// verified checks a token as a stranger would, with the key set alone.
func verified(t *testing.T, h http.Handler, token string) object {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/"+poolID+"/.well-known/jwks.json", nil))
	var set struct {
		Keys []struct{ Kid, Alg, Kty, Use, N, E string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("key set %s: %v", w.Body, err)
	}
	bytesOf := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	parts := strings.Split(token, ".")
	header := decode(string(bytesOf(parts[0])))
	if diff := cmp.Diff(object{"kid": set.Keys[0].Kid, "alg": "RS256"}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	key := &rsa.PublicKey{
		N: new(big.Int).SetBytes(bytesOf(set.Keys[0].N)),
		E: int(new(big.Int).SetBytes(bytesOf(set.Keys[0].E)).Int64()),
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], bytesOf(parts[2])); err != nil {
		t.Error(err)
	}
	return decode(string(bytesOf(parts[1])))
}

// TestTokenRefusals: what an access token must be.
func TestTokenRefusals(t *testing.T) {
	tests := map[string]struct {
		token func(t *testing.T, tokens object) string
		want  string
	}{
		"none":            {func(*testing.T, object) string { return "" }, "InvalidParameterException: 1 validation error detected: Value at 'accessToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"},
		"no JWT":          {func(*testing.T, object) string { return "a.b.c" }, "NotAuthorizedException: Invalid Access Token"},
		"an ID token":     {func(_ *testing.T, tokens object) string { return tokens["IdToken"].(string) }, "NotAuthorizedException: Invalid Access Token"},
		"a refresh token": {func(_ *testing.T, tokens object) string { return tokens["RefreshToken"].(string) }, "NotAuthorizedException: Invalid Access Token"},
		"expired":         {func(_ *testing.T, tokens object) string { time.Sleep(time.Hour); return tokens["AccessToken"].(string) }, "NotAuthorizedException: Access Token has expired"},
		"changed":         {func(_ *testing.T, tokens object) string { return changeClaims(tokens["AccessToken"].(string)) }, "NotAuthorizedException: Could not verify signature for Access Token"},
		"without a key":   {func(_ *testing.T, tokens object) string { return algorithmNone(tokens["AccessToken"].(string)) }, "NotAuthorizedException: Invalid Access Token"},
		"of another pool": {func(t *testing.T, _ object) string { return otherPoolToken(t) }, "NotAuthorizedException: Invalid Access Token"},
		"just before time": {func(_ *testing.T, tokens object) string {
			time.Sleep(time.Hour - time.Second)
			return tokens["AccessToken"].(string)
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
				if err := pool.AddUser("alice", nil); err != nil {
					t.Fatal(err)
				}
				request := object{"AccessToken": tt.token(t, signIn(t, pool, "alice"))}
				if tt.want == "" {
					call(t, pool, "GetUser", request)
				} else if got := refused(t, pool, "GetUser", request); got != tt.want {
					t.Errorf("error: %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func changeClaims(token string) string {
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	claims = bytes.Replace(claims, []byte("alice"), []byte("admin"), 1)
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + parts[2]
}

func algorithmNone(token string) string {
	parts := strings.Split(token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	header = bytes.Replace(header, []byte("RS256"), []byte("none"), 1)
	return base64.RawURLEncoding.EncodeToString(header) + "." + parts[1] + "."
}

func otherPoolToken(t *testing.T) string {
	pool := newPool(t, cognitotest.Config{ID: "eu-west-1_Other", Triggers: every(new(fake))})
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	return signIn(t, pool, "alice")["AccessToken"].(string)
}

func TestRefreshTokens(t *testing.T) {
	const (
		revoked = "NotAuthorizedException: Refresh Token has been revoked"
		reused  = "RefreshTokenReuseException: cognitotest: the refresh token was exchanged for another one"
	)
	refresh := func(token any) object { return object{"ClientId": clientID, "RefreshToken": token} }
	tests := map[string]struct {
		client cognitotest.Client
		run    func(t *testing.T, p *cognitotest.Pool, tokens object)
	}{
		"used again and again": {run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			for range 3 {
				got := call(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"]))["AuthenticationResult"].(object)
				if got["RefreshToken"] != nil || got["AccessToken"] == nil || got["IdToken"] == nil {
					t.Errorf("tokens: %v", slices.Sorted(maps.Keys(got)))
				}
			}
		}},
		"until it expires": {run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			time.Sleep(30 * 24 * time.Hour)
			if got, want := refused(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"])), "NotAuthorizedException: Refresh Token has expired"; got != want {
				t.Errorf("error: %s, want %s", got, want)
			}
		}},
		"rotated": {client: cognitotest.Client{RotateRefreshTokens: true}, run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			first := call(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"]))["AuthenticationResult"].(object)
			if got := refused(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"])); got != reused {
				t.Errorf("old token: %s, want %s", got, reused)
			}
			call(t, p, "GetTokensFromRefreshToken", refresh(first["RefreshToken"]))
			if got, want := refused(t, p, "InitiateAuth", object{
				"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": clientID, "AuthParameters": object{"REFRESH_TOKEN": first["RefreshToken"]},
			}), "InvalidParameterException: REFRESH_TOKEN_AUTH flow not enabled for this client"; got != want {
				t.Errorf("InitiateAuth with rotation: %s, want %s", got, want)
			}
		}},
		"rotated, in the grace period": {client: cognitotest.Client{RotateRefreshTokens: true, RefreshTokenGracePeriod: time.Minute}, run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			first := call(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"]))["AuthenticationResult"].(object)
			time.Sleep(time.Minute - 1)
			again := call(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"]))["AuthenticationResult"].(object)
			if again["RefreshToken"] == first["RefreshToken"] || again["RefreshToken"] == nil {
				t.Error("a retry in the grace period returns no refresh token of its own")
			}
			time.Sleep(1 * time.Nanosecond) // the period counts from the first exchange
			if got := refused(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"])); got != reused {
				t.Errorf("old token: %s, want %s", got, reused)
			}
			call(t, p, "GetTokensFromRefreshToken", refresh(first["RefreshToken"]))
			call(t, p, "GetTokensFromRefreshToken", refresh(again["RefreshToken"]))
		}},
		"rotated, until the first would have expired": {client: cognitotest.Client{RotateRefreshTokens: true}, run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			time.Sleep(29 * 24 * time.Hour)
			first := call(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"]))["AuthenticationResult"].(object)
			time.Sleep(24 * time.Hour)
			if got, want := refused(t, p, "GetTokensFromRefreshToken", refresh(first["RefreshToken"])), "NotAuthorizedException: Refresh Token has expired"; got != want {
				t.Errorf("error: %s, want %s", got, want)
			}
		}},
		"revoked": {run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			other := signIn(t, p, "alice")
			refreshed := call(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"]))["AuthenticationResult"].(object)
			for range 2 { // a second time changes nothing
				call(t, p, "RevokeToken", object{"ClientId": clientID, "Token": tokens["RefreshToken"]})
			}
			if got := refused(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"])); got != revoked {
				t.Errorf("error: %s, want %s", got, revoked)
			}
			for _, token := range []any{tokens["AccessToken"], refreshed["AccessToken"]} {
				if got, want := refused(t, p, "GetUser", object{"AccessToken": token}), "NotAuthorizedException: Access Token has been revoked"; got != want {
					t.Errorf("error: %s, want %s", got, want)
				}
			}
			call(t, p, "GetUser", object{"AccessToken": other["AccessToken"]})
		}},
		"sign-out and a new sign-in at the same moment": {run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			call(t, p, "GlobalSignOut", object{"AccessToken": tokens["AccessToken"]})
			again := signIn(t, p, "alice")
			call(t, p, "GetUser", object{"AccessToken": again["AccessToken"]})
			if got := refused(t, p, "GetTokensFromRefreshToken", refresh(tokens["RefreshToken"])); got != revoked {
				t.Errorf("error: %s, want %s", got, revoked)
			}
		}},
		"an access token instead": {run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			if got, want := refused(t, p, "GetTokensFromRefreshToken", refresh(tokens["AccessToken"])), "NotAuthorizedException: Invalid Refresh Token"; got != want {
				t.Errorf("error: %s, want %s", got, want)
			}
			if got, want := refused(t, p, "RevokeToken", object{"ClientId": clientID, "Token": tokens["AccessToken"]}), "UnsupportedTokenTypeException: Unsupported token type"; got != want {
				t.Errorf("error: %s, want %s", got, want)
			}
		}},
		"by another client": {run: func(t *testing.T, p *cognitotest.Pool, tokens object) {
			request := object{"ClientId": "second", "RefreshToken": tokens["RefreshToken"]}
			if got, want := refused(t, p, "GetTokensFromRefreshToken", request), "NotAuthorizedException: Invalid Refresh Token"; got != want {
				t.Errorf("error: %s, want %s", got, want)
			}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := newPool(t, cognitotest.Config{Clients: []cognitotest.Client{tt.client, {ID: "second"}}, Triggers: every(new(fake))})
				if err := pool.AddUser("alice", nil); err != nil {
					t.Fatal(err)
				}
				tt.run(t, pool, signIn(t, pool, "alice"))
			})
		})
	}
}

// TestClients: flags of app clients, and what one may do with another's session.
func TestClients(t *testing.T) {
	hash := func(name string) string {
		mac := hmac.New(sha256.New, []byte("hush"))
		mac.Write([]byte(name + "secret"))
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	start := func(client string, parameters object) object {
		return object{"AuthFlow": "CUSTOM_AUTH", "ClientId": client, "AuthParameters": parameters}
	}
	tests := map[string]struct {
		operation string
		request   object
		want      string
	}{
		"with its hash":         {"InitiateAuth", start("secret", object{"USERNAME": "alice", "SECRET_HASH": hash("alice")}), ""},
		"without a hash":        {"InitiateAuth", start("secret", object{"USERNAME": "alice"}), "NotAuthorizedException: Client secret is configured with secret but SECRET_HASH was not received"},
		"with another's hash":   {"InitiateAuth", start("secret", object{"USERNAME": "alice", "SECRET_HASH": hash("bob")}), "NotAuthorizedException: Unable to verify secret hash for client secret"},
		"flow not enabled":      {"InitiateAuth", start("closed", object{"USERNAME": "alice"}), "InvalidParameterException: CUSTOM_AUTH flow not enabled for this client"},
		"old name of the flow":  {"InitiateAuth", start("old", object{"USERNAME": "alice"}), ""},
		"no flow":               {"InitiateAuth", object{"ClientId": "secret"}, "InvalidParameterException: 1 validation error detected: Value null at 'authFlow' failed to satisfy constraint: Member must not be null"},
		"a flow we do not have": {"InitiateAuth", object{"ClientId": "old", "AuthFlow": "USER_AUTH"}, `InvalidParameterException: cognitotest: the AuthFlow "USER_AUTH" is not there`},
		"without parameters":    {"InitiateAuth", object{"ClientId": "old", "AuthFlow": "CUSTOM_AUTH", "AuthParameters": nil}, "InvalidParameterException: Missing required parameter USERNAME"},
		"refresh disabled":      {"InitiateAuth", object{"ClientId": "closed", "AuthFlow": "REFRESH_TOKEN"}, "InvalidParameterException: REFRESH_TOKEN_AUTH flow not enabled for this client"},
		"revoke without secret": {"RevokeToken", object{"ClientId": "secret", "Token": "x"}, "NotAuthorizedException: Client secret does not match for the client: secret"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, cognitotest.Config{
				Clients: []cognitotest.Client{
					{ID: "secret", Secret: "hush"},
					{ID: "closed", ExplicitAuthFlows: []string{"ALLOW_USER_SRP_AUTH"}},
					{ID: "old", ExplicitAuthFlows: []string{"CUSTOM_AUTH_FLOW_ONLY"}},
				},
				Triggers: every(new(fake)),
			})
			if err := pool.AddUser("alice", nil); err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				call(t, pool, tt.operation, tt.request)
			} else if got := refused(t, pool, tt.operation, tt.request); got != tt.want {
				t.Errorf("error: %s, want %s", got, tt.want)
			}
		})
	}

	t.Run("the session of another client", func(t *testing.T) {
		pool := newPool(t, cognitotest.Config{Clients: []cognitotest.Client{{}, {ID: "second"}}, Triggers: every(new(fake))})
		first := call(t, pool, "InitiateAuth", start(clientID, object{"USERNAME": "alice"}))
		got := refused(t, pool, "RespondToAuthChallenge", object{
			"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": "second", "Session": first["Session"],
			"ChallengeResponses": object{"USERNAME": "alice", "ANSWER": "right"},
		})
		if want := "NotAuthorizedException: Invalid session for the user."; got != want {
			t.Errorf("error: %s, want %s", got, want)
		}
	})
	t.Run("a sign-in in Go with a secret", func(t *testing.T) {
		pool := newPool(t, cognitotest.Config{Clients: []cognitotest.Client{{Secret: "hush"}}, Triggers: every(new(fake))})
		if err := pool.AddUser("alice", nil); err != nil {
			t.Fatal(err)
		}
		s, err := pool.SignIn(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Answer(t.Context(), "right", nil); err != nil || !s.Done() {
			t.Errorf("error: %v, done: %v", err, s.Done())
		}
	})
}

func TestAdminOperations(t *testing.T) {
	f := new(fake)
	inbox := new(cognitotest.Inbox)
	pool := newPool(t, cognitotest.Config{Inbox: inbox, Triggers: every(f)})
	named := func(name string, more object) object {
		o := object{"UserPoolId": poolID, "Username": name}
		maps.Copy(o, more)
		return o
	}

	created := call(t, pool, "AdminCreateUser", named("alice", object{
		"UserAttributes": attributes("phone_number", phone, "phone_number_verified", "true"),
	}))["User"].(object)
	if created["UserStatus"] != "FORCE_CHANGE_PASSWORD" || created["Enabled"] != true || created["Username"] != "alice" {
		t.Errorf("AdminCreateUser: %v", created)
	}
	event := f.last(t, "PreSignUp_AdminCreateUser")
	if got := event["callerContext"].(object)["clientId"]; got != "CLIENT_ID_NOT_APPLICABLE" {
		t.Errorf("clientId of PreSignUp_AdminCreateUser: %v", got)
	}
	if got := len(inbox.Messages(phone)); got != 1 {
		t.Errorf("%d messages after AdminCreateUser, want 1", got)
	}
	call(t, pool, "AdminCreateUser", named("bob", object{"MessageAction": "SUPPRESS", "UserAttributes": attributes("phone_number", phone)}))
	if got := len(inbox.Messages(phone)); got != 1 {
		t.Errorf("%d messages after SUPPRESS, want 1", got)
	}

	call(t, pool, "AdminUpdateUserAttributes", named("alice", object{"UserAttributes": attributes("phone_number", "+12065550101", "name", "Alice")}))
	got := call(t, pool, "AdminGetUser", named("alice", nil))
	want := []any{
		object{"Name": "sub", "Value": pool.Attributes("alice")["sub"]},
		object{"Name": "name", "Value": "Alice"},
		object{"Name": "phone_number", "Value": "+12065550101"},
		object{"Name": "phone_number_verified", "Value": "false"},
	}
	if diff := cmp.Diff(want, got["UserAttributes"]); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}

	call(t, pool, "AdminSetUserPassword", named("alice", object{"Password": "Correct-Horse-9", "Permanent": true}))
	if got := pool.Attributes("alice")["cognito:user_status"]; got != "CONFIRMED" {
		t.Errorf("status after AdminSetUserPassword: %s", got)
	}
	first := call(t, pool, "AdminInitiateAuth", object{
		"UserPoolId": poolID, "ClientId": clientID, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": object{"USERNAME": "alice"},
	})
	call(t, pool, "AdminRespondToAuthChallenge", object{
		"UserPoolId": poolID, "ClientId": clientID, "ChallengeName": "CUSTOM_CHALLENGE", "Session": first["Session"],
		"ChallengeResponses": object{"USERNAME": "alice", "ANSWER": "right"},
	})

	list := func(more object) []string {
		o := object{"UserPoolId": poolID}
		maps.Copy(o, more)
		var names []string
		for _, u := range call(t, pool, "ListUsers", o)["Users"].([]any) {
			names = append(names, u.(object)["Username"].(string))
		}
		return names
	}
	for _, tt := range []struct {
		request object
		want    []string
	}{
		{object{}, []string{"alice", "bob"}},
		{object{"Limit": 1}, []string{"alice"}},
		{object{"Limit": 0}, []string{"alice", "bob"}},
		{object{"Filter": `phone_number = "+12065550101"`}, []string{"alice"}},
		{object{"Filter": `username ^= "b"`}, []string{"bob"}},
		{object{"Filter": `name = "nobody"`}, nil},
	} {
		if diff := cmp.Diff(tt.want, list(tt.request)); diff != "" {
			t.Errorf("ListUsers %v (-want +got):\n%s", tt.request, diff)
		}
	}

	described := call(t, pool, "DescribeUserPool", object{"UserPoolId": poolID})["UserPool"].(object)
	if described["Id"] != poolID || described["EstimatedNumberOfUsers"] != 2.0 || len(described["LambdaConfig"].(object)) != 8 {
		t.Errorf("DescribeUserPool: %v", described)
	}
	client := call(t, pool, "DescribeUserPoolClient", object{"UserPoolId": poolID, "ClientId": clientID})["UserPoolClient"].(object)
	if client["ClientId"] != clientID || client["AuthSessionValidity"] != 15.0 || client["PreventUserExistenceErrors"] != "ENABLED" {
		t.Errorf("DescribeUserPoolClient: %v", client)
	}

	call(t, pool, "AdminDeleteUser", named("alice", nil))
	for operation, request := range map[string]object{
		"AdminGetUser":              named("alice", nil),
		"AdminDeleteUser":           named("alice", nil),
		"AdminUpdateUserAttributes": named("alice", object{"UserAttributes": attributes("name", "Alice")}),
		"AdminSetUserPassword":      named("alice", object{"Password": "Correct-Horse-9"}),
		"AdminConfirmSignUp":        named("alice", nil),
	} {
		if got, want := refused(t, pool, operation, request), "UserNotFoundException: User does not exist."; got != want {
			t.Errorf("%s of nobody: %s, want %s", operation, got, want)
		}
		request["UserPoolId"] = "us-east-1_Other"
		if got, want := refused(t, pool, operation, request), "ResourceNotFoundException: User pool us-east-1_Other does not exist."; got != want {
			t.Errorf("%s in another pool: %s, want %s", operation, got, want)
		}
	}
}

// TestAddressesAreFreed: a phone number that its user gave up, or whose user is
// gone, can be another's.
func TestAddressesAreFreed(t *testing.T) {
	pool := newPool(t, cognitotest.Config{UsernameAttributes: []string{"phone_number"}, Triggers: every(new(fake))})
	const other = "+12065550101"
	signUp := object{"ClientId": clientID, "Username": phone}
	call(t, pool, "SignUp", signUp)
	call(t, pool, "AdminUpdateUserAttributes", object{"UserPoolId": poolID, "Username": phone, "UserAttributes": attributes("phone_number", other)})
	call(t, pool, "SignUp", signUp)
	got := refused(t, pool, "AdminUpdateUserAttributes", object{"UserPoolId": poolID, "Username": other, "UserAttributes": attributes("phone_number", phone)})
	if want := "AliasExistsException: An account with the given phone_number already exists."; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
	call(t, pool, "AdminDeleteUser", object{"UserPoolId": poolID, "Username": phone})
	call(t, pool, "SignUp", signUp)
}

// TestClientGone: a client that hangs up does not stop what it asked for.
func TestClientGone(t *testing.T) {
	f := new(fake)
	ctx, hangUp := context.WithCancel(t.Context())
	h := handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		hangUp()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return f.Invoke(ctx, payload)
	})
	pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(
		`{"AuthFlow":"CUSTOM_AUTH","ClientId":"`+clientID+`","AuthParameters":{"USERNAME":"alice"}}`))
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.InitiateAuth")
	pool.ServeHTTP(httptest.NewRecorder(), r)
	if diff := cmp.Diff([]string{"DefineAuthChallenge", "CreateAuthChallenge"}, f.sources()); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
}

// TestBadRequests: what comes in wrong is refused with an error of the service,
// status 400 (which post checks), whatever it is.
func TestBadRequests(t *testing.T) {
	const serialization = "SerializationException"
	tests := map[string]struct {
		operation string
		body      string
		want      string // the type alone
	}{
		"empty":                  {"InitiateAuth", ``, serialization},
		"not JSON":               {"InitiateAuth", `{`, serialization},
		"null":                   {"InitiateAuth", `null`, serialization},
		"a list":                 {"InitiateAuth", `[]`, serialization},
		"two objects":            {"InitiateAuth", `{}{}`, serialization},
		"deep":                   {"InitiateAuth", strings.Repeat(`{"a":`, 20_000), serialization},
		"a number for a string":  {"InitiateAuth", `{"ClientId":1}`, serialization},
		"a list for a map":       {"InitiateAuth", `{"AuthParameters":[]}`, serialization},
		"a number as parameter":  {"InitiateAuth", `{"AuthParameters":{"USERNAME":1}}`, serialization},
		"a key in lower case":    {"InitiateAuth", `{"clientid":"x"}`, "InvalidParameterException"},
		"nulls":                  {"InitiateAuth", `{"ClientId":null,"AuthFlow":null,"AuthParameters":null}`, "InvalidParameterException"},
		"a null attribute":       {"SignUp", `{"ClientId":"` + clientID + `","Username":"bob","UserAttributes":[null]}`, "InvalidParameterException"},
		"a huge body":            {"InitiateAuth", `{"ClientId":"` + strings.Repeat("x", 10<<20) + `"}`, serialization},
		"no session":             {"RespondToAuthChallenge", `{"ClientId":"` + clientID + `","ChallengeName":"CUSTOM_CHALLENGE","ChallengeResponses":{"USERNAME":"a","ANSWER":"b"}}`, "InvalidParameterException"},
		"no answer":              {"RespondToAuthChallenge", `{"ClientId":"` + clientID + `","ChallengeName":"CUSTOM_CHALLENGE","ChallengeResponses":{"USERNAME":"a"}}`, "InvalidParameterException"},
		"no responses":           {"RespondToAuthChallenge", `{"ClientId":"` + clientID + `","ChallengeName":"CUSTOM_CHALLENGE"}`, "InvalidParameterException"},
		"a huge session":         {"RespondToAuthChallenge", `{"ClientId":"` + clientID + `","ChallengeName":"CUSTOM_CHALLENGE","Session":"` + strings.Repeat("A", 9000) + `","ChallengeResponses":{"USERNAME":"a","ANSWER":"b"}}`, "InvalidParameterException"},
		"a huge client ID":       {"InitiateAuth", `{"ClientId":"` + strings.Repeat("x", 100_000) + `"}`, "InvalidParameterException"},
		"a huge attribute":       {"SignUp", `{"ClientId":"` + clientID + `","Username":"bob","UserAttributes":[{"Name":"` + strings.Repeat("x", 100_000) + `"}]}`, "InvalidParameterException"},
		"an operation to come":   {"AssociateSoftwareToken", `{}`, "UnknownOperationException"},
		"no operation":           {"", `{}`, "UnknownOperationException"},
		"a filter of SQL":        {"ListUsers", `{"UserPoolId":"` + poolID + `","Filter":"1 or 1"}`, "InvalidParameterException"},
		"a limit below zero":     {"ListUsers", `{"UserPoolId":"` + poolID + `","Limit":-1}`, "InvalidParameterException"},
		"a user name of control": {"AdminGetUser", `{"UserPoolId":"` + poolID + `","Username":"a\u0000b"}`, "InvalidParameterException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
			got, message, _ := strings.Cut(refused(t, pool, tt.operation, tt.body), ": ")
			if got != tt.want || len(message) > 500 {
				t.Errorf("error: %s (%.500s), want %s", got, message, tt.want)
			}
			if tt.want == "UnknownOperationException" && !strings.Contains(message, `"`+tt.operation+`"`) {
				t.Errorf("message %q does not name the operation", message)
			}
		})
	}
}

func TestServer(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	server, err := cognitotest.NewServer(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if !strings.HasPrefix(server.URL, "http://127.0.0.1:") {
		t.Errorf("URL %s is not on loopback", server.URL)
	}
	do := func(method, path, body string, header map[string]string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range header {
			r.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(text)
	}
	target := func(operation, origin string) map[string]string {
		h := map[string]string{"X-Amz-Target": "AWSCognitoIdentityProviderService." + operation}
		if origin != "" {
			h["Origin"] = origin
		}
		return h
	}

	t.Run("preflight", func(t *testing.T) {
		const headers = "amz-sdk-invocation-id,amz-sdk-request,cache-control,content-type,x-amz-target,x-amz-user-agent"
		resp, _ := do("OPTIONS", "/", "", map[string]string{
			"Origin": "http://localhost:9440", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers,
		})
		got := map[string]string{}
		for _, name := range []string{"Allow-Origin", "Allow-Headers", "Allow-Methods"} {
			got[name] = resp.Header.Get("Access-Control-" + name)
		}
		want := map[string]string{"Allow-Origin": "*", "Allow-Headers": headers, "Allow-Methods": "GET, POST, OPTIONS"}
		if diff := cmp.Diff(want, got); diff != "" || resp.StatusCode != http.StatusOK {
			t.Errorf("status %d, headers (-want +got):\n%s", resp.StatusCode, diff)
		}
	})
	t.Run("from a web page", func(t *testing.T) {
		resp, text := do("POST", "/", `{"AuthFlow":"CUSTOM_AUTH","ClientId":"`+clientID+`","AuthParameters":{"USERNAME":"alice"}}`, target("InitiateAuth", "http://localhost:9440"))
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		resp, text = do("POST", "/", `{"UserPoolId":"`+poolID+`"}`, target("ListUsers", "http://localhost:9440"))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "AccessDeniedException") {
			t.Errorf("ListUsers from a web page: %d %s", resp.StatusCode, text)
		}
	})
	t.Run("a huge body", func(t *testing.T) {
		resp, text := do("POST", "/", strings.Repeat("x", 10<<20), target("InitiateAuth", ""))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "SerializationException") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	})
	t.Run("discovery", func(t *testing.T) {
		_, text := do("GET", "/"+poolID+"/.well-known/openid-configuration", "", nil)
		got := decode(text)
		if got["issuer"] != "https://cognito-idp.us-east-1.amazonaws.com/"+poolID {
			t.Errorf("issuer %v", got["issuer"])
		}
		if want := server.URL + "/" + poolID + "/.well-known/jwks.json"; got["jwks_uri"] != want {
			t.Errorf("jwks_uri %v, want %s", got["jwks_uri"], want)
		}
	})
	t.Run("elsewhere", func(t *testing.T) {
		for _, tt := range []struct {
			method, path string
			want         int
		}{
			{"GET", "/", http.StatusMethodNotAllowed},
			{"GET", "/us-east-1_Other/.well-known/jwks.json", http.StatusNotFound},
			{"POST", "/oauth2/token", http.StatusNotFound},
		} {
			if resp, _ := do(tt.method, tt.path, "", nil); resp.StatusCode != tt.want {
				t.Errorf("%s %s: %d, want %d", tt.method, tt.path, resp.StatusCode, tt.want)
			}
		}
	})
	t.Run("close", func(t *testing.T) {
		server.Close()
		server.Close()
		if _, err := http.Get(server.URL); err == nil {
			t.Error("the server answers after Close")
		}
	})
}
