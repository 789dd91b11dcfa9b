package dynamodbstore

// SplitAll makes the store split every key, whatever its Max.
func (s *Store) SplitAll() { s.exactMax = 0 }

// ReadItem reads an item as both kinds of counter.
func ReadItem(it item) {
	readCount(it)
	readShard(it)
}
