package customauth_test

// This file shows that nothing that the built-in steps can do needs more than the
// exported names: the one-time code is written here anew, without embedding or
// calling customauth.OTP, and passes the tests of the built-in one.

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
)

// external is a one-time code of a stranger's. Its fields mean what those of
// customauth.OTP mean.
type external struct {
	Medium                string
	Destination           func(context.Context, customauth.Request) (customauth.Destination, error)
	Generator             customauth.Generator
	TTL, ResendAfter      time.Duration
	MaxSends              int
	Text                  func(context.Context, customauth.Request, customauth.Message) (customauth.Message, error)
	WebOTPDomain, Android string
	TestCodes             map[string]customauth.Secret
	TestCodesUntil        time.Time
	Short, Hint           bool
}

func (e external) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	if r.Probe && len(e.TestCodes) > 0 && e.TestCodesUntil.IsZero() {
		return customauth.Issued{}, errors.New("TestCodes need TestCodesUntil")
	}
	to, missing := e.to(ctx, r)
	code, err := e.code(ctx, r)
	if err != nil {
		return customauth.Issued{}, err
	}
	is := customauth.Issued{
		Answer: customauth.Hide(code), Message: customauth.Message{To: to}, Nobody: missing,
		TTL: e.TTL, ResendAfter: e.ResendAfter, MaxSends: e.MaxSends, InsecureShortAnswer: e.Short,
	}
	if test, ok := e.testCode(to); ok && missing == nil && !r.UserNotFound {
		is.Answer = test
		return is, nil
	}
	is.Message, err = e.message(ctx, r, is)
	return is, err
}

func (e external) Show(ctx context.Context, r customauth.Request) (map[string]string, error) {
	to, _ := e.to(ctx, r)
	shown := "***@***"
	if strings.HasPrefix(to.Address.Reveal(), "+") {
		shown = "+***********"
	}
	if e.Hint {
		shown = to.String()
	}
	return map[string]string{"CODE_DELIVERY_DELIVERY_MEDIUM": to.Medium, "CODE_DELIVERY_DESTINATION": shown}, nil
}

func (e external) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	to, _ := e.to(ctx, r)
	got := customauth.Checked{Right: r.Matches(answer, to)}
	if _, test := e.testCode(to); !test {
		got.Proved = to
	}
	return got, nil
}

func (e external) code(ctx context.Context, r customauth.Request) (string, error) {
	if e.Generator != nil {
		code, err := e.Generator(ctx, r.CodeLength)
		if n := r.CodeLength - len(strings.NewReplacer(" ", "", "-", "").Replace(code)); err == nil && code != "" && r.CodeLength > 6 && n > 0 {
			more, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
			if err != nil {
				return "", err
			}
			code += fmt.Sprintf("%0*d", n, more)
		}
		if n := len(strings.Trim(code, " -")); err == nil && (n == 0 || n > 64) {
			err = errors.New("a code has 1 to 64 letters and digits")
		}
		return code, err
	}
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(r.CodeLength)), nil))
	return fmt.Sprintf("%0*d", r.CodeLength, n), err
}

func (e external) to(ctx context.Context, r customauth.Request) (customauth.Destination, error) {
	to, missing := e.find(ctx, r)
	if missing == nil {
		return to, nil
	}
	to, err := e.find(ctx, r.Unknown())
	if err != nil {
		to, _ = external{}.find(ctx, r.Unknown())
		missing = fmt.Errorf("unknown users can be told apart: %w", missing)
	}
	return to, missing
}

func (e external) find(ctx context.Context, r customauth.Request) (customauth.Destination, error) {
	if e.Destination != nil {
		to, err := e.Destination(ctx, r)
		return to, cmp.Or(err, usable(to))
	}
	to := customauth.Destination{Medium: cmp.Or(e.Medium, "SMS"), Address: r.Attributes["phone_number"]}
	if to.Medium == "EMAIL" {
		to.Address = r.Attributes["email"]
	}
	return to, usable(to)
}

// usable says what is wrong with a destination.
func usable(to customauth.Destination) error {
	address := to.Address.Reveal()
	digits, plus := strings.CutPrefix(address, "+")
	local, domain, at := strings.Cut(address, "@")
	switch {
	case to.Medium == "SMS" && (!plus || len(digits) < 7 || len(digits) > 15 || digits[0] == '0' || strings.Trim(digits, "0123456789") != ""):
		return errors.New("no phone number")
	case to.Medium == "EMAIL" && (!at || local == "" || domain == "" || len(address) > 254 || strings.ContainsAny(address, " \x00")):
		return errors.New("no e-mail address")
	case to.Medium == "" || address == "":
		return errors.New("no destination")
	}
	return nil
}

