package cognitotest_test

// This file tests sign-ins by password alone, and how users get another one.

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const (
	oldPass = "Correct-Horse-9"
	newPass = "Battery-Staple-9"
)

var everyFlow = []string{"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"}

// outcome is "" for a request that succeeds, and otherwise "type: message".
func outcome(t testing.TB, pool *cognitotest.Pool, operation string, request object) string {
	t.Helper()
	status, answer := post(t, pool, operation, request)
	if status == 200 {
		return ""
	}
	return answer["__type"].(string) + ": " + answer["message"].(string)
}

// The ways to sign in with a password. Each returns the answer to the proof.
var passwordFlows = map[string]func(t *testing.T, pool *cognitotest.Pool, user, password string) (int, object){
	"USER_PASSWORD_AUTH": func(t *testing.T, pool *cognitotest.Pool, user, password string) (int, object) {
		return post(t, pool, "InitiateAuth", object{"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": user, "PASSWORD": password}})
	},
	"ADMIN_USER_PASSWORD_AUTH": func(t *testing.T, pool *cognitotest.Pool, user, password string) (int, object) {
		return post(t, pool, "AdminInitiateAuth", inPool(object{"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": user, "PASSWORD": password}}))
	},
	"ADMIN_NO_SRP_AUTH": func(t *testing.T, pool *cognitotest.Pool, user, password string) (int, object) {
		return post(t, pool, "AdminInitiateAuth", inPool(object{"AuthFlow": "ADMIN_NO_SRP_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": user, "PASSWORD": password}}))
	},
	"USER_SRP_AUTH": func(t *testing.T, pool *cognitotest.Pool, user, password string) (int, object) {
		c := cognitotest.NewSRPClient(nil)
		status, first := post(t, pool, "InitiateAuth", object{"AuthFlow": "USER_SRP_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": user, "SRP_A": c.A()}})
		if status != 200 {
			return status, first
		}
		if first["ChallengeName"] != "PASSWORD_VERIFIER" || first["Session"] != nil {
			t.Errorf("first answer: %v", first)
		}
		parameters := map[string]string{}
		for k, v := range first["ChallengeParameters"].(object) {
			parameters[k] = v.(string)
		}
		responses, err := c.Answer(parameters, poolID, password, time.Now().UTC().Format("Mon Jan 2 15:04:05 UTC 2006"))
		if err != nil {
			t.Fatal(err)
		}
		return post(t, pool, "RespondToAuthChallenge", object{"ChallengeName": "PASSWORD_VERIFIER", "ClientId": clientID, "ChallengeResponses": responses})
	},
}

