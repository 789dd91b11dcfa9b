// Package customauth has the handlers behind Amazon Cognito's custom
// authentication challenge triggers, for sign-in with one-time codes: by SMS, by
// e-mail, after a password, or with a challenge of your own.
//
// A Lambda main is all that is needed:
//
//	func main() {
//		keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
//		if err != nil {
//			log.Fatal(err)
//		}
//		handler, err := customauth.NewHandler(customauth.Options{Keys: keys}, nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		lambda.Start(handler)
//	}
//
// [NewHandler] makes one function for all triggers. [NewDefine], [NewCreate] and
// [NewVerify] make three, which share one [Options].
//
// # A sign-in
//
// Cognito asks Define what comes next, lets Create make a challenge, and hands
// the user's answer to Verify, until Define issues tokens or gives up. The three
// share no memory, so the state of a sign-in travels sealed in what Create
// returns: the step, the expiry, the wrong answers so far, and the MAC of the
// code. The code itself is stored nowhere.
//
// A wrong answer repeats the challenge: nothing is sent, no attempt is won back.
// An app asks for another code with an answer, whatever it says, whose
// ClientMetadata has "action" set to "resend": that is never compared.
//
// # What the app is told
//
// Each challenge has these public parameters, all text:
//
//	step                            name of the step
//	CODE_DELIVERY_DESTINATION       the masked destination, such as +***********
//	CODE_DELIVERY_DELIVERY_MEDIUM   SMS, EMAIL, …
//	codeLength                      how many characters the code has
//	expiresAt                       when it expires, RFC 3339 in UTC
//	attemptsRemaining               how many answers are left, this one included
//	resendAfter                     seconds until a resend is possible; absent when there is none left
//	errorCode                       what was wrong with the last answer or resend:
//	    wrong_code                  the same code is asked again
//	    expired                     the code is too old; a resend brings another
//	    resend_too_soon             the code that was sent stays valid
//	    rate_limited                a limit across sign-ins is reached, or the last resend was used
//	    delivery_failed             sending failed; a resend may help
//	retryAfter                      seconds until trying again makes sense, with some error codes
//
// # What is promised
//
// Tokens only after every step was passed, in order. No guess and no text beyond
// the limits ([Limits]); a limit that cannot be counted closes the door. Unknown
// users see the same parameters, the same limits and the same latency as known
// ones, and never get tokens. No code and no address in a log, an error or a
// metadata field. A trigger answers within Cognito's five seconds, and one
// request sends one message.
//
// What these promises rest on, where they end, and what they leave to you, is in
// docs/security.md of the repository.
//
// # Compatibility
//
// Until version 1 the API may change with a minor version; the changelog says how.
// A record that was sealed by one release is understood by the next.
package customauth

// This file puts a sign-in together: the options, the one handler for all
// triggers, the limits across sign-ins with the store that counts them, and what
// the operator and the app get to see.

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/latency"
	"github.com/cyber-eternal/customauth/internal/seal"
)

// Options say how users sign in. One value, built by one function, goes to every
// constructor: three Lambdas that share it cannot drift apart. Only Keys is
// required; nil and zero are safe defaults.
type Options struct {
	// Keys seal what travels from one trigger to the next: 32 bytes each or more,
	// from a random source. The first seals, all open. To rotate without ending a
	// sign-in, deploy three times: the new key behind the old one, in front of it,
	// and, 15 minutes later, without the old one. Limits are counted under names
	// that the first key makes, so with a new first key they begin afresh. See
	// [ParseKeys].
	Keys [][]byte

	// Steps are what a user must pass, in this order. Default: one OTP by SMS
	// over Amazon SNS.
	Steps []Challenge

	// Attempts decides what follows a wrong answer. Default MaxAttempts(3).
	Attempts AttemptPolicy

	// Limits hold across sign-ins. The defaults are on: see Limits.
	Limits Limits

	// Store counts for Limits. Default: the memory of this one process, which on
	// Lambda is one instance of one function; an attacker meets many. Production
	// wants a shared store, such as the module dynamodbstore.
	Store Store

	// SendTimeout is how long a Sender may take, its own retries included.
	// Default 3 seconds, at most 3.5: Cognito waits 5 seconds for a trigger, and
	// then calls it again.
	SendTimeout time.Duration

	// Logger gets a line for each trigger: Info for what went well, Warn for what
	// the user did wrong, Error for what is broken. No line has a code, an answer,
	// a phone number or an e-mail address. Default slog.Default().
	Logger *slog.Logger

	// Observe, if set, is told how each trigger ended, for metrics and audit. It
	// is called concurrently, before the handler returns: it should be quick.
	Observe func(ctx context.Context, e Event)

	// InsecureNoLimits turns Limits off: whoever opens new sign-ins guesses
	// without end, and has a text sent for each.
	InsecureNoLimits bool
}

