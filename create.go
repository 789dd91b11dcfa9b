package customauth

// This file makes challenges: a first one, another one after a resend, or the
// same one again after a wrong answer.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/latency"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/sms"
)

// NewCreate returns the handler of the Create auth challenge trigger, for
// lambda.Start. It makes a challenge when a step begins and when the app asks for
// a resend; after a wrong answer it repeats the challenge and sends nothing. It
// warms the senders and the store (see [Sender]), so call it before lambda.Start.
// The handler is safe for concurrent use. Its only error is an [*Error].
func NewCreate(o Options) (func(context.Context, events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error), error) {
	e, err := newEnv(o)
	if err != nil {
		return nil, err
	}
	e.warm(append(e.senders(), e.Store)...)
	return func(ctx context.Context, ev events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error) {
		c := call(ev.CognitoEventUserPoolsHeader, ev.Request.UserAttributes, ev.Request.ClientMetadata, ev.Request.UserNotFound)
		c.ChallengeName = ev.Request.ChallengeName
		c.Session = entries(ev.Request.Session)
		answer, err := e.create(ctx, c)
		if err != nil {
			return ev, err
		}
		ev.Response = events.CognitoEventUserPoolsCreateAuthChallengeResponse{
			PublicChallengeParameters:  answer.public.byName(),
			PrivateChallengeParameters: map[string]string{privateKey: answer.sealed},
			ChallengeMetadata:          answer.sealed,
		}
		return ev, nil
	}, nil
}

// privateKey is the name of the private parameter that has the sealed record.
// There always is one: without private parameters Cognito answers with another
// error, which would tell unknown users from known ones.
const privateKey = "customauth"

type created struct {
	public params
	sealed string
}

// params are public parameters.
type params []event.Param

// set adds a parameter; the last one of a name counts.
func (p *params) set(name, value string) {
	for i := range *p {
		if (*p)[i].Name == name {
			(*p)[i].Value = value
			return
		}
	}
	*p = append(*p, event.Param{Name: name, Value: value})
}

func (p params) byName() map[string]string {
	m := make(map[string]string, len(p))
	for _, x := range p {
		m[x.Name] = x.Value
	}
	return m
}

func (c created) members() []event.Member {
	sealed := event.AppendString(nil, c.sealed)
	private := append([]byte(`{"`+privateKey+`":`), sealed...)
	return []event.Member{
		{Name: "publicChallengeParameters", Value: event.AppendParams(nil, c.public)},
		{Name: "privateChallengeParameters", Value: append(private, '}')},
		{Name: "challengeMetadata", Value: sealed},
	}
}

func (e *env) create(ctx context.Context, c *event.Call) (created, error) {
	t := e.begin("create", c)
	if c.ChallengeName != customChallenge {
		return created{}, t.fail(ctx, "foreign_session", &foreign{"create was asked for another challenge"})
	}
	st, err := t.walk()
	if errors.Is(err, ErrMismatch) {
		return created{}, t.fail(ctx, "mismatch", err)
	}
	if err != nil {
		return created{}, t.fail(ctx, "foreign_session", err)
	}
	if st.step == len(e.Steps) || isPassword(e.Steps[st.step]) || st.last != nil && st.last.Rounds+1 >= maxRounds {
		return created{}, t.fail(ctx, "foreign_session", &foreign{"create was called where no challenge is due"})
	}
	r := t.request(st.step)
	remaining, err := t.remaining(ctx, r, st) // first: a policy that fails must not cost a message
	if err != nil {
		return created{}, t.fail(ctx, "policy", err)
	}
	made, err := t.next(ctx, r, st)
	if err != nil {
		return created{}, t.fail(ctx, "challenge", err)
	}
	answer, err := t.show(ctx, r, made, remaining)
	if err != nil {
		return created{}, t.fail(ctx, "challenge", err)
	}
	t.end(ctx, made.outcome(), made.reason(t))
	return answer, nil
}

// made is a challenge as it is shown and sealed.
type made struct {
	*seal.Record
	extra
	retryAfter time.Duration
}

// extra is what a record carries beyond its fixed fields.
type extra struct {
	Private   string            `json:"p,omitempty"`
	Public    map[string]string `json:"m,omitempty"`
	Void      string            `json:"v,omitempty"` // the error code that left no challenge
	errorCode string
}

func (m made) outcome() Outcome {
	switch m.errorCode {
	case "", "wrong_code", "expired":
		return Asked
	}
	return Refused
}

func (m made) reason(t *turn) string {
	if t.reason != "" {
		return t.reason
	}
	return m.errorCode
}

