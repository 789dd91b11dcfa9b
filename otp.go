package customauth

// This file has the one-time code, and the generators of codes.

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth/internal/text"
)

// OTP is the one-time code: made, sent, and compared with what the user types. The
// zero value sends six digits by SMS to the user's phone_number.
//
// It needs a Sender for its medium in Options.Senders, but for SMS, for which there
// is one. It uses nothing that a [Challenge] of your own could not.
type OTP struct {
	// Medium is how the code is sent: "SMS" or "VOICE", to the attribute
	// phone_number, or "EMAIL", to the attribute email. Default "SMS".
	Medium string

	// Destination says where the code goes, if not to that attribute. It must look at
	// r.Attributes alone: for unknown users these are made up, and it should find in
	// them what it finds for most users. It is asked again when the answer comes: a
	// code is good only for the destination that it was sent to. A user for whom it
	// fails is treated like an unknown one: nothing is sent, nothing is shown, the log
	// has a warning.
	Destination func(ctx context.Context, r Request) (Destination, error)

	// Generator makes the codes. Default Digits(6).
	Generator Generator

	// TTL is how long a code is valid. Default 3 minutes, at most 10 (OWASP ASVS
	// 5.0, 6.5.5; NIST SP 800-63B-4, 3.1.3). Let Cognito's session live longer, or a
	// user whose code expired cannot ask for another: AuthSessionValidity of the app
	// client is 3 minutes by default and should be 15.
	TTL time.Duration

	// ResendAfter is how long a user waits between two codes, within a sign-in and
	// across sign-ins. Default 30 seconds, at most 1 hour and at most TTL.
	ResendAfter time.Duration

	// MaxSends is how many messages one sign-in sends at most, the first included.
	// Default 3, at most 8.
	MaxSends int

	// Text writes the message. It is given one that is complete, and may change
	// Text, Subject, HTML and Locale; the code must be in Text. The lines of
	// WebOTPDomain and AndroidHash are added to it afterwards. What comes from an
	// attribute and may have been chosen by a stranger, such as a name, does not
	// belong into a message to somebody else. Default: "123456 is your code. It is
	// valid for 3 minutes. Do not share it."
	Text func(ctx context.Context, r Request, m Message) (Message, error)

	// WebOTPDomain adds the last line "@example.com #123456", by which browsers
	// offer to fill in the code on that domain alone
	// (https://wicg.github.io/sms-one-time-codes/). A domain without scheme. SMS only.
	WebOTPDomain string

	// AndroidHash adds a line with the 11 characters by which Android's SMS
	// Retriever finds the app that a text is for. SMS only.
	AndroidHash string

	// TestCodes are fixed codes by address, for app-store review and automation.
	// Nothing is sent to these addresses, and whoever knows the code can sign in as
	// their user: list no address of a person. Limits on guesses hold for them too.
	TestCodes map[string]Secret

	// TestCodesUntil is when TestCodes stop working, a year from now at most.
	// Required with TestCodes.
	TestCodesUntil time.Time

	// InsecureShortCodes allows codes of less than a million possibilities (20 bits
	// or six digits: OWASP ASVS 5.0, 6.5.4; NIST SP 800-63B-4, 3.1.3).
	InsecureShortCodes bool

	// InsecureHint shows the app the end of the phone number or the first letters
	// of the e-mail address, as Cognito's own flows do, instead of its kind alone.
	// An unknown user's made-up address then ends differently from the number that
	// was typed: whoever signs in with a phone number or an address learns whether
	// the account exists. Harmless only where the user name is neither.
	InsecureHint bool
}

// Issue makes a code, and says where it goes and what the message says.
func (o OTP) Issue(ctx context.Context, r Request) (Issued, error) {
	if r.Probe {
		if err := o.validate(); err != nil {
			return Issued{}, err
		}
	}
	to, missing := o.to(ctx, r)
	least := r.CodeLength
	if o.InsecureShortCodes && least <= minCode {
		least = 1
	}
	code, err := o.code(ctx, least)
	if err != nil {
		return Issued{}, fmt.Errorf("generator: %w", err)
	}
	is := Issued{
		Answer:              Hide(code),
		Message:             Message{To: to},
		TTL:                 o.TTL,
		ResendAfter:         o.ResendAfter,
		MaxSends:            o.MaxSends,
		Nobody:              missing,
		InsecureShortAnswer: o.InsecureShortCodes,
	}
	if test, ok := o.testCode(to); ok && missing == nil && !r.UserNotFound {
		is.Answer, is.InsecureShortAnswer = test, true
		return is, nil
	}
	is.Message, err = o.message(ctx, r, is)
	return is, err
}

