package cognitotest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// With the default settings of everything, a user whose code has expired asks for
// another one 45 seconds later, and signs in.
func TestAnotherCodeAfterTheFirstExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inbox := new(cognitotest.Inbox)
		handler, err := customauth.NewHandler(customauth.Options{
			Keys:    []customauth.Secret{customauth.Hide("a key of at least thirty-two bytes")},
			Senders: map[string]customauth.Sender{"SMS": inbox},
			Store:   customauth.NewMemoryStore(), // not shared with other tests
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: handler}})
		if err != nil {
			t.Fatal(err)
		}
		const number = "+12065550100"
		if err := pool.AddUser("alice", map[string]string{"phone_number": number}); err != nil {
			t.Fatal(err)
		}
		s, err := pool.SignIn(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		first := inbox.Code(number)
		expires, err := time.Parse(time.RFC3339, s.Parameters["expiresAt"])
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(expires) + 45*time.Second)

		if err := s.Answer(t.Context(), first, nil); err != nil {
			t.Fatal(err)
		}
		if got := s.Parameters["errorCode"]; s.Done() || got != "expired" {
			t.Fatalf("the old code: done = %v, errorCode %q", s.Done(), got)
		}
		if err := s.Resend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Parameters["errorCode"]; got != "" || len(inbox.Messages(number)) != 2 {
			t.Fatalf("another code: errorCode %q, %d messages", got, len(inbox.Messages(number)))
		}
		if err := s.Answer(t.Context(), inbox.Code(number), nil); err != nil || !s.Done() {
			t.Fatalf("the new code: done = %v, error %v", s.Done(), err)
		}
	})
}
