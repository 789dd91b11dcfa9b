package cognitotest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func ExampleClock() {
	clock := new(cognitotest.Clock)
	before := time.Now()
	clock.Advance(24 * time.Hour)
	fmt.Println(clock.Offset(), clock.Now().Sub(before) >= 24*time.Hour)
	clock.Reset()
	fmt.Println(clock.Offset())
	// Output:
	// 24h0m0s true
	// 0s
}

// TestClock: what expires does so by the pool's clock, without a pause, and is
// still there just before.
func TestClock(t *testing.T) {
	clock := new(cognitotest.Clock)
	inbox := new(cognitotest.Inbox)
	pool := newPool(t, cognitotest.Config{Clock: clock, Inbox: inbox, AutoVerifiedAttributes: []string{"email"}, Triggers: cognitotest.Triggers{All: new(fake)}})
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	second := time.Second

	t.Run("session", func(t *testing.T) {
		begin := func() object {
			return call(t, pool, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": "alice"}})
		}
		answer := func(started object) object {
			return object{"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": clientID, "Session": started["Session"],
				"ChallengeResponses": object{"USERNAME": "alice", "ANSWER": "right"}}
		}
		late, inTime := begin(), begin()
		clock.Advance(15*time.Minute - 30*second)
		call(t, pool, "RespondToAuthChallenge", answer(inTime))
		clock.Advance(30 * second)
		want := "NotAuthorizedException: Invalid session for the user, session is expired."
		if diff := cmp.Diff(want, refused(t, pool, "RespondToAuthChallenge", answer(late))); diff != "" {
			t.Error("(-want +got):\n", diff)
		}
	})

	t.Run("tokens", func(t *testing.T) {
		tokens := signIn(t, pool, "alice")
		clock.Advance(time.Hour - 30*second)
		call(t, pool, "GetUser", object{"AccessToken": tokens["AccessToken"]})
		clock.Advance(30 * second)
		want := "NotAuthorizedException: Access Token has expired"
		if diff := cmp.Diff(want, refused(t, pool, "GetUser", object{"AccessToken": tokens["AccessToken"]})); diff != "" {
			t.Error("(-want +got):\n", diff)
		}
		refresh := object{"ClientId": clientID, "RefreshToken": tokens["RefreshToken"]}
		renewed := call(t, pool, "GetTokensFromRefreshToken", refresh)["AuthenticationResult"].(object)
		call(t, pool, "GetUser", object{"AccessToken": renewed["AccessToken"]})
		clock.Advance(30 * 24 * time.Hour)
		want = "NotAuthorizedException: Refresh Token has expired"
		if diff := cmp.Diff(want, refused(t, pool, "GetTokensFromRefreshToken", refresh)); diff != "" {
			t.Error("(-want +got):\n", diff)
		}
	})

	t.Run("confirmation code", func(t *testing.T) {
		call(t, pool, "SignUp", object{"ClientId": clientID, "Username": "bob", "Password": "Passw0rd!x", "UserAttributes": attributes("email", "bob@example.com")})
		call(t, pool, "ResendConfirmationCode", object{"ClientId": clientID, "Username": "bob"})
		clock.Advance(24 * time.Hour)
		want := "ExpiredCodeException: Invalid code provided, please request a code again."
		got := refused(t, pool, "ConfirmSignUp", object{"ClientId": clientID, "Username": "bob", "ConfirmationCode": inbox.Code("bob@example.com")})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("(-want +got):\n", diff)
		}
	})
}
