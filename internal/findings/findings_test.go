package findings_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const day = 24 * time.Hour

func unknown(i int) user {
	return user{name: fmt.Sprintf("b3a1c7d2-0000-4e5f-9a6b-%012x", i), unknown: true}
}

func account(i int, number string) user {
	return user{name: fmt.Sprintf("5ca1ab1e-0000-4e5f-9a6b-%012x", i), phone: number}
}

func number(i int) string { return fmt.Sprintf("+1206555%04d", 1000+i) }

// TestFindings has one entry for each finding that is behaviour. They run in a bubble,
// so hours cost nothing.
func TestFindings(t *testing.T) {
	tests := map[string]func(t *testing.T){
		"S1 made-up names use up a pool-wide limit on guesses": func(t *testing.T) {
			r := newRig(t, spec{shared: []shared{{"pool", true, window{20, day}}}})
			for i := range 30 {
				r.start(unknown(i)).wrong()
			}
			r.start(owner).right().is("tokens")
		},
		"S3 a stranger with a password and the owner's number starves the owner": func(t *testing.T) {
			r := newRig(t, spec{steps: []stepSpec{{kind: "password"}, {}}})
			r.startAfterPassword(owner).right().is("tokens")
			for range 40 {
				time.Sleep(5 * time.Minute)
				r.startAfterPassword(account(1, phone))
			}
			time.Sleep(time.Minute)
			r.startAfterPassword(owner).right().is("tokens")
		},
		"S4 a stranger's own account tells whether a number is in use": func(t *testing.T) {
			r := newRig(t, spec{})
			for range 5 { // the owner signs in as often as an hour allows
				r.start(owner).right().is("tokens")
				time.Sleep(time.Minute)
			}
			used, free := r.start(account(1, phone)).outcome(), r.start(account(2, number(1))).outcome()
			if used != free {
				t.Errorf("a number in use: %q, a free one: %q; want the same", used, free)
			}
		},
		"S5 an account that changes its number texts without end": func(t *testing.T) {
			r := newRig(t, spec{})
			for i := range 100 {
				r.start(account(1, number(i)))
				time.Sleep(31 * time.Second)
			}
			if n := r.sent(); n > 15 {
				t.Errorf("%d texts to %d numbers within an hour, want 15 at most", n, n)
			}
		},
		"S7 one limit with a key drops those on a number": func(t *testing.T) {
			r := newRig(t, spec{shared: []shared{{"pool", false, window{10000, day}}}})
			for range 100 {
				r.start(owner)
				time.Sleep(31 * time.Second)
			}
			if n := r.sent(); n > 5 {
				t.Errorf("%d texts to one number within an hour, want 5 at most", n)
			}
		},
		"S8 made-up names flush the counters of users out of memory": func(t *testing.T) {
			if testing.Short() {
				t.Skip("68,000 names")
			}
			r := newRig(t, spec{guesses: []window{{2, day}}})
			for i := range 50 {
				r.start(account(i, number(i))).wrong().wrong()
			}
			for i := range 68000 { // the store keeps 65,536 keys
				r.guess(unknown(i))
			}
			time.Sleep(time.Minute)
			forgotten := 0
			for i := range 50 {
				if r.start(account(i, number(i))).right().tokens {
					forgotten++
				}
			}
			if forgotten > 0 {
				t.Errorf("%d of 50 locked accounts are open again", forgotten)
			}
		},
		"S9 a new first key forgets the failures": func(t *testing.T) {
			s := spec{store: newStore(), steps: []stepSpec{{medium: "EMAIL"}}}
			r := newRig(t, s)
			for range 60 {
				r.start(owner).wrong().wrong()
				time.Sleep(6 * time.Hour)
			}
			s.keys = []string{secondKey, firstKey}
			r = newRig(t, s)
			if s := r.start(owner).right(); s.tokens {
				t.Error("100 wrong guesses in a row, a new key, and the account can be guessed at: want it locked")
			}
		},
		"S9 two steps allow twice as many failures": func(t *testing.T) {
			r := newRig(t, spec{
				steps:   []stepSpec{{name: "one"}, {name: "two", medium: "EMAIL"}},
				guesses: []window{{99, day}},
			})
			for i := range 200 {
				s := r.start(owner)
				if i >= 60 {
					s.right()
				}
				s.wrong()
				time.Sleep(13 * time.Hour)
			}
			n := 0
			for _, e := range r.events {
				if e == [2]string{"verify", "wrong_code"} {
					n++
				}
			}
			if n > 100 {
				t.Errorf("%d wrong guesses without a sign-in, want 100 at most", n)
			}
		},
		"S10 values in somebody's struct print what they hold": func(t *testing.T) {
			r := newRig(t, spec{})
			r.start(owner)
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				text := fmt.Sprintf(verb, r.texts[0].held)
				for _, secret := range []string{phone, r.code(), "someone@example.com"} {
					if strings.Contains(text, secret) {
						t.Errorf("%s shows %q", verb, secret)
					}
				}
			}
		},
		"A1 a wrapped OTP has no cap on texts": func(t *testing.T) {
			r := newRig(t, spec{steps: []stepSpec{{kind: "wrapped", maxSends: 1}}})
			s := r.start(owner)
			for range 3 {
				time.Sleep(40 * time.Second)
				s.resend()
			}
			if n := r.sent(); n != 1 {
				t.Errorf("%d texts, want MaxSends, 1", n)
			}
		},
		"A1 a wrapped OTP does not show where its code went": func(t *testing.T) {
			s := newRig(t, spec{steps: []stepSpec{{kind: "wrapped"}}}).start(owner)
			if s.public["CODE_DELIVERY_DELIVERY_MEDIUM"] != "SMS" || s.public["CODE_DELIVERY_DESTINATION"] == "" {
				t.Errorf("public parameters %v, want CODE_DELIVERY_*", s.public)
			}
		},
		"A1 the guard of a wrapped OTP hears of no right code": func(t *testing.T) {
			r := newRig(t, spec{steps: []stepSpec{{kind: "wrapped"}}})
			r.start(owner).right().is("tokens")
			if !slices.Equal(r.proved, []string{phone}) {
				t.Errorf("the guard heard of %v, want %s", r.proved, phone)
			}
		},
		"A2 the answer of a passkey is too long": func(t *testing.T) {
			newRig(t, spec{steps: []stepSpec{{kind: "long", public: 200}}}).start(owner).answer(assertion).is("tokens")
		},
		"A2 three credential ids are too long": func(t *testing.T) {
			newRig(t, spec{steps: []stepSpec{{kind: "long", public: 264}}}).start(owner).is("asked")
		},
		"A2 a cancelled proof burns an attempt": func(t *testing.T) {
			s := newRig(t, spec{steps: []stepSpec{{kind: "long", public: 200}}}).start(owner).answer("cancelled")
			if got := s.public["attemptsRemaining"]; got != "3" {
				t.Errorf("%s attempts remain, want 3", got)
			}
		},
		"A2 the second round makes the session too long": func(t *testing.T) {
			s := newRig(t, spec{steps: []stepSpec{{kind: "long", public: 200}}}).start(owner).answer("cancelled").answer("cancelled")
			if s.failed || s.err != nil || s.weight() > 2048 {
				t.Errorf("the sign-in is %q and the session has %d characters, want 2,048 at most", s.outcome(), s.weight())
			}
		},
		"A3 inserting a limit resets another one's count": func(t *testing.T) {
			s := spec{store: newStore(), shared: []shared{{"pool", false, window{3, day}}}}
			for i := range 3 {
				newRig(t, s).start(account(i, number(i))).is("asked")
			}
			s.shared = slices.Insert(s.shared, 0, shared{"burst", false, window{100, time.Hour}})
			newRig(t, s).start(account(4, number(4))).is("asked rate_limited")
		},
		"A9 a slow Observe delays a trigger": func(t *testing.T) {
			r := newRig(t, spec{observe: func() { time.Sleep(6 * time.Second) }})
			began := time.Now()
			r.start(owner) // Define and Create
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("Define and Create took %v, want less than Cognito's 5s for each, by far", took)
			}
			time.Sleep(time.Minute) // until Observe has ended
		},
		"A9 rejected calls are not observed": func(t *testing.T) {
			r := newRig(t, spec{})
			if _, err := r.h.Invoke(context.Background(), []byte(`{"triggerSource":`)); err == nil {
				t.Error("half an event is accepted")
			}
			if len(r.events) != 1 || r.events[0][1] != "malformed_event" {
				t.Errorf("events %v, want one with malformed_event", r.events)
			}
		},
		"A9 the reason of a guard's refusal is no word": func(t *testing.T) {
			r := newRig(t, spec{guard: "this country is closed"})
			r.start(owner)
			if got := r.events[len(r.events)-1][1]; got != "guard" {
				t.Errorf("reason %q, want guard", got)
			}
		},
		"U1 a code that expired cannot be had anew": func(t *testing.T) {
			life := describedSession(t)
			s := newRig(t, spec{}).start(owner)
			began := time.Now()
			expires, err := time.Parse(time.RFC3339, s.public["expiresAt"])
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(expires) + 45*time.Second)
			if at := time.Since(began); at >= life {
				t.Fatalf("45s after the code expired, at %v, the session of %v is gone", at, life)
			}
			s.right().is("asked expired")
			s.resend().right().is("tokens")
		},
		"U2 a reload right after a text": func(t *testing.T) {
			r := newRig(t, spec{})
			r.start(owner)
			time.Sleep(5 * time.Second)
			r.start(owner).is("asked sent_recently")
		},
		"U2 the resends are used up": func(t *testing.T) {
			s := newRig(t, spec{steps: []stepSpec{{maxSends: 2}}}).start(owner)
			for range 2 {
				time.Sleep(31 * time.Second)
				s.resend()
			}
			s.is("asked no_resends_left")
			if s.public["resendAfter"] != "" {
				t.Errorf("resendAfter is %q, want none", s.public["resendAfter"])
			}
		},
		"U2 a limit across sign-ins": func(t *testing.T) {
			r := newRig(t, spec{})
			for range 5 {
				r.start(owner)
				time.Sleep(31 * time.Second)
			}
			s := r.start(owner)
			s.is("asked rate_limited")
			if after, _ := strconv.Atoi(s.public["resendAfter"]); s.public["resendAfter"] != "" && after < 60 {
				t.Errorf("offers a resend in %ss that cannot work", s.public["resendAfter"])
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// describedSession is how long a session lives in the pool that docs/console.md describes.
func describedSession(t *testing.T) time.Duration {
	t.Helper()
	doc, err := os.ReadFile("../../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("`AuthSessionValidity` \\| (\\d+) minutes").FindSubmatch(doc)
	if m == nil {
		t.Fatal("docs/console.md does not say AuthSessionValidity")
	}
	minutes, _ := strconv.Atoi(string(m[1]))
	return time.Duration(minutes) * time.Minute
}

// TestRefused: what the constructors must not accept.
func TestRefused(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	tests := map[string]struct {
		spec spec
		want string // names the field
	}{
		"A1 TTL inside a wrapper":          {spec{steps: []stepSpec{{kind: "wrapped", ttl: time.Hour}}}, "TTL"},
		"A1 MaxSends inside a wrapper":     {spec{steps: []stepSpec{{kind: "wrapped", maxSends: 99}}}, "MaxSends"},
		"A3 a limit without Per":           {spec{guesses: []window{{5, 0}}}, "Per"},
		"A4 a misspelt trigger":            {spec{triggers: []string{"PreSignup"}}, "PreSignup"},
		"A4 a misspelt source":             {spec{triggers: []string{"PreSignUp_Signup"}}, "Signup"},
		"S12 a key of zeros":               {spec{keys: []string{strings.Repeat("\x00", 32)}}, "random"},
		"S12 10⁹ guesses a second":         {spec{guesses: []window{{1e9, time.Second}}}, "Guesses"},
		"S12 test codes for a century":     {spec{steps: []stepSpec{{testCodes: map[string]string{phone: "123456"}, testUntil: soon.AddDate(100, 0, 0)}}}, "TestCodesUntil"},
		"S12 a test number that is none":   {spec{steps: []stepSpec{{testCodes: map[string]string{"2065550100": "123456"}, testUntil: soon}}}, "TestCodes"},
		"S12 a WebOTP domain that is none": {spec{steps: []stepSpec{{webOTPDomain: ":::"}}}, "WebOTPDomain"},
		"S12 no limits and limits":         {spec{noLimits: true, guesses: []window{{5, time.Hour}}}, "InsecureNoLimits"},
		"S12 a nil SenderFunc":             {spec{nilSender: true}, "nil"},
		"U10 ResendAfter above TTL":        {spec{steps: []stepSpec{{ttl: time.Minute, resendAfter: 2 * time.Minute}}}, "ResendAfter"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := try(tt.spec)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error does not name %s: %v", tt.want, err)
			}
		})
	}
}

// TestDefaultStore is A6: constructors of one process share what they count.
func TestDefaultStore(t *testing.T) {
	now := int(time.Now().UnixNano()) // the store outlives this test
	u := account(now, fmt.Sprintf("+1206%07d", now/1e3%1e7))
	texts := 0
	for range 3 {
		r := newRig(t, spec{noStore: true})
		r.start(u)
		texts += r.sent()
	}
	if texts != 1 {
		t.Errorf("A6: three handlers sent %d texts to one user at once, want 1", texts)
	}
}

// TestPrinted is A10.
func TestPrinted(t *testing.T) {
	shown := printed(firstKey, "271828")
	for _, secret := range []string{firstKey, strings.Trim(fmt.Sprint([]byte(firstKey)), "[]"), "271828"} {
		if strings.Contains(shown, secret) {
			t.Errorf("A10: %%+v of Options shows %.20q", secret)
		}
	}
}

// TestNoKeys is U10.
func TestNoKeys(t *testing.T) {
	if err := parseKeys(""); err == nil || !strings.Contains(err.Error(), "CUSTOMAUTH_KEYS") {
		t.Errorf("U10: the error does not name the variable CUSTOMAUTH_KEYS: %v", err)
	}
}
