package customauth

// This file has the options of the handlers, and what is wrong with them.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/text"
)

// Options say how users sign in. One value, built by one function, goes to every
// constructor: three Lambdas that share it cannot drift apart. Only Keys is
// required; nil and zero are safe defaults.
type Options struct {
	// Keys seal what travels from one trigger to the next: 32 bytes each or more,
	// from a random source. The first seals, all open. To rotate without ending a
	// sign-in, deploy three times: the new key behind the old one, in front of it,
	// and, 15 minutes later, without the old one. See [ParseKeys].
	Keys []Secret

	// Steps are what a user must pass, in this order: 1 to 5. Default: one OTP by
	// SMS, named "otp".
	Steps []Step

	// Senders deliver messages, by medium, in capitals. Default: a *SNSSender for "SMS".
	Senders map[string]Sender

	// Guard may refuse a message, for example to a country. Default none.
	Guard Guard

	// Attempts decides how many answers a step has. Default MaxAttempts(3).
	Attempts AttemptPolicy

	// Limits hold across sign-ins. The defaults are on: see Limits.
	Limits Limits

	// Store counts for Limits. Default: the memory of this one process, which on
	// Lambda is one instance of one function; an attacker meets many. Production
	// wants a shared store, such as the module dynamodbstore.
	Store Store

	// CounterKey names what the Store keeps, and what unknown users see: 32 bytes or
	// more from a random source, required with a Store of your own. It is none of Keys
	// and not rotated with them: with another one, all limits begin afresh.
	CounterKey Secret

	// Clients are the app clients that sign in differently, by id. A client that is
	// not there is then refused; without Clients, all of a pool sign in alike. Each
	// has Steps, and may have Attempts; what is left out it has in common with the
	// others. Keys, Limits, Store, senders and observing belong to the pool; whoever is
	// locked out is so for all of its clients. Beside Clients, Steps and Attempts are
	// refused.
	Clients map[string]Options

	// Known, if set, reports whether the app has shown, in r.ClientMetadata, that it
	// runs on a device that this user proved before: by a signature over r.Nonce(), as
	// a rule. What such a device asks for and answers is counted apart from what
	// everybody else does in the user's name, so strangers cannot lock the user out;
	// each of the two then has half of Limits.Failures. It is asked when a challenge is
	// made, for unknown users too, and must not take longer for one than for another.
	// Package device has one.
	Known func(ctx context.Context, r Request) (bool, error)

	// SendTimeout is how long a Sender may take, its own retries included: 100
	// milliseconds to 3.5 seconds. Default 3 seconds: Cognito waits 5 seconds for a
	// trigger, and may then call it again.
	SendTimeout time.Duration

	// Logger gets a line for each trigger: Info for what went well, Warn for what
	// the user did wrong, Error for what is broken. No line has a code, an answer, a
	// phone number or an e-mail address. Default slog.Default().
	Logger *slog.Logger

	// Observe, if set, is told how each call ended, for metrics and audit. It is
	// called concurrently, before the handler returns, and waited for 250 ms.
	Observe func(ctx context.Context, e Event)

	// InsecureNoLimits turns Limits off: whoever opens new sign-ins guesses without
	// end, and has a text sent for each.
	InsecureNoLimits bool
}

// ParseKeys reads Options.Keys from text, such as the environment variable
// CUSTOMAUTH_KEYS: keys in base64, the newest first, separated by commas.
func ParseKeys(keys string) ([]Secret, error) {
	const how = "make one with: openssl rand -base64 32"
	if strings.TrimSpace(keys) == "" {
		return nil, fmt.Errorf("%w: no keys (is CUSTOMAUTH_KEYS set?); %s", ErrOptions, how)
	}
	var list []Secret
	for i, part := range strings.Split(keys, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("%w: key %d is not base64; %s", ErrOptions, i+1, how)
		}
		if err := checkKey(Hide(string(key))); err != nil {
			return nil, fmt.Errorf("%w: key %d %w; %s", ErrOptions, i+1, err, how)
		}
		list = append(list, Hide(string(key)))
	}
	return list, nil
}

// minKey is the size of HMAC-SHA256's output: shorter keys weaken it (RFC 2104, 3).
const minKey = 32

// checkKey refuses what cannot come from a random source. That 32 random bytes have
// fewer than eight different values has a chance below 1 in 10^40.
func checkKey(key Secret) error {
	k := key.Reveal()
	if len(k) < minKey {
		return fmt.Errorf("has %d bytes and needs %d", len(k), minKey)
	}
	different := map[byte]bool{}
	for i := range len(k) {
		different[k[i]] = true
	}
	if len(different) < 8 {
		return errors.New("is not random")
	}
	return nil
}