// next decides between a new challenge and the same one again.
func (t *turn) next(ctx context.Context, r Request, st state) (made, error) {
	if st.last == nil {
		return t.issue(ctx, r, st)
	}
	if t.resend() {
		after, most := resends(t.env.Steps[st.step])
		wait := time.Until(time.Unix(int64(st.last.ResendAt), 0))
		if st.last.Flags&seal.Void == 0 && wait > after+time.Second {
			wait = 0 // this function's clock is behind; the store has its own idea of the cooldown
		}
		switch {
		case wait > 0:
			return t.again(st, "resend_too_soon", wait)
		case int(st.last.Sends) >= most:
			return t.again(st, "rate_limited", 0)
		}
		return t.issue(ctx, r, st)
	}
	if st.last.Flags&seal.Void != 0 {
		return t.again(st, "", time.Until(time.Unix(int64(st.last.ResendAt), 0)))
	}
	if expired(st.last) {
		return t.again(st, "expired", 0)
	}
	wait, err := t.waitForGuess(ctx, r)
	if err != nil {
		return made{}, err
	}
	if wait > 0 {
		return t.again(st, "rate_limited", wait)
	}
	return t.again(st, "wrong_code", 0)
}

// again repeats the last challenge. An answer counts as a wrong one, a resend
// that was refused does not.
func (t *turn) again(st state, code string, wait time.Duration) (made, error) {
	rec := *st.last
	rec.Rounds++
	if !t.resend() {
		rec.Wrong++
	}
	m := made{Record: &rec, retryAfter: wait}
	if len(rec.Extra) > 0 {
		if err := json.Unmarshal(rec.Extra, &m.extra); err != nil {
			return made{}, &foreign{"the extra of a record"}
		}
	}
	m.errorCode = code
	if m.Void != "" {
		m.errorCode = m.Void // what left no challenge in the first place
	}
	return m, nil
}

// maxLimited bounds how long a record refuses a resend. The store is asked again
// after that.
const maxLimited = 24 * time.Hour

// resends are the rules of a step for further messages.
func resends(c Challenge) (after time.Duration, most int) {
	if r, ok := c.(interface{ resends() (time.Duration, int) }); ok {
		return r.resends()
	}
	return defaultResendAfter, defaultMaxSends
}

// issue makes a new challenge. If it cannot be made, the one before stays.
func (t *turn) issue(ctx context.Context, r Request, st state) (made, error) {
	step := t.env.Steps[st.step]
	wait, err := t.waitForGuess(ctx, r)
	if err != nil {
		return made{}, err
	}
	if wait > 0 {
		return t.refused(st, "rate_limited", wait)
	}
	ctx, cancel := t.within(ctx)
	defer cancel()
	out, err := bounded(ctx, func(ctx context.Context) (Issued, error) { return step.Issue(ctx, r) })
	if err != nil {
		return made{}, fmt.Errorf("customauth: issue: %w", err)
	}
	t.report = out.report
	if err := out.check(); err != nil {
		return made{}, err
	}
	if out.ErrorCode != "" && out.Answer == "" {
		return t.refused(st, out.ErrorCode, out.RetryAfter)
	}
	rec := t.fresh(st)
	rec.Sends++
	after, _ := resends(step)
	now := time.Now()
	rec.Expires = unix(now.Add(cmp.Or(out.TTL, defaultTTL)))
	rec.ResendAt = unix(now.Add(after + time.Second - 1)) // not before the store allows it
	if out.silent {
		rec.Flags |= seal.Silent
	}
	if out.Answer != "" {
		code := normalize(out.Answer)
		rec.Length = byte(min(utf8.RuneCountInString(code), 255))
		t.env.sealer.SetCode(rec, t.who, out.to, code)
	}
	m := made{Record: rec, extra: extra{Private: out.Private, Public: out.Public}, retryAfter: out.RetryAfter}
	m.errorCode = out.ErrorCode
	return m, m.store()
}

// refused is a challenge that could not be made.
func (t *turn) refused(st state, code string, wait time.Duration) (made, error) {
	if st.last != nil && st.last.Flags&seal.Void == 0 {
		return t.again(st, code, wait)
	}
	rec := t.fresh(st)
	rec.Flags = seal.Void
	now := time.Now()
	rec.Expires = unix(now.Add(maxTTL))
	if rec.ResendAt = unix(now); wait > 0 {
		rec.ResendAt = unix(now.Add(min(wait, maxLimited) + time.Second - 1))
	}
	m := made{Record: rec, extra: extra{Void: code}, retryAfter: wait}
	m.errorCode = code
	return m, m.store()
}

// fresh is an empty record that continues the sign-in.
func (t *turn) fresh(st state) *seal.Record {
	rec := seal.Begin()
	if st.signIn != nil {
		rec.SignIn = st.signIn.SignIn
	}
	rec.Step = byte(st.step)
	if st.last != nil {
		rec.Wrong, rec.Sends, rec.Rounds = st.last.Wrong, st.last.Sends, st.last.Rounds+1
	}
	return rec
}

