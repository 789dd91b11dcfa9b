package client

// This file is the client's side of SRP-6a as Cognito does it: the group of 3072
// bits from RFC 5054, appendix A, SHA-256 for every hash, and the proof as an HMAC
// under a key that HKDF derives with the info "Caldera Derived Key". The public
// clients (AuthenticationHelper in amazon-cognito-identity-js) are the only
// specification; the tests hold vectors of theirs.
//
// What depends on the password is computed in constant time.

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"filippo.io/bigmod"
)

const (
	// srpTimestamp is the layout of TIMESTAMP: English names, the day without a
	// leading zero, always UTC.
	srpTimestamp = "Mon Jan 2 15:04:05 UTC 2006"

	srpModulus = "" +
		"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74" +
		"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437" +
		"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05" +
		"98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB" +
		"9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
		"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718" +
		"3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33" +
		"A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
		"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864" +
		"D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2" +
		"08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"
)

var (
	srpN, _ = hex.DecodeString(srpModulus)
	srpG    = []byte{2}
	srpK    = srpHash(srpPad(srpN), srpPad(srpG))
	srpMod  = modulus(srpN)
)

func modulus(n []byte) *bigmod.Modulus {
	m, err := bigmod.NewModulus(n)
	if err != nil {
		panic(err) // not for this constant
	}
	return m
}

// A prover proves that it knows a password. It is used once.
type prover struct{ private, a []byte }

// newProver has an exponent of 256 bits, the least that RFC 5054 (2.5.4) allows.
func newProver() prover {
	private := make([]byte, 32)
	rand.Read(private) // never fails
	return proverOf(private)
}

func proverOf(private []byte) prover {
	return prover{private, power(number(srpG), private).Bytes(srpMod)}
}

// public is SRP_A.
func (p prover) public() string { return hex.EncodeToString(p.a) }

// respond makes the responses to a PASSWORD_VERIFIER challenge.
func (p prover) respond(parameters map[string]string, poolName, password string, now time.Time) (map[string]string, error) {
	b, err := srpHex(parameters["SRP_B"])
	if err != nil {
		return nil, errors.New("SRP_B " + err.Error())
	}
	salt, err := srpHex(parameters["SALT"])
	if err != nil {
		return nil, errors.New("SALT " + err.Error())
	}
	block, err := base64.StdEncoding.DecodeString(parameters["SECRET_BLOCK"])
	if err != nil {
		return nil, errors.New("SECRET_BLOCK is not base64")
	}
	id := parameters["USER_ID_FOR_SRP"]
	key, err := p.key(b, salt, poolName+id, password)
	if err != nil {
		return nil, err
	}

	timestamp := now.UTC().Format(srpTimestamp)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(poolName + id))
	mac.Write(block)
	mac.Write([]byte(timestamp))
	return map[string]string{
		"USERNAME":                    parameters["USERNAME"],
		"PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
		"PASSWORD_CLAIM_SIGNATURE":    base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"TIMESTAMP":                   timestamp,
	}, nil
}

// key is what both sides know if the password is right: of
//
//	S = (B - k·g^x)^(a + u·x) mod N
//
// which is computed as base^a · (base^u)^x, so that no exponent's length tells of x.
func (p prover) key(b, salt []byte, identity, password string) ([]byte, error) {
	// B = 0 would make the secret known to everybody (RFC 5054, 2.5.3).
	if len(b) == 0 || len(b) > len(srpN) {
		return nil, errors.New("SRP_B is out of range")
	}
	base, err := bigmod.NewNat().SetBytes(widen(b), srpMod)
	if err != nil {
		return nil, errors.New("SRP_B is out of range")
	}
	inner := sha256.Sum256([]byte(identity + ":" + password))
	x := srpHash(srpPad(salt), inner[:])
	u := srpHash(srpPad(strip(p.a)), srpPad(b))

	masked := power(number(srpG), x)
	masked.Mul(number(srpK), srpMod)
	base.Sub(masked, srpMod)

	shared := power(base, p.private)
	shared.Mul(power(power(base, u), x), srpMod)
	return hkdf.Key(sha256.New, srpPad(strip(shared.Bytes(srpMod))), srpPad(strip(u)), "Caldera Derived Key", 16)
}

func power(base *bigmod.Nat, exponent []byte) *bigmod.Nat {
	return bigmod.NewNat().Exp(base, exponent, srpMod)
}

// number is a number below N.
func number(b []byte) *bigmod.Nat {
	n, err := bigmod.NewNat().SetBytes(widen(b), srpMod)
	if err != nil {
		panic(err) // g and hashes are shorter than N
	}
	return n
}

// widen puts zeros in front until the number is as long as N.
func widen(b []byte) []byte {
	wide := make([]byte, len(srpN))
	copy(wide[len(wide)-len(b):], b)
	return wide
}

// strip takes zeros in front away.
func strip(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// srpPad is how a number without zeros in front goes into a hash: as the shortest
// two's complement, so with a zero byte in front when the first bit is set.
func srpPad(b []byte) []byte {
	if len(b) == 0 || b[0]&0x80 != 0 {
		return append([]byte{0}, b...)
	}
	return b
}

func srpHash(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// srpHex reads a number of the service's, which may have an odd number of digits,
// without zeros in front.
func srpHex(digits string) ([]byte, error) {
	digits = strings.TrimLeft(digits, "0")
	if len(digits)%2 != 0 {
		digits = "0" + digits
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("is not hexadecimal")
	}
	return b, nil
}
