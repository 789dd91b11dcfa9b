package customauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

func TestPublicParameters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock begins at 2000-01-01 00:00:00 UTC
		r := newRig(t, customauth.Options{})
		s := r.start()
		want := map[string]string{
			"step": "otp", "CODE_DELIVERY_DESTINATION": "+***********", "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
			"codeLength": "6", "expiresAt": "2000-01-01T00:03:00Z", "attemptsRemaining": "3", "resendAfter": "30",
		}
		if diff := cmp.Diff(want, s.public); diff != "" {
			t.Errorf("first (-want +got):\n%s", diff)
		}
		sleep(10 * time.Second)
		s.answer(r.inbox.wrong())
		want["attemptsRemaining"], want["resendAfter"], want["errorCode"] = "2", "20", "wrong_code"
		if diff := cmp.Diff(want, s.public); diff != "" {
			t.Errorf("wrong answer (-want +got):\n%s", diff)
		}
		s.resend()
		want["errorCode"], want["retryAfter"] = "resend_too_soon", "20"
		if diff := cmp.Diff(want, s.public); diff != "" {
			t.Errorf("resend too soon (-want +got):\n%s", diff)
		}
		if len(s.private["customauth"]) > 75 || len(s.private) != 1 {
			t.Errorf("private parameters %v", s.private)
		}
		if len(s.meta) > 28 {
			t.Errorf("the record of a repeated challenge has %d characters", len(s.meta))
		}
	})
}

// TestDecoys: an unknown user, and a known one who cannot be reached, see what a
// known user sees.
func TestDecoys(t *testing.T) {
	hint := only(customauth.OTP{InsecureHint: true})
	mail := only(customauth.OTP{Destination: byMail, InsecureHint: true})
	tests := []struct {
		name   string
		steps  []customauth.Step
		who    func(*signIn)
		shape  string
		reason customauth.Reason
	}{
		{"unknown", nil, unknown, "+***********", ""},
		{"unknown, with a hint", hint, unknown, "+*******dddd", ""},
		{"unknown, by mail", mail, unknown, "a***@a***", ""},
		{"no phone number", nil, func(s *signIn) { s.attributes = map[string]string{"sub": sub} }, "+***********", "no_destination"},
		{"no attributes", nil, func(s *signIn) { s.attributes = nil }, "+***********", "no_destination"},
		{"not E.164", nil, reaching("0206 555 0100"), "+***********", "no_destination"},
		{"too long a number", nil, reaching("+1206555010012345678"), "+***********", "no_destination"},
		{"letters", nil, reaching("+1206CALLME"), "+***********", "no_destination"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: tt.steps, Attempts: customauth.MaxAttempts(4)})
				known := r.start(named("known"), reaching("+12065550111")).public
				s := r.start(tt.who)
				if r.inbox.count() != 1 {
					t.Fatalf("sent %d texts, want only the known user's", r.inbox.count())
				}
				if got := shape(s.public["CODE_DELIVERY_DESTINATION"]); got != tt.shape {
					t.Errorf("destination %q, want the shape %q", got, tt.shape)
				}
				second := r.start(tt.who, func(s *signIn) { s.client = "another" })
				if first, again := s.public["CODE_DELIVERY_DESTINATION"], second.public["CODE_DELIVERY_DESTINATION"]; first != again && again != "" {
					t.Errorf("not stable: %q, then %q", first, again)
				}
				if diff := cmp.Diff(keys(known), keys(s.public)); diff != "" {
					t.Errorf("parameters (-known +%s):\n%s", tt.name, diff)
				}
				if got := r.events[len(r.events)-1].Reason; got != customauth.ReasonSentRecently && got != tt.reason {
					t.Errorf("reason %q, want %q", got, tt.reason)
				}
				for range 4 {
					s.answer("123456")
				}
				if !s.failed {
					t.Errorf("after four answers: %s", s.outcome())
				}
			})
		})
	}
}

// shape replaces what differs between decoys.
func shape(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return 'd'
		case r >= 'a' && r <= 'z':
			return 'a'
		}
		return r
	}, s)
}

func keys(m map[string]string) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// TestDecoysNeverPass: even the code that was made for nobody is refused.
func TestDecoysNeverPass(t *testing.T) {
	fixed := customauth.Generator(func(context.Context, int) (string, error) { return "424242", nil })
	for name, who := range map[string]func(*signIn){
		"unknown":         unknown,
		"no phone number": func(s *signIn) { s.attributes = nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{Steps: only(customauth.OTP{Generator: fixed})})
			if got := r.start(who).answer("424242").outcome(); got != "asked wrong_code" {
				t.Errorf("%s: got %q", name, got)
			}
		})
	}
}

