package model_test

// This file has the state that is explored, and moves it: each move calls the
// handlers as the service does, and compares every answer with the oracle's.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
)

// A world is everything at one moment: what the service keeps of each sign-in, and
// what the oracle thinks of it.
type world struct {
	now     time.Duration
	started int
	signIns []signIn
	numbers map[string]string // of users who changed theirs; never changed in place
	books   *ledger           // the oracle's
	store   *ledger           // the handlers'
	codes   int

	// The world as it would be if strangers had not done what they did; see
	// strangers_test.go.
	without *world
	listens bool
	heard   []string // what the app got to see in the last call
}

type signIn struct {
	person
	srp     bool
	session []*entry // shared between worlds: appended to with a copy
	private map[string]string
	meta    string

	// As the oracle has it.
	stands outcome
	step   int
	rounds int
	last   *challenge // never changed in place
	used   []string   // right answers of challenges before the last
	passed *repeat    // the last one that was passed, if calls may be repeated late

	// Counted on their own, for the invariants.
	proved             int // steps whose right answer was given in time
	compared, messages int // in this step

	without int // its place in world.without; -1: it is not there
}

// A repeat is what the service may ask Verify once more.
type repeat struct {
	*challenge
	step    int
	private map[string]string
}

func (w *world) clone() *world {
	c := *w
	c.signIns = slices.Clone(w.signIns)
	c.books, c.store = w.books.clone(), w.store.clone()
	if w.without != nil {
		c.without = w.without.clone()
	}
	return &c
}

// A move is one thing that can happen.
type move struct {
	verb   verb
	signIn int    // of prove, answering and repeating
	person person // of begin and moving
	srp    bool   // of begin: the app starts with SRP_A
	reply  reply
	with   metadata
	number string // of moving
	end    end    // how sending ends
	again  bool   // the service calls each trigger twice, and keeps the second answer
	down   bool   // the store is down
}

type verb int

const (
	begin verb = iota
	prove      // the right password
	answering
	repeating // Verify is called once more for the answer that passed
	moving    // the user gets another phone number
	wait
)

func (m move) String() string {
	var s string
	switch m.verb {
	case begin:
		s = fmt.Sprintf("begin(%s, srp=%t)", m.person.user, m.srp)
	case prove:
		s = fmt.Sprintf("prove(%d)", m.signIn)
	case answering:
		s = fmt.Sprintf("answer(%d, %v, %s)", m.signIn, m.reply, m.with)
	case repeating:
		s = fmt.Sprintf("repeat(%d)", m.signIn)
	case moving:
		return fmt.Sprintf("move(%s, %s)", m.person.user, m.number)
	case wait:
		return "wait"
	}
	if m.end != delivered {
		s += [...]string{"", " undelivered", " unreachable", " uncertain", " guarded"}[m.end]
	}
	if m.again {
		s += " twice"
	}
	if m.down {
		s += " store-down"
	}
	return s
}

// A reply is a kind of answer.
type reply struct {
	kind replyKind
	of   int // for other: the sign-in whose answer it is
}

type replyKind int

const (
	right   replyKind = iota
	typed             // the right one, as people type it
	older             // the right answer of an earlier challenge of this sign-in
	other             // the right answer of another sign-in's challenge
	wrong             // never an answer of anything
	prefix            // the right one without its last digit
	empty             // nothing
	blank             // nothing that counts
	long              // the right one behind too many zeros
	control           // the right one and a control character
	invalid           // the right one and a byte that is no UTF-8
	number            // no string
	list              // the right one, but not as a string
)

var replyNames = [...]string{"right", "typed", "older", "other", "wrong", "prefix", "empty", "blank", "long", "control", "invalid", "number", "list"}

func (r reply) String() string {
	if r.kind == other {
		return fmt.Sprintf("other(%d)", r.of)
	}
	return replyNames[r.kind]
}

