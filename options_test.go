package customauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// TestOptions: what is wrong is said at construction, by every constructor.
func TestOptions(t *testing.T) {
	otp := func(o customauth.OTP) customauth.Options {
		return customauth.Options{Steps: []customauth.Challenge{o}}
	}
	limit := func(l customauth.Limit) customauth.Options {
		return customauth.Options{Limits: customauth.Limits{Guesses: []customauth.Limit{l}}}
	}
	soon := time.Now().Add(time.Hour)
	tests := []struct {
		name string
		o    customauth.Options
		want string // part of the error; empty: fine
	}{
		{"defaults", customauth.Options{}, ""},
		{"no keys", customauth.Options{Keys: [][]byte{}}, "Keys is empty"},
		{"short key", customauth.Options{Keys: [][]byte{key, key[:31]}}, "key 2 has 31 bytes and needs 32"},
		{"key twice", customauth.Options{Keys: [][]byte{key, key}}, "keys 1 and 2 are the same"},
		{"nil step", customauth.Options{Steps: []customauth.Challenge{nil}}, "step 1 is nil"},
		{"steps of one name", customauth.Options{Steps: []customauth.Challenge{customauth.OTP{}, customauth.OTP{}}}, `two steps are named "otp"`},
		{"too many steps", customauth.Options{Steps: []customauth.Challenge{
			customauth.OTP{ID: "a"}, customauth.OTP{ID: "b"}, customauth.OTP{ID: "c"}, customauth.OTP{ID: "d"}, customauth.OTP{ID: "e"}, customauth.OTP{ID: "f"}}}, "more than 5"},
		{"long name", otp(customauth.OTP{ID: strings.Repeat("x", 65)}), "1 to 64 bytes"},
		{"password alone", customauth.Options{Steps: []customauth.Challenge{customauth.Password()}}, "another step after it"},
		{"password second", customauth.Options{Steps: []customauth.Challenge{customauth.OTP{}, customauth.Password()}}, "must be the first step"},
		{"no attempts", customauth.Options{Attempts: customauth.MaxAttempts(0)}, "MaxAttempts takes 1 to 8, not 0"},
		{"too many attempts", customauth.Options{Attempts: customauth.MaxAttempts(9)}, "MaxAttempts takes 1 to 8, not 9"},
		{"send timeout over Cognito's", customauth.Options{SendTimeout: 3501 * time.Millisecond}, "SendTimeout"},
		{"limit of nothing", limit(customauth.Limit{Per: time.Hour}), "a Limit needs Max"},
		{"limit for too long", limit(customauth.Limit{Max: 1, Per: 32 * 24 * time.Hour}), "a Limit needs Max"},
		{"limit backwards", limit(customauth.Limit{Max: 1, Per: -1}), "a Limit needs Max"},
		{"guesses by a key alone", limit(customauth.Limit{Max: 1, Per: time.Hour, Key: func(customauth.Request) string { return "" }}), "a Limit without a Key"},
		{"empty lists are defaults", customauth.Options{Limits: customauth.Limits{Sends: []customauth.Limit{}, Guesses: []customauth.Limit{}}}, ""},
		{"logger of nothing", customauth.Options{Logger: new(slog.Logger)}, "Logger has no handler"},
		{"step that is a nil pointer", customauth.Options{Steps: []customauth.Challenge{(*customauth.OTP)(nil)}}, "a step panics"},
		{"sends for ever", customauth.Options{Limits: customauth.Limits{Sends: []customauth.Limit{{Max: 3}}}}, "needs Per"},
		{"TTL over ten minutes", otp(customauth.OTP{TTL: 10*time.Minute + 1}), "TTL must be from 1s to 10m"},
		{"TTL of ten minutes", otp(customauth.OTP{TTL: 10 * time.Minute}), ""},
		{"five digits", otp(customauth.OTP{Generator: customauth.Digits(5)}), "InsecureShortCodes"},
		{"four digits, allowed", otp(customauth.OTP{Generator: customauth.Digits(4), InsecureShortCodes: true}), ""},
		{"four letters", otp(customauth.OTP{Generator: customauth.Alphanumeric(4)}), "InsecureShortCodes"},
		{"five letters", otp(customauth.OTP{Generator: customauth.Alphanumeric(5)}), ""},
		{"no digits", otp(customauth.OTP{Generator: customauth.Digits(0), InsecureShortCodes: true}), "1 to 32 characters"},
		{"too many digits", otp(customauth.OTP{Generator: customauth.Digits(33)}), "1 to 32 characters"},
		{"test codes for ever", otp(customauth.OTP{TestCodes: map[string]string{phone: "123456"}}), "TestCodesUntil"},
		{"short test code", otp(customauth.OTP{TestCodes: map[string]string{phone: "1234"}, TestCodesUntil: soon}), "test code"},
		{"app hash", otp(customauth.OTP{AndroidHash: "short"}), "AndroidHash"},
		{"WebOTP with a scheme", otp(customauth.OTP{WebOTPDomain: "https://example.com/"}), "WebOTPDomain"},
		{"no cooldown", otp(customauth.OTP{ResendAfter: -1}), "ResendAfter"},
		{"many sends", otp(customauth.OTP{MaxSends: 9}), "MaxSends"},
		{"nil SNSSender", otp(customauth.OTP{Sender: (*customauth.SNSSender)(nil)}), "nil *SNSSender"},
		{"SMS type", otp(customauth.OTP{Sender: &customauth.SNSSender{Type: "Urgent"}}), "Transactional"},
		{"sender id of digits", otp(customauth.OTP{Sender: &customauth.SNSSender{SenderID: "12345"}}), "SenderID"},
		{"long sender id", otp(customauth.OTP{Sender: &customauth.SNSSender{SenderID: "ACMEACMEACME"}}), "SenderID"},
		{"price", otp(customauth.OTP{Sender: &customauth.SNSSender{MaxPrice: "$1"}}), "MaxPrice"},
		{"origination number", otp(customauth.OTP{Sender: &customauth.SNSSender{OriginationNumber: "ACME"}}), "OriginationNumber"},
		{"all of SNS", otp(customauth.OTP{Sender: &customauth.SNSSender{Type: "Promotional", SenderID: "ACME1", MaxPrice: "0.05", OriginationNumber: "+12065550100", EntityID: "1", TemplateID: "2"}}), ""},
		{"two faults", otp(customauth.OTP{TTL: time.Hour, MaxSends: 9}), "MaxSends"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.o.Keys == nil {
				tt.o.Keys = [][]byte{key}
			}
			_, define := customauth.NewDefine(tt.o)
			_, create := customauth.NewCreate(tt.o)
			_, verify := customauth.NewVerify(tt.o)
			_, handler := customauth.NewHandler(tt.o, nil)
			for name, err := range map[string]error{"NewDefine": define, "NewCreate": create, "NewVerify": verify, "NewHandler": handler} {
				switch {
				case tt.want == "" && err != nil:
					t.Errorf("%s: %v", name, err)
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "customauth: ")):
					t.Errorf("%s: %v, want %q", name, err, tt.want)
				}
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	const a, b = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
	tests := []struct {
		name, text string
		want       int // keys
		err        string
	}{
		{"one", a, 1, ""},
		{"two, with spaces", " " + a + " ,\n" + b + "\n", 2, ""},
		{"none", "", 0, "customauth: no key; make one with: openssl rand -base64 32"},
		{"white space", " \n", 0, "customauth: no key; make one with: openssl rand -base64 32"},
		{"no base64", "my secret key", 0, "customauth: key 1 is not base64; make one with: openssl rand -base64 32"},
		{"second short", a + ",AAAA", 0, "customauth: key 2 has 3 bytes and needs 32; make one with: openssl rand -base64 32"},
		{"trailing comma", a + ",", 0, "customauth: key 2 has 0 bytes and needs 32; make one with: openssl rand -base64 32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := customauth.ParseKeys(tt.text)
			var text string
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff([]any{tt.want, tt.err}, []any{len(got), text}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParseKeys: text never becomes a weak key.
func FuzzParseKeys(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,")
	f.Add(", ,")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := customauth.ParseKeys(text)
		if err == nil && len(keys) == 0 {
			t.Error("no error and no key")
		}
		for _, k := range keys {
			if len(k) < 32 {
				t.Errorf("a key of %d bytes", len(k))
			}
		}
	})
}

// TestGuessLimits: over any number of sign-ins, and for unknown users too.
func TestGuessLimits(t *testing.T) {
	for name, who := range map[string]func(*signIn){"known": func(*signIn) {}, "unknown": unknown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Limits: customauth.Limits{Sends: []customauth.Limit{{Max: 1000, Per: time.Hour}}}})
				compared := 0
				for range 100 {
					s := r.start(who)
					for !s.failed && s.err == nil {
						s.answer("000111")
						if r.lastVerify() == "wrong_code" {
							compared++
						}
					}
					sleep(time.Minute)
				}
				// Within 100 minutes: 10 an hour, in two hours that begin.
				if compared != 20 {
					t.Errorf("%d guesses were compared, want 20", compared)
				}
				s := r.start(who)
				if got := s.public["errorCode"] + " " + s.public["retryAfter"]; !strings.HasPrefix(got, "rate_limited ") || len(got) < 15 {
					t.Errorf("a locked user is told %q", got)
				}
				sleep(24 * time.Hour)
				if s := r.start(who); s.outcome() != "asked" {
					t.Errorf("a day later: %q", s.outcome())
				}
			})
		})
	}
}

