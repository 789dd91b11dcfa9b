package awsenv

import (
	"crypto/x509"
	"net/http"
	"time"
)

// MaxIdle is how long a connection may rest.
const MaxIdle = maxIdle

// Rest makes the connections as old as after a freeze of d, while the monotonic clock
// stands still: what has a reading of that clock is compared by it, and gets no older.
func (c *Conns) Rest(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used == c.used.Round(0) { // without such a reading
		c.used = c.used.Add(-d)
	}
}

// Trusting returns a client that tries a few roots first, and then all.
func Trusting(few, all *x509.CertPool) *Conns {
	c, d := NewConns(), newDialer()
	d.few, d.all = func() *x509.CertPool { return few }, all
	c.client.Transport.(*http.Transport).DialTLSContext = d.dial
	return c
}

// What finds the roots.
var (
	FindRoots = findRoots
	Pick      = pick
	RootFiles = rootFiles
)