func TestPasswordFlows(t *testing.T) {
	const incorrect = "NotAuthorizedException: Incorrect username or password."
	tests := map[string]struct {
		existence      string
		user, password string
		admin          string // an operation before the sign-in
		want           string // an error, or the challenge, or "tokens"
	}{
		"right":                {want: "tokens"},
		"wrong":                {password: newPass, want: incorrect},
		"nobody":               {user: "nobody", want: incorrect},
		"nobody, shown":        {user: "nobody", existence: "LEGACY", want: "UserNotFoundException: User does not exist."},
		"without a password":   {user: "carol", want: incorrect},
		"disabled":             {admin: "AdminDisableUser", want: "NotAuthorizedException: User is disabled."},
		"reset":                {admin: "AdminResetUserPassword", want: "PasswordResetRequiredException: Password reset required for the user"},
		"reset, wrong":         {admin: "AdminResetUserPassword", password: newPass, want: incorrect},
		"temporary":            {user: "bob", want: "NEW_PASSWORD_REQUIRED"},
		"temporary, wrong":     {user: "bob", password: newPass, want: incorrect},
		"temporary, after day": {user: "bob", admin: "wait", want: "NotAuthorizedException: Temporary password has expired and must be reset by an administrator."},
		"unconfirmed":          {user: "dora", want: "UserNotConfirmedException: User is not confirmed."},
		"unconfirmed, wrong":   {user: "dora", password: newPass, want: incorrect},
	}
	for flow, begin := range passwordFlows {
		for name, tt := range tests {
			t.Run(flow+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fake{respond: respondWith("PreSignUp", object{})}
					pool := newPool(t, cognitotest.Config{
						Clients:        []cognitotest.Client{{ExplicitAuthFlows: everyFlow, PreventUserExistenceErrors: tt.existence}},
						PasswordPolicy: cognitotest.PasswordPolicy{MinimumLength: 8, TemporaryPasswordValidityDays: 1},
						Triggers:       every(f),
					})
					if err := pool.AddUser("alice", map[string]string{"email": email, "email_verified": "true"}); err != nil {
						t.Fatal(err)
					}
					if err := pool.SetPassword("alice", oldPass); err != nil {
						t.Fatal(err)
					}
					if err := pool.AddUser("carol", nil); err != nil {
						t.Fatal(err)
					}
					call(t, pool, "AdminCreateUser", inPool(object{"Username": "bob", "TemporaryPassword": oldPass}))
					call(t, pool, "SignUp", object{"ClientId": clientID, "Username": "dora", "Password": oldPass})
					user, password := "alice", oldPass
					if tt.user != "" {
						user = tt.user
					}
					if tt.password != "" {
						password = tt.password
					}
					switch tt.admin {
					case "":
					case "wait":
						time.Sleep(24 * time.Hour)
					default:
						call(t, pool, tt.admin, inPool(object{"Username": user}))
					}

					status, answer := begin(t, pool, user, password)
					got := "tokens"
					if status != 200 {
						got = answer["__type"].(string) + ": " + answer["message"].(string)
					} else if name, ok := answer["ChallengeName"].(string); ok {
						got = name
					}
					if got != tt.want {
						t.Fatalf("got %s, want %s", got, tt.want)
					}
					if (answer["AuthenticationResult"] != nil) != (got == "tokens") {
						t.Errorf("answer: %v", answer)
					}
					if got == "tokens" {
						last := f.sources()[len(f.sources())-3:]
						if diff := cmp.Diff([]string{"PreAuthentication", "PostAuthentication", "TokenGeneration"}, last); diff != "" {
							t.Errorf("triggers (-want +got):\n%s", diff)
						}
					}
				})
			})
		}
	}
}

func TestNewPasswordRequired(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{
		Clients:  []cognitotest.Client{{ExplicitAuthFlows: everyFlow}},
		Schema:   []cognitotest.Attribute{{Name: "name", Required: true}, {Name: "email"}},
		Triggers: every(f),
	})
	call(t, pool, "AdminCreateUser", inPool(object{"Username": "alice", "TemporaryPassword": oldPass, "UserAttributes": attributes("email", email)}))
	_, first := passwordFlows["USER_PASSWORD_AUTH"](t, pool, "alice", oldPass)
	want := object{"USERNAME": "alice", "USER_ID_FOR_SRP": "alice", "requiredAttributes": `["userAttributes.name"]`, "userAttributes": `{"email":"` + email + `"}`}
	if diff := cmp.Diff(want, first["ChallengeParameters"]); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	respond := func(responses object) object {
		r := object{"USERNAME": "alice"}
		for k, v := range responses {
			r[k] = v
		}
		return object{"ChallengeName": "NEW_PASSWORD_REQUIRED", "ClientId": clientID, "Session": first["Session"], "ChallengeResponses": r}
	}
	for _, step := range []struct {
		responses object
		want      string
	}{
		{object{}, "InvalidParameterException: Missing required parameter NEW_PASSWORD"},
		{object{"NEW_PASSWORD": "short", "userAttributes.name": "Alice"}, "InvalidPasswordException: Password did not conform with policy: Password not long enough"},
		{object{"NEW_PASSWORD": newPass}, "InvalidParameterException: Attributes did not conform to the schema: name: The attribute is required"},
		{object{"NEW_PASSWORD": newPass, "userAttributes.email_verified": "true"}, "NotAuthorizedException: A client attempted to write unauthorized attribute"},
		{object{"NEW_PASSWORD": newPass, "userAttributes.name": "Alice"}, ""},
		{object{"NEW_PASSWORD": newPass, "userAttributes.name": "Alice"}, "NotAuthorizedException: Invalid session for the user, session can only be used once."},
	} {
		if got := outcome(t, pool, "RespondToAuthChallenge", respond(step.responses)); got != step.want {
			t.Errorf("%v: %s, want %s", step.responses, got, step.want)
		}
	}
	a := pool.Attributes("alice")
	if a["cognito:user_status"] != "CONFIRMED" || a["name"] != "Alice" {
		t.Errorf("attributes: %v", a)
	}
	f.last(t, "TokenGeneration_NewPasswordChallenge")
	if status, _ := passwordFlows["USER_SRP_AUTH"](t, pool, "alice", newPass); status != 200 {
		t.Error("the new password does not sign in")
	}
}

