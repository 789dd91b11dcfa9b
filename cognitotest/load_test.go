package cognitotest_test

// This file tests many sign-ins: at once, and what is left of them.

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// TestManyAtOnce: 32 users sign in at once, each with a wrong answer first, and
// some for somebody who is not there.
func TestManyAtOnce(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	signIn := func(user string) error {
		ctx := context.Background()
		s, err := pool.SignIn(ctx, user)
		if err != nil {
			return err
		}
		if err := s.Answer(ctx, "wrong", nil); err != nil {
			return err
		}
		if s.Done() {
			return fmt.Errorf("%s: signed in by a wrong answer", user)
		}
		err = s.Answer(ctx, "right", nil)
		if pool.Attributes(user) == nil {
			if errorOf(err) != "NotAuthorizedException: Incorrect username or password." {
				return fmt.Errorf("%s: %w", user, err)
			}
			return nil
		}
		if err != nil || !s.Done() {
			return fmt.Errorf("%s: %v, done: %v", user, err, s.Done())
		}
		claims, err := pool.Claims(s.Tokens().IDToken)
		if err == nil && claims["cognito:username"] != user {
			err = fmt.Errorf("%s: token for %v", user, claims["cognito:username"])
		}
		return err
	}
	failed := make(chan error)
	for i := range 32 {
		user := fmt.Sprint("user", i)
		if i%4 != 0 {
			if err := pool.AddUser(user, nil); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			var err error
			for range 4 {
				if err == nil {
					err = signIn(user)
				}
			}
			failed <- err
		}()
	}
	for range 32 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if n := cognitotest.Sessions(pool); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestAbandoned: sign-ins that nobody goes on with are forgotten.
func TestAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
		for range 100 {
			if _, err := pool.SignIn(t.Context(), "nobody"); err != nil {
				t.Fatal(err)
			}
		}
		if n := cognitotest.Sessions(pool); n != 100 {
			t.Errorf("%d sessions, want 100", n)
		}
		time.Sleep(15 * time.Minute)
		if _, err := pool.SignIn(t.Context(), "nobody"); err != nil {
			t.Fatal(err)
		}
		if n := cognitotest.Sessions(pool); n != 1 {
			t.Errorf("%d sessions after they expired, want 1", n)
		}
	})
}

// TestSessionsBounded: with more sign-ins than the pool keeps, the oldest go.
func TestSessionsBounded(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	first, last, err := cognitotest.OpenSessions(pool, 200_001)
	if err != nil {
		t.Fatal(err)
	}
	if n := cognitotest.Sessions(pool); n != 200_000 {
		t.Errorf("%d sessions, want 200,000", n)
	}
	answer := func(session string) error {
		s, err := pool.SignIn(t.Context(), "nobody")
		if err != nil {
			return err
		}
		s.Session, s.Parameters["USERNAME"] = session, "nobody"
		return s.Answer(t.Context(), "right", nil)
	}
	for session, want := range map[string]string{
		first: "NotAuthorizedException: Invalid session for the user, session can only be used once.",
		last:  "NotAuthorizedException: Incorrect username or password.", // found, but of nobody
	} {
		if got := errorOf(answer(session)); got != want {
			t.Errorf("error: %s, want %s", got, want)
		}
	}
}

// TestRevocationsForgotten: a token that was taken back is remembered no longer
// than it would have lived.
func TestRevocationsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r cognitotest.Revocations
		for i := range 100_000 {
			id := fmt.Sprint(i)
			if !r.Add(id, time.Now().Add(time.Hour)) || r.Add(id, time.Now().Add(time.Hour)) || !r.Has(id) {
				t.Fatalf("%s is not remembered once", id)
			}
			time.Sleep(time.Second)
		}
		if r.Has("0") {
			t.Error("the first one is still remembered")
		}
		if !r.Has(fmt.Sprint(100_000 - 3600)) {
			t.Error("one that has not expired is forgotten")
		}
		if n := r.Len(); n > 3*3600 {
			t.Errorf("%d are remembered, of which 3,600 have not expired", n)
		}
	})
}

func TestInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inbox := new(cognitotest.Inbox)
		if got := inbox.Code(phone); got != "" {
			t.Errorf("code in an empty inbox: %q", got)
		}
		send := func(to, text string) {
			t.Helper()
			m := customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide(to)}, Text: customauth.Hide(text)}
			if err := inbox.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		start := time.Now()
		send(phone, "first")
		send("+12065550101", "other")
		send(phone, "second")

		want := []cognitotest.Message{
			{To: phone, Medium: "SMS", Text: "second", Time: start.Add(2 * time.Second)},
			{To: phone, Medium: "SMS", Text: "first", Time: start},
		}
		if diff := cmp.Diff(want, inbox.Messages(phone)); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		for i := range 30_000 {
			m := customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide(phone)}, Text: customauth.Hide(fmt.Sprint(i))}
			if err := inbox.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		all := inbox.Messages("")
		if len(all) != 10_000 || all[0].Text != "29999" || all[9999].Text != "20000" {
			t.Errorf("%d messages, from %q to %q", len(all), all[len(all)-1].Text, all[0].Text)
		}
	})
}
