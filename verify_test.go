package customauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/seal"
)

// TestAnswers: what people type, and what attackers send.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name, code string
		answer     any
		want       bool
	}{
		{"plain", "123456", "123456", true},
		{"spaces", "123456", " 123 456 ", true},
		{"pasted with a line end", "123456", "123456\r\n", true},
		{"dashes of all sorts", "123456", "12-34–5—6", true},
		{"minus signs", "123456", "123−456", true},
		{"full-width", "123456", "１２３４５６", true},
		{"Arabic-Indic", "123456", "١٢٣٤٥٦", true},
		{"Eastern Arabic-Indic", "123456", "۱۲۳۴۵۶", true},
		{"Devanagari", "123456", "१२३४५६", true},
		{"mathematical digits", "123456", "𝟏𝟐𝟑𝟒𝟓𝟔", true},
		{"no-break spaces and invisible marks", "123456", "\u200e123\u00a0456\u200b", true},
		{"small letters", "AB23CD", "ab23cd", true},
		{"full-width letters", "AB23CD", "ａｂ２３ｃｄ", true},
		{"a code with dashes", "AB2-3CD", "ab23cd", true},
		{"one digit more", "123456", "1234567", false},
		{"one digit less", "123456", "12345", false},
		{"another digit", "123456", "123457", false},
		{"superscripts are no digits", "123456", "¹²³456", false},
		{"empty", "123456", "", false},
		{"spaces only", "123456", "   ", false},
		{"control characters", "123456", "123\x00456", false},
		{"escape sequence", "123456", "\x1b[31m123456", false},
		{"no UTF-8", "123456", "123456\xff", false},
		{"257 bytes", "123456", "123456" + strings.Repeat(" ", 251), false},
		{"ten megabytes", "123456", strings.Repeat("1", 10<<20), false},
		{"no string: number", "123456", 123456, false},
		{"no string: nil", "123456", nil, false},
		{"no string: map", "123456", map[string]any{"a": "123456"}, false},
		{"no string: list", "123456", []any{"123456"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := customauth.Generator(func(context.Context, int) (string, error) { return tt.code, nil })
			r := newRig(t, customauth.Options{Steps: only(customauth.OTP{Generator: g})})
			s := r.start()
			if got := s.check(tt.answer, nil); got != tt.want || s.err != nil {
				t.Errorf("got %v, %v, want %v", got, s.err, tt.want)
			}
		})
	}
}

// FuzzAnswer: no answer but the code is right, and none breaks the handler.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"123456", " 1-2 3\u00a0456", "１２３４５６", "\x00", "\xff", "𝟏𝟐𝟑𝟒𝟓𝟔", "123456\u0300", "I\u0307", "ß"} {
		f.Add(s)
	}
	g := customauth.Generator(func(context.Context, int) (string, error) { return "123456", nil })
	f.Fuzz(func(t *testing.T, answer string) {
		r := newRig(t, customauth.Options{Steps: only(customauth.OTP{Generator: g}), InsecureNoLimits: true})
		s := r.start()
		right := s.check(answer, nil)
		if s.err != nil {
			t.Fatal(s.err)
		}
		var digits []rune
		for _, c := range answer {
			if c >= '0' && c <= '9' {
				digits = append(digits, c)
			}
		}
		if right && len(digits) > 0 && len(digits) == len(answer) && answer != "123456" {
			t.Errorf("%q is right", answer)
		}
		if !right && answer == "123456" {
			t.Error("the code is wrong")
		}
	})
}

