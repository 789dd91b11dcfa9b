package load_test

// This file is what people do: each journey is a sign-in with its one right
// outcome.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// A walker is somebody on a journey.
type walker struct {
	run    *crowdRun
	ctx    context.Context
	number int
	names  []string // whose
}

type journey struct {
	name  string
	users int // how many users of the pool it needs
	walk  func(w *walker) error
}

// journeys come in turn.
var journeys = []journey{
	{"the right code", 1, func(w *walker) error { return w.wrongThenRight(0) }},
	{"one wrong code", 1, func(w *walker) error { return w.wrongThenRight(1) }},
	{"two wrong codes", 1, func(w *walker) error { return w.wrongThenRight(2) }},
	{"three wrong codes", 1, (*walker).threeWrong},
	{"a resend too soon", 1, (*walker).tooSoon},
	{"nobody", 0, (*walker).nobody},
	{"a stolen session", 2, (*walker).stolen},
	{"a replay", 1, (*walker).replay},
}

// patient waits to be allowed another code, for up to a second: one in 256.
var patient = journey{"a resend", 1, (*walker).resend}

func journeyOf(i int64) journey {
	if i%256 == 0 {
		return patient
	}
	return journeys[i%int64(len(journeys))]
}

// errBreach is in the error of a sign-in that let in whom it should not.
var errBreach = errors.New("breach")

// walk gives the journey its users, and takes them back.
func (c *crowdRun) walk(ctx context.Context, worker int, i int64, j journey) error {
	w := &walker{run: c, ctx: ctx, number: int(i)}
	for k := range j.users {
		name := fixedName(worker, k)
		if !c.fixed {
			name = fmt.Sprintf("%07d", c.names.Add(1))
			if err := c.target.add(ctx, name); err != nil {
				return err
			}
		}
		w.names = append(w.names, name)
	}
	err := j.walk(w)
	for _, name := range w.names {
		c.texts.forget(name)
		if !c.fixed {
			err = errors.Join(err, c.target.remove(ctx, name))
		}
	}
	return err
}

func (w *walker) begin(name string) (signIn, error) {
	if w.run.fixed {
		time.Sleep(2 * cooldown) // since the one before, of this name
	}
	s, err := w.run.target.signIn(w.ctx, name)
	if err != nil {
		return nil, err
	}
	return s, outside(s, "", 3)
}

// not gives an answer that must not sign in, and be told so by this error code
// with this many attempts left.
func (w *walker) not(s signIn, answer string, clientMetadata map[string]string, errorCode string, left int) error {
	if err := s.answer(w.ctx, answer, clientMetadata); err != nil {
		return err
	}
	return outside(s, errorCode, left)
}

// outside reports an error unless the user is still asked for a code, and told
// this.
func outside(s signIn, errorCode string, left int) error {
	if s.done() {
		return fmt.Errorf("%w: signed in, want error code %q and %d attempts", errBreach, errorCode, left)
	}
	code, attempts := s.parameter("errorCode"), s.parameter("attemptsRemaining")
	if code != errorCode || attempts != strconv.Itoa(left) {
		return fmt.Errorf("error code %q, %s attempts, want %q and %d", code, attempts, errorCode, left)
	}
	return nil
}

// right gives the right code, which must sign in.
func (w *walker) right(s signIn, name string) error {
	return w.signsIn(s, name, w.run.texts.code(name))
}

func (w *walker) signsIn(s signIn, name, code string) error {
	if err := s.answer(w.ctx, code, nil); err != nil {
		return fmt.Errorf("right code: %w", err)
	}
	if !s.done() {
		return fmt.Errorf("right code: not signed in, error code %q", s.parameter("errorCode"))
	}
	if w.number%w.run.tokensEvery != 0 {
		return nil
	}
	switch owner, err := s.owner(); {
	case err != nil:
		return fmt.Errorf("tokens: %w", err)
	case owner != name:
		return fmt.Errorf("%w: tokens of %s for %s", errBreach, owner, name)
	}
	return nil
}

// refused gives an answer that must end with this error of the service.
func (w *walker) refused(s signIn, answer, want string) error {
	err := s.answer(w.ctx, answer, nil)
	if err == nil && s.done() {
		return fmt.Errorf("%w: signed in, want %s", errBreach, want)
	}
	var e *cognitotest.Error
	if !errors.As(err, &e) || e.Type+": "+e.Message != want {
		return fmt.Errorf("%v, want %s", err, want)
	}
	return nil
}

