package passkey_test

import (
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/passkey"
)

// TestKit runs the conformance kit: each user has a passkey in an authenticator of his
// own.
func TestKit(t *testing.T) {
	var p passkey.RelyingParty
	var own map[string]*authenticator
	challengetest.Run(t, challengetest.Config{
		Tells: []string{"publicKey"}, // the challenge in it is random
		New: func(t *testing.T) customauth.Challenge {
			p, own = party(t, credential.NewMemoryStore()), map[string]*authenticator{}
			return p
		},
		Enrol: func(t *testing.T, r customauth.Request) {
			u := credential.Of(r)
			own[u.Sub] = register(t, p, u)
		},
		Answer: func(t *testing.T, s challengetest.Shown) string {
			return own[credential.Of(s.Request).Sub].get(t, s.Parameters["publicKey"])
		},
	})
}
