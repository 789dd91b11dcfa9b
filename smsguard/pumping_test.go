package smsguard_test

// This file runs attacks against a guard with its default budgets: simulated
// days, real triggers, and the bounds of the README.

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth/smsguard"
	"github.com/google/go-cmp/cmp"
)

// The default budgets, as the documentation has them.
var (
	country  = smsguard.Budget{Hour: 30, Day: 100}
	aRange   = smsguard.Budget{Hour: 10, Day: 20}
	total    = smsguard.Budget{Hour: 300, Day: 1000}
	giveBack = 2
)

// A crowd asks for codes, at equal intervals, and answers some of them a minute
// later.
type crowd struct {
	name    string
	number  func(int) string
	every   time.Duration
	from    time.Duration
	until   time.Duration
	answers func(n int) bool
	members int // how many numbers there are, which then come again; 0: all are new
}

// An outcome is what became of one request for a code.
type outcome struct {
	at       time.Duration // since the start
	why      string        // "" if the text was sent
	answered time.Duration // since the start; 0: never
}

func never(int) bool         { return false }
func always(int) bool        { return true }
func fourOfFive(n int) bool  { return n%5 != 4 }
func (o outcome) sent() bool { return o.why == "" }

// simulate lets the crowds loose on the pool, and tells what each request got.
func simulate(t *testing.T, p *pool, length time.Duration, crowds ...crowd) map[string][]outcome {
	t.Helper()
	type pending struct {
		text *text
		of   *outcome
	}
	start := time.Now()
	results := make(map[string][]outcome)
	for _, c := range crowds {
		results[c.name] = make([]outcome, 0, length/c.every+1)
	}
	var open []pending
	for now := time.Duration(0); now < length; now = time.Since(start) {
		for _, x := range open {
			p.answer(t, x.text)
			x.of.answered = now
		}
		open = open[:0]
		for _, c := range crowds {
			if now < c.from || c.until > 0 && now >= c.until {
				continue
			}
			first, last := int(now/c.every), int((now+time.Minute-1)/c.every)
			if now%c.every != 0 {
				first++
			}
			for n := first; n <= last; n++ {
				id := n
				if c.members > 0 {
					id = n % c.members
				}
				got, why := p.ask(t, c.number(id))
				results[c.name] = append(results[c.name], outcome{at: now, why: why})
				if got != nil && c.answers(n) {
					open = append(open, pending{got, &results[c.name][len(results[c.name])-1]})
				}
			}
		}
		time.Sleep(time.Minute)
	}
	return results
}

// refused counts what was not sent, and sent what was.
func refused(all []outcome) int { return len(all) - sent(all) }

func sent(all []outcome) (n int) {
	for _, o := range all {
		if o.sent() {
			n++
		}
	}
	return n
}

func between(all []outcome, from, until time.Duration) []outcome {
	return slices.DeleteFunc(slices.Clone(all), func(o outcome) bool { return o.at < from || o.at >= until })
}

// answered counts the codes that were answered in this time.
func answered(all []outcome, from, until time.Duration) (n int) {
	for _, o := range all {
		if o.answered > 0 && o.answered >= from && o.answered < until {
			n++
		}
	}
	return n
}

const day = 24 * time.Hour

// numbers of one crowd start where the other's end.
func offset(number func(int) string, by int) func(int) string {
	return func(n int) string { return number(n + by) }
}

// pump asks without end for codes that nobody answers: fast for 70 minutes, to
// meet the budgets of the hour, then slower.
func pump(t *testing.T, p *pool, length, fast, slow time.Duration, number func(int) string) []outcome {
	const first = 70 * time.Minute
	got := simulate(t, p, length,
		crowd{name: "fast", number: number, every: fast, answers: never, until: first},
		crowd{name: "slow", number: offset(number, int(first/fast)), every: slow, answers: never, from: first},
	)
	return append(got["fast"], got["slow"]...)
}