// lastVerify is the Reason of the newest event of Verify.
func (r *rig) lastVerify() string {
	for i := len(r.events) - 1; i >= 0; i-- {
		if r.events[i].Trigger == "verify" {
			return r.events[i].Reason
		}
	}
	return ""
}

// TestGiveBack: right answers do not use up the limit.
func TestGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Limits: customauth.Limits{
			Sends:   []customauth.Limit{{Max: 1000, Per: time.Hour}},
			Guesses: []customauth.Limit{{Max: 2, Per: time.Hour}, {Max: 3}},
		}})
		for i := range 10 {
			if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
				t.Fatalf("sign-in %d: %q", i, got)
			}
			sleep(time.Minute)
		}
		for range 3 {
			r.start().answer("000111")
			sleep(2 * time.Hour)
		}
		s := r.start()
		if s.outcome() != "asked rate_limited" || s.public["retryAfter"] != fmt.Sprint(31*24*3600) {
			t.Errorf("after three failures in a row: %v", s.public)
		}
		if err := r.opts.Unlock(context.Background(), pool, sub); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Errorf("after Unlock: %q", got)
		}
	})
}

// TestParallelGuesses cannot pass the limit.
func TestParallelGuesses(t *testing.T) {
	r := newRig(t, customauth.Options{Limits: customauth.Limits{
		Sends: []customauth.Limit{{Max: 1000, Per: time.Hour}}, Guesses: []customauth.Limit{{Max: 10, Per: time.Hour}},
	}, Observe: func(context.Context, customauth.Event) {}, Steps: []customauth.Challenge{counting{new(tick)}}})
	counted := r.opts.Steps[0].(counting)
	done := make(chan bool)
	s := r.start()
	for range 200 {
		copied := *s
		go func() { done <- copied.check("000111", nil) }()
	}
	for range 200 {
		if <-done {
			t.Error("a wrong guess passed")
		}
	}
	if got := counted.n(); got != 10 {
		t.Errorf("%d comparisons, want 10", got)
	}
}

