package plan_test

// The library itself is asked in the module smsguard/gen. Here are its examples,
// and what the table must hold whatever the library says.

import (
	"os"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
	"github.com/google/go-cmp/cmp"
)

// An answer is a number, its country and its kind, in one line.
func answer(number string) string {
	country, kind := plan.Lookup(number)
	return strings.Join(strings.Fields(number+" "+country+" "+kind.String()), " ")
}

func TestExamples(t *testing.T) {
	lines := examples(t)
	var got []string
	for _, line := range lines {
		number, _, _ := strings.Cut(line, " ")
		got = append(got, answer(number))
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("examples (-want +got):\n%s", diff)
	}
}

func examples(t testing.TB) []string {
	t.Helper()
	list, err := os.ReadFile("../../testdata/examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	if len(lines) < 1000 {
		t.Fatalf("only %d examples", len(lines))
	}
	return lines
}

func TestLookup(t *testing.T) {
	for name, tt := range map[string]struct{ number, want string }{
		"a mobile number":                {"+447400123456", "+447400123456 GB mobile"},
		"fixed or mobile, as in US":      {"+12065550100", "+12065550100 US fixed line or mobile"},
		"Guernsey":                       {"+447911123456", "+447911123456 GG mobile"},
		"Kazakhstan, with Russia's code": {"+77710009998", "+77710009998 KZ mobile"},
		"a number of Jamaica's":          {"+18762234567", "+18762234567 JM mobile"},
		"Jamaica's area, no number":      {"+18761234567", "+18761234567 JM unassigned"},
		"no area code":                   {"+11115550100", "+11115550100 no country"},
		"a premium number":               {"+19005551234", "+19005551234 US premium rate"},
		"a satellite phone":              {"+870773111632", "+870773111632 001 mobile"},
		"a country's, too short":         {"+3933", "+3933 no country"},
		"a country's, one digit short":   {"+3361234567", "+3361234567 FR unassigned"},
		"15 digits":                      {"+498001234567890", "+498001234567890 DE toll-free"},
		"16 digits":                      {"+4980012345678901", "+4980012345678901 no country"},
		"the trunk prefix left in":       {"+4407400123456", "+4407400123456 not normal"},
		"Argentina's 15 left in":         {"+54111523456789", "+54111523456789 not normal"},
		"Italy's zero belongs to it":     {"+390612345678", "+390612345678 IT fixed line"},
		"no calling code":                {"+21012345678", "+21012345678 no country"},
		"a zero in front":                {"+012065550100", "+012065550100 no country"},
		"no plus":                        {"447400123456", "447400123456 no country"},
		"a letter in the calling code":   {"+4a7400123456", "+4a7400123456 no country"},
		"a letter behind it":             {"+44740012345a", "+44740012345a no country"},
		"nothing":                        {"", "no country"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, answer(tt.number)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIsCountry(t *testing.T) {
	for code, want := range map[string]bool{
		"GB": true, "US": true, "JM": true, "AC": true, "ZW": true, "XK": true,
		"": false, "G": false, "GBR": false, "gb": false, "UK": false, "01": false, "001": false, "44": false, "BU": false, "SU": false,
	} {
		if got := plan.IsCountry(code); got != want {
			t.Errorf("IsCountry(%q) = %v", code, got)
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	for _, number := range []string{"+447400123456", "+12065550100", "+4407400123456", "+21012345678", "nothing"} {
		if n := testing.AllocsPerRun(100, func() { plan.Lookup(number) }); n != 0 {
			t.Errorf("%s: %v allocations", number, n)
		}
	}
}

// No string makes it read outside of the table, and a country is one.
func FuzzLookup(f *testing.F) {
	for _, s := range []string{"", "+", "+0", "+447400123456", "+12065550100", "+999999999999999", "+4/:;<=>", "+1206555010\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, number string) {
		country, kind := plan.Lookup(number)
		without := kind == plan.NoCountry || kind == plan.NotNormal
		if without != (country == "") || country != "" && country != plan.World && !plan.IsCountry(country) {
			t.Errorf("%q is of %q, %v", number, country, kind)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		plan.Lookup("+447400123456")
	}
}
