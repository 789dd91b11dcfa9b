package dynamodbstore

import "time"

// SplitAll makes the store split every key, whatever its Max.
func (s *Store) SplitAll() { s.exactMax = 0 }

// Patient gives the store all the time it wants: the machine that runs the tests
// may be busy, and a try that is given up and made again is another test.
func (s *Store) Patient() *Store {
	s.timeout = 2 * time.Minute
	return s
}

// ReadItem reads an item as both kinds of counter.
func ReadItem(it item) {
	readCount(it)
	readShard(it)
}