// TestForeignRecords: a record is good for its pool, client, user, keys and steps
// alone, and loud where it is not.
func TestForeignRecords(t *testing.T) {
	two := []customauth.Step{step("otp", customauth.OTP{}), step("second", customauth.OTP{})}
	flip := func(i int) func(string) string {
		return func(s string) string {
			b, _ := base64.RawURLEncoding.DecodeString(s)
			b[(i+len(b))%len(b)] ^= 1
			return base64.RawURLEncoding.EncodeToString(b)
		}
	}
	tests := []struct {
		name   string
		verify customauth.Options // of the handlers that get the record
		change func(*signIn)
		record func(string) string
	}{
		{name: "another user", change: func(s *signIn) { s.user = "another" }},
		{name: "another client", change: func(s *signIn) { s.client = "another" }},
		{name: "another pool", change: func(s *signIn) { s.pool = "eu-west-1_Other0001" }},
		{name: "another key", verify: customauth.Options{Keys: []customauth.Secret{other}}},
		{name: "other steps", verify: customauth.Options{Steps: two}},
		{name: "a renamed step", verify: customauth.Options{Steps: []customauth.Step{step("renamed", customauth.OTP{})}}},
		{name: "no record", record: func(string) string { return "" }},
		{name: "no base64", record: func(s string) string { return "*" + s[1:] }},
		{name: "truncated", record: func(s string) string { return s[:len(s)-4] }},
		{name: "padded", record: func(s string) string { return s + "==" }},
		{name: "line break inside", record: func(s string) string { return s[:8] + "\n" + s[8:] }},
		{name: "extended", record: func(s string) string { return s + "AAAA" }},
		{name: "very long", record: func(s string) string { return strings.Repeat("A", 1<<20) }},
		{name: "another version", record: flip(0)},
		{name: "step and flags altered", record: flip(5)},
		{name: "key id altered", record: flip(1)},
		{name: "steps altered", record: flip(3)},
		{name: "counts altered", record: flip(6)},
		{name: "expiry altered", record: flip(12)},
		{name: "a short record alone", record: func(s string) string { return "A" + s[1:27] + "A" }},
		{name: "code altered", record: flip(30)},
		{name: "tag altered", record: flip(-1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := newRig(t, customauth.Options{}), newRig(t, tt.verify)
			s := a.start()
			code := a.inbox.code()
			s.rig = b
			if tt.change != nil {
				tt.change(s)
			}
			if tt.record != nil {
				s.meta = tt.record(s.meta)
				s.private = map[string]string{"customauth": s.meta}
			}
			if s.check(code, nil) || !errors.Is(s.err, customauth.ErrMismatch) {
				t.Errorf("verify: %v", s.err)
			}
			if want := "customauth: this sign-in cannot go on, start again"; s.err.Error() != want {
				t.Errorf("public text %q, want %q", s.err, want)
			}
			if !strings.Contains(b.log.String(), `"level":"ERROR"`) {
				t.Errorf("the log is quiet:\n%s", b.log)
			}
			for _, result := range []bool{true, false} {
				s.session = []*events.CognitoEventUserPoolsChallengeResult{{ChallengeName: "CUSTOM_CHALLENGE", ChallengeResult: result, ChallengeMetadata: s.meta}}
				s.tokens, s.failed = false, false
				if s.next(nil); s.tokens || s.err == nil && !s.failed {
					t.Errorf("define with the result %v: %s", result, s.outcome())
				}
				if s.challenge(nil); s.err == nil {
					t.Errorf("create with the result %v: no error", result)
				}
			}
			if b.inbox.count() != 0 {
				t.Error("a text was sent")
			}
		})
	}
}

// TestNoSuchStep: a record is of one of the handlers' own steps. A release that asks for
// a password where the one before asked something else of the same name gets its records.
func TestNoSuchStep(t *testing.T) {
	word := custom{issued: customauth.Issued{Answer: customauth.Hide("kitten")}}
	s := newRig(t, customauth.Options{Steps: []customauth.Step{step("password", word), otp(customauth.OTP{})}}).start()
	s.rig = newRig(t, customauth.Options{Steps: []customauth.Step{customauth.Password(), otp(customauth.OTP{})}})
	if s.check("kitten", nil) || !errors.Is(s.err, customauth.ErrMismatch) {
		t.Errorf("of a password: %v", s.err)
	}
	s = newRig(t, customauth.Options{}).start()
	beyond := seal.New([][]byte{[]byte(key.Reveal())}, []string{"otp"}).Seal(&seal.Record{Step: 1}, seal.Who{Pool: pool, Client: client, User: sub})
	if s.private = map[string]string{"customauth": beyond}; s.check("kitten", nil) || !errors.Is(s.err, customauth.ErrMismatch) {
		t.Errorf("beyond the last: %v", s.err)
	}
}

