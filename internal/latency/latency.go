// Package latency learns how long something takes in this process, and how it
// ends, and draws look-alikes from what it learned.
package latency

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// size is how many of the newest samples are remembered.
const size = 256

// What is drawn before anything was learned: a log-normal distribution with this
// median and this standard deviation of the logarithm. 150 ms is about what an
// SNS Publish takes from a warm function.
const (
	firstMedian = 150 * time.Millisecond
	firstSigma  = 0.4
)

// A Sample is how long one run took, and how it ended.
type Sample struct {
	Took time.Duration
	End  int
	Cut  bool // it was ended by its deadline
}

// Samples remembers the newest runs. The zero value is ready. It is safe for
// concurrent use.
type Samples struct {
	mu   sync.Mutex
	ring [size]Sample
	n    int // how many were ever learned
}

// Learn adds a sample.
func (s *Samples) Learn(x Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring[s.n%size] = x
	s.n++
}

// Draw returns a sample as it could have been: one of the newest, its duration
// blurred in proportion (a kernel density estimate in log space, whose width
// shrinks as more is known), so that no duration shows up twice. The randomness
// decides about waiting times, not about secrets.
func (s *Samples) Draw() Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == 0 {
		return Sample{Took: blur(firstMedian, firstSigma)}
	}
	known := min(s.n, size)
	x := s.ring[rand.IntN(known)]
	x.Took = blur(x.Took, 0.25/math.Cbrt(float64(known)))
	return x
}

func blur(d time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(d) * math.Exp(sigma*rand.NormFloat64()))
}
