package customauth

// This file makes challenges. A request goes through it once, from top to bottom:
// walk, issue, validate, limits, guard, send or pretend, bind, show, seal.

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/session"
	"github.com/cyber-eternal/customauth/internal/text"
)

// NewCreate returns the handler of the Create auth challenge trigger. It makes a
// challenge when a step begins and when the app asks for another; after a wrong
// answer it repeats the challenge and sends nothing. It warms the senders and the
// store (see [Sender]), so call it before lambda.Start. The handler is safe for
// concurrent use.
func NewCreate(o Options) (Handler[events.CognitoEventUserPoolsCreateAuthChallenge], error) {
	e, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	if err := e.warm(true); err != nil {
		return nil, err
	}
	return func(ctx context.Context, ev events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error) {
		c := call(ev.CognitoEventUserPoolsHeader, ev.Request.UserAttributes, ev.Request.ClientMetadata, ev.Request.UserNotFound)
		c.ChallengeName = ev.Request.ChallengeName
		c.Session = entries(ev.Request.Session)
		answer, err := e.create(ctx, c)
		if err != nil {
			return ev, err
		}
		ev.Response = events.CognitoEventUserPoolsCreateAuthChallengeResponse{
			PublicChallengeParameters:  answer.public,
			PrivateChallengeParameters: map[string]string{privateKey: answer.private},
			ChallengeMetadata:          answer.metadata,
		}
		return ev, nil
	}, nil
}

// privateKey is the name of the private parameter that has the sealed record. There
// always is one: without private parameters Cognito answers with another error,
// which would tell unknown users from known ones.
const privateKey = "customauth"

type created struct {
	public   map[string]string
	private  string // the full record
	metadata string // the same, or a short one that says that the record before holds on
}

func (c created) members() []event.Member {
	private := append([]byte(`{"`+privateKey+`":`), event.AppendString(nil, c.private)...)
	return []event.Member{
		{Name: "publicChallengeParameters", Value: event.AppendParams(nil, c.public)},
		{Name: "privateChallengeParameters", Value: append(private, '}')},
		{Name: "challengeMetadata", Value: event.AppendString(nil, c.metadata)},
	}
}

func (e *engine) create(ctx context.Context, c *event.Call) (created, error) {
	p := e.begin(CreateTrigger, c)
	if p.flow == nil {
		return created{}, p.fail(ctx, ReasonUnknownClient, errors.New("Options.Clients does not have this app client"))
	}
	st, err := p.walk()
	if foreign, ok := errors.AsType[*session.Foreign](err); ok {
		return created{}, p.fail(ctx, ReasonForeign, foreign)
	}
	if err != nil {
		return created{}, p.fail(ctx, ReasonMismatch, err)
	}
	if c.ChallengeName != session.Custom || st.Step == len(p.flow.steps) || p.flow.steps[st.Step].password {
		return created{}, p.fail(ctx, ReasonForeign, errors.New("create was called where no challenge of its own is due"))
	}
	left, err := p.remaining(ctx, st) // first: a policy that fails must not cost a message
	if err != nil {
		return created{}, p.fail(ctx, ReasonPolicy, err)
	}
	if left < 1 {
		return created{}, p.fail(ctx, ReasonForeign, errors.New("create was called where the attempts are used up"))
	}
	rd := p.next(st)
	work, cancel := p.whole(ctx)
	defer cancel()
	if err := rd.make(work); err != nil {
		return created{}, p.fail(ctx, rd.failed(ReasonStep), err)
	}
	public, err := rd.show(work, left)
	if err != nil {
		return created{}, p.fail(ctx, ReasonStep, err)
	}
	p.end(ctx, rd.outcome(), cmp.Or(rd.why, rd.word))
	return rd.seal(public), nil
}

// A round is one challenge in the making.
type round struct {
	*pass
	st   session.State
	step Step
	req  Request
	rec  *seal.Record
	is   Issued

	word Reason        // for the app; empty if all is well
	wait time.Duration // goes with word
	why  Reason        // for the operator, if not word
}

