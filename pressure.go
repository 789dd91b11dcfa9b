package customauth

// This file finds out whether a pool is under pressure. Then its codes are longer: see
// Limits.Pressure.

import (
	"context"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth/internal/seal"
)

// pressureSample is one in how many codes is counted, and for how many it counts.
const pressureSample = 16

// maxPressed is how long a process believes in pressure before it asks again.
const maxPressed = time.Minute

// pressures remembers, for each pool, until when it is under pressure.
type pressures struct {
	mu    sync.Mutex
	pools map[string]time.Time
}

func (s *pressures) until(pool string) (until time.Time, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, known = s.pools[pool]
	return until, known
}

func (s *pressures) set(pool string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools == nil || len(s.pools) > 1000 {
		s.pools = make(map[string]time.Time)
	}
	s.pools[pool] = until
}

// codeLength is how many characters a code needs now, as far as this process knows.
func (p *pass) codeLength() int {
	until, _ := p.engine.pressure.until(p.call.Pool)
	if time.Now().Before(until) && !p.engine.InsecureNoLimits {
		return pressedCode
	}
	return minCode
}

// sampled reports whether a code is one of those that count for the pressure. What
// decides is the nonce, which nobody chooses, so that Verify takes back what Create
// counted and nothing else.
func sampled(rec *seal.Record) bool {
	return rec.Length > 0 && rec.Length < pressedCode && rec.Nonce[0]%pressureSample == 0
}

// unsample keeps a code out of the sample: one that was sent to nobody has not counted,
// so a right answer must not take anything back.
func unsample(rec *seal.Record) { rec.Nonce[0] |= 1 }

// press counts a short code that is about to be sent for the pressure, if it is
// sampled, and asks where this process does not know. It does so in the background:
// the result says whether the pool is under pressure, and what was counted.
func (rd *round) press(ctx context.Context, sends bool) (result func() (longer bool, mark []tally, err error)) {
	none := func() (bool, []tally, error) { return false, nil, nil }
	if !sends || rd.is.Unguessable || rd.rec.Length == 0 || rd.rec.Length >= pressedCode {
		return none
	}
	pool := rd.call.Pool
	until, known := rd.engine.pressure.until(pool)
	stale := !known || !until.IsZero() && !time.Now().Before(until)
	if !sampled(rd.rec) && !stale {
		return none
	}
	op := Op{Verb: Look, Counter: "pressure", N: pressureSample, Windows: []Window{rd.engine.Limits.Pressure}}
	if sampled(rd.rec) && !rd.nobody() {
		op.Verb = Count // a made-up name has no code that anybody could guess
	}
	t := tally{rd.engine.names.Pressure(pool), []Op{op}}
	type answer struct {
		found []Found
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		found, err := rd.engine.update(ctx, t)
		done <- answer{found, err}
	}()
	return func() (bool, []tally, error) {
		a := <-done
		if a.err != nil {
			return false, nil, a.err
		}
		if wait := a.found[0].Wait; wait > 0 {
			rd.engine.pressure.set(pool, time.Now().Add(min(wait, maxPressed)))
			return true, nil, nil
		}
		rd.engine.pressure.set(pool, time.Time{})
		return false, []tally{t.undo()}, nil
	}
}
