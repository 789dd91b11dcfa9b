package customauth

// This file says what a step of a sign-in is: the contract that every step is
// written against, the built-in ones too.

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth/internal/names"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/text"
)

// A Challenge is what one step of a sign-in asks of the user. [OTP], [OneOf] and
// [Password] are built in; any other proof implements these three methods, and
// can do all that those do. Package challengetest has the tests for it, and
// docs/steps.md is a guide.
//
// A Challenge describes, and the handlers act: they apply the limits, send, bind
// the answer to where it was sent, seal, count, and show. So a Challenge that is
// embedded in another one, or wrapped, keeps all its promises.
//
// The methods are called concurrently, and must end when ctx does. They are called
// for unknown users too, whose Attributes are made up: they should then take as
// long as for anybody. A panic is caught, logged without its value, and closes the
// sign-in, like an error: the app sees a neutral text, the log the error, without
// what looks like a number or an address.
type Challenge interface {
	// Issue describes a new challenge: when the step begins, and when the app asks
	// for another. It must leave nothing behind, for what it describes may be thrown
	// away and asked for once more: what is to be remembered goes into Issued.State.
	//
	// A constructor calls it with r.Probe, once for each r.CodeLength, and refuses a
	// step that then returns an error, or an Issued that is not as its documentation
	// says. So what is wrong with the fields of a step comes out before the first
	// sign-in. A probe must not ask the network.
	//
	// An error may name the code and the address of the Issued that is returned with
	// it: they are taken out of its text.
	Issue(ctx context.Context, r Request) (Issued, error)

	// Show returns the public parameters of the challenge, each time that it is
	// shown: after Issue and after each answer that did not pass. They are what an app
	// needs to answer, and no secret; in all 16 KiB of UTF-8. The handlers add those
	// that every challenge has (see the package documentation), and codeLength where
	// there is an Issued.Answer; a step cannot replace these.
	Show(ctx context.Context, r Request) (map[string]string, error)

	// Check judges an answer: UTF-8, not longer than Issued.MaxAnswer, without control
	// characters other than tabs and line breaks. It is not called for an answer that
	// is late, too long, or that asks for another challenge. Cognito may repeat a call
	// that took too long: an answer that can be used once must be right again in the
	// same sign-in (r.SignIn).
	Check(ctx context.Context, r Request, answer string) (Checked, error)
}

// A Step is a Challenge with the name that it has in a sign-in.
type Step struct {
	// Name tells the steps of one sign-in apart. It is sealed into the state of a
	// sign-in and shown to the app as the public parameter "step". Renaming a step
	// ends the sign-ins under way. 1 to 64 bytes of UTF-8, without control characters.
	Name string

	Challenge

	password bool // Cognito carries it out
}

// Password is the step "password", in which Cognito itself checks the password, by
// SRP. It can only be the first step, an app starts it with CHALLENGE_NAME=SRP_A
// (Amplify: CUSTOM_WITH_SRP), and another step must follow.
func Password() Step { return Step{"password", srp{}, true} }

// srp is never asked anything, unless it is taken out of its Step.
type srp struct{}

var errPassword = errors.New("customauth: the password step is carried out by Cognito: put customauth.Password() itself into Steps, first")

func (srp) Issue(context.Context, Request) (Issued, error) { return Issued{}, errPassword }
func (srp) Show(context.Context, Request) (map[string]string, error) {
	return nil, errPassword
}
func (srp) Check(context.Context, Request, string) (Checked, error) { return Checked{}, errPassword }

