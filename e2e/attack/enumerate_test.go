package attack_test

// Enumerating: is there an account of this name? By what the app is told, and by
// how long that takes.

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/smsguard"
)

// slow is a store as far away as a database.
type slow struct{ customauth.Store }

func (s slow) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	time.Sleep(logNormal(4*time.Millisecond, 0.5))
	return s.Store.Update(ctx, key, ops...)
}

// hasty is what is often written by hand: nobody is sent nothing, at once.
type hasty struct{ customauth.OTP }

func (h hasty) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	if r.UserNotFound && !r.Probe {
		return customauth.Issued{Answer: customauth.Hide("000000000")}, nil
	}
	return h.OTP.Issue(ctx, r)
}

const (
	signIns  = 2_000
	auc, dev = 0.5, 0.05 // what is asked for; the standard deviation at 2,000 each is 0.009
)

// enumerating times InitiateAuth from the app's side, 2,000 times for users and
// 2,000 times for nobody, one after the other. Sending takes a log-normal time
// around 150 ms, the store one around 4 ms.
func enumerating(t *testing.T) (rows []row) {
	ample := smsguard.Budget{Hour: 10_000, Day: 100_000}
	guard := &smsguard.Options{Allow: []string{"GB"}, Country: ample, Total: ample}
	for _, tt := range []struct {
		setting string
		setup   setup
		hasty   bool
		signIns int // of users, and as many of nobody
	}{
		{"an OTP that is hasty with unknown users", setup{}, true, size(200, signIns)},
		{unlimited, setup{off: true}, false, signIns},
		{"limits", setup{}, false, signIns},
		{"limits and smsguard", setup{guard: guard}, false, signIns},
	} {
		synctest.Test(t, func(t *testing.T) {
			tt.setup.store = slow{newWide()}
			tt.setup.send = func() { time.Sleep(logNormal(150*time.Millisecond, 0.4)) }
			var sc *scene
			if tt.hasty {
				sc = newHastyScene(t, tt.setup)
			} else {
				sc = newScene(t, tt.setup)
			}
			took := func(name string) time.Duration {
				began := time.Now()
				if _, err := sc.pool.SignIn(t.Context(), name); err != nil {
					t.Fatal(err)
				}
				return time.Since(began)
			}
			var known, unknown []time.Duration
			for i := range tt.signIns {
				sc.user(t, british(i))
				known = append(known, took(british(i)))
				unknown = append(unknown, took(british(1_000_000+i)))
				time.Sleep(time.Second)
			}
			got := area(known, unknown)
			if apart := got < auc-dev || got > auc+dev; apart != tt.hasty {
				t.Errorf("%s: AUC %.3f", tt.setting, got)
			}
			rows = append(rows, row{setting: tt.setting, requests: 2 * tt.signIns, texts: sc.phones.all(), auc: got})
		})
	}
	return rows
}

// newHastyScene is newScene with another step.
func newHastyScene(t *testing.T, s setup) *scene {
	t.Helper()
	sc := newScene(t, s)
	sc.options.Steps = []customauth.Step{{Name: "otp", Challenge: hasty{customauth.OTP{}}}}
	h, err := customauth.NewHandler(sc.options, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sc.pool, err = cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: h}}); err != nil {
		t.Fatal(err)
	}
	return sc
}

