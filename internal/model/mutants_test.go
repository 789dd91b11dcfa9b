package model_test

// This file shows that the exploration can fail: it plants faults in the package,
// one at a time, by go test -overlay, and requires that each is found.
//
//	CUSTOMAUTH_MUTANTS=1 go test -run Mutants ./internal/model

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A mutant is a file with edits.
type mutant struct {
	name, file string
	edits      edits
	finder     string // the test that must fail
}

// Edits are pairs: a text that is in the file exactly once, and what replaces it.
type edits []string

const (
	apps    = "TestApp"    // an app can use the fault
	forgers = "TestForger" // Cognito keeps apps from it
)

var mutants = []mutant{
	// Define: what counts as passed.
	{"skip the name check", "define.go", edits{`entry.Name != customChallenge`, `false`}, forgers},
	{"count SRP_A as a passed step", "define.go", edits{"		session = session[1:]\n", "		session = session[1:]\n		st.step++\n"}, apps},
	{"tolerate an SRP_A that failed", "define.go", edits{`if !session[0].Result {`, `if false {`}, forgers},
	{"do not ask for SRP_A before the password", "define.go", edits{`if isPassword(t.env.Steps[0]) && !srp {`, `if false {`}, apps},
	{"take any name for the password", "define.go", edits{`entry.Name != passwordVerifier || !entry.Result`, `!entry.Result`}, forgers},
	{"take a failed password", "define.go", edits{`entry.Name != passwordVerifier || !entry.Result`, `entry.Name != passwordVerifier`}, forgers},
	{"pass over nil entries", "define.go", edits{`return &foreign{"an entry is null"}`, `return nil`}, forgers},
	{"pass over entries after the last step", "define.go", edits{`return &foreign{"an entry after the last step"}`, `return nil`}, forgers},
	{"skip follows", "define.go", edits{`if !follows(*st, rec) {`, `if false {`}, forgers},
	{"follows: any step", "define.go", edits{`int(rec.Step) != st.step || `, ``}, forgers},
	{"follows: any sign-in", "define.go", edits{` || st.signIn != nil && rec.SignIn != st.signIn.SignIn`, ``}, forgers},
	{"follows: begin anywhere", "define.go", edits{`return rec.Rounds == 0 && rec.Wrong == 0 && rec.Sends <= 1`, `return true`}, forgers},
	{"follows: any round", "define.go", edits{`rec.Rounds == st.last.Rounds+1 && `, ``}, forgers},
	{"follows: wrong answers may vanish", "define.go", edits{`wrong <= 1 && sends <= 1 && wrong+sends <= 1`, `wrong <= 255 && sends <= 1`}, forgers},
	{"follows: sends may vanish", "define.go", edits{`wrong <= 1 && sends <= 1 && wrong+sends <= 1`, `wrong <= 1 && sends <= 255`}, forgers},
	{"take every answer for right", "define.go", edits{`if entry.Result {`, `if true {`}, apps},
	{"take true on a void record", "define.go", edits{`if rec.Flags != 0 {`, `if rec.Flags&seal.Silent != 0 {`}, forgers},
	{"take true on a silent record", "define.go", edits{`if rec.Flags != 0 {`, `if rec.Flags&seal.Void != 0 {`}, forgers},
	{"step off by one", "define.go", edits{`st.step, st.last = st.step+1, nil`, `st.step, st.last = st.step+2, nil`}, apps},
	{"keep the attempts of the step before", "define.go", edits{`st.step, st.last = st.step+1, nil`, `st.step, st.last = st.step+1, rec`}, apps},
	{"tokens one step early", "define.go", edits{`	if st.step == len(e.Steps) {
		if c.UserNotFound {`, `	if st.step >= len(e.Steps)-1 && st.step > 0 {
		if c.UserNotFound {`}, apps},
	{"tokens for unknown users", "define.go", edits{`if c.UserNotFound {`, `if false {`}, forgers},
	{"foreign records are no error", "define.go", edits{`	return nil, fmt.Errorf("%w: %w", ErrMismatch, err)`, `	return nil, &foreign{fmt.Sprint(err)}`}, forgers},

	// Define: attempts.
	{"do not ask the policy", "define.go", edits{`if again != Retry {`, `if again != Retry && false {`}, apps},
	{"do not count wrong answers", "define.go", edits{`if !a.Resend {`, `if false {`}, apps},
	{"count resends as wrong answers", "define.go", edits{`if !a.Resend {`, `if true {`}, apps},
	{"one attempt more", "define.go", edits{`if a.Wrong >= int(n) {`, `if a.Wrong > int(n) {`}, apps},
	{"rounds are not capped", "define.go", edits{`if a.Rounds >= maxRounds {`, `if false {`}, apps},
	{"one round more", "define.go", edits{`int(s.last.Rounds) + 1,`, `int(s.last.Rounds),`}, apps},
	{"do not tell the policy of a resend", "define.go", edits{`Resend: t.resend(),`, ``}, apps},

	// Create.
	{"a wrong answer makes a new code", "create.go", edits{"	if t.resend() {\n		after, most", "	if true {\n		after, most"}, apps},
	{"resend whenever asked", "create.go", edits{`case wait > 0:`, `case wait > 0 && false:`}, apps},
	{"sends are not capped", "create.go", edits{`case int(st.last.Sends) >= most:`, `case int(st.last.Sends) >= most && false:`}, apps},
	{"one send more", "create.go", edits{`case int(st.last.Sends) >= most:`, `case int(st.last.Sends) > most:`}, apps},
	{"refill the attempts on resend", "create.go", edits{`rec.Wrong, rec.Sends, rec.Rounds = st.last.Wrong, st.last.Sends, st.last.Rounds+1`, `rec.Sends, rec.Rounds = st.last.Sends, st.last.Rounds+1`}, apps},
	{"refill the sends on resend", "create.go", edits{`rec.Wrong, rec.Sends, rec.Rounds = st.last.Wrong, st.last.Sends, st.last.Rounds+1`, `rec.Wrong, rec.Rounds = st.last.Wrong, st.last.Rounds+1`}, apps},
	{"do not record wrong answers", "create.go", edits{`		rec.Wrong++
`, ``}, apps},
	{"record refused resends as wrong answers", "create.go", edits{`	if !t.resend() {
		rec.Wrong++`, `	if true {
		rec.Wrong++`}, apps},
	{"do not record rounds", "create.go", edits{`	rec.Rounds++
`, ``}, apps},
	{"do not record sends", "create.go", edits{`	rec.Sends++
`, ``}, apps},
	{"a new sign-in with every code", "create.go", edits{`rec.SignIn = st.signIn.SignIn`, ``}, apps},
	{"ignore the silent flag when sealing", "create.go", edits{`rec.Flags |= seal.Silent`, ``}, apps},
	{"void records look like others", "create.go", edits{`rec.Flags = seal.Void`, ``}, apps},
	{"codes live longer", "create.go", edits{`now.Add(cmp.Or(out.TTL, defaultTTL))`, `now.Add(time.Second + cmp.Or(out.TTL, defaultTTL))`}, apps},
	{"codes can be asked for a second early", "create.go", edits{`now.Add(after + time.Second - 1)) //`, `now.Add(after - 1)) //`}, apps},
	{"do not say that a code expired", "create.go", edits{`if expired(st.last) {`, `if false {`}, apps},
	{"a challenge after the last round", "create.go", edits{` || st.last != nil && st.last.Rounds+1 >= maxRounds {`, ` {`}, forgers},
	{"challenge where none is due", "create.go", edits{` || isPassword(e.Steps[st.step]) ||`, ` ||`}, forgers},
	{"send though no guess is left", "create.go", edits{`	if wait > 0 {
		return t.refused(st, "rate_limited", wait)`, `	if false {
		return t.refused(st, "rate_limited", wait)`}, apps},
	{"send beyond the limits", "create.go", edits{`	if wait > 0 {
		return Issued{ErrorCode`, `	if false {
		return Issued{ErrorCode`}, apps},
	{"send to nobody", "create.go", edits{`	if silent {
		x := samples.Draw()`, `	if false {
		x := samples.Draw()`}, apps},
	{"count messages that were not sent", "create.go", edits{`	case undelivered:
		e.giveBack(ctx, sends)`, `	case undelivered:`}, apps},
	{"an attempt too few is shown", "create.go", edits{`	a := Attempts{Step: r.Step}
`, `	a := Attempts{Step: r.Step, Wrong: 1}
`}, apps},
	{"a message that a guard refuses is given back", "create.go", edits{`	case unreachable:
`, `	case unreachable:
		e.giveBack(ctx, sends)
`}, apps},

	// Verify.
	{"compare before looking at resend", "verify.go", edits{`case t.resend():`, `case false:`}, apps},
	{"do not compare the expiry", "verify.go", edits{`case expired(rec):`, `case false:`}, apps},
	{"a nanosecond more", "verify.go", edits{`return left <= 0 ||`, `return left < 0 ||`}, apps},
	{"guess at void records", "verify.go", edits{`case rec.Flags&seal.Void != 0:`, `case false:`}, apps},
	{"look at malformed answers", "verify.go", edits{`case !c.AnswerIsText || !fit(c.Answer):`, `case false:`}, apps},
	{"accept whatever is said", "verify.go", edits{`!right || rec.Flags`, `!right && false || rec.Flags`}, apps},
	{"ignore the silent flag", "verify.go", edits{` || rec.Flags&seal.Silent != 0`, ``}, apps},
	{"unknown users can be right", "verify.go", edits{`c.UserNotFound && last {`, `c.UserNotFound && !last {`}, apps},
	{"unknown users fail at the first step", "verify.go", edits{`c.UserNotFound && last {`, `c.UserNotFound || last && false {`}, apps},
	{"compare beyond the limits", "verify.go", edits{`	if wait > 0 {
		return wrong("rate_limited")`, `	if wait > 0 && false {
		return wrong("rate_limited")`}, apps},
	{"compare though the store is down", "verify.go", edits{`	wait, err := e.countAll(ctx, guesses)
	if err != nil {`, `	wait, err := e.countAll(ctx, guesses)
	if err != nil && false {`}, apps},
	{"do not count guesses", "verify.go", edits{`wait, err := e.countAll(ctx, guesses)`, `wait, err := t.waitForGuess(ctx, r)`}, apps},
	{"right answers use up guesses", "verify.go", edits{`	e.giveBack(ctx, guesses)
`, ``}, apps},
	{"wrong answers are given back", "verify.go", edits{`	if !right || rec`, `	e.giveBack(ctx, guesses)
	if !right || rec`}, apps},
	{"a foreign record is a wrong answer", "verify.go", edits{`return false, t.fail(ctx, "mismatch", fmt.Errorf("%w: %w", ErrMismatch, err))`, `return wrong("mismatch")`}, forgers},
	{"a code for the number before", "internal/seal/seal.go", edits{`	b = appendField(b, to)
`, ``}, apps},

	// The limits.
	{"count under one key alone", "options.go", edits{`	for i, t := range list {
		n := 1`, `	for i, t := range list[:1] {
		n := 1`}, apps},
	{"a refused guess still counts under the other key", "options.go", edits{`			e.giveBack(ctx, slices.DeleteFunc(`, `			e.giveBack(ctx, nil)
			_ = (slices.DeleteFunc(`}, apps},
	{"a guess counts for all steps", "verify.go", edits{`StoreKey("guess", r.PoolID, r.Step, r.UserName)`, `StoreKey("guess", r.PoolID, r.UserName)`}, apps},
	{"a guess counts for all users", "verify.go", edits{`StoreKey("guess", r.PoolID, r.Step, r.UserName)`, `StoreKey("guess", r.PoolID, r.Step)`}, apps},
	{"a refused guess ends the failures in a row", "options.go", edits{`	return append(list, tally{key: usual, limits: limits}), nil`, `	return append([]tally{{key: usual, limits: limits}}, list...), nil`, `l.Per == 0 })`, `l.Per < 0 })`}, apps},

	// The seal.
	{"accept a record of another user", "internal/seal/seal.go", edits{`appendField(appendField(appendField(b, who.Pool), who.Client), who.User)`, `appendField(appendField(b, who.Pool), who.Client)`}, forgers},
	{"accept a record of another client", "internal/seal/seal.go", edits{`appendField(appendField(appendField(b, who.Pool), who.Client), who.User)`, `appendField(appendField(b, who.Pool), who.User)`}, forgers},
	{"accept a record of another pool", "internal/seal/seal.go", edits{`appendField(appendField(appendField(b, who.Pool), who.Client), who.User)`, `appendField(appendField(b, who.Client), who.User)`}, forgers},
	{"accept a record of another step list", "internal/seal/seal.go", edits{`if [2]byte(b[3:5]) != [2]byte(s.steps[:2]) {`, `if false {`, `	b = append(b, s.steps[:]...)
`, ``}, forgers},
	{"accept a record of an unknown key", "internal/seal/seal.go", edits{`	return nil, err
}

// Decoy`, `	if err == ErrKey {
		return s.keys[0], nil
	}
	return nil, err
}

// Decoy`}, forgers},
	{"accept altered records", "internal/seal/seal.go", edits{`if hmac.Equal(got, s.tag(k, body, who)) {`, `if len(got) == tagSize {`}, forgers},
	{"accept records of the newest key alone", "internal/seal/seal.go", edits{`for _, k := range s.keys {`, `for _, k := range s.keys[:1] {`}, forgers},
	{"every code matches", "internal/seal/seal.go", edits{`return hmac.Equal(mac[:], r.MAC[:])`, `return len(mac) == len(r.MAC)`}, apps},
}

