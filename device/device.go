// Package device knows the devices that a user has signed in on: by a key that the
// browser makes and cannot export (WebCrypto, kept in IndexedDB), or that lies in a
// phone's keystore.
//
//	devices := device.Devices{Credentials: vault}
//	customauth.Options{Known: devices.Known, ...}
//
// With Options.Known, what a known device asks for and answers is counted apart, so
// strangers who use up the limits of an account do not lock its user out. As a step,
// a Devices is passed by a known device: as a way of a OneOf behind a password, it
// saves the code. Devices.Remember enrols one, for an account page, and web/device.js
// is what runs in the browser.
//
// # What a device signs
//
// The app is shown the public parameter "nonce". The device signs the UTF-8 of
// "customauth device\n" and the nonce, by ECDSA on P-256 with SHA-256, and the app
// sends, as ClientMetadata "device" beside an answer or a resend, or as the answer to
// the step,
//
//	ID.SIGNATURE
//
// with the ID that Remember returned, and the signature in base64url without padding:
// the 64 bytes r||s (IEEE P1363), which is what WebCrypto makes. Keystores of Android
// and iOS make ASN.1, which is refused: take r and s out of it, 32 bytes each.
package device

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
)

const (
	// Kind is the kind of the records in the credential.Vault.
	Kind = "device"

	// prefix keeps a signature of a sign-in from being one of anything else.
	prefix = "customauth device\n"

	defaultTTL = 90 * 24 * time.Hour
	maxTTL     = 366 * 24 * time.Hour
	defaultMax = 10
	mostMax    = 50

	// maxID is that of credential.Record.ID, and signature the size of r||s.
	maxID     = 64
	signature = 64

	// maxAnswer bounds an answer to the step: an id, a dot and a signature.
	maxAnswer = 256
)

// Devices are the devices of users. Only Credentials is required. It is safe for
// concurrent use.
//
// As a step, it proves that the sign-in runs where its user signed in before: a
// second factor that is no more than the possession of an unlocked device. Put it
// behind a step that proves something else. No answer to it is a guess.
type Devices struct {
	// Credentials keep the public keys.
	Credentials *credential.Vault

	// TTL is how long a device is known after it was remembered, or remembered again.
	// Default 90 days, at most 366.
	TTL time.Duration

	// Max is how many devices a user can have. One more takes the place of the one
	// that was remembered the longest ago. Default 10, at most 50.
	Max int

	// InsecureAlone allows the step where nothing was proved before it: whoever has
	// the unlocked device, or runs a script in the page, is then signed in. Without it,
	// the constructors of customauth refuse such a chain.
	InsecureAlone bool
}

// errAlone is what an operator reads who puts the step first.
var errAlone = errors.New("device: nothing was proved before this step: put it behind one that proves who the user is, or set InsecureAlone")

// Known reports whether the app has shown, by ClientMetadata "device", that it runs
// on a device of this user's. It is for customauth.Options.Known. Users that the pool
// does not know take as long as others. An error says that the records cannot be read.
func (d Devices) Known(ctx context.Context, r customauth.Request) (bool, error) {
	return d.signed(ctx, r, r.ClientMetadata["device"].Reveal())
}

// signed reports whether a device of the user's signed the nonce of this sign-in. It
// stops early for what the app sent alone; from there on, everybody costs one look at
// the store and one check of a signature.
func (d Devices) signed(ctx context.Context, r customauth.Request, proof string) (bool, error) {
	id, sig, ok := decode(proof)
	if !ok || r.SignIn == "" {
		return false, nil
	}
	list, err := d.load(ctx, credential.Of(r))
	if err != nil {
		return false, err
	}
	key, found := nobody, false
	now := time.Now()
	for _, s := range list {
		if s.record.ID == id && s.valid(now) {
			key, found = s.key, true
		}
	}
	hash := sha256.Sum256([]byte(prefix + r.Nonce()))
	x, y := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	return ecdsa.Verify(key, hash[:], x, y) && found && !r.UserNotFound, nil
}

// decode reads what a device sent.
func decode(proof string) (id string, sig []byte, ok bool) {
	id, text, found := strings.Cut(proof, ".")
	if !found || id == "" || len(id) > maxID || len(text) != base64.RawURLEncoding.EncodedLen(signature) {
		return "", nil, false
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return id, sig, err == nil && len(sig) == signature
}

// nobody is a key whose private part is thrown away: what a signature is checked
// against where there is no device.
var nobody = func() *ecdsa.PublicKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // P-256 always has keys
	}
	return &key.PublicKey
}()

// Issue asks for a signature.
func (d Devices) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	is := customauth.Issued{TTL: 5 * time.Minute, MaxAnswer: maxAnswer, Unguessable: true}
	if !r.Proved && !d.InsecureAlone {
		return customauth.Issued{}, errAlone
	}
	if r.Probe {
		return is, d.validate()
	}
	list, err := d.load(ctx, credential.Of(r))
	if err != nil {
		return customauth.Issued{}, err
	}
	now := time.Now()
	if !slices.ContainsFunc(list, func(s stored) bool { return s.valid(now) }) {
		is.Nobody = errors.New("the user has no device that is remembered")
	}
	return is, nil
}

// Show shows the nonce that is to be signed.
func (d Devices) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	return map[string]string{"nonce": r.Nonce()}, nil
}

// Check reports whether the answer is a signature by one of the user's devices over
// the nonce of this sign-in.
func (d Devices) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	right, err := d.signed(ctx, r, answer)
	return customauth.Checked{Right: right}, err
}

func (d Devices) ttl() time.Duration { return cmp.Or(d.TTL, defaultTTL) }
func (d Devices) max() int           { return cmp.Or(d.Max, defaultMax) }

// validate reports what is wrong with the fields.
func (d Devices) validate() error {
	switch {
	case d.Credentials == nil:
		return errors.New("device: Credentials is required: see credential.New")
	case d.ttl() < time.Minute || d.ttl() > maxTTL:
		return fmt.Errorf("device: TTL must be from a minute to 366 days, not %v", d.TTL)
	case d.max() < 1 || d.max() > mostMax:
		return fmt.Errorf("device: Max must be from 1 to %d, not %d", mostMax, d.Max)
	}
	return nil
}