func TestFlowsNotEnabled(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	parameters := object{"USERNAME": "alice", "PASSWORD": "x", "SRP_A": "2"}
	for _, tt := range []struct{ operation, flow, want string }{
		{"InitiateAuth", "USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH flow not enabled for this client"},
		{"InitiateAuth", "USER_SRP_AUTH", "USER_SRP_AUTH is not enabled for the client."},
		{"InitiateAuth", "ADMIN_USER_PASSWORD_AUTH", "Initiate Auth method not supported."},
		{"InitiateAuth", "ADMIN_NO_SRP_AUTH", "Initiate Auth method not supported."},
		{"AdminInitiateAuth", "USER_PASSWORD_AUTH", "Initiate Auth method not supported."},
		{"AdminInitiateAuth", "ADMIN_USER_PASSWORD_AUTH", "Auth flow not enabled for this client"},
		{"AdminInitiateAuth", "USER_AUTH", `cognitotest: the AuthFlow "USER_AUTH" is not there`},
	} {
		got := refused(t, pool, tt.operation, inPool(object{"AuthFlow": tt.flow, "ClientId": clientID, "AuthParameters": parameters}))
		if want := "InvalidParameterException: " + tt.want; got != want {
			t.Errorf("%s %s: %s, want %s", tt.operation, tt.flow, got, want)
		}
	}
}

func TestForgotPassword(t *testing.T) {
	const (
		expired  = "ExpiredCodeException: Invalid code provided, please request a code again."
		mismatch = "CodeMismatchException: Invalid verification code provided, please try again."
		noAdress = "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number"
	)
	forgot := func(user string) object { return object{"ClientId": clientID, "Username": user} }
	tests := map[string]struct {
		existence, user, verified, status string
		before                            func()
		wantForgot                        string
		code, password, wantConfirm       string
	}{
		"right":                {},
		"wrong":                {code: "x", wantConfirm: mismatch},
		"after an hour":        {before: func() { time.Sleep(time.Hour) }, wantConfirm: expired},
		"just before":          {before: func() { time.Sleep(time.Hour - 1) }},
		"a bad password":       {password: "aaaaaaaa", wantConfirm: "InvalidPasswordException: Password did not conform with policy: Password must have uppercase characters"},
		"nobody":               {user: "nobody", wantConfirm: expired},
		"nobody, shown":        {user: "nobody", existence: "LEGACY", wantForgot: "UserNotFoundException: Username/client id combination not found."},
		"not verified":         {verified: "false", wantForgot: noAdress},
		"unconfirmed":          {status: "UNCONFIRMED", wantForgot: noAdress},
		"a temporary password": {status: "FORCE_CHANGE_PASSWORD", wantForgot: "NotAuthorizedException: User password cannot be reset in the current state."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, inbox := new(fake), new(cognitotest.Inbox)
				pool := newPool(t, cognitotest.Config{
					Clients: []cognitotest.Client{{ExplicitAuthFlows: everyFlow, PreventUserExistenceErrors: tt.existence}},
					Inbox:   inbox, Triggers: every(f),
				})
				a := map[string]string{"email": email, "email_verified": "true"}
				if tt.verified != "" {
					a["email_verified"] = tt.verified
				}
				if tt.status != "" {
					a["cognito:user_status"] = tt.status
				}
				if err := pool.AddUser("alice", a); err != nil {
					t.Fatal(err)
				}
				user := "alice"
				if tt.user != "" {
					user = tt.user
				}
				if got := outcome(t, pool, "ForgotPassword", forgot(user)); got != tt.wantForgot {
					t.Fatalf("ForgotPassword: %s, want %s", got, tt.wantForgot)
				}
				if tt.wantForgot != "" {
					return
				}
				if tt.before != nil {
					tt.before()
				}
				request := forgot(user)
				request["ConfirmationCode"], request["Password"] = inbox.Code(email), newPass
				if user == "nobody" {
					request["ConfirmationCode"] = "123456"
				}
				if tt.code != "" {
					request["ConfirmationCode"] = tt.code
				}
				if tt.password != "" {
					request["Password"] = tt.password
				}
				if got := outcome(t, pool, "ConfirmForgotPassword", request); got != tt.wantConfirm {
					t.Fatalf("ConfirmForgotPassword: %s, want %s", got, tt.wantConfirm)
				}
				status, _ := passwordFlows["USER_PASSWORD_AUTH"](t, pool, "alice", newPass)
				if (status == 200) != (tt.wantConfirm == "") {
					t.Errorf("sign-in with the new password: %d", status)
				}
				if tt.wantConfirm == "" {
					f.last(t, "PostConfirmation_ConfirmForgotPassword")
					if got := outcome(t, pool, "ConfirmForgotPassword", request); got != expired {
						t.Errorf("the code a second time: %s, want %s", got, expired)
					}
				}
			})
		})
	}
}

