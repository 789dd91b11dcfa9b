package cognitotest_test

// This file tests what administrators do to users who are signed in.

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// TestAdminSignsOut: every row starts with alice, who has tokens and a sign-in
// that waits for an answer.
func TestAdminSignsOut(t *testing.T) {
	const disabled = "NotAuthorizedException: User is disabled."
	admin := func(operations ...string) []string { return operations }
	tests := map[string]struct {
		operations                            []string
		access, refresh, waiting, signIn, now string // errors; status now
	}{
		"global sign-out":      {admin("AdminUserGlobalSignOut"), "NotAuthorizedException: Access Token has been revoked", "NotAuthorizedException: Refresh Token has been revoked", "", "", "Enabled"},
		"disabled":             {admin("AdminDisableUser"), disabled, disabled, disabled, disabled, "Disabled"},
		"disabled and enabled": {admin("AdminDisableUser", "AdminEnableUser"), "NotAuthorizedException: Access Token has been revoked", "NotAuthorizedException: Refresh Token has been revoked", "", "", "Enabled"},
		"enabled":              {admin("AdminEnableUser"), "", "", "", "", "Enabled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
				if err := pool.AddUser("alice", nil); err != nil {
					t.Fatal(err)
				}
				tokens := signIn(t, pool, "alice")
				waiting, err := pool.SignIn(t.Context(), "alice")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				for _, operation := range tt.operations {
					call(t, pool, operation, object{"UserPoolId": poolID, "Username": "alice"})
				}

				outcome := func(operation string, request object) string {
					status, answer := post(t, pool, operation, request)
					if status == 200 {
						return ""
					}
					return answer["__type"].(string) + ": " + answer["message"].(string)
				}
				if got := outcome("GetUser", object{"AccessToken": tokens["AccessToken"]}); got != tt.access {
					t.Errorf("access token: %s, want %s", got, tt.access)
				}
				if got := outcome("GetTokensFromRefreshToken", object{"ClientId": clientID, "RefreshToken": tokens["RefreshToken"]}); got != tt.refresh {
					t.Errorf("refresh token: %s, want %s", got, tt.refresh)
				}
				if got := strings.TrimPrefix(errorOf(waiting.Answer(t.Context(), "right", nil)), "<nil>"); got != tt.waiting {
					t.Errorf("the sign-in that waits: %s, want %s", got, tt.waiting)
				}
				_, err = pool.SignIn(t.Context(), "alice")
				if got := strings.TrimPrefix(errorOf(err), "<nil>"); got != tt.signIn {
					t.Errorf("a new sign-in: %s, want %s", got, tt.signIn)
				}
				users := call(t, pool, "ListUsers", object{"UserPoolId": poolID, "Filter": `status = "` + tt.now + `"`})["Users"].([]any)
				got := call(t, pool, "AdminGetUser", object{"UserPoolId": poolID, "Username": "alice"})
				if len(users) != 1 || got["Enabled"] != (tt.now == "Enabled") {
					t.Errorf("%d users are %s, and AdminGetUser says %v", len(users), tt.now, got["Enabled"])
				}
			})
		})
	}
}
