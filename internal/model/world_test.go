package model_test

// This file has the state that is explored, and moves it: each move calls the
// handlers as the service does, and compares every answer with the oracle's.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	books   *ledger // the oracle's
	store   *ledger // the handlers'
	codes   int
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
	last   *challenge // never changed in place
	used   []string   // right answers of challenges before the last

	// Counted on their own, for the invariants.
	passed             int // steps whose right answer was given in time
	compared, messages int // in this step
}

func (w *world) clone() *world {
	c := *w
	c.signIns = slices.Clone(w.signIns)
	c.books, c.store = w.books.clone(), w.store.clone()
	return &c
}

// A move is one thing that can happen.
type move struct {
	verb   verb
	signIn int    // of prove and reply
	person person // of begin
	srp    bool   // of begin: the app starts with SRP_A
	reply  reply
	with   metadata
	end    end  // how sending ends
	again  bool // the service calls each trigger twice, and keeps the second answer
	down   bool // the store is down
}

type verb int

const (
	begin verb = iota
	prove      // the right password
	answering
	moving // the user gets another phone number, or the first one back
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
	case moving:
		return fmt.Sprintf("move(%d)", m.signIn)
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
		return " - ", malformed, true
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
	junk
)

func (m metadata) String() string { return [...]string{"bare", "resend", "junk"}[m] }

