package postauth

import (
	"context"
	"time"
)

// A Look is what is known of app clients.
type Look struct{ f flows }

// NewLook asks a client.
func NewLook(c Client) *Look { return &Look{flows{client: c}} }

// ByCode reports whether users sign in by a code alone.
func (l *Look) ByCode(ctx context.Context, pool, client string) (bool, error) {
	m, err := l.f.of(ctx, pool, client)
	return m == byCode, err
}

// Freeze lets d of wall time pass, while the monotonic clock stands still: what has a
// reading of that clock is compared by it, and is remembered for as long as before.
func (l *Look) Freeze(d time.Duration) {
	for key, a := range l.f.known {
		if a.until == a.until.Round(0) { // without such a reading
			a.until = a.until.Add(-d)
			l.f.known[key] = a
		}
	}
}
