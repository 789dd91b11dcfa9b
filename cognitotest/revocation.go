package cognitotest

import (
	"sync"
	"time"
)

// revocations are the IDs of tokens that were taken back or exchanged, until the
// tokens would have ended anyway. The zero value is ready for use, and safe for
// concurrent use.
type revocations struct {
	clock *Clock // nil is the machine's

	mu    sync.Mutex
	ids   map[string]revocation
	sweep int // the size at which the expired ones go
}

type revocation struct {
	ends    time.Time // until then the token can still be used
	expires time.Time // until then it is remembered
}

// add reports whether the ID is new.
func (r *revocations) add(id string, expires time.Time) bool {
	_, known := r.endAt(id, time.Time{}, expires)
	return !known
}

// endAt remembers that a token ends, now or a little later. If that is known
// already, nothing changes, and the end that is known is returned.
func (r *revocations) endAt(id string, ends, expires time.Time) (end time.Time, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids == nil {
		r.ids = make(map[string]revocation)
	}
	if already, ok := r.ids[id]; ok {
		return already.ends, true
	}
	r.ids[id] = revocation{ends, expires}
	if len(r.ids) > max(r.sweep, 1000) {
		now := r.clock.Now()
		for id, at := range r.ids {
			if !now.Before(at.expires) {
				delete(r.ids, id)
			}
		}
		r.sweep = 2 * len(r.ids)
	}
	return ends, false
}

// has reports whether the token has ended.
func (r *revocations) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.ids[id]
	return ok && !r.clock.Now().Before(at.ends)
}
