package plan

// This file reads the table. It consists of 16-bit words, the high byte first:
//
//	0 … 999     for each calling code where its entry is, or 0
//	1000        where the list of countries is
//
// and then, in any order:
//
//	an entry: the node where national numbers begin; the first of its
//	countries in the list; how many there are
//
//	a node: what it has, and then that. Bit 9: an outcome, which holds if the
//	number ends here. Then where the digits lead, one word for each run of
//	digits that lead to the same node; a run begins at 0, and at each digit d
//	whose bit d-1 is set. Node 0 is nothing: no outcome, and no way on.
//
//	an outcome: the country, counted from the entry's first, in the high byte,
//	the kind in the low one
//
//	the list of countries: two letters in a word, to the end; "01" is none
//
// Nodes that are alike are there once, so the whole is a minimal automaton.

import (
	_ "embed"
	"math/bits"
)

//go:embed table.bin
var table string

const (
	listAt     = 1000
	hasOutcome = 1 << 9
	runs       = hasOutcome - 1
)

func word(i int) int { return int(table[2*i])<<8 | int(table[2*i+1]) }

func countries() string { return table[2*word(listAt):] }

// next is the node that a digit leads to.
func next(node int, digit byte) int {
	head := word(node)
	run := bits.OnesCount(uint(head & (1<<digit - 1) & runs))
	return word(node + 1 + head>>9&1 + run)
}

// outcome is what a number is that ends here.
func outcome(node int) (country int, kind Kind) {
	if node == 0 || word(node)&hasOutcome == 0 {
		return 0, NoCountry
	}
	w := word(node + 1)
	return w >> 8, Kind(w & 0xff)
}
