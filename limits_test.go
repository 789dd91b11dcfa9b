package customauth_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// many are limits that no test here reaches.
var many = []customauth.Window{{Max: 100, Per: 3 * time.Hour}}

// freely are limits on guesses alone.
func freely(l customauth.Limits) customauth.Limits {
	l.Messages, l.Destination, l.Unproved = many, many, many
	return l
}

// TestGuessLimits: over any number of sign-ins, and for unknown users too.
func TestGuessLimits(t *testing.T) {
	for name, who := range map[string]func(*signIn){"known": func(*signIn) {}, "unknown": unknown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Limits: freely(customauth.Limits{})})
				compared := 0
				for range 100 {
					s := r.start(who)
					for !s.failed && s.err == nil {
						s.answer(r.inbox.wrong())
						if r.lastVerify() == customauth.ReasonWrongCode {
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
func (r *rig) lastVerify() customauth.Reason {
	for i := len(r.events) - 1; i >= 0; i-- {
		if r.events[i].Trigger == customauth.VerifyTrigger {
			return r.events[i].Reason
		}
	}
	return ""
}

// TestGiveBack: right answers do not use up the limits, and an operator can unlock.
func TestGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Limits: freely(customauth.Limits{
			Guesses: []customauth.Window{{Max: 2, Per: time.Hour}}, Failures: 3,
		})})
		for i := range 10 {
			if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
				t.Fatalf("sign-in %d: %q", i, got)
			}
			sleep(time.Minute)
		}
		for range 3 {
			r.start().answer(r.inbox.wrong())
			sleep(2 * time.Hour)
		}
		sleep(300 * 24 * time.Hour)
		s := r.start()
		if s.outcome() != "asked rate_limited" || s.public["retryAfter"] != fmt.Sprint(31*24*3600) {
			t.Errorf("after three failures in a row: %v", s.public)
		}
		if err := r.opts.Unlock(context.Background(), pool, sub); err != nil {
			t.Fatal(err)
		}
		if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Errorf("after Unlock: %q", got)
		}
	})
}

// TestUnlockTexts: an operator lets a user in again for whom a stranger has used up the
// texts, if he says where they went; an account that was proved stays so.
func TestUnlockTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRig(t, customauth.Options{})
		if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Fatal(got)
		}
		for r.start().outcome() != "asked rate_limited" {
			sleep(time.Minute)
		}
		for name, to := range map[string][]customauth.Destination{
			"no destination": nil, "another one": {sms("+12065550199")},
			"many others": {sms("+12065550191"), sms("+12065550192"), sms("+12065550193"), sms("+12065550194"), sms("+12065550195"), sms("+12065550196")},
		} {
			if err := r.opts.Unlock(ctx, pool, sub, to...); err != nil {
				t.Fatal(err)
			}
			if got := r.start().outcome(); got != "asked rate_limited" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if err := r.opts.Unlock(ctx, pool, sub, sms("+12065550199"), sms(phone)); err != nil {
			t.Fatal(err)
		}
		if got := r.start().outcome(); got != "asked" {
			t.Errorf("the user's number: %s", got)
		}
		if age, err := r.opts.Proved(ctx, pool, sub, sms(phone)); age < 0 || err != nil {
			t.Errorf("what was proved is forgotten: %v, %v", age, err)
		}
	})
}

// TestParallelGuesses cannot pass the limit. In simulated time no store is too slow,
// however busy the machine is.
func TestParallelGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := counting{new(tick)}
		r := newRig(t, customauth.Options{
			Limits:  customauth.Limits{Guesses: []customauth.Window{{Max: 10, Per: time.Hour}}},
			Observe: func(context.Context, customauth.Event) {}, Steps: only(counted),
		})
		done := make(chan bool)
		s := r.start()
		wrong := r.inbox.wrong()
		for range 200 {
			copied := *s
			go func() { done <- copied.check(wrong, nil) }()
		}
		for range 200 {
			if <-done {
				t.Error("a wrong guess passed")
			}
		}
		if got := counted.n(); got != 10 {
			t.Errorf("%d comparisons, want 10", got)
		}
	})
}

