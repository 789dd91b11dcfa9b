package dynamodbstore

import (
	"math"
	"time"

	"github.com/cyber-eternal/customauth"
)

// WholeAll makes the store keep every counter in buckets of one item, whatever its Max.
func (s *Store) WholeAll() { s.exactMax, s.wholeMax = 0, math.MaxInt }

// SplitAll makes the store split every counter, whatever its Max.
func (s *Store) SplitAll() { s.exactMax, s.wholeMax = 0, 0 }

// MaxSeen is how many counters are remembered, and Seen how many are now.
const MaxSeen = maxSeen

func (s *Store) Seen() int {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return len(s.seen.counters)
}

// Patient gives the store all the time it wants: the machine that runs the tests
// may be busy, and a try that is given up and made again is another test.
func (s *Store) Patient() *Store {
	s.timeout = 2 * time.Minute
	return s
}

// ReadItem reads an item as both kinds of counter.
func ReadItem(it item, counter string) {
	o := op{counter: counter, windows: []window{{5, 3600000}}, n: 1}
	if st, err := readState(it); err == nil {
		found, _ := st.find([]op{o}, 1782907200000)
		o.verb = customauth.Return
		st.apply([]op{o}, found, nil).tidy("account:a", 1782907200000).write()
	}
	if sh, err := readShard(it, o); err == nil {
		sh.roll(o, 1782907200000).find(0, 1, o, 1782907200000)
	}
}
