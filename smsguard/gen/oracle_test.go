package main

// This file compares the table with the library, number by number.
//
//	go test                                    some 400,000 numbers
//	go test -v -run Library -numbers 5000000   the long form, two minutes

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
	"github.com/nyaruka/phonenumbers"
)

// One in so many numbers is compared.
var thin = 1

var numbers = flag.Int("numbers", 100_000, "how many mutated numbers to compare with the library")

// A comparison counts what it has seen, so that a test can tell that it saw it.
type comparison struct {
	t         *testing.T
	asked     int
	compared  int
	failed    int
	countries map[string]int
	kinds     map[plan.Kind]int
}

func newComparison(t *testing.T) *comparison {
	return &comparison{t: t, countries: map[string]int{}, kinds: map[plan.Kind]int{}}
}

// number compares one number, if it is E.164: the table is asked for no other.
func (c *comparison) number(number string) {
	if len(number) < 1+shortest || len(number) > 1+longest || number[1] == '0' {
		return
	}
	if c.asked++; c.asked%thin != 0 {
		return
	}
	wantCountry, wantKind := library(number)
	country, kind := plan.Lookup(number)
	c.compared++
	c.countries[wantCountry]++
	c.kinds[wantKind]++
	if country == wantCountry && kind == wantKind {
		return
	}
	if c.failed++; c.failed <= 20 {
		c.t.Errorf("%s is %q %v, and %q %v to the library", number, country, kind, wantCountry, wantKind)
	}
}

func (c *comparison) report() {
	c.t.Logf("%d numbers, %d differences; by kind %v", c.compared, c.failed, c.kinds)
	if c.failed > 0 {
		c.t.Errorf("%d of %d numbers differ", c.failed, c.compared)
	}
}

// Every example number of every country and kind, and each number that differs
// from it in one digit, or has one more or less.
func TestLibraryExamples(t *testing.T) {
	c := newComparison(t)
	for _, example := range allExamples(t) {
		c.number(example.e164)
		for i := 1; i < len(example.e164); i++ {
			for d := '0'; d <= '9'; d++ {
				c.number(example.e164[:i] + string(d) + example.e164[i+1:])
			}
		}
		c.number(example.e164[:len(example.e164)-1])
		c.number(example.e164 + "0")
	}
	c.report()
	for id := range phonenumbers.GetSupportedRegions() {
		// Saint Barthélemy and Saint Martin share all of their numbers with
		// Guadeloupe, and Western Sahara with Morocco: the library never says them.
		if c.countries[id] == 0 && id != "BL" && id != "MF" && id != "EH" {
			t.Errorf("no number of %s", id)
		}
	}
	for name, kind := range kinds {
		if c.kinds[kind] == 0 {
			t.Errorf("no number of the kind %v", name)
		}
	}
}

// Numbers that were examples, with digits changed, left out, put in or swapped,
// national prefixes put in front, the end rolled anew.
func TestLibraryMutations(t *testing.T) {
	examples := allExamples(t)
	random := rand.New(rand.NewPCG(2026, 11))
	c := newComparison(t)
	for c.asked < *numbers {
		example := examples[random.IntN(len(examples))]
		c.number(fmt.Sprintf("+%d%s", example.code, mutate(random, example)))
	}
	c.report()
	for _, kind := range kinds {
		if c.kinds[kind] == 0 {
			t.Errorf("no number of kind %v", kind)
		}
	}
	if c.kinds[plan.NotNormal] < *numbers/thin/1000 {
		t.Errorf("only %d second spellings", c.kinds[plan.NotNormal])
	}
}

// Each way through the automaton: to every node by the shortest way, one digit
// on, and from there to an end.
func TestLibraryEveryWay(t *testing.T) {
	codes, err := callingCodes()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(11, 2026))
	c := newComparison(t)
	for _, code := range codes {
		root, err := walk(newNodes(), code)
		if err != nil {
			t.Fatal(err)
		}
		type arrival struct {
			*node
			digits string
		}
		queue := []arrival{{root, fmt.Sprintf("+%d", code.code)}}
		seen := map[*node]bool{root: true}
		for len(queue) > 0 {
			from := queue[0]
			queue = queue[1:]
			for digit, next := range from.next {
				digits := fmt.Sprint(from.digits, digit)
				for range 1 + *numbers/1_000_000 {
					c.number(toAnEnd(random, next, digits))
				}
				if !seen[next] {
					seen[next] = true
					queue = append(queue, arrival{next, digits})
				}
			}
		}
	}
	c.report()
}

// toAnEnd goes on from a node until a number ends, or nothing goes on.
func toAnEnd(random *rand.Rand, n *node, digits string) string {
	for len(digits) < 1+longest {
		if len(digits) >= 1+shortest && (n.id == 0 || n.outcome != (outcome{}) && random.IntN(3) > 0) {
			break
		}
		digit := random.IntN(10)
		if n.next[digit].id == 0 { // rather where it goes on
			digit = random.IntN(10)
		}
		n, digits = n.next[digit], fmt.Sprint(digits, digit)
	}
	return digits
}

// All calling codes, those that do not exist included.
func TestLibraryCallingCodes(t *testing.T) {
	c := newComparison(t)
	for code := 1; code < 1000; code++ {
		for _, national := range []string{"0000000", "12345678", "206555010", "4000000000", "912345678901"} {
			c.number(fmt.Sprint("+", code, national))
		}
	}
	c.report()
}

func allExamples(t *testing.T) []example {
	codes, err := callingCodes()
	if err != nil {
		t.Fatal(err)
	}
	all := examples(codes)
	if len(all) < 1000 {
		t.Fatalf("only %d examples", len(all))
	}
	return all
}

// mutate makes another national number of an example.
func mutate(random *rand.Rand, e example) string {
	digits := func(n int) string {
		var s strings.Builder
		for range n {
			s.WriteByte(byte('0' + random.IntN(10)))
		}
		return s.String()
	}
	s := e.national
	for range 1 + random.IntN(3) {
		i := random.IntN(len(s))
		switch random.IntN(8) {
		case 0, 1: // one digit
			s = s[:i] + digits(1) + s[i+1:]
		case 2: // all that follow
			s = s[:i] + digits(len(s)-i)
		case 3: // too few
			if len(s) > 4 {
				s = s[:i] + s[i+1:]
			}
		case 4: // too many
			s = s[:i] + digits(1+random.IntN(2)) + s[i:]
		case 5: // swapped
			j := random.IntN(len(s))
			b := []byte(s)
			b[i], b[j] = b[j], b[i]
			s = string(b)
		case 6: // a national prefix, or what looks like one
			prefixes := []string{e.country.GetNationalPrefix(), "0", "1", "8", "00", "06", "80", "15", "90", fmt.Sprint(e.code)}
			s = prefixes[random.IntN(len(prefixes))] + s
		case 7: // one that belongs to another number, as Argentina's 15
			s = s[:i] + "15" + s[i:]
		}
		if len(s) > 15 {
			s = s[:15]
		}
	}
	return s
}

func FuzzLibrary(f *testing.F) {
	for _, s := range []string{"+447400123456", "+4407400123456", "+12065550100", "+18765550100", "+5491123456789", "+541115345678", "+550151123456789", "+870773111632"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, number string) {
		if len(number) < 2 || number[0] != '+' || strings.Trim(number[1:], "0123456789") != "" {
			return
		}
		c := newComparison(t)
		c.asked = -1 // so that it is compared however few are
		c.number(number)
	})
}
