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
	steps  []step
	tries  int                        // wrong answers of a step that end a sign-in; 0: policy says it
	policy func(wrong, sends int) int // how many more answers a step has
	free   bool                       // no limits at all

	// The limits; what is left out is as the documentation has it.
	guesses     []limit // per account
	failures    int     // wrong ones in a row, per account
	messages    []limit // per account, beside the cooldown
	destination []limit // per account and destination
	unproved    []limit // per destination, from all accounts that did not prove it
	named       []named

	// How many answers and messages there can be in a whole exploration.
	answers, sends int

	// Verify may be called once more for an answer that passed.
	repeats bool

	// The app gives up after so many rounds.
	rounds int
}

// A limit on events in a time; 0: since the counter was last forgotten.
type limit struct {
	most int
	per  time.Duration
}

// A named limit counts for everybody together.
type named struct {
	name    string
	guesses bool // and not messages
	limits  []limit
}

// complete fills in what the documentation says of what is left out.
func (b rulebook) complete() rulebook {
	day := 24 * time.Hour
	or := func(limits *[]limit, documented ...limit) {
		if *limits == nil {
			*limits = documented
		}
	}
	or(&b.guesses, limit{5, 5 * time.Minute}, limit{10, time.Hour}, limit{20, day})
	or(&b.messages, limit{15, day})
	or(&b.destination, limit{5, time.Hour}, limit{10, day})
	or(&b.unproved, limit{5, day})
	if b.failures == 0 {
		b.failures = 100
	}
	if b.policy == nil {
		tries := b.tries
		b.policy = func(wrong, _ int) int { return tries - wrong }
	}
	return b
}

type step struct {
	name     string
	kind     kind
	medium   string // "SMS", "EMAIL", or "": nothing is sent
	ttl      time.Duration
	cooldown time.Duration
	most     int // messages
}

type kind int

const (
	code     kind = iota // a one-time code
	link                 // the same, and too long to be guessed
	password             // Cognito's own step
	word                 // a challenge of the test's own, without a fixed answer
	captcha              // the same, which anyone can pass, and no answer is a guess
	approval             // the same, where no answer is a guess
)

func (s step) unguessable() bool { return s.kind == link || s.kind == captcha || s.kind == approval }

// fixed reports whether the step has an answer that is fixed, and used once.
func (s step) fixed() bool { return s.kind == code || s.kind == link }

// A person is whom the service says an event is about.
type person struct {
	pool, client, user string
	phone, mail        string
	unknown            bool
}

// address is where the message of a step goes, "" if nowhere.
func (p person) address(s step) string {
	switch {
	case p.unknown:
		return ""
	case s.medium == "SMS":
		return p.phone
	case s.medium == "EMAIL":
		return p.mail
	}
	return ""
}

// A challenge is the last one of the step that is being taken.
type challenge struct {
	wrong, sends    int    // in this step, before this challenge is answered
	round           int    // of the sign-in, from 0
	void            string // there is nothing to answer, and this is why
	silent          bool   // nobody was told the answer
	noGuess, anyone bool
	right           string
	to              string // where the right answer was sent
	expires, again  time.Duration
}

// maxRounds of a sign-in end it, whatever the policy says.
const maxRounds = 8

// grace is how long a code is right again in its sign-in.
const grace = 15 * time.Second

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
	asks      bool // it asks for another challenge
}

// A verdict is what Verify must say, whether it may compare, and what the operator
// is told.
type verdict struct {
	right, compared, broken bool
	reason                  string
}

