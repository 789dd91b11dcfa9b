package model_test

// This file is the second adversary: one who hands the triggers sessions made of
// any entries that were recorded, and answers with any recorded private parameters.

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
)

// The same user of another app client, and of another pool.
var (
	neighbour = person{poolA, "2example23456789abcdefghij", alice.user, alice.phone, alice.mail, false}
	foreigner = person{"eu-west-1_Another00", clientA, alice.user, alice.phone, alice.mail, false}
)

// A record is what Create once kept, with the truth about it.
type record struct {
	challenge
	person          // whom it was made for
	text    string  // of the session
	private string  // the full one
	base    *record // of a short one: the full one that it repeats
	home    bool    // made with keys and steps that the attacked handlers have
	signIn  int
	step    int
}

// full is the record that a short one after this one would repeat.
func (r *record) full() *record {
	if r.base != nil {
		return r.base
	}
	return r
}

// A forge has the attacked handlers and all records.
type forge struct {
	t       *testing.T
	rig     *rig
	records []*record
	rounds  [][]*entry // a sign-in of as many rounds as there can be, and its beginnings
	byText  map[string]*record
	signIns int
	stats
}

// like reports whether two full records say the same, but for their counters. Where
// there is no challenge, there is no nonce either.
func (r *record) like(o *record) bool {
	return r == o || r.void != "" && r.signIn == o.signIn && r.step == o.step && r.void == o.void && r.expires == o.expires && r.again == o.again
}

// TestForger tries all sessions that can be made of recorded entries.

func TestForger(t *testing.T) {
	var sum stats
	all := []struct {
		name  string
		steps []step
		deep  int
	}{
		{"one step", []step{sms("otp", 3)}, 5},
		{"two steps", []step{sms("sms", 2), mail("mail", 2)}, 4},
		{"password first", []step{passwordStep, sms("otp", 2)}, 5},
		{"a challenge of one's own", []step{asks(word)}, 5},
		{"password, code and word", []step{passwordStep, sms("otp", 2), asks(word)}, 4},
		{"a CAPTCHA, then a link", []step{asks(captcha), of(link, sms("link", 2))}, 4},
	}
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			deep := tt.deep
			if testing.Short() {
				deep = min(deep, 3)
			}
			began := time.Now()
			synctest.Test(t, func(t *testing.T) {
				f := newForge(t, tt.steps)
				f.sessions(deep, testing.Short())
				f.answers()
				sum.states += f.states
				sum.transitions += f.transitions
				t.Logf("%d records, %d sessions, %d calls", len(f.records), f.states, f.transitions)
			})
			t.Logf("in %v", time.Since(began).Round(time.Millisecond))
		})
	}
	t.Logf("the forger: %d sessions and %d calls in %d configurations", sum.states, sum.transitions, len(all))
}

// newForge records sign-ins.
func newForge(t *testing.T, steps []step) *forge {
	rules := rulebook{steps: steps, tries: 3, free: true, rounds: maxRounds}.complete()
	f := &forge{t: t, byText: map[string]*record{}}
	f.rig = newRig(t, rules, []customauth.Secret{key(2), key(1)})
	f.rig.prime(t, delivered)

	f.record(f.rig, alice, true, 2, delivered)
	f.record(f.rig, alice, true, 1, delivered) // another sign-in
	for _, p := range []person{twin, neighbour, foreigner} {
		f.record(f.rig, p, true, 1, delivered)
	}
	ghost, silent := alice, alice // the same names, but nobody was told the code
	ghost.unknown = true
	silent.phone, silent.mail = "", ""
	f.record(f.rig, ghost, true, 1, delivered)
	f.record(f.rig, silent, true, 1, delivered)

	f.exhaust()

	// The same handlers once more, whose messages do not get out: the other ones must
	// not learn this as how sending ends.
	failing := newRig(t, rules, []customauth.Secret{key(2), key(1)})
	failing.codes = 1000 * len(f.records)
	f.record(failing, alice, true, 1, undelivered)

	elsewhere := func(rules rulebook, home bool, keys ...customauth.Secret) {
		r := newRig(t, rules, keys)
		r.codes = 1000 * len(f.records) // codes of its own
		r.prime(t, delivered)
		f.record(r, alice, home, 1, delivered)
	}
	elsewhere(rules, true, key(1))  // before a key was put in front
	elsewhere(rules, false, key(3)) // another deployment
	renamed := rules
	renamed.steps = slices.Clone(steps)
	renamed.steps[len(steps)-1].name = "renamed"
	elsewhere(renamed, false, key(2))
	longer := rules
	longer.steps = append(slices.Clone(steps), of(code, mail("more", 2)))
	elsewhere(longer, false, key(2))
	if n := len(steps); steps[n-1].kind == code && n > 1 && steps[n-2].kind == code {
		turned := rules
		turned.steps = slices.Clone(steps)
		slices.Reverse(turned.steps)
		elsewhere(turned, false, key(2))
	}
	return f
}