// TestForeignSessions: Define trusts nothing that it does not know.
func TestForeignSessions(t *testing.T) {
	r := newRig(t, customauth.Options{Steps: []customauth.Step{step("one", customauth.OTP{}), step("two", customauth.OTP{})}, InsecureNoLimits: true})
	first := r.start()
	one := first.meta
	first.answer(r.inbox.code())
	two := first.meta
	stranger := r.start()
	entry := func(name string, result bool, meta string) *events.CognitoEventUserPoolsChallengeResult {
		return &events.CognitoEventUserPoolsChallengeResult{ChallengeName: name, ChallengeResult: result, ChallengeMetadata: meta}
	}
	ours := func(result bool, meta string) *events.CognitoEventUserPoolsChallengeResult {
		return entry("CUSTOM_CHALLENGE", result, meta)
	}
	type session = []*events.CognitoEventUserPoolsChallengeResult
	tests := []struct {
		name    string
		session session
		want    string
	}{
		{"both passed", session{ours(true, one), ours(true, two)}, "tokens"},
		{"both passed, SRP_A first", session{entry("SRP_A", true, ""), ours(true, one), ours(true, two)}, "tokens"},
		{"second wrong", session{ours(true, one), ours(false, two)}, "asked wrong_code"},
		{"first only", session{ours(true, one)}, "asked"},
		{"second only", session{ours(true, two)}, "failed"},
		{"wrong order", session{ours(true, two), ours(true, one)}, "failed"},
		{"first twice", session{ours(true, one), ours(true, one)}, "failed"},
		{"first again after a wrong one", session{ours(false, one), ours(true, one)}, "failed"},
		{"more than all", session{ours(true, one), ours(true, two), ours(true, two)}, "failed"},
		{"of another sign-in", session{ours(true, stranger.meta), ours(true, two)}, "failed"},
		{"nil entry", session{nil}, "failed"},
		{"nil entry between", session{ours(true, one), nil, ours(true, two)}, "failed"},
		{"no metadata", session{ours(true, "")}, "failed"},
		{"foreign metadata", session{ours(true, "CODE-123456")}, "failed"},
		{"another name", session{entry("SMS_MFA", true, one)}, "failed"},
		{"no name", session{entry("", true, one)}, "failed"},
		{"DEVICE_SRP_AUTH", session{entry("DEVICE_SRP_AUTH", true, "")}, "failed"},
		{"SRP_A failed", session{entry("SRP_A", false, "")}, "failed"},
		{"SRP_A twice", session{entry("SRP_A", true, ""), entry("SRP_A", true, "")}, "failed"},
		{"SRP_A later", session{ours(true, one), entry("SRP_A", true, "")}, "failed"},
		{"PASSWORD_VERIFIER", session{entry("PASSWORD_VERIFIER", true, "")}, "failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &signIn{rig: r, ctx: context.Background(), user: sub, client: client, pool: pool, session: tt.session}
			if s.next(nil); s.outcome() != tt.want {
				t.Errorf("got %q, want %q", s.outcome(), tt.want)
			}
			unknown := &signIn{rig: r, ctx: context.Background(), user: sub, client: client, pool: pool, session: tt.session, notFound: true}
			if unknown.next(nil); unknown.tokens {
				t.Error("tokens for an unknown user")
			}
		})
	}
}

