package main

// This file makes the numbers of the sign-in page: what web/phones.js knows of
// each country, as lines of text. The file there explains them.

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
	"github.com/nyaruka/phonenumbers"
)

const page = "../../examples/local/web/phones.js"

// makePage puts the lines into the file, between the backquotes.
func makePage(codes []callingCode) ([]byte, error) {
	file, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	const begin, end = "const DATA = `\n", "`;\n"
	head, rest, ok := bytes.Cut(file, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, errors.New(page + " has no place for the data")
	}
	lines, err := pageLines(codes)
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, []byte(begin), []byte(lines), []byte(end), tail), nil
}

// pageLines is one line for each country that numbers can belong to.
func pageLines(codes []callingCode) (string, error) {
	var lines strings.Builder
	for _, code := range codes {
		if code.countries[0].id == plan.World {
			continue
		}
		areas, err := areas(code)
		if err != nil {
			return "", err
		}
		main := code.countries[0]
		for i, c := range code.countries {
			fields := []string{
				c.id, "", short(c.GetInternationalPrefix()),
				short(c.GetGeneralDesc().GetNationalNumberPattern()),
				ranges(c.GetGeneralDesc().GetPossibleLength()), ranges(c.GetGeneralDesc().GetPossibleLengthLocalOnly()),
				areas[i], short(c.GetNationalPrefixForParsing()), c.GetNationalPrefixTransformRule(), "",
			}
			if i == 0 {
				fields[1] = fmt.Sprint(code.code)
				if fields[9], err = formats(c); err != nil {
					return "", err
				}
			} else if c.GetInternationalPrefix() != main.GetInternationalPrefix() {
				return "", fmt.Errorf("%s does not dial abroad as %s does", c.id, main.id)
			}
			if i > 0 || fields[2] == "00" {
				fields[2] = ""
			}
			if i > 0 && fields[4] == ranges(main.GetGeneralDesc().GetPossibleLength()) {
				fields[4] = ""
			}
			line := strings.TrimRight(strings.Join(fields, ";"), ";")
			if strings.ContainsAny(line, "`\\") || strings.Contains(line, "${") {
				return "", fmt.Errorf("%s: %q does not fit into the page", c.id, line)
			}
			lines.WriteString(line + "\n")
		}
	}
	return lines.String(), nil
}

// short writes a pattern in fewer characters: ( for a group, < for one that
// captures, d for a digit.
func short(pattern string) string {
	return strings.NewReplacer("(?:", "(", "(", "<", `\d`, "d").Replace(pattern)
}

// ranges writes lengths as "4-8,10".
func ranges(lengths []int32) string {
	var parts []string
	for i := 0; i < len(lengths); i++ {
		from := lengths[i]
		for i+1 < len(lengths) && lengths[i+1] == lengths[i]+1 {
			i++
		}
		if from == lengths[i] {
			parts = append(parts, fmt.Sprint(from))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", from, lengths[i]))
		}
	}
	return strings.Join(parts, ",")
}

// formats are those of a country, the first that fits a number is its own.
func formats(c country) (string, error) {
	national, international := c.GetNumberFormat(), c.GetIntlNumberFormat()
	var parts []string
	before := "$"
	distinct := len(international) > 0
	for _, f := range national {
		rule := strings.ReplaceAll(cmp.Or(f.GetNationalPrefixFormattingRule(), "$1"), "$1", "$")
		if rule == before {
			rule = ""
		} else {
			before = rule
		}
		intl := "" // as the national one
		if distinct {
			i := slices.IndexFunc(international, func(g *phonenumbers.NumberFormat) bool {
				return g.GetPattern() == f.GetPattern() && leading(g) == leading(f)
			})
			switch {
			case i < 0:
				intl = "!"
			case i > 0:
				return "", fmt.Errorf("%s: its international formats have another order", c.id)
			default:
				if g := international[0].GetFormat(); g != f.GetFormat() {
					intl = cmp.Or(layout(f.GetPattern(), g), "_") // nothing would mean the national one
				}
				international = international[1:]
			}
		}
		fields := []string{
			short(leading(f)), groups(f.GetPattern()), layout(f.GetPattern(), f.GetFormat()), rule, intl,
		}
		parts = append(parts, strings.TrimRight(strings.Join(fields, "@"), "@"))
	}
	if len(international) > 0 {
		return "", fmt.Errorf("%s: an international format has no national one", c.id)
	}
	return strings.Join(parts, ";"), nil
}