// Limits bound what can be done over any number of sign-ins.
type Limits struct {
	// Sends limits the messages of OTP steps per destination, on top of one per
	// OTP.ResendAfter. Default: 5 an hour and 10 a day, which bounds what one
	// number can be annoyed with and what it can cost. A Challenge of your own
	// that sends must count for itself.
	Sends []Limit

	// Guesses limits answers per user and step. A guess is counted before it is
	// compared, so that parallel guesses cannot pass the limit, and given back if
	// it was right. Default: 5 in 5 minutes, 10 an hour, 20 a day, and 100 without
	// a right one in between (NIST SP 800-63B-4, 3.2.2). At 20 a day, a code of six
	// digits is guessed within a day with a chance of 1 in 50,000. One Limit at
	// least must have no Key.
	Guesses []Limit
}

// A Limit allows Max events in any interval of length Per.
type Limit struct {
	Max int

	// Per is at most 31 days. With Per 0, the limit is on events since the last
	// one that was given back, however long ago: consecutive failures.
	Per time.Duration

	// Key, if set, counts under a key of its own instead of the destination or the
	// user: all events for which it returns the same text count together. It must
	// not return what the app can choose freely, or the limit is none. Events for
	// which it returns "" are not counted. For an unknown user r.Attributes are
	// made up, and sends to nobody are held to the limit without using it up. Each
	// Limit with a Key costs a call of the Store. Key is nil where a Store sees the
	// Limit.
	Key func(r Request) string
}

var (
	defaultSends   = []Limit{{Max: 5, Per: time.Hour}, {Max: 10, Per: 24 * time.Hour}}
	defaultGuesses = []Limit{
		{Max: 5, Per: 5 * time.Minute},
		{Max: 10, Per: time.Hour},
		{Max: 20, Per: 24 * time.Hour},
		{Max: 100},
	}
)

// A Store counts events across sign-ins, and across all instances that share it.
// It is called concurrently, with a context that ends after 700 milliseconds.
// Package storetest has the tests that a Store must pass. A Store with a second
// method, Warm(context.Context) error, is warmed like a [Sender].
type Store interface {
	// Count adds n events under a key if all limits leave room for all n, and
	// changes nothing otherwise, in one atomic step. It returns 0 if it counted,
	// else how long it will be until it would.
	//
	// With n = 0 it changes nothing, and returns how long it will be until one
	// event would be counted. With n < 0 it gives back the newest -n events, or
	// as many as there are, and sets the count of limits without Per to zero; it
	// then returns 0. The wait for a limit without Per is math.MaxInt64.
	//
	// A key is any string; this package passes at most 64 bytes of letters,
	// digits, "-", "_" and ":". The limits of a key may differ from call to call.
	// After an error nothing is known, and the caller refuses.
	Count(ctx context.Context, key string, n int, limits []Limit) (wait time.Duration, err error)
}

