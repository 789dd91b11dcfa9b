package device_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
)

const pool = "eu-west-1_Ab1Cd2Ef3"

var (
	alice = credential.User{Pool: pool, Sub: "11111111-1111-4111-8111-111111111111"}
	bob   = credential.User{Pool: pool, Sub: "22222222-2222-4222-8222-222222222222"}
)

func vault(t testing.TB, s credential.Store) *credential.Vault {
	t.Helper()
	v, err := credential.New(s, []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func devices(t testing.TB) device.Devices {
	t.Helper()
	return device.Devices{Credentials: vault(t, credential.NewMemoryStore())}
}

// A browser is what holds a key.
type browser struct {
	key *ecdsa.PrivateKey
	id  string
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{key: key}
}

func (b *browser) public(t testing.TB) []byte {
	t.Helper()
	point, err := b.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return point
}

func (b *browser) remember(t testing.TB, d device.Devices, u credential.User, name string) device.Device {
	t.Helper()
	got, err := d.Remember(t.Context(), u, name, b.public(t))
	if err != nil {
		t.Fatal(err)
	}
	b.id = got.ID
	return got
}

// raw signs a text as WebCrypto does.
func (b *browser) raw(t testing.TB, text string) []byte {
	t.Helper()
	hash := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out
}

func proof(id string, sig []byte) string { return id + "." + base64.RawURLEncoding.EncodeToString(sig) }

func (b *browser) proof(t testing.TB, nonce string) string {
	t.Helper()
	return proof(b.id, b.raw(t, "customauth device\n"+nonce))
}

func request(u credential.User, signIn string) customauth.Request {
	return customauth.Request{PoolID: u.Pool, SignIn: signIn, Proved: true, Attributes: map[string]customauth.Secret{"sub": customauth.Hide(u.Sub)}}
}

// known asks twice: as Options.Known, and as a step.
func known(t testing.TB, d device.Devices, r customauth.Request, proof string) bool {
	t.Helper()
	r.ClientMetadata = map[string]customauth.Secret{"device": customauth.Hide(proof)}
	got, err := d.Known(t.Context(), r)
	if err != nil {
		t.Error(err)
	}
	step, err := d.Check(t.Context(), r, proof)
	if err != nil || step.Right != got {
		t.Errorf("Known says %v, and Check %v, %v", got, step.Right, err)
	}
	return got
}

// bubble runs a test in simulated time. Go's random source of FIPS-only mode measures
// real time, and fails in it.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("no random bytes in simulated time")
	}
	synctest.Test(t, test)
}