func unix(t time.Time) uint32 { return uint32(max(0, t.Unix())) }

func (m *made) store() error {
	if m.Private == "" && m.Public == nil && m.Void == "" {
		return nil
	}
	var err error
	m.Extra, err = marshal(m.extra)
	if err == nil && len(m.Extra) > seal.MaxExtra {
		err = errors.New("customauth: Issued.Private and Public are too large")
	}
	return err
}

// marshal is json.Marshal without its care for HTML, which makes text longer.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// check reports whether a challenge is as its documentation says.
func (i Issued) check() error {
	size := 0
	valid := utf8.ValidString(i.Private)
	for k, v := range i.Public {
		size += len(k) + len(v)
		valid = valid && utf8.ValidString(k) && utf8.ValidString(v)
	}
	switch {
	case i.TTL < 0 || i.TTL > maxTTL:
		return fmt.Errorf("customauth: Issued.TTL must be from 0 to 10m, not %v", i.TTL)
	case len(i.Private) > maxCarried || size > maxCarried || !valid:
		return fmt.Errorf("customauth: Issued.Private and Public have %d bytes of UTF-8 each", maxCarried)
	case len(i.Answer) > maxAnswer || i.Answer != "" && normalize(i.Answer) == "":
		return fmt.Errorf("customauth: Issued.Answer must have 1 to %d bytes that count", maxAnswer)
	}
	return nil
}

// reserved are the parameters that say what this package says, or nothing.
var reserved = []string{"codeLength", "expiresAt", "resendAfter", "errorCode", "retryAfter"}

// show makes the public parameters, and seals.
func (t *turn) show(ctx context.Context, r Request, m made, remaining int) (created, error) {
	step := t.env.Steps[m.Step]
	public := make(params, 0, 12)
	for name, value := range m.Public {
		if !slices.Contains(reserved, name) {
			public.set(name, value)
		}
	}
	if s, ok := step.(shower); ok {
		if err := t.shown(ctx, s, r, &public); err != nil {
			return created{}, err
		}
	}
	public.set("step", r.Step)
	now := time.Now()
	if m.Flags&seal.Void == 0 {
		if m.Length > 0 {
			public.set("codeLength", strconv.Itoa(int(m.Length)))
		}
		public.set("expiresAt", time.Unix(int64(m.Expires), 0).UTC().Format(time.RFC3339))
	}
	if _, most := resends(step); int(m.Sends) < most {
		wait := time.Unix(int64(m.ResendAt), 0).Sub(now)
		if m.errorCode == "rate_limited" && m.Void == "" {
			wait = max(wait, m.retryAfter)
		}
		public.set("resendAfter", seconds(min(wait, maxShown)))
	}
	public.set("attemptsRemaining", strconv.Itoa(remaining))
	if m.errorCode != "" {
		public.set("errorCode", m.errorCode)
	}
	if m.errorCode != "" && m.retryAfter > 0 {
		public.set("retryAfter", seconds(min(m.retryAfter, maxShown)))
	}
	return created{public, t.env.sealer.Seal(m.Record, t.who)}, nil
}

// A shower has public parameters that no record needs to carry.
type shower interface {
	shown(Request) (medium, address string)
}

// shown asks for them. Only where a function of the caller's says where codes go
// is there anything to wait for.
func (t *turn) shown(ctx context.Context, s shower, r Request, public *params) error {
	ask := func(context.Context) (to [2]string, err error) { to[0], to[1] = s.shown(r); return to, nil }
	var to [2]string
	var err error
	if o, ok := s.(OTP); ok && o.Destination == nil {
		to, err = ask(ctx)
	} else {
		ctx, cancel := t.within(ctx)
		defer cancel()
		to, err = bounded(ctx, ask)
	}
	if err != nil {
		return err
	}
	public.set("CODE_DELIVERY_DELIVERY_MEDIUM", to[0])
	public.set("CODE_DELIVERY_DESTINATION", to[1])
	return nil
}

// maxShown stands for a wait without an end.
const maxShown = 31 * 24 * time.Hour

// seconds are whole ones, rounded up, and never negative.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(max(0, d+time.Second-1) / time.Second))
}

// remaining is how many answers the user has, this one included.
func (t *turn) remaining(ctx context.Context, r Request, st state) (int, error) {
	a := Attempts{Step: r.Step}
	if st.last != nil {
		a = st.attempts(t)
		a.Resend = false
	}
	for n := 1; ; n++ {
		a.Wrong, a.Rounds = a.Wrong+1, a.Rounds+1
		d, err := t.decide(ctx, a)
		if err != nil || d != Retry {
			return n, err
		}
	}
}