// TestSendLimits: per destination, whoever asks, and across sign-ins.
func TestSendLimits(t *testing.T) {
	for name, who := range map[string]func(*signIn){"known": func(*signIn) {}, "unknown": unknown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{})
				asked := 0
				var refused []*signIn
				for range 48 * 60 {
					s := r.start(who)
					if s.outcome() == "asked" {
						asked++
					} else {
						refused = append(refused, s)
					}
					sleep(time.Minute)
				}
				if asked != 20 {
					t.Errorf("%d challenges in two days, want 20", asked)
				}
				first := refused[0]
				wait, _ := strconv.Atoi(first.public["retryAfter"]) // an hour less five minutes and what five sends took
				if first.outcome() != "asked rate_limited" || wait > 3300 || wait < 3290 || first.public["resendAfter"] != first.public["retryAfter"] {
					t.Errorf("first refusal: %v", first.public)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{})
		r.start(named("a"))
		if s := r.start(named("b")); s.outcome() != "asked rate_limited" || s.public["retryAfter"] != "30" {
			t.Errorf("another user with the same number: %v", s.public)
		}
		s := r.start(named("c"))
		sleep(30 * time.Second)
		if s.resend(); s.outcome() != "asked" || s.answer(r.inbox.code()).outcome() != "tokens" {
			t.Errorf("resend after the limit: %q", s.outcome())
		}
	})
}

// TestOwnKeys: limits with a key of their own.
func TestOwnKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := func(customauth.Request) string { return "all" }
		notAlice := func(r customauth.Request) string { return strings.TrimPrefix(r.UserName, "alice") }
		r := newRig(t, customauth.Options{Limits: customauth.Limits{
			Sends:   []customauth.Limit{{Max: 3, Per: time.Hour, Key: all}},
			Guesses: []customauth.Limit{{Max: 5, Per: time.Hour}, {Max: 1, Per: time.Hour, Key: notAlice}},
		}})
		var got []string
		for i := range 5 {
			got = append(got, r.start(named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206555010%d", i))).outcome())
			sleep(time.Second)
		}
		want := []string{"asked", "asked", "asked", "asked rate_limited", "asked rate_limited"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sends (-want +got):\n%s", diff)
		}
		sleep(2 * time.Hour)
		for user, want := range map[string]string{"alice": "wrong_code", "bob": "rate_limited"} {
			s := r.start(named(user), reaching("+1206555"+fmt.Sprint(1000+len(user))))
			s.answer("1").answer("1")
			if got := r.lastVerify(); got != want {
				t.Errorf("%s: %q, want %q", user, got, want)
			}
		}
	})
}