// record runs a sign-in through all that can happen in it, and keeps what differs:
// for so many rounds answers and resends; with more than one round, then the
// cooldown, and again.
func (f *forge) record(r *rig, p person, home bool, rounds int, e end) {
	f.signIns++
	must := func(err error) {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	w := newWorld()
	w.codes = r.codes
	m := move{person: p, srp: r.rules.steps[0].kind == password, end: e}
	w.now = r.now()
	must(w.begins(r, m))
	if w.signIns[0].stands == asksPassword {
		must(w.proves(r, m))
	}
	codes := w.codes
	seen := map[string]bool{}
	keep := func(w, from *world) bool {
		s := &w.signIns[0]
		if s.stands != asksChallenge {
			return false
		}
		c := *s.last
		id := fmt.Sprint(s.step, c.wrong, c.sends, c.round, c.void)
		if seen[id] {
			return false
		}
		seen[id] = true
		f.records = append(f.records, f.note(w, from, home))
		return true
	}
	all := []*world{w}
	keep(w, nil)
	moves := []move{
		{verb: answering, reply: reply{kind: right}, end: e},
		{verb: answering, reply: reply{kind: wrong}, end: e},
		{verb: answering, reply: reply{kind: wrong}, with: resend, end: e},
	}
	for pause := range rounds {
		if pause > 0 {
			time.Sleep(30 * time.Second)
		}
		for range rounds {
			for _, from := range slices.Clone(all) {
				for _, m := range moves {
					w := from.clone()
					w.now, w.codes = r.now(), codes
					passed, ok, err := w.checks(r, m)
					must(err)
					if !ok {
						continue
					}
					must(w.continues(r, m, passed))
					codes = w.codes
					if keep(w, from) {
						all = append(all, w)
					}
				}
			}
		}
	}
	r.codes = codes
}

// note keeps the newest record of a sign-in, which may be a short one after that of
// the world that it came of.
func (f *forge) note(w, from *world, home bool) *record {
	s := &w.signIns[0]
	rec := &record{challenge: *s.last, person: s.person, text: s.meta, private: s.private["customauth"], home: home, signIn: f.signIns, step: s.step}
	if rec.text != rec.private {
		rec.base = f.byText[from.signIns[0].meta].full()
	}
	f.byText[rec.text] = rec
	return rec
}

// exhaust takes a sign-in through all its rounds, by resends that come too soon.
func (f *forge) exhaust() {
	f.signIns++
	w := newWorld()
	w.now, w.codes = f.rig.now(), f.rig.codes
	m := move{person: alice, srp: f.rig.rules.steps[0].kind == password}
	err := w.begins(f.rig, m)
	if err == nil && w.signIns[0].stands == asksPassword {
		err = w.proves(f.rig, m)
	}
	m = move{verb: answering, reply: reply{kind: wrong}, with: resend}
	var from *world
	for s := &w.signIns[0]; err == nil && s.stands == asksChallenge; {
		f.note(w, from, true)
		from = w.clone()
		if _, _, err = w.checks(f.rig, m); err == nil {
			f.rounds = append(f.rounds, s.session)
			err = w.continues(f.rig, m, false)
		}
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.rig.codes = w.codes
}

// alphabet is all entries.
func (f *forge) alphabet() []*entry {
	first := f.records[0].text
	var list []*entry
	both := func(name, metadata string) {
		for _, result := range []bool{true, false} {
			list = append(list, &entry{ChallengeName: name, ChallengeResult: result, ChallengeMetadata: metadata})
		}
	}
	for _, r := range f.records {
		both(customName, r.text)
	}
	for _, name := range []string{srpName, passwordName, "SMS_MFA", "", "custom_challenge"} {
		both(name, "")
		both(name, first)
	}
	for _, text := range []string{"", "garbage", first[1:], first[:len(first)-1], first + "A", first + first, altered(first, 40)} {
		both(customName, text)
	}
	return append(list, nil)
}

// altered is a text with another character at i.
func altered(text string, i int) string {
	b := []byte(text)
	if b[i]++; b[i] > 'z' || b[i] == 'Z'+1 || b[i] == '9'+1 {
		b[i] = 'A'
	}
	return string(b)
}

// A walk is what the rules find in a session.
type walked struct {
	step    int
	rounds  int
	last    *challenge
	foreign bool // it ends the sign-in
	alien   bool // it is an error: somebody else's record, or an altered one
	either  bool // one of the two
}

func (w walked) refused() bool { return w.foreign || w.alien || w.either }

// walk goes through a session by the rules: a leading SRP_A is tolerated and
// proves nothing; then each entry must be the next one that this handler's own
// Create and Verify can have left for this user.
func (f *forge) walk(session []*entry, p person) (w walked) {
	steps := f.rig.rules.steps
	if len(session) > 0 && session[0] != nil && session[0].ChallengeName == srpName {
		if !session[0].ChallengeResult {
			return walked{foreign: true}
		}
		session = session[1:]
	} else if steps[0].kind == password {
		return walked{foreign: true}
	}
	signIn := 0
	var before *record // that a short one may follow
	for _, e := range session {
		if e == nil || w.step == len(steps) {
			return walked{foreign: true}
		}
		if steps[w.step].kind == password {
			if e.ChallengeName != passwordName || !e.ChallengeResult {
				return walked{foreign: true}
			}
			w.step++
			continue
		}
		if e.ChallengeName != customName {
			return walked{foreign: true}
		}
		r := f.byText[e.ChallengeMetadata]
		switch {
		case r == nil:
			return walked{either: true}
		case r.base != nil && before == nil:
			return walked{foreign: true} // a short record alone says nothing
		case r.base != nil && !r.base.like(before.full()), !r.home || r.pool != p.pool || r.client != p.client || r.user != p.user:
			return walked{alien: true}
		case r.step != w.step || signIn != 0 && r.signIn != signIn || r.round != w.rounds || !r.after(w.last):
			return walked{foreign: true}
		case e.ChallengeResult && (r.void != "" || r.silent || p.unknown && !r.anyone):
			return walked{foreign: true}
		}
		signIn, w.last, before, w.rounds = r.signIn, &r.challenge, r, w.rounds+1
		if e.ChallengeResult {
			w.step, w.last, before = w.step+1, nil, nil
		}
	}
	return w
}

// after reports whether a challenge can be the one after last: each round adds one
// wrong answer, or one new challenge, or (a refused resend) neither.
func (r *record) after(last *challenge) bool {
	if last == nil {
		return r.wrong == 0 && r.sends <= 1
	}
	added := [2]int{r.wrong - last.wrong, r.sends - last.sends}
	return added == [2]int{} || added == [2]int{1, 0} || added == [2]int{0, 1}
}

// sessions tries sessions, shorter ones first: all of two entries (of one entry, if
// it has to be quick), longer ones if nothing was wrong with their beginning, and
// every right one with one thing altered.
func (f *forge) sessions(deep int, quick bool) {
	alphabet := f.alphabet()
	level := [][]*entry{nil}
	var good [][]*entry
	for n := 0; ; n++ {
		var next [][]*entry
		for _, s := range level {
			ok := f.try(s)
			if ok {
				good = append(good, s)
			}
			if n < deep && (ok || n == 0 || n == 1 && !quick) {
				for _, e := range alphabet {
					next = append(next, append(slices.Clip(s), e))
				}
			}
		}
		if level = next; len(level) == 0 {
			break
		}
	}
	for _, s := range f.rounds {
		if !f.try(s) {
			f.bad(s, alice, resend, "the rules refuse what the handlers did")
		}
	}
	seen := map[string]bool{}
	for _, s := range slices.Concat(good, f.rounds) {
		for _, forged := range variations(s, f.records[0].text) {
			id := ""

			for _, e := range forged {
				if e != nil {
					id += fmt.Sprintf(" %s %t %s", e.ChallengeName, e.ChallengeResult, e.ChallengeMetadata)
				}
			}
			if !seen[id] {
				seen[id] = true
				f.try(forged)
			}
		}
	}
}

// variations are all sessions that differ from s in one thing: an entry is missing,
// there twice, flipped, renamed, in another's place, or put between.
func variations(s []*entry, text string) (list [][]*entry) {
	between := []*entry{nil,
		{ChallengeName: srpName, ChallengeResult: true},
		{ChallengeName: passwordName, ChallengeResult: true},
		{ChallengeName: customName, ChallengeResult: true},
		{ChallengeName: customName, ChallengeResult: true, ChallengeMetadata: text},
	}
	for i := range len(s) + 1 {
		for _, e := range between {
			list = append(list, slices.Insert(slices.Clone(s), i, e))
		}
	}
	for i, e := range s {
		list = append(list, slices.Delete(slices.Clone(s), i, i+1), slices.Insert(slices.Clone(s), i, e))
		flipped, renamed := *e, *e
		flipped.ChallengeResult = !e.ChallengeResult
		renamed.ChallengeName = "SMS_MFA"
		for _, e := range []*entry{&flipped, &renamed} {
			c := slices.Clone(s)
			c[i] = e
			list = append(list, c)
		}
		for j := range i {
			c := slices.Clone(s)
			c[i], c[j] = c[j], c[i]
			list = append(list, c)
		}
	}
	return list
}

// try hands one session to Define and to Create, and reports whether the rules
// find nothing wrong in it.
func (f *forge) try(session []*entry) bool {
	f.states++
	for _, unknown := range []bool{false, true} {
		p := alice
		p.unknown = unknown
		w := f.walk(session, p)
		for _, with := range []metadata{bare, resend} {
			f.define(session, p, with, w)
			f.create(session, p, with, w)
		}
	}
	return !f.walk(session, alice).refused()
}

func (f *forge) define(session []*entry, p person, with metadata, w walked) {
	f.transitions++
	got, err := f.rig.callDefine(p, session, with.value())
	switch {
	case w.refused():
		if got != fails {
			f.bad(session, p, with, "define %v after a foreign session", got)
		}
		f.refusal(session, p, with, "define", w, err)
		return
	case err != nil:
		f.bad(session, p, with, "define: %v", err)
	}
	if want, _ := f.rig.rules.decide(w.step, w.last, w.rounds, p, with.asks()); got != want {
		f.bad(session, p, with, "define %v, the rules say it %v", got, want)
	}
	if got == tokens && !f.earned(session, p) {
		f.bad(session, p, with, "tokens that were not earned")
	}
}

// earned says once more, and in another way, what tokens take: for every step a
// passed entry of its own, for this user, of one sign-in.
func (f *forge) earned(session []*entry, p person) bool {
	if p.unknown {
		return false
	}
	at, signIn := 0, 0
	for _, e := range session {
		if e == nil || !e.ChallengeResult || e.ChallengeName == srpName {
			continue
		}
		if f.rig.rules.steps[at].kind == password {
			if e.ChallengeName != passwordName {
				return false
			}
			at++
			continue
		}
		r := f.byText[e.ChallengeMetadata]
		if r == nil || r.step != at || r.user != p.user || r.client != p.client || r.pool != p.pool || !r.home || signIn != 0 && r.signIn != signIn {
			return false
		}
		at, signIn = at+1, r.signIn
	}
	return at == len(f.rig.rules.steps)
}

// refusal looks at the error for a session that is refused, and at what the operator
// is told. Define has no error for a session that was never its own.
func (f *forge) refusal(session []*entry, p person, with metadata, trigger string, w walked, err error) {
	if reason := f.rig.seen[0].Reason; !(reason == "mismatch" && !w.foreign || reason == "foreign_session" && !w.alien) {
		f.bad(session, p, with, "%s: the reason is %q", trigger, reason)
	}
	if err == nil {
		if w.alien || trigger == "create" {
			f.bad(session, p, with, "%s: no error", trigger)
		}
		return
	}
	if _, ok := err.(*customauth.Error); !ok {
		f.bad(session, p, with, "%s: %v", trigger, err)
	}
	if alien := errors.Is(err, customauth.ErrMismatch); !w.either && alien != w.alien {
		f.bad(session, p, with, "%s: a mismatch: %t, the rules say %t", trigger, alien, w.alien)
	}
}

func (f *forge) create(session []*entry, p person, with metadata, w walked) {
	f.transitions++
	got, err := f.rig.callCreate(p, session, with.value(), customName)
	steps := f.rig.rules.steps
	if !w.refused() && (w.step == len(steps) || steps[w.step].kind == password || f.rig.rules.left(w.last, w.rounds, with.asks()) < 1) {
		w = walked{foreign: true} // no challenge is due
	}
	if w.refused() {
		if len(f.rig.sent)+len(f.rig.made) > 0 || got.PrivateChallengeParameters != nil {
			f.bad(session, p, with, "create made a challenge for a foreign session")
		}
		f.refusal(session, p, with, "create", w, err)
		return
	}
	now := f.rig.now()
	want := f.rig.rules.ask(w.step, w.last, w.rounds, p, with.asks(), now, delivered, nil)
	public := f.rig.rules.shown(w.step, want, now)
	switch {
	case err != nil:
		f.bad(session, p, with, "create: %v", err)
	case !maps.Equal(got.PublicChallengeParameters, public):
		f.bad(session, p, with, "create shows\n\t%v, the rules say\n\t%v", got.PublicChallengeParameters, public)
	case len(f.rig.sent) != want.sent:
		f.bad(session, p, with, "create sent %d messages, the rules say %d", len(f.rig.sent), want.sent)
	}
	if p.unknown {
		return
	}
	passed := append(slices.Clip(session), &entry{ChallengeName: customName, ChallengeResult: true, ChallengeMetadata: got.ChallengeMetadata})
	next, _ := f.rig.rules.decide(w.step+1, nil, w.rounds+1, p, false)
	if want.void != "" || want.silent {
		next = fails
	}
	if onward, err := f.rig.callDefine(p, passed, nil); err != nil || onward != next {
		f.bad(passed, p, with, "define %v (%v) after the challenge was passed, the rules say it %v", onward, err, next)
	}
}

// bad ends the test with the session that shows a fault.
func (f *forge) bad(session []*entry, p person, with metadata, format string, args ...any) {
	f.t.Helper()
	var list []string
	for _, e := range session {
		switch r := f.of(e); {
		case e == nil:
			list = append(list, "nil")
		case r == nil:
			list = append(list, fmt.Sprintf("%q %t, metadata of %d bytes", e.ChallengeName, e.ChallengeResult, len(e.ChallengeMetadata)))
		default:
			list = append(list, fmt.Sprintf("%q %t, record of sign-in %d (home %t, short %t, %s %s %s): step %d, wrong %d, sends %d, round %d, void %q, silent %t", e.ChallengeName, e.ChallengeResult,
				r.signIn, r.home, r.base != nil, r.pool, r.client, r.user, r.step, r.wrong, r.sends, r.round, r.void, r.silent))
		}
	}
	f.t.Fatalf("session\n\t%s\nunknown user %t, metadata %v:\n%s", strings.Join(list, "\n\t"), p.unknown, with, fmt.Sprintf(format, args...))
}

func (f *forge) of(e *entry) *record {
	if e == nil {
		return nil
	}
	return f.byText[e.ChallengeMetadata]
}

// answers lets Verify look at all records, of everybody, at all times, with all
// answers.
func (f *forge) answers() {
	var moments []time.Duration
	for _, r := range f.records {
		if r.void == "" {
			moments = append(moments, r.expires-1, r.expires)
		}
	}
	moments = append(moments, f.rig.now(), f.rig.now()+time.Hour)
	slices.Sort(moments)
	for _, at := range slices.Compact(moments) {
		if at < f.rig.now() {
			continue
		}
		time.Sleep(at - f.rig.now())
		for i, r := range f.records {
			f.answer(r, f.records[(i+1)%len(f.records)].right)
		}
	}
	none := map[string]string{}
	for _, private := range []map[string]string{nil, none, {"customauth": ""}, {"customauth": "garbage"}, {"other": f.records[0].text}} {
		f.verify(nil, alice, private, "000000", bare, answer{})
	}
	for i := range f.records[0].text {
		f.verify(nil, alice, map[string]string{"customauth": altered(f.records[0].text, i)}, f.records[0].right, bare, answer{})
	}
	for _, r := range f.records {
		if r.base != nil { // a short record is none by itself
			f.verify(nil, alice, map[string]string{"customauth": r.text}, r.right, bare, answer{})
		}
	}
}

func (f *forge) answer(r *record, another string) {
	private := map[string]string{"customauth": r.private}
	moved := alice
	moved.phone, moved.mail = otherPhone, "other@example.com"
	for _, p := range []person{alice, twin, moved, neighbour, foreigner} {
		for _, p.unknown = range []bool{false, true} {
			for _, with := range []metadata{bare, resend} {
				f.verify(r, p, private, r.right, with, answer{right: r.right != "", malformed: r.right == ""})
				f.verify(r, p, private, "000000", with, answer{})
				if another != "" && another != r.right {
					f.verify(r, p, private, another, with, answer{})
				}
			}
		}
	}
}

// verify hands one answer to Verify. r is nil for what is no record.
func (f *forge) verify(r *record, p person, private map[string]string, text string, with metadata, is answer) {
	f.transitions++
	got, err := f.rig.callVerify(p, private, text, with.value())
	if r == nil || !r.home || r.pool != p.pool || r.client != p.client || r.user != p.user {
		if _, ok := err.(*customauth.Error); !ok || !errors.Is(err, customauth.ErrMismatch) || got || f.rig.compared > 0 {
			f.t.Fatalf("verify says %t, compared %d times (%v) for a foreign record", got, f.rig.compared, err)
		}
		return
	}
	is.asks = with.asks()
	want := f.rig.rules.verdict(r.step, &r.challenge, p, is, f.rig.now(), nil)
	if err != nil || got != want.right || (f.rig.compared > 0) != want.compared {
		f.t.Fatalf("verify says %t, compared %d times (%v); the rules say %+v; record %+v, unknown user %t, metadata %v", got, f.rig.compared, err, want, r.challenge, p.unknown, with)
	}
}
