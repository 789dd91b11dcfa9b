// Package names names what a store keeps, so that no store learns who it is about. All
// names come from the counter key, by HMAC-SHA256 (RFC 2104).
package names

import (
	"encoding/base64"

	"github.com/cyber-eternal/customauth/internal/seal"
)

// Names are those of one counter key. They are safe for concurrent use.
type Names struct{ key, decoy *seal.MACs }

// New returns the names of a counter key.
func New(counterKey []byte) Names {
	return Names{seal.NewMACs(counterKey, "store"), seal.NewMACs(counterKey, "decoy")}
}

// Decoy is what stands in for something of a user, where there is none.
func (n Names) Decoy(pool, user string) []byte { return n.decoy.Sum(pool, user) }

// Request is the key for names that a step makes.
func (n Names) Request(pool string) []byte { return n.key.Sum("request", pool) }

// Account is the key of all that is counted for an account, of a kind.
func (n Names) Account(kind, pool, user string) string {
	return kind + ":" + n.short(kind, pool, user)
}

// Destination is the key of a destination over all accounts.
func (n Names) Destination(pool, to string) string { return "to:" + n.short("to", pool, to) }

// Pressure is the key of the pressure on a pool.
func (n Names) Pressure(pool string) string { return "pressure:" + n.short("pressure", pool) }

// Limit is the key of a named limit for a value.
func (n Names) Limit(pool, name, value string) string {
	return "limit:" + n.short("limit", pool, name, value)
}

// Counter names a destination among the counters of an account.
func (n Names) Counter(kind, to string) string {
	return kind + "-" + base64.RawURLEncoding.EncodeToString(n.key.Sum("counter", to)[:9])
}

func (n Names) short(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(n.key.Sum(parts...)[:18])
}