func TestAdminResetUserPassword(t *testing.T) {
	inbox := new(cognitotest.Inbox)
	pool := newPool(t, cognitotest.Config{Clients: []cognitotest.Client{{ExplicitAuthFlows: everyFlow}}, Inbox: inbox, Triggers: every(new(fake))})
	if err := pool.AddUser("alice", map[string]string{"phone_number": phone, "phone_number_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	if err := pool.SetPassword("alice", oldPass); err != nil {
		t.Fatal(err)
	}
	call(t, pool, "AdminResetUserPassword", inPool(object{"Username": "alice"}))
	call(t, pool, "ConfirmForgotPassword", object{"ClientId": clientID, "Username": "alice", "ConfirmationCode": inbox.Code(phone), "Password": newPass})
	if status, answer := passwordFlows["USER_PASSWORD_AUTH"](t, pool, "alice", newPass); status != 200 {
		t.Errorf("sign-in after the reset: %v", answer)
	}
}

func TestChangePassword(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Clients: []cognitotest.Client{{ExplicitAuthFlows: everyFlow}}, Triggers: every(new(fake))})
	for _, user := range []string{"alice", "bob"} {
		if err := pool.AddUser(user, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.SetPassword("alice", oldPass); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ user, previous, proposed, want string }{
		{"alice", newPass, newPass, "NotAuthorizedException: Incorrect username or password."},
		{"alice", "", newPass, "NotAuthorizedException: Incorrect username or password."},
		{"alice", oldPass, "Short-1", "InvalidPasswordException: Password did not conform with policy: Password not long enough"},
		{"alice", oldPass, newPass, ""},
		{"bob", "", newPass, ""}, // who had none
	} {
		request := object{"AccessToken": signIn(t, pool, step.user)["AccessToken"], "ProposedPassword": step.proposed}
		if step.previous != "" {
			request["PreviousPassword"] = step.previous
		}
		if got := outcome(t, pool, "ChangePassword", request); got != step.want {
			t.Errorf("%s from %s to %s: %s, want %s", step.user, step.previous, step.proposed, got, step.want)
		}
	}
	for _, user := range []string{"alice", "bob"} {
		if status, answer := passwordFlows["USER_PASSWORD_AUTH"](t, pool, user, newPass); status != 200 {
			t.Errorf("sign-in of %s: %v", user, answer)
		}
	}
}