func TestKnown(t *testing.T) {
	d, mine, other, unregistered := devices(t), newBrowser(t), newBrowser(t), newBrowser(t)
	mine.remember(t, d, alice, "laptop")
	other.remember(t, d, bob, "phone")
	r := request(alice, "1")
	text := "customauth device\n" + r.Nonce()
	hash := sha256.Sum256([]byte(text))
	asn1, err := ecdsa.SignASN1(rand.Reader, mine.key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	flipped := mine.raw(t, text)
	flipped[63] ^= 1
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := ecdsa.SignASN1(rand.Reader, p384, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	unknown := r
	unknown.UserNotFound = true

	tests := []struct {
		name  string
		r     customauth.Request
		proof string
		want  bool
	}{
		{"the user's device", r, mine.proof(t, r.Nonce()), true},
		{"the same call again", r, mine.proof(t, r.Nonce()), true},
		{"of another sign-in", request(alice, "2"), mine.proof(t, r.Nonce()), false},
		{"of another user", r, other.proof(t, r.Nonce()), false},
		{"another user's sign-in", request(bob, "1"), mine.proof(t, request(bob, "1").Nonce()), false},
		{"another device under this id", r, proof(mine.id, other.raw(t, text)), false},
		{"a key that nobody knows", r, proof(mine.id, unregistered.raw(t, text)), false},
		{"an unknown user", unknown, mine.proof(t, r.Nonce()), false},
		{"no sign-in", request(alice, ""), mine.proof(t, request(alice, "").Nonce()), false},
		{"the nonce without the prefix", r, proof(mine.id, mine.raw(t, r.Nonce())), false},
		{"ASN.1", r, proof(mine.id, asn1), false},
		{"a signature of another curve", r, proof(mine.id, long), false},
		{"one bit off", r, proof(mine.id, flipped), false},
		{"zero", r, proof(mine.id, make([]byte, 64)), false},
		{"a short one", r, proof(mine.id, mine.raw(t, text)[:63]), false},
		{"with padding", r, mine.proof(t, r.Nonce()) + "==", false},
		{"an id alone", r, mine.id, false},
		{"an id and a dot", r, mine.id + ".", false},
		{"no id", r, proof("", mine.raw(t, text)), false},
		{"nothing", r, "", false},
		{"a JWT with algorithm none", r, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(r.Nonce())) + ".", false},
		{"noise of 16 KiB", r, strings.Repeat("\xa3", 16<<10), false},
		{"dots of 16 KiB", r, strings.Repeat(".", 16<<10), false},
	}
	for _, tt := range tests {
		if got := known(t, d, tt.r, tt.proof); got != tt.want {
			t.Errorf("%s: known = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRememberKeys(t *testing.T) {
	d, mine := devices(t), newBrowser(t)
	good := mine.public(t)
	off := append([]byte(nil), good...)
	off[64] ^= 1
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	other, err := p384.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	// The generator of secp256k1, which has points of the same size.
	koblitz := append([]byte{4}, fromHex(t, "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"+
		"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")...)
	tests := []struct {
		name string
		key  []byte
		want error
	}{
		{"P-256", good, nil},
		{"P-384", other, device.ErrKey},
		{"secp256k1", koblitz, device.ErrKey},
		{"not on the curve", off, device.ErrKey},
		{"compressed", append([]byte{2}, good[1:33]...), device.ErrKey},
		{"infinity", []byte{0}, device.ErrKey},
		{"nothing", nil, device.ErrKey},
		{"noise", []byte(strings.Repeat("\xa3", 16<<10)), device.ErrKey},
	}
	for _, tt := range tests {
		if _, err := d.Remember(t.Context(), alice, "x", tt.key); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
		}
	}
	if list, err := d.List(t.Context(), alice); len(list) != 1 || err != nil {
		t.Errorf("%d devices, error %v, want the good one", len(list), err)
	}
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	out := make([]byte, len(s)/2)
	if _, err := fmt.Sscanf(s, "%x", &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, b := devices(t), newBrowser(t)
		began := time.Now()
		first := b.remember(t, d, alice, "  lap\u202etop\n")
		want := device.Device{ID: b.id, Name: "laptop", Created: began, Expires: began.Add(90 * 24 * time.Hour)}
		if diff := cmp.Diff(want, first, cmpopts.EquateApproxTime(time.Second)); diff != "" {
			t.Errorf("remembered (-want +got):\n%s", diff)
		}
		time.Sleep(80 * 24 * time.Hour)
		if again := b.remember(t, d, alice, ""); again.ID != first.ID || again.Name != "laptop" || !again.Created.Equal(first.Created) || !again.Expires.After(first.Expires) {
			t.Errorf("remembered again: %v", again)
		}
		time.Sleep(89 * 24 * time.Hour)
		r := request(alice, "1")
		if !known(t, d, r, b.proof(t, r.Nonce())) {
			t.Error("a device that was remembered 89 days ago is not known")
		}
		time.Sleep(24 * time.Hour)
		if known(t, d, r, b.proof(t, r.Nonce())) {
			t.Error("a device that was remembered 90 days ago is known")
		}
		if is, err := d.Issue(t.Context(), r); is.Nobody == nil || err != nil {
			t.Errorf("a step for a user whose devices have expired: %v, %v", is.Nobody, err)
		}
		if list, err := d.List(t.Context(), alice); len(list) != 0 || err != nil {
			t.Errorf("%v, %v, want no device", list, err)
		}
	})
}

func TestRenameForget(t *testing.T) {
	d, a, b := devices(t), newBrowser(t), newBrowser(t)
	a.remember(t, d, alice, "one")
	b.remember(t, d, alice, "two")
	names := func() (names []string) {
		list, err := d.List(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		for _, dev := range list {
			names = append(names, dev.Name)
		}
		return names
	}
	if err := d.Rename(t.Context(), alice, a.id, strings.Repeat("é", 40)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"two", strings.Repeat("é", 32)}, names()); diff != "" {
		t.Errorf("renamed (-want +got):\n%s", diff)
	}
	for name, err := range map[string]error{
		"rename another user's": d.Rename(t.Context(), bob, a.id, "x"),
		"forget another user's": d.Forget(t.Context(), bob, a.id),
		"forget none":           d.Forget(t.Context(), alice, "nothing"),
	} {
		if !errors.Is(err, device.ErrNotThere) {
			t.Errorf("%s: error %v, want ErrNotThere", name, err)
		}
	}
	if err := d.Forget(t.Context(), alice, a.id); err != nil {
		t.Fatal(err)
	}
	r := request(alice, "1")
	if known(t, d, r, a.proof(t, r.Nonce())) || !known(t, d, r, b.proof(t, r.Nonce())) {
		t.Error("want the forgotten device unknown, and the other known")
	}
	if err := d.ForgetAll(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if known(t, d, r, b.proof(t, r.Nonce())) || len(names()) != 0 {
		t.Error("a device is known after ForgetAll")
	}
}

// A user has no more devices than Max, however many are remembered at once; the one
// that was remembered last is among them.
func TestMax(t *testing.T) {
	s := credential.NewMemoryStore()
	d := device.Devices{Credentials: vault(t, s), Max: 4}
	var wg sync.WaitGroup
	for range 30 {
		b, d := newBrowser(t), device.Devices{Credentials: vault(t, s), Max: 4} // each in a process of its own
		wg.Go(func() { b.remember(t, d, alice, "many") })
	}
	wg.Wait()
	last := newBrowser(t)
	last.remember(t, d, alice, "last")
	list, err := d.List(t.Context(), alice)
	if err != nil || len(list) != 4 || list[0].Name != "last" {
		t.Errorf("%d devices, error %v, want 4, the last one first", len(list), err)
	}
}

func TestFields(t *testing.T) {
	v := devices(t).Credentials
	tests := []struct {
		name string
		d    device.Devices
		want string
	}{
		{"zero", device.Devices{}, "device: Credentials is required: see credential.New"},
		{"defaults", device.Devices{Credentials: v}, ""},
		{"TTL", device.Devices{Credentials: v, TTL: time.Second}, "device: TTL must be from a minute to 366 days, not 1s"},
		{"a long TTL", device.Devices{Credentials: v, TTL: 367 * 24 * time.Hour}, "device: TTL must be from a minute to 366 days, not 8808h0m0s"},
		{"Max", device.Devices{Credentials: v, Max: 51}, "device: Max must be from 1 to 50, not 51"},
		{"negative", device.Devices{Credentials: v, Max: -1}, "device: Max must be from 1 to 50, not -1"},
	}
	for _, tt := range tests {
		_, err := tt.d.Issue(t.Context(), customauth.Request{Probe: true, Proved: true})
		if got := text(err); got != tt.want {
			t.Errorf("%s: error %q, want %q", tt.name, got, tt.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAlone(t *testing.T) {
	d, r := devices(t), request(alice, "1")
	r.Proved = false
	if _, err := d.Issue(t.Context(), r); err == nil || !strings.Contains(err.Error(), "InsecureAlone") {
		t.Errorf("error %v, want one that names the field", err)
	}
	o := customauth.Options{
		Keys:  []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")},
		Steps: []customauth.Step{{Name: "device", Challenge: d}},
	}
	if _, err := customauth.NewDefine(o); err == nil || !strings.Contains(err.Error(), "InsecureAlone") {
		t.Errorf("a constructor: error %v, want one that names the field", err)
	}
	d.InsecureAlone = true
	if _, err := d.Issue(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// broken is a store that does not answer.
type broken struct{ credential.Store }

func (broken) List(context.Context, string, string) ([]credential.Item, error) {
	return nil, errors.New("no answer")
}

// Without the store nobody is known, and what the app did not sign costs no look at it.
func TestStoreFails(t *testing.T) {
	d := device.Devices{Credentials: vault(t, broken{})}
	b, r := newBrowser(t), request(alice, "1")
	b.id = "x"
	r.ClientMetadata = map[string]customauth.Secret{"device": customauth.Hide(b.proof(t, r.Nonce()))}
	if got, err := d.Known(t.Context(), r); got || err == nil {
		t.Errorf("known = %v, error %v, want an error", got, err)
	}
	r.ClientMetadata = nil
	if got, err := d.Known(t.Context(), r); got || err != nil {
		t.Errorf("nothing was signed: known = %v, error %v", got, err)
	}
}

func TestContract(t *testing.T) {
	var d device.Devices
	var own map[string]*browser // each user has one
	challengetest.Run(t, challengetest.Config{
		New: func(t *testing.T) customauth.Challenge {
			d, own = devices(t), map[string]*browser{}
			return d
		},
		Enrol: func(t *testing.T, r customauth.Request) {
			b := newBrowser(t)
			b.remember(t, d, credential.Of(r), "browser")
			own[credential.Of(r).Sub] = b
		},
		Answer: func(t *testing.T, s challengetest.Shown) string {
			return own[credential.Of(s.Request).Sub].proof(t, s.Parameters["nonce"])
		},
		Tells:         []string{"nonce"},
		AfterPassword: true,
		Real:          fips140.Enforced(),
	})
}

func FuzzKnown(f *testing.F) {
	d, b, r := devices(f), newBrowser(f), request(alice, "1")
	b.remember(f, d, alice, "x")
	f.Add("")
	f.Add("a.b.c")
	f.Add(b.id + "." + strings.Repeat("A", 86))
	f.Add(b.id + "." + strings.Repeat("_", 86))
	f.Fuzz(func(t *testing.T, proof string) {
		if known(t, d, r, proof) {
			t.Errorf("%q is known", proof)
		}
	})
}

func FuzzRemember(f *testing.F) {
	b := newBrowser(f)
	f.Add("name", b.public(f))
	f.Add("", []byte{4})
	f.Fuzz(func(t *testing.T, name string, key []byte) {
		d := device.Devices{Credentials: vault(t, credential.NewMemoryStore())}
		got, err := d.Remember(t.Context(), alice, name, key)
		if err != nil && !errors.Is(err, device.ErrKey) {
			t.Fatal(err)
		}
		list, listErr := d.List(t.Context(), alice)
		if listErr != nil || (err == nil) != (len(list) == 1) || err == nil && list[0] != got {
			t.Errorf("remembered %v, %v; listed %v, %v", got, err, list, listErr)
		}
	})
}

// What somebody else wrote under the kind is an error, and nobody's device.
func FuzzRecord(f *testing.F) {
	b, r := newBrowser(f), request(alice, "1")
	for _, seed := range []string{``, `null`, `{}`, `{"key":"BA=="}`, `{"key":"BA==","expires":9223372036854775807}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := devices(t)
		if _, err := d.Credentials.Put(t.Context(), alice, device.Kind, credential.Record{ID: "x", Data: customauth.Hide(string(data))}); err != nil {
			t.Skip()
		}
		signed := r
		signed.ClientMetadata = map[string]customauth.Secret{"device": customauth.Hide(proof("x", b.raw(t, "customauth device\n"+r.Nonce())))}
		if got, _ := d.Known(t.Context(), signed); got {
			t.Error("known")
		}
		d.Issue(t.Context(), r)
		d.List(t.Context(), alice)
	})
}
