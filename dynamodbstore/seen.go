package dynamodbstore

// This file remembers what this process has seen last of counters in buckets that have
// one item.

import (
	"slices"
	"sync"
)

// maxSeen is how many counters are remembered. There are few with a Max above 100, and
// what is forgotten costs a request at most.
const maxSeen = 100

// A seen has counters as they were when this process wrote them. Others may have
// written since, so it says only what to try first. The zero value is empty.
type seen struct {
	mu       sync.Mutex
	counters map[counterKey]shard
}

type counterKey struct{ pk, counter string }

// get returns a counter as it was seen last, with all windows of the op, or the zero
// shard. It must not be changed.
func (s *seen) get(pk string, o op) shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.counters[counterKey{pk, o.counter}]
	if slices.ContainsFunc(o.windows, func(w window) bool { return sh.windows[w.per] == nil }) {
		return shard{}
	}
	return sh
}

// put remembers a counter, and forgets another if there are too many.
func (s *seen) put(pk string, o op, sh shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters == nil {
		s.counters = make(map[counterKey]shard)
	}
	key := counterKey{pk, o.counter}
	if _, known := s.counters[key]; !known && len(s.counters) >= maxSeen {
		for other := range s.counters {
			delete(s.counters, other)
			break
		}
	}
	s.counters[key] = sh
}