// ParseKeys reads Options.Keys from text, such as the environment variable
// CUSTOMAUTH_KEYS: keys in base64, the newest first, separated by commas.
func ParseKeys(text string) ([][]byte, error) {
	const how = "make one with: openssl rand -base64 32"
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("customauth: no key; " + how)
	}
	var keys [][]byte
	for i, part := range strings.Split(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("customauth: key %d is not base64; %s", i+1, how)
		}
		if len(key) < minKey {
			return nil, fmt.Errorf("customauth: key %d has %d bytes and needs %d; %s", i+1, len(key), minKey, how)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// minKey is the size of HMAC-SHA256's output: shorter keys weaken it (RFC 2104, 3).
const minKey = 32

// Unlock forgets the guesses counted for an account, for an operator who lets a
// user in again. It needs the Keys, Steps, Limits and Store of the handlers. It
// does not touch limits with a Key of their own, nor those on sends, which end by
// themselves.
func (o Options) Unlock(ctx context.Context, poolID, userName string) error {
	e, err := newEnv(o)
	if err != nil {
		return err
	}
	if o.Store == nil {
		return errors.New("customauth: unlock needs the store that the handlers share")
	}
	for _, step := range e.names {
		key := e.sealer.StoreKey("guess", poolID, step, userName)
		if _, err := o.Store.Count(ctx, key, -math.MaxInt32, e.guesses); err != nil {
			return fmt.Errorf("customauth: unlock: %w", err)
		}
	}
	return nil
}

// NewHandler returns one handler for all triggers of a pool, by triggerSource:
// one function, and so one cold start, for a whole sign-in. Other triggers come
// in by name, as "PreSignUp" for all of its sources or "PreSignUp_SignUp" for one:
//
//	customauth.NewHandler(opts, map[string]lambda.Handler{
//		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
//	})
//
// A source that nothing handles is an error. All fields of an event that the
// handler does not know are returned as they came.
//
// NewHandler warms the senders and the store (see [Sender]), so call it before
// lambda.Start.
// The handler is safe for concurrent use.
func NewHandler(o Options, triggers map[string]lambda.Handler) (lambda.Handler, error) {
	e, err := newEnv(o)
	if err != nil {
		return nil, err
	}
	for name, h := range triggers {
		if h == nil {
			return nil, fmt.Errorf("customauth: the handler for %s is nil", name)
		}
		if trigger, _, _ := strings.Cut(name, "_"); slices.Contains(own, trigger) {
			return nil, fmt.Errorf("customauth: %s is handled by this package", name)
		}
	}
	e.warm(append(e.senders(), e.Store)...)
	return &handler{e, maps.Clone(triggers)}, nil
}

var own = []string{"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}

type handler struct {
	env      *env
	triggers map[string]lambda.Handler
}

// Invoke implements lambda.Handler.
func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	c, err := event.Parse(payload)
	if err != nil {
		return nil, h.env.reject(ctx, "malformed_event", err)
	}
	trigger, _, _ := strings.Cut(c.Source, "_")
	switch trigger {
	case "DefineAuthChallenge":
		return invoke(ctx, payload, c, h.env, h.env.define, defined.members)
	case "CreateAuthChallenge":
		return invoke(ctx, payload, c, h.env, h.env.create, created.members)
	case "VerifyAuthChallengeResponse":
		return invoke(ctx, payload, c, h.env, h.env.verify, verified.members)
	}
	other, ok := h.triggers[c.Source]
	if !ok {
		other, ok = h.triggers[trigger]
	}
	if !ok {
		return nil, h.env.reject(ctx, "unknown_trigger", fmt.Errorf("customauth: nothing handles the trigger source %.64q", c.Source))
	}
	return h.plugged(ctx, trigger, other, payload, c)
}

// invoke runs one of the package's own triggers on JSON.
func invoke[T any](ctx context.Context, payload []byte, c *event.Call, e *env, run func(context.Context, *event.Call) (T, error), members func(T) []event.Member) ([]byte, error) {
	answer, err := run(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := c.Respond(payload, members(answer))
	if err != nil {
		return nil, e.reject(ctx, "malformed_event", err)
	}
	return out, nil
}

// plugged runs another trigger's handler. Its errors are its own: they reach the
// app as they are. Of its answer the response is taken, and the event kept: the
// typed events of aws-lambda-go drop the fields that they do not know.
func (h *handler) plugged(ctx context.Context, trigger string, other lambda.Handler, payload []byte, c *event.Call) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, h.env.reject(ctx, "panic", &panicked{fmt.Sprintf("%T", v), debug.Stack()})
		}
	}()
	answer, err := other.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	var got struct {
		Response map[string]json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, h.env.reject(ctx, "malformed_answer", fmt.Errorf("customauth: the handler for %s answered no event: %w", trigger, err))
	}
	members := make([]event.Member, 0, len(got.Response))
	for name, value := range got.Response {
		members = append(members, event.Member{Name: name, Value: value})
	}
	return c.Respond(payload, members)
}