// next begins a round with the record of the one before.
func (p *pass) next(st session.State) *round {
	rd := &round{pass: p, st: st, step: p.flow.steps[st.Step], rec: seal.Begin()}
	if st.Newest != nil {
		rd.rec.SignIn = st.Newest.SignIn
	}
	if st.Last != nil {
		*rd.rec = *st.Last
		rd.rec.Wrong = min(rd.rec.Wrong+byte(burnt(st.Last, p.call)), 15)
	}
	rd.rec.Step, rd.rec.Rounds = byte(st.Step), byte(st.Rounds())
	rd.req = p.request(rd.step.Name, rd.rec)
	rd.req.Proved = st.Proved
	rd.req.CodeLength = p.codeLength()
	return rd
}

// make decides between a new challenge and the same one again.
func (rd *round) make(ctx context.Context) error {
	if rd.st.Last == nil || asked(rd.call) {
		return rd.issue(ctx)
	}
	switch last := rd.st.Last; {
	case last.Flags&seal.Void != 0:
		rd.word, rd.wait = Reason(last.State), time.Until(time.Unix(int64(last.ResendAt), 0))
	case expired(last):
		rd.word = ReasonExpired
	case last.Flags&seal.Unguessable != 0:
		rd.word = ReasonNotProved
	default:
		rd.word = ReasonWrongCode
		wait, err := rd.closed(ctx)
		if err != nil {
			rd.why = ReasonStore
			return err
		}
		if rd.wait = wait; wait > 0 {
			rd.word = ReasonRateLimited
		}
	}
	return nil
}

// failed is the reason for an error, unless a station has named one.
func (rd *round) failed(otherwise Reason) Reason { return cmp.Or(rd.why, otherwise) }

// issue makes a new challenge. If it cannot be made, the one before stays.
func (rd *round) issue(ctx context.Context) error {
	known, err := rd.known(ctx)
	if err != nil {
		return err
	}
	rd.rec.Flags = 0
	if known {
		rd.rec.Flags = seal.Known
	}
	if err := rd.describe(ctx); err != nil {
		return err
	}
	if rd.is.Refused != "" {
		rd.stays(rd.is.Refused, 0)
		return nil
	}
	message := !rd.is.Message.To.none()
	if message && rd.tooSoon() {
		return nil
	}
	rand.Read(rd.rec.Nonce[:])
	if rd.is.Message.Text.Reveal() == "" {
		unsample(rd.rec)
	}
	may, err := rd.askAccount(ctx)
	if err == nil && may.longer {
		err = rd.lengthen(ctx)
	}
	if err == nil && !may.refused {
		err = rd.askShared(ctx, &may)
	}
	if err != nil || may.refused {
		rd.engine.giveBack(ctx, may.counted)
		return err
	}
	end := delivered
	if message {
		rd.medium = rd.is.Message.To.Medium
		end = rd.deliver(ctx)
	}
	switch end {
	case undelivered:
		rd.engine.giveBack(ctx, may.counted)
		rd.stays(ReasonDelivery, 0)
		return nil
	case unreachable:
		rd.stays(ReasonDelivery, rd.cooldown())
		return nil
	case uncertain:
		rd.word = ReasonDelivery
	}
	rd.bind(message)
	return nil
}

