package challengetest

// This file holds the checks, from the plainest promise of a step to those that only
// an attacker would notice.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/said"
)

var checks = []check{
	{"Passes", checkPasses},
	{"Wrong", checkWrong},
	{"Hostile", checkHostile},
	{"Again", checkAgain},
	{"AnotherUser", checkAnotherUser},
	{"AnotherSignIn", checkAnotherSignIn},
	{"Unknown", checkUnknown},
	{"Lacking", checkLacking},
	{"NothingLeft", checkNothingLeft},
	{"Leaks", checkLeaks},
	{"AlteredState", checkAlteredState},
	{"Resend", checkResend},
	{"Session", checkSession},
	{"Cancelled", checkCancelled},
	{"ManyAtOnce", checkManyAtOnce},
	{"Wrapped", checkWrapped},
	{"Way", checkWay},
}

// The right answer passes.
func checkPasses(e *env) {
	s := e.known(e.user())
	if s.err != nil || s.failed {
		e.failf("no challenge was made: %v\n%s", s.err, e.log)
	}
	if s.answer(s.right(), nil); !s.passed {
		e.failf("the right answer does not pass (%v)\n%s", s.err, e.log)
	}
}

// A wrong answer does not.
func checkWrong(e *env) {
	for _, answer := range []string{"x", "000000", "{}", `{"error":"NotAllowedError"}`, "-"} {
		s := e.known(e.user())
		if s.answer(answer, nil); s.passed || s.err != nil {
			e.failf("the answer %q: passed %v, error %v", answer, s.passed, s.err)
		}
	}
}

// hostile are answers that a step may not have thought of.
func hostile() []string {
	return []string{
		" ", "\t", "null", "[]", "{", `{"id":null,"response":{}}`, `{"id":1e999}`, strings.Repeat("[", 10000), strings.Repeat("A", 16<<10),
		"=", "%00", "../../etc/passwd", "' OR 1=1 --", "\u202e123", "１２３", "\u0000", "\xff\xfe", "é", "0", "-1", "99999999999999999999",
		base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xa3", 3000))),
	}
}

// Hostile answers are wrong, and no more than that.
func checkHostile(e *env) {
	for _, answer := range hostile() {
		s := e.known(e.user())
		if s.answer(answer, nil); s.passed || s.err != nil {
			e.failf("the answer %.40q: passed %v, error %v\n%s", answer, s.passed, s.err, e.log)
		}
	}
}

// Cognito may call Verify again for the same answer.
func checkAgain(e *env) {
	s := e.known(e.user())
	answer := s.right()
	if !s.check(answer, nil) {
		e.failf("the right answer is wrong: %v", s.err)
	}
	if !s.check(answer, nil) {
		e.failf("the right answer is wrong when Cognito repeats the call: %v", s.err)
	}
}

// What one user answers is wrong for another.
func checkAnotherUser(e *env) {
	if e.Anyone {
		return // whoever has the answer passes
	}
	one, another := e.user(), e.user()
	a := e.known(one)
	answer := a.right()
	b := e.known(another)
	if b.check(answer, nil) {
		e.failf("the answer of one user is right for another")
	}
	if !a.check(answer, nil) {
		e.failf("the right answer is wrong after another user tried it: %v", a.err)
	}
}

// An answer is good for the sign-in that it was made for.
func checkAnotherSignIn(e *env) {
	if e.Anyone {
		return
	}
	user := e.user()
	first := e.known(user)
	answer := first.right()
	if first.answer(answer, nil); !first.passed {
		e.failf("the right answer does not pass (%v)", first.err)
	}
	if e.Real {
		return
	}
	e.pause()
	second := e.known(user)
	if second.check(answer, nil) {
		e.failf("an answer that was used in one sign-in is right in the next one")
	}
}

// shape is what an app sees, without what differs by chance.
func (e *env) shape(s *signIn) map[string]string {
	m := maps.Clone(s.public)
	for _, name := range []string{"expiresAt", "resendAfter", "retryAfter"} {
		if m[name] != "" {
			m[name] = "…"
		}
	}
	for name, value := range m {
		if slices.Contains(e.Tells, name) {
			m[name] = strings.Repeat("·", len(value))
		}
	}
	return m
}

func (e *env) alike(what string, known, other *signIn) {
	a, b := e.shape(known), e.shape(other)
	if !maps.Equal(a, b) {
		e.failf("%s sees %v, and a user who can pass sees %v: list what differs by chance in Config.Tells", what, b, a)
	}
}

// Unknown users see what known users see, are sent nothing, and do not pass.
func checkUnknown(e *env) {
	known, nobody := e.known(e.user()), e.unknown("nobody")
	if nobody.err != nil || nobody.failed {
		e.failf("no challenge for an unknown user: %v\n%s", nobody.err, e.log)
	}
	e.alike("an unknown user", known, nobody)
	for _, m := range e.box.all() {
		if m.Request.UserNotFound {
			e.failf("a message was sent for an unknown user")
		}
	}
	known.answer("x", nil)
	nobody.answer("x", nil)
	e.alike("an unknown user, after a wrong answer,", known, nobody)
	for _, answer := range hostile() {
		if nobody.check(answer, nil) || nobody.err != nil {
			e.failf("an unknown user answers %.40q: %v", answer, nobody.err)
		}
	}
}

// A user who lacks what the step needs sees what everybody sees.
func checkLacking(e *env) {
	if e.Anyone {
		return
	}
	known, nothing := e.known(e.user()), e.lacking("nothing")
	if nothing.err != nil {
		e.failf("an error for a user without attributes: %v\n%s", nothing.err, e.log)
	}
	e.alike("a user who has nothing", known, nothing)
}