// An Event says how one trigger ended. It names the user: mind where it goes.
type Event struct {
	Trigger string  // "define", "create" or "verify"
	Step    string  // Name of the step; empty when no step was reached
	Outcome Outcome // what came out
	Reason  string  // why, in a word: an errorCode, or for example "mismatch"; see docs/observing.md
	Sent    bool    // create: a message was handed to the sender
	Elapsed time.Duration
	Err     error // set with Broken, and when sending failed; without codes and addresses

	PoolID, ClientID, UserName string
	UserNotFound               bool
}

// An Outcome says how a trigger ended.
type Outcome string

const (
	// Asked: the user is asked something: Define called for a challenge, or
	// Create made one or repeated it.
	Asked Outcome = "asked"

	// Passed: Verify found the answer right, or Define let tokens be issued.
	Passed Outcome = "passed"

	// Refused: what the user did was not enough: a wrong or late answer, a limit,
	// a guard, the end of the attempts.
	Refused Outcome = "refused"

	// Broken: the trigger failed, and an operator should look: Event.Err says why.
	Broken Outcome = "broken"
)

// An Error is the only error that leaves a handler. Cognito shows its text to the
// app ("CreateAuthChallenge failed with error …"), so it names no user and no
// cause; those are in the log. It can be asked for its cause with errors.Is.
type Error struct {
	text  string
	cause error
}

// Error returns the public text.
func (e *Error) Error() string { return e.text }

// Is reports whether the cause is target.
func (e *Error) Is(target error) bool { return errors.Is(e.cause, target) }

// ErrMismatch is the cause when the state of a sign-in was sealed with a key, a
// list of steps, a pool, a client or a user that is not this handler's, or was
// altered: as a rule, functions that were deployed with different Options.
var ErrMismatch = errors.New("customauth: the state of the sign-in does not fit this handler")

const (
	publicMismatch = "customauth: this sign-in cannot go on, start again"
	publicBroken   = "customauth: sign-in is not available at the moment"
)

// An env is what the handlers of one constructor share.
type env struct {
	Options
	names          []string
	sealer         *seal.Sealer
	sends, guesses []Limit // those without a Key
	ownSends       []Limit
	ownGuesses     []Limit
	samples        []latency.Samples // by step
	sns            *SNSSender        // for steps without a Sender
}

func newEnv(o Options) (e *env, err error) {
	defer func() { // a plug-point that is a nil pointer
		if v := recover(); v != nil {
			e, err = nil, fmt.Errorf("customauth: options: a step panics (%T)", v)
		}
	}()
	e = &env{Options: o, sns: new(SNSSender)}
	e.Steps = slices.Clone(o.Steps)
	if len(e.Steps) == 0 {
		e.Steps = []Challenge{OTP{}}
	}
	if e.Attempts == nil {
		e.Attempts = MaxAttempts(3)
	}
	if e.SendTimeout == 0 {
		e.SendTimeout = 3 * time.Second
	}
	if e.Logger == nil {
		e.Logger = slog.Default()
	}
	if e.Store == nil {
		e.Store = NewMemoryStore()
	}
	if len(e.Limits.Sends) == 0 {
		e.Limits.Sends = defaultSends
	}
	if len(e.Limits.Guesses) == 0 {
		e.Limits.Guesses = defaultGuesses
	}
	if err := e.validate(); err != nil {
		return nil, fmt.Errorf("customauth: options: %w", err)
	}
	e.sealer = seal.New(o.Keys, e.names)
	e.samples = make([]latency.Samples, len(e.Steps))
	e.sends, e.ownSends = split(e.Limits.Sends)
	e.guesses, e.ownGuesses = split(e.Limits.Guesses)
	return e, nil
}

