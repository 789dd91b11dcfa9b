// Package challengetest checks that a [customauth.Challenge] keeps its contract, as
// the handlers use it: the right answer passes and nothing else does, unknown users
// and users who lack what the step needs see what everybody sees, nothing secret gets
// out, an answer is right again when Cognito repeats a call, and hostile answers,
// altered state, a context that has ended and many calls at once do no harm.
//
//	func TestStep(t *testing.T) {
//		challengetest.Run(t, challengetest.Config{
//			New:        func(*testing.T) customauth.Challenge { return mystep.New() },
//			Attributes: map[string]string{"phone_number": "+12065550100"},
//			Answer: func(t *testing.T, s challengetest.Shown) string {
//				return s.Messages[len(s.Messages)-1].Code.Reveal()
//			},
//		})
//	}
//
// docs/steps.md says how to write a step.
package challengetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
)

// Config says how to reach the step under test, and how a user passes it. New and
// Answer are required.
type Config struct {
	// New makes the step. It is called once for each check, and should then find
	// nothing of the checks before.
	New func(t *testing.T) customauth.Challenge

	// Answer is what a user answers who passes. It may act first, as a user does who
	// approves on another device. It is called for known users alone.
	Answer func(t *testing.T, s Shown) string

	// Attributes are those of a user who can pass. Default: a phone number and an
	// e-mail address, both verified.
	Attributes map[string]string

	// Enrol, if set, gives a user what the step needs and attributes do not have: a
	// passkey, a secret. It is called before the user's first sign-in, with a request
	// that has the pool, the user name and the attributes, sub among them.
	Enrol func(t *testing.T, r customauth.Request)

	// Store is shared by the handlers and, where it needs one, by the step. Default: a
	// new one in memory for each check.
	Store func(t *testing.T) customauth.Store

	// Media are those that the step sends by, beside SMS and EMAIL.
	Media []string

	// Tells are public parameters that differ from sign-in to sign-in, such as a nonce:
	// their values are not compared, only their length.
	Tells []string

	// AfterPassword puts a password step first, for a step that asks for Request.Proved.
	AfterPassword bool

	// Anyone says that unknown users pass too. The step is then followed by another.
	Anyone bool

	// Wait is how long two sign-ins of one user must be apart. Default 31 seconds, which
	// the checks let pass in the simulated time of testing/synctest. With Real, they
	// wait for nothing and use a new user each time.
	Wait time.Duration

	// Real says that the step cannot live in a bubble of testing/synctest, because it
	// has connections to the outside.
	Real bool
}

// Shown is what a user has in front of him.
type Shown struct {
	Request    customauth.Request // the step's, with its State
	Parameters map[string]string  // the public parameters
	Messages   []customauth.Message
}

// Run runs every check as a subtest of t.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil || c.Answer == nil {
		t.Fatal("challengetest: Config needs New and Answer")
	}
	c = c.withDefaults()
	for _, k := range checks {
		t.Run(k.name, func(t *testing.T) {
			if err := c.run(t, k); err != nil {
				t.Error(err)
			}
		})
	}
}

func (c Config) withDefaults() Config {
	if c.Attributes == nil {
		c.Attributes = map[string]string{
			"phone_number": "+12065550100", "phone_number_verified": "true",
			"email": "someone@example.com", "email_verified": "true",
		}
	}
	if c.Store == nil {
		c.Store = func(*testing.T) customauth.Store { return customauth.NewMemoryStore() }
	}
	if c.Wait == 0 {
		c.Wait = 31 * time.Second
	}
	return c
}

// A check is one promise of the contract. It ends early, by failf, at the first thing
// that is wrong.
type check struct {
	name string
	run  func(e *env)
}

type failure struct{ error }

// failf ends the check. It must be called on the goroutine of the check.
func (e *env) failf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