func TestSenderFailures(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	deaf := func(context.Context) error { time.Sleep(time.Minute); return nil }
	tests := []struct {
		name      string
		fail      func(context.Context) error
		valid     bool          // the code may have been delivered, and works
		wait      time.Duration // until a resend is allowed
		atMost    time.Duration // for the trigger
		reported  error
		errorText string // in the log
	}{
		{"throttled", fails(customauth.ErrThrottled), false, 0, 0, customauth.ErrThrottled, "throttled"},
		{"opted out", fails(customauth.ErrOptedOut), false, 30 * time.Second, 0, customauth.ErrOptedOut, "opted out"},
		{"invalid", fails(customauth.ErrInvalidDestination), false, 30 * time.Second, 0, customauth.ErrInvalidDestination, "cannot be sent to"},
		{"not authorized", fails(customauth.ErrUnauthorized), false, 0, 0, customauth.ErrUnauthorized, "not authorized"},
		{"wrong fields", fails(customauth.ErrOptions), false, 0, 0, customauth.ErrOptions, "options"},
		{"unknown failure", fails(errors.New("HTTP 500")), true, 30 * time.Second, 0, nil, "HTTP 500"},
		{"hangs", hang, true, 30 * time.Second, 3 * time.Second, context.DeadlineExceeded, "deadline"},
		{"hangs and does not listen", deaf, true, 30 * time.Second, 3 * time.Second, context.DeadlineExceeded, "deadline"},
		{"panics", func(context.Context) error { panic("123456") }, true, 30 * time.Second, 0, nil, "panic"},
		{"ends its goroutine", func(context.Context) error { runtime.Goexit(); return nil }, true, 30 * time.Second, 0, nil, "goroutine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var code string
				note := func(_ context.Context, _ customauth.Request, m customauth.Message) (customauth.Message, error) {
					code = m.Code.Reveal()
					return m, nil
				}
				r := newRig(t, customauth.Options{Steps: only(customauth.OTP{Text: note})})
				r.inbox.failWith(tt.fail)
				began := time.Now()
				s := r.start()
				if took := time.Since(began); took > tt.atMost {
					t.Errorf("took %v, want %v at most", took, tt.atMost)
				}
				if got := s.outcome(); got != "asked delivery_failed" {
					t.Fatalf("got %q", got)
				}
				if got, want := s.public["resendAfter"], strconv.Itoa(int(tt.wait/time.Second)); got != want {
					t.Errorf("resendAfter is %s, want %s", got, want)
				}
				if r.events[1].Sent != tt.valid {
					t.Errorf("event says sent: %v, want %v", r.events[1].Sent, tt.valid)
				}
				if tt.reported != nil && !errors.Is(r.events[1].Err, tt.reported) {
					t.Errorf("event has %v, want %v", r.events[1].Err, tt.reported)
				}
				if !strings.Contains(r.log.String(), tt.errorText) {
					t.Errorf("the log does not say %q:\n%s", tt.errorText, r.log)
				}
				if tt.valid {
					right := s.check(code, nil)
					if !right {
						t.Error("the code that may have arrived is refused")
					}
				}
				r.inbox.failWith(nil)
				if tt.wait > 0 && !tt.valid {
					if s.resend(); s.outcome() != "asked delivery_failed" || r.inbox.count() != 0 {
						t.Errorf("a resend at once: %s, %d texts", s.outcome(), r.inbox.count())
					}
				}
				sleep(tt.wait)
				if s.resend(); s.outcome() != "asked" || r.inbox.count() != 1 {
					t.Errorf("resend: %s, %d texts", s.outcome(), r.inbox.count())
				}
				if !r.events[len(r.events)-1].Sent {
					t.Error("event does not say that the resend was sent")
				}
				synctest.Wait()
				sleep(2 * time.Minute) // lets the deaf sender come back
			})
		})
	}
}

func fails(err error) func(context.Context) error {
	return func(context.Context) error { return fmt.Errorf("sender: %w", err) }
}

// TestDecoysFailToo: while real sends fail, decoys fail alike.
func TestDecoysFailToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{})
		r.inbox.failWith(fails(customauth.ErrThrottled))
		r.start()
		if got := r.start(unknown).outcome(); got != "asked delivery_failed" {
			t.Errorf("got %q", got)
		}
	})
}

// TestDecoysCannotBeTaught: what fails for one number alone does not show up in
// decoys, however often somebody makes it fail.
func TestDecoysCannotBeTaught(t *testing.T) {
	for name, refuse := range map[string]func(*rig, *guard){
		"opted out": func(r *rig, _ *guard) { r.inbox.failWith(fails(customauth.ErrOptedOut)) },
		"guard":     func(_ *rig, g *guard) { g.refuse = errors.New("closed") },
	} {
		synctest.Test(t, func(t *testing.T) {
			g := new(guard)
			r := newRig(t, customauth.Options{Steps: only(customauth.OTP{}), Guard: g})
			refuse(r, g)
			allowed := 0
			for range 300 {
				if r.start().outcome() == "asked delivery_failed" {
					allowed++
				}
				sleep(time.Minute)
			}
			if allowed > 25 {
				t.Errorf("%s: %d sends to one number in five hours", name, allowed)
			}
			for i := range 20 {
				if got := r.start(unknown, named(fmt.Sprint("nobody", i))).outcome(); got != "asked" {
					t.Errorf("%s: an unknown user sees %q", name, got)
				}
			}
		})
	}
}

