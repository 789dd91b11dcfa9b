package customauth_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// ways are SMS, e-mail and a key that nobody can guess.
func ways(o customauth.OneOf) customauth.OneOf {
	o.Ways = []customauth.Step{
		step("sms", customauth.OTP{}),
		step("email", customauth.OTP{Medium: "EMAIL"}),
		step("key", heavy{}),
	}
	return o
}

func choose(way string) map[string]string { return map[string]string{"action": "choose", "way": way} }

// holding changes a user's attributes.
func holding(attributes map[string]string) func(*signIn) {
	return func(s *signIn) {
		s.attributes = maps.Clone(s.attributes)
		maps.Copy(s.attributes, attributes)
	}
}

var (
	bothProved = holding(map[string]string{"phone_number_verified": "true", "email_verified": "True"})
	onlyPhone  = holding(map[string]string{"phone_number_verified": "true", "email_verified": "false"})
	onlyMail   = holding(map[string]string{"phone_number_verified": "false", "email_verified": "true"})
)

// TestOneOf: what an app sees and what arrives.
func TestOneOf(t *testing.T) {
	plain := []customauth.Step{step("proof", ways(customauth.OneOf{}))}
	asks := []customauth.Step{step("proof", ways(customauth.OneOf{Ask: true}))}
	after := []customauth.Step{step("captcha", captcha{}), step("proof", ways(customauth.OneOf{}))}
	token := strings.Repeat("t", 2048)
	tests := []struct {
		name  string
		steps []customauth.Step
		who   func(*signIn)
		run   func(r *rig, s *signIn)
		want  string // the outcome, the way, and the media of the messages
	}{
		{"the first way begins at once", plain, bothProved, func(*rig, *signIn) {}, "asked sms SMS"},
		{"its code", plain, bothProved, func(r *rig, s *signIn) { s.answer(r.inbox.code()) }, "tokens sms SMS"},
		{"ask first", asks, bothProved, func(*rig, *signIn) {}, "asked  "},
		{"an answer where a choice is asked for", asks, bothProved, func(_ *rig, s *signIn) { s.answer("123456") }, "asked not_proved  "},
		{"choose e-mail", asks, bothProved, func(_ *rig, s *signIn) { s.answer("-", choose("email")) }, "asked email EMAIL"},
		{"choose e-mail, and its code", asks, bothProved, func(r *rig, s *signIn) {
			s.answer("-", choose("email")).answer(r.inbox.code())
		}, "tokens email EMAIL"},
		{"choose the other way too soon", plain, bothProved, func(_ *rig, s *signIn) { s.answer("-", choose("email")) }, "asked resend_too_soon sms SMS"},
		{"change the way", plain, bothProved, func(r *rig, s *signIn) {
			sleep(31 * time.Second)
			s.answer("-", choose("email")).answer(r.inbox.code())
		}, "tokens email SMS EMAIL"},
		{"change the way with a resend", plain, bothProved, func(r *rig, s *signIn) {
			sleep(31 * time.Second)
			s.answer("-", map[string]string{"action": "resend", "way": "email"})
		}, "asked email SMS EMAIL"},
		{"the code of the way before", plain, bothProved, func(r *rig, s *signIn) {
			old := r.inbox.code()
			sleep(31 * time.Second)
			s.answer("-", choose("email")).answer(old)
		}, "asked wrong_code email SMS EMAIL"},
		{"a way beside a wrong code chooses nothing", plain, bothProved, func(r *rig, s *signIn) {
			s.answer(r.inbox.wrong(), map[string]string{"way": "email"})
		}, "asked wrong_code sms SMS"},
		{"a way that there is not", plain, bothProved, func(_ *rig, s *signIn) { s.answer("-", choose("pigeon")) }, "asked way_not_offered sms SMS"},
		{"a way that there is not, first", asks, bothProved, func(_ *rig, s *signIn) { s.answer("-", choose("pigeon")) }, "asked way_not_offered  "},
		{"a key needs no cooldown", plain, bothProved, func(_ *rig, s *signIn) { s.answer("-", choose("key")) }, "asked key SMS"},
		{"a way with the answer to a captcha", after, bothProved, func(_ *rig, s *signIn) {
			s.answer(token, map[string]string{"way": "email"})
		}, "asked email EMAIL"},
		{"no way with the answer to a captcha", after, bothProved, func(_ *rig, s *signIn) { s.answer(token) }, "asked sms SMS"},
		{"choosing beside a token passes nothing", after, bothProved, func(_ *rig, s *signIn) { s.answer(token, choose("email")) }, "asked  "},

		{"not proved, and another is", asks, onlyPhone, func(_ *rig, s *signIn) { s.answer("-", choose("email")) }, "asked email "},
		{"the other one is proved", asks, onlyMail, func(_ *rig, s *signIn) { s.answer("-", choose("email")) }, "asked email EMAIL"},
		{"the first one is not proved", plain, onlyMail, func(*rig, *signIn) {}, "asked sms "},
		{"nothing is proved: the first way", asks, func(*signIn) {}, func(_ *rig, s *signIn) { s.answer("-", choose("sms")) }, "asked sms SMS"},
		{"nothing is proved: the second way", asks, func(*signIn) {}, func(_ *rig, s *signIn) { s.answer("-", choose("email")) }, "asked email "},
		{"nothing is proved, and there is no number", asks, func(s *signIn) { delete(s.attributes, "phone_number") }, func(_ *rig, s *signIn) {
			s.answer("-", choose("email"))
		}, "asked email EMAIL"},
		{"a way that the user lacks", asks, func(s *signIn) { bothProved(s); delete(s.attributes, "email") }, func(_ *rig, s *signIn) { s.answer("-", choose("email")) }, "asked email "},
		{"unknown", asks, unknown, func(_ *rig, s *signIn) { s.answer("-", choose("email")).answer("123456") }, "asked wrong_code email "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: tt.steps})
				s := r.start(tt.who)
				tt.run(r, s)
				var media []string
				for _, m := range r.inbox.texts {
					media = append(media, m.To.Medium)
				}
				got := s.outcome() + " " + s.public["way"] + " " + strings.Join(media, " ")
				if got != tt.want {
					t.Errorf("got %q, want %q\n%s", got, tt.want, r.log)
				}
				if all := s.public["ways"]; all != "sms email key" && s.public["step"] == "proof" && !s.tokens {
					t.Errorf("the app is shown %q", all)
				}
			})
		})
	}
}