func (e external) testCode(to customauth.Destination) (customauth.Secret, bool) {
	code, ok := e.TestCodes[to.Address.Reveal()]
	return code, ok && time.Now().Before(e.TestCodesUntil)
}

func (e external) message(ctx context.Context, r customauth.Request, is customauth.Issued) (customauth.Message, error) {
	m, code, ttl := is.Message, is.Answer.Reveal(), cmp.Or(is.TTL, 3*time.Minute)
	n, unit := int(ttl/time.Minute), "minutes"
	if n == 0 {
		n, unit = int(ttl/time.Second), "seconds"
	}
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	m.Code, m.Locale, m.Expires = is.Answer, r.Locale, time.Now().Add(ttl)
	m.Text = customauth.Hide(fmt.Sprintf("%s is your code. It is valid for %d %s. Do not share it.", code, n, unit))
	if e.Text != nil {
		written, err := e.Text(ctx, r, m)
		if err != nil {
			return m, fmt.Errorf("text: %w", err)
		}
		m = written
	}
	if e.Android != "" {
		m.Text = customauth.Hide(m.Text.Reveal() + "\n" + e.Android)
	}
	if e.WebOTPDomain != "" {
		m.Text = customauth.Hide(m.Text.Reveal() + "\n@" + e.WebOTPDomain + " #" + code)
	}
	return m, nil
}

// decorated is a step around another one, as people write them.
type decorated struct{ customauth.Challenge }

func (d decorated) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	return d.Challenge.Issue(ctx, r)
}

// TestExternalOTP runs the tests of the built-in code on the stranger's, and on the
// built-in one as it is embedded and decorated.
func TestExternalOTP(t *testing.T) {
	suite := []struct {
		name string
		test func(*testing.T)
	}{
		{"SignIn", TestSignIn}, {"PublicParameters", TestPublicParameters}, {"Answers", TestAnswers},
		{"Decoys", TestDecoys}, {"DecoysNeverPass", TestDecoysNeverPass}, {"DecoysFailToo", TestDecoysFailToo},
		{"DecoysCannotBeTaught", TestDecoysCannotBeTaught}, {"DecoyLatency", TestDecoyLatency},
		{"FirstStepForAll", TestFirstStepForAll}, {"SenderFailures", TestSenderFailures}, {"SlowEverything", TestSlowEverything},
		{"ErrorsOfPlugPoints", TestErrorsOfPlugPoints}, {"ResendByAnotherClock", TestResendByAnotherClock},
		{"Texts", TestTexts}, {"TestCodes", TestTestCodes}, {"WeakCodes", TestWeakCodes}, {"Guard", TestGuard},
		{"Media", TestMedia}, {"NoSecretLeaves", TestNoSecretLeaves}, {"ChangedDestination", TestChangedDestination},
		{"ForeignRecords", TestForeignRecords}, {"ForeignSessions", TestForeignSessions}, {"PasswordSessions", TestPasswordSessions},
		{"KeyRotation", TestKeyRotation}, {"Clocks", TestClocks}, {"Policies", TestPolicies}, {"SessionSize", TestSessionSize},
		{"GuessLimits", TestGuessLimits}, {"GiveBack", TestGiveBack}, {"MessageLimits", TestMessageLimits},
		{"StrangerWithMyNumber", TestStrangerWithMyNumber}, {"Pressure", TestPressure}, {"UsedCode", TestUsedCode},
		{"KnownDevice", TestKnownDevice}, {"StoreFails", TestStoreFails}, {"Events", TestEvents},
	}
	defer func(before func(customauth.OTP) customauth.Challenge) { stepOf = before }(stepOf)
	for name, build := range map[string]func(customauth.OTP) customauth.Challenge{
		"written anew": func(o customauth.OTP) customauth.Challenge {
			return external{
				Medium: o.Medium, Destination: o.Destination, Generator: o.Generator, TTL: o.TTL, ResendAfter: o.ResendAfter,
				MaxSends: o.MaxSends, Text: o.Text, WebOTPDomain: o.WebOTPDomain, Android: o.AndroidHash,
				TestCodes: o.TestCodes, TestCodesUntil: o.TestCodesUntil, Short: o.InsecureShortCodes, Hint: o.InsecureHint,
			}
		},
		"embedded":  func(o customauth.OTP) customauth.Challenge { return struct{ customauth.OTP }{o} },
		"decorated": func(o customauth.OTP) customauth.Challenge { return decorated{o} },
	} {
		stepOf = build
		for _, s := range suite {
			t.Run(name+"/"+s.name, s.test)
		}
	}
}
