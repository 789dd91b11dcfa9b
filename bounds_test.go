package customauth_test

// This file goes to each bound, and one step beyond it.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// TestBounds: what constructors accept at a bound, and refuse beyond it.
func TestBounds(t *testing.T) {
	issued := func(is customauth.Issued) customauth.Options {
		return customauth.Options{Steps: only(custom{issued: is, probed: true})}
	}
	answer := func(n int) customauth.Secret { return customauth.Hide(strings.Repeat("A", n)) }
	steps := func(o customauth.OTP) customauth.Options { return customauth.Options{Steps: only(o)} }
	limits := func(l customauth.Limits) customauth.Options { return customauth.Options{Limits: l} }
	const day = 24 * time.Hour
	windows := func(max int, per time.Duration) []customauth.Window { return []customauth.Window{{Max: max, Per: per}} }
	many := func(n int) []customauth.Window {
		var w []customauth.Window
		for range n {
			w = append(w, windows(5, time.Hour)...)
		}
		return w
	}
	namedLimits := func(n int) (l customauth.Limits) {
		for i := range n {
			l.Named = append(l.Named, customauth.Limit{
				Name: fmt.Sprint("limit-", i), Windows: windows(1000, time.Hour),
				Key: func(context.Context, customauth.Request) (string, error) { return "", nil },
			})
		}
		return l
	}
	name := func(n int) customauth.Limits {
		l := namedLimits(1)
		l.Named[0].Name = strings.Repeat("n", n)
		return l
	}
	key := func(different int) customauth.Options {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(i % different)
		}
		return customauth.Options{Keys: []customauth.Secret{customauth.Hide(string(b))}}
	}
	codes := func(code string, until time.Duration) customauth.Options {
		return steps(customauth.OTP{TestCodes: map[string]customauth.Secret{phone: customauth.Hide(code)}, TestCodesUntil: time.Now().Add(until)})
	}
	named := func(n int) (list []customauth.Step) {
		for i := range n {
			list = append(list, step(fmt.Sprint("step", i), customauth.OTP{}))
		}
		return list
	}
	oneOf := func(n int, way string, state int) customauth.Options {
		o := customauth.OneOf{}
		for i := range n {
			o.Ways = append(o.Ways, step(fmt.Sprint("way", i), customauth.OTP{}))
		}
		if n > 0 {
			o.Ways[n-1] = step(way, custom{issued: customauth.Issued{State: strings.Repeat("s", state)}, probed: true})
		}
		return customauth.Options{Steps: only(o)}
	}
	to := customauth.Destination{Medium: "SMS", Address: customauth.Hide(phone)}
	message := func(m customauth.Message) customauth.Options {
		return issued(customauth.Issued{Answer: customauth.Hide("123456"), Message: m})
	}
	sms := func(n int) customauth.Options {
		return message(customauth.Message{To: to, Text: customauth.Hide("123456" + strings.Repeat("é", n-6))})
	}
	reaching := func(medium, address string) customauth.Options {
		return message(customauth.Message{To: customauth.Destination{Medium: medium, Address: customauth.Hide(address)}, Text: customauth.Hide("123456")})
	}
	made := func(code string) customauth.Options {
		return steps(customauth.OTP{Generator: func(context.Context, int) (string, error) { return code, nil }})
	}
	tests := []struct {
		name     string
		in, over customauth.Options
	}{
		{"TTL from a second", issued(customauth.Issued{TTL: time.Second}), issued(customauth.Issued{TTL: time.Second - 1})},
		{"TTL to ten minutes", issued(customauth.Issued{TTL: 10 * time.Minute}), issued(customauth.Issued{TTL: 10*time.Minute + 1})},
		{"TTL is not negative", issued(customauth.Issued{}), issued(customauth.Issued{TTL: -1})},
		{"ResendAfter", issued(customauth.Issued{ResendAfter: time.Hour}), issued(customauth.Issued{ResendAfter: time.Hour + 1})},
		{"ResendAfter and the default TTL", steps(customauth.OTP{ResendAfter: 3 * time.Minute}), steps(customauth.OTP{ResendAfter: 3*time.Minute + 1})},
		{"MaxSends", issued(customauth.Issued{MaxSends: 8}), issued(customauth.Issued{MaxSends: 9})},
		{"MaxSends is not negative", issued(customauth.Issued{}), issued(customauth.Issued{MaxSends: -1})},
		{"MaxAnswer", issued(customauth.Issued{MaxAnswer: 16384}), issued(customauth.Issued{MaxAnswer: 16385})},
		{"MaxAnswer is not negative", issued(customauth.Issued{}), issued(customauth.Issued{MaxAnswer: -1})},
		{"State", issued(customauth.Issued{State: strings.Repeat("s", 128)}), issued(customauth.Issued{State: strings.Repeat("s", 129)})},
		{"Answer to 256 bytes", issued(customauth.Issued{Answer: answer(256)}), issued(customauth.Issued{Answer: answer(257)})},
		{"Answer from 6 characters", issued(customauth.Issued{Answer: answer(6)}), issued(customauth.Issued{Answer: answer(5)})},
		{"no Answer, or one of a character", issued(customauth.Issued{}), issued(customauth.Issued{Answer: answer(1)})},
		{"no Answer, or one that can be guessed", issued(customauth.Issued{Unguessable: true}), issued(customauth.Issued{Answer: answer(1), Unguessable: true})},
		{"a short Answer, Insecure", issued(customauth.Issued{Answer: answer(1), InsecureShortAnswer: true}), issued(customauth.Issued{Answer: customauth.Hide("- -"), InsecureShortAnswer: true})},
		{"Answer is UTF-8", issued(customauth.Issued{Answer: customauth.Hide("é12345")}), issued(customauth.Issued{Answer: customauth.Hide("\xff12345")})},
		{"Unguessable", issued(customauth.Issued{Answer: answer(26), Unguessable: true}), issued(customauth.Issued{Answer: answer(25), Unguessable: true})},
		{"Refused", issued(customauth.Issued{Refused: customauth.Reason(strings.Repeat("w", 40))}), issued(customauth.Issued{Refused: customauth.Reason(strings.Repeat("w", 41))})},
		{"Refused is a word", issued(customauth.Issued{Refused: "so_2"}), issued(customauth.Issued{Refused: "So"})},
		{"a text and where it goes", message(customauth.Message{To: to, Text: customauth.Hide("123 456")}), message(customauth.Message{Text: customauth.Hide("123456")})},
		{"an SMS of 1,600 characters", sms(1600), sms(1601)},
		{"others of a probe", issued(customauth.Issued{Others: []customauth.Issued{{TTL: time.Minute}}}), issued(customauth.Issued{Others: []customauth.Issued{{TTL: time.Hour}}})},

		{"a step's name", customauth.Options{Steps: []customauth.Step{step(strings.Repeat("n", 64), customauth.OTP{})}}, customauth.Options{Steps: []customauth.Step{step(strings.Repeat("n", 65), customauth.OTP{})}}},
		{"steps", customauth.Options{Steps: named(5)}, customauth.Options{Steps: named(6)}},
		{"attempts from one", customauth.Options{Attempts: customauth.MaxAttempts(1)}, customauth.Options{Attempts: customauth.MaxAttempts(0)}},
		{"attempts to eight", customauth.Options{Attempts: customauth.MaxAttempts(8)}, customauth.Options{Attempts: customauth.MaxAttempts(9)}},
		{"a key's bytes", key(8), key(7)},
		{"a failure", limits(customauth.Limits{Failures: 100}), limits(customauth.Limits{Failures: 101})},
		{"pressure", limits(customauth.Limits{Pressure: customauth.Window{Max: 16, Per: time.Hour}}), limits(customauth.Limits{Pressure: customauth.Window{Max: 15, Per: time.Hour}})},
		{"windows", limits(customauth.Limits{Messages: many(6)}), limits(customauth.Limits{Messages: many(7)})},
		{"messages", limits(customauth.Limits{Messages: windows(100, day)}), limits(customauth.Limits{Messages: windows(101, day)})},
		{"1,000 messages a day", limits(customauth.Limits{Messages: windows(100, 144*time.Minute)}), limits(customauth.Limits{Messages: windows(100, 144*time.Minute-1)})},
		{"messages to a destination", limits(customauth.Limits{Destination: windows(100, day)}), limits(customauth.Limits{Destination: windows(101, day)})},
		{"1,000 messages a day to a destination", limits(customauth.Limits{Destination: windows(100, 144*time.Minute)}), limits(customauth.Limits{Destination: windows(100, 144*time.Minute-1)})},
		{"1,000 messages a day over all accounts", limits(customauth.Limits{Unproved: windows(1000, day)}), limits(customauth.Limits{Unproved: windows(1001, day)})},
		{"a window", limits(customauth.Limits{Unproved: append(windows(1, time.Millisecond), windows(5, day)...)}), limits(customauth.Limits{Unproved: append(windows(1, time.Millisecond-1), windows(5, day)...)})},
		{"100,000 codes a day without pressure", limits(customauth.Limits{Pressure: customauth.Window{Max: 100_000, Per: day}}), limits(customauth.Limits{Pressure: customauth.Window{Max: 100_001, Per: day}})},
		{"1,000 guesses a day", limits(customauth.Limits{Guesses: windows(100, 144*time.Minute)}), limits(customauth.Limits{Guesses: windows(100, 144*time.Minute-1)})},
		{"named limits", limits(namedLimits(8)), limits(namedLimits(9))},
		{"a limit's name", limits(name(32)), limits(name(33))},

		{"test codes for a year", codes("123456", 366*24*time.Hour), codes("123456", 367*24*time.Hour)},
		{"a test code", codes(strings.Repeat("1", 64), time.Hour), codes(strings.Repeat("1", 65), time.Hour)},
		{"a short test code", codes("123456", time.Hour), codes("12345", time.Hour)},
		{"a made code", made(strings.Repeat("1", 64)), made(strings.Repeat("1", 65))},
		{"a made code that counts", made("12 34-56"), made("- -")},
		{"digits", steps(customauth.OTP{Generator: customauth.Digits(32)}), steps(customauth.OTP{Generator: customauth.Digits(33)})},
		{"a WebOTP port", steps(customauth.OTP{WebOTPDomain: "a.example:65535"}), steps(customauth.OTP{WebOTPDomain: "a.example:65536"})},
		{"the first WebOTP port", steps(customauth.OTP{WebOTPDomain: "a.example:1"}), steps(customauth.OTP{WebOTPDomain: "a.example:0"})},
		{"a WebOTP label", steps(customauth.OTP{WebOTPDomain: strings.Repeat("a", 63) + ".example"}), steps(customauth.OTP{WebOTPDomain: strings.Repeat("a", 64) + ".example"})},
		{"a WebOTP name", steps(customauth.OTP{WebOTPDomain: strings.Repeat("a.", 126) + "a"}), steps(customauth.OTP{WebOTPDomain: strings.Repeat("a.", 126) + "aa"})},
		{"a WebOTP dash", steps(customauth.OTP{WebOTPDomain: "a-b.example"}), steps(customauth.OTP{WebOTPDomain: "a-.example"})},

		{"two ways", oneOf(2, "last", 0), oneOf(1, "last", 0)},
		{"eight ways", oneOf(8, "last", 0), oneOf(9, "last", 0)},
		{"a way's name", oneOf(2, strings.Repeat("w", 16), 0), oneOf(2, strings.Repeat("w", 17), 0)},
		{"a way's state", oneOf(2, "last", 96), oneOf(2, "last", 97)},

		{"a short number", reaching("SMS", "+1234567"), reaching("SMS", "+123456")},
		{"a long number", reaching("VOICE", "+123456789012345"), reaching("VOICE", "+1234567890123456")},
		{"a number's first digit", reaching("SMS", "+12065550100"), reaching("SMS", "+02065550100")},
		{"an address", reaching("EMAIL", "a@b"), reaching("EMAIL", "@b")},
		{"an address's end", reaching("EMAIL", "a@b@c"), reaching("EMAIL", "a@")},
		{"an address in one piece", reaching("EMAIL", "a.b@c"), reaching("EMAIL", "a b@c")},
		{"a long address", reaching("EMAIL", strings.Repeat("a", 252)+"@b"), reaching("EMAIL", strings.Repeat("a", 253)+"@b")},
	}
	senders := map[string]customauth.Sender{}
	for _, medium := range []string{"SMS", "VOICE", "EMAIL"} {
		senders[medium] = new(inbox)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for o, ok := range map[*customauth.Options]bool{&tt.in: true, &tt.over: false} {
				if o.Keys == nil {
					o.Keys = []customauth.Secret{other}
				}
				o.Senders = senders
				if _, err := customauth.NewDefine(*o); (err == nil) != ok {
					t.Errorf("got %v, want it accepted: %t", err, ok)
				}
			}
		})
	}
}