// split parts the limits that share the usual key from those with their own.
func split(limits []Limit) (usual, own []Limit) {
	for _, l := range limits {
		if l.Key == nil {
			usual = append(usual, l)
		} else {
			own = append(own, l)
		}
	}
	return usual, own
}

func (e *env) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(e.Keys) == 0 {
		bad("Keys is empty; see ParseKeys")
	}
	for i, key := range e.Keys {
		if len(key) < minKey {
			bad("key %d has %d bytes and needs %d", i+1, len(key), minKey)
		}
		for j := range i {
			if string(key) == string(e.Keys[j]) {
				bad("keys %d and %d are the same", j+1, i+1)
			}
		}
	}
	if len(e.Steps) > maxSteps {
		bad("%d steps are more than %d", len(e.Steps), maxSteps)
	}
	for i, s := range e.Steps {
		if s == nil {
			bad("step %d is nil", i+1)
			continue
		}
		name := s.Name()
		switch {
		case name == "" || len(name) > 64:
			bad("the name of step %d must have 1 to 64 bytes", i+1)
		case slices.Contains(e.names, name):
			bad("two steps are named %q", name)
		case isPassword(s) && i > 0:
			bad("Password must be the first step")
		case isPassword(s) && len(e.Steps) == 1:
			bad("Password needs another step after it")
		}
		e.names = append(e.names, name)
		if v, ok := s.(interface{ validate() error }); ok {
			if err := v.validate(); err != nil {
				bad("step %q: %w", name, err)
			}
		}
	}
	if n, ok := e.Attempts.(maxAttempts); ok && (n < 1 || n > maxRounds) {
		bad("MaxAttempts takes 1 to %d, not %d", maxRounds, n)
	}
	if e.SendTimeout < 0 || e.SendTimeout > 3500*time.Millisecond {
		bad("SendTimeout must be from 0 to 3.5s, not %v", e.SendTimeout)
	}
	for _, l := range slices.Concat(e.Limits.Sends, e.Limits.Guesses) {
		if l.Max < 1 || l.Per < 0 || l.Per > 31*24*time.Hour {
			bad("a Limit needs Max from 1 and Per from 0 to 31 days, not %d per %v", l.Max, l.Per)
		}
	}
	if usual, _ := split(e.Limits.Guesses); len(usual) == 0 && !e.InsecureNoLimits {
		bad("Limits.Guesses needs a Limit without a Key, so that each user's guesses are limited")
	}
	if e.Logger.Handler() == nil {
		bad("the Logger has no handler; make it with slog.New")
	}
	for _, l := range e.Limits.Sends {
		if l.Per == 0 {
			bad("a limit on sends needs Per: nothing ever gives sends back")
		}
	}
	return errors.Join(errs...)
}

// maxSteps keeps the state of a sign-in small: each challenge adds some 150 bytes
// to Cognito's session string. See docs/security.md for how long that may be.
const maxSteps = 5

// maxWarm is how long senders and the store may warm up.
const maxWarm = time.Second

// A warmer opens its connections before the first event.
type warmer interface{ Warm(context.Context) error }

// senders are those of the steps.
func (e *env) senders() []any {
	var list []any
	for _, s := range e.Steps {
		if o, ok := s.(interface{ sender(*env) Sender }); ok {
			list = append(list, o.sender(e))
		}
	}
	return list
}

// warm lets those that can open their connections, all at once.
func (e *env) warm(list ...any) {
	ctx, cancel := context.WithTimeout(context.Background(), maxWarm)
	defer cancel()
	var wg sync.WaitGroup
	for _, x := range list {
		w, ok := x.(warmer)
		if !ok {
			continue
		}
		wg.Go(func() {
			_, err := bounded(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, w.Warm(ctx) })
			if err != nil {
				e.Logger.LogAttrs(ctx, slog.LevelDebug, "customauth: a connection did not warm up", slog.String("error", scrub(err, Destination{}).Error()))
			}
		})
	}
	wg.Wait()
}

