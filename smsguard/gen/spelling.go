package main

// This file finds second spellings: national numbers that the library changes
// when it reads them, because they begin with a national prefix.

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// A spelling reads a national number as the library does that takes a national
// prefix from it: NationalPrefixForParsing is matched at the start, and what it
// matches is left out or replaced by NationalPrefixTransformRule.
//
// Which of several matches counts is a matter of priority, as in package regexp,
// so a state is a list of threads, the first of which wins.
type spelling struct {
	prog    *syntax.Prog // nil: there is no prefix
	literal string       // of the rule, before the group
	group   uint32       // of the rule, 0 if there is none
	groups  int          // in the pattern

	general *pattern // the numbers of the country, and its first state
	start   int
	length  map[int]bool // lengths with which the change is made
	longest int          // beyond which it is made with every length
}

// What a reading has written so far.
type written struct {
	general int  // state of the general pattern
	length  int  // digits
	same    bool // as the digits that were read
}

// A reading is one thread. Once it has matched, the rest is copied.
type reading struct {
	pc       uint32
	matched  bool
	inside   bool // the group of the rule
	captured bool // the last group took part
	out      written
}

func newSpelling(c country, general *pattern, start int) (*spelling, []reading, error) {
	s := &spelling{general: general, start: start, length: map[int]bool{}}
	desc := c.GetGeneralDesc()
	for _, n := range desc.GetPossibleLength() {
		s.length[int(n)] = true
		s.longest = max(s.longest, int(n))
	}
	for _, n := range desc.GetPossibleLengthLocalOnly() {
		delete(s.length, int(n))
	}
	if c.GetNationalPrefixForParsing() == "" {
		return s, nil, nil
	}
	prog, err := compile(c.GetNationalPrefixForParsing())
	if err != nil {
		return nil, nil, err
	}
	s.prog, s.groups = prog, prog.NumCap/2-1
	if rule := c.GetNationalPrefixTransformRule(); rule != "" {
		literal, group, ok := strings.Cut(rule, "$")
		if !ok || len(group) != 1 || strings.Trim(literal, "0123456789") != "" {
			return nil, nil, fmt.Errorf("%s: the rule %q is not digits and a group", c.id, rule)
		}
		s.literal, s.group = literal, uint32(group[0]-'0')
		if int(s.group) != s.groups {
			return nil, nil, fmt.Errorf("%s: the rule %q does not take the last group", c.id, rule)
		}
	}
	empty := written{general: start, same: true}
	first := reading{out: empty}
	for _, d := range s.literal {
		first.out = s.write(first.out, int(d-'0'), 0)
		first.out.same = false // written before anything was read
	}
	return s, s.add(nil, map[uint32]bool{}, uint32(prog.Start), first), nil
}

// write writes a digit, the position-th that is read.
func (s *spelling) write(w written, digit, position int) written {
	return written{
		general: s.general.read(w.general, digit),
		length:  w.length + 1,
		same:    w.same && w.length == position,
	}
}

// add adds a thread at pc, and those that follow it without reading.
func (s *spelling) add(list []reading, seen map[uint32]bool, pc uint32, r reading) []reading {
	if seen[pc] {
		return list
	}
	seen[pc] = true
	in := s.prog.Inst[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		list = s.add(list, seen, in.Out, r)
		return s.add(list, seen, in.Arg, r)
	case syntax.InstNop:
		return s.add(list, seen, in.Out, r)
	case syntax.InstCapture:
		if in.Arg/2 == uint32(s.groups) && s.groups > 0 {
			r.captured = true
		}
		if s.group > 0 && in.Arg/2 == s.group {
			r.inside = in.Arg%2 == 0
		}
		return s.add(list, seen, in.Out, r)
	case syntax.InstFail:
		return list
	case syntax.InstMatch:
		return append(list, s.match(r))
	}
	r.pc = pc // waits for a digit, or for the end
	return append(list, r)
}

// match is what a thread becomes that has matched.
func (s *spelling) match(r reading) reading {
	if s.group == 0 || !r.captured {
		// Nothing is put in the place of the prefix. It is no change if it was empty.
		return reading{matched: true, out: written{general: s.start, same: true}}
	}
	return reading{matched: true, out: r.out}
}

// read is the list after one more digit, the position-th.
func (s *spelling) read(list []reading, digit, position int) []reading {
	if s.prog == nil {
		return nil
	}
	var next []reading
	seen := map[uint32]bool{}
	for _, r := range list {
		if r.matched {
			r.out = s.write(r.out, digit, position)
			next = append(next, r)
			break // those that follow have a lower priority
		}
		in := s.prog.Inst[r.pc]
		if in.Op == syntax.InstEmptyWidth || !in.MatchRune(rune('0'+digit)) {
			continue
		}
		if r.inside {
			r.out = s.write(r.out, digit, position)
		}
		next = s.add(next, seen, in.Out, r)
	}
	if i := slices.IndexFunc(next, func(r reading) bool { return r.matched }); i >= 0 {
		next = next[:i+1]
	}
	return next
}

// changed reports whether the library reads another number than is written, if
// the number ends here. Valid says that the general pattern knows it as it is.
func (s *spelling) changed(list []reading, valid bool, length int) bool {
	r, ok := s.ended(list)
	if !ok || r.out.same && r.out.length == length {
		return false
	}
	if valid && !s.general.accepts(r.out.general) {
		return false
	}
	return s.length[r.out.length] || r.out.length > s.longest
}

// ended is the thread that wins if the number ends here.
func (s *spelling) ended(list []reading) (reading, bool) {
	for _, r := range list {
		if r.matched {
			return r, true
		}
		in := s.prog.Inst[r.pc]
		if in.Op != syntax.InstEmptyWidth || syntax.EmptyOp(in.Arg)&^(syntax.EmptyEndText|syntax.EmptyEndLine) != 0 {
			continue
		}
		for _, last := range s.add(nil, map[uint32]bool{}, in.Out, r) {
			if last.matched {
				return last, true
			}
		}
	}
	return reading{}, false
}

// appendKey appends what tells this list from others.
func appendKey(key []byte, list []reading) []byte {
	for _, r := range list {
		key = binary.BigEndian.AppendUint32(key, r.pc)
		key = binary.BigEndian.AppendUint32(key, uint32(r.out.general))
		key = append(key, byte(r.out.length), bit(r.matched), bit(r.inside), bit(r.captured), bit(r.out.same))
	}
	return key
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
