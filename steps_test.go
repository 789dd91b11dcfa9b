package customauth_test

// This file has steps as strangers write them, on the exported names alone: a pushed
// approval, a CAPTCHA, a step with a heavy state and long answers. It shows what
// becomes of them in a sign-in, and in Cognito's session string.

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// push is an approval on another device. What was approved lies elsewhere, by an id
// that is in the state.
type push struct {
	mu       *sync.Mutex
	approved map[string]bool
}

func newPush() push { return push{new(sync.Mutex), map[string]bool{}} }

func (p push) approve(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.approved[id] = true
}

func (p push) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	id := rand.Text()
	return customauth.Issued{
		State: id, Unguessable: true,
		Message: customauth.Message{To: p.to(r), Text: customauth.Hide("Approve " + id)},
	}, nil
}

func (push) to(r customauth.Request) customauth.Destination {
	device := fmt.Sprintf("%x", r.Decoy("device")) // of this user name, as an enrolment would have it
	return customauth.Destination{Medium: "PUSH", Address: customauth.Hide(device)}
}

func (push) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }

func (p push) Check(_ context.Context, r customauth.Request, _ string) (customauth.Checked, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return customauth.Checked{Right: p.approved[r.State], Proved: p.to(r)}, nil
}

// TestPush: pending answers burn no attempt and no guess, and it ends all the same.
func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newPush(), new(guard)
		r := newRig(t, customauth.Options{Steps: only(p), Guard: g})
		s := r.start()
		for range 5 {
			if s.answer("-"); s.outcome() != "asked not_proved" || s.public["attemptsRemaining"] != "3" {
				t.Fatalf("pending: %v", s.public)
			}
		}
		id, _ := strings.CutPrefix(r.inbox.texts[0].Text.Reveal(), "Approve ")
		p.approve(id)
		if s.answer("-"); s.outcome() != "tokens" || len(g.verified) != 1 {
			t.Errorf("approved: %s, the guard heard of %d", s.outcome(), len(g.verified))
		}

		sleep(time.Hour)
		s = r.start()
		var left []string
		for !s.failed && s.err == nil && len(left) < 20 {
			left = append(left, s.public["attemptsRemaining"]+" "+s.public["resendAfter"])
			s.answer("-")
		}
		want := []string{"3 30", "3 30", "3 30", "3 30", "3 30", "3 30", "2 30", "1 "}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("attempts and resends left in each round (-want +got):\n%s", diff)
		}

		// Strangers' pending answers lock nobody out of anything.
		for range 10 {
			sleep(24 * time.Hour)
			for s := r.start(); !s.failed && s.err == nil; {
				s.answer("-")
			}
		}
		sleep(24 * time.Hour)
		if s := r.start(); s.outcome() != "asked" {
			t.Errorf("after a hundred pending answers: %s", s.outcome())
		}
	})
}

// captcha lets pass whoever has a token of 2,048 bytes.
type captcha struct{}

func (captcha) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{MaxAnswer: 2048, Unguessable: true, Anyone: true, TTL: 10 * time.Minute}, nil
}

func (captcha) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"siteKey": "0x4AAA"}, nil
}

func (captcha) Check(_ context.Context, _ customauth.Request, answer string) (customauth.Checked, error) {
	return customauth.Checked{Right: len(answer) == 2048}, nil
}

// TestCaptcha: nothing is sent before it is passed, by whoever passes it.
func TestCaptcha(t *testing.T) {
	token := strings.Repeat("t", 2048)
	for name, who := range map[string]func(*signIn){"known": func(*signIn) {}, "unknown": unknown} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, customauth.Options{Steps: []customauth.Step{step("captcha", captcha{}), otp(customauth.OTP{})}})
			s := r.start(who)
			if s.public["siteKey"] == "" || r.inbox.count() != 0 {
				t.Fatalf("before: %v, %d texts", s.public, r.inbox.count())
			}
			if s.answer(token + "t"); s.outcome() != "asked not_proved" || s.public["attemptsRemaining"] != "3" {
				t.Errorf("too long a token: %v", s.public)
			}
			if s.answer(token); s.public["step"] != "otp" || s.outcome() != "asked" {
				t.Fatalf("passed: %v", s.public)
			}
			if s.answer(r.inbox.code()); s.tokens == s.notFound {
				t.Errorf("the end: %s", s.outcome())
			}
		})
	}
}

// heavy has 64 bytes of state and answers of 4 KB, as a passkey would.
type heavy struct{}

func (heavy) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	state := make([]byte, 64)
	rand.Read(state)
	return customauth.Issued{State: string(state), MaxAnswer: 4096, Unguessable: true}, nil
}

func (heavy) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	b, err := json.Marshal(map[string]string{"challenge": base64.RawURLEncoding.EncodeToString([]byte(r.State)), "rpId": "example.com"})
	return map[string]string{"publicKey": string(b)}, err
}

func (heavy) Check(_ context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	return customauth.Checked{Right: len(answer) > 4000 && strings.HasSuffix(answer, r.State)}, nil
}