// describe asks the step what the challenge is, and checks what it says.
func (rd *round) describe(ctx context.Context) (err error) {
	ctx, cancel := rd.within(ctx)
	defer cancel()
	rd.is, err = bounded.Call(ctx, func(ctx context.Context) (Issued, error) { return rd.step.Issue(ctx, rd.req) })
	if err == nil {
		err = rd.is.check(rd.req.CodeLength)
	}
	if err == nil && rd.is.Anyone && rd.st.Step == len(rd.flow.steps)-1 {
		err = errors.New("it lets anyone pass, as it did not for the constructor, and is the last step")
	}
	if err != nil {
		return fmt.Errorf("issue: %w", redact.Err(err, rd.is.secrets()...))
	}
	if rd.is.Nobody != nil && !rd.call.UserNotFound {
		rd.why, rd.cause = ReasonNobody, rd.is.Nobody
	}
	rd.rec.Length, rd.rec.Flags = 0, rd.rec.Flags&seal.Known
	if code := text.Normalize(rd.is.Answer.Reveal()); code != "" {
		rd.rec.Length = byte(min(utf8.RuneCountInString(code), 255))
	}
	return nil
}

// lengthen describes the challenge once more, with a longer code.
func (rd *round) lengthen(ctx context.Context) error {
	to := rd.is.Message.To
	rd.req.CodeLength = pressedCode
	unsample(rd.rec)
	err := rd.describe(ctx)
	if err == nil && !rd.is.Message.To.Equal(to) {
		err = errors.New("issue: the same request had two destinations")
	}
	if err != nil {
		rd.why = ReasonStep
	}
	return err
}

// nobody reports whether there is no one to send to, or to answer.
func (rd *round) nobody() bool {
	return rd.is.Nobody != nil || rd.call.UserNotFound && !rd.is.Anyone
}

func (rd *round) cooldown() time.Duration { return cmp.Or(rd.is.ResendAfter, defaultResendAfter) }

// tooSoon refuses a message by what this sign-in has sent before.
func (rd *round) tooSoon() bool {
	last := rd.st.Last
	if last == nil {
		return false
	}
	wait := time.Until(time.Unix(int64(last.ResendAt), 0))
	if last.Flags&seal.Void != 0 {
		// What refused the challenge before is asked again, but for a destination that
		// cannot be sent to: that has counted.
		if Reason(last.State) != ReasonDelivery || wait <= 0 || wait > rd.cooldown()+time.Second {
			return false
		}
		rd.stays(ReasonDelivery, wait)
		return true
	}
	if wait > rd.cooldown()+time.Second {
		wait = 0 // this function's clock is behind; the store has its own idea of the cooldown
	}
	switch {
	case int(last.Sends) >= cmp.Or(rd.is.MaxSends, defaultMaxSends):
		rd.stays(ReasonNoResendsLeft, 0)
	case wait > 0:
		rd.stays(ReasonResendTooSoon, wait)
	default:
		return false
	}
	return true
}

// stays leaves the challenge before as it is, or makes a record that says why there
// is none.
func (rd *round) stays(word Reason, wait time.Duration) {
	rd.word, rd.wait = word, wait
	if last := rd.st.Last; last != nil && last.Flags&seal.Void == 0 {
		rounds := rd.rec.Rounds
		*rd.rec = *last
		rd.rec.Rounds = rounds
		return
	}
	now := time.Now()
	rd.rec.Flags, rd.rec.Length, rd.rec.State = seal.Void, 0, string(word)
	rd.rec.ResendAt = unix(now.Add(min(max(wait, 0), maxLimited) + time.Second - 1))
	if wait <= 0 {
		rd.rec.ResendAt = unix(now)
	}
}

// maxLimited bounds how long a record says that a resend is pointless.
const maxLimited = 24 * time.Hour

// bind writes the challenge into the record: what is right, until when, and for
// which destination.
func (rd *round) bind(message bool) {
	rec, now := rd.rec, time.Now()
	rec.State, rec.MaxSends = rd.is.State, 0
	rec.Expires = unix(now.Add(rd.is.ttl()))
	rec.SetMaxAnswer(cmp.Or(rd.is.MaxAnswer, maxCodeAnswer))
	if message {
		rec.Sends++
		rec.MaxSends = byte(cmp.Or(rd.is.MaxSends, defaultMaxSends))
		rec.ResendAt = unix(now.Add(rd.cooldown() + time.Second - 1)) // not before the store allows it
	}
	if rd.nobody() {
		rec.Flags |= seal.Silent
	}
	if rd.is.Unguessable {
		rec.Flags |= seal.Unguessable
	}
	if rd.is.Anyone {
		rec.Flags |= seal.Anyone
	}
	if rec.Length > 0 {
		rd.flow.sealer.SetCode(rec, rd.who, rd.is.Message.To.id(), text.Normalize(rd.is.Answer.Reveal()))
	}
}

