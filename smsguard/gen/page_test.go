package main

// This file runs web/phones.js in Node and compares it with the library.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
)

// A typed is what somebody types, having chosen a country.
type typed struct {
	Text    string `json:"text"`
	Country string `json:"country"`
}

// A phone is what phones.js makes of it. Formatted is format(e164).
type phone struct {
	OK        bool   `json:"ok"`
	E164      string `json:"e164"`
	Country   string `json:"country"`
	National  string `json:"national"`
	Reason    string `json:"reason"`
	Formatted string `json:"formatted"`
}

const runner = `
import { readFileSync } from "node:fs";
const { countries, format, parse } = await import(process.argv[2]);
const typed = JSON.parse(readFileSync(0, "utf8"));
const phones = typed.map(({ text, country }) => {
  const phone = parse(text, country || undefined);
  return { ...phone, formatted: phone.ok ? format(phone.e164) : "" };
});
process.stdout.write(JSON.stringify({ phones, countries: countries() }));
`

// run lets phones.js read all of these.
func run(t *testing.T, all []typed) (phones []phone, countries []map[string]string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node is not installed")
	}
	// The page's folder has no package.json that would say it is a module.
	dir := t.TempDir()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	module, script := filepath.Join(dir, "phones.mjs"), filepath.Join(dir, "run.mjs")
	for name, content := range map[string][]byte{module: source, script: []byte(runner)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	input, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, script, module)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Phones    []phone
		Countries []map[string]string
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Phones) != len(all) {
		t.Fatalf("%d answers to %d", len(answer.Phones), len(all))
	}
	return answer.Phones, answer.Countries
}

// An assessor says what phones.js has to make of a text, by the library.
type assessor map[int][]country

func newAssessor(t *testing.T) assessor {
	codes, err := callingCodes()
	if err != nil {
		t.Fatal(err)
	}
	a := assessor{}
	for _, c := range codes {
		a[c.code] = c.countries
	}
	return a
}

// phone is what the library reads. A number is one if any country of its calling
// code takes its length and has a pattern for it. Of others only that is known.
func (a assessor) phone(x typed) phone {
	n, err := phonenumbers.Parse(x.Text, x.Country)
	if err != nil {
		return phone{}
	}
	national := phonenumbers.GetNationalSignificantNumber(n)
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	takes := func(c country) bool {
		desc := c.GetGeneralDesc()
		whole := regexp.MustCompile("^(?:" + desc.GetNationalNumberPattern() + ")$")
		return c.id != "001" && slices.Contains(desc.GetPossibleLength(), int32(len(national))) && whole.MatchString(national)
	}
	if !slices.ContainsFunc(a[int(n.GetCountryCode())], takes) || len(e164) < 8 || len(e164) > 16 {
		return phone{}
	}
	return phone{
		OK: true, E164: e164, Country: phonenumbers.GetRegionCodeForNumber(n),
		National: inside(n), Formatted: phonenumbers.Format(n, phonenumbers.INTERNATIONAL),
	}
}

// inside is the national form. The library puts Argentina's 9 for mobile numbers
// where the area code belongs, as in "09 15-2345-6789"; Google's own says "011
// 15-2345-6789".
func inside(n *phonenumbers.PhoneNumber) string {
	national := phonenumbers.Format(n, phonenumbers.NATIONAL)
	if n.GetCountryCode() == 54 && strings.HasPrefix(national, "09 15-") {
		area := strings.Split(phonenumbers.Format(n, phonenumbers.INTERNATIONAL), " ")[2]
		national = "0" + area + strings.TrimPrefix(national, "09")
	}
	return national
}

// agree compares what phones.js says with the library, and returns how many
// numbers there were among the texts.
func agree(t *testing.T, all []typed) (numbers int) {
	t.Helper()
	a := newAssessor(t)
	phones, _ := run(t, all)
	failed := 0
	for i, got := range phones {
		want := a.phone(all[i])
		if want.OK {
			numbers++
			if want.Country == "" { // no number of any country: then phones.js says the code's main one
				want.Country = got.Country
			}
		} else {
			if got.OK && lenient(all[i].Text) {
				continue
			}
			got = phone{OK: got.OK}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			if failed++; failed <= 10 {
				t.Errorf("%+v (-want +got):\n%s", all[i], diff)
			}
		}
	}
	t.Logf("%d texts, %d numbers, %d differences", len(all), numbers, failed)
	if failed > 0 {
		t.Errorf("%d of %d differ", failed, len(all))
	}
	return numbers
}

// lenient reports texts that phones.js may read and the library may not: + written
// as elsewhere in the world.
func lenient(text string) bool {
	return strings.HasPrefix(text, "00") || strings.HasPrefix(text, "011")
}