// A pumped country without users: exactly its budget, hour and day.
func TestPumpedCountryStopsAtItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := pump(t, newPool(t, in(world)), 3*day, 30*time.Second, 5*time.Minute, jamaican)
		if n := sent(between(got, 0, time.Hour)); n != country.Hour {
			t.Errorf("first hour: %d texts, want %d", n, country.Hour)
		}
		for from := time.Duration(0); from < 3*day; from += day {
			if n := sent(between(got, from, from+day)); n != country.Day {
				t.Errorf("day from %v: %d texts, want %d", from, n, country.Day)
			}
		}
		within(t, got, nil, country)
	})
}

// within checks the bound in every hour and every day that begins at a request:
// the budget, and what the country's own users gave back in that time.
func within(t *testing.T, pump, honest []outcome, b smsguard.Budget) {
	t.Helper()
	for _, w := range []struct {
		per time.Duration
		max int
	}{{time.Hour, b.Hour}, {day, b.Day}} {
		for i := 0; i < len(pump); i += 10 {
			from := pump[i].at
			texts := sent(between(pump, from, from+w.per)) + sent(between(honest, from, from+w.per))
			if bound := w.max + giveBack*answered(honest, from, from+w.per); texts > bound {
				t.Fatalf("%v from %v: %d texts, bound %d", w.per, from, texts, bound)
			}
		}
	}
}

// A country with users is pumped for eight hours.
func TestPumpedCountryClosesAndOthersGoOn(t *testing.T) {
	const begins, ends, length = 12 * time.Hour, 20 * time.Hour, 48 * time.Hour
	crowds := []crowd{
		{name: "new, elsewhere", number: british, every: 5 * time.Minute, answers: fourOfFive},
		{name: "new, there", number: srilankan, every: 6 * time.Minute, answers: fourOfFive},
		{name: "known, there", number: offset(srilankan, 1e6), every: 20 * time.Minute, answers: always, members: 12},
		{name: "pump", number: offset(srilankan, 2e6), every: time.Minute, answers: never, from: begins, until: ends},
	}
	run := func(t *testing.T, o smsguard.Options) (results map[string][]outcome, reports int) {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(t, in(o))
			results = simulate(t, p, length, crowds...)
			reports = len(p.report)
		})
		return results, reports
	}

	got, _ := run(t, world)
	pump, there := got["pump"], got["new, there"]
	within(t, pump, there, country)
	bound := country.Day + giveBack*answered(there, begins, ends)
	attacked, after := between(there, begins, ends), between(there, ends, length)
	t.Logf("the pump: %d requests, %d texts, bound %d", len(pump), sent(pump), bound)
	t.Logf("new users there: %d of %d refused in the attack, %d of %d after it", refused(attacked), len(attacked), refused(after), len(after))
	if n := sent(pump); n > bound || n > len(pump)/3 {
		t.Errorf("the pump got %d texts of %d requests, bound %d", n, len(pump), bound)
	}
	if n := sent(between(pump, ends-time.Hour, ends)); n > country.Hour/4 {
		t.Errorf("the country did not close: %d texts in the last hour", n)
	}
	if n := refused(between(there, 0, begins)); n > 0 {
		t.Errorf("%d new users refused before the attack", n)
	}
	if refused(attacked) == 0 {
		t.Error("no new user of the country was refused: the attack was too weak to show anything")
	}
	if n := refused(between(there, ends+day, length)); n > 0 {
		t.Errorf("%d new users refused a day after the attack", n)
	}
	for _, name := range []string{"new, elsewhere", "known, there"} {
		if n := refused(got[name]); n > 0 {
			t.Errorf("%s: %d of %d refused", name, n, len(got[name]))
		}
	}

	t.Run("recorded only", func(t *testing.T) {
		o := world
		o.RecordOnly = true
		got, reports := run(t, o)
		for name, all := range got {
			if n := refused(all); n > 0 {
				t.Errorf("%s: %d refused", name, n)
			}
		}
		// The first users who would have been refused answer all the same and
		// give back, so that there may be fewer reports than refusals.
		if least := len(pump) - country.Day - giveBack*answered(got["new, there"], begins, ends); reports < least {
			t.Errorf("%d reports, want %d at least", reports, least)
		}
	})
}

