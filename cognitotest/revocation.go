package cognitotest

import (
	"sync"
	"time"
)

// revocations are the IDs of tokens that were taken back, until the tokens would
// have ended anyway. The zero value is ready for use, and safe for concurrent use.
type revocations struct {
	mu      sync.Mutex
	expires map[string]time.Time
	sweep   int // the size at which the expired ones go
}

// add reports whether the ID is new.
func (r *revocations) add(id string, expires time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.expires == nil {
		r.expires = make(map[string]time.Time)
	}
	if _, ok := r.expires[id]; ok {
		return false
	}
	r.expires[id] = expires
	if len(r.expires) > max(r.sweep, 1000) {
		now := time.Now()
		for id, at := range r.expires {
			if !now.Before(at) {
				delete(r.expires, id)
			}
		}
		r.sweep = 2 * len(r.expires)
	}
	return true
}

func (r *revocations) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.expires[id]
	return ok
}