// TestMutants always checks that the faults can be planted in the files as they are
// now, and plants them if CUSTOMAUTH_MUTANTS is set.
func TestMutants(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		m.plant(t, root)
	}
	if t.Failed() || os.Getenv("CUSTOMAUTH_MUTANTS") == "" {
		return
	}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	t.Run("all", func(t *testing.T) {
		for _, m := range mutants {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				free <- struct{}{}
				defer func() { <-free }()
				m.kill(t, root)
			})
		}
	})
	t.Logf("%d mutants", len(mutants))
}

// plant is the file with the fault.
func (m mutant) plant(t *testing.T, root string) (file, text string) {
	file = filepath.Join(root, m.file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = string(data)
	for pair := range slices.Chunk(m.edits, 2) {
		if n := strings.Count(text, pair[0]); n != 1 {
			t.Errorf("%s: the text to replace is %d times in %s, and must be there once: %s", m.name, n, m.file, pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	return file, text
}

// kill runs the exploration with the fault in place.
func (m mutant) kill(t *testing.T, root string) {
	file, text := m.plant(t, root)
	dir := t.TempDir()
	changed := filepath.Join(dir, "mutant.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, changed, []byte(text))
	write(t, filepath.Join(dir, "overlay.json"), overlay)
	cmd := exec.Command("go", "test", "-overlay", filepath.Join(dir, "overlay.json"), "-short", "-failfast", "-vet=off", "-count=1",
		"-ldflags=-s -w", "-timeout=2m", "-run=^"+m.finder+"$", "./internal/model")
	cmd.Dir = root
	began := time.Now()
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("survives: %s: %q", m.file, m.edits)
	case strings.Contains(string(out), "[build failed]") || !strings.Contains(string(out), "FAIL"):
		t.Errorf("does not run: %v\n%s", err, out)
	default:
		t.Logf("killed in %v by %s", time.Since(began).Round(100*time.Millisecond), by(string(out)))
	}
}

// by is the deepest test that failed.
func by(out string) string {
	name := "a panic"
	for line := range strings.Lines(out) {
		if test, failed := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); failed {
			name = test
		}
	}
	return name
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