// How a send can end, as the decoys have to imitate it.
const (
	delivered   = iota
	undelivered // for now, whoever it is for
	unreachable // for this destination; decoys do not imitate it
	uncertain   // it may be on its way
)

// deliver sends the message of a challenge, or pretends to.
func (e *env) deliver(ctx context.Context, o OTP, m Message, out Issued) (Issued, error) {
	r := m.Request
	value := m.To.id()
	if out.silent {
		value = "nobody " + r.UserName
	}
	after, _ := o.resends()
	limits := append([]Limit{{Max: 1, Per: after}}, e.sends...)
	sends, err := r.turn.tallies(ctx, r, "send", r.Key("send", value), limits, e.ownSends)
	if err != nil {
		return Issued{}, err
	}
	for i := range sends[:len(sends)-1] {
		sends[i].look = out.silent // made-up names must not use up what others share
	}
	wait, err := e.countAll(ctx, sends)
	if err != nil {
		return Issued{}, err
	}
	if wait > 0 {
		return Issued{ErrorCode: "rate_limited", RetryAfter: wait, report: out.report}, nil
	}
	end, reason, err := e.send(ctx, o, m, out.silent)
	out.sent = !out.silent && (end == delivered || end == uncertain)
	out.reason, out.cause = cmp.Or(reason, out.reason), cmp.Or(err, out.cause)
	switch end {
	case undelivered:
		e.giveBack(ctx, sends)
		return Issued{ErrorCode: "delivery_failed", report: out.report}, nil
	case unreachable:
		return Issued{ErrorCode: "delivery_failed", RetryAfter: after, report: out.report}, nil
	case uncertain:
		out.ErrorCode = "delivery_failed"
	}
	return out, nil
}

// margin is what remains of a trigger's time when sending must be over.
const margin = 100 * time.Millisecond

// send asks the guard, hands the message to the sender, and learns how long that
// takes; for nobody it draws from what it learned, so that the two cannot be told
// apart.
func (e *env) send(ctx context.Context, o OTP, m Message, silent bool) (end int, reason string, err error) {
	budget := e.SendTimeout
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)-margin)
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	samples := &e.samples[slices.Index(e.names, m.Request.Step)]
	if silent {
		x := samples.Draw()
		if x.Cut {
			x.Took = budget
		}
		select {
		case <-time.After(x.Took):
			return x.End, "", nil
		case <-ctx.Done():
			return uncertain, "", nil
		}
	}
	began := time.Now()
	end, reason, err = e.sendNow(ctx, o, m)
	if end != unreachable {
		samples.Learn(latency.Sample{Took: time.Since(began), End: end, Cut: ctx.Err() != nil})
	}
	return end, reason, err
}

func (e *env) sendNow(ctx context.Context, o OTP, m Message) (end int, reason string, err error) {
	clean := func(err error) error {
		if _, caught := err.(*panicked); caught {
			return err
		}
		return scrub(err, m.To, m.Text, m.Code.Reveal(), normalize(m.Code.Reveal()))
	}
	if o.Guard != nil {
		_, err = bounded(ctx, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, o.Guard.Allow(ctx, m.Request, m.To)
		})
		if err = clean(err); err != nil {
			return unreachable, "guard: " + err.Error(), err
		}
	}
	_, err = bounded(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, o.sender(e).Send(ctx, m)
	})
	switch {
	case err == nil:
		return delivered, "", nil
	case errors.Is(err, ErrThrottled), errors.Is(err, ErrUnauthorized):
		return undelivered, "delivery_failed", clean(err)
	case errors.Is(err, ErrOptedOut), errors.Is(err, ErrInvalidDestination):
		return unreachable, "delivery_failed", clean(err)
	}
	return uncertain, "delivery_failed", clean(err)
}

// SNS takes 1,600 characters in one Publish
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
const maxSMS = 1600

// checkText refuses texts that cannot be sent, and reports those that cost more
// than one message.
func (e *env) checkText(ctx context.Context, r Request, m Message) error {
	if !strings.Contains(normalize(m.Text), normalize(m.Code.Reveal())) {
		return errors.New("customauth: text: the code is not in it")
	}
	if m.To.Medium != "SMS" {
		return nil
	}
	if n := utf8.RuneCountInString(m.Text); n > maxSMS {
		return fmt.Errorf("customauth: text: %d characters are more than the %d that SNS takes", n, maxSMS)
	}
	if n := sms.Parts(m.Text); n > 1 {
		e.Logger.LogAttrs(ctx, slog.LevelWarn, "customauth: the text needs more than one SMS part, and each is billed",
			slog.String("step", r.Step), slog.Int("parts", n))
	}
	return nil
}