// bounded calls a plug-point, and gives up on it when ctx ends or it panics.
func bounded[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	if ctx.Err() != nil {
		var none T
		return none, context.Cause(ctx)
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errGone}
		defer func() {
			if v := recover(); v != nil {
				r = result{err: &panicked{fmt.Sprintf("%T", v), debug.Stack()}}
			}
			done <- r
		}()
		r.value, r.err = f(ctx)
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

var errGone = errors.New("customauth: a plug-point ended its goroutine")

// panicked is a panic that was caught: its type and where, not its value, which
// may be a secret.
type panicked struct {
	kind  string
	stack []byte
}

func (p *panicked) Error() string { return "customauth: panic with a " + p.kind }

// A turn is one call of a trigger.
type turn struct {
	env     *env
	call    *event.Call
	who     seal.Who
	rec     *seal.Record // verify: the challenge that is answered
	began   time.Time
	trigger string
	step    string
	report
}

func (e *env) begin(trigger string, c *event.Call) *turn {
	return &turn{
		env: e, call: c, trigger: trigger, began: time.Now(),
		who: seal.Who{Pool: c.Pool, Client: c.Client, User: c.User},
	}
}

// spare is what a trigger may take beyond sending: for the store, and to answer.
const spare = 800 * time.Millisecond

// within bounds what is left to do by what is left of the trigger's time.
func (t *turn) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, t.began.Add(t.env.SendTimeout+spare))
}

// resend reports whether the app asked for another code with this answer.
func (t *turn) resend() bool { return t.call.Metadata["action"] == "resend" }

func (t *turn) request(step int) Request {
	t.step = t.env.names[step]
	return Request{
		PoolID: t.call.Pool, ClientID: t.call.Client, UserName: t.call.User,
		Step:       t.step,
		Attributes: t.call.Attributes, ClientMetadata: t.call.Metadata,
		UserNotFound: t.call.UserNotFound,
		turn:         t,
	}
}

// end tells the operator how the turn ended.
func (t *turn) end(ctx context.Context, o Outcome, reason string) {
	level := slog.LevelInfo
	switch {
	case o == Broken:
		level = slog.LevelError
	case o == Refused || t.cause != nil:
		level = slog.LevelWarn
	}
	elapsed := time.Since(t.began)
	if t.env.Logger.Enabled(ctx, level) {
		attrs := make([]slog.Attr, 0, 12)
		attrs = append(attrs,
			slog.String("trigger", t.trigger),
			slog.String("step", t.step),
			slog.String("outcome", string(o)),
			slog.String("reason", reason),
			slog.String("pool", t.call.Pool),
			slog.String("client", t.call.Client),
			slog.Bool("user_not_found", t.call.UserNotFound),
			slog.Duration("elapsed", elapsed))
		if sub := t.call.Attributes["sub"]; isUUID(sub) {
			attrs = append(attrs, slog.String("sub", sub))
		}
		if t.trigger == "create" {
			attrs = append(attrs, slog.Bool("sent", t.sent))
		}
		if t.cause != nil {
			attrs = append(attrs, slog.String("error", scrub(t.cause, Destination{}).Error()))
			var p *panicked
			if errors.As(t.cause, &p) {
				attrs = append(attrs, slog.String("stack", string(p.stack)))
			}
		}
		t.env.Logger.LogAttrs(ctx, level, messages[t.trigger], attrs...)
	}
	t.env.observe(ctx, Event{
		Trigger: t.trigger, Step: t.step, Outcome: o, Reason: reason, Sent: t.sent, Elapsed: elapsed,
		Err:    scrub(t.cause, Destination{}),
		PoolID: t.call.Pool, ClientID: t.call.Client, UserName: t.call.User, UserNotFound: t.call.UserNotFound,
	})
}

var messages = map[string]string{
	"define": "customauth: define auth challenge",
	"create": "customauth: create auth challenge",
	"verify": "customauth: verify auth challenge response",
}

// isUUID reports whether a sub is what Cognito makes, and not a name.
func isUUID(s string) bool {
	return len(s) == 36 && only(s, 36, 36, "0123456789abcdef-") && s[8] == '-' && s[13] == '-'
}

func (e *env) observe(ctx context.Context, ev Event) {
	if e.Observe == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			e.Logger.LogAttrs(ctx, slog.LevelError, "customauth: Observe panicked", slog.String("panic", fmt.Sprintf("%T", v)))
		}
	}()
	e.Observe(ctx, ev)
}

