package cognitotest_test

// This file tests what passwords may be like.

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestPasswordPolicy(t *testing.T) {
	const policy = "InvalidPasswordException: Password did not conform with policy: "
	tests := map[string]struct {
		policy   cognitotest.PasswordPolicy
		password string
		want     string
	}{
		"default":                          {password: "Passw0rd!", want: "<nil>"},
		"default, 7 characters":            {password: "Passw0!", want: policy + "Password not long enough"},
		"default, 8 characters":            {password: "Passw0r!", want: "<nil>"},
		"default, without upper case":      {password: "passw0rd!", want: policy + "Password must have uppercase characters"},
		"default, without lower case":      {password: "PASSW0RD!", want: policy + "Password must have lowercase characters"},
		"default, without a digit":         {password: "Password!", want: policy + "Password must have numeric characters"},
		"default, without a symbol":        {password: "Passw0rdx", want: policy + "Password must have symbol characters"},
		"default, upper case beyond A-Z":   {password: "Ässw0rd!x", want: policy + "Password must have uppercase characters"},
		"default, a symbol beyond ASCII":   {password: "Passw0rd§", want: policy + "Password must have symbol characters"},
		"default, a space at the end":      {password: "Passw0rd! ", want: `InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: [\S]+`},
		"default, 257 characters":          {password: "Aa1!" + strings.Repeat("x", 253), want: "InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must have length less than or equal to 256"},
		"length alone":                     {policy: cognitotest.PasswordPolicy{MinimumLength: 6}, password: "aaaaaa", want: "<nil>"},
		"length alone, one too few":        {policy: cognitotest.PasswordPolicy{MinimumLength: 6}, password: "aaaaa", want: policy + "Password not long enough"},
		"digits alone":                     {policy: cognitotest.PasswordPolicy{RequireNumbers: true}, password: "aaaaaaa1", want: "<nil>"},
		"digits alone, none":               {policy: cognitotest.PasswordPolicy{RequireNumbers: true}, password: "aaaaaaaa", want: policy + "Password must have numeric characters"},
		"99 characters at least":           {policy: cognitotest.PasswordPolicy{MinimumLength: 99}, password: strings.Repeat("a", 99), want: "<nil>"},
		"99 characters at least, 98 given": {policy: cognitotest.PasswordPolicy{MinimumLength: 99}, password: strings.Repeat("a", 98), want: policy + "Password not long enough"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, cognitotest.Config{PasswordPolicy: tt.policy, Triggers: every(new(fake))})
			if err := pool.AddUser("alice", nil); err != nil {
				t.Fatal(err)
			}
			if got := errorOf(pool.SetPassword("alice", tt.password)); got != tt.want {
				t.Errorf("SetPassword: %s, want %s", got, tt.want)
			}
			for operation, request := range map[string]object{
				"SignUp":               {"ClientId": clientID, "Username": "bob", "Password": tt.password},
				"AdminCreateUser":      {"UserPoolId": poolID, "Username": "carol", "TemporaryPassword": tt.password},
				"AdminSetUserPassword": {"UserPoolId": poolID, "Username": "alice", "Password": tt.password},
			} {
				got := "<nil>"
				if status, answer := post(t, pool, operation, request); status != 200 {
					got = answer["__type"].(string)
				}
				if want, _, _ := strings.Cut(tt.want, ":"); got != want {
					t.Errorf("%s: %s, want %s", operation, got, want)
				}
			}
		})
	}
}

// TestTemporaryPassword: the pool makes up a password that its policy takes,
// whatever that is.
func TestTemporaryPassword(t *testing.T) {
	inbox := new(cognitotest.Inbox)
	pool := newPool(t, cognitotest.Config{
		PasswordPolicy: cognitotest.PasswordPolicy{MinimumLength: 99, RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true},
		Inbox:          inbox, Triggers: every(new(fake)),
	})
	call(t, pool, "AdminCreateUser", object{"UserPoolId": poolID, "Username": "alice", "UserAttributes": attributes("phone_number", phone)})
	if err := pool.SetPassword("alice", inbox.Code(phone)); err != nil {
		t.Error(err)
	}
}

func TestPasswordHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, cognitotest.Config{PasswordPolicy: cognitotest.PasswordPolicy{PasswordHistorySize: 2}, Triggers: every(new(fake))})
		if err := pool.AddUser("alice", nil); err != nil {
			t.Fatal(err)
		}
		const used = "PasswordHistoryPolicyViolationException: Password has previously been used"
		for i, step := range []struct{ password, want string }{
			{"first-pass", "<nil>"},
			{"first-pass", used},
			{"second-pass", "<nil>"},
			{"first-pass", used},
			{"third-pass", "<nil>"},
			{"second-pass", used},
			{"first-pass", "<nil>"},
		} {
			time.Sleep(time.Second)
			if got := errorOf(pool.SetPassword("alice", step.password)); got != step.want {
				t.Errorf("step %d, %s: %s, want %s", i, step.password, got, step.want)
			}
		}
	})
}

func TestPasswordPolicyRefuses(t *testing.T) {
	for name, policy := range map[string]cognitotest.PasswordPolicy{
		"5 characters":              {MinimumLength: 5},
		"100 characters":            {MinimumLength: 100},
		"25 earlier passwords":      {PasswordHistorySize: 25},
		"a negative history":        {PasswordHistorySize: -1},
		"366 days":                  {TemporaryPasswordValidityDays: 366},
		"a negative number of days": {TemporaryPasswordValidityDays: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cognitotest.NewPool(cognitotest.Config{PasswordPolicy: policy}); err == nil || !strings.HasPrefix(err.Error(), "cognitotest: PasswordPolicy: ") {
				t.Errorf("error: %v, want one about PasswordPolicy", err)
			}
		})
	}
}

// TestSpaceInPassword: by the developer guide a space inside is a symbol, which
// SetPassword takes; the model of the API has no space.
func TestSpaceInPassword(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	if err := pool.SetPassword("alice", "Pass w0rd"); err != nil {
		t.Error(err)
	}
	got := refused(t, pool, "AdminSetUserPassword", object{"UserPoolId": poolID, "Username": "alice", "Password": "Pass w0rd"})
	want := `InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: [\S]+`
	if got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
}