// text is the answer, and what the rules need to know of it. There is none where
// no such answer exists.
func (w *world) text(i int, r reply, k kind) (text any, is answer, ok bool) {
	s := &w.signIns[i]
	one := s.last.right
	has := one != ""
	malformed := answer{malformed: true}
	switch r.kind {
	case right:
		return one, answer{right: true}, has
	case typed:
		if !has || k != code {
			return nil, is, false
		}
		wide := strings.Map(func(c rune) rune { return c - '0' + '０' }, one[3:])
		return " " + one[:3] + "-" + wide + "\n", answer{right: true}, true
	case older:
		if len(s.used) == 0 {
			return nil, is, false
		}
		return s.used[len(s.used)-1], is, true
	case other:
		one := w.signIns[r.of].newest()
		return one, is, r.of != i && one != ""
	case wrong:
		return "000000", is, true
	case prefix:
		if !has {
			return nil, is, false
		}
		return one[:len(one)-1], is, true
	case empty:
		return "", malformed, true
	case blank:
		return " - ", is, true
	case long:
		return strings.Repeat("0", 257) + one, malformed, true
	case control:
		return one + "\x00", malformed, true
	case invalid:
		return one + "\xff", malformed, true
	case number:
		return 123456.0, malformed, true
	}
	return []any{one}, malformed, true
}

// newest is the right answer of the newest challenge that had one, also of a
// sign-in that is over.
func (s *signIn) newest() string {
	switch {
	case s.last != nil && s.last.right != "":
		return s.last.right
	case len(s.used) > 0:
		return s.used[len(s.used)-1]
	}
	return ""
}

// Metadata is the clientMetadata that comes with an answer.
type metadata int

const (
	bare metadata = iota
	resend
	choose
	junk
)

func (m metadata) String() string { return [...]string{"bare", "resend", "choose", "junk"}[m] }

// asks reports whether the app asks for another challenge with it.
func (m metadata) asks() bool { return m == resend || m == choose }

func (m metadata) value() map[string]string {
	switch m {
	case resend, choose:
		return map[string]string{"action": m.String()}
	case junk:
		return map[string]string{"action": "RESEND", "resend": "action", "issueTokens": "true", "": "resend"}
	}
	return nil
}

// A fault is what a handler does against the rules.
type fault struct{ text string }

func (f *fault) Error() string { return f.text }

func faultf(format string, args ...any) error { return &fault{fmt.Sprintf(format, args...)} }

// set makes the rig's surroundings those of the world.
func (w *world) set(r *rig, m move) {
	r.store, r.codes, r.end, r.used = w.store, w.codes, m.end, false
	w.store.down, w.books.down = m.down, m.down
	w.heard = nil
}

// hear keeps what the app got to see.
func (w *world) hear(format string, args ...any) {
	if w.listens {

		w.heard = append(w.heard, fmt.Sprintf(format, args...))
	}
}

// begins starts a sign-in.
func (w *world) begins(r *rig, m move) error {
	w.set(r, m)
	w.started++
	s := signIn{person: w.person(m.person), srp: m.srp, without: -1}
	if m.srp {
		s.session = []*entry{{ChallengeName: srpName, ChallengeResult: true}}
	}
	w.signIns = append(w.signIns, s)
	at := &w.signIns[len(w.signIns)-1]
	if r.rules.steps[0].kind == password && !m.srp {
		return w.defines(r, at, m, fails, "foreign_session")
	}
	return w.proceeds(r, at, m)
}

// person is a person with the number that he has now.
func (w *world) person(p person) person {
	if number, ok := w.numbers[p.user]; ok {
		p.phone = number
	}
	return p
}

// proves gives the right password.
func (w *world) proves(r *rig, m move) error {
	w.set(r, m)
	s := &w.signIns[m.signIn]
	s.session = append(slices.Clip(s.session), &entry{ChallengeName: passwordName, ChallengeResult: true})
	s.step++
	s.proved++
	return w.proceeds(r, s, m)
}

// moves gives the user another phone number.
func (w *world) moves(_ *rig, m move) error {
	w.heard = nil
	w.numbers = maps.Clone(w.numbers)
	if w.numbers == nil {
		w.numbers = map[string]string{}
	}
	w.numbers[m.person.user] = m.number
	for i := range w.signIns {
		if s := &w.signIns[i]; s.user == m.person.user && !s.unknown {
			s.phone = m.number
		}
	}
	return nil
}

