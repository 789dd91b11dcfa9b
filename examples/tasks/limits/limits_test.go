package limits

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

const phone = "+12065550100"

// options are those that the function is deployed with.
var options = customauth.Options{
	Limits: customauth.Limits{Guesses: []customauth.Window{{Max: 2, Per: time.Hour}}},
}

// Time is simulated in a bubble of testing/synctest: an hour takes no time.
func TestGuessesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool, inbox := cognitotest.Start(t, options)
		pool.AddUser("alice", map[string]string{"phone_number": phone})

		signIn := begin(t, pool, "")
		answer(t, signIn, "not the code", "wrong_code")
		answer(t, signIn, "not the code", "rate_limited") // the second guess was the last in this hour
		time.Sleep(time.Minute)
		begin(t, pool, "rate_limited") // nothing is sent either
		time.Sleep(time.Hour)
		signIn = begin(t, pool, "")
		answer(t, signIn, inbox.Code(phone), "")
		if !signIn.Done() {
			t.Error("an hour later: no tokens")
		}
	})
}

func TestCodesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool, inbox := cognitotest.Start(t, options)
		pool.AddUser("alice", map[string]string{"phone_number": phone})

		signIn := begin(t, pool, "")
		time.Sleep(3 * time.Minute)
		answer(t, signIn, inbox.Code(phone), "expired")
		if err := signIn.Resend(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer(t, signIn, inbox.Code(phone), "")
		if !signIn.Done() {
			t.Error("the second code: no tokens")
		}
	})
}

// begin and answer say which errorCode the app is told.
func begin(t *testing.T, pool *cognitotest.Pool, errorCode string) *cognitotest.SignIn {
	t.Helper()
	signIn, err := pool.SignIn(t.Context(), "alice")
	check(t, signIn, err, errorCode)
	return signIn
}

func answer(t *testing.T, signIn *cognitotest.SignIn, text, errorCode string) {
	t.Helper()
	err := signIn.Answer(t.Context(), text, nil)
	check(t, signIn, err, errorCode)
}

func check(t *testing.T, signIn *cognitotest.SignIn, err error, errorCode string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got := signIn.Parameters["errorCode"]; got != errorCode {
		t.Errorf("errorCode %q, want %q", got, errorCode)
	}
}
