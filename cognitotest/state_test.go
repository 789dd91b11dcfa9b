package cognitotest_test

// This file tests that a pool is the same after it was saved and restored.

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestSaveAndRestore(t *testing.T) {
	inbox := new(cognitotest.Inbox)
	config := cognitotest.Config{UsernameAttributes: []string{"phone_number", "email"}, Inbox: inbox, AutoVerifiedAttributes: []string{"email"}, Triggers: cognitotest.Triggers{All: new(fake)}}
	old := newPool(t, config)
	if err := old.AddUser(phone, map[string]string{"name": "Ada", "phone_number_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	if err := old.SetPassword(phone, "correct Horse 7 battery"); err != nil {
		t.Fatal(err)
	}
	call(t, old, "SignUp", object{"ClientId": clientID, "Username": "bob@example.com", "Password": "Passw0rd!x"})
	call(t, old, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "bob@example.com"})
	call(t, old, "CreateGroup", object{"UserPoolId": poolID, "GroupName": "admins", "Precedence": 3})
	call(t, old, "AdminAddUserToGroup", object{"UserPoolId": poolID, "GroupName": "admins", "Username": phone})
	revoked, kept := signIn(t, old, phone), signIn(t, old, phone)
	call(t, old, "RevokeToken", object{"ClientId": clientID, "Token": revoked["RefreshToken"]})
	unknown := call(t, old, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": "+12065550199"}})

	var state bytes.Buffer
	if err := old.Save(&state); err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, config)
	if err := pool.Restore(&state); err != nil {
		t.Fatal(err)
	}

	for _, operation := range []string{"GetGroup", "ListUsersInGroup"} {
		group := object{"UserPoolId": poolID, "GroupName": "admins"}
		if diff := cmp.Diff(call(t, old, operation, group), call(t, pool, operation, group)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", operation, diff)
		}
	}
	if got := call(t, pool, "AdminListGroupsForUser", object{"UserPoolId": poolID, "Username": phone}); len(got["Groups"].([]any)) != 1 {
		t.Errorf("groups: %v", got)
	}
	for _, name := range []string{phone, "bob@example.com"} {
		user := object{"UserPoolId": poolID, "Username": name}
		if diff := cmp.Diff(call(t, old, "AdminGetUser", user), call(t, pool, "AdminGetUser", user)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	call(t, pool, "ConfirmSignUp", object{"ClientId": clientID, "Username": "bob@example.com", "ConfirmationCode": inbox.Code("bob@example.com")})
	if _, err := pool.SignInSRP(t.Context(), phone, "correct Horse 7 battery"); err != nil {
		t.Errorf("password: %v", err)
	}
	call(t, pool, "GetUser", object{"AccessToken": kept["AccessToken"]})
	call(t, pool, "GetTokensFromRefreshToken", object{"ClientId": clientID, "RefreshToken": kept["RefreshToken"]})
	for operation, body := range map[string]object{
		"GetUser":                   {"AccessToken": revoked["AccessToken"]},
		"GetTokensFromRefreshToken": {"ClientId": clientID, "RefreshToken": revoked["RefreshToken"]},
	} {
		if got := refused(t, pool, operation, body); !strings.Contains(got, "has been revoked") {
			t.Errorf("%s: %s", operation, got)
		}
	}
	name := func(started object) any { return started["ChallengeParameters"].(object)["USERNAME"] }
	again := call(t, pool, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": "+12065550199"}})
	if name(unknown) != name(again) {
		t.Error("an unknown user has another made-up name after the restart")
	}
}

// TestSavedFields: whoever adds a field to what a pool keeps of a user must say
// what becomes of it when the pool is saved.
func TestSavedFields(t *testing.T) {
	kept, saved := cognitotest.UserFields()
	if kept != saved {
		t.Errorf("a user has %d fields, of which state.go saves %d", kept, saved)
	}
}

func TestRestoreRefuses(t *testing.T) {
	var good bytes.Buffer
	if err := newPool(t, cognitotest.Config{}).Save(&good); err != nil {
		t.Fatal(err)
	}
	change := func(name string, value any) string {
		var state object
		if err := json.Unmarshal(good.Bytes(), &state); err != nil {
			t.Fatal(err)
		}
		state[name] = value
		b, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ada := object{"Name": "ada", "Sub": "1"}
	for name, tt := range map[string]struct{ state, want string }{
		"empty":        {"", "EOF"},
		"not JSON":     {"{", "unexpected EOF"},
		"version":      {change("Version", 99), "version 99: want 1"},
		"another pool": {change("ID", "us-east-1_Other"), `of the pool "us-east-1_Other"`},
		"no secret":    {change("Secret", ""), "the secret is too short"},
		"no name":      {change("Users", []object{{"Sub": "1"}}), "a user without a name"},
		"twice":        {change("Users", []object{ada, ada}), `user "ada"`},
	} {
		err := newPool(t, cognitotest.Config{}).Restore(strings.NewReader(tt.state))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, tt.want)
		}
	}
}

func FuzzRestore(f *testing.F) {
	pool := newPool(f, cognitotest.Config{})
	if err := pool.AddUser("ada", nil); err != nil {
		f.Fatal(err)
	}
	var state bytes.Buffer
	if err := pool.Save(&state); err != nil {
		f.Fatal(err)
	}
	f.Add(state.Bytes())
	f.Add([]byte(`{"Version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		pool := newPool(t, cognitotest.Config{})
		if pool.Restore(bytes.NewReader(data)) == nil {
			if err := pool.Save(new(bytes.Buffer)); err != nil {
				t.Error("what was restored cannot be saved:", err)
			}
		}
	})
}