// verdict judges an answer. A store that is down breaks it. A code is good only for
// where it was sent to: the user may have another number by now.
func (b *rulebook) verdict(at int, c *challenge, p person, a answer, now time.Duration, l *ledger) verdict {
	switch {
	case a.asks: // or it would be a free guess
		return verdict{reason: "asked"}
	case c.void != "":
		return verdict{reason: "no_challenge"}
	case now >= c.expires:
		return verdict{reason: "expired"}
	case a.malformed:
		return verdict{reason: "bad_answer"}
	}
	s := b.steps[at]
	used := place{p.sort(), p.account(), "used", ""}
	if !b.free {
		if l.down && (!c.noGuess || s.fixed()) {
			return verdict{broken: true, reason: "store"}
		}
		if !c.noGuess && l.countAll(now, b.guessesOf(p)) > 0 {
			return verdict{reason: "rate_limited"}
		}
		if at, ok := l.tagged(used, c.right); ok && s.fixed() && now-at > grace {
			return verdict{reason: "used_code"}
		}
	}
	if !a.right || c.to != p.address(s) || c.silent || p.unknown && !c.anyone {
		if c.noGuess {
			return verdict{compared: true, reason: "not_proved"}
		}
		return verdict{compared: true, reason: "wrong_code"}
	}
	if !b.free && !l.down {
		b.settle(at, c, p, now, l)
	}
	return verdict{right: true, compared: true}
}

// settle takes back the guess that was none, and keeps that the code is used and
// what it proved.
func (b *rulebook) settle(at int, c *challenge, p person, now time.Duration, l *ledger) {
	s, last := b.steps[at], at == len(b.steps)-1
	if !c.noGuess {
		l.giveBack(b.guessesOf(p))
	}
	failures := place{p.sort(), p.account(), "failures", ""}
	if last {
		l.forget(failures) // an earlier step alone forgives nothing
	}
	if !s.fixed() {
		return
	}
	if _, again := l.tagged(place{p.sort(), p.account(), "used", ""}, c.right); !again {
		l.count(place{p.sort(), p.account(), "used", ""}, happening{now, c.right})
	}
	ok := place{p.sort(), p.account(), "ok", c.to}
	l.forget(ok)
	l.count(ok, happening{now, ""})
}

// left is how many answers there are, after the last challenge was answered or
// before the step's first one.
func (b *rulebook) left(last *challenge, rounds int, asks bool) int {
	wrong, sends := 0, 0
	if last != nil {
		wrong, sends = last.wrong+burnt(last, asks), last.sends
	}
	return min(b.policy(wrong, sends), maxRounds-rounds)
}

// burnt is how many attempts an answer uses up: none if it asks for another
// challenge, and none where no answer is a guess.
func burnt(last *challenge, asks bool) int {
	if asks || last.noGuess {
		return 0
	}
	return 1
}

// decide is what Define must say, and why. last is the last challenge of the step if
// it was not passed, and nil when the step begins; rounds is how many challenges
// there were.
func (b *rulebook) decide(at int, last *challenge, rounds int, p person, asks bool) (outcome, string) {
	switch {
	case at == len(b.steps) && p.unknown:
		return fails, "user_not_found"
	case at == len(b.steps):
		return tokens, ""
	case b.steps[at].kind == password:
		return asksPassword, ""
	case last != nil && b.left(last, rounds, asks) < 1, rounds >= maxRounds:
		return fails, "attempts"
	}
	return asksChallenge, ""
}

// asked is what Create must do.
type asked struct {
	challenge
	left   int
	fresh  bool // a new answer was made
	brief  bool // nothing but the counters is new
	sent   int  // messages handed to the sender
	broken bool
	code   string        // errorCode
	wait   time.Duration // retryAfter
	reason string        // for the operator, where it is not code
}

// ask makes a challenge, or repeats the last one.
func (b *rulebook) ask(at int, last *challenge, rounds int, p person, asks bool, now time.Duration, e end, l *ledger) asked {
	a := b.made(at, last, rounds, p, asks, now, e, l)
	a.left = b.left(last, rounds, asks)
	a.round = rounds
	if last != nil {
		a.wrong = last.wrong + burnt(last, asks)
		a.brief = !a.fresh && last.void == "" || last.void != "" && !asks

	}
	return a
}

func (b *rulebook) made(at int, last *challenge, rounds int, p person, asks bool, now time.Duration, e end, l *ledger) asked {
	switch {
	case last == nil || asks:
		return b.issue(at, last, p, now, e, l)
	case last.void != "":
		return asked{challenge: *last, code: last.void, wait: last.again - now}
	case now >= last.expires:
		return asked{challenge: *last, code: "expired"}
	case last.noGuess:
		return asked{challenge: *last, code: "not_proved"}
	case b.free:
		return asked{challenge: *last, code: "wrong_code"}
	case l.down:
		return asked{broken: true, reason: "store"}
	}
	looks := b.guessesOf(p)
	if wait := l.waitAll(now, looks); wait > 0 {
		return asked{challenge: *last, code: "rate_limited", wait: wait}
	}
	return asked{challenge: *last, code: "wrong_code"}
}