// TestMessageLimits: what an account is sent, known or not.
func TestMessageLimits(t *testing.T) {
	prove := func(t *testing.T, r *rig) {
		if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Fatal(got)
		}
		sleep(25 * time.Hour)
	}
	tests := []struct {
		name   string
		who    func(*signIn)
		before func(*testing.T, *rig)
		asked  int           // challenges in two days
		hour   time.Duration // until the first refusal is over
	}{
		{"proved", func(*signIn) {}, prove, 20, 55 * time.Minute},
		{"unknown", unknown, nil, 20, 55 * time.Minute},
		{"never proved", func(*signIn) {}, nil, 10, 55 * time.Minute},
		{"without a number", func(s *signIn) { s.attributes = nil }, nil, 20, 55 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{})
				if tt.before != nil {
					tt.before(t, r)
				}
				asked := 0
				var refused []*signIn
				for range 48 * 60 {
					s := r.start(tt.who)
					if s.outcome() == "asked" {
						asked++
					} else {
						refused = append(refused, s)
					}
					sleep(time.Minute)
				}
				if asked != tt.asked {
					t.Errorf("%d challenges in two days, want %d", asked, tt.asked)
				}
				first := refused[0]
				wait, _ := strconv.Atoi(first.public["retryAfter"]) // less what five sends took
				if want := int(tt.hour / time.Second); first.outcome() != "asked rate_limited" || wait > want || wait < want-10 || first.public["resendAfter"] != first.public["retryAfter"] {
					t.Errorf("first refusal: %v", first.public)
				}
			})
		})
	}
}

// TestStrangerWithMyNumber is S3 and S4: an account of an attacker's that has a
// victim's number uses up nothing of the victim's, learns nothing, and cannot have
// the number texted as often as the victim can.
func TestStrangerWithMyNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{})
		if got := r.start(named("victim")).answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Fatal(got)
		}
		sleep(25 * time.Hour)
		before, refused := r.inbox.count(), 0
		for range 24 * 60 {
			if r.start(named("attacker")).outcome() != "asked" {
				refused++
			}
			sleep(time.Minute)
		}
		if got := r.inbox.count() - before; got != 5 {
			t.Errorf("the attacker had %d texts sent to the victim in a day, want 5", got)
		}
		if got := r.start(named("victim")).outcome(); got != "asked" {
			t.Errorf("the victim is refused: %s", got)
		}
		// A number of nobody's behaves the same to the attacker.
		empty := 0
		for range 24 * 60 {
			if r.start(named("attacker 2"), reaching("+12065550199")).outcome() != "asked" {
				empty++
			}
			sleep(time.Minute)
		}
		if refused != empty {
			t.Errorf("the attacker is refused %d times with the victim's number, and %d times with nobody's", refused, empty)
		}
	})
}

// TestUnverifiedOwner: where Cognito has a number as not verified, a message counts for
// the number before it is known who proved it. That neither starves the owner nor uses
// anything up.
func TestUnverifiedOwner(t *testing.T) {
	unverified := holding(map[string]string{"phone_number": phone, "phone_number_verified": "false"})
	for name, stand := range map[string]func(*signIn){"not verified": unverified, "nothing said": func(*signIn) {}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{})
			process := func() *rig { // one that has not met the owner
				return newRig(t, customauth.Options{Store: r.opts.Store, Senders: map[string]customauth.Sender{"SMS": r.inbox}})
			}
			texts := func(p *rig, who ...func(*signIn)) int {
				before := r.inbox.count()
				p.start(append(who, stand)...)
				return r.inbox.count() - before
			}
			if got := r.start(named("owner"), stand).answer(r.inbox.code()).outcome(); got != "tokens" {
				t.Fatalf("%s: %s", name, got)
			}
			sleep(25 * time.Hour)
			for range 4 {
				if texts(process(), named("owner")) != 1 {
					t.Errorf("%s: the owner is refused", name)
				}
				sleep(time.Minute)
			}
			sent := 0
			for i := range 8 {
				who := named(fmt.Sprint("stranger", i))
				sent += texts(process(), who)
				sent += texts(process(), who) // refused by the cooldown, and so not counted
			}
			if sent != 5 {
				t.Errorf("%s: strangers had %d texts sent, want 5", name, sent)
			}
			if p := process(); texts(p, named("owner")) != 1 {
				t.Errorf("%s: the owner is refused after that", name)
			} else if sleep(time.Hour); texts(p, named("another stranger")) != 0 {
				t.Errorf("%s: a stranger is not refused by a process that has met the owner", name)
			}
		})
	}
}