// Where nobody answers, recording says exactly what refusing would do.
func TestRecordOnlyReportsTheSame(t *testing.T) {
	reports := map[bool][]smsguard.Report{}
	texts := map[bool]int{}
	for _, record := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := in(world)
			o.RecordOnly = record
			p := newPool(t, o)
			texts[record] = sent(simulate(t, p, 30*time.Hour, crowd{name: "pump", number: jamaican, every: 90 * time.Second, answers: never})["pump"])
			for _, r := range p.report {
				if r.Refused == record {
					t.Fatalf("RecordOnly = %v and Refused = %v", record, r.Refused)
				}
				r.Refused = false
				reports[record] = append(reports[record], r)
			}
		})
	}
	if diff := cmp.Diff(reports[false], reports[true]); diff != "" {
		t.Errorf("reports (-refusing +recording):\n%s", diff)
	}
	if want := texts[false] + len(reports[true]); texts[true] != want || len(reports[true]) == 0 {
		t.Errorf("%d texts while recording, want all %d", texts[true], want)
	}
}

// A pump that owns one range closes the range, and nobody else notices.
func TestPumpedRangeLeavesItsCountryOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		oneRange := func(n int) string { return fmt.Sprintf("+9471777%04d", n%10000) }
		got := simulate(t, newPool(t, in(world)), day,
			crowd{name: "new, there", number: srilankan, every: 6 * time.Minute, answers: fourOfFive},
			crowd{name: "pump", number: oneRange, every: 2 * time.Minute, answers: never},
		)
		within(t, got["pump"], nil, smsguard.Budget{Hour: aRange.Hour + giveBack, Day: aRange.Day + giveBack})
		if n := refused(got["new, there"]); n > 1 { // one of them lives in that range
			t.Errorf("%d new users refused", n)
		}
	})
}

// The whole world at once stops at the total.
func TestPumpedWorldStopsAtTheTotal(t *testing.T) {
	numbers := everywhere(t)
	synctest.Test(t, func(t *testing.T) {
		everyone := func(n int) string { return numbers[n%len(numbers)] }
		got := pump(t, newPool(t, in(world)), 25*time.Hour, 10*time.Second, 50*time.Second, everyone)
		if n := sent(between(got, 0, time.Hour)); n != total.Hour {
			t.Errorf("first hour: %d texts, want %d", n, total.Hour)
		}
		if n := sent(between(got, 0, day)); n != total.Day {
			t.Errorf("first day: %d texts, want %d", n, total.Day)
		}
		within(t, got, nil, total)
	})
}

// everywhere is some numbers of each country, one country after the other.
func everywhere(t *testing.T) (numbers []string) {
	list, err := os.ReadFile("testdata/examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	guard := newGuard(t, in(world))
	examples := strings.Split(string(list), "\n")
	for i := range 20 {
		for _, line := range examples {
			example, kind, _ := strings.Cut(line, " ")
			if !strings.HasSuffix(kind, "mobile") {
				continue
			}
			var e events.CognitoEventUserPoolsPreSignup
			e.TriggerSource = "PreSignUp_SignUp"
			number := fmt.Sprintf("%s%02d", example[:len(example)-2], i)
			e.Request.UserAttributes = map[string]string{"phone_number": number}
			if guard.SignUp(t.Context(), e) == nil {
				numbers = append(numbers, number)
			}
		}
	}
	if len(numbers) < 3000 {
		t.Fatalf("only %d numbers", len(numbers))
	}
	return numbers
}
