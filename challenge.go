package customauth

// This file says what a step of a sign-in is: the Challenge interface, the
// built-in one-time code (OTP), the password step, and the generators of codes.

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Challenge is one step of a sign-in. [OTP] and [Password] are built in; any
// other proof (a CAPTCHA, a pushed approval, a security word) implements these
// three methods.
//
// The methods are called concurrently. A panic in one of them is caught, logged
// without its value, and closes the sign-in.
type Challenge interface {
	// Name tells the steps of one sign-in apart. It is sealed into the state of
	// a sign-in and shown to the app as the public parameter "step". It must not
	// change while the handler lives; renaming a step ends the sign-ins under way.
	Name() string

	// Issue makes the challenge, once when the step begins and once for every
	// resend that is allowed, never after a wrong answer. It is called for
	// unknown users too (r.UserNotFound): it must then answer alike, take as
	// long, and send nothing. An error fails the trigger; the app sees a neutral
	// text, the log the error.
	Issue(ctx context.Context, r Request) (Issued, error)

	// Check reports whether the answer is right. The answer is what the user
	// typed, valid UTF-8 without control characters, at most 256 bytes.
	// Use r.Matches to compare it with Issued.Answer in constant time. An error
	// fails the trigger and never counts as right. It is called for unknown users
	// too: they can pass a step that another follows, so that it does not tell
	// them from known ones, but never the last.
	Check(ctx context.Context, r Request, answer string) (bool, error)
}

// A Request is what the plug-points are told about the sign-in. It is a copy;
// its maps are shared and must not be changed.
type Request struct {
	PoolID   string // user pool id, for example eu-west-1_Ab1Cd2Ef3
	ClientID string // app client id
	UserName string // user name; a made-up UUID for an unknown user
	Step     string // Name of the step

	// Attributes are the user's attributes, all strings, as Cognito sends them.
	// Empty for an unknown user.
	Attributes map[string]string

	// ClientMetadata is what the app sent along with this one answer. Cognito
	// passes on none from InitiateAuth, so it is empty when a sign-in begins.
	// The app controls it: it is no place for a security decision.
	ClientMetadata map[string]string

	// UserNotFound is set for a name that the pool does not know (app clients
	// with PreventUserExistenceErrors).
	UserNotFound bool

	// Private is Issued.Private of the challenge being checked; empty in Issue.
	Private string

	turn *turn  // what the handler knows beyond this; nil outside of a handler
	to   string // in Check: where a code must have been sent to be good
}

// Issued is a challenge that was made.
type Issued struct {
	// Answer is the right answer, if there is a fixed one. Only its MAC leaves
	// the handler, and its length, which the app is shown as codeLength. Spaces,
	// dashes, case and the script of digits do not count when it is compared. At
	// most 256 bytes.
	Answer string

	// Private travels to Check unchanged and cannot be altered by the app. At most
	// 256 bytes of UTF-8. The service keeps it, so no secret belongs in it.
	Private string

	// Public is shown to the app, with the parameters that every challenge has
	// (see the package documentation), which it cannot replace. At most 256 bytes
	// of UTF-8 in all.
	Public map[string]string

	// TTL is how long the challenge can be answered. Default 3 minutes, at most
	// 10 (OWASP ASVS 5.0, 6.5.5).
	TTL time.Duration

	// ErrorCode, if set, is shown to the app as "errorCode": the challenge could
	// not be made, and the user can do something about it. With an empty Answer,
	// Check is not called and every answer is refused.
	ErrorCode string

	// RetryAfter goes with ErrorCode: how long a resend is pointless. It is
	// shown to the app as "retryAfter", in whole seconds.
	RetryAfter time.Duration

	report
}

// A report is what the one-time code tells the handler beyond the challenge.
type report struct {
	to     string // where the answer was sent
	silent bool   // nobody was told the answer: an unknown user, or one without a destination
	sent   bool   // a message was handed to the sender
	reason string // why nothing was sent, or how sending failed
	cause  error  // for the log
}