// TestStreaks: nothing but a right answer to the same step forgets failures in a
// row.
func TestStreaks(t *testing.T) {
	all := func(customauth.Request) string { return "all" }
	sends := []customauth.Limit{{Max: 100000, Per: time.Hour}}
	tests := map[string]struct {
		steps  []customauth.Challenge
		limits []customauth.Limit
		run    func(r *rig)
	}{
		"another limit is full": {nil, []customauth.Limit{{Max: 5}, {Max: 3, Per: time.Hour, Key: all}}, func(r *rig) {
			r.start().answer("000111").answer("000111")
		}},
		"an earlier step is passed": {
			[]customauth.Challenge{custom{issued: customauth.Issued{Answer: "cats"}}, customauth.OTP{}}, []customauth.Limit{{Max: 5}},
			func(r *rig) { r.start().answer("cats").answer("000111").answer("000111") },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: tt.steps, Limits: customauth.Limits{Sends: sends, Guesses: tt.limits}})
				for range 30 {
					tt.run(r)
					sleep(time.Hour)
				}
				compared := 0
				for _, e := range r.events {
					if e.Trigger == "verify" && e.Reason == "wrong_code" {
						compared++
					}
				}
				if compared > 5 {
					t.Errorf("%d wrong answers in a row were compared, want 5 at most", compared)
				}
			})
		})
	}
}

// TestLimitKeyFails: a Key that panics or hangs closes the door.
func TestLimitKeyFails(t *testing.T) {
	for name, k := range map[string]func(customauth.Request) string{
		"panics": func(customauth.Request) string { panic("123456") },
		"hangs":  func(customauth.Request) string { time.Sleep(time.Hour); return "" },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{Limits: customauth.Limits{Guesses: []customauth.Limit{{Max: 5, Per: time.Hour}, {Max: 5, Per: time.Hour, Key: k}}}})
			began := time.Now()
			if s := r.start(); s.err == nil || r.inbox.count() != 0 || time.Since(began) > 4*time.Second || strings.Contains(r.log.String(), "123456") {
				t.Errorf("%s: %s after %v\n%s", name, s.outcome(), time.Since(began), r.log)
			}
			sleep(2 * time.Hour)
		})
	}
}

// TestMadeUpNames: unknown users are held to shared limits like known ones, and do
// not use them up.
func TestMadeUpNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		region := func(r customauth.Request) string { return r.Attributes["phone_number"][:2] }
		r := newRig(t, customauth.Options{Limits: customauth.Limits{Sends: []customauth.Limit{{Max: 3, Per: time.Hour, Key: region}}}})
		for i := range 20 {
			if got := r.start(unknown, named(fmt.Sprint("nobody", i))).outcome(); got != "asked" {
				t.Fatalf("unknown user %d: %q", i, got)
			}
		}
		var got []string
		for i := range 4 {
			got = append(got, r.start(named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206555010%d", i))).outcome())
		}
		got = append(got, r.start(unknown, named("nobody else")).outcome())
		want := []string{"asked", "asked", "asked", "asked rate_limited", "asked rate_limited"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestCancelled: a trigger that is over sends nothing.
func TestCancelled(t *testing.T) {
	r := newRig(t, customauth.Options{InsecureNoLimits: true})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.start(func(s *signIn) { s.ctx = ctx })
	if r.inbox.count() != 0 {
		t.Error("a text was sent")
	}
}

// brokenStore fails as told.
type brokenStore struct {
	customauth.Store
	fail atomic.Pointer[func(ctx context.Context) error]
}

func (b *brokenStore) Count(ctx context.Context, key string, n int, limits []customauth.Limit) (time.Duration, error) {
	if fail := b.fail.Load(); fail != nil {
		if err := (*fail)(ctx); err != nil {
			return 0, err
		}
	}
	return b.Store.Count(ctx, key, n, limits)
}

// TestStoreFails: no guess is compared, no text is sent, and the trigger answers.
func TestStoreFails(t *testing.T) {
	tests := map[string]func(context.Context) error{
		"fails":  func(context.Context) error { return errors.New("throttled for +12065550100") },
		"hangs":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"deaf":   func(context.Context) error { time.Sleep(time.Hour); return nil },
		"panics": func(context.Context) error { panic("123456") },
	}
	for name, count := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &brokenStore{Store: customauth.NewMemoryStore()}
				r := newRig(t, customauth.Options{Store: store})
				s := r.start()
				code := r.inbox.code()
				store.fail.Store(&count)
				began := time.Now()
				if right := s.check(code, nil); right || s.err == nil {
					t.Errorf("the code was compared: %v, %v", right, s.err)
				}
				fresh := r.start(named("another"), reaching("+12065550122"))
				if fresh.err == nil || r.inbox.count() != 1 {
					t.Errorf("%s, %d texts", fresh.outcome(), r.inbox.count())
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("two triggers took %v", took)
				}
				if fresh.err.Error() != "customauth: sign-in is not available at the moment" {
					t.Errorf("public text %q", fresh.err)
				}
				if log := r.log.String(); !strings.Contains(log, "store: ") || strings.Contains(log, "2065550100") || strings.Contains(log, "123456") {
					t.Errorf("log:\n%s", log)
				}
				store.fail.Store(nil)
				if right := s.check(code, nil); !right {
					t.Error("the code is not right when the store is back")
				}
				sleep(2 * time.Hour)
			})
		})
	}
}

