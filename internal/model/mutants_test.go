package model_test

// This file shows that the exploration can fail: it plants faults in the package,
// one at a time, by go test -overlay, and requires that each is found.
//
//	CUSTOMAUTH_MUTANTS=1 go test -run Mutants -timeout 0 ./internal/model

import (
	"encoding/json"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A mutant is a function with a fault.
type mutant struct {
	name   string
	dir    string // of the package
	fn     string
	edit   edit
	finder finder // the tests that must fail
}

// A finder is tests of a package.
type finder struct{ run, pkg string }

func (f finder) String() string { return f.run + " in " + f.pkg }

var (
	apps    = finder{"^(TestApp|TestStrangers)$", "./internal/model"} // an app can use the fault
	forgers = finder{"^TestForger$", "./internal/model"}              // Cognito keeps apps from it
	roots   = finder{".", "."}                                        // the tests of the root package

	// What no record that Create makes can show is for the tests of the package alone.
	walks = finder{".", "./internal/session"}
	seals = finder{".", "./internal/seal"}
)

const (
	root    = "."
	walking = "internal/session"
	sealing = "internal/seal"
	naming  = "internal/names"
)

var mutants = []mutant{
	// Where the sign-in stands.
	{"tolerate an SRP_A that failed", walking, "Plan.Walk", never("SRP_A failed"), forgers},
	{"do not ask for SRP_A before the password", walking, "Plan.Walk", never("needs SRP_A first"), apps},
	{"pass over entries after the last step", walking, "Plan.advance", never("after the last step"), forgers},
	{"take any name for the password", walking, "Plan.advance", without(2), forgers},
	{"take a failed password", walking, "Plan.advance", without(3), forgers},
	{"take any name for a challenge", walking, "Plan.advance", never("of another name"), forgers},
	{"skip follows", walking, "Plan.advance", never("out of its order"), forgers},
	{"follows: any step", walking, "follows", without(0), forgers},
	{"follows: any round", walking, "follows", without(1), forgers},
	{"follows: any sign-in", walking, "follows", without(3), forgers},
	{"follows: wrong answers before the first", walking, "follows", without(4), walks},
	{"follows: two sends before the first", walking, "follows", without(5), walks},
	{"follows: wrong answers may vanish", walking, "follows", without(6), forgers},
	{"follows: sends may vanish", walking, "follows", without(7), walks},
	{"follows: wrong and sent at once", walking, "follows", without(8), walks},
	{"take every answer for right", walking, "Plan.advance", always("Anyone"), apps},
	{"take true on a void or silent record", walking, "Plan.advance", without(4), forgers},
	{"unknown users pass what proves who they are", walking, "Plan.advance", without(5), forgers},
	{"nobody unknown passes a CAPTCHA", walking, "Plan.advance", without(6), apps},
	{"keep the attempts of the step before", walking, "Plan.advance", assigns("Last", "rec", 1), apps},
	{"stay at a step that was passed", walking, "Plan.advance", unset("Step", 1), apps},
	{"forget the newest record", walking, "Plan.advance", unset("Newest"), apps},
	{"one round more", walking, "State.Rounds", returns("$ - 1", 1), apps},
	{"a short record of another challenge", sealing, "Sealer.openAgain", without(1), forgers},

	// Define.
	{"a foreign session is a mismatch", root, "engine.define", never("ReasonForeign"), forgers},
	{"do not ask the policy", root, "engine.define", never("ReasonAttempts"), apps},
	{"rounds are not capped when a step begins", root, "engine.define", never("ReasonAttempts", 1), apps},
	{"no password step", root, "engine.define", never("Password"), apps},
	{"rounds are not capped", root, "pass.remaining", callsTo("min", "$1"), apps},
	{"do not count wrong answers", root, "pass.remaining", callsTo("burnt", "0"), apps},
	{"the policy is not told of messages", root, "pass.remaining", assigns("Sends", "0"), apps},
	{"resends burn attempts", root, "burnt", without(0), apps},
	{"what is no guess burns attempts", root, "burnt", without(1), apps},
	{"nothing burns attempts", root, "burnt", always("0"), apps},
	{"resend is no action", root, "asked", without(0), apps},
	{"choose is no action", root, "asked", without(1), apps},
	{"one attempt more", root, "MaxAttempts", returns("$ + 1", 1), apps},
	{"a client that is not there signs in like any", root, "engine.begin", always("flows"), roots},
	{"the walk does not know of unknown users", root, "pass.walk", field("Unknown", "false"), forgers},
	{"the walk does not know of the password", root, "pass.walk", field("Password", "false"), apps},

	// Create.
	{"challenge where none is due", root, "engine.create", without(2), forgers},
	{"challenge after the last step", root, "engine.create", without(1), forgers},
	{"challenge of another name", root, "engine.create", without(0), roots},
	{"challenge after the last attempt", root, "engine.create", never("the attempts are used up"), forgers},
	{"a new sign-in with every step", root, "pass.next", unset("SignIn"), apps},
	{"do not record wrong answers", root, "pass.next", unset("Wrong"), apps},
	{"do not record rounds", root, "pass.next", unset("Rounds"), apps},
	{"do not record the step", root, "pass.next", unset("Step"), apps},
	{"unknown users are seen", root, "pass.request", never("decoyAttributes"), roots},
	{"a wrong answer makes a new code", root, "round.make", always("issue"), apps},
	{"never a new code", root, "round.make", without(1), apps},
	{"do not say that a code expired", root, "round.make", never("ReasonExpired"), apps},
	{"do not say that nothing was used up", root, "round.make", never("ReasonNotProved"), apps},
	{"do not say that guesses are limited", root, "round.make", never("ReasonRateLimited"), apps},
	{"make what a step refuses", root, "round.issue", never("Refused"), apps},
	{"resend whenever asked", root, "round.issue", without(1), apps},
	{"send what the limits refuse", root, "round.issue", without(7), apps},
	{"count messages that were not sent", root, "round.issue", skips("giveBack", 1), apps},
	{"do not say that a message may not arrive", root, "round.issue", unset("word"), apps},
	{"do not tell why nobody is sent anything", root, "round.describe", never("ReasonNobody"), apps},
	{"do not show how long the code is", root, "round.describe", unset("Length", 1), apps},
	{"take everybody for somebody with a number", root, "round.nobody", without(0), apps},
	{"take unknown users for known ones", root, "round.nobody", without(1), apps},
	{"nobody unknown is asked a CAPTCHA", root, "round.nobody", without(2), apps},
	{"sends are not capped", root, "round.tooSoon", never("ReasonNoResendsLeft"), apps},
	{"one send more", root, "round.tooSoon", compares("MaxSends", token.GTR), apps},
	{"no cooldown within a sign-in", root, "round.tooSoon", never("ReasonResendTooSoon"), apps},
	{"refused resends forget rounds", root, "round.stays", unset("Rounds"), apps},
	{"void records look like others", root, "round.stays", unset("Flags"), apps},
	{"void records do not say why", root, "round.stays", unset("State"), apps},
	{"void records do not say how long", root, "round.stays", unset("ResendAt"), apps},
	{"codes never expire", root, "round.bind", assigns("Expires", "unix(now.Add(maxTTL))"), apps},
	{"do not record sends", root, "round.bind", unset("Sends"), apps},
	{"no other message", root, "round.bind", unset("MaxSends", 1), apps},
	{"do not record the cooldown", root, "round.bind", unset("ResendAt"), apps},
	{"the state of a step is lost", root, "round.bind", unset("State"), apps},
	{"nobody is told, and it can be answered", root, "round.bind", never("Silent"), apps},
	{"all challenges can be guessed", root, "round.bind", never("Unguessable"), apps},
	{"nobody but known users pass a CAPTCHA", root, "round.bind", never("Anyone"), apps},
	{"no code", root, "round.bind", never("SetCode"), apps},
	{"a step says when its code expires", root, "round.show", skips("delete"), apps},
	{"void challenges expire", root, "round.show", always("expiresAt"), apps},
	{"do not say when the limit is over", root, "round.show", never("wait"), apps},
	{"do not say when to try again", root, "round.show", never("retryAfter"), apps},
	{"offer a message after the last round", root, "round.another", never("false"), apps},
	{"offer a message too many", root, "round.another", compares("MaxSends", token.LEQ), apps},
	{"all records are short", root, "round.seal", always("Again", 0), apps},
	{"no record is short", root, "round.seal", never("Again", 0), apps},

	// Verify.
	{"compare before looking at resend", root, "engine.verify", never("ReasonAsked"), apps},
	{"guess at void records", root, "engine.verify", never("ReasonNoChallenge"), apps},
	{"do not look at the expiry", root, "engine.verify", never("ReasonExpired"), apps},
	{"look at malformed answers", root, "engine.verify", never("ReasonAnswer"), apps},
	{"compare beyond the limits", root, "engine.verify", never("refused"), apps},
	{"compare though the store is down", root, "engine.verify", never("ReasonStore"), apps},
	{"a record of a step that is not there", root, "engine.verify", never("no such step"), roots},
	{"accept whatever is said", root, "engine.verify", callsTo("check", "func() (Checked, error) { return Checked{Right: true}, nil }()"), apps},
	{"ignore the silent flag", root, "engine.verify", without(5), apps},
	{"unknown users can be right", root, "engine.verify", without(6), apps},
	{"no unknown user passes a CAPTCHA", root, "engine.verify", without(7), apps},
	{"right answers use up guesses", root, "engine.verify", skips("settle"), apps},
	{"a nanosecond more", root, "expired", compares("left", token.LSS), apps},
	{"an empty answer is worth a look", root, "fit", without(0), apps},
	{"a long answer is worth a look", root, "fit", without(1), apps},
	{"any bytes are worth a look", root, "fit", without(2), apps},
	{"control characters are worth a look", root, "fit", without(3), apps},
	{"guess beyond the limits", root, "pass.guess", never("ReasonRateLimited"), apps},
	{"do not count guesses", root, "pass.guess", names("Count", "Look"), apps},
	{"named limits do not hold for guesses", root, "pass.guess", callsTo("named", "func() ([]tally, error) { return nil, nil }()"), apps},
	{"what is no guess counts", root, "pass.guess", always("mayGuess"), apps},
	{"nobody looks whether a code was used", root, "pass.guess", never("used"), apps},
	{"a code is right for ever", root, "pass.guess", never("ReasonUsed"), apps},
	{"a code is right a nanosecond less", root, "pass.guess", compares("grace", token.GEQ), apps},
	{"right answers do not give back", root, "pass.settle", never("guess"), apps},
	{"an earlier step does not give back", root, "pass.settle", never("failures", 1), apps},
	{"an earlier step forgives failures", root, "pass.settle", always("Reset"), apps},
	{"no step forgives failures", root, "pass.settle", never("Reset"), apps},
	{"a code is not marked as used", root, "pass.settle", never("used"), apps},
	{"nothing is proved", root, "pass.settle", never("ok"), apps},
	{"the guard is not told", root, "pass.tell", skips("Verified"), roots},

	// The limits.
	{"made-up names are accounts", root, "pass.account", never("nobody"), apps},
	{"a failed store is no failure", root, "round.askAccount", callsTo("Join", "errors.Join(($1)[:0]...)"), apps},
	{"no limits of the account on messages", root, "round.askAccount", never("refusal"), apps},
	{"no limits that others share on messages", root, "round.askShared", never("ReasonRateLimited"), roots},
	{"no limits of a number that looks unproved", root, "round.askAccount", never("ReasonRateLimited"), roots},
	{"an owner of an unverified number can be starved", root, "round.askAccount", never("wasProved"), roots},
	{"an owner's messages count for his unverified number", root, "round.wasProved", skips("giveBack"), roots},
	{"nobody's number looks unproved", root, "round.mustProve", without(0), roots},
	{"do not look at guesses before sending", root, "round.askAccount", never("mayGuess"), apps},
	{"refused messages stay counted", root, "round.issue", skips("giveBack"), apps},
	{"no longer codes under pressure", root, "round.issue", never("lengthen"), roots},
	{"every refusal is rate_limited", root, "round.refusal", never("ReasonSentRecently"), apps},
	{"every wait is sent_recently", root, "round.refusal", without(3), apps},
	{"whoever proved a number can be starved", root, "round.shared", without(1), apps},
	{"nothing is counted for a number over all accounts", root, "round.shared", always("list", 2), apps},
	{"made-up names count for ever", root, "engine.mayGuess", never("longest"), apps},
	{"no cooldown between sign-ins", root, "engine.sending", callsTo("max", "time.Millisecond"), apps},
	{"made-up names use up what is shared", root, "pass.named", never("Ask"), apps},
	{"guesses and messages are one", root, "pass.named", compares("guesses", token.EQL), apps},
	{"a refused guess counts for the others", root, "engine.updateAll", skips("giveBack"), apps},
	{"only the first key is waited for", root, "engine.updateAll", callsTo("max", "$1 + 0*$2"), apps},
	{"nothing is waited for", root, "tally.wait", callsTo("max", "$1 + 0*$2"), apps},
	{"nothing is taken back", root, "tally.undo", never("Return"), apps},
	{"all users are one", naming, "Names.Account", callsTo("short", "n.short($1, $2)"), apps},
	{"all destinations of all are one", naming, "Names.Destination", callsTo("short", "n.short($1, $2)"), apps},
	{"all destinations of an account are one", naming, "Names.Counter", callsTo("Sum", "n.key.Sum($1)"), apps},

	// The seal.
	{"a record of another user", sealing, "appendWho", returns("appendField(appendField(b, who.Pool), who.Client)"), forgers},
	{"a record of another client", sealing, "appendWho", returns("appendField(appendField(b, who.Pool), who.User)"), forgers},
	{"a record of another pool", sealing, "appendWho", returns("appendField(appendField(b, who.Client), who.User)"), forgers},
	{"records of any key", sealing, "Sealer.sealedBy", always("nil"), forgers},
	{"every code matches", sealing, "Expected.Matches", returns("$ || true", 1), apps},
	{"a code of the number before", sealing, "Expected.mac", callsTo("appendField", "append(b, e.prefix...)", 1), apps},
	{"a code of another challenge", sealing, "Record.Expected", returns("&Expected{r.key, nil, r.MAC}", 1), seals},
	{"a void record has a code", sealing, "Record.Expected", never("nil"), seals},
	{"a short record stands alone", sealing, "Sealer.Open", without(5), forgers},
	{"a short tag is a full one", sealing, "Sealer.againTag", names("shortVersion", "version"), seals},
}

// TestMutants always checks that the faults can be planted in the functions as they
// are now, and plants them if CUSTOMAUTH_MUTANTS is set: "1" for all, or a part of the
// names of some.
func TestMutants(t *testing.T) {
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		if _, _, err := m.plant(top); err != nil {
			t.Errorf("%s: %s %s: %v", m.name, m.dir, m.fn, err)
		}
	}
	which := os.Getenv("CUSTOMAUTH_MUTANTS")
	if t.Failed() || which == "" {
		return
	}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	t.Run("all", func(t *testing.T) {
		for _, m := range mutants {
			if which != "1" && !strings.Contains(m.name, which) {
				continue
			}
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				free <- struct{}{}
				defer func() { <-free }()
				m.kill(t, top)
			})
		}
	})
	t.Logf("%d mutants", len(mutants))
}