// A Request is what steps, senders, limits and guards are told about the sign-in. It
// is data and holds nothing of the handlers; its maps are shared and must not be
// changed.
type Request struct {
	PoolID   string // user pool id, for example eu-west-1_Ab1Cd2Ef3
	ClientID string // app client id
	UserName Secret // user name; a made-up UUID for an unknown user
	SignIn   string // tells this sign-in from others of its user; the same in all of its triggers
	Step     string // name of the step

	// Attributes are the user's attributes, as Cognito sends them. For an unknown
	// user they are made up, always the same: phone_number and email with their
	// _verified, and sub.
	Attributes map[string]Secret

	// ClientMetadata is what the app sent along with this one answer. Cognito
	// passes on none from InitiateAuth, so it is empty when a sign-in begins. The
	// app controls it: it is no place for a security decision.
	ClientMetadata map[string]Secret

	// Locale is the user's language as the app or the user's profile has it: the
	// metadata "locale", or else the attribute of that name. A BCP 47 tag as a rule.
	Locale string

	// UserNotFound is set for a name that the pool does not know (app clients with
	// PreventUserExistenceErrors).
	UserNotFound bool

	// Proved is set when an earlier step of this sign-in showed who the user is, and in
	// a probe when there is such a step. In Check it is not set.
	Proved bool

	// Probe is set when a constructor asks what is wrong with a step's fields.
	Probe bool

	// Sends is how many messages this step has sent so far.
	Sends int

	// CodeLength is how many characters a code needs at least: 6, or 9 while the
	// pool is under pressure (see Limits.Pressure).
	CodeLength int

	// State is Issued.State: in Issue that of the challenge before, in Show and
	// Check that of the challenge itself.
	State string

	expected *seal.Expected // what Issued.Answer was
	hidden   *hidden
}

// hidden makes the keys behind a Request when they are asked for. They are functions,
// so that not even reflection prints them.
type hidden struct {
	decoy, key func() []byte // for this user name, and for this pool
}

func hide(n names.Names, pool, user string) *hidden {
	return &hidden{
		decoy: func() []byte { return n.Decoy(pool, user) },
		key:   func() []byte { return n.Request(pool) },
	}
}

// Matches reports, in constant time, whether answer is the Issued.Answer of this
// challenge, and was sent to this destination. It compares what people type: spaces
// and dashes do not count, letters match in either case, and digits in any script.
// It is for Check; elsewhere it reports false.
//
// A step should ask where a code for this user goes now, and pass that: a code that
// was sent to one number then proves nothing of another that the user has in the
// meantime.
func (r Request) Matches(answer string, to Destination) bool {
	if len(answer) > maxCodeAnswer {
		return false
	}
	answer = text.Normalize(answer)
	return answer != "" && r.expected.Matches(to.id(), answer)
}

// Decoy returns 32 bytes that are always the same for this user name and purpose,
// and tell nothing of either: what an unknown user sees is made of them.
func (r Request) Decoy(purpose string) []byte {
	if r.hidden == nil {
		return hmacSum(nil, purpose)
	}
	return hmacSum(r.hidden.decoy(), purpose)
}

// Unknown is the request as it would be for an unknown user of this name. With it a
// step describes what others see, for a user who lacks what it needs.
func (r Request) Unknown() Request {
	r.UserNotFound = true
	r.Attributes = r.decoyAttributes()
	return r
}

func (r Request) decoyAttributes() map[string]Secret {
	b := r.Decoy("attributes")
	number := []byte("+12065550000")
	for i := range 7 {
		number[5+i] = '0' + b[i]%10
	}
	mail := string('a'+b[7]%26) + hex.EncodeToString(b[8:12]) + "@" + string('a'+b[12]%26) + ".example"
	sub := hex.EncodeToString(r.Decoy("sub")[:16])
	return map[string]Secret{
		"sub":          Hide(sub[:8] + "-" + sub[8:12] + "-" + sub[12:16] + "-" + sub[16:20] + "-" + sub[20:]),
		"phone_number": Hide(string(number)), "phone_number_verified": Hide("true"),
		"email": Hide(mail), "email_verified": Hide("true"),
	}
}

// Key names a value for a [Store]: an HMAC of the pool and the value, so that no
// store learns phone numbers or names. Kind, of letters and dashes, keeps uses
// apart. It is made with Options.CounterKey, and so the same until that changes.
func (r Request) Key(kind, value string) string {
	var key []byte
	if r.hidden != nil {
		key = r.hidden.key()
	}
	return kind + ":" + base64.RawURLEncoding.EncodeToString(hmacSum(key, kind+"\x00"+value)[:18])
}