// TestMostParameters: a step shows 16 KiB at most.
func TestMostParameters(t *testing.T) {
	for size, want := range map[int]string{16 << 10: "asked", 16<<10 + 1: "error: customauth: sign-in is not available at the moment"} {
		s := newRig(t, customauth.Options{Steps: only(custom{public: map[string]string{"p": strings.Repeat("x", size-1)}})}).start()
		if got := s.outcome(); got != want {
			t.Errorf("%d bytes: %s, want %s", size, got, want)
		}
	}
}

// TestNamedGuesses: a limit on guesses over accounts gives right ones back; when it is
// full, no code is sent that nobody could answer.
func TestNamedGuesses(t *testing.T) {
	r := newRig(t, customauth.Options{Limits: customauth.Limits{Named: []customauth.Limit{{
		Name: "all", Guesses: true, Windows: []customauth.Window{{Max: 2, Per: time.Hour}},
		Key: func(context.Context, customauth.Request) (string, error) { return "all", nil },
	}}}})
	try := func(i int, right bool) string {
		s := r.start(named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206555%04d", i)))
		if right {
			return s.answer(r.inbox.code()).outcome()
		}
		return s.answer(r.inbox.wrong()).outcome()
	}
	var got []string
	for i, right := range []bool{true, true, true, false, false, true} {
		got = append(got, try(i, right))
	}
	want := []string{"tokens", "tokens", "tokens", "asked wrong_code", "asked rate_limited", "asked rate_limited"}
	if diff := cmp.Diff(want, got); diff != "" || r.events[len(r.events)-3].Reason != customauth.ReasonNoChallenge {
		t.Errorf("(-want +got):\n%s\nthe last answer: %s", diff, r.events[len(r.events)-3].Reason)
	}
}

// ages is a Store that knows how old things are, by the kind of their key.
type ages map[string]time.Duration

func (a ages) Update(_ context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	kind, _, _ := strings.Cut(key, ":")
	return []customauth.Found{{Age: a[kind]}}, nil
}
func (ages) Forget(context.Context, string) error { return nil }
func (ages) Warm(context.Context) error           { return nil }

// TestProvedJustNow: a proof of this very sign-in is found by one request.
func TestProvedJustNow(t *testing.T) {
	for account, want := range map[time.Duration]int{0: 1, time.Minute - 1: 1, time.Minute: 2, -1: 2} {
		store := &brokenStore{Store: ages{"account": account, "device": -1}}
		o := customauth.Options{Store: store, CounterKey: other}
		if age, err := o.Proved(t.Context(), pool, sub, sms(phone)); age != account || err != nil {
			t.Errorf("account %v: %v, %v", account, age, err)
		}
		if got := store.asked("account:") + store.asked("device:"); got != want {
			t.Errorf("account %v: %d requests, want %d", account, got, want)
		}
	}
}

// TestProvedByEither: the account and its devices count, and the newest proof holds.
func TestProvedByEither(t *testing.T) {
	for _, tt := range []struct{ account, device, want time.Duration }{
		{-1, -1, -1}, {0, -1, 0}, {-1, 0, 0}, {0, time.Hour, 0}, {time.Hour, 0, 0}, {time.Hour, -1, time.Hour}, {-1, time.Hour, time.Hour},
		{2 * time.Hour, time.Hour, time.Hour}, {time.Hour, 2 * time.Hour, time.Hour},
	} {
		o := customauth.Options{Store: ages{"account": tt.account, "device": tt.device}, CounterKey: other}
		got, err := o.Proved(t.Context(), pool, sub, customauth.Destination{Medium: "SMS", Address: customauth.Hide(phone)})
		if err != nil || got != tt.want {
			t.Errorf("account %v, device %v: %v (%v), want %v", tt.account, tt.device, got, err, tt.want)
		}
	}
}

// TestLongCodesAreNoPressure: where codes have nine digits anyhow, nothing is asked
// about the pressure.
func TestLongCodesAreNoPressure(t *testing.T) {
	for n, want := range map[int]bool{8: true, 9: false} {
		store := &brokenStore{Store: customauth.NewMemoryStore()}
		r := newRig(t, customauth.Options{Store: store, CounterKey: other, Steps: only(customauth.OTP{Generator: customauth.Digits(n)})})
		for i := range 200 { // of short ones, the first is asked about, and 1 in 16
			r.start(named(fmt.Sprint("user", i)), reaching(fmt.Sprintf("+1206%07d", i)))
		}
		if got := store.asked("pressure:"); (got > 0) != want {
			t.Errorf("%d digits: %d requests about pressure", n, got)
		}
	}
}

// TestShortCodes: where they are allowed, they are as short as they are set to be.
func TestShortCodes(t *testing.T) {
	r := newRig(t, customauth.Options{Steps: only(customauth.OTP{Generator: customauth.Digits(4), InsecureShortCodes: true})})
	if s := r.start(); s.public["codeLength"] != "4" || len(r.inbox.code()) != 4 {
		t.Errorf("a code of 4 digits has %d, and codeLength %s", len(r.inbox.code()), s.public["codeLength"])
	}
}

// TestLocales: the language of a message is the last that the app named, and the
// profile's where it was too long to be remembered.
func TestLocales(t *testing.T) {
	for _, tt := range []struct{ asked, want []string }{
		{[]string{"de", "", "zh-Hant-TW", ""}, []string{"fi", "de", "de", "zh-Hant-TW", "zh-Hant-TW"}},
		{[]string{"de", "sl-IT-rozaj-biske", ""}, []string{"fi", "de", "sl-IT-rozaj-biske", "fi"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{Steps: only(customauth.OneOf{Ways: []customauth.Step{
				step("sms", customauth.OTP{MaxSends: 8}), step("email", customauth.OTP{Medium: "EMAIL"}),
			}})})
			s := r.start(holding(map[string]string{"locale": "fi", "phone_number_verified": "true"}))
			for _, locale := range tt.asked {
				time.Sleep(31 * time.Second)
				m := map[string]string{"action": "resend"}
				if locale != "" {
					m["locale"] = locale
				}
				s.answer("-", m)
			}
			var got []string
			for _, m := range r.inbox.texts {
				got = append(got, m.Locale)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("locales (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusedGuessIsGivenBack: what one limit refuses is not counted by another.
func TestRefusedGuessIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Attempts: customauth.MaxAttempts(8), Limits: customauth.Limits{Named: []customauth.Limit{{
			Name: "all", Guesses: true, Windows: []customauth.Window{{Max: 1, Per: time.Minute}},
			Key: func(context.Context, customauth.Request) (string, error) { return "all", nil },
		}}}})
		s := r.start()
		code := r.inbox.code()
		r.start(named("another"), reaching("+12065550199")).answer(r.inbox.wrong())
		for range 6 { // one more than an account has in five minutes
			if s.answer("000000x"); r.events[len(r.events)-3].Reason != customauth.ReasonRateLimited {
				t.Fatalf("the limit over all accounts: %s", r.events[len(r.events)-3].Reason)
			}
		}
		sleep(time.Minute)
		if s.answer(code); s.outcome() != "tokens" {
			t.Errorf("after the limit over all accounts: %s", s.outcome())
		}
	})
}

// TestProvesNothing: a right answer that proves no destination is remembered for none.
func TestProvesNothing(t *testing.T) {
	r := newRig(t, customauth.Options{CounterKey: other, Steps: only(custom{issued: customauth.Issued{Answer: customauth.Hide("123456")}})})
	if s := r.start().answer("123456"); s.outcome() != "tokens" {
		t.Fatal(s.outcome())
	}
	if age, err := r.opts.Proved(t.Context(), pool, sub, customauth.Destination{}); err != nil || age >= 0 {
		t.Errorf("proved %v ago, %v", age, err)
	}
}

// TestLastRound: a step that would begin after the eighth challenge ends the sign-in.
func TestLastRound(t *testing.T) {
	for wrong, want := range map[int]string{6: "asked", 7: "failed"} {
		r := newRig(t, customauth.Options{
			Attempts: customauth.MaxAttempts(8), Limits: customauth.Limits{Guesses: []customauth.Window{{Max: 20, Per: time.Hour}}},
			Steps: []customauth.Step{step("one", custom{issued: customauth.Issued{Answer: customauth.Hide("123456")}}), step("two", customauth.OTP{})},
		})
		s := r.start()
		for range wrong {
			s.answer("000000")
		}
		if s.answer("123456"); s.outcome() != want {
			t.Errorf("right after %d wrong answers: %s, want %s", wrong, s.outcome(), want)
		}
	}
}

// stateful is a way that adds to its state, and shows what it was given.
type stateful struct{ name string }

func (w stateful) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{State: r.State + w.name, Unguessable: true}, nil
}