// TestFirstStepForAll: a first step that anybody passes does not tell who has an
// account, and brings an unknown user no further than that.
func TestFirstStepForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		captcha := custom{issued: customauth.Issued{Answer: customauth.Hide("kitten"), Anyone: true}}
		r := newRig(t, customauth.Options{Steps: []customauth.Step{step("captcha", captcha), otp(customauth.OTP{})}})
		known, nobody := r.start().answer("kitten"), r.start(unknown).answer("kitten")
		if diff := cmp.Diff(keys(known.public), keys(nobody.public)); diff != "" || nobody.public["step"] != "otp" {
			t.Errorf("second step (-known +unknown):\n%s", diff)
		}
		if nobody.answer(r.inbox.code()); nobody.tokens || r.inbox.count() != 1 {
			t.Errorf("unknown user: %s, %d texts", nobody.outcome(), r.inbox.count())
		}
		proof := custom{issued: customauth.Issued{Answer: customauth.Hide("kitten")}}
		two := newRig(t, customauth.Options{Steps: []customauth.Step{step("word", proof), otp(customauth.OTP{})}})
		if s := two.start(unknown).answer("kitten"); s.outcome() != "asked wrong_code" {
			t.Errorf("an unknown user passes a step that is not for anyone: %s", s.outcome())
		}
	})
}

// TestErrorsOfPlugPoints may quote what they like: codes, answers and addresses
// are taken out.
func TestErrorsOfPlugPoints(t *testing.T) {
	const code = "KZ7Q-WXYZ"
	fixed := customauth.Generator(func(context.Context, int) (string, error) { return code, nil })
	fail := func(what string) error { return errors.New("cannot: " + what) }
	tests := map[string]customauth.Options{
		"text": {Steps: only(customauth.OTP{Generator: fixed, Text: func(_ context.Context, r customauth.Request, m customauth.Message) (customauth.Message, error) {
			if r.Probe {
				return m, nil
			}
			return m, fail(m.Code.Reveal() + " KZ7QWXYZ")
		}})},
		"sender": {Steps: only(customauth.OTP{Generator: fixed}), Senders: map[string]customauth.Sender{"SMS": customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
			return fail(m.Text.Reveal() + " KZ7QWXYZ someone%40example.com")
		})}},
		"guard": {Steps: only(customauth.OTP{Generator: fixed}), Guard: &guard{refuse: fail(phone)}},
		"check": {Steps: only(custom{issued: customauth.Issued{Answer: customauth.Hide(code)}, check: func(_ customauth.Request, a string) (bool, error) {
			return false, fail(a)
		}})},
	}
	for name, o := range tests {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, o)
			s := r.start()
			if s.err == nil {
				s.answer(code)
			}
			said := r.log.String()
			for _, e := range r.events {
				said += fmt.Sprintf("%s %v %+v %#v\n", e.Reason, e.Err, e.Err, e.Err)
			}
			for _, secret := range []string{code, "KZ7QWXYZ", "2065550100", "someone"} {
				if strings.Contains(said, secret) {
					t.Errorf("%s: %q is in\n%s", name, secret, said)
				}
			}
			if !strings.Contains(said, "cannot: ") {
				t.Errorf("%s: the log does not have the error:\n%s", name, said)
			}
		})
	}
}

// TestResendByAnotherClock: a function whose clock is a day behind does not keep
// the user from asking again, and one that is limited says for how long.
func TestResendByAnotherClock(t *testing.T) {
	var s *signIn
	synctest.Test(t, func(t *testing.T) {
		sleep(24 * time.Hour)
		s = newRig(t, customauth.Options{}).start()
	})
	synctest.Test(t, func(t *testing.T) {
		s.rig = newRig(t, customauth.Options{Attempts: customauth.MaxAttempts(8)})
		if s.resend(); s.outcome() != "asked" || s.inbox.count() != 1 {
			t.Errorf("%v", s.public)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Limits: customauth.Limits{Messages: []customauth.Window{{Max: 1, Per: time.Hour}}}})
		s := r.start()
		sleep(31 * time.Second)
		if s.resend(); s.outcome() != "asked rate_limited" || s.public["resendAfter"] != s.public["retryAfter"] {
			t.Errorf("limited: %v", s.public)
		}
	})
}

