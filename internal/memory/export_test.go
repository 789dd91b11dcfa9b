package memory

// Len is how many keys of a kind are kept.
func (s *Store) Len(kind string) int { return len(s.kinds[kind]) }

// Events is how many events of a key are kept.
func (s *Store) Events(key string) (n int) {
	for _, keys := range s.kinds {
		if it := keys[key]; it != nil {
			for _, c := range it.counters {
				n += len(c.events)
			}
		}
	}
	return n
}
