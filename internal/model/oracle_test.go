package model_test

// This file is the oracle: what must happen, written down from the rules. It does
// not import the package under test. Times are durations since the exploration
// began, which is at a whole second.

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// A rulebook is one configuration.
type rulebook struct {
	steps   []step
	goOn    func(wrong, rounds int, resend bool) bool // the policy on attempts
	sends   []limit                                   // per destination
	guesses []limit                                   // per user and step
	shared  []limit                                   // on guesses, for everybody together
	free    bool                                      // no limits at all

	// How many answers and messages there can be in a whole exploration.
	answers, messages int
}

type step struct {
	name     string
	kind     kind
	medium   string // of code steps: "SMS" or "EMAIL"
	ttl      time.Duration
	cooldown time.Duration
	most     int // challenges that are made
}

type kind int

const (
	code     kind = iota // a one-time code
	password             // Cognito's own step
	word                 // a challenge of the test's own, without a fixed answer
)

type limit struct {
	most int
	per  time.Duration // 0: since the last right answer
}

// A person is whom the service says an event is about.
type person struct {
	pool, client, user string
	phone, mail        string
	unknown            bool
}

// address is where the code of a step goes, "" if nowhere.
func (p person) address(s step) string {
	switch {
	case p.unknown, s.kind != code:
		return ""
	case s.medium == "EMAIL":
		return p.mail
	}
	return p.phone
}

// A challenge is the last one of the step that is being taken.
type challenge struct {
	wrong, sends, rounds int
	void                 string // there is nothing to answer, and this is why
	silent               bool   // nobody was told the answer
	right                string
	to                   string // where the right answer was sent
	expires, again       time.Duration
}

// rounds of one step end a sign-in, whatever the policy says.
const maxRounds = 8

// end is how the environment ends an attempt to make a challenge.
type end int

const (
	delivered   end = iota
	undelivered     // for now
	unreachable     // this destination can never be sent to
	uncertain       // the message may be on its way
	guarded         // a guard refuses
)

type outcome int

const (
	fails outcome = iota
	tokens
	asksPassword
	asksChallenge
)

func (o outcome) String() string {
	return [...]string{"fails", "tokens", "asks for the password", "asks a challenge"}[o]
}

// An answer is what the rules need to know about one.
type answer struct {
	right     bool // it is the challenge's answer, as people type it
	malformed bool // empty, too long, no text, or with control characters
	resend    bool
}

// verdict is what Verify must say, and whether it may compare. A store that is
// down breaks it. A code is good only for where it was sent to: the user may have
// another number by now. Unknown users can pass every step but the last, or the
// next one would tell them from others.
func (b *rulebook) verdict(at int, c *challenge, p person, a answer, now time.Duration, l *ledger) (right, compared, broken bool) {
	switch {
	case a.resend: // or it would be a free guess
		return false, false, false
	case c.void != "", now >= c.expires, a.malformed:
		return false, false, false
	case b.free:
	case l.down:
		return false, false, true
	default:
		if l.countAll(now, b.guessKeys(at, p)) > 0 {
			return false, false, false
		}
	}
	right = a.right && c.to == p.address(b.steps[at]) && !c.silent && !(p.unknown && at == len(b.steps)-1)
	if right && !b.free {
		l.giveBack(b.guessKeys(at, p))
	}
	return right, true, false
}

// decide is what Define must say. last is the last challenge of the step if it was
// not passed, and nil when the step begins.
func (b *rulebook) decide(at int, last *challenge, p person, resend bool) outcome {
	if at == len(b.steps) {
		if p.unknown {
			return fails
		}
		return tokens
	}
	if b.steps[at].kind == password {
		return asksPassword
	}
	if last == nil {
		return asksChallenge
	}
	wrong := last.wrong
	if !resend {
		wrong++
	}
	if last.rounds+1 >= maxRounds || !b.goOn(wrong, last.rounds+1, resend) {
		return fails
	}
	return asksChallenge
}

// asked is what Create must do.
type asked struct {
	challenge
	fresh  bool // a new answer was made
	sent   int  // messages handed to the sender
	broken bool
	code   string        // errorCode
	wait   time.Duration // retryAfter
}