// TestReservedParameters: a challenge of one's own cannot speak for the package. How long
// an answer is it may say, where there is no fixed one.
func TestReservedParameters(t *testing.T) {
	public := map[string]string{"errorCode": "x", "retryAfter": "1", "step": "x", "codeLength": "9", "mine": "x"}
	r := newRig(t, customauth.Options{Steps: []customauth.Step{step("pet", custom{public: public})}})
	s := r.start()
	if s.public["errorCode"] != "" || s.public["retryAfter"] != "" || s.public["step"] != "pet" || s.public["codeLength"] != "9" || s.public["mine"] != "x" {
		t.Errorf("%v", s.public)
	}
}

// TestSlowEverything: with a store that takes nearly all of its time and a sender
// that hangs, Create still answers in time, with a code that stays valid.
func TestSlowEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{Store: customauth.NewMemoryStore()}
		slow := func(context.Context) error { time.Sleep(650 * time.Millisecond); return nil }
		store.fail.Store(&slow)
		r := newRig(t, customauth.Options{Store: store, CounterKey: other})
		r.inbox.failWith(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		began := time.Now()
		s := r.start()
		if took := time.Since(began); s.outcome() != "asked delivery_failed" || took >= 4*time.Second {
			t.Errorf("%s after %v", s.outcome(), took)
		}
		if s.public["codeLength"] != "6" {
			t.Errorf("the code is not valid: %v", s.public)
		}
	})
}

// TestDecoyLatency: told by how long Create takes, known and unknown users are
// the same. The area under the ROC curve of perfect twins is 0.5; over 2,000
// values each its standard deviation is 0.009.
func TestDecoyLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &guard{wait: 40 * time.Millisecond}
		r := newRig(t, customauth.Options{InsecureNoLimits: true, Steps: only(customauth.OTP{}), Guard: slow})
		r.inbox.failWith(func(context.Context) error { time.Sleep(logNormal(150*time.Millisecond, 0.4)); return nil })
		var known, unknowns []time.Duration
		for i := range 2000 {
			known = append(known, elapsed(func() { r.start(named(fmt.Sprint("known", i))) }))
			unknowns = append(unknowns, elapsed(func() { r.start(unknown, named(fmt.Sprint("unknown", i))) }))
		}
		if auc := rocAUC(known, unknowns); auc < 0.45 || auc > 0.55 {
			t.Errorf("AUC %.3f", auc)
		}
		// Beyond the ranks: the spread must fit too.
		for _, q := range []float64{0.05, 0.25, 0.5, 0.75, 0.95} {
			if ratio := float64(quantile(known, q)) / float64(quantile(unknowns, q)); ratio < 0.85 || ratio > 1.18 {
				t.Errorf("quantile %v differs by a factor of %.2f", q, ratio)
			}
		}
	})
}

func elapsed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

func rocAUC(a, b []time.Duration) float64 {
	wins := 0.0
	slices.Sort(b)
	for _, x := range a {
		below, _ := slices.BinarySearch(b, x)
		notAbove, _ := slices.BinarySearch(b, x+1)
		wins += float64(below) + float64(notAbove-below)/2
	}
	return wins / float64(len(a)) / float64(len(b))
}

func quantile(d []time.Duration, q float64) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

func logNormal(median time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(median) * math.Exp(sigma*rand.NormFloat64()))
}