// Matches reports whether an answer is Issued.Answer, in constant time. It
// compares what people type: spaces and dashes do not count, letters match in
// either case, and digits in any script. It is for Check; elsewhere it reports
// false.
func (r Request) Matches(answer string) bool {
	if r.turn == nil || r.turn.rec == nil || r.turn.rec.Length == 0 {
		return false
	}
	return r.turn.rec.Matches(r.turn.who, r.to, normalize(answer))
}

// Key names a value for a [Store]: an HMAC of the pool and the value under the
// newest of Options.Keys, so that no store learns phone numbers or names; a new
// key begins to count afresh. Kind, a few letters, keeps uses apart; those that
// begin with "send" and "guess" are this package's own. Outside of a handler Key
// returns "".
func (r Request) Key(kind, value string) string {
	if r.turn == nil {
		return ""
	}
	return r.turn.env.sealer.StoreKey(kind, r.PoolID, value)
}

// Password is the step in which Cognito itself checks the password, by SRP. It
// can only be the first step, an app starts it with CHALLENGE_NAME=SRP_A (Amplify:
// CUSTOM_WITH_SRP), and another step must follow.
func Password() Challenge { return password{} }

type password struct{}

var errPassword = errors.New("customauth: the password step is carried out by Cognito")

func (password) Name() string                                         { return "password" }
func (password) Issue(context.Context, Request) (Issued, error)       { return Issued{}, errPassword }
func (password) Check(context.Context, Request, string) (bool, error) { return false, errPassword }

// OTP is the one-time code: made, sent, and compared with what the user types.
// The zero value sends six digits by SMS to the user's phone_number over Amazon
// SNS. It may be embedded in a type that overrides a method.
type OTP struct {
	// ID is the name of the step. Default "otp". Two codes in one sign-in need two,
	// and two destinations: ResendAfter holds between them too.
	ID string

	// Generator makes the codes. Default Digits(6).
	Generator Generator

	// Sender delivers them. Default a *SNSSender.
	Sender Sender

	// Guard may refuse a send, for example to a country. Default none.
	Guard Guard

	// TTL is how long a code is valid. Default 3 minutes, which is also how long
	// Cognito keeps a session by default; at most 10 (OWASP ASVS 5.0, 6.5.5;
	// NIST SP 800-63B-4, 3.1.3).
	TTL time.Duration

	// ResendAfter is how long a user waits between two codes, within a sign-in
	// and across sign-ins. Default 30 seconds.
	ResendAfter time.Duration

	// MaxSends is how many messages one step of a sign-in sends at most, the
	// first included. Default 3, at most 8.
	MaxSends int

	// Destination says where the code goes. Default: the attribute phone_number,
	// by SMS. For unknown users it is called with made-up attributes, phone_number
	// and email and their _verified, and should find what it finds for most users
	// in them; so it must look at r.Attributes alone. It is asked again when the
	// answer comes: a code is good only for the destination that it was sent to. A
	// user for whom it fails is treated like an unknown one: nothing is sent,
	// nothing is shown, the log has a warning.
	Destination func(r Request) (Destination, error)

	// Text writes the message. Default: "123456 is your code. It is valid for 3
	// minutes. Do not share it." The code must be in it. The lines of
	// WebOTPDomain and AndroidHash are added to it.
	Text func(r Request, code Code) (string, error)

	// WebOTPDomain adds the last line "@example.com #123456", by which browsers
	// offer to fill in the code on that domain alone
	// (https://wicg.github.io/sms-one-time-codes/). A domain without scheme.
	WebOTPDomain string

	// AndroidHash adds a line with the 11 characters by which Android's SMS
	// Retriever finds the app that a text is for.
	AndroidHash string

	// TestCodes are fixed codes by address, for app-store review and automation.
	// Nothing is sent to these addresses, and whoever knows the code can sign in
	// as their user: list no address of a person. Limits on guesses hold for
	// them too.
	TestCodes map[string]string

	// TestCodesUntil is when TestCodes stop to work. Required with TestCodes.
	TestCodesUntil time.Time

	// InsecureShortCodes allows codes of less than a million possibilities
	// (20 bits or six digits: OWASP ASVS 5.0, 6.5.4; NIST SP 800-63B-4, 3.1.3).
	InsecureShortCodes bool

	// InsecureHint shows the app the end of the phone number or the first letters
	// of the e-mail address, as Cognito's own flows do, instead of its kind alone.
	// An unknown user's made-up address then ends differently from the number
	// that was typed: whoever signs in with a phone number or an address learns
	// whether the account exists. Harmless only where the user name is neither.
	InsecureHint bool
}