// TestManyNumbersOfOneAccount is S5: an account that changes its number before each
// sign-in has no more texts sent than any other.
func TestManyNumbersOfOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{})
		for i := range 500 {
			r.start(reaching(fmt.Sprintf("+1206555%04d", i)))
			sleep(time.Minute)
		}
		if got := r.inbox.count(); got != 15 {
			t.Errorf("%d texts, want 15 in a day", got)
		}
	})
}

// TestMadeUpNamesAndGuesses is S1: made-up names do not use up a limit of the whole
// pool.
func TestMadeUpNamesAndGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		everybody := func(context.Context, customauth.Request) (string, error) { return "pool", nil }
		r := newRig(t, customauth.Options{Limits: freely(customauth.Limits{Named: []customauth.Limit{
			{Name: "guesses", Guesses: true, Windows: []customauth.Window{{Max: 10, Per: 24 * time.Hour}}, Key: everybody},
			{Name: "texts", Windows: []customauth.Window{{Max: 10, Per: 24 * time.Hour}}, Key: everybody},
		}})})
		for i := range 30 {
			if s := r.start(unknown, named(fmt.Sprint("nobody", i))).answer("000000"); s.outcome() != "asked wrong_code" {
				t.Fatalf("unknown user %d: %s", i, s.outcome())
			}
		}
		if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Errorf("the user is refused: %s", got)
		}
	})
}

// TestNamedLimits: limits with a key of their own hold for all, and are counted under
// their names, not their places.
func TestNamedLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		country := customauth.Limit{Name: "country", Windows: []customauth.Window{{Max: 3, Per: time.Hour}},
			Key: func(_ context.Context, r customauth.Request) (string, error) {
				return r.Attributes["phone_number"].Reveal()[:2], nil
			}}
		first := customauth.Limit{Name: "first", Windows: many, Key: func(context.Context, customauth.Request) (string, error) { return "", nil }}
		store := customauth.NewMemoryStore()
		r := newRig(t, customauth.Options{Store: store, Limits: customauth.Limits{Named: []customauth.Limit{country}}})
		var got []string
		for i := range 4 {
			got = append(got, r.start(named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206555010%d", i))).outcome())
		}
		got = append(got, r.start(unknown, named("nobody")).outcome())
		again := newRig(t, customauth.Options{Store: store, Limits: customauth.Limits{Named: []customauth.Limit{first, country}}})
		got = append(got, again.start(named("user9"), reaching("+12065550109")).outcome())
		want := []string{"asked", "asked", "asked", "asked rate_limited", "asked rate_limited", "asked rate_limited"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// What one limit refuses, the others have not counted.
		if s := again.start(named("user9"), reaching("+4915112345678")); s.outcome() != "asked" {
			t.Errorf("a refused message left a cooldown: %s", s.outcome())
		}
	})
}

// TestOwnLimitKeepsTheOthers is S7: one limit more drops none.
func TestOwnLimitKeepsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Limits: customauth.Limits{Named: []customauth.Limit{{Name: "pool", Windows: many,
			Key: func(context.Context, customauth.Request) (string, error) { return "pool", nil }}}}})
		for range 24 * 60 {
			r.start()
			sleep(time.Minute)
		}
		if got := r.inbox.count(); got != 5 {
			t.Errorf("%d texts to one number in a day, want 5", got)
		}
	})
}