// weight estimates how long Cognito's session string is, by the formula of package
// cognitotest: what it must carry, as JSON, in an envelope of 403 bytes, in base64.
func (s *signIn) weight() int {
	carried, err := json.Marshal(map[string]any{
		"challengeMetadata": s.meta, "challengeName": "CUSTOM_CHALLENGE", "clientId": s.client,
		"privateChallengeParameters": s.private, "session": s.session, "username": s.user,
	})
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodedLen(634 - 231 + len(carried))
}

// maxSession is the most that Session may have, by the API reference.
const maxSession = 2048

// TestSessions: no sign-in that people go through makes the session too long.
func TestSessions(t *testing.T) {
	again := map[string]string{"action": "resend"}
	tests := []struct {
		name  string
		steps []customauth.Step
		run   func(s *signIn)
	}{
		{"three rounds of a heavy step", only(heavy{}), func(s *signIn) {
			s.answer("cancelled", again)
			s.answer("cancelled", again)
		}},
		{"two wrong codes and two resends", only(customauth.OTP{}), func(s *signIn) {
			s.answer("000000x")
			sleep(31 * time.Second)
			s.answer("-", again)
			s.answer("000000x")
			sleep(31 * time.Second)
			s.answer("-", again)
		}},
		{"eight rounds of a code", only(customauth.OTP{}), func(s *signIn) {
			for range 7 {
				s.answer("-", again) // too soon
			}
		}},
		{"a captcha, a choice, two codes and a passkey", []customauth.Step{step("captcha", captcha{}), step("proof", ways(customauth.OneOf{Ask: true}))}, func(s *signIn) {
			s.answer(strings.Repeat("t", 2048))
			for _, way := range []string{"sms", "email", "key"} {
				s.answer("-", map[string]string{"action": "choose", "way": way})
				sleep(31 * time.Second)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: tt.steps, Attempts: customauth.MaxAttempts(8)})
				s := r.start()
				tt.run(s)
				if s.err != nil || s.failed {
					t.Fatalf("%s\n%s", s.outcome(), r.log)
				}
				t.Logf("%d rounds, %d characters", len(s.session)+1, s.weight())
				if got := s.weight(); got > maxSession {
					t.Errorf("the session has %d characters, more than %d", got, maxSession)
				}
			})
		})
	}
}

// TestHeavyAnswer: a long answer passes.
func TestHeavyAnswer(t *testing.T) {
	r := newRig(t, customauth.Options{Steps: only(heavy{})})
	s := r.start()
	var shown struct{ Challenge string }
	if err := json.Unmarshal([]byte(s.public["publicKey"]), &shown); err != nil {
		t.Fatal(err)
	}
	state, err := base64.RawURLEncoding.DecodeString(shown.Challenge)
	if err != nil || len(state) != 64 {
		t.Fatalf("%d bytes of state, %v", len(state), err)
	}
	if s.answer("pad"); s.outcome() != "asked not_proved" {
		t.Errorf("a cancelled answer: %s", s.outcome())
	}
}

// loud is a step whose Show fails, for what it says of an error.
type loud struct{ heavy }

func (loud) Show(context.Context, customauth.Request) (map[string]string, error) {
	return nil, errors.New("no credentials of someone@example.com")
}

// TestShowFails: the trigger fails, and names nobody.
func TestShowFails(t *testing.T) {
	r := newRig(t, customauth.Options{Steps: only(loud{})})
	s := r.start()
	if s.err == nil || strings.Contains(r.log.String(), "someone") || r.lastReason() != customauth.ReasonStep {
		t.Errorf("%v, %s\n%s", s.err, r.lastReason(), r.log)
	}
}

// second is a step that needs another one before it.
type second struct{ heavy }

func (second) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	if !r.Proved {
		return customauth.Issued{}, errors.New("put a step before it that proves who the user is")
	}
	return heavy{}.Issue(ctx, r)
}

func (second) Check(context.Context, customauth.Request, string) (customauth.Checked, error) {
	return customauth.Checked{Why: errors.New("the key of someone@example.com was copied")}, nil
}

// TestPlaceInTheChain: a probe knows whether a step before proves anything, and what a
// step says of a wrong answer reaches the operator alone.
func TestPlaceInTheChain(t *testing.T) {
	tests := []struct {
		name  string
		steps []customauth.Step
		want  string
	}{
		{"alone", only(second{}), "put a step before it"},
		{"after a captcha", []customauth.Step{step("captcha", captcha{}), step("second", second{})}, "put a step before it"},
		{"after a code", []customauth.Step{otp(customauth.OTP{}), step("second", second{})}, ""},
		{"after a password", []customauth.Step{customauth.Password(), step("second", second{})}, ""},
	}
	for _, tt := range tests {
		_, err := customauth.NewDefine(customauth.Options{Keys: []customauth.Secret{key}, Steps: tt.steps})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	r := newRig(t, customauth.Options{Steps: tests[3].steps})
	s := r.start(afterSRP).proved()
	if s.answer("x"); s.outcome() != "asked not_proved" {
		t.Fatal(s.outcome())
	}
	if log := r.log.String(); !strings.Contains(log, "was copied") || strings.Contains(log, "someone") {
		t.Errorf("the log:\n%s", log)
	}
}
