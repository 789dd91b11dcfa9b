package main

// This file writes the table that package plan reads, and explains.

import (
	"fmt"
)

const (
	entriesAt = 1001
	listAt    = 1000
)

// makeTable makes the table of all numbers.
func makeTable(codes []callingCode) ([]byte, error) {
	all := newNodes()
	words := make([]int, entriesAt)
	var roots []*node
	var list string
	for _, c := range codes {
		root, err := walk(all, c)
		if err != nil {
			return nil, fmt.Errorf("calling code %d: %w", c.code, err)
		}
		roots = append(roots, root)
		words[c.code] = len(words)
		words = append(words, 0, len(list)/2, len(c.countries))
		for _, country := range c.countries {
			list += country.id[len(country.id)-2:] // of "001", "01"
		}
	}

	// Where each node is comes first: they refer to each other.
	at := make([]int, len(all.all))
	size := len(words)
	for _, n := range all.all[1:] {
		at[n.id] = size
		size += len(nodeWords(n, at))
	}
	for i, c := range codes {
		words[words[c.code]] = at[roots[i].id]
	}
	for _, n := range all.all[1:] {
		words = append(words, nodeWords(n, at)...)
	}
	words[listAt] = len(words)

	table := make([]byte, 0, 2*len(words)+len(list))
	for _, w := range words {
		if w > 0xffff {
			return nil, fmt.Errorf("the table has outgrown words of 16 bits: %d of them", len(words))
		}
		table = append(table, byte(w>>8), byte(w))
	}
	return append(table, list...), nil
}

func nodeWords(n *node, at []int) []int {
	words := []int{0}
	if n.outcome != (outcome{}) {
		words[0] |= 1 << 9
		words = append(words, n.outcome.country<<8|int(n.outcome.kind))
	}
	for digit, next := range n.next {
		if digit > 0 && next == n.next[digit-1] {
			continue
		}
		if digit > 0 {
			words[0] |= 1 << (digit - 1)
		}
		words = append(words, at[next.id])
	}
	return words
}