// TestTexts checks what is sent.
func TestTexts(t *testing.T) {
	fixed := customauth.Generator(func(context.Context, int) (string, error) { return "123-456", nil })
	type writer = func(context.Context, customauth.Request, customauth.Message) (customauth.Message, error)
	own := func(text string) writer {
		return func(_ context.Context, _ customauth.Request, m customauth.Message) (customauth.Message, error) {
			m.Text = customauth.Hide(strings.ReplaceAll(text, "CODE", m.Code.Reveal()))
			return m, nil
		}
	}
	tests := []struct {
		name string
		otp  customauth.OTP
		want string // empty: nothing is sent, and the trigger fails
		log  string
	}{
		{"default", customauth.OTP{}, "123-456 is your code. It is valid for 3 minutes. Do not share it.", ""},
		{"one minute", customauth.OTP{TTL: time.Minute}, "123-456 is your code. It is valid for 1 minute. Do not share it.", ""},
		{"seconds", customauth.OTP{TTL: 45 * time.Second}, "123-456 is your code. It is valid for 45 seconds. Do not share it.", ""},
		{"one second", customauth.OTP{TTL: time.Second}, "123-456 is your code. It is valid for 1 second. Do not share it.", ""},
		{"WebOTP", customauth.OTP{Text: own("CODE"), WebOTPDomain: "example.com"}, "123-456\n@example.com #123-456", ""},
		{"Android", customauth.OTP{Text: own("CODE"), AndroidHash: "FA+9qCX9VSu"}, "123-456\nFA+9qCX9VSu", ""},
		{"both", customauth.OTP{Text: own("CODE"), AndroidHash: "FA+9qCX9VSu", WebOTPDomain: "example.com"}, "123-456\nFA+9qCX9VSu\n@example.com #123-456", ""},
		{"by locale", customauth.OTP{Text: func(_ context.Context, r customauth.Request, m customauth.Message) (customauth.Message, error) {
			if m.Locale == "de" && r.Locale == "de" {
				m.Text = customauth.Hide(m.Code.Reveal() + " ist dein Code.")
			}
			return m, nil
		}}, "123-456 ist dein Code.", ""},
		{"two parts", customauth.OTP{Text: own("CODE" + strings.Repeat("x", 160))}, "123-456" + strings.Repeat("x", 160), `"parts":2`},
		{"two parts for one accent", customauth.OTP{Text: own("CODE ę" + strings.Repeat("x", 70))}, "123-456 ę" + strings.Repeat("x", 70), `"parts":2`},
		{"the longest", customauth.OTP{Text: own("CODE" + strings.Repeat("x", 1593))}, "123-456" + strings.Repeat("x", 1593), `"parts":11`},
		{"too long", customauth.OTP{Text: own("CODE" + strings.Repeat("x", 1594))}, "", "1601 characters"},
		{"without the code", customauth.OTP{Text: own("hello")}, "", "the code is not in it"},
		{"text fails", customauth.OTP{Text: func(context.Context, customauth.Request, customauth.Message) (customauth.Message, error) {
			return customauth.Message{}, errors.New("no template")
		}}, "", "no template"},
		{"text panics", customauth.OTP{Text: func(_ context.Context, _ customauth.Request, m customauth.Message) (customauth.Message, error) {
			panic(m.Code.Reveal())
		}}, "", "panic with a string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				write := tt.otp.Text
				tt.otp.Generator = fixed
				tt.otp.Text = func(ctx context.Context, r customauth.Request, m customauth.Message) (customauth.Message, error) {
					if write == nil || r.Probe { // what a constructor finds is in TestOptions
						return m, nil
					}
					return write(ctx, r, m)
				}
				r := newRig(t, customauth.Options{Steps: only(tt.otp)})
				s := r.start(func(s *signIn) { s.attributes["locale"] = "de" })
				var got string
				if r.inbox.count() > 0 {
					got = r.inbox.texts[0].Text.Reveal()
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("text (-want +got):\n%s", diff)
				}
				if tt.want == "" && s.err == nil {
					t.Error("no error")
				}
				if !strings.Contains(r.log.String(), tt.log) {
					t.Errorf("the log does not say %q:\n%s", tt.log, r.log)
				}
				if strings.Contains(r.log.String(), "123-456") {
					t.Error("the code is in the log")
				}
			})
		})
	}
}

func TestTestCodes(t *testing.T) {
	until := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		number string
		after  time.Duration
		answer string
		want   string
		sent   int
	}{
		{"listed", phone, 0, "111222", "tokens", 0},
		{"listed, wrong", phone, 0, "111223", "asked wrong_code", 0},
		{"not listed", "+12065550199", 0, "111222", "asked wrong_code", 1},
		{"too late", phone, 25 * time.Hour, "111222", "asked wrong_code", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := new(guard)
				r := newRig(t, customauth.Options{Guard: g, Steps: only(customauth.OTP{
					TestCodes: map[string]customauth.Secret{phone: customauth.Hide("111222")}, TestCodesUntil: until,
					Generator: customauth.Generator(func(context.Context, int) (string, error) { return "999999", nil }),
				})})
				sleep(tt.after)
				if got := r.start(reaching(tt.number)).answer(tt.answer).outcome(); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if r.inbox.count() != tt.sent || g.verified != nil {
					t.Errorf("sent %d texts, want %d; the guard was told of %v", r.inbox.count(), tt.sent, g.verified)
				}
			})
		})
	}
}

func TestGenerators(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name      string
		generator customauth.Generator
		alphabet  string
		length    int
	}{
		{"Digits", customauth.Digits(6), "0123456789", 6},
		{"long Digits", customauth.Digits(32), "0123456789", 32},
		{"Alphanumeric", customauth.Alphanumeric(8), "23456789ABCDEFGHJKMNPQRSTVWXYZ", 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const codes = 60000
			n := len(tt.alphabet)
			counts := make([][]float64, tt.length)
			for i := range counts {
				counts[i] = make([]float64, n)
			}
			for range codes {
				code, err := tt.generator(ctx, 6)
				if err != nil || len(code) != tt.length {
					t.Fatalf("%q, %v", code, err)
				}
				for i, c := range code {
					at := strings.IndexRune(tt.alphabet, c)
					if at < 0 {
						t.Fatalf("%q is not in the alphabet", c)
					}
					counts[i][at]++
				}
			}
			// Chi-squared for each place. With d degrees of freedom it exceeds
			// d + 2·√(d·x) + 2·x with a chance below e^-x (Laurent and Massart 2000,
			// lemma 1): here one in a billion for all places of all generators.
			freedom := float64(n - 1)
			x := math.Log(46e9)
			bound := freedom + 2*math.Sqrt(freedom*x) + 2*x
			for place, row := range counts {
				chi := 0.0
				for _, seen := range row {
					want := float64(codes) / float64(n)
					chi += (seen - want) * (seen - want) / want
				}
				if chi > bound {
					t.Errorf("place %d is not uniform: chi-squared %.0f for %v degrees of freedom", place, chi, freedom)
				}
			}
		})
	}
}