// wrong is a code that differs from the right one in one digit.
func (w *walker) wrong(name string) string {
	code := []byte(w.run.texts.code(name))
	at := w.number % len(code)
	code[at] = '0' + (code[at]-'0'+1)%10
	return string(code)
}

const (
	incorrect = "NotAuthorizedException: Incorrect username or password."
	invalid   = "NotAuthorizedException: Invalid session for the user."
	used      = "NotAuthorizedException: Invalid session for the user, session can only be used once."
)

func (w *walker) wrongThenRight(wrong int) error {
	name := w.names[0]
	s, err := w.begin(name)
	if err != nil {
		return err
	}
	for k := range wrong {
		if err := w.not(s, w.wrong(name), nil, "wrong_code", 2-k); err != nil {
			return err
		}
	}
	return w.right(s, name)
}

func (w *walker) threeWrong() error {
	name := w.names[0]
	s, err := w.begin(name)
	if err != nil {
		return err
	}
	for k := range 2 {
		if err := w.not(s, w.wrong(name), nil, "wrong_code", 2-k); err != nil {
			return err
		}
	}
	return w.refused(s, w.wrong(name), incorrect)
}

var again = map[string]string{"action": "resend"}

// tooSoon asks for another code within the second: the first stays good. In the
// last moment of a second it may be in time.
func (w *walker) tooSoon() error {
	name := w.names[0]
	s, err := w.begin(name)
	if err != nil {
		return err
	}
	first := w.run.texts.code(name)
	if err := s.answer(w.ctx, first, again); err != nil {
		return err
	}
	errorCode := "resend_too_soon"
	if s.parameter("errorCode") == "" {
		errorCode = ""
	}
	if err := outside(s, errorCode, 3); err != nil {
		return fmt.Errorf("resend: %w", err)
	}
	return w.right(s, name)
}

// resend waits as long as it is told: for the cooldown, rounded up to a whole second of
// the clock, and what is left of that to a whole number.
func (w *walker) resend() error {
	name := w.names[0]
	s, err := w.begin(name)
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(s.parameter("resendAfter"))
	if err != nil || seconds > 2 {
		return fmt.Errorf("resendAfter is %q, want two seconds at most", s.parameter("resendAfter"))
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	first := w.run.texts.code(name)
	if err := w.not(s, first, again, "", 3); err != nil {
		return err
	}
	if second := w.run.texts.code(name); second != first { // one in a million is the same
		if err := w.not(s, first, nil, "wrong_code", 2); err != nil {
			return fmt.Errorf("the code before the resend: %w", err)
		}
	}
	return w.right(s, name)
}

// nobody is told what everybody is told, and never gets in. That includes the
// failures of others: where a sender was starved, so that somebody was told
// "delivery_failed", nobody is told it about as often.
func (w *walker) nobody() error {
	s, err := w.begin(fmt.Sprintf("nobody%d", w.number))
	if s != nil && s.parameter("errorCode") == "delivery_failed" {
		w.run.imitated.Add(1)
		return outside(s, "delivery_failed", 3)
	}
	if err != nil {
		return err
	}
	for k := range 2 {
		if err := w.not(s, "123456", nil, "wrong_code", 2-k); err != nil {
			return err
		}
	}
	return w.refused(s, "123456", incorrect)
}

// stolen answers with the session of another user, who is not disturbed by it.
func (w *walker) stolen() error {
	thief, err := w.begin(w.names[0])
	if err != nil {
		return err
	}
	victim, err := w.begin(w.names[1])
	if err != nil {
		return err
	}
	own := thief.session()
	thief.setSession(victim.session())
	if err := w.refused(thief, w.run.texts.code(w.names[0]), invalid); err != nil {
		return err
	}
	if err := w.refused(thief, w.run.texts.code(w.names[1]), invalid); err != nil {
		return err
	}
	thief.setSession(own)
	if err := w.right(victim, w.names[1]); err != nil {
		return err
	}
	return w.right(thief, w.names[0])
}

// replay uses a session twice, with the right code both times. That does not
// disturb the other sign-in of the user, and leaves no session behind: the pool
// would keep it for three minutes.
func (w *walker) replay() error {
	name := w.names[0]
	s, err := w.begin(name)
	if err != nil {
		return err
	}
	ownCode, own := w.run.texts.code(name), s.session()
	time.Sleep(cooldown)
	other, err := w.begin(name)
	if err != nil {
		return err
	}
	code, session := w.run.texts.code(name), other.session()
	if err := w.right(other, name); err != nil {
		return err
	}
	s.setSession(session)
	if err := w.refused(s, code, used); err != nil {
		return err
	}
	s.setSession(own)
	return w.signsIn(s, name, ownCode)
}