// Nonce is a text that is new in each sign-in, for a signature of the app. Where
// Options.Known is set, the app is shown it as the public parameter "nonce".
func (r Request) Nonce() string {
	_, nonce, _ := strings.Cut(r.Key("nonce", r.SignIn), ":")
	return nonce
}

func hmacSum(key []byte, value string) []byte {
	if len(key) == 0 {
		key = make([]byte, sha256.Size) // the same to an HMAC, and FIPS 140-3 allows no shorter one
	}
	h := hmac.New(sha256.New, key)
	io.WriteString(h, value)
	return h.Sum(nil)
}

// Format redacts the request for fmt, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "request for step %q of client %q of pool %q %s", r.Step, r.ClientID, r.PoolID, redacted)
}

// LogValue redacts the request for log/slog.
func (r Request) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// Issued describes a challenge. The zero value is one that has no fixed answer and
// sends nothing.
type Issued struct {
	// Answer is the right answer, if there is a fixed one. Only its MAC leaves the
	// handler, and its length, which the app is shown as codeLength. Request.Matches
	// says how it is compared, and what counts. At most 256 bytes, and at least as many
	// characters that count as Request.CodeLength says.
	Answer Secret

	// Message is what is sent, and where. Answer is bound to Message.To. With a To
	// and no Text, nothing is sent, and it takes as long as if it were; without a To
	// there is no message at all. The handlers set Code, Expires, ID and Request.
	Message Message

	// State reaches the next Issue, Show and Check of this step unchanged. The app
	// cannot alter it, and the service keeps it, so no secret belongs in it. Any
	// bytes, at most 128.
	State string

	// TTL is how long the challenge can be answered. Default 3 minutes, at most 10
	// (OWASP ASVS 5.0, 6.5.5).
	TTL time.Duration

	// ResendAfter is how long a user waits between two messages, within a sign-in
	// and across sign-ins. Default 30 seconds, at most 1 hour and at most TTL.
	ResendAfter time.Duration

	// MaxSends is how many messages the step sends at most in one sign-in, the first
	// included. Default 3, at most 8.
	MaxSends int

	// MaxAnswer is how many bytes an answer may have, rounded up to a multiple of 64.
	// Default 256, at most 16,384.
	MaxAnswer int

	// Unguessable says that no answer is a guess, because nobody finds a right one
	// by trying: a passkey, a CAPTCHA, a pushed approval. A wrong, early or cancelled
	// answer then burns no attempt, only one of the rounds of the sign-in, and does
	// not count for Limits.Guesses, so that strangers cannot lock the account by it.
	// An Answer must then have 26 characters that count: 128 bits in base32.
	Unguessable bool

	// Anyone says that whoever answers rightly passes, unknown users too, because
	// the step proves nothing about the user: a CAPTCHA. It cannot be the last step.
	Anyone bool

	// Nobody is why there is nobody to send to, or to answer: the user lacks what
	// the step needs. He is then treated like an unknown user: nothing is sent, every
	// answer is wrong, and the log has the reason. The rest of Issued should describe
	// what an unknown user would see (Request.Unknown).
	Nobody error

	// Refused, if set, says that no challenge was made, and why, in a word for the
	// app and for Event.Reason: lower-case letters, digits and "_", at most 40. The
	// challenge before stays, if there is one.
	Refused Reason

	// InsecureShortAnswer allows an Answer that can be guessed with a chance above
	// one in a million.
	InsecureShortAnswer bool

	// Others, of a probe, are further challenges that Issue may describe. They are
	// checked like this one.
	Others []Issued
}

// Checked is what Check found. The zero value is a wrong answer.
type Checked struct {
	// Right says that the answer passes the step.
	Right bool

	// Why says, for the operator, why an answer is not right, or what is odd about one
	// that is: a passkey that was copied, say. It goes to Event.Err and to the log,
	// without what looks like a number or an address.
	Why error

	// Proved, with Right, is the destination that the user was shown to hold: the
	// Guard is told, and the account's own limits hold for it from now on. Leave it
	// empty where the answer proves no destination.
	Proved Destination
}

