package main

// This file walks through all numbers of a calling code, and joins those that
// nothing tells apart.

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
	"github.com/nyaruka/phonenumbers"
)

// Of E.164: how many digits a number has, its calling code included.
const (
	shortest = 7
	longest  = 15
)

// An outcome is what the library says of a number.
type outcome struct {
	country int // of its calling code's
	kind    plan.Kind
}

// A node is where some digits lead. Nodes that are alike are one.
type node struct {
	outcome outcome // if the number ends here
	next    [10]*node
	id      int
}

// nodes are all there are. The first, nothing, is where no digit leads to a
// number any more.
type nodes struct {
	byKey map[string]*node
	all   []*node
}

func newNodes() *nodes {
	n := &nodes{byKey: map[string]*node{}}
	nothing := &node{}
	for digit := range nothing.next {
		nothing.next[digit] = nothing
	}
	n.unique(nothing)
	return n
}

func (n *nodes) nothing() *node { return n.all[0] }

// unique is the one node that is like this one. A child that is nil is nothing.
func (n *nodes) unique(x *node) *node {
	key := []byte{byte(x.outcome.country), byte(x.outcome.kind)}
	for i, next := range x.next {
		if next == nil {
			x.next[i] = n.nothing()
		}
		key = binary.BigEndian.AppendUint32(key, uint32(x.next[i].id))
	}
	if found, ok := n.byKey[string(key)]; ok {
		return found
	}
	x.id = len(n.all)
	n.byKey[string(key)] = x
	n.all = append(n.all, x)
	return x
}

// A desc is a description of numbers, such as the mobile ones of a country.
type desc struct {
	pattern int // in walker.patterns
	lengths []int32
}

// A territory is a country with its patterns.
type territory struct {
	leading   int // -1: none
	general   desc
	kinds     []kindDesc // in the order in which they are tried
	fixedLine desc
	mobile    desc
	sameLines bool // as mobile: the pattern of fixed lines is the one of both
}

type kindDesc struct {
	kind plan.Kind
	desc
}

// A walker goes through the numbers of one calling code.
type walker struct {
	nodes       *nodes
	code        callingCode
	digits      int // of the calling code
	patterns    []*pattern
	starts      []int
	byExpr      map[string]int
	territories []territory
	spelling    *spelling
	seen        map[string]*node
}

// walk returns the node where the national numbers of a calling code begin.
func walk(n *nodes, code callingCode) (*node, error) {
	w := &walker{nodes: n, code: code, digits: len(fmt.Sprint(code.code)), byExpr: map[string]int{}, seen: map[string]*node{}}
	for _, c := range code.countries {
		t, err := w.territory(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.id, err)
		}
		w.territories = append(w.territories, t)
	}
	main := w.territories[0].general.pattern
	var readings []reading
	var err error
	w.spelling, readings, err = newSpelling(code.countries[0], w.patterns[main], w.starts[main])
	if err != nil {
		return nil, err
	}
	return w.node(slices.Clone(w.starts), readings, 0), nil
}

func (w *walker) territory(c country) (t territory, err error) {
	add := func(expr string, prefix bool) int {
		key := fmt.Sprint(prefix, expr)
		i, ok := w.byExpr[key]
		if ok || err != nil {
			return i
		}
		p, start, e := newPattern(expr, prefix)
		if e != nil {
			err = e
			return 0
		}
		i = len(w.patterns)
		w.byExpr[key] = i
		w.patterns, w.starts = append(w.patterns, p), append(w.starts, start)
		return i
	}
	describe := func(d *phonenumbers.PhoneNumberDesc) desc {
		return desc{add(d.GetNationalNumberPattern(), false), d.GetPossibleLength()}
	}
	t.leading = -1
	if c.GetLeadingDigits() != "" {
		t.leading = add(c.GetLeadingDigits(), true)
	}
	t.general = describe(c.GetGeneralDesc())
	for _, k := range []struct {
		kind plan.Kind
		desc *phonenumbers.PhoneNumberDesc
	}{
		{plan.Premium, c.GetPremiumRate()},
		{plan.TollFree, c.GetTollFree()},
		{plan.SharedCost, c.GetSharedCost()},
		{plan.VoIP, c.GetVoip()},
		{plan.Personal, c.GetPersonalNumber()},
		{plan.Pager, c.GetPager()},
		{plan.UAN, c.GetUan()},
		{plan.Voicemail, c.GetVoicemail()},
	} {
		t.kinds = append(t.kinds, kindDesc{k.kind, describe(k.desc)})
	}
	t.fixedLine, t.mobile = describe(c.GetFixedLine()), describe(c.GetMobile())
	t.sameLines = c.GetSameMobileAndFixedLinePattern()
	return t, err
}

// node is where the digits lead that made these states, and all that follows.
func (w *walker) node(states []int, readings []reading, length int) *node {
	key := []byte{byte(length)}
	for _, s := range states {
		key = binary.BigEndian.AppendUint32(key, uint32(s))
	}
	key = appendKey(key, readings)
	if found, ok := w.seen[string(key)]; ok {
		return found
	}
	x := &node{}
	if w.digits+length >= shortest {
		x.outcome = w.outcome(states, readings, length)
	}
	if w.digits+length < longest {
		for digit := range 10 {
			next := make([]int, len(states))
			for i, s := range states {
				next[i] = w.patterns[i].read(s, digit)
			}
			x.next[digit] = w.node(next, w.spelling.read(readings, digit, length), length+1)
		}
	}
	made := w.nodes.unique(x)
	w.seen[string(key)] = made
	return made
}

// outcome is GetRegionCodeForNumber and GetNumberType of the library, for a
// number that is in its one normal form.
func (w *walker) outcome(states []int, readings []reading, length int) outcome {
	matches := func(d desc) bool {
		return w.patterns[d.pattern].accepts(states[d.pattern]) && (len(d.lengths) == 0 || slices.Contains(d.lengths, int32(length)))
	}
	main := w.territories[0].general.pattern
	if w.spelling.changed(readings, w.patterns[main].accepts(states[main]), length) {
		return outcome{0, plan.NotNormal}
	}
	if len(w.territories) == 1 {
		kind := w.territories[0].kind(matches)
		if kind == plan.Unassigned {
			return outcome{} // as package plan has it where there is but one country
		}
		return outcome{0, kind}
	}
	for i, t := range w.territories {
		kind := t.kind(matches)
		if t.leading >= 0 && w.patterns[t.leading].accepts(states[t.leading]) || t.leading < 0 && kind != plan.Unassigned {
			return outcome{i, kind}
		}
	}
	return outcome{}
}

func (t territory) kind(matches func(desc) bool) plan.Kind {
	if !matches(t.general) {
		return plan.Unassigned
	}
	for _, k := range t.kinds {
		if matches(k.desc) {
			return k.kind
		}
	}
	fixed, mobile := matches(t.fixedLine), matches(t.mobile)
	switch {
	case fixed && (mobile || t.sameLines):
		return plan.FixedLineOrMobile
	case fixed:
		return plan.FixedLine
	case mobile && !t.sameLines:
		return plan.Mobile
	}
	return plan.Unassigned
}
