package push

import (
	"context"
	"sync"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// docs: test
func TestPush(t *testing.T) {
	var approvals *memoryApprovals
	challengetest.Run(t, challengetest.Config{
		New:   func(*testing.T) customauth.Challenge { approvals = newApprovals(); return Push{approvals} },
		Media: []string{"PUSH"},
		Answer: func(_ *testing.T, s challengetest.Shown) string {
			approvals.approve(s.Request.State) // what the user does on the other device
			return "approved"
		},
	})
}

// end

type memoryApprovals struct{ ids sync.Map }

func newApprovals() *memoryApprovals { return new(memoryApprovals) }

func (a *memoryApprovals) approve(id string) { a.ids.Store(id, true) }

func (a *memoryApprovals) Has(_ context.Context, id string) (bool, error) {
	_, ok := a.ids.Load(id)
	return ok, nil
}

func TestUse(t *testing.T) {
	var options customauth.Options
	use(&options, newApprovals(), new(cognitotest.Inbox))
	pool, _ := cognitotest.Start(t, options)
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Parameters["hint"]; got != "approve on your phone" {
		t.Errorf("hint %q", got)
	}
}