// fail ends a turn with an error that is fit for the public.
func (t *turn) fail(ctx context.Context, reason string, cause error) error {
	t.cause = cause
	t.end(ctx, Broken, reason)
	if errors.Is(cause, ErrMismatch) {
		return &Error{publicMismatch, cause}
	}
	return &Error{publicBroken, cause}
}

// reject ends a call that did not get as far as a turn.
func (e *env) reject(ctx context.Context, reason string, cause error) error {
	attrs := []slog.Attr{slog.String("reason", reason), slog.String("error", scrub(cause, Destination{}).Error())}
	var p *panicked
	if errors.As(cause, &p) {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	e.Logger.LogAttrs(ctx, slog.LevelError, "customauth: event rejected", attrs...)
	return &Error{publicBroken, cause}
}

// maxStore is how long a store may take for one call. A sign-in makes two of
// them before a message is sent, in Cognito's five seconds.
const maxStore = 700 * time.Millisecond

// count asks the store, within its time.
func (e *env) count(ctx context.Context, key string, n int, limits []Limit) (time.Duration, error) {
	if e.InsecureNoLimits || len(limits) == 0 {
		return 0, nil
	}
	if m, ok := e.Store.(*memoryStore); ok {
		return m.Count(ctx, key, n, limits)
	}
	ctx, cancel := context.WithTimeout(ctx, maxStore)
	defer cancel()
	wait, err := bounded(ctx, func(ctx context.Context) (time.Duration, error) {
		return e.Store.Count(ctx, key, n, limits)
	})
	if err != nil {
		return 0, fmt.Errorf("customauth: store: %w", err)
	}
	return max(wait, 0), nil
}

// A tally is a key with the limits that hold for it.
type tally struct {
	key    string
	limits []Limit
	look   bool // the limits hold, but nothing is counted
}

// tallies are the keys under which an event counts: those of limits with a Key,
// and then the usual one.
func (t *turn) tallies(ctx context.Context, r Request, kind, usual string, limits, own []Limit) ([]tally, error) {
	if len(own) == 0 {
		return []tally{{key: usual, limits: limits}}, nil
	}
	if r.UserNotFound {
		r.Attributes = t.env.decoyAttributes(r)
	}
	ctx, cancel := t.within(ctx)
	defer cancel()
	list, err := bounded(ctx, func(context.Context) (list []tally, _ error) {
		for i, l := range own {
			if v := l.Key(r); v != "" {
				list = append(list, tally{key: r.Key(kind+strconv.Itoa(i), v), limits: []Limit{{Max: l.Max, Per: l.Per}}})
			}
		}
		return list, nil
	})
	if err != nil {
		return nil, fmt.Errorf("customauth: Limit.Key: %w", err)
	}
	return append(list, tally{key: usual, limits: limits}), nil
}

// countAll counts an event under all keys or under none. What is taken back is
// not counted after all; but giving back would also forget the failures in a row,
// so a key with such a limit keeps the event.
func (e *env) countAll(ctx context.Context, list []tally) (wait time.Duration, err error) {
	for i, t := range list {
		n := 1
		if t.look {
			n = 0
		}
		wait, err = e.count(ctx, t.key, n, t.limits)
		if err != nil || wait > 0 {
			e.giveBack(ctx, slices.DeleteFunc(slices.Clone(list[:i]), func(t tally) bool {
				return slices.ContainsFunc(t.limits, func(l Limit) bool { return l.Per == 0 })
			}))
			return wait, err
		}
	}
	return 0, nil
}

// giveBack takes back what countAll counted. A failure leaves the count too high,
// which is the safe side.
func (e *env) giveBack(ctx context.Context, list []tally) {
	for _, t := range list {
		if t.look {
			continue
		}
		if _, err := e.count(ctx, t.key, -1, t.limits); err != nil {
			e.Logger.LogAttrs(ctx, slog.LevelWarn, "customauth: a count was not given back", slog.String("error", scrub(err, Destination{}).Error()))
		}
	}
}

// NewMemoryStore returns a [Store] in the memory of this process. It counts
// exactly, keeps 65,536 keys at most (then it forgets some that were not used for
// long), forgets a key that was not used for 31 days, and is gone when the process
// is. On Lambda that is one instance of one function: it slows an attacker down,
// and does not stop one.
func NewMemoryStore() Store {
	return &memoryStore{began: time.Now(), keys: make(map[string]*memoryCount)}
}

const maxMemoryKeys = 1 << 16

type memoryStore struct {
	began time.Time
	mu    sync.Mutex
	now   time.Duration // since began, at the last call
	keys  map[string]*memoryCount
	calls int
}

// clock is the time since the store began. It never goes back. It follows the
// monotonic clock, which stands still while Lambda freezes the function, and the
// wall clock, which can be set: a jump forward ends waits early.
func (s *memoryStore) clock() time.Duration {
	now := time.Now()
	s.now = max(s.now, now.Sub(s.began), now.Round(0).Sub(s.began.Round(0)))
	return s.now
}

type memoryCount struct {
	times   []time.Duration // when the events were, oldest first
	streak  int             // events since the last that was given back
	longest time.Duration   // of the limits that were seen
	until   time.Duration   // when all times are out of all limits
}

func (s *memoryStore) Count(ctx context.Context, key string, n int, limits []Limit) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.sweep(now)
	c := s.keys[key]
	if c == nil {
		c = new(memoryCount)
	}
	if n < 0 {
		c.times = c.times[:max(0, len(c.times)+n)]
		c.streak = 0
		if len(c.times) == 0 {
			delete(s.keys, key)
		}
		return 0, nil
	}
	wait := c.wait(now, max(n, 1), limits)
	if n == 0 || wait > 0 {
		return wait, nil
	}
	s.keys[key] = c
	c.add(now, n, limits)
	return 0, nil
}