// issue makes a new challenge. What cannot be made leaves the one before.
func (b *rulebook) issue(at int, last *challenge, p person, now time.Duration, e end, l *ledger) asked {
	s := b.steps[at]
	if s.medium == "" && e != delivered {
		return none(last, "no_word", 0, now)
	}
	to := p.address(s)
	nowhere := "" // why nobody is sent anything
	if s.medium != "" && to == "" && !p.unknown {
		nowhere = "no_destination"
	}
	if s.medium != "" && last != nil && last.void == "" {
		switch {
		case last.sends >= s.most:
			return none(last, "no_resends_left", 0, now).because(nowhere)
		case now < last.again:
			return none(last, "resend_too_soon", last.again-now, now).because(nowhere)
		}
	}
	if s.medium != "" && last != nil && last.void == "delivery_failed" && now < last.again {
		return none(last, "delivery_failed", last.again-now, now).because(nowhere)
	}
	var counts []counted
	if !b.free {
		a, list, ok := b.room(s, last, p, to, now, l)
		switch {
		case !ok && a.broken:
			return a
		case !ok:
			return a.because(nowhere)
		}

		counts = list
	}
	if s.medium != "" {
		switch { // what is not sent for now does not count; what cannot be sent does
		case e == undelivered:
			l.giveBack(counts)
			a := none(last, "delivery_failed", 0, now).because(nowhere)
			a.sent = given(to)
			return a
		case to != "" && (e == unreachable || e == guarded):
			a := none(last, "delivery_failed", s.cooldown, now)
			if a.sent = 1; e == guarded {
				a.sent, a.reason = 0, "guard"
			}
			return a
		}
	}
	a := asked{challenge: b.bound(s, last, p, to, now), fresh: true}.because(nowhere)
	if s.medium != "" {
		a.sent = given(to)
		if e == uncertain {
			a.code = "delivery_failed"
		}
	}
	return a
}

// because says what the operator is told rather than the app's word.
func (a asked) because(reason string) asked {
	if reason != "" && a.reason == "" {
		a.reason = reason
	}
	return a
}

// room asks all limits before a challenge is made, and counts its message.
func (b *rulebook) room(s step, last *challenge, p person, to string, now time.Duration, l *ledger) (asked, []counted, bool) {
	var looks, counts []counted
	if !s.unguessable() {
		looks = b.accountGuesses(p)
	}
	if s.medium != "" {
		counts = b.sendsOf(s, p, to)
	}
	if len(looks)+len(counts) == 0 {
		return asked{}, nil, true
	}
	if l.down {
		return asked{broken: true, reason: "store"}, nil, false
	}
	if wait := max(l.waitAll(now, looks), l.waitAll(now, counts)); wait > 0 {
		return none(last, b.refusal(s, p, wait, l.waitAll(now, looks), now, l), wait, now), nil, false
	}
	for _, c := range counts {
		l.count(c.place, happening{now, ""})
	}
	if !s.unguessable() && l.waitAll(now, b.guessesOf(p)) > 0 {
		wait := l.waitAll(now, b.guessesOf(p))
		if s.medium != "" {
			proved := to != "" && len(l.tallies[place{p.sort(), p.account(), "ok", to}]) > 0
			shared, own := b.sharedSends(p, to, proved)
			wait = max(wait, l.waitAll(now, shared), l.waitAll(now, own))
		}
		l.giveBack(counts)
		return none(last, "rate_limited", wait, now), nil, false
	}
	if s.medium == "" {
		return asked{}, nil, true
	}
	proved := to != "" && len(l.tallies[place{p.sort(), p.account(), "ok", to}]) > 0
	shared, own := b.sharedSends(p, to, proved)
	if wait := max(l.waitAll(now, shared), l.waitAll(now, own)); wait > 0 {
		l.giveBack(counts)
		return none(last, "rate_limited", wait, now), nil, false
	}
	for _, c := range own {
		l.count(c.place, happening{now, ""})
	}
	return asked{}, append(counts, own...), true
}

