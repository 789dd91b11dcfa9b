package dynamodbstore_test

// The store under the handlers: what a sign-in costs, and what happens to one when
// the store does not answer.

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/google/go-cmp/cmp"
)

const phone = "+12065550100"

// pool is a user pool with one user, whose triggers count in s.
func pool(t *testing.T, s customauth.Store, log *bytes.Buffer) (*cognitotest.Pool, *cognitotest.Inbox) {
	t.Helper()
	inbox := new(cognitotest.Inbox)
	h, err := customauth.NewHandler(customauth.Options{
		Keys:   [][]byte{bytes.Repeat([]byte("k"), 32)},
		Steps:  []customauth.Challenge{customauth.OTP{Sender: inbox}},
		Store:  s,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	return p, inbox
}

// A sign-in costs three writes and one read, and each wrong guess before it one of
// each more. All items are below 1 kB, so each write is one unit.
func TestSignInCost(t *testing.T) {
	dynamotest.URL(t)
	for name, test := range map[string]struct {
		wrong int
		want  bill
	}{
		"right at once":     {0, bill{reads: 1, writes: 3, units: 4}},
		"wrong, then right": {1, bill{reads: 2, writes: 4, units: 6}},
	} {
		t.Run(name, func(t *testing.T) {
			costs := new(meter)
			var log bytes.Buffer
			p, inbox := pool(t, open(t, dynamodbstore.Options{Client: costs.client(t)}), &log)
			costs.reset() // warming up is a read for each process
			s, err := p.SignIn(t.Context(), "alice")
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			for range test.wrong {
				if err := s.Answer(t.Context(), "000000", nil); err != nil {
					t.Fatalf("%v\n%s", err, &log)
				}
			}
			if err := s.Answer(t.Context(), inbox.Code(phone), nil); err != nil || !s.Done() {
				t.Fatalf("no tokens after the right code: %v\n%s", err, &log)
			}
			if diff := cmp.Diff(test.want, costs.total(), cmp.AllowUnexported(bill{})); diff != "" {
				t.Errorf("the cost of the sign-in (-want +got):\n%s", diff)
			}
		})
	}
}

// A replaceable store breaks in the middle of a sign-in.
type replaceable struct{ customauth.Store }

// Without an answer from DynamoDB no text is sent and no guess is compared.
func TestSignInWithoutStore(t *testing.T) {
	dynamotest.URL(t)
	for _, name := range []string{"throttled", "internal error", "hangs", "drops connection", "not allowed"} {
		t.Run(name, func(t *testing.T) {
			store := &replaceable{open(t, dynamodbstore.Options{})}
			var log bytes.Buffer
			p, inbox := pool(t, store, &log)
			s, err := p.SignIn(t.Context(), "alice")
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			m := &middleman{fault: always[name], first: 1 << 40}
			store.Store = m.store(t, dynamodbstore.Options{Timeout: 200 * time.Millisecond})
			if err := s.Answer(t.Context(), inbox.Code(phone), nil); err == nil || s.Done() {
				t.Errorf("the right code passed although the guess was not counted: %v", err)
			}
			if !bytes.Contains(log.Bytes(), []byte("dynamodbstore: ")) {
				t.Errorf("the log does not say why: %s", &log)
			}
			if _, err := p.SignIn(t.Context(), "alice"); err == nil {
				t.Error("a sign-in began although nothing could be counted")
			}
			if sent := len(inbox.Messages(phone)); sent != 1 {
				t.Errorf("%d texts were sent, want the one before the store broke", sent)
			}
		})
	}
}