// ask makes a challenge, or repeats the last one.
func (b *rulebook) ask(at int, last *challenge, p person, resend bool, now time.Duration, e end, l *ledger) asked {
	s := b.steps[at]
	switch {
	case last == nil:
		return b.issue(at, nil, p, now, e, l)
	case resend && now < last.again:
		return repeat(last, true, "resend_too_soon", last.again-now)
	case resend && last.sends >= s.most:
		return repeat(last, true, "rate_limited", 0)
	case resend:
		return b.issue(at, last, p, now, e, l)
	case last.void != "":
		return repeat(last, false, "", last.again-now)
	case now >= last.expires:
		return repeat(last, false, "expired", 0)
	}
	wait, broken := b.guessWait(at, p, now, l)
	switch {
	case broken:
		return asked{broken: true}
	case wait > 0:
		return repeat(last, false, "rate_limited", wait)
	}
	return repeat(last, false, "wrong_code", 0)
}

// repeat is the same challenge once more: an answer was wrong, or a resend refused.
func repeat(last *challenge, resend bool, code string, wait time.Duration) asked {
	c := *last
	c.rounds++
	if !resend {
		c.wrong++
	}
	if c.void != "" {
		code = c.void
	}
	return asked{challenge: c, code: code, wait: wait}
}

func (b *rulebook) issue(at int, last *challenge, p person, now time.Duration, e end, l *ledger) asked {
	s := b.steps[at]
	wait, broken := b.guessWait(at, p, now, l)
	switch {
	case broken:
		return asked{broken: true}
	case wait > 0:
		return none(last, "rate_limited", wait, now)
	case s.kind == word:
		if e != delivered {
			return none(last, "no_word", 10*time.Second, now)
		}
		return b.made(s, last, now)
	}
	to := p.address(s)
	keys := b.sendKeys(s, p, to)
	if !b.free {
		if l.down {
			return asked{broken: true}
		}
		if wait := l.countAll(now, keys); wait > 0 {
			return none(last, "rate_limited", wait, now)
		}
	}
	switch { // what is not sent for now does not count; what cannot be sent does
	case e == undelivered:
		if !b.free {
			l.giveBack(keys)
		}
		a := none(last, "delivery_failed", 0, now)
		a.sent = given(to)
		return a
	case to != "" && (e == unreachable || e == guarded):
		a := none(last, "delivery_failed", s.cooldown, now)
		if e == unreachable {
			a.sent = 1
		}
		return a
	}
	a := b.made(s, last, now)
	a.to, a.silent, a.sent = to, to == "", given(to)
	if e == uncertain {
		a.code = "delivery_failed"
	}
	return a
}

// given is how many messages the sender is handed.
func given(to string) int {
	if to == "" {
		return 0
	}
	return 1
}

// made is a new challenge: new answer, new times, old attempts.
func (b *rulebook) made(s step, last *challenge, now time.Duration) asked {
	c := carried(last)
	c.sends++
	c.expires = floor(now + s.ttl)
	c.again = ceil(now + s.cooldown)
	return asked{challenge: c, fresh: true}
}

// none is a challenge that could not be made: the one before stays, if there is one.
func none(last *challenge, code string, wait, now time.Duration) asked {
	if last != nil && last.void == "" {
		return repeat(last, true, code, wait)
	}
	c := carried(last)
	c.void = code
	if c.again = now; wait > 0 {
		c.again = ceil(now + min(wait, 24*time.Hour))
	}
	return asked{challenge: c, code: code, wait: wait}
}

func carried(last *challenge) challenge {
	if last == nil {
		return challenge{}
	}
	return challenge{wrong: last.wrong, sends: last.sends, rounds: last.rounds + 1}
}

// Sealed times are whole seconds, rounded to the safe side.
func floor(d time.Duration) time.Duration { return d.Truncate(time.Second) }
func ceil(d time.Duration) time.Duration  { return floor(d + time.Second - 1) }

