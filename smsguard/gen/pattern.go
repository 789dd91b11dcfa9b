package main

// This file turns patterns of the metadata into automata that read a number
// digit by digit.

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
)

// A pattern is a deterministic automaton that is built as far as it is used.
// State 0 is the one from which nothing matches any more.
type pattern struct {
	prog   *syntax.Prog
	prefix bool // matches what begins with it, not only the whole
	ids    map[string]int
	states []patternState
}

type patternState struct {
	threads []uint32 // instructions that wait for a digit
	accepts bool
	next    [10]int // state + 1, 0 if not known yet
}

func compile(expr string) (*syntax.Prog, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return syntax.Compile(re.Simplify())
}

// newPattern compiles a pattern and returns its first state with it.
func newPattern(expr string, prefix bool) (*pattern, int, error) {
	prog, err := compile(expr)
	if err != nil {
		return nil, 0, err
	}
	for _, in := range prog.Inst {
		if in.Op == syntax.InstEmptyWidth {
			return nil, 0, fmt.Errorf("%q has an assertion inside", expr)
		}
	}
	p := &pattern{prog: prog, prefix: prefix, ids: map[string]int{}}
	p.state(nil, false)
	threads, accepts := p.close(nil, uint32(prog.Start), false)
	return p, p.state(threads, accepts), nil
}

// close adds an instruction, and what follows it without reading.
func (p *pattern) close(threads []uint32, pc uint32, accepts bool) ([]uint32, bool) {
	in := p.prog.Inst[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		threads, accepts = p.close(threads, in.Out, accepts)
		return p.close(threads, in.Arg, accepts)
	case syntax.InstCapture, syntax.InstNop:
		return p.close(threads, in.Out, accepts)
	case syntax.InstMatch:
		return threads, true
	case syntax.InstFail:
		return threads, accepts
	}
	if !slices.Contains(threads, pc) {
		threads = append(threads, pc)
	}
	return threads, accepts
}

func (p *pattern) state(threads []uint32, accepts bool) int {
	if p.prefix && accepts {
		threads = nil
	}
	slices.Sort(threads)
	key := make([]byte, 0, 4*len(threads)+1)
	for _, t := range threads {
		key = binary.BigEndian.AppendUint32(key, t)
	}
	if accepts {
		key = append(key, 1)
	}
	id, ok := p.ids[string(key)]
	if !ok {
		id = len(p.states)
		p.ids[string(key)] = id
		p.states = append(p.states, patternState{threads: threads, accepts: accepts})
	}
	return id
}

func (p *pattern) accepts(state int) bool { return p.states[state].accepts }

// read is the state after one more digit.
func (p *pattern) read(state int, digit int) int {
	s := p.states[state]
	if p.prefix && s.accepts || state == 0 {
		return state
	}
	if s.next[digit] > 0 {
		return s.next[digit] - 1
	}
	var threads []uint32
	accepts := false
	for _, pc := range s.threads {
		if in := p.prog.Inst[pc]; in.MatchRune(rune('0' + digit)) {
			threads, accepts = p.close(threads, in.Out, accepts)
		}
	}
	next := p.state(threads, accepts)
	p.states[state].next[digit] = next + 1
	return next
}