const (
	// maxSteps and maxRounds keep the state of a sign-in small: each challenge makes
	// Cognito's session string longer. See docs/security.md.
	maxSteps  = 5
	maxRounds = 8

	defaultSendTimeout = 3 * time.Second
	maxSendTimeout     = 3500 * time.Millisecond

	// minSendTimeout is less than a connection and an answer take: below it nothing is
	// ever sent. A number without a unit is nanoseconds.
	minSendTimeout = 100 * time.Millisecond

	// maxMedium bounds the name of a medium, which is in log lines and metrics.
	maxMedium = 32

	// maxWarm is how long senders and the store may warm up.
	maxWarm = time.Second
)

// withDefaults fills in what is left out.
func (o Options) withDefaults() Options {
	if len(o.Steps) == 0 && o.Clients == nil {
		o.Steps = []Step{{Name: "otp", Challenge: OTP{}}}
	}
	o.Steps = slices.Clone(o.Steps)
	senders := map[string]Sender{}
	maps.Copy(senders, o.Senders)
	if _, ok := senders["SMS"]; !ok {
		senders["SMS"] = new(SNSSender)
	}
	o.Senders = senders
	if o.Attempts == nil {
		o.Attempts = MaxAttempts(defaultAttempts)
	}
	if o.SendTimeout == 0 {
		o.SendTimeout = defaultSendTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Limits = o.Limits.withDefaults()
	if o.Store == nil {
		o.Store = processStore
		if o.CounterKey.Reveal() == "" && len(o.Keys) > 0 {
			o.CounterKey = o.Keys[0]
		}
	}
	if _, ok := o.Store.(*memoryStore); ok && o.CounterKey.Reveal() == "" && len(o.Keys) > 0 {
		o.CounterKey = o.Keys[0] // it dies with the process, as a new key comes with a new one
	}
	return o
}

// problems collects what is wrong.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// validate reports all that is wrong with the options of a pool, before defaults.
func (o Options) validate() error {
	var p problems
	if len(o.Keys) == 0 {
		p.add("Keys is empty; see ParseKeys")
	}
	for i, key := range o.Keys {
		if err := checkKey(key); err != nil {
			p.add("key %d %w", i+1, err)
		}
		if slices.ContainsFunc(o.Keys[:i], key.Equal) {
			p.add("key %d is there twice", i+1)
		}
	}
	_, local := o.Store.(*memoryStore)
	switch {
	case o.CounterKey.Reveal() != "":
		if err := checkKey(o.CounterKey); err != nil {
			p.add("CounterKey %w", err)
		}
		if slices.ContainsFunc(o.Keys, o.CounterKey.Equal) {
			p.add("CounterKey is one of Keys, which rotate, and all limits would begin afresh with them: give it a value of its own; make one with: openssl rand -base64 32")
		}
	case o.Store != nil && !local:
		p.add("a Store needs a CounterKey, of its own and never rotated; make one with: openssl rand -base64 32")
	}
	if o.Store != nil && isNil(o.Store) {
		p.add("the Store is a nil %T", o.Store)
	}
	for _, medium := range slices.Sorted(maps.Keys(o.Senders)) {
		if isNil(o.Senders[medium]) {
			p.add("the sender for %.20q is nil", medium)
		}
		if !text.Only(medium, 1, maxMedium, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"+text.Decimal) {
			p.add(`Senders has %.20q: a medium has 1 to %d capital letters, digits, - and _, such as "SMS"`, medium, maxMedium)
		}
	}
	if o.Guard != nil && isNil(o.Guard) {
		p.add("the Guard is a nil %T", o.Guard)
	}
	if o.SendTimeout != 0 && (o.SendTimeout < minSendTimeout || o.SendTimeout > maxSendTimeout) {
		p.add("SendTimeout must be from 100ms to 3.5s, or 0 for the default, not %v", o.SendTimeout)
	}
	if o.Logger != nil && o.Logger.Handler() == nil {
		p.add("the Logger has no handler; make it with slog.New")
	}
	o.Limits.validate(&p)
	if o.InsecureNoLimits && !reflect.ValueOf(o.Limits).IsZero() {
		p.add("InsecureNoLimits and Limits contradict each other: set one of them")
	}
	o.validateClients(&p)
	return errors.Join(p...)
}

// validateClients refuses what would look as if it had an effect.
func (o Options) validateClients(p *problems) {
	if o.Clients == nil {
		return
	}
	if len(o.Clients) == 0 {
		p.add("Clients is empty, so nobody could sign in; leave it nil for one way for all")
	}
	if len(o.Steps) > 0 || o.Attempts != nil {
		p.add("Steps and Attempts beside Clients are not used: put them into each of Clients")
	}
	for _, id := range slices.Sorted(maps.Keys(o.Clients)) {
		c := o.Clients[id]
		if id == "" {
			p.add("Clients has an empty id")
		}
		if len(c.Steps) == 0 {
			p.add("client %q has no Steps", id)
		}
		c.Steps, c.Attempts = nil, nil
		if !reflect.ValueOf(c).IsZero() {
			p.add("client %q may have Steps and Attempts alone; all else belongs to the pool", id)
		}
	}
}

// checkSteps reports what is wrong with the steps of one client. It asks each step
// for one challenge as a probe.
func (e *engine) checkSteps(steps []Step, p *problems) {
	if len(steps) > maxSteps {
		p.add("%d steps are more than %d", len(steps), maxSteps)
		return
	}
	proved := false // a step before shows who the user is
	for i, s := range steps {
		switch {
		case s.Name == "" || len(s.Name) > 64 || !utf8.ValidString(s.Name) || strings.ContainsFunc(s.Name, unicode.IsControl):
			p.add("the name of step %d must have 1 to 64 bytes of UTF-8, without control characters", i+1)
		case slices.ContainsFunc(steps[:i], func(o Step) bool { return o.Name == s.Name }):
			p.add("two steps are named %q", s.Name)
		case s.password && i > 0:
			p.add("Password must be the first step")
		case s.password && len(steps) == 1:
			p.add("Password needs another step after it")
		case s.Challenge == nil || isNil(s.Challenge):
			p.add("step %q has no Challenge", s.Name)
		case s.password:
			proved = true
		default:
			anyone := e.probe(s, proved, i == len(steps)-1, p)
			proved = proved || !anyone
		}
	}
}

// probe asks a step for a challenge of each length, to see what is wrong with its
// fields. It reports whether the step lets anyone pass.
func (e *engine) probe(s Step, proved, last bool, p *problems) (anyone bool) {
	ctx, cancel := context.WithTimeout(context.Background(), maxWarm)
	defer cancel()
	r := Request{Step: s.Name, Probe: true, UserNotFound: true, Proved: proved}
	r.Attributes = r.decoyAttributes()
	for _, r.CodeLength = range []int{minCode, pressedCode} {
		is, err := bounded.Call(ctx, func(ctx context.Context) (Issued, error) { return s.Issue(ctx, r) })
		if err != nil {
			p.add("step %q: %w", s.Name, redact.Err(err, is.secrets()...))
			return false
		}
		if !e.checkIssued(s, is, r.CodeLength, last, p) {
			return is.Anyone
		}
		anyone = is.Anyone
	}
	return anyone
}

// checkIssued reports whether all is well with what a probe described.
func (e *engine) checkIssued(s Step, is Issued, length int, last bool, p *problems) bool {
	before := len(*p)
	for _, is := range append(is.Others, is) {
		if err := is.check(length); err != nil {
			p.add("step %q: %w", s.Name, redact.Err(err, is.secrets()...))
		}
		if m := is.Message.To.Medium; m != "" && e.Senders[m] == nil {
			p.add("step %q sends by %.20q, and Options.Senders has no sender for that", s.Name, m)
		}
	}
	if is.Anyone && last {
		p.add("step %q lets anyone pass, and is the last: another step must follow", s.Name)
	}
	return len(*p) == before
}

// checkAttempts asks a policy what it says of a step that has just begun.
func (e *engine) checkAttempts(policy AttemptPolicy, p *problems) {
	if policy == nil {
		policy = e.Attempts
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxWarm)
	defer cancel()
	n, err := bounded.Call(ctx, func(ctx context.Context) (int, error) { return policy(ctx, Attempts{}), nil })
	if err != nil {
		p.add("Attempts: %w", err)
		return
	}
	if n < 1 || n > maxRounds {
		p.add("Attempts allows %d answers, and must allow 1 to %d", n, maxRounds)
	}
}

// isNil reports whether a plug-point is a nil pointer, function or map.
func isNil(x any) bool {
	if x == nil {
		return true
	}
	switch v := reflect.ValueOf(x); v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.Slice:
		return v.IsNil()
	}
	return false
}

// isName reports whether s is fit for a counter or a limit.
func isName(s string, most int) bool {
	return text.Only(s, 1, most, text.Decimal+text.Letters+"-")
}
