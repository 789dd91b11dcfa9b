package cognitotest

// This file is the pool's time.

import (
	"sync/atomic"
	"time"
)

// A Clock is the machine's clock with an offset that a test changes: sessions,
// codes and tokens then expire without anybody's sleeping. The zero value, and
// nil, is the machine's clock. It is safe for concurrent use.
//
// It moves what the pool decides, and what a [Function] of [StartScript] takes
// for the time. Whoever else checks a token goes by a clock of his own: one that
// was issued while the clock was ahead begins in his future.
type Clock struct{ offset atomic.Int64 }

// Now returns the machine's time plus the offset.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Offset()) }

// Offset returns how far the clock is ahead of the machine's.
func (c *Clock) Offset() time.Duration {
	if c == nil {
		return 0
	}
	return time.Duration(c.offset.Load())
}

// Advance moves the clock by d, back if d is negative.
func (c *Clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// Reset makes it the machine's clock again.
func (c *Clock) Reset() { c.offset.Store(0) }

func (p *Pool) now() time.Time { return p.config.Clock.Now() }
