package recovery_test

import (
	"crypto/fips140"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/recovery"
)

// TestKit runs the conformance kit: each user has ten codes, and answers the first that
// is left.
func TestKit(t *testing.T) {
	var c recovery.Codes
	var left map[string][]customauth.Secret
	challengetest.Run(t, challengetest.Config{
		New: func(t *testing.T) customauth.Challenge {
			c, left = open(t, credential.NewMemoryStore()), map[string][]customauth.Secret{}
			return c
		},
		Enrol: func(t *testing.T, r customauth.Request) {
			codes, err := c.Generate(t.Context(), credential.Of(r))
			if err != nil {
				t.Fatal(err)
			}
			left[credential.Of(r).Sub] = codes
		},
		Answer: func(_ *testing.T, s challengetest.Shown) string {
			sub := credential.Of(s.Request).Sub
			code := left[sub][0]
			left[sub] = left[sub][1:]
			return code.Reveal()
		},
		Real: fips140.Enforced(), // no random bytes in simulated time
	})
}