// checks lets Verify look at an answer. There is no such answer if ok is false.
func (w *world) checks(r *rig, m move) (passed, ok bool, err error) {
	w.set(r, m)
	s := &w.signIns[m.signIn]
	text, is, ok := w.text(m.signIn, m.reply, r.rules.steps[s.step].kind)
	if !ok {
		return false, false, nil
	}
	is.asks = m.with.asks()
	for range calls(m) {
		passed, err = w.verifies(r, s, s.last, s.step, s.private, text, is, m.with)
		if err != nil || s.stands == fails {
			return false, true, err
		}
	}
	if passed {
		s.proved++
	}
	s.session = append(slices.Clip(s.session), &entry{ChallengeName: customName, ChallengeResult: passed, ChallengeMetadata: s.meta})
	return passed, true, nil
}

// repeats calls Verify once more for the answer that passed a step. The service has
// its answer already.
func (w *world) repeats(r *rig, m move) error {
	w.set(r, m)
	s := &w.signIns[m.signIn]
	p, compared := s.passed, s.compared
	defer func() { s.compared = compared }()
	_, err := w.verifies(
		r, s, p.challenge, p.step, p.private, p.right, answer{right: true}, bare)
	return err
}

func calls(m move) int {
	if m.again {
		return 2
	}
	return 1
}

func (w *world) verifies(r *rig, s *signIn, c *challenge, step int, private map[string]string, text any, is answer, with metadata) (bool, error) {
	want := r.rules.verdict(step, c, s.person, is, w.now, w.books)
	got, err := r.callVerify(s.person, private, text, with.value())
	if want.broken {
		s.stands = fails
		return false, w.broke(r, "verify", want.reason, err)
	}
	w.hear("verify %t %v", got, err)
	switch {
	case err != nil:
		return false, faultf("verify: %v", err)
	case got != want.right:
		return false, faultf("verify says %t, the rules %t", got, want.right)
	case len(r.sent)+len(r.made) > 0:
		return false, faultf("verify made or sent a code")
	}
	outcome := customauth.Refused
	if want.right {
		outcome = customauth.Passed
	}
	if err := observed(r, "verify", outcome, want.reason); err != nil {
		return false, err
	}
	compared := 0
	if want.compared {
		compared = 1
		s.compared++
	}
	if r.compared != compared {
		return false, faultf("verify compared %d times, the rules say %d", r.compared, compared)
	}
	return want.right, w.sameBooks(r)
}

// continues goes on after an answer.
func (w *world) continues(r *rig, m move, passed bool) error {
	w.set(r, m)
	s := &w.signIns[m.signIn]
	if s.stands == fails {
		return nil // the store was down
	}
	if passed {
		if r.rules.repeats {
			s.passed = &repeat{s.last, s.step, s.private}
		}
		s.step, s.last, s.used = s.step+1, nil, append(slices.Clip(s.used), s.last.right)
		s.compared, s.messages = 0, 0
	}
	return w.proceeds(r, s, m)
}

// proceeds lets Define decide, and Create make the challenge that it asks for.
func (w *world) proceeds(r *rig, s *signIn, m move) error {
	want, reason := r.rules.decide(s.step, s.last, s.rounds, s.person, m.with.asks())
	if err := w.defines(r, s, m, want, reason); err != nil {
		return err
	}
	if want != asksChallenge {
		return nil
	}
	last, used := s.last, s.used
	for i := range calls(m) {
		if i > 0 { // the first answer is lost, and a new code with it
			lost := s.last.right
			s.last, s.used = last, used
			if lost != "" && (last == nil || lost != last.right) {
				s.used = append(slices.Clip(used), lost)
			}
		}
		if err := w.creates(r, s, m); err != nil || s.stands == fails {
			return err
		}
	}
	s.rounds++
	return nil
}