// TestPasswordSessions: with a password step, the password comes first.
func TestPasswordSessions(t *testing.T) {
	r := newRig(t, customauth.Options{Steps: []customauth.Step{customauth.Password(), otp(customauth.OTP{})}})
	entry := func(name string, result bool) *events.CognitoEventUserPoolsChallengeResult {
		return &events.CognitoEventUserPoolsChallengeResult{ChallengeName: name, ChallengeResult: result}
	}
	type session = []*events.CognitoEventUserPoolsChallengeResult
	tests := []struct {
		name    string
		session session
		want    string
		next    string
	}{
		{"SRP_A", session{entry("SRP_A", true)}, "asked", "PASSWORD_VERIFIER"},
		{"proved", session{entry("SRP_A", true), entry("PASSWORD_VERIFIER", true)}, "asked", ""},
		{"not proved", session{entry("SRP_A", true), entry("PASSWORD_VERIFIER", false)}, "failed", ""},
		{"not begun", session{}, "failed", ""},
		{"without SRP_A", session{entry("PASSWORD_VERIFIER", true)}, "failed", ""},
		{"skipped", session{entry("SRP_A", true), entry("CUSTOM_CHALLENGE", true)}, "failed", ""},
		{"twice", session{entry("SRP_A", true), entry("PASSWORD_VERIFIER", true), entry("PASSWORD_VERIFIER", true)}, "failed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &signIn{rig: r, ctx: context.Background(), user: sub, client: client, pool: pool, session: tt.session,
				attributes: map[string]string{"phone_number": phone}}
			if s.next(nil); s.outcome() != tt.want || s.public["challenge"] != tt.next {
				t.Errorf("got %q %q, want %q %q", s.outcome(), s.public["challenge"], tt.want, tt.next)
			}
		})
	}
}

// TestChangedDestination: a code proves the number that it was sent to, and no
// other that the user has by the time of the answer.
func TestChangedDestination(t *testing.T) {
	for name, o := range map[string]customauth.OTP{
		"phone": {},
		"mail":  {Destination: byMail},
	} {
		g := new(guard)
		r := newRig(t, customauth.Options{Steps: only(o), Guard: g})
		s := r.start()
		before := s.attributes
		s.attributes = map[string]string{"sub": sub, "phone_number": "+12065550166", "email": "other@example.com"}
		if s.check(r.inbox.code(), nil) || s.err != nil || g.verified != nil {
			t.Errorf("%s: the code is good for another destination: %v, verified %v", name, s.err, g.verified)
		}
		if s.attributes = before; !s.check(r.inbox.code(), nil) {
			t.Errorf("%s: the code is not good for its own destination", name)
		}
	}
}