func (stateful) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	return map[string]string{"state": r.State}, nil
}

func (stateful) Check(context.Context, customauth.Request, string) (customauth.Checked, error) {
	return customauth.Checked{}, nil
}

// TestWaysKeepTheirState: a way sees its own state again, and never another's.
func TestWaysKeepTheirState(t *testing.T) {
	r := newRig(t, customauth.Options{Steps: only(customauth.OneOf{Ways: []customauth.Step{step("a", stateful{"a"}), step("b", stateful{"b"})}})})
	s := r.start()
	got := []string{s.public["state"]}
	for _, m := range []map[string]string{resend, choose("b"), choose("b"), choose("a")} {
		s.answer("-", m)
		got = append(got, s.public["state"])
	}
	if diff := cmp.Diff([]string{"a", "aa", "b", "bb", "a"}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// TestUsedLink: an answer that nobody can guess is right once, too.
func TestUsedLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := strings.Repeat("A2", 13)
		r := newRig(t, customauth.Options{Steps: only(custom{issued: customauth.Issued{Answer: customauth.Hide(link), Unguessable: true}})})
		s := r.start()
		if !s.check(link, nil) {
			t.Fatal("the answer is wrong")
		}
		sleep(16 * time.Second)
		if s.check(link, nil) || r.lastReason() != customauth.ReasonUsed {
			t.Errorf("used twice: %s", r.lastReason())
		}
	})
}