// TestWaysTellNothing: whoever chooses a way that he lacks sees, name by name and
// value by value, what everybody sees.
func TestWaysTellNothing(t *testing.T) {
	people := map[string]func(*signIn){
		"both":     bothProved,
		"phone":    onlyPhone,
		"mail":     onlyMail,
		"no mail":  func(s *signIn) { onlyPhone(s); delete(s.attributes, "email") },
		"no phone": func(s *signIn) { onlyMail(s); delete(s.attributes, "phone_number") },
		"nothing":  func(s *signIn) { s.attributes = map[string]string{"sub": sub} },
		"unproved": func(*signIn) {},
		"unknown":  unknown,
	}
	for _, ask := range []bool{false, true} {
		seen := map[string][]map[string]string{}
		for name, who := range people {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: []customauth.Step{step("proof", ways(customauth.OneOf{Ask: ask}))}})
				s := r.start(who)
				note := func() {
					m := maps.Clone(s.public)
					delete(m, "publicKey") // random
					delete(m, "expiresAt") // as long as sending took
					delete(m, "resendAfter")
					seen[name] = append(seen[name], m)
				}
				note()
				for _, way := range []string{"email", "sms", "email", "key"} {
					sleep(31 * time.Second)
					s.answer("-", choose(way))
					note()
				}
				s.answer("000000x")
				note()
			})
		}
		for name, got := range seen {
			if diff := cmp.Diff(seen["both"], got); diff != "" {
				t.Errorf("ask %v (-both +%s):\n%s", ask, name, diff)
			}
		}
	}
}

// TestOwnWays: after a step that proved who it is, the list is the user's own.
func TestOwnWays(t *testing.T) {
	steps := []customauth.Step{customauth.Password(), step("proof", ways(customauth.OneOf{}))}
	for want, who := range map[string]func(*signIn){"sms email key": bothProved, "sms key": onlyPhone, "email key": onlyMail} {
		r := newRig(t, customauth.Options{Steps: steps})
		s := r.start(afterSRP, who).proved()
		if s.public["ways"] != want || s.public["way"] != strings.Fields(want)[0] {
			t.Errorf("got %q, %q, want %q", s.public["ways"], s.public["way"], want)
		}
		if r.inbox.count() != 1 {
			t.Errorf("%s: %d messages", want, r.inbox.count())
		}
	}
	shown := newRig(t, customauth.Options{Steps: []customauth.Step{step("proof", ways(customauth.OneOf{InsecureShowWays: true}))}})
	if got := shown.start(onlyMail).public["ways"]; got != "email key" {
		t.Errorf("InsecureShowWays: %q", got)
	}
	weak := newRig(t, customauth.Options{Steps: []customauth.Step{step("proof", ways(customauth.OneOf{InsecureUnprovedWays: true, Ask: true}))}})
	if weak.start(onlyPhone).answer("-", choose("email")); weak.inbox.count() != 1 {
		t.Error("InsecureUnprovedWays: nothing was sent")
	}
}

