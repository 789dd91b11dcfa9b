package awsenv

import "time"

// MaxIdle is how long a connection may rest.
const MaxIdle = maxIdle

// Rest makes the connections as old as after a rest of d.
func (c *Conns) Rest(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = c.used.Add(-d)
}