// TestNothingToCount: where there is no code and nothing to guess, no store is asked.
func TestNothingToCount(t *testing.T) {
	asked := 0
	store := watched{customauth.NewMemoryStore(), func() { asked++ }}
	r := newRig(t, customauth.Options{Store: store, CounterKey: other, Steps: []customauth.Step{step("captcha", captcha{}), step("otp", customauth.OTP{})}})
	s := r.start()
	asked = 0
	if s.check("no token", nil) || s.err != nil || asked != 0 {
		t.Errorf("a wrong token: %v, %d requests", s.err, asked)
	}
}

// watched is a Store that says when it is asked.
type watched struct {
	customauth.Store
	asked func()
}

func (c watched) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	c.asked()
	return c.Store.Update(ctx, key, ops...)
}

// TestUnknownRequest: a step that describes what others see is told that it does.
func TestUnknownRequest(t *testing.T) {
	var seen []customauth.Request
	look := func(_ context.Context, r customauth.Request) (customauth.Destination, error) {
		if !r.Probe {
			seen = append(seen, r)
		}
		return customauth.Destination{Medium: "EMAIL", Address: r.Attributes["email"]}, nil
	}
	mail := customauth.OTP{Medium: "EMAIL", Destination: look}
	r := newRig(t, customauth.Options{Steps: only(customauth.OneOf{Ways: []customauth.Step{step("email", mail), step("sms", customauth.OTP{})}})})
	r.start(onlyPhone)
	if len(seen) == 0 {
		t.Fatal("the way was not asked")
	}
	got := seen[len(seen)-1]
	if !got.UserNotFound || got.Attributes["email"].Reveal() == "someone@example.com" {
		t.Errorf("unknown %v, with the user's own address: %v", got.UserNotFound, got.Attributes["email"].Reveal() == "someone@example.com")
	}
	shapes := map[string]string{
		"sub":          `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`,
		"phone_number": `^\+1206\d{7}$`, "phone_number_verified": "^true$",
		"email": `^[a-z][0-9a-f]{8}@[a-z]\.example$`, "email_verified": "^true$",
	}
	for name, shape := range shapes {
		if value := got.Attributes[name].Reveal(); !regexp.MustCompile(shape).MatchString(value) {
			t.Errorf("the made-up %s is %q, want %s", name, value, shape)
		}
	}
}