// late makes codes, and does something else when the constructors are done.
func late(f func()) customauth.Generator {
	made := 0
	return func(context.Context, int) (string, error) {
		if made++; made > 6 {
			f()
		}
		return "123456", nil
	}
}

// TestWeakCodes: what is under 20 bits is refused, wherever it comes from.
func TestWeakCodes(t *testing.T) {
	own := func(code string, err error) customauth.Generator {
		made := 0
		return func(context.Context, int) (string, error) {
			if made++; made <= 6 { // two for each of the constructors
				return "123456", nil
			}
			return code, err
		}
	}
	tests := []struct {
		name      string
		generator customauth.Generator
		insecure  bool
		ok        bool
	}{
		{"six digits", own("123456", nil), false, true},
		{"six digits with a dash", own("123-456", nil), false, true},
		{"five digits", own("12345", nil), false, false},
		{"five digits, allowed", own("12345", nil), true, true},
		{"spaces do not count", own("12 34 5", nil), false, false},
		{"six letters", own("uvwxyz", nil), false, true},
		{"five letters", own("vwxyz", nil), false, false},
		{"nothing", own("", nil), true, false},
		{"nothing that counts", own(" - ", nil), true, false},
		{"far too long", own(strings.Repeat("1", 65), nil), false, false},
		{"an error", own("123456", errors.New("no entropy")), false, false},
		{"a panic", late(func() { panic("123456") }), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, customauth.Options{InsecureNoLimits: true, Steps: only(customauth.OTP{Generator: tt.generator, InsecureShortCodes: tt.insecure})})
			s := r.start()
			if got := s.err == nil; got != tt.ok {
				t.Errorf("error %v", s.err)
			}
			if sent := r.inbox.count() == 1; sent != tt.ok {
				t.Errorf("sent %d texts", r.inbox.count())
			}
		})
	}
}

// guard refuses on demand and notes what it is told.
type guard struct {
	refuse   error
	wait     time.Duration
	asked    []string
	verified []string
}

func (g *guard) Allow(_ context.Context, r customauth.Request, to customauth.Destination) error {
	time.Sleep(g.wait)
	g.asked = append(g.asked, to.Address.Reveal())
	return g.refuse
}

func (g *guard) Verified(_ context.Context, r customauth.Request, to customauth.Destination) {
	g.verified = append(g.verified, to.Address.Reveal())
}

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(guard)
		r := newRig(t, customauth.Options{Steps: only(customauth.OTP{}), Guard: g})
		s := r.start()
		s.answer(r.inbox.wrong())
		if g.verified != nil {
			t.Error("the guard was told of a wrong answer")
		}
		s.answer(r.inbox.code())
		r.start(unknown)
		if diff := cmp.Diff([][]string{{phone}, {phone}}, [][]string{g.asked, g.verified}); diff != "" {
			t.Errorf("asked, verified (-want +got):\n%s", diff)
		}
		g.refuse = errors.New("country is closed")
		sleep(time.Minute)
		if s := r.start(); s.outcome() != "asked delivery_failed" || r.inbox.count() != 1 {
			t.Errorf("got %q and %d texts", s.outcome(), r.inbox.count())
		}
		if got := r.lastReason(); got != customauth.ReasonGuard {
			t.Errorf("reason %q", got)
		}
		g.refuse = nil
		sleep(30 * time.Second)
		if s := r.start(); s.outcome() != "asked" {
			t.Errorf("after a refused send: %q", s.outcome())
		}
	})
}