func leading(f *phonenumbers.NumberFormat) string {
	all := f.GetLeadingDigitsPattern()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

var group = regexp.MustCompile(`\(\\d(?:\{(\d)(?:,(\d\d?))?\})?\)`)

// groups writes a pattern such as (\d{3})(\d{3,4}) as 3[34].
func groups(pattern string) string {
	if group.ReplaceAllString(pattern, "") != "" {
		if !strings.HasPrefix(pattern, "(") {
			panic("not a group first: " + pattern)
		}
		return short(pattern)
	}
	return group.ReplaceAllStringFunc(pattern, func(s string) string {
		m := group.FindStringSubmatch(s)
		switch {
		case m[1] == "":
			return "1"
		case m[2] == "":
			return m[1]
		}
		return "[" + m[1] + m[2] + "]"
	})
}

// layout writes a format such as "$1-$2 $3" as what stands between its groups,
// "- ", and as one character or none if that is the same everywhere: "-" or, for
// spaces, nothing. Others it leaves alone.
func layout(pattern, format string) string {
	between := ""
	rest := format
	for i := range strings.Count(pattern, "(") - strings.Count(pattern, "(?:") {
		separator, after, ok := strings.Cut(rest, fmt.Sprintf("$%d", i+1))
		if !ok || i == 0 && separator != "" || i > 0 && len(separator) != 1 {
			return format
		}
		between, rest = between+separator, after
	}
	if rest != "" {
		return format
	}
	if strings.Trim(between, " ") == "" {
		return ""
	}
	if strings.Trim(between, between[:1]) == "" {
		return between[:1]
	}
	return between
}

// areas are patterns of the beginnings of each country's numbers, but for the
// first country of a calling code.
func areas(code callingCode) ([]string, error) {
	patterns := make([]string, len(code.countries))
	if len(code.countries) == 1 {
		return patterns, nil
	}
	root, err := walk(newNodes(), code)
	if err != nil {
		return nil, err
	}
	lengths := code.countries[0].GetGeneralDesc().GetPossibleLength()
	for i := range code.countries[1:] {
		patterns[i+1] = area(root, i+1, 0, lengths)
	}
	return patterns, nil
}

// area is a pattern that tells numbers of one country from those of others. It
// ends where what follows can belong to this country alone.
func area(n *node, country, length int, lengths []int32) string {
	ways := map[string]string{} // digits by what follows them
	for digit, next := range n.next {
		who := map[int]bool{}
		owners(next, length+1, lengths, who)
		if !who[country] {
			continue
		}
		follows := ""
		if len(who) > 1 {
			follows = area(next, country, length+1, lengths)
		}
		ways[follows] += fmt.Sprint(digit)
	}
	var all []string
	for follows, digits := range ways {
		all = append(all, class(digits)+follows)
	}
	if len(all) == 1 {
		return all[0]
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return "(" + strings.Join(all, "|") + ")"
}

// class writes digits as a class, such as [2-57].
func class(digits string) string {
	if len(digits) == 1 {
		return digits
	}
	if int(digits[len(digits)-1]-digits[0]) == len(digits)-1 && len(digits) > 2 {
		digits = digits[:1] + "-" + digits[len(digits)-1:]
	}
	return "[" + digits + "]"
}

// owners finds the countries that numbers of these lengths belong to that go on
// from here.
func owners(n *node, length int, lengths []int32, who map[int]bool) {
	if slices.Contains(lengths, int32(length)) && n.outcome.kind > plan.Unassigned {
		who[n.outcome.country] = true
	}
	if n.id == 0 || length >= longest {
		return
	}
	for digit, next := range n.next {
		if digit == 0 || next != n.next[digit-1] {
			owners(next, length+1, lengths, who)
		}
	}
}
