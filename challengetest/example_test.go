package challengetest_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"sync"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// Desk is a step: the user shows a badge and a ticket at the front desk, where somebody
// confirms the ticket.
type Desk struct{ confirmed *sync.Map }

// Issue describes the challenge. An answer that comes too early is no guess.
func (d Desk) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{Unguessable: true}, nil
}

// Show tells the user the ticket. It is no secret: who confirms it looks at the badge.
func (d Desk) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	return map[string]string{"ticket": r.SignIn}, nil
}

// Check looks whether the ticket of this user was confirmed. Whatever the answer says,
// it only means "I have been there".
func (d Desk) Check(_ context.Context, r customauth.Request, _ string) (customauth.Checked, error) {
	badge, _ := d.confirmed.Load(r.SignIn)
	return customauth.Checked{Right: badge == r.UserName.Reveal()}, nil
}

// testDesk is all of the step's test. In a package of yours it is called TestDesk.
func testDesk(t *testing.T) {
	var confirmed *sync.Map
	challengetest.Run(t, challengetest.Config{
		New: func(*testing.T) customauth.Challenge {
			confirmed = new(sync.Map)
			return Desk{confirmed}
		},
		Answer: func(_ *testing.T, s challengetest.Shown) string { // what a user does who passes
			confirmed.Store(s.Parameters["ticket"], s.Request.UserName.Reveal())
			return "done"
		},
		Tells: []string{"ticket"}, // another one in each sign-in
	})
}

// A step of one's own, its test, and a sign-in with it.
func Example() {
	ctx := context.Background()
	confirmed := new(sync.Map)
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:   []customauth.Secret{customauth.Hide("from a secret store, 32 bytes or more")},
		Steps:  []customauth.Step{{Name: "desk", Challenge: Desk{confirmed}}},
		Logger: slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: handler}})
	if err != nil {
		log.Fatal(err)
	}
	if err := pool.AddUser("alice", nil); err != nil {
		log.Fatal(err)
	}
	s, err := pool.SignIn(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Answer(ctx, "done", nil); err != nil { // before alice was at the desk
		log.Fatal(err)
	}
	fmt.Println(s.Parameters["errorCode"], s.Parameters["attemptsRemaining"])

	confirmed.Store(s.Parameters["ticket"], "alice")
	if err := s.Answer(ctx, "done", nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Done())
	// Output:
	// not_proved 3
	// true
}