func unix(t time.Time) uint32 { return uint32(max(0, t.Unix())) }

// maxPublic bounds the public parameters of a step, in bytes.
const maxPublic = 16 << 10

// maxShown stands for a wait without an end.
const maxShown = 31 * 24 * time.Hour

// show makes the public parameters.
func (rd *round) show(ctx context.Context, left int) (map[string]string, error) {
	r := rd.req
	r.State, r.Sends = rd.rec.State, int(rd.rec.Sends)
	void := rd.rec.Flags&seal.Void != 0
	if void {
		r.State = ""
	}
	ctx, cancel := rd.within(ctx)
	defer cancel()
	shown, err := bounded.Call(ctx, func(ctx context.Context) (map[string]string, error) { return rd.step.Show(ctx, r) })
	if err != nil {
		return nil, fmt.Errorf("show: %w", redact.Err(err))
	}
	public, size := make(map[string]string, len(shown)+8), 0
	for name, value := range shown {
		size += len(name) + len(value)
		if size > maxPublic || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, fmt.Errorf("show: the parameters must be UTF-8 of %d bytes at most", maxPublic)
		}
		public[name] = value
	}
	for _, name := range []string{"expiresAt", "resendAfter", "errorCode", "retryAfter"} {
		delete(public, name)
	}
	public["step"] = rd.step.Name
	if rd.engine.Known != nil {
		public["nonce"] = r.Nonce()
	}
	public["attemptsRemaining"] = strconv.Itoa(left)
	if !void {
		public["expiresAt"] = time.Unix(int64(rd.rec.Expires), 0).UTC().Format(time.RFC3339)
		if rd.rec.Length > 0 {
			public["codeLength"] = strconv.Itoa(int(rd.rec.Length))
		}
	}
	if rd.another(void) {
		wait := time.Until(time.Unix(int64(rd.rec.ResendAt), 0))
		if rd.word == ReasonRateLimited || rd.word == ReasonSentRecently {
			wait = max(wait, rd.wait)
		}
		public["resendAfter"] = seconds(min(wait, maxShown))
	}
	if rd.word != "" {
		public["errorCode"] = string(rd.word)
		if rd.wait > 0 {
			public["retryAfter"] = seconds(min(rd.wait, maxShown))
		}
	}
	return public, nil
}

// another reports whether this sign-in can bring one more message.
func (rd *round) another(void bool) bool {
	if int(rd.rec.Rounds)+1 >= maxRounds {
		return false
	}
	return void || rd.rec.Sends < rd.rec.MaxSends
}

// seconds are whole ones, rounded up, and never negative.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(max(0, d+time.Second-1) / time.Second))
}

// seal writes the record down; a short one is enough for the session where nothing
// but the counters is new.
func (rd *round) seal(public map[string]string) created {
	full := rd.flow.sealer.Seal(rd.rec, rd.who)
	out := created{public: public, private: full, metadata: full}
	if last := rd.st.Last; last != nil {
		same := *last
		same.Wrong, same.Rounds = rd.rec.Wrong, rd.rec.Rounds
		if same == *rd.rec {
			out.metadata = rd.flow.sealer.Again(rd.rec, rd.who)
		}
	}
	return out
}

func (rd *round) outcome() Outcome {
	switch rd.word {
	case "", ReasonWrongCode, ReasonNotProved, ReasonExpired:
		return Asked
	}
	return Refused
}