func (c *memoryCount) wait(now time.Duration, n int, limits []Limit) (wait time.Duration) {
	for _, l := range limits {
		if l.Per == 0 {
			if c.streak+n > l.Max {
				return math.MaxInt64
			}
			continue
		}
		if n > l.Max {
			return math.MaxInt64
		}
		// The event that must be out of the interval for n more to fit.
		if i := len(c.times) - (l.Max - n) - 1; i >= 0 {
			wait = max(wait, c.times[i]+l.Per-now)
		}
	}
	return wait
}

func (c *memoryCount) add(now time.Duration, n int, limits []Limit) {
	for _, l := range limits {
		c.longest = max(c.longest, l.Per)
		if l.Per == 0 {
			c.until = max(c.until, now+31*24*time.Hour)
		}
	}
	c.until = max(c.until, now+c.longest)
	old, _ := slices.BinarySearch(c.times, now-c.longest)
	c.times = slices.Delete(c.times, 0, old)
	for range n {
		c.times = append(c.times, now)
	}
	c.streak += n
}

// sweep forgets keys whose events are all too old, now and then, and some others
// when there are too many.
func (s *memoryStore) sweep(now time.Duration) {
	if s.calls++; s.calls%4096 == 0 {
		for key, c := range s.keys {
			if c.until <= now {
				delete(s.keys, key)
			}
		}
	}
	for len(s.keys) >= maxMemoryKeys {
		victim, looked := "", 0
		for key, c := range s.keys { // in random order
			if victim == "" || c.until < s.keys[victim].until {
				victim = key
			}
			if looked++; looked == 16 {
				break
			}
		}
		delete(s.keys, victim)
	}
}

// decoyAttributes are what a user with this name might have.
func (e *env) decoyAttributes(r Request) map[string]string {
	b := e.sealer.Decoy(r.PoolID, r.UserName)
	digits := make([]byte, 0, 7)
	for _, c := range b[:7] {
		digits = append(digits, '0'+c%10)
	}
	return map[string]string{
		"phone_number":          "+1206" + string(digits),
		"phone_number_verified": "true",
		"email":                 string('a'+b[7]%26) + hex.EncodeToString(b[8:12]) + "@" + string('a'+b[12]%26) + ".example",
		"email_verified":        "true",
	}
}