// plant is the file with the fault.
func (m mutant) plant(top string) (path string, text []byte, err error) {
	s, err := find(filepath.Join(top, m.dir), m.fn)
	if err != nil {
		return "", nil, err
	}
	if err := m.edit(s.fn); err != nil {
		return "", nil, err
	}
	text, err = s.text()
	return s.path, text, err
}

// kill runs the tests with the fault in place: those that must find it, and then all
// others, to say who does.
func (m mutant) kill(t *testing.T, top string) {
	path, text, err := m.plant(top)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{changed: text, overlay: list} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for i, f := range []finder{m.finder, apps, forgers, roots, walks, seals} {
		if i > 0 && f == m.finder {
			continue
		}
		// TestSecurityTable reads the documentation.
		cmd := exec.Command("go", "test", "-overlay", overlay, "-short", "-failfast", "-vet=off", "-count=1",
			"-ldflags=-s -w", "-timeout=5m", "-run="+f.run, "-skip=TestSecurityTable", f.pkg)
		cmd.Dir = top
		out, err := cmd.CombinedOutput()
		switch {
		case err == nil:
		case strings.Contains(string(out), "panic: test timed out"):
			t.Errorf("is not decided: %s takes too long", f)
			return
		case strings.Contains(string(out), "[build failed]") || !strings.Contains(string(out), "FAIL"):
			t.Fatalf("does not run: %v\n%s", err, out)
		case i > 0:
			t.Errorf("survives %s, and is killed by %s: %s", m.finder, f, by(string(out)))
			return
		default:
			t.Logf("killed in %v by %s of %s", time.Since(began).Round(100*time.Millisecond), by(string(out)), f.pkg)
			return
		}
	}
	t.Errorf("survives: %s %s", m.dir, m.fn)
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