// area is the area under the ROC curve: how often a value of a is above one of b.
// 0.5 tells nothing, 0 and 1 tell all.
func area(a, b []time.Duration) float64 {
	slices.Sort(b)
	above := 0.0
	for _, x := range a {
		less, _ := slices.BinarySearch(b, x)
		notMore, _ := slices.BinarySearch(b, x+1)
		above += float64(less+notMore) / 2
	}
	return above / float64(len(a)) / float64(len(b))
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// What the app is told is the same for a user as for nobody, name by name and value
// by value: at the first sign-in, after wrong answers, for resends, when a limit is
// reached, and while the account is locked.
func TestAnswersTellNothing(t *testing.T) {
	known := transcript(t, true)
	if diff := cmp.Diff(known, transcript(t, false)); diff != "" {
		t.Errorf("(-known user +nobody):\n%s", diff)
	}
	codes := make(map[string]bool)
	for _, got := range known {
		codes[got["errorCode"]] = true
	}
	for _, code := range []string{"", "wrong_code", "expired", "resend_too_soon", "sent_recently", "rate_limited"} {
		if !codes[code] {
			t.Errorf("the script does not meet the error code %q", code)
		}
	}
}

// transcript is all that an app is told along a script. The session string is left
// out, which is random. USERNAME is a UUID for everybody in a pool whose users sign
// in with a phone number.
func transcript(t *testing.T, exists bool) (got []map[string]string) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(t, setup{})
		h, err := customauth.NewHandler(sc.options, nil)
		if err != nil {
			t.Fatal(err)
		}
		pool, err := cognitotest.NewPool(cognitotest.Config{
			UsernameAttributes: []string{"phone_number"},
			Clients:            []cognitotest.Client{{AuthSessionValidity: 15 * time.Minute}},
			Triggers:           cognitotest.Triggers{All: h},
		})
		if err != nil {
			t.Fatal(err)
		}
		add := func(number string) {
			if err := pool.AddUser("", map[string]string{"phone_number": number}); err != nil {
				t.Fatal(err)
			}
		}
		add(british(1))
		if exists {
			add(victim)
		}
		// The handler learns from a known user that sending takes no time at all.
		if _, err := pool.SignIn(t.Context(), british(1)); err != nil {
			t.Fatal(err)
		}
		if exists { // somebody who has signed in before, but not today
			s, err := pool.SignIn(t.Context(), victim)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Answer(t.Context(), sc.phones.code(victim), nil); err != nil || !s.Done() {
				t.Fatal("an honest user was refused")
			}
		}
		time.Sleep(2 * day)
		var s *cognitotest.SignIn
		note := func(err error) {
			told := make(map[string]string)
			if err != nil {
				told["error"] = err.Error()
			} else {
				maps.Copy(told, s.Parameters)
				if !uuid.MatchString(told["USERNAME"]) {
					t.Error("USERNAME is no UUID")
				}
				told["USERNAME"] = "a UUID"
			}
			told["at"] = time.Now().Format(time.TimeOnly)
			got = append(got, told)
		}
		begin := func() {
			var err error
			s, err = pool.SignIn(t.Context(), victim)
			note(err)
		}
		answer := func() { note(s.Answer(t.Context(), "000 000", nil)) }
		resend := func() { note(s.Answer(t.Context(), "resend", map[string]string{"action": "resend"})) }

		begin()
		answer()
		answer()
		answer() // the end of the attempts
		begin()  // too soon
		answer()
		time.Sleep(31 * time.Second)
		resend()
		resend() // too soon
		time.Sleep(31 * time.Second)
		begin()
		time.Sleep(4 * time.Minute)
		answer() // too late
		for range 12 {
			time.Sleep(20 * time.Minute)
			begin() // until the guesses of the day are used up
			answer()
			answer()
		}
		time.Sleep(day)
		for range 12 {
			begin() // until the texts of the day are used up
			time.Sleep(20 * time.Minute)
		}
		answer()
	})
	return got
}

// A process that has not sent anything yet knows nothing of how long sending takes
// here, and imitates 150 ms. Where sending takes as long, that is good enough; where
// it takes twice as long, the first sign-ins of a process tell users from nobody.
// docs/attacks.md says so; if this gets better, the page must be corrected.
func TestNewProcessTellsBySlowSends(t *testing.T) {
	for _, tt := range []struct {
		name        string
		median      time.Duration
		least, most float64 // of 500 each: the standard deviation is 0.018
	}{
		{"150 ms", 150 * time.Millisecond, 0.4, 0.6},
		{"300 ms", 300 * time.Millisecond, 0.8, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var took [2][]time.Duration
				for i := range 2 * 500 {
					sc := newScene(t, setup{send: func() { time.Sleep(logNormal(tt.median, 0.4)) }})
					if i%2 == 0 {
						sc.user(t, victim)
					}
					began := time.Now()
					if _, err := sc.pool.SignIn(t.Context(), victim); err != nil {
						t.Fatal(err)
					}
					took[i%2] = append(took[i%2], time.Since(began))
				}
				got := area(took[0], took[1])
				t.Logf("AUC %.3f", got)
				if got < tt.least || got > tt.most {
					t.Errorf("AUC %.3f, want %v to %v", got, tt.least, tt.most)
				}
			})
		})
	}
}

// Limits count what the user does as well, and nobody does nothing. Whoever uses up
// a number's ten texts of a day gets one less where the user had one that day. That
// costs the attacker an hour for each number, and the user nine texts. Where there is
// an account that never answered a code, he gets five.
// docs/attacks.md says so; if this gets better, the page must be corrected.
func TestLimitsTellWhoSignedInToday(t *testing.T) {
	texts := func(exists, signedIn bool) (n int) {
		synctest.Test(t, func(t *testing.T) {
			sc := newScene(t, setup{})
			if exists {
				sc.user(t, victim)
			}
			if signedIn && !sc.honest(t.Context(), victim, 0) {
				t.Fatal("an honest user was refused")
			}
			time.Sleep(3 * time.Hour)
			for range 2 * 60 {
				s, err := sc.pool.SignIn(t.Context(), victim)
				if err != nil {
					t.Fatal(err)
				}
				if s.Parameters["codeLength"] != "" {
					n++
				}
				time.Sleep(time.Minute)
			}
		})
		return n
	}
	got := []int{texts(false, false), texts(true, true), texts(true, false)}
	if diff := cmp.Diff([]int{10, 9, 5}, got); diff != "" {
		t.Errorf("texts for nobody, for a user who signed in, and for one who never did (-want +got):\n%s", diff)
	}
}