func (m metadata) value() map[string]string {
	switch m {
	case resend:
		return map[string]string{"action": "resend"}
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
}

// begins starts a sign-in.
func (w *world) begins(r *rig, m move) error {
	w.set(r, m)
	w.started++
	s := signIn{person: m.person, srp: m.srp}
	first := r.rules.steps[0].kind == password
	if m.srp {
		s.session = []*entry{{ChallengeName: srpName, ChallengeResult: true}}
	}
	w.signIns = append(w.signIns, s)
	at := &w.signIns[len(w.signIns)-1]
	if first && !m.srp {
		return w.defines(r, at, m, fails)
	}
	return w.proceeds(r, at, m)
}

// proves gives the right password.
func (w *world) proves(r *rig, m move) error {
	w.set(r, m)
	s := &w.signIns[m.signIn]
	s.session = append(slices.Clip(s.session), &entry{ChallengeName: passwordName, ChallengeResult: true})
	s.step++
	s.passed++
	return w.proceeds(r, s, m)
}

// moves gives the user another phone number.
func (w *world) moves(_ *rig, m move) error {
	s := &w.signIns[m.signIn]
	if s.phone == otherPhone {
		s.phone = alice.phone
	} else {
		s.phone = otherPhone
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
	is.resend = m.with == resend
	for range calls(m) {
		passed, err = w.verifies(r, s, text, is, m.with)
		if err != nil || s.stands == fails {
			return false, true, err
		}
	}
	if passed {
		s.passed++
	}
	s.session = append(slices.Clip(s.session), &entry{ChallengeName: customName, ChallengeResult: passed, ChallengeMetadata: s.meta})
	return passed, true, nil
}

func calls(m move) int {
	if m.again {
		return 2
	}
	return 1
}

func (w *world) verifies(r *rig, s *signIn, text any, is answer, with metadata) (bool, error) {
	want, compares, broken := r.rules.verdict(s.step, s.last, s.person, is, w.now, w.books)
	got, err := r.callVerify(s.person, s.private, text, with.value())
	if broken {
		s.stands = fails
		return false, w.broke(r, "verify", err)
	}
	switch {
	case err != nil:
		return false, faultf("verify: %v", err)
	case got != want:
		return false, faultf("verify says %t, the rules %t", got, want)
	case len(r.sent)+len(r.made) > 0:
		return false, faultf("verify made or sent a code")
	}
	outcome := customauth.Refused
	if want {
		outcome = customauth.Passed
	}
	if err := observed(r, "verify", outcome); err != nil {
		return false, err
	}
	wantCompared := 0
	if compares {
		wantCompared = 1
		s.compared++
	}
	if r.watching(s.step) && r.compared != wantCompared {
		return false, faultf("verify compared %d times, the rules say %d", r.compared, wantCompared)
	}
	return want, w.sameBooks(&r.rules)
}

// continues goes on after an answer.
func (w *world) continues(r *rig, m move, passed bool) error {
	w.set(r, m)
	s := &w.signIns[m.signIn]
	if s.stands == fails {
		return nil // the store was down
	}
	if passed {
		s.step, s.last, s.used = s.step+1, nil, append(slices.Clip(s.used), s.last.right)
		s.compared, s.messages = 0, 0
	}
	return w.proceeds(r, s, m)
}

// proceeds lets Define decide, and Create make the challenge that it asks for.
func (w *world) proceeds(r *rig, s *signIn, m move) error {
	want := r.rules.decide(s.step, s.last, s.person, m.with == resend)
	if err := w.defines(r, s, m, want); err != nil {
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
	return nil
}

func (w *world) defines(r *rig, s *signIn, m move, want outcome) error {
	for range calls(m) {
		got, err := r.callDefine(s.person, s.session, m.with.value())
		switch {
		case err != nil:
			return faultf("define: %v", err)
		case got != want:
			return faultf("define %v, the rules say it %v", got, want)
		case len(r.sent)+len(r.made)+r.compared > 0:
			return faultf("define sent, made or compared a code")
		}
		outcome := map[outcome]customauth.Outcome{fails: customauth.Refused, tokens: customauth.Passed, asksPassword: customauth.Asked, asksChallenge: customauth.Asked}[want]
		if err := observed(r, "define", outcome); err != nil {
			return err
		}
	}
	s.stands = want
	return w.sameBooks(&r.rules)
}

func (w *world) creates(r *rig, s *signIn, m move) error {
	want := r.rules.ask(s.step, s.last, s.person, m.with == resend, w.now, m.end, w.books)
	got, err := r.callCreate(s.person, s.session, m.with.value(), customName)
	w.codes = r.codes
	if want.broken {
		s.stands = fails
		return w.broke(r, "create", err)
	}
	public := r.rules.shown(s.step, want, w.now)
	switch {
	case err != nil:
		return faultf("create: %v", err)
	case !maps.Equal(got.PublicChallengeParameters, public):
		return faultf("create shows\n\t%v, the rules say\n\t%v", got.PublicChallengeParameters, public)
	case len(got.PrivateChallengeParameters) == 0 || got.ChallengeMetadata == "":
		return faultf("create keeps no state")
	case len(r.sent) != want.sent:
		return faultf("create sent %d messages, the rules say %d", len(r.sent), want.sent)
	case want.fresh && len(r.made) != 1:
		return faultf("create made %d codes instead of one", len(r.made))
	case r.compared > 0:
		return faultf("create compared")
	}
	for _, sent := range r.sent {
		if want.fresh && sent.Code.Reveal() != r.made[0] || sent.To.Address != s.address(r.rules.steps[s.step]) {
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
	return w.sameBooks(&r.rules)
}

// broke is what must come of a store that is down.
func (w *world) broke(r *rig, trigger string, err error) error {
	if _, ok := err.(*customauth.Error); !ok {
		return faultf("%s: the store is down, and the error is %v", trigger, err)
	}
	if len(r.sent)+r.compared > 0 {
		return faultf("%s: the store is down, and something was sent or compared", trigger)
	}
	if err := observed(r, trigger, customauth.Broken); err != nil {
		return err
	}
	return w.sameBooks(&r.rules)
}

func observed(r *rig, trigger string, want customauth.Outcome) error {
	if len(r.seen) != 1 || r.seen[0].Trigger != trigger || r.seen[0].Outcome != want {
		return faultf("%s observed as %+v, the rules say %s", trigger, r.seen, want)
	}
	return nil
}

// watching reports whether comparisons of a step are counted.
func (r *rig) watching(step int) bool { return r.watch || r.rules.steps[step].kind == word }

// sameBooks compares what the store counted with what it must have. Its keys are
// opaque beyond their kind.
func (w *world) sameBooks(b *rulebook) error {
	got, want := summary(w.store, ":", b), summary(w.books, " ", b)
	if !slices.Equal(got, want) {
		return faultf("the store has\n\t%v, the rules say\n\t%v", got, want)
	}
	return nil
}

func summary(l *ledger, mark string, b *rulebook) []string {
	if len(l.tallies) == 0 {
		return nil
	}
	list := make([]string, 0, len(l.tallies))
	for key, t := range l.tallies {
		kind, _, _ := strings.Cut(key, mark)
		line := append([]byte(kind), " at"...)
		for _, at := range t.times {
			line = strconv.AppendInt(append(line, ' '), int64(at), 10)
		}
		if consecutive(b.limitsOf(kind)) {
			line = strconv.AppendInt(append(line, ", consecutive "...), int64(t.streak), 10)
		}
		list = append(list, string(line))
	}
	slices.Sort(list)
	return list
}

// invariants hold in every world, whatever the oracle's rules say in detail.
func (w *world) invariants(b *rulebook, tries int, lossless bool) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i := range w.signIns {
		s := &w.signIns[i]
		if s.stands == tokens && (s.unknown || s.passed != len(b.steps)) {
			bad("tokens after %d of %d steps (unknown user: %t)", s.passed, len(b.steps), s.unknown)
		}
		if s.stands != tokens && s.passed == len(b.steps) {
			bad("no tokens after all steps")
		}
		if tries == 0 {
			tries = maxRounds
		}
		if lossless && s.compared > tries {
			bad("%d comparisons in one step", s.compared)
		}
		if s.step < len(b.steps) && lossless && s.messages > b.steps[s.step].most {
			bad("%d messages in one step", s.messages)
		}
		if s.unknown && s.messages > 0 {
			bad("a message for an unknown user")
		}
	}
	if !b.free {
		for key, t := range w.store.tallies {
			kind, _, _ := strings.Cut(key, ":")
			for _, l := range b.limitsOf(kind) {
				if n := t.within(l.per, w.now); n > l.most {
					bad("%d %s events in %v, and the limit is %d", n, kind, l.per, l.most)
				}
			}
		}
	}
	return errors.Join(errs...)
}

func consecutive(limits []limit) bool {
	return slices.ContainsFunc(limits, func(l limit) bool { return l.per == 0 })
}

// limitsOf are the limits on a kind of key.
func (b *rulebook) limitsOf(kind string) []limit {
	switch kind {
	case "guess":
		return b.guesses
	case "guess0":
		return b.shared
	}
	return b.sends
}

func (t tally) within(per, now time.Duration) (n int) {
	if per == 0 {
		return t.streak
	}
	for _, at := range t.times {
		if now-at < per {
			n++
		}
	}
	return n
}

// key tells worlds apart that can go on differently: times count by their distance,
// and what is over is over. Codes do not count; which answers exist does. Limits
// that cannot be full in this exploration are left out: what is counted for them is
// compared on every way that is taken, but not every way is.
func (w *world) key(b *rulebook) string {
	var list []string
	for i := range w.signIns {
		list = append(list, string(w.signIns[i].key(w.now)))
	}
	slices.Sort(list)
	out := []byte{byte(w.started)}
	out = binary.BigEndian.AppendUint32(out, uint32(w.now%time.Second))
	for _, s := range list {
		out = append(append(out, byte(len(s))), s...)
	}
	list = list[:0]
	for key, t := range w.books.tallies {
		e := append([]byte(key), 0)
		var longest time.Duration
		matters := false
		for _, l := range b.bookLimits(key) {
			longest = max(longest, l.per)
			if l.per == 0 {
				matters = true
				e = append(e, byte(t.streak))
			}
		}
		for _, at := range t.times {
			if w.now-at < longest {
				matters = true
				e = binary.BigEndian.AppendUint64(e, uint64(w.now-at))
			}
		}
		if matters {
			list = append(list, string(e))
		}
	}
	slices.Sort(list)
	for _, s := range list {
		out = append(append(out, byte(len(s))), s...)
	}
	return string(out)
}

// bookLimits are the limits on a key of the oracle's books, without those that
// can never be full.
func (b *rulebook) bookLimits(key string) []limit {
	switch kind, _, _ := strings.Cut(key, " "); kind {
	case "guess":
		return b.binding(b.guesses, b.answers)
	case "guess0":
		return b.binding(b.shared, b.answers)
	}
	limits := b.binding(b.sends, b.messages)
	for _, s := range b.steps {
		if s.kind == code {
			limits = append(limits, limit{1, s.cooldown})
		}
	}
	return limits
}

func (b *rulebook) binding(limits []limit, events int) (list []limit) {
	for _, l := range limits {
		if l.most < events {
			list = append(list, l)
		}
	}
	return list
}

func (s *signIn) key(now time.Duration) []byte {
	out := append([]byte(s.user), 0)
	out = append(out, s.client...)
	out = append(out, 0, byte(s.stands), flag(s.newest() != ""), flag(s.phone == otherPhone))
	if s.stands == tokens || s.stands == fails {
		return out
	}
	out = append(out, byte(s.step), flag(len(s.used) > 0))
	if s.last == nil {
		return out
	}
	c := s.last
	out = append(out, byte(c.wrong), byte(c.sends), byte(c.rounds), flag(c.silent), flag(c.right != ""))
	out = append(append(out, c.void...), 0, flag(c.to == s.phone))
	out = binary.BigEndian.AppendUint64(out, uint64(max(0, c.expires-now)))
	out = binary.BigEndian.AppendUint64(out, uint64(max(0, c.again-now)))
	return append(out, byte(s.compared), byte(s.messages))
}

func flag(b bool) byte {
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
		if s := &w.signIns[i]; s.stands == asksChallenge {
			look(s.last.again)
			if s.last.void == "" {
				look(s.last.expires)
			}
		}
	}
	for key, t := range w.books.tallies {
		for _, l := range b.bookLimits(key) {
			for _, at := range t.times {
				if l.per > 0 {
					look(at + l.per)
				}
			}
		}
	}
	return at, ok
}