const (
	defaultTTL         = 3 * time.Minute
	maxTTL             = 10 * time.Minute
	defaultResendAfter = 30 * time.Second
	defaultMaxSends    = 3

	// minCodes is how many codes there must be: six digits. ASVS 6.5.4 asks for
	// 20 bits and counts six digits, 19.93 bits, as enough.
	minCodes = 1e6
)

// Name returns ID, or "otp".
func (o OTP) Name() string { return cmp.Or(o.ID, "otp") }

// Issue makes a code and sends it.
func (o OTP) Issue(ctx context.Context, r Request) (Issued, error) {
	if r.turn == nil {
		return Issued{}, errors.New("customauth: OTP.Issue was called outside of a handler")
	}
	to, cause := o.destination(r)
	silent := r.UserNotFound || cause != nil
	code, err := o.code(ctx)
	if err != nil {
		return Issued{}, err
	}
	clean := func(err error) error { return scrub(err, to, code, normalize(code)) }
	out := Issued{Answer: code, TTL: cmp.Or(o.TTL, defaultTTL)}
	out.to, out.silent = to.id(), silent
	if cause != nil {
		out.reason, out.cause = "no_destination", cause
	}
	if test, ok := o.testCode(to); ok && !silent {
		out.Answer, out.reason = test, "test_code"
		return out, nil
	}
	m := Message{To: to, Code: Code{&code}, Request: r}
	if m.Text, err = o.text(r, m.Code); err != nil {
		return Issued{}, clean(err)
	}
	if err := r.turn.env.checkText(ctx, r, m); err != nil {
		return Issued{}, clean(err)
	}
	return r.turn.env.deliver(ctx, o, m, out)
}

// Check compares the answer with the code.
func (o OTP) Check(_ context.Context, r Request, answer string) (bool, error) {
	if r.turn != nil {
		r.to = o.bound(r)
	}
	return r.Matches(answer), nil
}

func (o OTP) code(ctx context.Context) (string, error) {
	g := o.Generator
	if g == nil {
		g = Digits(6)
	}
	code, err := g.Generate(ctx)
	if err != nil {
		return "", fmt.Errorf("customauth: generator: %w", err)
	}
	n := normalize(code)
	if len(n) == 0 || len(n) > maxCode {
		return "", fmt.Errorf("customauth: generator: a code needs 1 to %d letters or digits", maxCode)
	}
	if _, checked := g.(uniform); !checked && !o.InsecureShortCodes && space(n) < minCodes {
		return "", errors.New("customauth: generator: the code is too short (see InsecureShortCodes)")
	}
	return code, nil
}

// space is how many codes look like this one, at most.
func space(code string) float64 {
	alphabet := 10.0
	for _, r := range code {
		if r < '0' || r > '9' {
			alphabet = 36
		}
	}
	return math.Pow(alphabet, float64(utf8.RuneCountInString(code)))
}

