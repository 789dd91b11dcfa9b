package clients_test

// This file is the client's side of SRP-6a, written from RFC 5054 and from what
// the public clients send, and on purpose not from package cognitotest: the two
// must agree without sharing code.

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"
)

// rfc3526Group15 is the prime of 3,072 bits (RFC 3526, section 4, which RFC 5054,
// appendix A, takes over): 2^3072 - 2^3008 - 1 + 2^64 * ([2^2942 pi] + 1690314).
// Its digits are computed from that formula, with pi by Machin's.
func rfc3526Group15() *big.Int {
	two := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	const guard = 64
	arctan := func(x int64) *big.Int { // arctan(1/x) * 2^(2942+guard)
		power := new(big.Int).Div(two(2942+guard), big.NewInt(x))
		sum, square := new(big.Int), big.NewInt(x*x)
		for k := int64(1); power.Sign() > 0; k += 2 {
			term := new(big.Int).Div(power, big.NewInt(k))
			if k%4 == 1 {
				sum.Add(sum, term)
			} else {
				sum.Sub(sum, term)
			}
			power.Div(power, square)
		}
		return sum
	}
	pi := new(big.Int).Mul(arctan(5), big.NewInt(16))
	pi.Sub(pi, new(big.Int).Mul(arctan(239), big.NewInt(4)))
	pi.Rsh(pi, guard).Add(pi, big.NewInt(1690314)).Lsh(pi, 64)

	n := two(3072)
	n.Sub(n, two(3008)).Sub(n, big.NewInt(1))
	return n.Add(n, pi)
}

var prime, generator = rfc3526Group15(), big.NewInt(2)

// An srpClient is one exchange.
type srpClient struct{ a, public *big.Int }

func newSRPClient(t *testing.T) srpClient {
	t.Helper()
	a, err := rand.Int(rand.Reader, prime)
	if err != nil {
		t.Fatal(err)
	}
	return srpClient{a, new(big.Int).Exp(generator, a, prime)}
}

// srpA is the value of SRP_A.
func (c srpClient) srpA() string { return c.public.Text(16) }

// respond makes the responses to the challenge PASSWORD_VERIFIER.
func (c srpClient) respond(t *testing.T, challenge map[string]string, password string) map[string]string {
	t.Helper()
	number := func(name string) *big.Int {
		n, ok := new(big.Int).SetString(challenge[name], 16)
		if !ok {
			t.Fatalf("%s is not hexadecimal", name)
		}
		return n
	}
	b, salt := number("SRP_B"), number("SALT")
	block, err := base64.StdEncoding.DecodeString(challenge["SECRET_BLOCK"])
	if err != nil {
		t.Fatal(err)
	}
	user := strings.TrimPrefix(poolID, region+"_") + challenge["USER_ID_FOR_SRP"]

	k := hashed(signed(prime), signed(generator))
	u := hashed(signed(c.public), signed(b))
	inner := sha256.Sum256([]byte(user + ":" + password))
	x := hashed(signed(salt), inner[:])

	// S = (B - k * g^x) ^ (a + u * x)
	power := new(big.Int).Add(c.a, new(big.Int).Mul(u, x))
	known := new(big.Int).Mul(k, new(big.Int).Exp(generator, x, prime))
	base := new(big.Int).Mod(new(big.Int).Sub(b, known), prime)
	shared := new(big.Int).Exp(base, power, prime)

	// HKDF (RFC 5869) with one block of output, cut to 16 bytes.
	key := sum(sum(signed(u), signed(shared)), []byte("Caldera Derived Key\x01"))[:16]
	now := time.Now().UTC().Format("Mon Jan 2 15:04:05 UTC 2006")
	return map[string]string{
		"USERNAME":                    challenge["USERNAME"],
		"PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
		"PASSWORD_CLAIM_SIGNATURE":    base64.StdEncoding.EncodeToString(sum(key, []byte(user), block, []byte(now))),
		"TIMESTAMP":                   now,
	}
}

// signed is a positive number as two's complement, as the clients hash it.
func signed(n *big.Int) []byte {
	b := make([]byte, n.BitLen()/8+1)
	return n.FillBytes(b)
}

func hashed(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// TestPrime: a prime that is not the group's would show as a wrong password only.
func TestPrime(t *testing.T) {
	if half := new(big.Int).Rsh(prime, 1); prime.BitLen() != 3072 || !prime.ProbablyPrime(2) || !half.ProbablyPrime(2) {
		t.Fatal("not a safe prime of 3,072 bits")
	}
}
