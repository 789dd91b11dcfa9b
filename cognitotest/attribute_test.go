package cognitotest_test

// This file tests how attributes are changed, verified and removed.

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const (
	email    = "alice@example.com"
	newPhone = "+12065550199"
)

// addresses is what the pool says of a user's phone number and e-mail address.
func addresses(p *cognitotest.Pool, name string) map[string]string {
	found := map[string]string{}
	for _, a := range []string{"phone_number", "phone_number_verified", "email", "email_verified"} {
		if v := p.Attributes(name)[a]; v != "" {
			found[a] = v
		}
	}
	return found
}

// TestVerifyAttribute: every row starts with alice, signed in, whose phone number
// is not verified and who has no e-mail address.
func TestVerifyAttribute(t *testing.T) {
	both := []string{"phone_number", "email"}
	const (
		mismatch = "CodeMismatchException: Invalid verification code provided, please try again."
		expired  = "ExpiredCodeException: Invalid code provided, please request a code again."
	)
	type world struct {
		*testing.T
		pool  *cognitotest.Pool
		inbox *cognitotest.Inbox
		token any
	}
	update := func(w world, pairs ...string) []any {
		return call(w, w.pool, "UpdateUserAttributes", object{"AccessToken": w.token, "UserAttributes": attributes(pairs...)})["CodeDeliveryDetailsList"].([]any)
	}
	ask := func(w world, attribute string) object {
		return call(w, w.pool, "GetUserAttributeVerificationCode", object{"AccessToken": w.token, "AttributeName": attribute})["CodeDeliveryDetails"].(object)
	}
	answer := func(w world, attribute, code string) string {
		status, a := post(w, w.pool, "VerifyUserAttribute", object{"AccessToken": w.token, "AttributeName": attribute, "Code": code})
		if status == 200 {
			return ""
		}
		return a["__type"].(string) + ": " + a["message"].(string)
	}
	tests := map[string]struct {
		auto, before []string
		run          func(w world) string // the last answer
		last         string
		want         map[string]string
	}{
		"the present number": {run: func(w world) string {
			if diff := cmp.Diff(object{"AttributeName": "phone_number", "DeliveryMedium": "SMS", "Destination": "+*******0100"}, ask(w, "phone_number")); diff != "" {
				w.Errorf("details (-want +got):\n%s", diff)
			}
			return answer(w, "phone_number", w.inbox.Code(phone))
		}, want: map[string]string{"phone_number": phone, "phone_number_verified": "true"}},
		"a wrong code": {run: func(w world) string {
			ask(w, "phone_number")
			return answer(w, "phone_number", "x")
		}, last: mismatch, want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"after five wrong codes": {run: func(w world) string {
			ask(w, "phone_number")
			for range 5 {
				if got := answer(w, "phone_number", "x"); got != mismatch {
					w.Errorf("wrong code: %s", got)
				}
			}
			return answer(w, "phone_number", w.inbox.Code(phone))
		}, last: "LimitExceededException: Attempt limit exceeded, please try after some time.", want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"a code twice": {run: func(w world) string {
			ask(w, "phone_number")
			answer(w, "phone_number", w.inbox.Code(phone))
			return answer(w, "phone_number", w.inbox.Code(phone))
		}, last: expired, want: map[string]string{"phone_number": phone, "phone_number_verified": "true"}},
		"a code after a day": {run: func(w world) string {
			ask(w, "phone_number")
			time.Sleep(24 * time.Hour)
			w.token = signIn(w, w.pool, "alice")["AccessToken"]
			return answer(w, "phone_number", w.inbox.Code(phone))
		}, last: expired, want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"a code for another attribute": {run: func(w world) string {
			update(w, "email", email)
			ask(w, "phone_number")
			return answer(w, "email", w.inbox.Code(phone))
		}, last: expired, want: map[string]string{"phone_number": phone, "phone_number_verified": "false", "email": email, "email_verified": "false"}},
		"a code for a number that was changed since": {run: func(w world) string {
			ask(w, "phone_number")
			update(w, "phone_number", newPhone)
			return answer(w, "phone_number", w.inbox.Code(phone))
		}, last: expired, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "false"}},
		"nothing to verify": {run: func(w world) string {
			return refused(w, w.pool, "GetUserAttributeVerificationCode", object{"AccessToken": w.token, "AttributeName": "email"})
		}, last: "InvalidParameterException: cognitotest: the user has no email to verify", want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"a name": {run: func(w world) string {
			return refused(w, w.pool, "GetUserAttributeVerificationCode", object{"AccessToken": w.token, "AttributeName": "name"})
		}, last: "InvalidParameterException: cognitotest: the attribute name cannot be verified", want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"a change without verification": {run: func(w world) string {
			if details := update(w, "phone_number", newPhone); len(details) != 0 || len(w.inbox.Messages("")) != 0 {
				w.Errorf("sent %v", details)
			}
			return ""
		}, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "false"}},
		"a change, verified after it": {auto: both, run: func(w world) string {
			details := update(w, "phone_number", newPhone, "email", email)
			want := []any{
				object{"AttributeName": "phone_number", "DeliveryMedium": "SMS", "Destination": "+*******0199"},
				object{"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "a***@e***"},
			}
			if diff := cmp.Diff(want, details); diff != "" {
				w.Errorf("details (-want +got):\n%s", diff)
			}
			return answer(w, "phone_number", w.inbox.Code(newPhone))
		}, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "true", "email": email, "email_verified": "false"}},
		"no change at all": {auto: both, run: func(w world) string {
			if details := update(w, "phone_number", phone); len(details) != 0 {
				w.Errorf("sent %v", details)
			}
			return ""
		}, want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"a change, verified before it": {auto: both, before: both, run: func(w world) string {
			update(w, "phone_number", newPhone)
			if got := addresses(w.pool, "alice")["phone_number"]; got != phone {
				w.Errorf("the number is %s before the code came back", got)
			}
			return answer(w, "phone_number", w.inbox.Code(newPhone))
		}, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "true"}},
		"a change, never verified": {auto: both, before: both, run: func(w world) string {
			update(w, "phone_number", newPhone, "email", email)
			return ""
		}, want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"a change, with a second code": {auto: both, before: both, run: func(w world) string {
			update(w, "phone_number", newPhone)
			if got := ask(w, "phone_number")["Destination"]; got != "+*******0199" {
				w.Errorf("the second code went to %s", got)
			}
			return answer(w, "phone_number", w.inbox.Code(newPhone))
		}, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "true"}},
		"an administrator's change": {auto: both, before: both, run: func(w world) string {
			call(w, w.pool, "AdminUpdateUserAttributes", object{"UserPoolId": poolID, "Username": "alice", "UserAttributes": attributes("phone_number", newPhone, "phone_number_verified", "true")})
			if n := len(w.inbox.Messages("")); n != 0 {
				w.Errorf("%d messages were sent", n)
			}
			return ""
		}, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "true"}},
		"an administrator's change, not verified": {auto: both, run: func(w world) string {
			call(w, w.pool, "AdminUpdateUserAttributes", object{"UserPoolId": poolID, "Username": "alice", "UserAttributes": attributes("phone_number", newPhone)})
			return answer(w, "phone_number", w.inbox.Code(newPhone))
		}, want: map[string]string{"phone_number": newPhone, "phone_number_verified": "true"}},
		"deleted": {run: func(w world) string {
			update(w, "email", email, "name", "Alice")
			call(w, w.pool, "DeleteUserAttributes", object{"AccessToken": w.token, "UserAttributeNames": []string{"phone_number", "name", "nickname"}})
			if got := w.pool.Attributes("alice")["name"]; got != "" {
				w.Errorf("name is %q after it was deleted", got)
			}
			return ""
		}, want: map[string]string{"email": email, "email_verified": "false"}},
		"deleted by an administrator": {run: func(w world) string {
			call(w, w.pool, "AdminDeleteUserAttributes", object{"UserPoolId": poolID, "Username": "alice", "UserAttributeNames": []string{"phone_number"}})
			return ""
		}, want: map[string]string{}},
		"deleted, with its code on the way": {run: func(w world) string {
			ask(w, "phone_number")
			call(w, w.pool, "DeleteUserAttributes", object{"AccessToken": w.token, "UserAttributeNames": []string{"phone_number"}})
			return answer(w, "phone_number", w.inbox.Code(phone))
		}, last: expired, want: map[string]string{}},
		"verified by the user's own word": {run: func(w world) string {
			return refused(w, w.pool, "UpdateUserAttributes", object{"AccessToken": w.token, "UserAttributes": attributes("phone_number_verified", "true")})
		}, last: "NotAuthorizedException: A client attempted to write unauthorized attribute", want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
		"the sub deleted": {run: func(w world) string {
			return refused(w, w.pool, "DeleteUserAttributes", object{"AccessToken": w.token, "UserAttributeNames": []string{"sub"}})
		}, last: "InvalidParameterException: user.sub: Attribute cannot be updated.", want: map[string]string{"phone_number": phone, "phone_number_verified": "false"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inbox := new(cognitotest.Inbox)
				pool := newPool(t, cognitotest.Config{
					AutoVerifiedAttributes: tt.auto, AttributesRequireVerificationBeforeUpdate: tt.before,
					Inbox: inbox, Triggers: every(new(fake)),
				})
				if err := pool.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
					t.Fatal(err)
				}
				w := world{t, pool, inbox, signIn(t, pool, "alice")["AccessToken"]}
				if got := tt.run(w); got != tt.last {
					t.Errorf("answer: %s, want %s", got, tt.last)
				}
				if diff := cmp.Diff(tt.want, addresses(pool, "alice")); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestSignUpVerifies: which address a sign-up sends its code to, and what is
// verified by it.
func TestSignUpVerifies(t *testing.T) {
	tests := map[string]struct {
		auto   []string
		sentTo string
		want   map[string]string // after the code
	}{
		"nothing": {nil, "", nil},
		"phone":   {[]string{"phone_number"}, phone, map[string]string{"phone_number": phone, "phone_number_verified": "true", "email": email, "email_verified": "false"}},
		"email":   {[]string{"email"}, email, map[string]string{"phone_number": phone, "phone_number_verified": "false", "email": email, "email_verified": "true"}},
		"both":    {[]string{"email", "phone_number"}, phone, map[string]string{"phone_number": phone, "phone_number_verified": "true", "email": email, "email_verified": "false"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inbox := new(cognitotest.Inbox)
			pool := newPool(t, cognitotest.Config{
				AutoVerifiedAttributes: tt.auto, Inbox: inbox,
				Triggers: every(&fake{respond: respondWith("PreSignUp", object{})}),
			})
			answer := call(t, pool, "SignUp", object{
				"ClientId": clientID, "Username": "alice", "Password": "Passw0rd!x", "UserAttributes": attributes("phone_number", phone, "email", email),
			})
			var sent []string
			for _, m := range inbox.Messages("") {
				sent = append(sent, m.To)
			}
			if tt.sentTo == "" {
				if answer["CodeDeliveryDetails"] != nil || sent != nil {
					t.Errorf("sent to %v, details %v", sent, answer["CodeDeliveryDetails"])
				}
				want := "InvalidParameterException: Cannot resend codes. Auto verification not turned on."
				if got := refused(t, pool, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "alice"}); got != want {
					t.Errorf("error: %s, want %s", got, want)
				}
				return
			}
			if diff := cmp.Diff([]string{tt.sentTo}, sent); diff != "" || answer["CodeDeliveryDetails"] == nil {
				t.Errorf("details %v, sent to (-want +got):\n%s", answer["CodeDeliveryDetails"], diff)
			}
			call(t, pool, "ConfirmSignUp", object{"ClientId": clientID, "Username": "alice", "ConfirmationCode": inbox.Code(tt.sentTo)})
			if diff := cmp.Diff(tt.want, addresses(pool, "alice")); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVerifyTakenAddress: a number that is another user's alias cannot be
// verified, and stays as it is.
func TestVerifyTakenAddress(t *testing.T) {
	inbox := new(cognitotest.Inbox)
	pool := newPool(t, cognitotest.Config{AliasAttributes: []string{"phone_number"}, Inbox: inbox, Triggers: every(new(fake))})
	for name, verified := range map[string]string{"alice": "true", "mallory": "false"} {
		if err := pool.AddUser(name, map[string]string{"phone_number": phone, "phone_number_verified": verified}); err != nil {
			t.Fatal(err)
		}
	}
	token := signIn(t, pool, "mallory")["AccessToken"]
	call(t, pool, "GetUserAttributeVerificationCode", object{"AccessToken": token, "AttributeName": "phone_number"})
	got := refused(t, pool, "VerifyUserAttribute", object{"AccessToken": token, "AttributeName": "phone_number", "Code": inbox.Code(phone)})
	if want := "AliasExistsException: An account with the given phone_number already exists."; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
	if got := pool.Attributes("mallory")["phone_number_verified"]; got != "false" {
		t.Errorf("phone_number_verified is %q, want false", got)
	}
}

func TestVerificationRefuses(t *testing.T) {
	for name, c := range map[string]cognitotest.Config{
		"a name":                       {AutoVerifiedAttributes: []string{"name"}},
		"before, but not verified":     {AttributesRequireVerificationBeforeUpdate: []string{"email"}},
		"before, but another verified": {AutoVerifiedAttributes: []string{"phone_number"}, AttributesRequireVerificationBeforeUpdate: []string{"email"}},
		"a fourth token event":         {Triggers: cognitotest.Triggers{PreTokenGenerationVersion: "V4_0"}},
		"a grace period of an hour":    {Clients: []cognitotest.Client{{RotateRefreshTokens: true, RefreshTokenGracePeriod: time.Hour}}},
		"a grace period of nothing":    {Clients: []cognitotest.Client{{RefreshTokenGracePeriod: time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cognitotest.NewPool(c); err == nil {
				t.Error("NewPool took it")
			}
		})
	}
}