// TestNoSecretLeaves collects everything that a long mixed run says, and looks for
// codes and addresses in it. The codes are longer than what is there by chance: sealed
// records have many digits.
func TestNoSecretLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		logger := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}))
		var errs []error
		r := newRig(t, customauth.Options{
			Logger: logger,
			Steps: []customauth.Step{
				step("sms", customauth.OTP{InsecureHint: true, Generator: customauth.Digits(12)}),
				step("mail", customauth.OTP{Destination: byMail, Generator: customauth.Alphanumeric(12)}),
			},
			Observe: func(_ context.Context, e customauth.Event) {
				errs = append(errs, e.Err)
				fmt.Fprintf(&said, "%s %s %s %v\n", e.Reason, e.Outcome, e.Step, e.Err)
			},
		})
		secrets := map[string]bool{}
		for i := range 60 {
			mail, number := fmt.Sprintf("someone.%d@example.com", i), fmt.Sprintf("+1206555%04d", 5000+i)
			secrets[mail], secrets[number] = true, true
			r.inbox.failWith(nil)
			if i%4 == 3 {
				r.inbox.failWith(func(context.Context) error {
					return fmt.Errorf("cannot send to %s or %s or %s", number, strings.TrimPrefix(number, "+"), mail)
				})
			}
			s := r.start(named(fmt.Sprint("user", i)), reaching(number), func(s *signIn) { s.attributes["email"] = mail })
			for _, answer := range []any{"bad answer 777777777777", r.inbox.code(), 12345, r.inbox.code(), strings.Repeat("9", 1e6)} {
				if i%3 == 0 {
					sleep(31 * time.Second)
					s.resend()
				}
				s.answer(answer)
				fmt.Fprintln(&said, s.public, s.meta, s.private, s.err)
				if s.tokens || s.failed || s.err != nil {
					break
				}
			}
			r.start(unknown, named(mail))
		}
		for _, m := range r.inbox.texts {
			secrets[m.Code.Reveal()] = true
			fmt.Fprintf(&said, "%v %+v %#v %s %d %x %q\n", m, m, m, m.Code, m.Code, m.Code, m.To)
			fmt.Fprintf(&said, "%v %+v %#v\n", []any{&m}, struct{ x customauth.Secret }{m.Code}, struct{ X customauth.Message }{m})
			said.Write(toJSON(t, m))
			said.Write(toJSON(t, m.Code))
			said.Write(toJSON(t, m.To))
			logger.Info("message", "message", m, "code", m.Code, "to", m.To)
		}
		secrets["777777777777"] = true
		for _, err := range errs {
			for ; err != nil; err = errors.Unwrap(err) {
				fmt.Fprintln(&said, err)
			}
		}
		text := said.String()
		for secret := range secrets {
			if strings.Contains(text, secret) {
				at := strings.Index(text, secret)
				t.Errorf("a secret is in: …%s…", text[max(0, at-80):min(len(text), at+80)])
			}
		}
		if len(secrets) < 150 || len(text) < 10000 {
			t.Errorf("the run was too short: %d secrets, %d bytes", len(secrets), len(text))
		}
	})
}

// custom is a Challenge of a caller's own: the user's pet.
type custom struct {
	issued customauth.Issued
	public map[string]string
	err    error
	calls  *int
	probed bool // a constructor finds what is wrong with issued, too
	check  func(r customauth.Request, answer string) (bool, error)
}

func (c custom) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	if c.calls != nil && !r.Probe {
		*c.calls++
	}
	if r.Probe && (!c.probed || r.CodeLength > 6) {
		return customauth.Issued{Anyone: c.issued.Anyone}, nil
	}
	return c.issued, c.err
}

func (c custom) Show(context.Context, customauth.Request) (map[string]string, error) {
	return c.public, nil
}

func (c custom) Check(_ context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	if c.check == nil {
		return customauth.Checked{Right: r.Matches(answer, customauth.Destination{})}, nil
	}
	right, err := c.check(r, answer)
	return customauth.Checked{Right: right}, err
}

