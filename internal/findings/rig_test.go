package findings_test

// What the tests say, and see: a spec of handlers, users, and sign-ins in event JSON
// as the service writes it.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

const phone = "+12065550100"

var (
	firstKey  = "a key that is made of 32 letters"
	secondKey = "another one, of 32 letters, too!"
	// assertion has the length of what a passkey answered.
	assertion = strings.Repeat("a", 415)
)

// A spec says what handlers a test needs.
type spec struct {
	keys      []string // default: firstKey
	steps     []stepSpec
	guesses   []window
	shared    []shared // over all of the pool
	store     store
	noStore   bool // leave the Store to the package
	noLimits  bool
	nilSender bool
	guard     string // why the guard refuses
	observe   func()
	triggers  []string
}

type stepSpec struct {
	kind, name, medium string // kind: "" for OTP, "wrapped", "long", "password"
	ttl, resendAfter   time.Duration
	maxSends           int
	webOTPDomain       string
	testCodes          map[string]string
	testUntil          time.Time
	public             int // bytes of public parameters
}

type window struct {
	max int
	per time.Duration
}

type shared struct {
	name    string
	guesses bool
	window
}

// A log is what the outside sees of handlers.
type log struct {
	mu     sync.Mutex
	texts  []sms
	proved []string
	events [][2]string // trigger, reason
}

type sms struct {
	to, code string
	held     held
}

func (l *log) text(to, code string, h held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, sms{to, code, h})
}

func (l *log) prove(to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proved = append(l.proved, to)
}

func (l *log) event(trigger, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, [2]string{trigger, reason})
}

// code is the newest one.
func (l *log) code() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.texts) == 0 {
		return "none"
	}
	return l.texts[len(l.texts)-1].code
}

func (l *log) sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.texts)
}

type rig struct {
	t *testing.T
	*log
	h lambda.Handler
}

// try builds handlers as one would who has nothing against their defaults.
func try(s spec) (*log, lambda.Handler, error) {
	seen := new(log)
	if s.keys == nil {
		s.keys = []string{firstKey}
	}
	if s.steps == nil {
		s.steps = []stepSpec{{}}
	}
	if s.store == nil && !s.noStore {
		s.store = newStore()
	}
	h, err := build(s, seen)
	return seen, h, err
}

func newRig(t *testing.T, s spec) *rig {
	t.Helper()
	seen, h, err := try(s)
	if err != nil {
		t.Fatalf("the constructor refuses: %v", err)
	}
	return &rig{t, seen, h}
}

type object = map[string]any

// A user is who signs in.
type user struct {
	name    string
	phone   string
	unknown bool
}

var owner = user{name: "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", phone: phone}

func (u user) attributes() object {
	if u.unknown {
		return object{}
	}
	return object{
		"sub": u.name, "cognito:user_status": "CONFIRMED", "phone_number": u.phone, "phone_number_verified": "true",
		"email": "someone@example.com", "email_verified": "true",
	}
}

// A signIn is one under way.
type signIn struct {
	*rig
	user    user
	session []any
	public  map[string]string
	private map[string]string
	meta    string
	tokens  bool
	failed  bool
	err     error
}

func (r *rig) start(u user) *signIn {
	s := &signIn{rig: r, user: u, session: []any{}}
	s.next(nil)
	return s
}

// startAfterPassword is a sign-in whose password was right.
func (r *rig) startAfterPassword(u user) *signIn {
	s := &signIn{rig: r, user: u, session: []any{
		object{"challengeName": "SRP_A", "challengeResult": true, "challengeMetadata": nil},
		object{"challengeName": "PASSWORD_VERIFIER", "challengeResult": true, "challengeMetadata": nil},
	}}
	s.next(nil)
	return s
}

// guess answers the first challenge of a sign-in wrongly, and leaves it at that.
func (r *rig) guess(u user) {
	s := &signIn{rig: r, user: u, session: []any{}}
	s.challenge(nil)
	s.call("VerifyAuthChallengeResponse", object{"privateChallengeParameters": s.private, "challengeAnswer": "000000"}, new(any))
}