// refusal is the word for a message that the account's own limits refuse. That
// another sign-in has just sent one is told apart from what lasts.
func (b *rulebook) refusal(s step, p person, wait, guesses, now time.Duration, l *ledger) string {
	cooldown := l.wait(now, place{p.sort(), p.account(), "send", ""}, []limit{{1, s.cooldown}})
	others := l.waitAll(now, b.sendsOf(s, p, p.address(s))[1:])
	switch {
	case s.medium == "" || guesses > 0 || others > 0 || wait > s.cooldown:
		return "rate_limited"
	case cooldown == 0:
		return "rate_limited"
	}
	return "sent_recently"
}

// given is how many messages the sender is handed.
func given(to string) int {
	if to == "" {
		return 0
	}
	return 1
}

// bound is a new challenge: new answer, new times, old attempts.
func (b *rulebook) bound(s step, last *challenge, p person, to string, now time.Duration) challenge {
	c := challenge{noGuess: s.unguessable(), anyone: s.kind == captcha, to: to}
	if last != nil {
		c.sends, c.again = last.sends, last.again
	}
	c.silent = s.medium != "" && to == "" || p.unknown && !c.anyone
	c.expires = floor(now + s.ttl)
	if s.medium != "" {
		c.sends++
		c.again = ceil(now + s.cooldown)
	}
	return c
}

// none is a challenge that could not be made: the one before stays, if there is one.
func none(last *challenge, code string, wait, now time.Duration) asked {
	a := asked{code: code, wait: wait}
	if last != nil && last.void == "" {
		a.challenge = *last
		return a
	}
	a.void, a.expires, a.again = code, floor(now)+10*time.Minute, floor(now)
	if wait > 0 {
		a.again = ceil(now + min(wait, 24*time.Hour))
	}
	return a
}

// Sealed times are whole seconds, rounded to the safe side.
func floor(d time.Duration) time.Duration { return d.Truncate(time.Second) }
func ceil(d time.Duration) time.Duration  { return floor(d + time.Second - 1) }

