package attack_test

// This file writes down what the attacks got: the tables of docs/attacks.md and
// the picture docs/images/attacks.svg.

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var write = flag.Bool("write", false, "with -full, write the tables of docs/attacks.md and docs/images/attacks.svg")

// A row is what one attack got against one setting.
type row struct {
	attack, setting, span string

	requests, compared, texts int

	chance float64 // of tokens, from the comparisons
	auc    float64 // of telling users from nobody; 0 for other attacks
	honest []group
}

// A group is honest users, and how many of their sign-ins were refused.
type group struct {
	name        string
	refused, of int
}

// price is what a text is assumed to cost, in USD.
const price = 0.10

func (r row) usd() float64 { return price * float64(r.texts) }

func publish(t *testing.T, rows []row) {
	t.Log("\n" + table(rows) + "\n" + aucTable(rows))
	if !*write {
		return
	}
	if !*full || t.Failed() {
		t.Fatal("only a full run in which all went well is written down")
	}
	const page = "../../docs/attacks.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	out := between(string(text), "attacks", table(rows))
	out = between(out, "enumeration", aucTable(rows))
	if err := os.WriteFile(page, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../../docs/images/attacks.svg", []byte(picture(rows)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between puts text between the two comments of this name.
func between(page, name, text string) string {
	before, rest, ok := strings.Cut(page, "<!-- "+name+" -->\n")
	_, after, end := strings.Cut(rest, "<!-- end -->")
	if !ok || !end {
		panic("the page has no place for " + name)
	}
	return before + "<!-- " + name + " -->\n" + text + "<!-- end -->" + after
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| attack | in its way | time | requests | comparisons | chance of success | texts | cost, USD | honest sign-ins refused |\n|---|---|---|--:|--:|--:|--:|--:|---|\n")
	last := ""
	for _, r := range rows {
		if r.auc != 0 {
			continue
		}
		name := r.attack
		if name == last {
			name = ""
		}
		last = r.attack
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
			name, r.setting, r.span, thousands(r.requests), thousands(r.compared), odds(r.chance), thousands(r.texts), money(r.usd()), groups(r.honest))
	}
	return b.String()
}

func aucTable(rows []row) string {
	var b strings.Builder
	b.WriteString("| handlers | sign-ins | AUC by latency |\n|---|--:|--:|\n")
	for _, r := range rows {
		if r.auc != 0 {
			fmt.Fprintf(&b, "| %s | %s | %.3f |\n", r.setting, thousands(r.requests), r.auc)
		}
	}
	return b.String()
}

func groups(list []group) string {
	var parts []string
	for _, g := range list {
		parts = append(parts, fmt.Sprintf("%s %d of %d", g.name, g.refused, g.of))
	}
	return strings.Join(parts, "; ")
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// odds is a chance in words.
func odds(p float64) string {
	switch {
	case p == 0:
		return "none"
	case p < 0.01:
		n, unit := 1/p, 1.0
		for n/unit >= 1000 {
			unit *= 10
		}
		return "1 in " + thousands(int(math.Round(n/unit)*unit)) // three digits are enough
	case p > 0.99:
		return strconv.FormatFloat(100*p, 'f', 2, 64) + " %"
	}
	return strconv.FormatFloat(100*p, 'f', 1, 64) + " %"
}

// money is an amount in USD.
func money(v float64) string {
	if v < 10 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return thousands(int(math.Round(v)))
}

func span(d time.Duration) string { return fmt.Sprintf("%d minutes", int(d.Minutes())) }

// The picture: bars on a logarithmic scale for the chance and for the money, and
// where the AUC lies.

const (
	width   = 890
	labels  = 440 // where bars begin
	barsEnd = 780
	line    = 24
)

type drawing struct {
	strings.Builder
	y int
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func picture(rows []row) string {
	d := &drawing{y: 34}
	d.panel("Chance to get into the account within a day, or into one of many by spraying once", rows, 1e-6, 1,
		func(r row) (float64, bool) { return r.chance, r.chance > 0 && !strings.HasPrefix(r.attack, "lock") }, odds)
	d.panel("What the texts cost, at 0.10 USD each", rows, 0.1, 1e6,
		func(r row) (float64, bool) { return r.usd(), r.auc == 0 }, func(v float64) string { return "$" + money(v) })
	d.twins(rows)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">
<title id="t">What attacks get, without and with limits</title>
<desc id="d">Bars on logarithmic scales: the chance to get into an account, and the cost of texts, for each attack and setting; and how well users can be told from nobody by latency. The numbers are in the tables of docs/attacks.md.</desc>
<style>
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2933} .h{font-weight:600;font-size:15px} .g{font-weight:600} .s{fill:#52606d;font-size:12px}
.off{fill:#c2571a} .on{fill:#0b6e6e} .grid{stroke:#e4e7eb} .band{fill:#0b6e6e;opacity:.15} .bg{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#e6edf3} .s{fill:#9fb3c8} .off{fill:#f0883e} .on{fill:#4fd1c5} .grid{stroke:#243040} .band{fill:#4fd1c5} .bg{fill:#0d1117}}
</style>
<rect class="bg" width="%d" height="%d" rx="10"/>
`, width, d.y, width, d.y, width, d.y)
	return b.String() + d.String() + "</svg>\n"
}

// panel draws one bar for each row that has a value.
func (d *drawing) panel(title string, rows []row, least, most float64, value func(row) (float64, bool), text func(float64) string) {
	d.add(`<text class="h" x="20" y="%d">%s</text>`, d.y, title)
	d.y += 12
	at := func(v float64) float64 {
		return labels + (barsEnd-labels)*math.Log(math.Max(v, least)/least)/math.Log(most/least)
	}
	top, body := d.y, new(drawing)
	body.y = d.y
	last := ""
	for _, r := range rows {
		v, ok := value(r)
		if !ok {
			continue
		}
		if r.attack != last {
			body.y += line - 2
			body.add(`<text class="g" x="20" y="%d">%s</text>`, body.y, r.attack)
			last = r.attack
		}
		body.y += line - 2
		class := "on"
		if r.setting == unlimited {
			class = "off"
		}
		body.add(`<text x="36" y="%d">%s</text>`, body.y, r.setting)
		if v > 0 {
			body.add(`<rect class="%s" x="%d" y="%d" width="%.1f" height="14" rx="2"/>`, class, labels, body.y-11, math.Max(at(v)-labels, 2))
		}
		body.add(`<text x="%.1f" y="%d">%s</text>`, at(v)+8, body.y, text(v))
	}
	for v := least; v <= most*1.01; v *= 10 {
		d.add(`<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, at(v), top+8, at(v), body.y+8)
	}
	d.WriteString(body.String())
	d.y = body.y + 24
	d.add(`<text class="s" x="%d" y="%d">each line is ten times the one before</text>`, labels, d.y)
	d.y += 40
}

// twins draws the AUC of each setting, and the band in which it tells nothing.
func (d *drawing) twins(rows []row) {
	d.add(`<text class="h" x="20" y="%d">Telling users from nobody by latency (AUC: 0.5 tells nothing, 1 tells all)</text>`, d.y)
	d.y += 12
	at := func(v float64) float64 { return labels + (barsEnd-labels)*v }
	top, body := d.y, new(drawing)
	body.y = d.y
	for _, r := range rows {
		if r.auc == 0 {
			continue
		}
		body.y += line
		class := "on"
		if r.auc < auc-dev || r.auc > auc+dev {
			class = "off"
		}
		body.add(`<text x="36" y="%d">%s</text><circle class="%s" cx="%.1f" cy="%d" r="6"/><text x="%.1f" y="%d">%.3f</text>`,
			body.y, r.setting, class, at(r.auc), body.y-4, at(r.auc)+28, body.y, r.auc)
	}
	d.add(`<rect class="band" x="%.1f" y="%d" width="%.1f" height="%d"/>`, at(auc-dev), top+4, at(auc+dev)-at(auc-dev), body.y-top+6)
	d.WriteString(body.String())
	d.y = body.y + 26
	d.add(`<text class="s" x="%.1f" y="%d" text-anchor="middle">0.45 to 0.55</text>`, at(auc), d.y)
	d.y += 20
}

const unlimited = "no limits"