// TestKeyRotation: a code that was made before a rotation is good after it.
func TestKeyRotation(t *testing.T) {
	old, both, late := []customauth.Secret{key}, []customauth.Secret{other, key}, []customauth.Secret{other}
	tests := []struct {
		name         string
		before, then []customauth.Secret
		want         string
	}{
		{"new key in front", old, both, "tokens"},
		{"new key not everywhere yet", both, old, "error: customauth: this sign-in cannot go on, start again"},
		{"old key dropped", both, late, "tokens"},
		{"old key dropped too early", old, late, "error: customauth: this sign-in cannot go on, start again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := newRig(t, customauth.Options{Keys: tt.before}), newRig(t, customauth.Options{Keys: tt.then})
			s := a.start()
			code, wrong := a.inbox.code(), a.inbox.wrong()
			s.rig = b
			if s.answer(wrong); s.err == nil {
				s.answer(code)
			}
			if got := s.outcome(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestClocks: the functions' clocks need not agree, and none makes a code valid
// for longer than it may be.
func TestClocks(t *testing.T) {
	tests := []struct {
		name string
		made time.Duration // when the code is made
		then time.Duration // when it is answered, by another clock
		want bool
	}{
		{"the same", time.Hour, time.Hour, true},
		{"a little behind", time.Hour, time.Hour - 30*time.Second, true},
		{"a little ahead", time.Hour, time.Hour + 30*time.Second, true},
		{"ahead beyond the expiry", time.Hour, time.Hour + 10*time.Minute, false},
		{"behind by an hour", 2 * time.Hour, time.Hour, false},
		{"behind by a minute", time.Hour, time.Hour - time.Minute, true},
		{"behind by more than a minute", time.Hour, time.Hour - 61*time.Second, false},
	}
	longest := only(customauth.OTP{TTL: 10 * time.Minute})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s *signIn
			var code string
			synctest.Test(t, func(t *testing.T) {
				sleep(tt.made)
				r := newRig(t, customauth.Options{Steps: longest})
				s = r.start()
				code = r.inbox.code()
			})
			synctest.Test(t, func(t *testing.T) {
				sleep(tt.then)
				s.rig = newRig(t, customauth.Options{Steps: longest})
				if got := s.check(code, nil); got != tt.want || s.err != nil {
					t.Errorf("got %v, %v, want %v", got, s.err, tt.want)
				}
			})
		})
	}
}

// TestPolicies: what a caller's policy decides, within the bound on rounds.
func TestPolicies(t *testing.T) {
	tests := []struct {
		name   string
		policy customauth.AttemptPolicy
		want   int // answers until the sign-in fails
		shown  string
	}{
		{"default", nil, 3, "3"},
		{"one", customauth.MaxAttempts(1), 1, "1"},
		{"eight", customauth.MaxAttempts(8), 8, "8"},
		{"endless", func(context.Context, customauth.Attempts) int { return 5 }, 8, "5"},
		{"own", func(_ context.Context, a customauth.Attempts) int {
			if a.Step == "otp" {
				return 2 - a.Wrong
			}
			return 8
		}, 2, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, customauth.Options{Attempts: tt.policy, InsecureNoLimits: true})
			s := r.start()
			if got := s.public["attemptsRemaining"]; got != tt.shown {
				t.Errorf("attemptsRemaining is %q, want %q", got, tt.shown)
			}
			n := 0
			for ; n < 20 && !s.failed && s.err == nil; n++ {
				s.answer("000")
			}
			if n != tt.want || !s.failed {
				t.Errorf("failed after %d answers, want %d (%s)", n, tt.want, s.outcome())
			}
		})
	}
	calls := 0
	broken := func(context.Context, customauth.Attempts) int {
		if calls++; calls > 3 {
			panic("x") // not yet when the constructors ask
		}
		return 1
	}
	r := newRig(t, customauth.Options{Attempts: broken})
	if s := r.start(); s.err == nil || r.inbox.count() != 0 {
		t.Errorf("a policy that panics: %s", s.outcome())
	}
}

// TestSessionSize: what the longest sign-in of one step carries stays within
// 2,048 characters of base64, before what the service adds to it.
func TestSessionSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, customauth.Options{Attempts: customauth.MaxAttempts(8), InsecureNoLimits: true})
		s := r.start()
		for i := range 7 {
			if s.answer("000"); s.failed {
				t.Fatal("failed after", i)
			}
		}
		size := len(toJSON(t, s.session)) + len(toJSON(t, s.private))
		if size > 2048*3/4 {
			t.Errorf("the longest sign-in of one step carries %d bytes, more than fit in 2,048 characters of base64", size)
		}
	})
}

func TestConcurrentHandlers(t *testing.T) {
	r := newRig(t, customauth.Options{InsecureNoLimits: true})
	done := make(chan string)
	for i := range 32 {
		go func() {
			s := &signIn{rig: r, ctx: context.Background(), client: client, pool: pool, user: fmt.Sprint("user", i),
				attributes: map[string]string{"phone_number": fmt.Sprintf("+1206555%04d", i)}}
			s.next(nil)
			r.inbox.mu.Lock()
			var code string
			for _, m := range r.inbox.texts {
				if m.To.Address.Reveal() == s.attributes["phone_number"] {
					code = m.Code.Reveal()
				}
			}
			r.inbox.mu.Unlock()
			done <- s.answer(code).outcome()
		}()
	}
	for range 32 {
		if got := <-done; got != "tokens" {
			t.Errorf("got %q", got)
		}
	}
}