// TestCustomMessage: the trigger's words go out in the place of the pool's, with
// the code in them.
func TestCustomMessage(t *testing.T) {
	tests := map[string]struct {
		source  string
		named   bool
		act     func(t *testing.T, pool *cognitotest.Pool)
		respond object
		want    string // how the text begins; or an error
	}{
		"sign-up": {source: "CustomMessage_SignUp", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "SignUp", object{"ClientId": clientID, "Username": "bob", "Password": oldPass, "UserAttributes": attributes("phone_number", phone)})
		}, respond: object{"smsMessage": "Welcome: {####}"}, want: "Welcome: "},
		"another code": {source: "CustomMessage_ResendCode", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "dora"})
		}, respond: object{"smsMessage": "Again: {####}"}, want: "Again: "},
		"nothing to say": {source: "CustomMessage_ResendCode", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "dora"})
		}, respond: object{"smsMessage": nil}, want: "Your confirmation code is "},
		"words for an e-mail": {source: "CustomMessage_ResendCode", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "dora"})
		}, respond: object{"emailMessage": "E-mail {####}"}, want: "Your confirmation code is "},
		"a password": {source: "CustomMessage_ForgotPassword", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "ForgotPassword", object{"ClientId": clientID, "Username": "alice"})
		}, respond: object{"smsMessage": "Reset: {####}"}, want: "Reset: "},
		"a change": {source: "CustomMessage_UpdateUserAttribute", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "AdminUpdateUserAttributes", inPool(object{"Username": "alice", "UserAttributes": attributes("phone_number", newPhone)}))
		}, respond: object{"smsMessage": "Changed: {####}"}, want: "Changed: "},
		"verification": {source: "CustomMessage_VerifyUserAttribute", act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "GetUserAttributeVerificationCode", object{"AccessToken": signIn(t, pool, "alice")["AccessToken"], "AttributeName": "phone_number"})
		}, respond: object{"smsMessage": "Verify: {####}"}, want: "Verify: "},
		"an invitation": {source: "CustomMessage_AdminCreateUser", named: true, act: func(t *testing.T, pool *cognitotest.Pool) {
			call(t, pool, "AdminCreateUser", inPool(object{"Username": "carol", "UserAttributes": attributes("phone_number", phone)}))
		}, respond: object{"smsMessage": "{username}, come: {####}"}, want: "carol, come: "},
		"without the code": {source: "CustomMessage_ForgotPassword", act: func(t *testing.T, pool *cognitotest.Pool) {
			got := refused(t, pool, "ForgotPassword", object{"ClientId": clientID, "Username": "alice"})
			if !strings.HasPrefix(got, "InvalidLambdaResponseException: cognitotest: CustomMessage: ") {
				t.Errorf("error: %s", got)
			}
		}, respond: object{"smsMessage": "no code"}},
		"without the name": {source: "CustomMessage_AdminCreateUser", named: true, act: func(t *testing.T, pool *cognitotest.Pool) {
			got := refused(t, pool, "AdminCreateUser", inPool(object{"Username": "carol", "UserAttributes": attributes("phone_number", phone)}))
			if !strings.HasPrefix(got, "InvalidLambdaResponseException: cognitotest: CustomMessage: ") {
				t.Errorf("error: %s", got)
			}
		}, respond: object{"smsMessage": "come: {####}"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fake{respond: respondWith("CustomMessage", tt.respond)}
			f.respond["PreSignUp"] = func(object) (any, error) { return object{}, nil }
			triggers, inbox := every(f), new(cognitotest.Inbox)
			triggers.CustomMessage = f
			pool := newPool(t, cognitotest.Config{AutoVerifiedAttributes: []string{"phone_number"}, Inbox: inbox, Triggers: triggers})
			if err := pool.AddUser("alice", map[string]string{"phone_number": phone, "phone_number_verified": "true"}); err != nil {
				t.Fatal(err)
			}
			if err := pool.AddUser("dora", map[string]string{"phone_number": phone, "cognito:user_status": "UNCONFIRMED"}); err != nil {
				t.Fatal(err)
			}
			tt.act(t, pool)
			event := f.last(t, tt.source)
			request := event["request"].(object)
			var wantName any
			if tt.named {
				wantName = "{username}"
			}
			if request["codeParameter"] != "{####}" || request["usernameParameter"] != wantName {
				t.Errorf("request: %v", request)
			}
			if diff := cmp.Diff(object{"smsMessage": nil, "emailMessage": nil, "emailSubject": nil}, event["response"]); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			messages := inbox.Messages("")
			if tt.want == "" {
				if len(messages) != 0 {
					t.Errorf("%d messages were sent", len(messages))
				}
				return
			}
			if len(messages) != 1 || messages[0].Text != tt.want+messages[0].Code {
				t.Errorf("sent %d messages, the first begins with %q, want %q", len(messages), messages[0].Text[:5], tt.want)
			}
		})
	}
}
