package customauth_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// nilled are plug-points that are there and are nothing.
var (
	nilSNS   *customauth.SNSSender
	nilOTP   *customauth.OTP
	nilGuard *guard
	nilStore *brokenStore
)

// TestOptions: what is wrong is said at construction, by every constructor.
func TestOptions(t *testing.T) {
	steps := func(o customauth.OTP) customauth.Options { return customauth.Options{Steps: only(o)} }
	limits := func(l customauth.Limits) customauth.Options { return customauth.Options{Limits: l} }
	windows := func(w ...customauth.Window) customauth.Options {
		return limits(customauth.Limits{Guesses: w})
	}
	named := func(l customauth.Limit) customauth.Options {
		return limits(customauth.Limits{Named: []customauth.Limit{l}})
	}
	pool := func(context.Context, customauth.Request) (string, error) { return "pool", nil }
	hour := []customauth.Window{{Max: 10, Per: time.Hour}}
	client := func(o customauth.Options) customauth.Options {
		return customauth.Options{Clients: map[string]customauth.Options{"app": o}}
	}
	codes := func(number, code string, until time.Time) customauth.Options {
		return steps(customauth.OTP{TestCodes: map[string]customauth.Secret{number: customauth.Hide(code)}, TestCodesUntil: until})
	}
	sns := func(s *customauth.SNSSender) customauth.Options {
		return customauth.Options{Senders: map[string]customauth.Sender{"SMS": s}}
	}
	soon := time.Now().Add(time.Hour)
	zeros := customauth.Hide(strings.Repeat("\x00", 32))
	tests := []struct {
		name string
		o    customauth.Options
		want string // part of the error; empty: fine
	}{
		{"defaults", customauth.Options{}, ""},
		{"no keys", customauth.Options{Keys: []customauth.Secret{}}, "Keys is empty"},
		{"short key", customauth.Options{Keys: []customauth.Secret{key, customauth.Hide("short")}}, "key 2 has 5 bytes and needs 32"},
		{"key twice", customauth.Options{Keys: []customauth.Secret{key, customauth.Hide(key.Reveal())}}, "key 2 is there twice"},
		{"key of zeros", customauth.Options{Keys: []customauth.Secret{zeros}}, "key 1 is not random"},
		{"counter key that is a key, too", customauth.Options{CounterKey: customauth.Hide(key.Reveal())}, "CounterKey is one of Keys"},
		{"counter key of zeros", customauth.Options{CounterKey: zeros}, "CounterKey is not random"},
		{"shared store without a counter key", customauth.Options{Store: new(brokenStore)}, "a Store needs a CounterKey"},
		{"memory store without a counter key", customauth.Options{Store: customauth.NewMemoryStore()}, ""},
		{"nil store", customauth.Options{Store: nilStore, CounterKey: other}, "the Store is a nil *customauth_test.brokenStore"},
		{"nil step", customauth.Options{Steps: []customauth.Step{{Name: "x"}}}, `step "x" has no Challenge`},
		{"step that is a nil pointer", customauth.Options{Steps: only(nilOTP)}, `step "otp" has no Challenge`},
		{"step without a name", customauth.Options{Steps: []customauth.Step{step("", customauth.OTP{})}}, "the name of step 1 must have 1 to 64 bytes"},
		{"steps of one name", customauth.Options{Steps: []customauth.Step{otp(customauth.OTP{}), otp(customauth.OTP{})}}, `two steps are named "otp"`},
		{"too many steps", customauth.Options{Steps: make([]customauth.Step, 6)}, "6 steps are more than 5"},
		{"step named by bytes", customauth.Options{Steps: []customauth.Step{step("\xff", customauth.OTP{})}}, "1 to 64 bytes of UTF-8"},
		{"step named over two lines", customauth.Options{Steps: []customauth.Step{step("a\nb", customauth.OTP{})}}, "without control characters"},
		{"long name", customauth.Options{Steps: []customauth.Step{step(strings.Repeat("x", 65), customauth.OTP{})}}, "1 to 64 bytes"},
		{"password alone", customauth.Options{Steps: []customauth.Step{customauth.Password()}}, "another step after it"},
		{"password second", customauth.Options{Steps: []customauth.Step{otp(customauth.OTP{}), customauth.Password()}}, "must be the first step"},
		{"password taken out of its step", customauth.Options{Steps: only(customauth.Password().Challenge)}, "put customauth.Password() itself into Steps"},
		{"captcha as the last step", customauth.Options{Steps: only(custom{issued: customauth.Issued{Anyone: true}})}, "lets anyone pass, and is the last"},
		{"no attempts", customauth.Options{Attempts: customauth.MaxAttempts(0)}, "Attempts allows 0 answers, and must allow 1 to 8"},
		{"too many attempts", customauth.Options{Attempts: customauth.MaxAttempts(9)}, "Attempts allows 9 answers"},
		{"a policy that panics", customauth.Options{Attempts: func(context.Context, customauth.Attempts) int { panic("x") }}, "Attempts: panic"},
		{"send timeout over Cognito's", customauth.Options{SendTimeout: 3501 * time.Millisecond}, "SendTimeout must be from 100ms to 3.5s, or 0 for the default, not 3.501s"},
		{"send timeout at the bound", customauth.Options{SendTimeout: 3500 * time.Millisecond}, ""},
		{"negative send timeout", customauth.Options{SendTimeout: -1}, "SendTimeout"},
		{"send timeout without a unit", customauth.Options{SendTimeout: 3}, "SendTimeout must be from 100ms to 3.5s, or 0 for the default, not 3ns"},
		{"logger of nothing", customauth.Options{Logger: new(slog.Logger)}, "Logger has no handler"},

		{"the defaults, written down", limits(customauth.DefaultLimits()), ""},
		{"forgotten Per", windows(customauth.Window{Max: 5}), "Limits.Guesses: a Window needs Max from 1 and Per from 1ms to 366 days, not 5 per 0s"},
		{"limit of nothing", windows(customauth.Window{Per: time.Hour}), "not 0 per 1h0m0s"},
		{"limit for too long", windows(customauth.Window{Max: 1, Per: 367 * 24 * time.Hour}), "Per from 1ms to 366 days"},
		{"the longest limit", windows(customauth.Window{Max: 1, Per: 366 * 24 * time.Hour}), ""},
		{"limit backwards", windows(customauth.Window{Max: 1, Per: -1}), "a Window needs"},
		{"a hundred guesses a second", windows(customauth.Window{Max: 100, Per: time.Second}), "Limits.Guesses allows more than 1000 a day"},
		{"more than is remembered", windows(customauth.Window{Max: 101, Per: 24 * time.Hour}), "Limits.Guesses allows 101 for one account, and at most 100 are possible"},
		{"as many as are remembered", windows(customauth.Window{Max: 100, Per: 24 * time.Hour}), ""},
		{"more failures than NIST allows", limits(customauth.Limits{Failures: 101}), "Limits.Failures must be from 1 to 100"},
		{"negative failures", limits(customauth.Limits{Failures: -1}), "Limits.Failures"},
		{"a hundred texts a minute", limits(customauth.Limits{Messages: []customauth.Window{{Max: 100, Per: time.Minute}}}), "Limits.Messages allows more than 1000 a day: one Window at least must hold them to that"},
		{"a hundred texts a minute to a number", limits(customauth.Limits{Destination: []customauth.Window{{Max: 100, Per: time.Minute}}}), "Limits.Destination allows more than 1000 a day"},
		{"a million texts a minute to a number", limits(customauth.Limits{Unproved: []customauth.Window{{Max: 1e6, Per: time.Minute}}}), "Limits.Unproved allows more than 1000 a day"},
		{"pressure that never comes", limits(customauth.Limits{Pressure: customauth.Window{Max: 1e9, Per: time.Millisecond}}), "Limits.Pressure allows more than 100000 a day"},
		{"pressure below its sample", limits(customauth.Limits{Pressure: customauth.Window{Max: 15, Per: time.Hour}}), "Limits.Pressure is sampled, so its Max must be 16 or more"},
		{"too many windows", limits(customauth.Limits{Messages: make([]customauth.Window, 7)}), "Limits.Messages has 7 windows, and at most 6"},
		{"a limit without a name", named(customauth.Limit{Key: pool, Windows: hour}), "needs a Name"},
		{"a limit without a key", named(customauth.Limit{Name: "pool", Windows: hour}), `the Limit "pool" needs a Key and Windows`},
		{"a limit without windows", named(customauth.Limit{Name: "pool", Key: pool}), `the Limit "pool" needs a Key and Windows`},
		{"two limits of one name", limits(customauth.Limits{Named: []customauth.Limit{{Name: "a", Key: pool, Windows: hour}, {Name: "a", Key: pool, Windows: hour}}}), `two Limits are named "a"`},
		{"limits, and no limits", customauth.Options{InsecureNoLimits: true, Limits: customauth.DefaultLimits()}, "InsecureNoLimits and Limits contradict each other"},

		{"TTL over ten minutes", steps(customauth.OTP{TTL: 10*time.Minute + 1}), "TTL must be from 1s to 10m"},
		{"TTL of ten minutes", steps(customauth.OTP{TTL: 10 * time.Minute}), ""},
		{"TTL of a moment", steps(customauth.OTP{TTL: time.Millisecond}), "TTL must be from 1s to 10m"},
		{"cooldown longer than the code", steps(customauth.OTP{TTL: time.Minute, ResendAfter: 61 * time.Second}), "ResendAfter is 1m1s, longer than the TTL of 1m0s"},
		{"cooldown as long as the code", steps(customauth.OTP{TTL: time.Minute, ResendAfter: time.Minute}), ""},
		{"cooldown backwards", steps(customauth.OTP{ResendAfter: -1}), "ResendAfter must be from 1ms to 1h"},
		{"cooldown without a unit", steps(customauth.OTP{ResendAfter: 30}), "ResendAfter must be from 1ms to 1h, not 30ns"},
		{"five digits", steps(customauth.OTP{Generator: five}), "InsecureShortCodes"},
		{"four digits, allowed", steps(customauth.OTP{Generator: customauth.Digits(4), InsecureShortCodes: true}), ""},
		{"no digits", steps(customauth.OTP{Generator: customauth.Digits(0), InsecureShortCodes: true}), "1 to 32 characters"},
		{"too many digits", steps(customauth.OTP{Generator: customauth.Digits(33)}), "1 to 32 characters"},
		{"no such medium", steps(customauth.OTP{Medium: "sms"}), `Medium must be "SMS", "VOICE" or "EMAIL", not "sms"`},
		{"no sender for the medium", steps(customauth.OTP{Medium: "EMAIL"}), `step "otp" sends by "EMAIL", and Options.Senders has no sender for that`},
		{"test codes for ever", codes(phone, "123456", time.Time{}), "TestCodes need TestCodesUntil"},
		{"test codes for a century", codes(phone, "123456", time.Now().AddDate(100, 0, 0)), "TestCodesUntil must be within a year"},
		{"short test code", codes(phone, "1234", soon), "a test code must have 6 to 64 characters"},
		{"empty test code", codes(phone, "", soon), "a test code must have"},
		{"test code of six bytes", codes(phone, "éàü", soon), "a test code must have 6 to 64 characters"},
		{"test number that is none", codes("12065550100", "123456", soon), "an address of TestCodes is none of medium SMS"},
		{"test code", codes(phone, "123456", soon), ""},
		{"app hash", steps(customauth.OTP{AndroidHash: "short"}), "AndroidHash must be 11 characters"},
		{"WebOTP with a scheme", steps(customauth.OTP{WebOTPDomain: "https://example.com/"}), "WebOTPDomain must be a domain"},
		{"WebOTP of colons", steps(customauth.OTP{WebOTPDomain: ":::"}), "WebOTPDomain must be a domain"},
		{"WebOTP with a port", steps(customauth.OTP{WebOTPDomain: "localhost:8080"}), ""},
		{"WebOTP with a dash first", steps(customauth.OTP{WebOTPDomain: "-a.example"}), "WebOTPDomain must be a domain"},
		{"many sends", steps(customauth.OTP{MaxSends: 9}), "MaxSends must be from 1 to 8, not 9"},
		{"a text without the code", steps(customauth.OTP{Text: func(_ context.Context, _ customauth.Request, m customauth.Message) (customauth.Message, error) {
			m.Text = customauth.Hide("hello")
			return m, nil
		}}), "the code is not in it"},

		{"nil SNSSender", customauth.Options{Senders: map[string]customauth.Sender{"SMS": nilSNS}}, `the sender for "SMS" is nil`},
		{"SenderFunc(nil)", customauth.Options{Senders: map[string]customauth.Sender{"SMS": customauth.SenderFunc(nil)}}, `the sender for "SMS" is nil`},
		{"sender for sms", customauth.Options{Senders: map[string]customauth.Sender{"sms": new(inbox)}}, `Senders has "sms": a medium has 1 to 32 capital letters`},
		{"sender for no medium", customauth.Options{Senders: map[string]customauth.Sender{"": new(inbox)}}, `Senders has ""`},
		{"nil guard", customauth.Options{Guard: nilGuard}, "the Guard is a nil *customauth_test.guard"},
		{"SMS type", sns(&customauth.SNSSender{Type: "Urgent"}), "sends: Transactional"},
		{"sender id of digits", sns(&customauth.SNSSender{SenderID: "12345"}), "sends: SenderID"},
		{"long sender id", sns(&customauth.SNSSender{SenderID: "ACMEACMEACME"}), "sends: SenderID"},
		{"price", sns(&customauth.SNSSender{MaxPrice: "$1"}), "sends: MaxPrice"},
		{"origination number", sns(&customauth.SNSSender{OriginationNumber: "ACME"}), "sends: OriginationNumber"},
		{"all of SNS", sns(&customauth.SNSSender{Type: "Promotional", SenderID: "ACME1", MaxPrice: "0.05", OriginationNumber: "+12065550100", EntityID: "1", TemplateID: "2"}), ""},

		{"a client", client(customauth.Options{Steps: only(customauth.OTP{})}), ""},
		{"no client", customauth.Options{Clients: map[string]customauth.Options{}}, "Clients is empty"},
		{"a client without steps", client(customauth.Options{}), `client "app" has no Steps`},
		{"a client with keys", client(customauth.Options{Steps: only(customauth.OTP{}), Keys: []customauth.Secret{key}}), `client "app" may have Steps and Attempts alone`},
		{"clients and steps", customauth.Options{Steps: only(customauth.OTP{}), Clients: map[string]customauth.Options{"app": {Steps: only(customauth.OTP{})}}}, "Steps and Attempts beside Clients are not used"},
		{"a client with a wrong step", client(customauth.Options{Steps: only(customauth.OTP{TTL: time.Hour})}), "TTL must be"},
		{"two faults", steps(customauth.OTP{TTL: time.Hour, WebOTPDomain: "a b"}), "WebOTPDomain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "")
			if tt.o.Keys == nil {
				tt.o.Keys = []customauth.Secret{key}
			}
			_, define := customauth.NewDefine(tt.o)
			_, create := customauth.NewCreate(tt.o)
			_, verify := customauth.NewVerify(tt.o)
			_, handler := customauth.NewHandler(tt.o, nil)
			errs := map[string]error{"NewDefine": define, "NewCreate": create, "NewVerify": verify, "NewHandler": handler}
			want, sends := strings.CutPrefix(tt.want, "sends: ")
			if sends { // what a sender's fields are is looked at where messages are sent
				delete(errs, "NewDefine")
				delete(errs, "NewVerify")
			}
			for name, err := range errs {
				switch {
				case want == "" && err != nil:
					t.Errorf("%s: %v", name, err)
				case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "customauth: options: ")):
					t.Errorf("%s: %v, want %q", name, err, want)
				}
			}
		})
	}
}