// Every example number of every country, in every way of writing it.
func TestPageExamples(t *testing.T) {
	codes, err := callingCodes()
	if err != nil {
		t.Fatal(err)
	}
	var all []typed
	shapes := map[string]bool{}
	countries := map[string]bool{}
	digit := regexp.MustCompile(`[0-9]`)
	for _, e := range examples(codes) {
		if e.country.id == "001" || len(e.e164) < 1+shortest || len(e.e164) > 1+longest {
			continue
		}
		n, err := phonenumbers.Parse(e.e164, "ZZ")
		if err != nil {
			t.Fatal(err)
		}
		national, international := inside(n), phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
		shapes[digit.ReplaceAllString(national, "#")] = true
		countries[e.country.id] = true
		for _, text := range []string{
			e.e164, international, strings.ReplaceAll(international, " ", "."), "(+" + strings.Replace(international[1:], " ", ") ", 1),
			phonenumbers.Format(n, phonenumbers.RFC3966), phonenumbers.FormatOutOfCountryCallingNumber(n, "US"),
		} {
			all = append(all, typed{text, "US"})
		}
		for _, text := range []string{
			national, e.national, strings.NewReplacer(" ", "", "-", "").Replace(national), strings.ReplaceAll(national, " ", "."),
			strings.ReplaceAll(national, " ", "/"), e.e164[1:], "\u00a0" + strings.ReplaceAll(national, "-", "\u2011"),
			fmt.Sprintf("+%d %s", e.code, national),
		} {
			all = append(all, typed{text, e.country.id})
		}
	}
	if numbers := agree(t, all); numbers < len(all)*9/10 {
		t.Errorf("only %d of %d are numbers", numbers, len(all))
	}
	if len(shapes) < 60 || len(countries) != 245 {
		t.Errorf("%d ways of writing, %d countries", len(shapes), len(countries))
	}
	t.Logf("%d national ways of writing", len(shapes))
}

// Numbers that are not quite examples, most of which are none.
func TestPageMutations(t *testing.T) {
	codes, err := callingCodes()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(2026, 12))
	list := examples(codes)
	var all []typed
	for len(all) < 60_000/thin {
		e := list[random.IntN(len(list))]
		if e.country.id == "001" {
			continue
		}
		national := mutate(random, e)
		all = append(all, typed{fmt.Sprintf("+%d%s", e.code, national), ""}, typed{national, e.country.id})
	}
	if numbers := agree(t, all); numbers < len(all)/4 || numbers > len(all)*3/4 {
		t.Errorf("%d of %d are numbers: that tests one side only", numbers, len(all))
	}
}