// shown are the public parameters.
func (b *rulebook) shown(at int, a asked, now time.Duration) map[string]string {
	s := b.steps[at]
	m := map[string]string{"step": s.name, "attemptsRemaining": strconv.Itoa(a.left)}
	switch {
	case s.medium == "SMS":
		m["CODE_DELIVERY_DESTINATION"] = "+***********"
	case s.medium == "EMAIL":
		m["CODE_DELIVERY_DESTINATION"] = "***@***"
	case a.void == "":
		m["question"] = "which word?"
	}
	if s.medium != "" {
		m["CODE_DELIVERY_DELIVERY_MEDIUM"] = s.medium
	}
	if a.void == "" {
		m["expiresAt"] = epoch.Add(a.expires).Format("2006-01-02T15:04:05Z")
		switch s.kind {
		case code:
			m["codeLength"] = "6"
		case link:
			m["codeLength"] = "32"
		}
	}
	// In the last round there is no other message, and none where nothing is sent.
	if a.round+1 < maxRounds && (a.void != "" || s.medium != "" && a.sends < s.most) {
		after := a.again - now
		if a.code == "rate_limited" || a.code == "sent_recently" {
			after = max(after, a.wait) // the limit would refuse it until then
		}
		m["resendAfter"] = seconds(min(after, month))
	}
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

// sort and account say whose counters a person has. Those of made-up names are
// apart, for there is no end of them.
func (p person) sort() string {
	if p.unknown {
		return "nobody"
	}
	return "account"
}

func (p person) account() string { return p.pool + " " + p.user }

// A counted place with the limits on it.
type counted struct {
	place
	limits []limit
	only   bool // it is looked at, and not changed
}

// accountGuesses are the limits on guesses of an account. What unknown names leave
// has to expire.
func (b *rulebook) accountGuesses(p person) []counted {
	row := limit{b.failures, 0}
	if p.unknown {
		row.per = month
	}
	return []counted{
		{place{p.sort(), p.account(), "guess", ""}, b.guesses, false},
		{place{p.sort(), p.account(), "failures", ""}, []limit{row}, false},
	}
}

// guessesOf are all limits on a guess. Unknown names are held to those that
// everybody shares, and do not use them up.
func (b *rulebook) guessesOf(p person) []counted {
	return append(b.accountGuesses(p), b.shared(p, true)...)
}

func (b *rulebook) shared(p person, guesses bool) (list []counted) {
	for _, n := range b.named {
		if n.guesses == guesses {
			list = append(list, counted{place{"limit", n.name, n.name, ""}, n.limits, p.unknown})
		}
	}
	return list
}

// sendsOf are the account's limits on a message: the first is on all of them.
func (b *rulebook) sendsOf(s step, p person, to string) []counted {
	if to == "" {
		to = "nowhere by " + s.medium
	}
	return []counted{
		{place{p.sort(), p.account(), "send", ""}, append([]limit{{1, s.cooldown}}, b.messages...), false},
		{place{p.sort(), p.account(), "to", to}, b.destination, false},
	}
}

// sharedSends are the limits on a message that other accounts have, too: those that
// are asked alone, and those that are counted.
func (b *rulebook) sharedSends(p person, to string, proved bool) (asks, counts []counted) {
	for _, c := range b.shared(p, false) {
		if c.only {
			asks = append(asks, c)
		} else {
			counts = append(counts, c)
		}
	}
	if to != "" && !proved {
		counts = append(counts, counted{place{"to", to, "unproved", ""}, b.unproved, false})
	}
	return asks, counts
}

// A place is where something is counted: a counter of a key, where it is for one
// destination of that one.
type place struct{ kind, key, counter, of string }

type happening struct {
	at  time.Duration
	tag string
}

// A ledger is what a Store has to know: when events were, by place.
type ledger struct {
	tallies map[place][]happening // oldest first; never changed in place
	down    bool
}

func newLedger() *ledger { return &ledger{tallies: map[place][]happening{}} }

func (l *ledger) clone() *ledger { return &ledger{maps.Clone(l.tallies), l.down} }

func longestOf(limits []limit) (longest time.Duration) {
	for _, l := range limits {
		longest = max(longest, l.per)
	}
	return longest
}

// wait is how long until one more event fits.
func (l *ledger) wait(now time.Duration, at place, limits []limit) (wait time.Duration) {
	events := l.tallies[at]
	for _, lim := range limits {
		if lim.per == 0 {
			if len(events) >= lim.most {
				return math.MaxInt64
			}
			continue
		}
		n := 0 // those that count now
		for i := len(events) - 1; i >= 0 && events[i].at+lim.per > now; i-- {
			if n++; n == lim.most {
				wait = max(wait, events[i].at+lim.per-now)
			}
		}
	}
	return wait
}

func (l *ledger) waitAll(now time.Duration, list []counted) (wait time.Duration) {
	for _, c := range list {
		wait = max(wait, l.wait(now, c.place, c.limits))
	}
	return wait
}

// countAll counts in all places, or changes nothing.
func (l *ledger) countAll(now time.Duration, list []counted) time.Duration {
	if wait := l.waitAll(now, list); wait > 0 {
		return wait
	}
	for _, c := range list {
		if !c.only {
			l.count(c.place, happening{now, ""})
		}
	}
	return 0
}

func (l *ledger) giveBack(list []counted) {
	for _, c := range list {
		if !c.only {
			l.takeBack(c.place)
		}
	}
}

func (l *ledger) count(at place, h happening) {
	l.tallies[at] = append(slices.Clip(l.tallies[at]), h)
}

// keep leaves the newest events.
func (l *ledger) keep(at place, most int) {
	events := l.tallies[at]
	l.tallies[at] = events[max(0, len(events)-most):]
}

func (l *ledger) forget(at place) { delete(l.tallies, at) }

func (l *ledger) takeBack(at place) {
	if n := len(l.tallies[at]) - 1; n > 0 {
		l.tallies[at] = slices.Clip(l.tallies[at][:n])
		return
	}
	delete(l.tallies, at)
}

// tagged is when the event with a tag was.
func (l *ledger) tagged(at place, tag string) (time.Duration, bool) {
	for _, h := range l.tallies[at] {
		if h.tag == tag {
			return h.at, true
		}
	}
	return 0, false
}