// five makes codes that are too short, whatever it is asked for.
func five(context.Context, int) (string, error) { return "12345", nil }

// TestTriggerNames: a trigger that Cognito does not have is refused, before every
// sign-up fails.
func TestTriggerNames(t *testing.T) {
	h := lambdaNothing()
	tests := []struct{ name, want string }{
		{"PreSignUp", ""},
		{"PreSignUp_SignUp", ""},
		{"TokenGeneration", ""},
		{"CustomSMSSender_Authentication", ""},
		{"PreSignup", `there is no trigger named "PreSignup"; Cognito has CustomEmailSender, CustomMessage,`},
		{"PreTokenGeneration", "Cognito has CustomEmailSender"},
		{"", "there is no trigger"},
		{"PreSignUp_Signup", `the trigger PreSignUp has no source "Signup"; it has SignUp, AdminCreateUser, ExternalProvider`},
		{"DefineAuthChallenge", "is handled by this package"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := customauth.NewHandler(customauth.Options{Keys: []customauth.Secret{key}}, h(tt.name))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	const a, b = "YSBrZXkgdGhhdCBpcyBtYWRlIG9mIDMyIGxldHRlcnM=", "YW5vdGhlciBvbmUsIG9mIDMyIGxldHRlcnMsIHRvbyE="
	const how = "; make one with: openssl rand -base64 32"
	tests := []struct {
		name, text string
		want       int // keys
		err        string
	}{
		{"one", a, 1, ""},
		{"two, with spaces", " " + a + " ,\n" + b + "\n", 2, ""},
		{"none", "", 0, "customauth: options: no keys (is CUSTOMAUTH_KEYS set?)" + how},
		{"white space", " \n", 0, "customauth: options: no keys (is CUSTOMAUTH_KEYS set?)" + how},
		{"no base64", "my secret key", 0, "customauth: options: key 1 is not base64" + how},
		{"second short", a + ",AAAA", 0, "customauth: options: key 2 has 3 bytes and needs 32" + how},
		{"trailing comma", a + ",", 0, "customauth: options: key 2 has 0 bytes and needs 32" + how},
		{"zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0, "customauth: options: key 1 is not random" + how},
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
	f.Add("YSBrZXkgdGhhdCBpcyBtYWRlIG9mIDMyIGxldHRlcnM=,")
	f.Add(", ,")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := customauth.ParseKeys(text)
		if err == nil && len(keys) == 0 {
			t.Error("no error and no key")
		}
		for _, k := range keys {
			if len(k.Reveal()) < 32 {
				t.Errorf("a key of %d bytes", len(k.Reveal()))
			}
		}
	})
}

// TestClients: app clients that sign in differently in one handler, and share what
// is counted.
func TestClients(t *testing.T) {
	r := newRig(t, customauth.Options{Clients: map[string]customauth.Options{
		"plain": {Steps: only(customauth.OTP{})},
		"mail":  {Steps: []customauth.Step{step("mail", customauth.OTP{Medium: "EMAIL"})}, Attempts: customauth.MaxAttempts(1)},
	}})
	by := func(client string) func(*signIn) { return func(s *signIn) { s.client = client } }
	plain := r.start(by("plain"))
	mail := r.start(by("mail"), named("another"))
	if plain.public["step"] != "otp" || mail.public["step"] != "mail" || mail.public["attemptsRemaining"] != "1" {
		t.Errorf("plain %v, mail %v", plain.public, mail.public)
	}
	if again := r.start(by("mail")); again.outcome() != "asked sent_recently" {
		t.Errorf("the same user by another client: %s", again.outcome())
	}
	crossed := *plain
	crossed.client = "mail"
	if crossed.check(r.inbox.code(), nil) || crossed.err == nil {
		t.Error("a challenge of one client is answered by another")
	}
	foreign := r.start(by("foreign"), named("a third"))
	if !foreign.failed || r.lastReason() != customauth.ReasonUnknownClient {
		t.Errorf("an unknown client: %s, %s", foreign.outcome(), r.lastReason())
	}
	if foreign.challenge(nil); foreign.err == nil {
		t.Error("create for an unknown client: no error")
	}
	if foreign.private = plain.private; foreign.check("123456", nil) || foreign.err == nil {
		t.Error("verify for an unknown client: no error")
	}
	if got := fmt.Sprint(r.inbox.count()); got != "2" {
		t.Errorf("%s messages", got)
	}
}
