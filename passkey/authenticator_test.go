package passkey_test

// A virtual authenticator: it makes passkeys and signs with them as a browser and a
// phone would, or as they never would.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

type authenticator struct {
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	counter uint32

	// What it does; the zero value of each is what is right.
	origin      string // default https://example.com
	rpID        string // default example.com
	kind        string // clientData.type
	flags       byte   // default user present and verified
	alg         int64  // in the COSE key; default ES256
	attestation string // default "none"
	crossOrigin bool
	challenge   []byte
	wrongKey    bool
}

func newAuthenticator(t testing.TB) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &authenticator{key: key, id: id}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func (a *authenticator) clientData(t testing.TB, kind string, challenge []byte) []byte {
	t.Helper()
	if a.challenge != nil {
		challenge = a.challenge
	}
	data, err := json.Marshal(map[string]any{
		"type": or(a.kind, kind), "challenge": b64(challenge),
		"origin": or(a.origin, "https://example.com"), "crossOrigin": a.crossOrigin,
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

func (a *authenticator) authData(flags byte) []byte {
	hash := sha256.Sum256([]byte(or(a.rpID, "example.com")))
	return binary.BigEndian.AppendUint32(append(hash[:], or(a.flags, present|verified)|flags), a.counter)
}

// CBOR, as much of it as there is here (RFC 8949).
func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 256:
		return []byte{major<<5 | 24, byte(n)}
	default:
		return []byte{major<<5 | 25, byte(n >> 8), byte(n)}
	}
}

func cborInt(n int64) []byte {
	if n < 0 {
		return head(1, uint64(-1-n))
	}
	return head(0, uint64(n))
}
func cborBytes(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }
func cborText(s string) []byte  { return append(head(3, uint64(len(s))), s...) }

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func (a *authenticator) cose(t testing.TB) []byte {
	t.Helper()
	pub, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return join(head(5, 5),
		cborInt(1), cborInt(2), cborInt(3), cborInt(or(a.alg, -7)), cborInt(-1), cborInt(1),
		cborInt(-2), cborBytes(pub[1:33]), cborInt(-3), cborBytes(pub[33:]))
}

// create answers the options of Begin.
func (a *authenticator) create(t testing.TB, options []byte) []byte {
	t.Helper()
	var o struct {
		Challenge string
		User      struct{ ID string }
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	challenge, err1 := base64.RawURLEncoding.DecodeString(o.Challenge)
	handle, err2 := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	a.handle = handle
	data := join(a.authData(attested), make([]byte, 16), []byte{byte(len(a.id) >> 8), byte(len(a.id))}, a.id, a.cose(t))
	object := join(head(5, 3), cborText("fmt"), cborText(or(a.attestation, "none")), cborText("attStmt"), head(5, 0), cborText("authData"), cborBytes(data))
	return marshal(t, map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}},
		"response": map[string]any{
			"clientDataJSON": b64(a.clientData(t, "webauthn.create", challenge)), "attestationObject": b64(object), "transports": []string{"internal"},
		},
	})
}

// get answers the public parameter "publicKey".
func (a *authenticator) get(t testing.TB, publicKey string) string {
	t.Helper()
	var o struct{ Challenge string }
	if err := json.Unmarshal([]byte(publicKey), &o); err != nil {
		t.Fatal(err)
	}
	challenge, err := base64.RawURLEncoding.DecodeString(o.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	client, data := a.clientData(t, "webauthn.get", challenge), a.authData(0)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	key := a.key
	if a.wrongKey {
		key = newAuthenticator(t).key
	}
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return string(marshal(t, map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(a.handle),
		},
	}))
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