// call sends one event, and decodes the response in the answer.
func (s *signIn) call(source string, request object, response any) {
	s.t.Helper()
	request["userAttributes"], request["userNotFound"] = s.user.attributes(), s.user.unknown
	payload, err := json.Marshal(object{
		"version": "1", "region": "eu-west-1", "userPoolId": "eu-west-1_Ab1Cd2Ef3", "userName": s.user.name,
		"callerContext": object{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example23456789abcdefghij"},
		"triggerSource": source + "_Authentication", "request": request, "response": object{},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.h.Invoke(context.Background(), payload)
	if s.err = err; err != nil {
		return
	}
	if err := json.Unmarshal(out, &struct{ Response any }{response}); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// next lets Define decide and Create make a challenge.
func (s *signIn) next(metadata map[string]string) {
	s.t.Helper()
	var d struct {
		ChallengeName                   string
		IssueTokens, FailAuthentication bool
	}
	s.call("DefineAuthChallenge", object{"session": s.session, "clientMetadata": metadata}, &d)
	s.tokens, s.failed = d.IssueTokens, d.FailAuthentication
	if s.err == nil && d.ChallengeName == "CUSTOM_CHALLENGE" {
		s.challenge(metadata)
	}
}

func (s *signIn) challenge(metadata map[string]string) {
	s.t.Helper()
	var c struct {
		PublicChallengeParameters, PrivateChallengeParameters map[string]string
		ChallengeMetadata                                     string
	}
	s.call("CreateAuthChallenge", object{"session": s.session, "challengeName": "CUSTOM_CHALLENGE", "clientMetadata": metadata}, &c)
	s.public, s.private, s.meta = c.PublicChallengeParameters, c.PrivateChallengeParameters, c.ChallengeMetadata
}

func (s *signIn) answer(text string) *signIn { s.t.Helper(); return s.say(text, nil) }

func (s *signIn) resend() *signIn {
	s.t.Helper()
	return s.say("-", map[string]string{"action": "resend"})
}

func (s *signIn) say(text string, metadata map[string]string) *signIn {
	s.t.Helper()
	if s.failed || s.tokens || s.err != nil {
		return s
	}
	var v struct{ AnswerCorrect bool }
	s.call("VerifyAuthChallengeResponse", object{
		"privateChallengeParameters": s.private, "challengeAnswer": text, "clientMetadata": metadata,
	}, &v)
	if s.err != nil {
		return s
	}
	s.session = append(s.session, object{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": v.AnswerCorrect, "challengeMetadata": s.meta})
	s.next(metadata)
	return s
}

// right answers with the newest code, wrong with another one.
func (s *signIn) right() *signIn { s.t.Helper(); return s.answer(s.code()) }

func (s *signIn) wrong() *signIn {
	s.t.Helper()
	if s.code() == "000000" {
		return s.answer("111111")
	}
	return s.answer("000000")
}

// outcome is how the sign-in stands, in a word or two.
func (s *signIn) outcome() string {
	switch {
	case s.err != nil:
		return "error"
	case s.tokens:
		return "tokens"
	case s.failed:
		return "failed"
	}
	return strings.TrimSuffix("asked "+s.public["errorCode"], " ")
}

func (s *signIn) is(want string) {
	s.t.Helper()
	if got := s.outcome(); got != want {
		s.t.Errorf("the sign-in is %q (%v), want %q", got, s.err, want)
	}
}

// weight is how long Cognito's session string is, by the formula of package cognitotest.
func (s *signIn) weight() int {
	carried, err := json.Marshal(object{
		"challengeMetadata": s.meta, "challengeName": "CUSTOM_CHALLENGE", "clientId": "1example23456789abcdefghij",
		"privateChallengeParameters": s.private, "session": s.session, "username": s.user.name,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodedLen(403 + len(carried))
}
