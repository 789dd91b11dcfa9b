package cognitotest

// This file is SRP-6a as Cognito does it, both sides: the group of 3072 bits
// from RFC 5054, appendix A, SHA-256 for every hash, and the proof as an HMAC
// under a key that HKDF derives with the info "Caldera Derived Key". The public
// clients (AuthenticationHelper in amazon-cognito-identity-js, the srp folder of
// aws-amplify) are the only specification; the tests hold a vector of theirs.

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
)

// srpTimestamp is the layout of TIMESTAMP: English names, the day without a
// leading zero, always UTC.
const srpTimestamp = "Mon Jan 2 15:04:05 UTC 2006"

// srpMaxDigits bounds SRP_A, in hexadecimal digits. A client sends a number
// below N, which has 768.
const srpMaxDigits = 1024

var (
	srpN, _ = new(big.Int).SetString(""+
		"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"+
		"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"+
		"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"+
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"+
		"98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"+
		"9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"+
		"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"+
		"3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"+
		"A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"+
		"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"+
		"D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"+
		"08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF", 16)
	srpG = big.NewInt(2)
	srpK = srpHash(srpPad(srpN), srpPad(srpG))
)

// srpPad is how numbers go into a hash: as the shortest two's complement, so
// with a zero byte in front when the first bit is set.
func srpPad(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

func srpHash(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

// srpNumber reads a public value of the other side. Zero and the multiples of N
// are refused: they make the shared secret known to everybody (RFC 5054, 2.5.4).
func srpNumber(digits string) (*big.Int, error) {
	if len(digits) > srpMaxDigits {
		return nil, errors.New("too long")
	}
	n, err := srpHex(digits)
	if err != nil {
		return nil, err
	}
	if new(big.Int).Mod(n, srpN).Sign() == 0 {
		return nil, errors.New("zero modulo N")
	}
	return n, nil
}

func srpHex(digits string) (*big.Int, error) {
	if len(digits)%2 != 0 {
		digits = "0" + digits
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) == 0 {
		return nil, errors.New("not hexadecimal")
	}
	return new(big.Int).SetBytes(b), nil
}

// srpSecret is the private key x that the password makes.
func srpSecret(poolName, userID, password string, salt *big.Int) *big.Int {
	inner := sha256.Sum256([]byte(poolName + userID + ":" + password))
	return srpHash(srpPad(salt), inner[:])
}

// srpProof is PASSWORD_CLAIM_SIGNATURE, for a shared secret s and u.
func srpProof(s, u *big.Int, poolName, userID string, block []byte, timestamp string) []byte {
	key, err := hkdf.Key(sha256.New, srpPad(s), srpPad(u), "Caldera Derived Key", 16)
	if err != nil {
		panic(err) // only for a key longer than HKDF can make
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(poolName + userID))
	mac.Write(block)
	mac.Write([]byte(timestamp))
	return mac.Sum(nil)
}

// srpEphemeral is a private exponent of 256 bits, the least that RFC 5054 (2.6)
// allows, and the public value that belongs to it.
func srpEphemeral() (private, public *big.Int) {
	private = new(big.Int).SetBytes(random(32))
	return private, new(big.Int).Exp(srpG, private, srpN)
}

// random returns n bytes of crypto/rand, which never fails.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// A verifier is what the pool keeps of a password.
type verifier struct{ salt, v *big.Int }

func newVerifier(poolName, userID, password string) verifier {
	salt := new(big.Int).SetBytes(random(16))
	x := srpSecret(poolName, userID, password, salt)
	return verifier{salt, new(big.Int).Exp(srpG, x, srpN)}
}

// matches reports whether the password is the one that the verifier is of.
func (v *verifier) matches(poolName, userID, password string) bool {
	x := srpSecret(poolName, userID, password, v.salt)
	return hmac.Equal(srpPad(new(big.Int).Exp(srpG, x, srpN)), srpPad(v.v))
}

// srpServer is one PASSWORD_VERIFIER challenge. It is not changed once made.
type srpServer struct {
	verifier
	a, b, private    *big.Int // A and B of the RFC, and the exponent of B
	poolName, userID string
}

func newSRPServer(a *big.Int, v verifier, poolName, userID string) *srpServer {
	private, public := srpEphemeral()
	b := new(big.Int).Mul(srpK, v.v)
	b.Add(b, public).Mod(b, srpN)
	return &srpServer{v, a, b, private, poolName, userID}
}

// check reports whether the signature proves that the client knows the password.
func (s *srpServer) check(block []byte, timestamp, signature string) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	u := srpHash(srpPad(s.a), srpPad(s.b))
	shared := new(big.Int).Exp(s.v, u, srpN)
	shared.Mul(shared, s.a).Exp(shared, s.private, srpN)
	return hmac.Equal(given, srpProof(shared, u, s.poolName, s.userID, block, timestamp))
}

// srpClient is the other side, for SignInSRP.
type srpClient struct{ private, a *big.Int }

func newSRPClient() srpClient {
	private, a := srpEphemeral()
	return srpClient{private, a}
}

// answer makes the responses to a PASSWORD_VERIFIER challenge.
func (c srpClient) answer(parameters map[string]string, poolID, password, timestamp string) (map[string]string, error) {
	b, err := srpNumber(parameters["SRP_B"])
	if err != nil {
		return nil, errors.New("cognitotest: SRP_B: " + err.Error())
	}
	salt, err := srpHex(parameters["SALT"])
	if err != nil {
		return nil, errors.New("cognitotest: SALT: " + err.Error())
	}
	block, err := base64.StdEncoding.DecodeString(parameters["SECRET_BLOCK"])
	if err != nil {
		return nil, errors.New("cognitotest: SECRET_BLOCK is not base64")
	}

	_, poolName, _ := strings.Cut(poolID, "_")
	userID := parameters["USER_ID_FOR_SRP"]
	u := srpHash(srpPad(c.a), srpPad(b))
	x := srpSecret(poolName, userID, password, salt)

	// S = (B - k·g^x)^(a + u·x) mod N
	base := new(big.Int).Exp(srpG, x, srpN)
	base.Mul(base, srpK).Sub(b, base).Mod(base, srpN)
	exponent := new(big.Int).Mul(u, x)
	shared := base.Exp(base, exponent.Add(exponent, c.private), srpN)

	proof := srpProof(shared, u, poolName, userID, block, timestamp)
	return map[string]string{
		"USERNAME":                    parameters["USERNAME"],
		"PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
		"PASSWORD_CLAIM_SIGNATURE":    base64.StdEncoding.EncodeToString(proof),
		"TIMESTAMP":                   timestamp,
	}, nil
}