// destination is where the code goes, or where it would go if there were anybody.
func (o OTP) destination(r Request) (to Destination, missing error) {
	resolve := o.Destination
	if resolve == nil {
		resolve = phoneNumber
	}
	if !r.UserNotFound {
		to, err := resolve(r)
		if err == nil {
			err = to.check()
		}
		if err == nil {
			return to, nil
		}
		missing = scrub(err, to)
	}
	decoy := r
	decoy.Attributes = r.turn.env.decoyAttributes(r)
	to, err := resolve(decoy)
	if err == nil {
		err = to.check()
	}
	if err != nil {
		to, _ = phoneNumber(decoy)
		missing = cmp.Or(missing, fmt.Errorf("customauth: Destination fails for made-up attributes, so unknown users can be told apart: %w", scrub(err, to)))
	}
	return to, missing
}

func phoneNumber(r Request) (Destination, error) {
	phone := r.Attributes["phone_number"]
	if phone == "" {
		return Destination{}, errors.New("customauth: the user has no phone_number")
	}
	return Destination{Medium: "SMS", Address: phone}, nil
}

// shown is where a code went, or would have gone, as the app may see it.
func (o OTP) shown(r Request) (medium, address string) {
	to, _ := o.destination(r)
	if o.InsecureHint {
		return to.Medium, to.String()
	}
	return to.Medium, to.kind()
}

func (o OTP) testCode(to Destination) (string, bool) {
	code, ok := o.TestCodes[to.Address]
	return code, ok && time.Now().Before(o.TestCodesUntil)
}

func (o OTP) text(r Request, code Code) (string, error) {
	text := code.Reveal() + " is your code. It is valid for " + minutes(cmp.Or(o.TTL, defaultTTL)) + ". Do not share it."
	if o.Text != nil {
		var err error
		if text, err = o.Text(r, code); err != nil {
			return "", fmt.Errorf("customauth: text: %w", err)
		}
	}
	if o.AndroidHash != "" {
		text += "\n" + o.AndroidHash
	}
	if o.WebOTPDomain != "" {
		text += "\n@" + o.WebOTPDomain + " #" + code.Reveal()
	}
	return text, nil
}

