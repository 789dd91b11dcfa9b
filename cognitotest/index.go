package cognitotest

import "math/rand/v2"

// An index keeps texts in order, for lists that come in pages: adding, removing
// and seeking take a time that grows with the logarithm of how many there are.
// It is a treap, a search tree that random priorities keep in balance. The zero
// value is empty. It is not safe for concurrent use.
type index struct{ root *indexNode }

type indexNode struct {
	key         string
	priority    uint32
	left, right *indexNode
}

func (x *index) add(key string) {
	if !x.has(key) {
		before, after := split(x.root, key)
		x.root = merge(merge(before, &indexNode{key: key, priority: rand.Uint32()}), after)
	}
}

func (x *index) has(key string) bool {
	n := x.root
	for n != nil && n.key != key {
		if key < n.key {
			n = n.left
		} else {
			n = n.right
		}
	}
	return n != nil
}

func (x *index) remove(key string) {
	at := &x.root
	for *at != nil && (*at).key != key {
		if key < (*at).key {
			at = &(*at).left
		} else {
			at = &(*at).right
		}
	}
	if *at != nil {
		*at = merge((*at).left, (*at).right)
	}
}

// from calls yield with the keys from the first one that is not less than start,
// in order, until yield returns false.
func (x *index) from(start string, yield func(key string) bool) {
	walk(x.root, start, yield)
}

func walk(n *indexNode, start string, yield func(string) bool) bool {
	if n == nil {
		return true
	}
	if start > n.key {
		return walk(n.right, start, yield)
	}
	return walk(n.left, start, yield) && yield(n.key) && walk(n.right, start, yield)
}

// split divides a tree into what is less than key and the rest.
func split(n *indexNode, key string) (before, after *indexNode) {
	if n == nil {
		return nil, nil
	}
	if n.key < key {
		n.right, after = split(n.right, key)
		return n, after
	}
	before, n.left = split(n.left, key)
	return before, n
}

// merge joins two trees of which all keys of the first come before the second's.
func merge(before, after *indexNode) *indexNode {
	switch {
	case before == nil:
		return after
	case after == nil:
		return before
	case before.priority > after.priority:
		before.right = merge(before.right, after)
		return before
	default:
		after.left = merge(before, after.left)
		return after
	}
}