func (w *world) defines(r *rig, s *signIn, m move, want outcome, reason string) error {
	for range calls(m) {
		got, err := r.callDefine(s.person, s.session, m.with.value())
		w.hear("define %v %v", got, err)
		switch {
		case err != nil:
			return faultf("define: %v", err)
		case got != want:
			return faultf("define %v, the rules say it %v", got, want)
		case len(r.sent)+len(r.made)+r.compared > 0:
			return faultf("define sent, made or compared a code")
		}
		outcome := customauth.Asked
		switch want {
		case fails:
			outcome = customauth.Refused
		case tokens:
			outcome = customauth.Passed
		}
		if err := observed(r, "define", outcome, reason); err != nil {
			return err
		}
	}
	s.stands = want
	return w.sameBooks(r)
}

func (w *world) creates(r *rig, s *signIn, m move) error {
	want := r.rules.ask(s.step, s.last, s.rounds, s.person, m.with.asks(), w.now, m.end, w.books)
	got, err := r.callCreate(s.person, s.session, m.with.value(), customName)
	w.codes = r.codes
	if want.broken {
		s.stands = fails
		return w.broke(r, "create", want.reason, err)
	}
	w.hear("create %v, %d messages, %v", got.PublicChallengeParameters, len(r.sent), err)
	public := r.rules.shown(s.step, want, w.now)
	private := got.PrivateChallengeParameters["customauth"]
	switch {
	case err != nil:
		return faultf("create: %v", err)
	case !maps.Equal(got.PublicChallengeParameters, public):
		return faultf("create shows\n\t%v, the rules say\n\t%v", got.PublicChallengeParameters, public)
	case private == "" || got.ChallengeMetadata == "":
		return faultf("create keeps no state")
	case want.brief && len(got.ChallengeMetadata) >= len(private)-8:
		return faultf("the record of a repeated challenge is as long as that of a new one")
	case want.fresh && got.ChallengeMetadata != private:
		return faultf("a new challenge has two records")
	case len(r.sent) != want.sent:
		return faultf("create sent %d messages, the rules say %d", len(r.sent), want.sent)
	case want.fresh && len(r.made) != 1:
		return faultf("create made %d codes instead of one", len(r.made))
	case r.compared > 0:
		return faultf("create compared")
	}
	outcome := customauth.Refused
	switch want.code {
	case "", "wrong_code", "not_proved", "expired":
		outcome = customauth.Asked
	}
	reason := want.reason
	if reason == "" {
		reason = want.code
	}
	if err := observed(r, "create", outcome, reason); err != nil {
		return err
	}
	for _, sent := range r.sent {
		if want.fresh && sent.Code.Reveal() != r.made[0] || sent.To.Address.Reveal() != s.address(r.rules.steps[s.step]) {
			return faultf("create sent another code, or to somebody else")
		}
	}
	c := want.challenge
	if want.fresh {
		if s.last != nil && s.last.right != "" {
			s.used = append(slices.Clip(s.used), s.last.right)
		}
		c.right = r.made[0]
	}
	s.last = &c
	s.private, s.meta = got.PrivateChallengeParameters, got.ChallengeMetadata
	if m.end != undelivered && m.end != unreachable {
		s.messages += len(r.sent)
	}
	return w.sameBooks(r)
}

// broke is what must come of a store that is down.
func (w *world) broke(r *rig, trigger, reason string, err error) error {
	if _, ok := err.(*customauth.Error); !ok {
		return faultf("%s: the store is down, and the error is %v", trigger, err)
	}
	if len(r.sent)+r.compared > 0 {
		return faultf("%s: the store is down, and something was sent or compared", trigger)
	}
	if err := observed(r, trigger, customauth.Broken, reason); err != nil {
		return err
	}
	return w.sameBooks(r)
}

func observed(r *rig, trigger string, want customauth.Outcome, reason string) error {
	if len(r.seen) != 1 || string(r.seen[0].Trigger) != trigger || r.seen[0].Outcome != want || string(r.seen[0].Reason) != reason {
		return faultf("%s observed as %+v, the rules say %s by %q", trigger, r.seen, want, reason)
	}
	return nil
}