// TestDefaultLimits: they are a promise, so a change of one is no accident.
func TestDefaultLimits(t *testing.T) {
	const day = 24 * time.Hour
	want := customauth.Limits{
		Guesses:     []customauth.Window{{Max: 5, Per: 5 * time.Minute}, {Max: 10, Per: time.Hour}, {Max: 20, Per: day}},
		Failures:    100,
		Messages:    []customauth.Window{{Max: 15, Per: day}},
		Destination: []customauth.Window{{Max: 5, Per: time.Hour}, {Max: 10, Per: day}},
		Unproved:    []customauth.Window{{Max: 5, Per: day}},
		Pressure:    customauth.Window{Max: 500, Per: day},
	}
	if diff := cmp.Diff(want, customauth.DefaultLimits()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRefusedAtFirst: what an app is shown of a challenge that a step refused to make.
func TestRefusedAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Steps: only(custom{issued: customauth.Issued{Refused: "no_pet"}})})
		s := r.start()
		want := map[string]string{"step": "otp", "errorCode": "no_pet", "attemptsRemaining": "3", "resendAfter": "0"}
		for _, what := range []string{"first", "again"} {
			if diff := cmp.Diff(want, s.public); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			s.answer("-")
			want["attemptsRemaining"] = "2"
		}
	})
}