// TestFailuresOverSteps is S9: the failures in a row are one count for an account,
// whatever the step, and outlive a new key.
func TestFailuresOverSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := customauth.NewMemoryStore()
		limits := freely(customauth.Limits{Guesses: []customauth.Window{{Max: 40, Per: time.Hour}}, Failures: 10})
		word := custom{issued: customauth.Issued{Answer: customauth.Hide("kitten")}}
		steps := []customauth.Step{step("word", word), otp(customauth.OTP{})}
		a := newRig(t, customauth.Options{Store: store, CounterKey: other, Limits: limits, Steps: steps})
		b := newRig(t, customauth.Options{Store: store, CounterKey: other, Limits: limits, Steps: steps, Keys: []customauth.Secret{customauth.Hide("a third key that has 32 letters,"), key}})
		compared := 0
		for i := range 20 {
			r := []*rig{a, b}[i%2]
			s := r.start().answer("kitten") // passed, and no end to the failures of the code
			for range 2 {
				s.answer(r.inbox.wrong())
				if r.lastVerify() == customauth.ReasonWrongCode {
					compared++
				}
			}
			r.start().answer("puppies")
			sleep(2 * time.Hour)
		}
		// Three wrong answers each time, one of them to the word; the tenth is the last.
		if compared != 7 {
			t.Errorf("%d wrong codes were compared, want 7", compared)
		}
	})
}

// TestRightAnswersAreNoFailures: whoever answers a first step rightly, and gives up at
// the second, has failed at nothing, however often.
func TestRightAnswersAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		word := custom{issued: customauth.Issued{Answer: customauth.Hide("kitten")}}
		r := newRig(t, customauth.Options{Limits: freely(customauth.Limits{Failures: 5}), Steps: []customauth.Step{step("word", word), otp(customauth.OTP{})}})
		for i := range 20 {
			if s := r.start().answer("kitten"); s.outcome() != "asked" || s.public["step"] != "otp" {
				t.Fatalf("sign-in %d: %s at %s", i, s.outcome(), s.public["step"])
			}
			sleep(2 * time.Hour)
		}
	})
}

// TestLimitKeyFails: a Key that fails, panics or hangs closes the door.
func TestLimitKeyFails(t *testing.T) {
	for name, k := range map[string]func(context.Context, customauth.Request) (string, error){
		"fails":  func(context.Context, customauth.Request) (string, error) { return "", errors.New("for +12065550100") },
		"panics": func(context.Context, customauth.Request) (string, error) { panic("123456") },
		"hangs":  func(context.Context, customauth.Request) (string, error) { time.Sleep(time.Hour); return "", nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{Limits: customauth.Limits{Named: []customauth.Limit{{Name: "k", Windows: many, Key: k}}}})
			began := time.Now()
			if s := r.start(); s.err == nil || r.inbox.count() != 0 || time.Since(began) > 4*time.Second || strings.Contains(r.log.String(), "123456") {
				t.Errorf("%s: %s after %v\n%s", name, s.outcome(), time.Since(began), r.log)
			}
			sleep(2 * time.Hour)
		})
	}
}

// TestPressure: while many codes of the pool are out, new ones are longer, for
// unknown users too; right answers keep that from happening, and it ends by itself.
func TestPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := customauth.Limits{Pressure: customauth.Window{Max: 96, Per: 24 * time.Hour}}
		r := newRig(t, customauth.Options{Limits: limits})
		user := func(i int) []func(*signIn) {
			return []func(*signIn){named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206%07d", i))}
		}
		for i := range 2000 {
			if s := r.start(user(i)...); s.public["codeLength"] != "6" || s.answer(r.inbox.code()).outcome() != "tokens" {
				t.Fatalf("honest user %d: %v", i, s.public)
			}
		}
		short := 0
		for i := range 2000 {
			if r.start(user(10000 + i)...).public["codeLength"] == "6" {
				short++
			}
		}
		// One in 16 is counted, for 16, and the seventh finds no room in 96. That it is
		// not among the first 501 has a chance of 2 in 10^8 (the binomial distribution of
		// 501 and 1/16 at 6 or less).
		if short > 500 {
			t.Errorf("%d short codes went unanswered", short)
		}
		s := r.start(user(5000)...)
		if s.public["codeLength"] != "9" || s.answer(r.inbox.code()).outcome() != "tokens" {
			t.Errorf("an honest user under pressure: %v", s.public)
		}
		if s := r.start(unknown); s.public["codeLength"] != "9" {
			t.Errorf("an unknown user under pressure: %v", s.public)
		}
		fresh := newRig(t, customauth.Options{Store: r.opts.Store, Limits: limits})
		if s := fresh.start(named("somebody"), reaching("+12065550001")); s.public["codeLength"] != "9" {
			t.Errorf("another process: %v", s.public)
		}
		sleep(24*time.Hour + time.Minute)
		if s := r.start(user(20000)...); s.public["codeLength"] != "6" { // the process asks, for it is long ago
			t.Errorf("a day later: %v", s.public)
		}
	})
}