// sameBooks compares what the store counted with what it must have. Its keys are
// opaque beyond their kind.
func (w *world) sameBooks(r *rig) error {
	if r.trespass != nil {
		return faultf("%v", r.trespass)
	}
	got, want := w.store.lines(), w.books.lines()
	if slices.EqualFunc(got, want, line.equal) {
		return nil
	}
	return faultf("the store has\n\t%v, the rules say\n\t%v", got, want)
}

// A line is what is counted in one place, without saying for whom.
type line struct {
	kind, counter string
	times         []happening
}

func (l line) String() string {
	s := l.kind + " " + l.counter
	for _, h := range l.times {
		s += fmt.Sprint(" ", h.at)
	}
	return s
}

func (l line) equal(o line) bool { return l.compare(o) == 0 }

func (l line) compare(o line) int {
	if c := strings.Compare(l.kind, o.kind); c != 0 {
		return c
	}
	if c := strings.Compare(l.counter, o.counter); c != 0 {
		return c
	}
	return slices.CompareFunc(l.times, o.times, func(a, b happening) int { return int(a.at - b.at) })
}

func (l *ledger) lines() []line {
	list := make([]line, 0, len(l.tallies))
	for at, times := range l.tallies {
		list = append(list, line{at.kind, at.counter, times})
	}
	slices.SortFunc(list, line.compare)
	return list
}

// invariants hold in every world, whatever the oracle's rules say in detail.
func (w *world) invariants(b *rulebook, lossless bool) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i := range w.signIns {
		s := &w.signIns[i]
		if s.stands == tokens && (s.unknown || s.proved != len(b.steps)) {
			bad("tokens after %d of %d steps (unknown user: %t)", s.proved, len(b.steps), s.unknown)
		}
		if s.stands != tokens && s.proved == len(b.steps) {
			bad("no tokens after all steps")
		}
		if s.rounds > maxRounds {
			bad("%d rounds", s.rounds)
		}
		if s.unknown && s.messages > 0 {
			bad("a message for an unknown user")
		}
		if s.step == len(b.steps) || !lossless {
			continue
		}
		step := b.steps[s.step]
		if b.tries > 0 && !step.unguessable() && s.compared > b.tries {
			bad("%d comparisons in one step", s.compared)
		}
		if s.messages > step.most {
			bad("%d messages in one step", s.messages)
		}
	}
	if b.free {
		return errors.Join(errs...)
	}
	for at, times := range w.store.tallies {
		for _, l := range b.limitsOf(at) {
			n := 0
			for _, h := range times {
				if l.per == 0 || w.now-h.at < l.per {
					n++
				}
			}
			if n > l.most {
				bad("%d of %s %s in %v, and the limit is %d", n, at.kind, at.counter, l.per, l.most)
			}
		}
	}
	return errors.Join(errs...)
}

// limitsOf are the limits on a place.
func (b *rulebook) limitsOf(at place) []limit {
	switch at.counter {
	case "guess":
		return b.guesses
	case "failures":
		if at.kind == "nobody" {
			return []limit{{b.failures, month}}
		}
		return []limit{{b.failures, 0}}
	case "send":
		return b.messages
	case "to":
		return b.destination
	case "unproved":
		return b.unproved
	}
	for _, n := range b.named {
		if at.counter == n.name {
			return n.limits
		}
	}
	return nil
}

// binding are the limits on a place that can be full in this exploration.
func (b *rulebook) binding(at place) (list []limit) {
	most := b.answers
	switch at.counter {
	case "send", "to", "unproved":
		most = b.sends
	case "guess", "failures":
	default:
		most = max(b.answers, b.sends)
	}
	for _, l := range b.limitsOf(at) {
		if l.most < most {
			list = append(list, l)
		}
	}
	if at.counter == "send" {
		for _, s := range b.steps {
			if s.medium != "" {
				list = append(list, limit{1, s.cooldown})
			}
		}
	}
	return list
}