// TestUnlock needs what the handlers have.
func TestUnlock(t *testing.T) {
	ctx := context.Background()
	if err := (customauth.Options{Keys: [][]byte{key}}).Unlock(ctx, pool, sub); err == nil {
		t.Error("no error without a store")
	}
	if err := (customauth.Options{Store: customauth.NewMemoryStore()}).Unlock(ctx, pool, sub); err == nil {
		t.Error("no error without keys")
	}
	broken := &brokenStore{Store: customauth.NewMemoryStore()}
	fail := func(context.Context) error { return errors.New("x") }
	broken.fail.Store(&fail)
	if err := (customauth.Options{Keys: [][]byte{key}, Store: broken}).Unlock(ctx, pool, sub); err == nil {
		t.Error("no error from a broken store")
	}
}

// TestMemoryStore has what storetest does not: bounds on memory, and the clock.
func TestMemoryStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		s := customauth.NewMemoryStore()
		day := []customauth.Limit{{Max: 1, Per: 24 * time.Hour}}
		for i := range 200000 {
			if wait, err := s.Count(ctx, fmt.Sprint(i), 1, day); wait != 0 || err != nil {
				t.Fatal(wait, err)
			}
		}
		if wait, _ := s.Count(ctx, "199999", 1, day); wait != 24*time.Hour {
			t.Errorf("the newest key waits %v", wait)
		}
		forgotten := 0
		for i := range 1000 {
			if wait, _ := s.Count(ctx, fmt.Sprint(i), 0, day); wait == 0 {
				forgotten++
			}
		}
		if forgotten < 500 {
			t.Errorf("%d of the 1,000 oldest keys of 200,000 are forgotten: memory is not bounded", forgotten)
		}
		if wait, _ := s.Count(ctx, "streak", 2, []customauth.Limit{{Max: 1}}); wait != math.MaxInt64 {
			t.Errorf("a full limit without Per waits %v", wait)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := s.Count(cancelled, "x", 1, day); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// TestObserve: events tell how each trigger ended, and a broken observer breaks
// nothing.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{})
		s := r.start()
		s.answer(r.inbox.wrong()).answer(r.inbox.code())
		event := func(trigger string, o customauth.Outcome, reason string) customauth.Event {
			return customauth.Event{Trigger: trigger, Step: "otp", Outcome: o, Reason: reason, PoolID: pool, ClientID: client, UserName: sub}
		}
		sent := event("create", customauth.Asked, "")
		sent.Sent = true
		want := []customauth.Event{
			event("define", customauth.Asked, ""), sent,
			event("verify", customauth.Refused, "wrong_code"), event("define", customauth.Asked, ""), event("create", customauth.Asked, "wrong_code"),
			event("verify", customauth.Passed, ""), event("define", customauth.Passed, ""),
		}
		if diff := cmp.Diff(want, r.events); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		broken := newRig(t, customauth.Options{Observe: func(context.Context, customauth.Event) { panic("123456") }})
		if s := broken.start(); s.answer(broken.inbox.code()).outcome() != "tokens" || !strings.Contains(broken.log.String(), "Observe panicked") {
			t.Errorf("with a broken observer: %s\n%s", s.outcome(), broken.log)
		}
	})
}