// Issue leaves nothing behind: a challenge that was thrown away does not harm the one
// before.
func checkNothingLeft(e *env) {
	user := e.user()
	s := e.known(user)
	r := e.step.(*recorded).shown()
	for range 3 {
		if _, err := e.step.Issue(context.Background(), r); err != nil {
			e.failf("issue: %v", err)
		}
	}
	if s.answer(e.Answer(e.t, Shown{r, s.public, e.box.all()}), nil); !s.passed {
		e.failf("after Issue was called in vain, the challenge before does not pass any more (%v)", s.err)
	}
}

// Neither a code nor an address shows up where it does not belong.
func checkLeaks(e *env) {
	s := e.known(e.user())
	right := s.right()
	s.answer("wrong-answer-4711", nil)
	log := said.Without(e.log.String())
	secrets := []string{"wrong-answer-4711"}
	for _, m := range e.box.all() {
		secrets = append(secrets, m.Code.Reveal(), m.To.Address.Reveal())
	}
	for _, value := range e.Attributes {
		if len(value) > 5 {
			secrets = append(secrets, value)
		}
	}
	carried, err := base64.RawURLEncoding.DecodeString(s.private["customauth"])
	if err != nil {
		e.failf("the private parameter is no record: %v", err)
	}
	public, _ := json.Marshal(s.public)
	for _, secret := range secrets {
		if len(secret) < 6 {
			continue
		}
		for where, text := range map[string]string{"the log": log, "what the service keeps": string(carried), "the public parameters": string(public)} {
			if strings.Contains(text, secret) {
				e.failf("a code, an answer or an address is in %s", where)
			}
		}
	}
	if len(right) >= 6 && !e.Anyone && strings.Contains(string(public), right) {
		e.failf("the right answer is in the public parameters")
	}
}

// A step is never handed a state that it did not make; but if its own format changed
// between two releases, it must not fall over.
func checkAlteredState(e *env) {
	s := e.known(e.user())
	right, r := s.right(), e.step.(*recorded).shown()
	for _, state := range []string{"", "x", strings.Repeat("\x00", 128), strings.Repeat("\xff", 128), "{}", r.State + "x"} {
		if state == r.State {
			continue
		}
		altered := r
		altered.State = state
		if _, err := e.step.Show(context.Background(), altered); err != nil && state == "" {
			e.failf("Show fails without a State, as it is called where no challenge could be made: %v", err)
		}
		got, _ := e.step.Check(context.Background(), altered, right)
		if got.Right && r.State != "" {
			e.failf("with another State the right answer is right all the same")
		}
	}
}

// Another challenge can be had, and passes.
func checkResend(e *env) {
	if e.Real {
		return
	}
	s := e.known(e.user())
	e.pause()
	if s.answer("-", map[string]string{"action": "resend"}); s.err != nil || s.failed || s.public["errorCode"] != "" {
		e.failf("another challenge: %v, %v\n%s", s.err, s.public, e.log)
	}
	if s.answer(s.right(), nil); !s.passed {
		e.failf("the second challenge does not pass (%v)", s.err)
	}
}

// Three rounds fit into the session string, by the formula of package cognitotest.
func checkSession(e *env) {
	s := e.known(e.user())
	for range 2 {
		e.pause()
		s.answer("-", map[string]string{"action": "resend"})
	}
	carried, err := json.Marshal(map[string]any{
		"challengeMetadata": s.meta, "challengeName": "CUSTOM_CHALLENGE", "clientId": client,
		"privateChallengeParameters": s.private, "session": s.session, "username": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4",
	})
	if err != nil {
		e.failf("%v", err)
	}
	if n := base64.RawURLEncoding.EncodedLen(634 - 231 + len(carried)); n > 2048 {
		e.failf("three rounds make a session of %d characters, more than 2,048: State is too large", n)
	}
}

// The methods end when their context does.
func checkCancelled(e *env) {
	e.known(e.user())
	r := e.step.(*recorded).shown()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.step.Issue(ctx, r)
		e.step.Show(ctx, r)
		e.step.Check(ctx, r, "x")
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		e.failf("a method did not end with its context")
	}
}

// The methods are called concurrently. Run the checks with the race detector.
func checkManyAtOnce(e *env) {
	var all []*signIn
	for range 8 {
		all = append(all, e.known(e.user()))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var wrong []*signIn
	for _, s := range all {
		wg.Go(func() {
			for range 3 {
				copied := *s
				if copied.check("x", nil) || copied.err != nil {
					mu.Lock()
					wrong = append(wrong, &copied)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if len(wrong) > 0 {
		e.failf("of many wrong answers at once, %d passed or failed: %v", len(wrong), wrong[0].err)
	}
}

// wrapper is a step around another one.
type wrapper struct{ customauth.Challenge }

func (w wrapper) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	return w.Challenge.Issue(ctx, r)
}

// A step keeps its promises when it is wrapped.
func checkWrapped(e *env) {
	e.build(e.opts.Store, wrapper{e.step})
	checkPasses(e)
	e.users += 100
	checkUnknown(e)
}

// A step works as one of several ways, chosen by the app.
func checkWay(e *env) {
	if e.Anyone {
		return // it cannot be one
	}
	e.build(e.opts.Store, customauth.OneOf{Ask: true, Ways: []customauth.Step{
		{Name: "other", Challenge: never{}}, {Name: "this", Challenge: e.step},
	}})
	s := e.known(e.user())
	if s.answer("-", map[string]string{"action": "choose", "way": "this"}); s.public["way"] != "this" {
		e.failf("the way was not taken: %v, %v\n%s", s.public, s.err, e.log)
	}
	if s.answer(s.right(), nil); !s.passed {
		e.failf("the right answer does not pass (%v)\n%s", s.err, e.log)
	}
}