// TestPressureNeedsNoRequest: it costs one request in 16, about.
func TestPressureNeedsNoRequest(t *testing.T) {
	store := &brokenStore{Store: customauth.NewMemoryStore()}
	r := newRig(t, customauth.Options{Store: store, CounterKey: other, Limits: customauth.Limits{Pressure: customauth.Window{Max: 10000, Per: 24 * time.Hour}}})
	for i := range 1600 {
		r.start(named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206%07d", i)))
	}
	// 100 are expected; 160 and more are six standard deviations off.
	if got := store.asked("pressure:"); got < 40 || got > 160 {
		t.Errorf("%d requests about pressure in 1,600 challenges", got)
	}
}

// TestUsedCode: a code is right once. Cognito may repeat Verify, so it stays right for
// 15 seconds after its first use, in the sign-in that it was made for.
func TestUsedCode(t *testing.T) {
	tests := []struct {
		name   string
		second time.Duration // after the first use
		want   bool
		reason customauth.Reason
	}{
		{"repeated at once", 0, true, ""},
		{"repeated in time", 15 * time.Second, true, ""},
		{"used again", 15*time.Second + time.Millisecond, false, customauth.ReasonUsed},
		{"used again later", 2 * time.Minute, false, customauth.ReasonUsed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{})
				s := r.start()
				if !s.check(r.inbox.code(), nil) {
					t.Fatal("the code is wrong")
				}
				sleep(tt.second)
				if got := s.check(r.inbox.code(), nil); got != tt.want || r.lastReason() != tt.reason {
					t.Errorf("got %v %q, want %v %q", got, r.lastReason(), tt.want, tt.reason)
				}
				sleep(20 * time.Second)
				if s.check(r.inbox.code(), nil) {
					t.Error("a repetition made the code last longer")
				}
			})
		})
	}
}

// TestKnownDevice: what a device of the user's does is counted apart.
func TestKnownDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := func(_ context.Context, r customauth.Request) (bool, error) {
			return r.ClientMetadata["device"].Reveal() == "signed "+r.Nonce(), nil
		}
		r := newRig(t, customauth.Options{Known: known})
		if got := r.start().answer(r.inbox.code()).outcome(); got != "tokens" {
			t.Fatal(got)
		}
		sleep(time.Hour)
		for range 30 { // strangers use up what they can
			s := r.start()
			s.answer(r.inbox.wrong()).answer(r.inbox.wrong())
			sleep(31 * time.Second)
		}
		s := r.start()
		if s.outcome() != "asked rate_limited" || s.public["nonce"] == "" {
			t.Fatalf("a stranger: %v", s.public)
		}
		device := map[string]string{"action": "resend", "device": "signed " + s.public["nonce"]}
		if s.answer("-", device); s.outcome() != "asked" || s.answer(r.inbox.code()).outcome() != "tokens" {
			t.Errorf("a known device: %s", s.outcome())
		}
		forged := map[string]string{"action": "resend", "device": "signed " + r.start(named("x"), reaching("+12065550177")).public["nonce"]}
		if s := r.start().answer("-", forged); s.outcome() != "asked rate_limited" {
			t.Errorf("the nonce of another sign-in: %s", s.outcome())
		}
		if s := r.start(unknown).answer("-", device); s.public["nonce"] == "" {
			t.Errorf("an unknown user: %v", s.public)
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

// brokenStore fails as told, and counts what it is asked.
type brokenStore struct {
	customauth.Store
	fail atomic.Pointer[func(ctx context.Context) error]
	keys atomic.Pointer[[]string]
}

func (b *brokenStore) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	for {
		old := b.keys.Load()
		keys := []string{key}
		if old != nil {
			keys = append((*old)[:len(*old):len(*old)], key)
		}
		if b.keys.CompareAndSwap(old, &keys) {
			break
		}
	}
	if fail := b.fail.Load(); fail != nil {
		if err := (*fail)(ctx); err != nil {
			return nil, err
		}
	}
	return b.Store.Update(ctx, key, ops...)
}