func TestCustomChallenge(t *testing.T) {
	calls := 0
	public := map[string]string{"question": "The name of your pet?"}
	broken := "error: customauth: sign-in is not available at the moment"
	rex := customauth.Issued{Answer: customauth.Hide("Rex II.")}
	yes := func(_ customauth.Request, a string) (bool, error) { return a == "yes", nil }
	state := strings.Repeat("\xff", 128)
	tests := []struct {
		name   string
		c      custom
		answer string
		want   string
	}{
		{"fixed answer", custom{issued: rex}, "rex ii.", "tokens"},
		{"wrong answer", custom{issued: rex}, "Max", "asked wrong_code"},
		{"own check", custom{check: yes}, "yes", "tokens"},
		{"own check, no", custom{check: yes}, "no", "asked wrong_code"},
		{"matches nothing without an answer", custom{}, "x", "asked wrong_code"},
		{"state of any bytes", custom{issued: customauth.Issued{State: state}, check: func(r customauth.Request, a string) (bool, error) { return r.State == state, nil }}, "x", "tokens"},
		{"public parameters", custom{issued: rex, public: public}, "Max", "asked wrong_code"},
		{"cannot be issued", custom{issued: customauth.Issued{Refused: "no_pet"}}, "Rex", "asked no_pet"},
		{"nobody", custom{issued: customauth.Issued{Answer: rex.Answer, Nobody: errors.New("no pet")}}, "Rex II.", "asked wrong_code"},
		{"long answer", custom{issued: customauth.Issued{MaxAnswer: 16 << 10}, check: func(_ customauth.Request, a string) (bool, error) { return len(a) == 16<<10, nil }}, strings.Repeat("x", 16<<10), "tokens"},
		{"answer that is too long", custom{issued: customauth.Issued{MaxAnswer: 1024}, check: func(customauth.Request, string) (bool, error) { return true, nil }}, strings.Repeat("x", 1025), "asked wrong_code"},
		{"issue fails", custom{err: errors.New("x")}, "", broken},
		{"check fails", custom{check: func(customauth.Request, string) (bool, error) { return true, errors.New("x") }}, "yes", broken},
		{"check panics", custom{check: func(customauth.Request, string) (bool, error) { panic("x") }}, "yes", broken},
		{"check hangs", custom{check: func(customauth.Request, string) (bool, error) { time.Sleep(time.Hour); return true, nil }}, "yes", broken},
		{"TTL too long", custom{issued: customauth.Issued{TTL: 11 * time.Minute}}, "", broken},
		{"state too large", custom{issued: customauth.Issued{State: strings.Repeat("x", 129)}}, "", broken},
		{"answers too long", custom{issued: customauth.Issued{MaxAnswer: 16<<10 + 1}}, "", broken},
		{"answer of nothing", custom{issued: customauth.Issued{Answer: customauth.Hide(" - ")}}, "", broken},
		{"answer too short", custom{issued: customauth.Issued{Answer: customauth.Hide("Rex")}}, "", broken},
		{"answer too long", custom{issued: customauth.Issued{Answer: customauth.Hide(strings.Repeat("x", 257))}}, "", broken},
		{"unguessable, and short", custom{issued: customauth.Issued{Answer: customauth.Hide(strings.Repeat("x", 25)), Unguessable: true}}, "", broken},
		{"unguessable", custom{issued: customauth.Issued{Answer: customauth.Hide(strings.Repeat("x", 26)), Unguessable: true}}, strings.Repeat("X", 26), "tokens"},
		{"refused in no word", custom{issued: customauth.Issued{Refused: "No pet!"}}, "", broken},
		{"text without a destination", custom{issued: customauth.Issued{Message: customauth.Message{Text: customauth.Hide("x")}}}, "", broken},
		{"public too large", custom{public: map[string]string{"x": strings.Repeat("x", 16<<10)}}, "", broken},
		{"public of no text", custom{public: map[string]string{"x": "\xff"}}, "", broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls = 0
				tt.c.calls = &calls
				r := newRig(t, customauth.Options{Steps: only(tt.c)})
				s := r.start()
				if s.err == nil {
					s.answer(tt.answer)
				}
				if got := s.outcome(); got != tt.want {
					t.Errorf("got %q, want %q\n%s", got, tt.want, r.log)
				}
				if calls != 1 {
					t.Errorf("Issue was called %d times", calls)
				}
				if tt.c.public["question"] != s.public["question"] {
					t.Errorf("public parameters %v", s.public)
				}
				synctest.Wait()
				sleep(2 * time.Hour)
			})
		})
	}
}

// counting is a challenge that counts how often it is checked.
type counting struct{ t *tick }

type tick struct {
	mu sync.Mutex
	n  int
}

func (counting) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{Answer: customauth.Hide("123456789")}, nil
}

func (counting) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }

func (c counting) Check(_ context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.t.n++
	return customauth.Checked{Right: r.Matches(answer, customauth.Destination{})}, nil
}

func (c counting) n() int {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.t.n
}

func TestWarm(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	for name, warm := range map[string]func(context.Context) error{
		"works":  func(context.Context) error { return nil },
		"fails":  func(context.Context) error { return errors.New("x") },
		"panics": func(context.Context) error { panic("x") },
		"hangs":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"deaf":   func(context.Context) error { time.Sleep(time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &warmer{warm: warm}
				began := time.Now()
				_, err := customauth.NewCreate(customauth.Options{Keys: []customauth.Secret{key}, Senders: map[string]customauth.Sender{"SMS": w}})
				if took := time.Since(began); err != nil || took > time.Second || w.calls.Load() != 1 {
					t.Errorf("%v after %v and %d calls", err, took, w.calls.Load())
				}
				store := &warmStore{Store: customauth.NewMemoryStore(), warmer: &warmer{warm: warm}}
				o := customauth.Options{Keys: []customauth.Secret{key}, CounterKey: other, Store: store, Senders: map[string]customauth.Sender{"SMS": new(inbox)}}
				_, create := customauth.NewCreate(o)
				_, verify := customauth.NewVerify(o)
				if create != nil || verify != nil || store.warmer.calls.Load() != 2 {
					t.Errorf("store: %v, %v, %d calls", create, verify, store.warmer.calls.Load())
				}
				sleep(2 * time.Hour)
			})
		})
	}
}

type warmStore struct {
	customauth.Store
	warmer *warmer
}

func (w *warmStore) Warm(ctx context.Context) error { return w.warmer.Warm(ctx) }

type warmer struct {
	inbox
	warm  func(context.Context) error
	calls atomic.Int32
}

func (w *warmer) Warm(ctx context.Context) error { w.calls.Add(1); return w.warm(ctx) }

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