// What people type, and what is wrong with it.
func TestPageTable(t *testing.T) {
	us := phone{OK: true, E164: "+12065550100", Country: "US", National: "(206) 555-0100", Formatted: "+1 206-555-0100"}
	at := phone{OK: true, E164: "+436641234567", Country: "AT", National: "0664 1234567", Formatted: "+43 664 1234567"}
	no := func(reason, country string) phone { return phone{Reason: reason, Country: country} }
	table := map[string]struct {
		text, country string
		want          phone
	}{
		"brackets":                    {"(206) 555-0100", "US", us},
		"dots":                        {"206.555.0100", "US", us},
		"a leading 1":                 {"1 206 555 0100", "US", us},
		"+1 and a 1 in brackets":      {"+1 (206) 555-0100", "GB", us},
		"digits alone":                {"2065550100", "US", us},
		"a US number, seen from AT":   {"001 206 555 0100", "AT", us},
		"011, seen from the US":       {"011 43 664 1234567", "US", at},
		"00, seen from the US":        {"0043 664 1234567", "US", at},
		"00, seen from nowhere":       {"0043 664 1234567", "", at},
		"011, seen from nowhere":      {"011 43 664 1234567", "", at},
		"0011, seen from Australia":   {"0011 43 664 1234567", "AU", at},
		"810, seen from Russia":       {"8~10 43 664 1234567", "RU", at},
		"(0)":                         {"+43 (0) 664 1234567", "", at},
		"(0), no space":               {"+43(0)664 1234567", "US", at},
		"a zero too many":             {"+43 0664 1234567", "", at},
		"slash and dash":              {"0664/123 45-67", "AT", at},
		"a long dash":                 {"0664–1234567", "AT", at},
		"the code without a plus":     {"43 664 1234567", "AT", at},
		"tel:":                        {"tel:+43-664-1234567", "", at},
		"full-width digits":           {"＋４３ ６６４ １２３４５６７", "", at},
		"Arabic digits":               {"٠٦٦٤ ١٢٣٤٥٦٧", "AT", at},
		"marks of direction":          {"\u202a+43 664 1234567\u202c", "", at},
		"Rome keeps its zero":         {"+39 (0)6 9812345", "", phone{OK: true, E164: "+39069812345", Country: "IT", National: "06 981 2345", Formatted: "+39 06 981 2345"}},
		"Oslo has none":               {"+47 (0) 22 12 34 56", "", phone{OK: true, E164: "+4722123456", Country: "NO", National: "22 12 34 56", Formatted: "+47 22 12 34 56"}},
		"Moscow, with an 8":           {"8 (495) 123-45-67", "RU", phone{OK: true, E164: "+74951234567", Country: "RU", National: "8 (495) 123-45-67", Formatted: "+7 495 123-45-67"}},
		"Budapest, with 06":           {"06 1 234 5678", "HU", phone{OK: true, E164: "+3612345678", Country: "HU", National: "(06 1) 234 5678", Formatted: "+36 1 234 5678"}},
		"Buenos Aires, with 15":       {"011 15-2345-6789", "AR", phone{OK: true, E164: "+5491123456789", Country: "AR", National: "011 15-2345-6789", Formatted: "+54 9 11 2345-6789"}},
		"São Paulo, with a carrier":   {"0 15 11 96123-4567", "BR", phone{OK: true, E164: "+5511961234567", Country: "BR", National: "(11) 96123-4567", Formatted: "+55 11 96123-4567"}},
		"Canada is not the US":        {"+1 416 555 0100", "", phone{OK: true, E164: "+14165550100", Country: "CA", National: "(416) 555-0100", Formatted: "+1 416-555-0100"}},
		"nor is Jamaica":              {"876 555 0100", "JM", phone{OK: true, E164: "+18765550100", Country: "JM", National: "(876) 555-0100", Formatted: "+1 876-555-0100"}},
		"Antigua, without its area":   {"464-1234", "AG", phone{OK: true, E164: "+12684641234", Country: "AG", National: "(268) 464-1234", Formatted: "+1 268-464-1234"}},
		"nothing":                     {" ", "US", no("empty", "")},
		"letters":                     {"ask me", "US", no("letters", "")},
		"an extension":                {"206 555 0100 ext. 5", "US", no("letters", "")},
		"two pluses":                  {"+43+664", "US", no("letters", "")},
		"no code and no country":      {"0664 1234567", "", no("country", "")},
		"a country that is none":      {"0664 1234567", "ZZ", no("country", "")},
		"a code that is none":         {"+210 1234567", "AT", no("country", "")},
		"a plus alone":                {"+", "AT", no("country", "")},
		"one digit short":             {"+1 206 555 010", "", no("short", "US")},
		"one digit short, at home":    {"(206) 555-010", "US", no("short", "US")},
		"one digit short, from 00":    {"00 1 206 555 010", "AT", no("short", "US")},
		"no area code":                {"555-0100", "US", no("short", "US")},
		"one digit too many":          {"+1 206 555 01000", "", no("long", "US")},
		"more than a number can have": {"+49 1234567890123456", "", no("long", "DE")},
		"no area begins with 1":       {"+1 106 555 0100", "", no("impossible", "US")},
		"no such number in France":    {"+33 0 00 00 00 00 0", "", no("impossible", "FR")},
		"satellites are left out":     {"+870 773 111 632", "", no("country", "")},
	}
	names := slices.Sorted(maps.Keys(table))
	var all []typed
	for _, name := range names {
		all = append(all, typed{table[name].text, table[name].country})
	}
	got, _ := run(t, all)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(table[name].want, got[i]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever is typed is read without an error, and what is read is E.164.
func TestPageGarbage(t *testing.T) {
	random := rand.New(rand.NewPCG(2026, 13))
	alphabet := []rune("0123456789012345678901234567890123456789+ ()-./aé٣६３😀\u202a\u0000<$@;!\n")
	var all []typed
	for range 20_000 {
		text := make([]rune, random.IntN(25))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		all = append(all, typed{string(text), []string{"", "US", "AT", "IT", "AR", "BR", "ZZ", "constructor"}[random.IntN(8)]})
	}
	phones, _ := run(t, all)
	numbers := 0
	for i, p := range phones {
		if !p.OK {
			if p.E164 != "" || p.National != "" || p.Reason == "" {
				t.Errorf("%+v is %+v", all[i], p)
			}
			continue
		}
		numbers++
		if country, kind := plan.Lookup(p.E164); kind == plan.NotNormal || country != "" && country != p.Country || p.Reason != "" {
			t.Errorf("%+v is %+v, and of %q, %v", all[i], p, country, kind)
		}
		if !regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`).MatchString(p.E164) {
			t.Errorf("%+v is %q", all[i], p.E164)
		}
	}
	if numbers < 100 {
		t.Errorf("only %d numbers", numbers)
	}
}

// The list of countries is the library's.
func TestPageCountries(t *testing.T) {
	_, got := run(t, []typed{})
	want := map[string]string{}
	for id := range phonenumbers.GetSupportedRegions() {
		want[id] = fmt.Sprint(phonenumbers.GetCountryCodeForRegion(id))
	}
	listed := map[string]string{}
	for _, c := range got {
		listed[c["country"]] = c["code"]
	}
	if diff := cmp.Diff(want, listed); diff != "" || len(got) != len(want) {
		t.Errorf("%d countries (-want +got):\n%s", len(got), diff)
	}
}

// The page stays small, and its policy forbids code that is made at run time.
func TestPageSize(t *testing.T) {
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if len(source) > 40<<10 {
		t.Errorf("%d bytes, want at most 40 KiB", len(source))
	}
	if found := regexp.MustCompile(`\beval\(|new Function|\bimport\b`).Find(source); found != nil {
		t.Errorf("it has %q", found)
	}
}