const (
	defaultTTL         = 3 * time.Minute
	maxTTL             = 10 * time.Minute
	defaultResendAfter = 30 * time.Second
	maxResendAfter     = time.Hour
	minResendAfter     = time.Millisecond // a number without a unit is nanoseconds
	defaultMaxSends    = 3
	maxSends           = 8

	// maxCodeAnswer bounds an answer that is compared with a code, and the default
	// of MaxAnswer: nobody types more.
	maxCodeAnswer = 256
	maxAnswer     = 16 << 10

	// minCode is how many characters a code has: six digits. ASVS 6.5.4 asks for 20
	// bits and counts six digits, 19.93 bits, as enough; NIST SP 800-63B-4, 3.1.3,
	// asks for six digits.
	minCode = 6

	// pressedCode is the same while the pool is under pressure.
	pressedCode = 9

	// minUnguessable is 128 bits in base32 (RFC 4648), which has no case.
	minUnguessable = 26
)

// check reports whether a challenge is as its documentation says. The first error
// names the field, the bound and the remedy.
func (i Issued) check(codeLength int) error {
	n := utf8.RuneCountInString(text.Normalize(i.Answer.Reveal()))
	to := !i.Message.To.none()
	switch {
	case i.TTL < 0 || i.TTL > maxTTL || i.TTL > 0 && i.TTL < time.Second:
		return fmt.Errorf("its TTL must be from 1s to 10m, not %v", i.TTL)
	case i.ResendAfter != 0 && (i.ResendAfter < minResendAfter || i.ResendAfter > maxResendAfter):
		return fmt.Errorf("its ResendAfter must be from 1ms to 1h, not %v", i.ResendAfter)
	case to && i.ResendAfter > i.ttl():
		return fmt.Errorf("its ResendAfter is %v, longer than the TTL of %v: a code would expire before another can be had", i.ResendAfter, i.ttl())
	case i.MaxSends < 0 || i.MaxSends > maxSends:
		return fmt.Errorf("its MaxSends must be from 1 to %d, not %d", maxSends, i.MaxSends)
	case i.MaxAnswer < 0 || i.MaxAnswer > maxAnswer:
		return fmt.Errorf("its MaxAnswer must be from 1 to %d bytes, not %d", maxAnswer, i.MaxAnswer)
	case len(i.State) > seal.MaxState:
		return fmt.Errorf("its State has %d bytes, and at most %d fit into Cognito's session", len(i.State), seal.MaxState)
	case len(i.Answer.Reveal()) > maxCodeAnswer || !utf8.ValidString(i.Answer.Reveal()):
		return fmt.Errorf("its Answer must be UTF-8 of at most %d bytes", maxCodeAnswer)
	case i.Answer.Reveal() != "" && n == 0:
		return errors.New("its Answer has nothing that counts: spaces and dashes do not")
	case n > 0 && i.Unguessable && n < minUnguessable:
		return fmt.Errorf("its Unguessable needs an Answer of %d characters that count, 128 bits in base32; this one has %d", minUnguessable, n)
	case n > 0 && n < codeLength && !i.Unguessable && !i.InsecureShortAnswer:
		return fmt.Errorf("a code has %d characters and needs %d (see InsecureShortCodes)", n, codeLength)
	case i.Refused != "" && !text.Only(string(i.Refused), 1, 40, "abcdefghijklmnopqrstuvwxyz_"+text.Decimal):
		return errors.New("its Refused must be a word of lower-case letters, digits and _")
	case i.Message.Text.Reveal() != "" && !to:
		return errors.New("the Message has a Text and no To")
	}
	if i.Message.Text.Reveal() == "" {
		return nil
	}
	return i.Message.check(i.Answer)
}

// secrets are what must not be in an error about this challenge.
func (i Issued) secrets() []string {
	answer := i.Answer.Reveal()
	return append(i.Message.secrets(), answer, text.Normalize(answer))
}

func (i Issued) ttl() time.Duration {
	if i.TTL == 0 {
		return defaultTTL
	}
	return i.TTL
}