// key tells worlds apart that can go on differently: times count by their distance,
// and what is over is over. Codes do not count; which answers exist does. Limits
// that cannot be full in this exploration are left out: what is counted for them is
// compared on every way that is taken, but not every way is.
func (w *world) key(b *rulebook) string {
	var list []string
	for i := range w.signIns {
		list = append(list, string(w.signIns[i].key(w, b)))
	}
	slices.Sort(list)
	out := []byte{byte(w.started)}
	out = binary.BigEndian.AppendUint32(out, uint32(w.now%time.Second))
	out = joined(out, list)
	list = list[:0]
	for user, phone := range w.numbers {
		list = append(list, user+phone)
	}
	slices.Sort(list)
	out = joined(out, list)
	list = list[:0]
	for at, times := range w.books.tallies {
		e := append([]byte(at.kind+" "+at.key+" "+at.counter+" "+at.of), 0)
		matters := at.counter == "ok" && len(b.binding(place{counter: "unproved"})) > 0
		var longest time.Duration
		for _, l := range b.binding(at) {
			longest = max(longest, l.per)
			if l.per == 0 {
				matters = true
				e = append(e, byte(len(times)))
			}
		}
		for _, h := range times {
			if w.now-h.at < longest {
				matters = true
				e = binary.BigEndian.AppendUint64(e, uint64(w.now-h.at))
			}
		}
		if matters {
			list = append(list, string(e))
		}
	}
	slices.Sort(list)
	out = joined(out, list)
	if w.without != nil {
		out = append(out, w.without.key(b)...)
	}
	return string(out)
}

func joined(out []byte, list []string) []byte {
	out = append(out, byte(len(list)))
	for _, s := range list {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(s))), s...)
	}
	return out
}

func (s *signIn) key(w *world, b *rulebook) []byte {
	out := append([]byte(s.user), 0)
	out = append(out, s.client...)
	out = append(out, 0, byte(s.stands), bit(s.newest() != ""))
	if p := s.passed; p != nil && w.now < p.expires {
		age := grace + 1
		if at, used := w.books.tagged(place{s.sort(), s.account(), "used", ""}, p.right); used {
			age = min(age, w.now-at)
		}
		out = append(out, byte(p.step), bit(p.to == s.address(b.steps[p.step])))
		out = binary.BigEndian.AppendUint64(out, uint64(age))
		out = binary.BigEndian.AppendUint64(out, uint64(p.expires-w.now))
	}
	if s.over(b) {
		return out
	}
	out = append(out, byte(s.step), byte(s.rounds), bit(len(s.used) > 0))
	if s.last == nil {
		return out
	}
	c := s.last
	out = append(out, byte(c.wrong), byte(c.sends), bit(c.silent), bit(c.right != ""))
	out = append(append(out, c.void...), 0, bit(c.to == s.address(b.steps[s.step])))
	out = binary.BigEndian.AppendUint64(out, uint64(max(0, c.expires-w.now)))
	out = binary.BigEndian.AppendUint64(out, uint64(max(0, c.again-w.now)))
	return append(out, byte(s.compared), byte(s.messages))
}

// over reports whether nobody answers any more.
func (s *signIn) over(b *rulebook) bool {
	return s.stands == tokens || s.stands == fails || s.stands == asksChallenge && s.rounds > b.rounds
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// deadline is the next moment at which something can change by itself.
func (w *world) deadline(b *rulebook) (at time.Duration, ok bool) {
	look := func(d time.Duration) {
		if d > w.now && (!ok || d < at) {
			at, ok = d, true
		}
	}
	for i := range w.signIns {
		s := &w.signIns[i]
		if s.stands == asksChallenge && !s.over(b) {
			look(s.last.again)

			if s.last.void == "" {
				look(s.last.expires)
			}
		}
		if p := s.passed; p != nil {
			look(p.expires)
			if at, used := w.books.tagged(place{s.sort(), s.account(), "used", ""}, p.right); used {
				look(at + grace + 1)
			}
		}
	}
	for place, times := range w.books.tallies {
		for _, l := range b.binding(place) {
			for _, h := range times {
				if l.per > 0 {
					look(h.at + l.per)
				}
			}
		}
	}
	return at, ok
}