// TestRequestKey: a name for a value is the same for all users of a pool, and another in
// another pool, for another kind, and under another key.
func TestRequestKey(t *testing.T) {
	keyOf := func(counterKey customauth.Secret, who ...func(*signIn)) (short string) {
		named := customauth.Limits{Named: []customauth.Limit{{
			Name: "all", Windows: []customauth.Window{{Max: 100, Per: time.Hour}},
			Key: func(_ context.Context, r customauth.Request) (string, error) {
				short = r.Key("kind", "value")
				return "all", nil
			},
		}}}
		newRig(t, customauth.Options{CounterKey: counterKey, Limits: named}).start(who...)
		return short
	}
	name := keyOf(other)
	if got := keyOf(other, named("another")); got != name {
		t.Errorf("two users: %q and %q", name, got)
	}
	if got := keyOf(other, func(s *signIn) { s.pool = "eu-west-1_Other0001" }); got == name {
		t.Errorf("two pools: both %q", got)
	}
	if got := keyOf(customauth.Hide("a third key that has 32 letters,")); got == name {
		t.Errorf("two keys: both %q", got)
	}
	var none customauth.Request
	if a, b := none.Key("kind", "value"), none.Key("kinds", "value"); a == b || a != none.Key("kind", "value") {
		t.Errorf("a request of a test's own: %q and %q", a, b)
	}
}

