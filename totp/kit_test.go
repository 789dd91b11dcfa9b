package totp_test

import (
	"crypto/fips140"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/totp"
)

// TestKit runs the conformance kit, behind a password.
func TestKit(t *testing.T) {
	if fips140.Enforced() {
		t.Skip("no random bytes in simulated time")
	}
	var c totp.Codes
	var secrets map[string]customauth.Secret
	challengetest.Run(t, challengetest.Config{
		AfterPassword: true,
		New: func(t *testing.T) customauth.Challenge {
			c, secrets = codes(t, credential.NewMemoryStore()), map[string]customauth.Secret{}
			c.Digits = 8 // so that hardly ever a code of one user is right for another
			return c
		},
		Enrol: func(t *testing.T, r customauth.Request) {
			secrets[credential.Of(r).Sub] = enrol(t, c, credential.Of(r))
			time.Sleep(time.Minute) // the code that enrolled the app is used
		},
		Answer: func(t *testing.T, s challengetest.Shown) string {
			return code(t, secrets[credential.Of(s.Request).Sub], time.Now(), c.Algorithm, c.Digits)
		},
	})
}