// shown are the public parameters.
func (b *rulebook) shown(at int, a asked, now time.Duration) map[string]string {
	s := b.steps[at]
	m := map[string]string{"step": s.name}
	switch {
	case s.kind == word && a.void == "":
		m["question"] = "which word?"
	case s.medium == "SMS":
		m["CODE_DELIVERY_DESTINATION"] = "+***********"
	case s.medium == "EMAIL":
		m["CODE_DELIVERY_DESTINATION"] = "***@***"
	}
	if s.medium != "" {
		m["CODE_DELIVERY_DELIVERY_MEDIUM"] = s.medium
	}
	if a.void == "" {
		m["expiresAt"] = epoch.Add(a.expires).Format("2006-01-02T15:04:05Z")
		if s.kind == code {
			m["codeLength"] = "6"
		}
	}
	if a.sends < s.most {
		after := a.again - now
		if a.code == "rate_limited" && a.void == "" {
			after = max(after, a.wait) // the limit would refuse it until then
		}
		m["resendAfter"] = seconds(min(after, month))
	}
	left := 1
	for a.rounds+left < maxRounds && b.goOn(a.wrong+left, a.rounds+left, false) {
		left++
	}
	m["attemptsRemaining"] = strconv.Itoa(left)
	if a.code != "" {
		m["errorCode"] = a.code
		if a.wait > 0 {
			m["retryAfter"] = seconds(min(a.wait, month))
		}
	}
	return m
}

// month is the longest time that is shown.
const month = 31 * 24 * time.Hour

// epoch is when a bubble's clock begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func seconds(d time.Duration) string { return strconv.Itoa(int(ceil(max(d, 0)) / time.Second)) }

// A counted key with the limits on it.
type counted struct {
	key    string
	limits []limit
}

func (b *rulebook) guessKeys(at int, p person) []counted {
	keys := []counted{{"guess " + p.pool + " " + b.steps[at].name + " " + p.user, b.guesses}}
	if len(b.shared) > 0 {
		keys = append(keys, counted{"guess0 " + p.pool, b.shared})
	}
	return keys
}

func (b *rulebook) sendKeys(s step, p person, to string) []counted {
	if to == "" {
		to = "nobody " + p.user
	}
	return []counted{{"send " + p.pool + " " + to, append([]limit{{1, s.cooldown}}, b.sends...)}}
}

func (b *rulebook) guessWait(at int, p person, now time.Duration, l *ledger) (wait time.Duration, broken bool) {
	if b.free {
		return 0, false
	}
	for _, k := range b.guessKeys(at, p) {
		wait = max(wait, l.wait(now, k))
	}
	return wait, l.down
}

// A ledger is what a Store has to know: when events were, by key.
type ledger struct {
	tallies map[string]tally
	down    bool
}

// A tally is never changed in place.
type tally struct {
	times  []time.Duration // oldest first
	streak int
}

func newLedger() *ledger { return &ledger{tallies: map[string]tally{}} }

func (l *ledger) clone() *ledger { return &ledger{maps.Clone(l.tallies), l.down} }

// wait is how long until one more event fits.
func (l *ledger) wait(now time.Duration, k counted) (wait time.Duration) {
	t := l.tallies[k.key]
	for _, lim := range k.limits {
		if lim.per == 0 {
			if t.streak >= lim.most {
				return math.MaxInt64
			}
			continue
		}
		var leaves []time.Duration // when those that count now stop to count
		for _, at := range t.times {
			if at+lim.per > now {
				leaves = append(leaves, at+lim.per)
			}
		}
		if over := len(leaves) - lim.most; over >= 0 {
			wait = max(wait, leaves[over]-now)
		}
	}
	return wait
}

func (l *ledger) count(now time.Duration, key string) {
	t := l.tallies[key]
	l.tallies[key] = tally{append(slices.Clip(t.times), now), t.streak + 1}
}

func (l *ledger) takeBack(key string) {
	t, ok := l.tallies[key]
	if !ok {
		return
	}
	if n := len(t.times) - 1; n > 0 {
		l.tallies[key] = tally{times: slices.Clip(t.times[:n])}
		return
	}
	delete(l.tallies, key)
}

// countAll counts under all keys, or changes nothing.
func (l *ledger) countAll(now time.Duration, keys []counted) time.Duration {
	for _, k := range keys {
		if wait := l.wait(now, k); wait > 0 {
			return wait
		}
	}
	for _, k := range keys {
		l.count(now, k.key)
	}
	return 0
}

func (l *ledger) giveBack(keys []counted) {
	for _, k := range keys {
		l.takeBack(k.key)
	}
}