// TestProbe: what a constructor asks a step with: a user that there is not, who has
// everything, and a code of each length.
func TestProbe(t *testing.T) {
	type probe struct {
		Probe, Unknown bool
		Length         int
		Phone, Mail    bool
	}
	var got []probe
	look := func(_ context.Context, r customauth.Request) (customauth.Destination, error) {
		number := r.Attributes["phone_number"]
		got = append(got, probe{r.Probe, r.UserNotFound, r.CodeLength, number.Reveal() != "", r.Attributes["email"].Reveal() != ""})
		return customauth.Destination{Medium: "SMS", Address: number}, nil
	}
	if _, err := customauth.NewDefine(customauth.Options{Keys: []customauth.Secret{key}, Steps: only(customauth.OTP{Destination: look})}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]probe{{true, true, 6, true, true}, {true, true, 9, true, true}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLogLevels: what an operator's alarm on the level sees.
func TestLogLevels(t *testing.T) {
	level := func(r *rig) string {
		lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
		var line struct{ Level string }
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
			t.Fatal(err)
		}
		return line.Level
	}
	r := newRig(t, customauth.Options{})
	if r.start(); level(r) != "INFO" {
		t.Errorf("a challenge: %s", level(r))
	}
	r = newRig(t, customauth.Options{})
	r.inbox.failWith(fails(customauth.ErrThrottled))
	if r.start(); level(r) != "WARN" {
		t.Errorf("a message that was not sent: %s", level(r))
	}
	r = newRig(t, customauth.Options{})
	if r.start().check("000000x", nil); level(r) != "WARN" {
		t.Errorf("a wrong answer: %s", level(r))
	}
	r = newRig(t, customauth.Options{Store: broken{}, CounterKey: other})
	if r.start(); level(r) != "ERROR" {
		t.Errorf("a store that does not answer: %s", level(r))
	}
}

// broken is a Store that cannot be asked.
type broken struct{ customauth.Store }

func (broken) Warm(context.Context) error { return nil }

func (broken) Update(context.Context, string, ...customauth.Op) ([]customauth.Found, error) {
	return nil, errors.New("no store")
}

// TestObserveIsBounded: a trigger waits for Observe a quarter of a second, no longer.
func TestObserveIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := func(context.Context, customauth.Event) { time.Sleep(time.Minute) }
		r := newRig(t, customauth.Options{Observe: deaf})
		began := time.Now()
		r.start()
		if took := time.Since(began); took != 500*time.Millisecond { // Define and Create
			t.Errorf("two triggers took %v, want 500ms", took)
		}
		sleep(2 * time.Minute) // lets Observe come back
	})
}

// TestProvedFor: an account is known to hold a destination for 180 days.
func TestProvedFor(t *testing.T) {
	const days = 180 * 24 * time.Hour
	for later, want := range map[time.Duration]bool{days - time.Millisecond: true, days: false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{CounterKey: other})
			if s := r.start().answer(r.inbox.code()); s.outcome() != "tokens" {
				t.Fatal(s.outcome())
			}
			sleep(later)
			age, err := r.opts.Proved(t.Context(), pool, sub, sms(phone))
			if err != nil || age >= 0 != want {
				t.Errorf("%v later: proved %v ago, %v", later, age, err)
			}
		})
	}
}