// Show tells the medium, and what sort of address it is.
func (o OTP) Show(ctx context.Context, r Request) (map[string]string, error) {
	to, _ := o.to(ctx, r)
	address := to.kind()
	if o.InsecureHint {
		address = to.String()
	}
	return map[string]string{"CODE_DELIVERY_DELIVERY_MEDIUM": to.Medium, "CODE_DELIVERY_DESTINATION": address}, nil
}

// Check compares the answer with the code. A code proves the destination that it
// was sent to, except for a test code, which was sent nowhere.
func (o OTP) Check(ctx context.Context, r Request, answer string) (Checked, error) {
	to, _ := o.to(ctx, r)
	c := Checked{Right: r.Matches(answer, to)}
	if _, test := o.testCode(to); !test {
		c.Proved = to
	}
	return c, nil
}

// code makes a code. One that is not as long as the pressure on the pool asks for gets
// digits at its end, so that a generator that does not care breaks nothing.
func (o OTP) code(ctx context.Context, least int) (string, error) {
	generate := o.Generator
	if generate == nil {
		generate = Digits(minCode)
	}
	code, err := generate(ctx, least)
	if err != nil {
		return "", err
	}
	n := utf8.RuneCountInString(text.Normalize(code))
	if n < 1 || len(code) > maxCode {
		return "", fmt.Errorf("a code needs 1 to %d letters or digits", maxCode)
	}
	if least <= minCode || n >= least {
		return code, nil
	}
	more, err := Digits(least-n)(ctx, 1)
	return code + more, err
}

// to is where the code goes, or where it would go if there were anybody.
func (o OTP) to(ctx context.Context, r Request) (to Destination, missing error) {
	if to, missing = o.find(ctx, r); missing == nil {
		return to, nil
	}
	if to, err := o.find(ctx, r.Unknown()); err == nil {
		return to, missing
	}
	to, _ = OTP{}.find(ctx, r.Unknown())
	return to, fmt.Errorf("Destination fails for made-up attributes too, so unknown users can be told apart: %w", missing)
}

func (o OTP) find(ctx context.Context, r Request) (Destination, error) {
	find := o.Destination
	if find == nil {
		find = o.attribute
	}
	to, err := find(ctx, r)
	if err != nil {
		return Destination{}, err
	}
	return to, to.check()
}

// attribute finds the destination that the medium stands for.
func (o OTP) attribute(_ context.Context, r Request) (Destination, error) {
	medium := cmp.Or(o.Medium, "SMS")
	name := attributeOf(medium)
	if r.Attributes[name].Reveal() == "" {
		return Destination{}, fmt.Errorf("the user has no %s", name)
	}
	return Destination{medium, r.Attributes[name]}, nil
}

// attributeOf is the attribute that messages of a medium go to; "" if there is none.
func attributeOf(medium string) string {
	switch medium {
	case "SMS", "VOICE":
		return "phone_number"
	case "EMAIL":
		return "email"
	}
	return ""
}

func (o OTP) testCode(to Destination) (Secret, bool) {
	code, ok := o.TestCodes[to.Address.Reveal()]
	return code, ok && time.Now().Before(o.TestCodesUntil)
}