// asked is how often keys of a kind were asked about.
func (b *brokenStore) asked(kind string) (n int) {
	for _, key := range *b.keys.Load() {
		if strings.HasPrefix(key, kind) {
			n++
		}
	}
	return n
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
				r := newRig(t, customauth.Options{Store: store, CounterKey: other})
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
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("two triggers took %v", took)
				}
				if fresh.err.Error() != "customauth: sign-in is not available at the moment" {
					t.Errorf("public text %q", fresh.err)
				}
				if log := r.log.String(); !strings.Contains(log, "store: ") || strings.Contains(log, "2065550100") || strings.Contains(log, "123456") {
					t.Errorf("log:\n%s", log)
				}
				if r.lastReason() != customauth.ReasonStore {
					t.Errorf("reason %q", r.lastReason())
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

// TestOperator: unlocking and erasing need what the handlers have, and reach all that
// is kept of an account.
func TestOperator(t *testing.T) {
	ctx := context.Background()
	broken := &brokenStore{Store: customauth.NewMemoryStore()}
	fail := func(context.Context) error { return errors.New("x") }
	broken.fail.Store(&fail)
	for name, o := range map[string]customauth.Options{
		"no store":       {Keys: []customauth.Secret{key}},
		"no key":         {Store: customauth.NewMemoryStore()},
		"a broken store": {Keys: []customauth.Secret{key}, CounterKey: other, Store: broken},
	} {
		if err := o.Unlock(ctx, pool, sub); err == nil || !strings.HasPrefix(err.Error(), "customauth: unlock") {
			t.Errorf("%s: %v", name, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{})
		r.start()
		if got := r.start().outcome(); got != "asked sent_recently" {
			t.Fatal(got)
		}
		if err := r.opts.Erase(ctx, pool, sub); err != nil {
			t.Fatal(err)
		}
		if got := r.start().outcome(); got != "asked" {
			t.Errorf("after Erase: %s", got)
		}
	})
}

// TestProved: what an account proved, and when.
func TestProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRig(t, customauth.Options{})
		before, err := r.opts.Proved(ctx, pool, sub, sms(phone))
		if before >= 0 || err != nil {
			t.Errorf("before: %v, %v", before, err)
		}
		r.start().answer(r.inbox.code())
		sleep(time.Minute)
		after, err := r.opts.Proved(ctx, pool, sub, sms(phone))
		if after != time.Minute || err != nil {
			t.Errorf("a minute later: %v, %v", after, err)
		}
		for name, to := range map[string]customauth.Destination{
			"another number": sms("+12065550199"), "another medium": {Medium: "VOICE", Address: customauth.Hide(phone)},
		} {
			if age, err := r.opts.Proved(ctx, pool, sub, to); age >= 0 || err != nil {
				t.Errorf("%s: %v, %v", name, age, err)
			}
		}
		if age, err := r.opts.Proved(ctx, pool, "another", sms(phone)); age >= 0 || err != nil {
			t.Errorf("another user: %v, %v", age, err)
		}
	})
}

// sharedRuns counts the runs of a test in this process, which its store outlives.
var sharedRuns atomic.Int64

// TestSharedDefaultStore is A6: constructors without a Store share one, so a user who
// is locked out is not texted.
func TestSharedDefaultStore(t *testing.T) {
	n := sharedRuns.Add(1)
	who := []func(*signIn){named(fmt.Sprint("shared ", n)), reaching(fmt.Sprintf("+1206%07d", n))}
	o := customauth.Options{Keys: []customauth.Secret{customauth.Hide("the key of this one test, 32 bytes")}}
	a, b := newRig(t, o), newRig(t, o)
	a.opts.Store, b.opts.Store = nil, nil
	a.rebuild()
	b.rebuild()
	a.start(who...)
	if got := b.start(who...).outcome(); got != "asked sent_recently" {
		t.Errorf("got %q", got)
	}
}