func minutes(d time.Duration) string {
	n, unit := int(d/time.Minute), " minute"
	if n == 0 {
		n, unit = int(d/time.Second), " second"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + unit
}

// resends is how long a user waits for the next code, and how many there are.
func (o OTP) resends() (after time.Duration, most int) {
	return cmp.Or(o.ResendAfter, defaultResendAfter), cmp.Or(o.MaxSends, defaultMaxSends)
}

// verified is called after a right answer.
func (o OTP) verified(ctx context.Context, r Request) {
	if o.Guard == nil {
		return
	}
	to, err := o.destination(r)
	if _, test := o.testCode(to); err == nil && !test {
		o.Guard.Verified(ctx, r, to)
	}
}

// bound is where a code must have been sent to be good now: a code that was sent
// to one number proves nothing of another that the user has in the meantime.
func (o OTP) bound(r Request) string {
	to, _ := o.destination(r)
	return to.id()
}

func (o OTP) sender(e *env) Sender {
	if o.Sender != nil {
		return o.Sender
	}
	return e.sns
}

// validate reports what is wrong with the fields.
func (o OTP) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.TTL != 0 && (o.TTL < time.Second || o.TTL > maxTTL) {
		bad("TTL must be from 1s to 10m, not %v", o.TTL)
	}
	if o.ResendAfter < 0 || o.ResendAfter > time.Hour {
		bad("ResendAfter must be from 0 to 1h, not %v", o.ResendAfter)
	}
	if o.MaxSends < 0 || o.MaxSends > maxRounds {
		bad("MaxSends must be from 1 to %d, not %d", maxRounds, o.MaxSends)
	}
	if o.AndroidHash != "" && !only(o.AndroidHash, 11, 11, decimal+letters+"+/") {
		bad("AndroidHash must be 11 characters of base64")
	}
	if o.WebOTPDomain != "" && !only(o.WebOTPDomain, 1, 253, decimal+letters+".-:") {
		bad("WebOTPDomain must be a domain like example.com")
	}
	if len(o.TestCodes) > 0 && o.TestCodesUntil.IsZero() {
		bad("TestCodes need TestCodesUntil")
	}
	for _, code := range o.TestCodes {
		if n := normalize(code); !o.InsecureShortCodes && space(n) < minCodes || n == "" || len(n) > maxCode {
			bad("a test code is too short or too long")
		}
	}
	if c, ok := o.Generator.(uniform); ok {
		switch {
		case c.n < 1 || c.n > 32:
			bad("codes must have 1 to 32 characters, not %d", c.n)
		case !o.InsecureShortCodes && math.Pow(float64(len(c.alphabet)), float64(c.n)) < minCodes:
			bad("codes of %d characters are too short (see InsecureShortCodes)", c.n)
		}
	}
	if s, ok := o.Sender.(*SNSSender); ok {
		if s == nil {
			bad("the sender is a nil *SNSSender")
		} else if err := s.validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

const (
	decimal = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// only reports whether s has from least to most bytes, all of them of a set.
func only(s string, least, most int, set string) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, set) == ""
}

// A Generator makes codes. It is called concurrently. A code has 1 to 64 bytes of
// letters and digits; spaces and dashes may make it easier to read and do not
// count. An error fails the trigger, and nothing is sent; its text goes to the log
// and must not have the code.
type Generator interface {
	Generate(ctx context.Context) (string, error)
}

// GeneratorFunc is a function as a [Generator].
type GeneratorFunc func(ctx context.Context) (string, error)

// Generate calls f.
func (f GeneratorFunc) Generate(ctx context.Context) (string, error) { return f(ctx) }

// Digits makes codes of n decimal digits, each of the 10^n equally likely, from
// crypto/rand. n is 6 to 32; fewer need OTP.InsecureShortCodes.
func Digits(n int) Generator { return uniform{decimal, n} }

// Alphanumeric makes codes of n digits and capital letters, all equally likely,
// from crypto/rand. Characters that are taken for one another (0 O, 1 I L, U V)
// are left out, which leaves 30. n is 5 to 32; fewer need OTP.InsecureShortCodes.
func Alphanumeric(n int) Generator { return uniform{"23456789ABCDEFGHJKMNPQRSTVWXYZ", n} }

type uniform struct {
	alphabet string
	n        int
}

func (u uniform) Generate(context.Context) (string, error) {
	code := make([]byte, 0, u.n)
	// Bytes from the last, incomplete multiple of the alphabet are thrown away:
	// taking them as they are would favour the first characters.
	limit := 256 - 256%len(u.alphabet)
	var random [64]byte
	for len(code) < u.n {
		rand.Read(random[:]) // never fails: crypto/rand ends the process instead
		for _, b := range random {
			if int(b) < limit && len(code) < u.n {
				code = append(code, u.alphabet[int(b)%len(u.alphabet)])
			}
		}
	}
	return string(code), nil
}

// maxCode bounds the length of a code in bytes.
const maxCode = 64

// maxCarried bounds in bytes what a challenge may carry along.
const maxCarried = 256

// normalize makes what people type comparable: digits of any script become
// ASCII, full-width letters narrow, small letters capital; white space, dashes
// and invisible format characters go.
func normalize(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFEE0 // full-width forms of ASCII
		}
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Pd, unicode.Cf), r == 0x2212: // minus sign
		case unicode.Is(unicode.Nd, r):
			out = append(out, byte('0'+digit(r)))
		default:
			out = utf8.AppendRune(out, unicode.ToUpper(r))
		}
	}
	return string(out)
}

// digit is the value of a decimal digit: Unicode keeps the ten digits of a
// script together and in order (the Unicode Standard, 4.6).
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}