func (o OTP) message(ctx context.Context, r Request, is Issued) (Message, error) {
	code := is.Answer.Reveal()
	m := Message{
		To:      is.Message.To,
		Code:    is.Answer,
		Text:    Hide(code + " is your code. It is valid for " + minutes(is.ttl()) + ". Do not share it."),
		Subject: Hide("Your code"),
		Expires: time.Now().Add(is.ttl()),
		Locale:  r.Locale,
	}
	if o.Text != nil {
		written, err := o.Text(ctx, r, m)
		if err != nil {
			return m, fmt.Errorf("text: %w", err)
		}
		written.To, written.Code, written.Expires = m.To, m.Code, m.Expires
		m = written
	}
	lines := ""
	if o.AndroidHash != "" && m.To.Medium == "SMS" {
		lines += "\n" + o.AndroidHash
	}
	if o.WebOTPDomain != "" && m.To.Medium == "SMS" {
		lines += "\n@" + o.WebOTPDomain + " #" + code
	}
	if lines != "" {
		m.Text = Hide(m.Text.Reveal() + lines)
	}
	return m, nil
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

// maxCode bounds the length of a code in bytes.
const maxCode = 64

// maxTestCodes is how long test codes may work before somebody looks at them again.
const maxTestCodes = 366 * 24 * time.Hour

// validate reports what is wrong with the fields that Issued does not show.
func (o OTP) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Destination == nil && o.Medium != "" && attributeOf(o.Medium) == "" {
		bad(`Medium must be "SMS", "VOICE" or "EMAIL", not %.20q; for any other, set Destination`, o.Medium)
	}
	if o.AndroidHash != "" && !text.Only(o.AndroidHash, 11, 11, text.Decimal+text.Letters+"+/") {
		bad("AndroidHash must be 11 characters of base64")
	}
	if o.WebOTPDomain != "" && !isDomain(o.WebOTPDomain) {
		bad("WebOTPDomain must be a domain like example.com")
	}
	if len(o.TestCodes) > 0 && o.TestCodesUntil.IsZero() {
		bad("TestCodes need TestCodesUntil")
	}
	if time.Until(o.TestCodesUntil) > maxTestCodes {
		bad("TestCodesUntil must be within a year")
	}
	for address, code := range o.TestCodes {
		typed := text.Normalize(code.Reveal())
		n := utf8.RuneCountInString(typed)
		if n < 1 || len(typed) > maxCode || n < minCode && !o.InsecureShortCodes {
			bad("a test code must have %d to %d characters", minCode, maxCode)
		}
		if medium := cmp.Or(o.Medium, "SMS"); o.Destination == nil && (Destination{medium, Hide(address)}).check() != nil {
			bad("an address of TestCodes is none of medium %s, so no user can have it", medium)
		}
	}
	return errors.Join(errs...)
}

// isDomain reports whether s is a host name with an optional port.
func isDomain(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "443"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !text.Only(label, 1, 63, text.Decimal+text.Letters+"-") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return host != ""
}

// A Generator makes a code. Least is how many characters it needs: 6, or 9 while the
// pool is under pressure (see Limits.Pressure). A code that is too short under pressure
// gets digits at its end. A code has up to 64 bytes of letters and digits; spaces and
// dashes may make it easier to read and do not count. An error fails the trigger, and
// nothing is sent; its text goes to the log and must not have the code. It is called
// concurrently.
type Generator func(ctx context.Context, least int) (string, error)

// Digits makes codes of n decimal digits, or of as many as are asked for, all equally
// likely, from crypto/rand. n is 6 to 32; fewer need OTP.InsecureShortCodes.
func Digits(n int) Generator { return uniform(text.Decimal, n) }

// Alphanumeric makes codes of n digits and capital letters, or of as many as are
// asked for, all equally likely, from crypto/rand. Characters that are taken for
// others are left out (0 and O, 1, I and L, and U for V), which leaves 30. n is 6 to 32.
func Alphanumeric(n int) Generator { return uniform("23456789ABCDEFGHJKMNPQRSTVWXYZ", n) }

func uniform(alphabet string, n int) Generator {
	size := big.NewInt(int64(len(alphabet)))
	return func(_ context.Context, least int) (string, error) {
		if n < 1 || n > 32 {
			return "", fmt.Errorf("codes must have 1 to 32 characters, not %d", n)
		}
		code := make([]byte, max(n, least))
		for i := range code {
			at, err := rand.Int(rand.Reader, size)
			if err != nil {
				return "", err
			}
			code[i] = alphabet[at.Int64()]
		}
		return string(code), nil
	}
}