// TestLimitsSpanWays: changing the way buys no guess and no message.
func TestLimitsSpanWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Limits: freely(customauth.Limits{}), Steps: []customauth.Step{step("proof", ways(customauth.OneOf{}))}})
		compared := 0
		for i := range 40 {
			s := r.start(bothProved)
			for j := 0; !s.failed && s.err == nil; j++ {
				if j == 1 {
					sleep(31 * time.Second)
					s.answer("-", choose([]string{"email", "sms"}[i%2]))
				}
				s.answer(r.inbox.wrong())
				if r.lastVerify() == customauth.ReasonWrongCode {
					compared++
				}
			}
			sleep(30 * time.Minute)
		}
		if compared != 20 {
			t.Errorf("%d guesses in a day, want 20", compared)
		}
		s := r.start(bothProved)
		if s.outcome() != "asked rate_limited" {
			t.Errorf("%v", s.public)
		}
		if s.answer("-", choose("key")); s.outcome() != "asked" || s.public["way"] != "key" {
			t.Errorf("guesses by others lock the key: %v", s.public)
		}
	})
}

// TestLocaleOfAWay: the language that was brought with the choice stays.
func TestLocaleOfAWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Steps: []customauth.Step{step("proof", ways(customauth.OneOf{Ask: true}))}})
		s := r.start(bothProved, holding(map[string]string{"locale": "fr"}))
		s.answer("-", map[string]string{"action": "choose", "way": "email", "locale": "de-AT"})
		sleep(31 * time.Second)
		s.resend()
		sleep(31 * time.Second)
		s.answer("-", map[string]string{"action": "resend", "locale": "ar\n"})
		var got []string
		for _, m := range r.inbox.texts {
			got = append(got, m.Locale)
		}
		if diff := cmp.Diff([]string{"de-AT", "de-AT", "de-AT"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A diary is a code with a state of its own: it minds what is not its.
type diary struct {
	customauth.Challenge
	t    *testing.T
	name string
}

func (d diary) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	if r.State != "" && r.State != d.name {
		d.t.Errorf("the way %s was given the state %q", d.name, r.State)
	}
	is, err := d.Challenge.Issue(ctx, r)
	is.State = d.name
	return is, err
}

// TestStateOfAWay: a way is given its own state, and never another's, nor what a step
// left that was in this place before.
func TestStateOfAWay(t *testing.T) {
	for name, o := range map[string]customauth.OneOf{
		"plain": {},
		"shown": {InsecureShowWays: true},
		"asked": {Ask: true},
	} {
		for _, who := range []func(*signIn){bothProved, func(*signIn) {}} {
			synctest.Test(t, func(t *testing.T) {
				note := func(way string, o customauth.OTP) customauth.Step {
					return step(way, diary{stepOf(o), t, way})
				}
				o.Ways = []customauth.Step{note("sms", customauth.OTP{}), note("email", customauth.OTP{Medium: "EMAIL"})}
				before := newRig(t, customauth.Options{Steps: []customauth.Step{note("proof", customauth.OTP{})}})
				s := before.start(who)
				s.rig = newRig(t, customauth.Options{Steps: []customauth.Step{step("proof", o)}})
				for _, way := range []string{"", "email", "email", "sms", "sms"} {
					sleep(31 * time.Second)
					s.answer("-", map[string]string{"action": "resend", "way": way})
					if s.err != nil || s.failed {
						t.Fatalf("%s, then %s: %s", name, way, s.outcome())
					}
				}
			})
		}
	}
}

// TestOneOfOptions: what is wrong is said at construction.
func TestOneOfOptions(t *testing.T) {
	sms, mail := step("sms", customauth.OTP{}), step("email", customauth.OTP{Medium: "EMAIL"})
	tests := []struct {
		name string
		ways []customauth.Step
		want string
	}{
		{"fine", []customauth.Step{sms, mail}, ""},
		{"one way", []customauth.Step{sms}, "OneOf needs 2 to 8 Ways, not 1"},
		{"a choice among choices", []customauth.Step{sms, {Name: "more", Challenge: customauth.OneOf{Ways: []customauth.Step{sms, {Name: "other", Challenge: customauth.OTP{}}}}}}, `the way "more" is a OneOf: name its ways in this one`},
		{"nine ways", make([]customauth.Step, 9), "OneOf needs 2 to 8 Ways, not 9"},
		{"two of one name", []customauth.Step{sms, sms}, `two ways are named "sms"`},
		{"a name with a space", []customauth.Step{sms, step("by mail", customauth.OTP{})}, `the way "by mail" needs a Name`},
		{"nothing", []customauth.Step{sms, {Name: "x"}}, `the way "x" has no Challenge`},
		{"a password", []customauth.Step{sms, customauth.Password()}, "the password step is carried out by Cognito"},
		{"a captcha", []customauth.Step{sms, step("captcha", captcha{})}, `the way "captcha" lets anyone pass`},
		{"a wrong field of the second", []customauth.Step{sms, step("email", customauth.OTP{Medium: "EMAIL", TTL: time.Hour})}, "TTL must be from 1s to 10m"},
		{"no sender for the second", []customauth.Step{sms, step("voice", customauth.OTP{Medium: "VOICE"})}, `sends by "VOICE", and Options.Senders has no sender`},
		{"a state that is too large", []customauth.Step{sms, step("big", custom{issued: customauth.Issued{State: strings.Repeat("x", 97)}, probed: true})}, "has a State of 97 bytes, and at most 96"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := customauth.NewDefine(customauth.Options{
				Keys: []customauth.Secret{key}, Steps: []customauth.Step{step("proof", customauth.OneOf{Ways: tt.ways})},
				Senders: map[string]customauth.Sender{"EMAIL": new(inbox)},
			})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestWaysAtRandom drives a sign-in by random choices, resends and answers, and
// compares what the app is told with a few rules written down once more: at most one
// message in 30 seconds and three in all, no message for what is not offered, only
// the newest code of the way that is taken passes, three wrong answers end it.
func TestWaysAtRandom(t *testing.T) {
	for seed := range uint64(1000) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			r := newRig(t, customauth.Options{Steps: []customauth.Step{step("proof", ways(customauth.OneOf{Ask: seed%2 == 0}))}})
			s := r.start(bothProved)
			o := oracle{way: "sms", last: time.Now(), sent: 1, rounds: 1}
			if seed%2 == 0 {
				o = oracle{rounds: 1}
			}
			var did []string
			for !s.tokens && !s.failed {
				var want string
				if random.IntN(3) == 0 {
					sleep(time.Duration(random.IntN(40)) * time.Second)
				}
				switch n := random.IntN(8); {
				case n < 4:
					way := []string{"sms", "email", "key", "pigeon"}[n]
					did = append(did, "choose "+way)
					want = o.choose(way)
					s.answer("-", choose(way))
				case n == 4:
					did = append(did, "resend")
					want = o.choose(o.way)
					s.resend()
				case n == 5 && o.way != "" && o.way != "key" && o.sent > 0:
					did = append(did, "right")
					want = "tokens"
					s.answer(r.inbox.code())
				default:
					did = append(did, "wrong")
					want = o.wrong()
					s.answer("000000x")
				}
				if s.err != nil || s.outcome() != want || !s.tokens && !s.failed && s.public["way"] != o.way || r.inbox.count() != o.sent {
					t.Fatalf("seed %d, after %s: %s by %q, %d messages; want %s by %q, %d messages", seed, strings.Join(did, ", "), s.outcome(), s.public["way"], r.inbox.count(), want, o.way, o.sent)
				}
			}
		})
	}
}

// oracle is what should be the case.
type oracle struct {
	way    string
	last   time.Time
	sent   int
	wrongs int
	rounds int
	onKey  bool
}

func (o *oracle) next(word string) string {
	if o.rounds++; o.rounds > 8 {
		return "failed"
	}
	return strings.TrimSuffix("asked "+word, " ")
}

func (o *oracle) choose(way string) string {
	switch {
	case o.rounds >= 8:
		return "failed"
	case way == "pigeon":
		return o.next("way_not_offered")
	case way == "":
		return o.next("")
	case way == "key":
		o.way, o.onKey = way, true
		return o.next("")
	case o.sent >= 3:
		return o.next("no_resends_left")
	case o.sent > 0 && time.Since(o.last) < 30*time.Second:
		return o.next("resend_too_soon")
	}
	o.way, o.onKey, o.last = way, false, time.Now()
	o.sent++
	return o.next("")
}

func (o *oracle) wrong() string {
	if o.way == "" || o.onKey {
		return o.next("not_proved")
	}
	if o.wrongs++; o.wrongs == 3 {
		return "failed"
	}
	return o.next("wrong_code")
}
