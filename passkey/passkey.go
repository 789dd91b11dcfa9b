// Package passkey is a step of a sign-in that is passed with a passkey (WebAuthn):
// the proof that cannot be phished, because the browser signs for one site alone.
//
//	party := passkey.RelyingParty{
//		ID: "example.com", Name: "Example", Origins: []string{"https://example.com"},
//		Credentials: vault,
//	}
//	customauth.Options{Steps: []customauth.Step{{Name: "passkey", Challenge: party}}, ...}
//
// RelyingParty.Begin and Finish register passkeys, for an account page.
//
// A sign-in by name is needed: Cognito asks for a user before it calls any trigger,
// so a passkey alone cannot say who signs in.
package passkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
)

const (
	// Kind is the kind of the records in the credential.Vault.
	Kind = "passkey"

	// challengeSize is how many random bytes a challenge has. WebAuthn asks for 16
	// (https://www.w3.org/TR/webauthn-3/#sctn-cryptographic-challenges).
	challengeSize = 32

	// maxAnswer bounds an assertion: an id of 1,023 bytes twice in base64, a signature
	// by RSA, and room for extensions.
	maxAnswer = 8 << 10

	// tries bounds how often a use is tried again that another one got in the way of.
	tries = 5

	defaultTTL = 5 * time.Minute
)

// RelyingParty is who asks for passkeys: the step, and what registers them. ID,
// Origins and Credentials are required; Name too, to register. It is safe for
// concurrent use.
//
// The app is shown "publicKey", the JSON that PublicKeyCredential.
// parseRequestOptionsFromJSON takes. It lists no passkeys: a list would tell who has
// an account. The answer is JSON.stringify(credential.toJSON()). A cancelled one, such
// as {"error":"NotAllowedError"}, is simply not right: no answer to this step is a
// guess, so none uses up anything but a round of the sign-in. Users without a passkey
// see what everybody sees, and no answer of theirs is right.
//
// User verification (a fingerprint, a PIN) is always required.
type RelyingParty struct {
	// ID is the rpId: a domain that all of the passkeys are for, such as "example.com".
	// It cannot be changed later: passkeys are bound to it.
	ID string

	// Name is what a browser or phone calls the site when a passkey is made.
	Name string

	// Origins are where the app runs: "https://app.example.com", or
	// "http://localhost:3000"; a native app for Android is
	// "android:apk-key-hash:…". At least one. Those on another domain than ID are
	// related origins: ID must serve WellKnown.
	Origins []string

	// Credentials keep the passkeys.
	Credentials *credential.Vault

	// TTL is how long a challenge can be answered. Default 5 minutes, at most 10. Let
	// Cognito's session live as long.
	TTL time.Duration
}

// ErrCloned is why an answer is refused whose passkey's counter went back: there may be
// a copy of the key. It is in the log and in customauth.Event.Err. The passkey is
// marked, and answers with a higher counter still pass.
var ErrCloned = errors.New("passkey: the counter went back: there may be a copy of the passkey")

// Issue makes a challenge of 32 random bytes.
func (p RelyingParty) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	challenge := make([]byte, challengeSize)
	rand.Read(challenge)
	is := customauth.Issued{State: string(challenge), TTL: p.ttl(), MaxAnswer: maxAnswer, Unguessable: true}
	if r.Probe {
		return is, p.validate()
	}
	list, err := p.load(ctx, credential.Of(r))
	if err != nil {
		return customauth.Issued{}, err
	}
	if len(list) == 0 {
		is.Nobody = errors.New("the user has no passkey")
	}
	return is, nil
}

// Show shows the options for navigator.credentials.get.
func (p RelyingParty) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	options, err := json.Marshal(map[string]any{
		"challenge":        base64.RawURLEncoding.EncodeToString([]byte(r.State)),
		"rpId":             p.ID,
		"timeout":          p.ttl().Milliseconds(),
		"userVerification": "required",
		"allowCredentials": []string{},
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return map[string]string{"publicKey": string(options)}, nil
}

// Check reports whether the answer is an assertion by one of the user's passkeys, for
// this challenge, from one of the origins, and notes that the passkey was used.
func (p RelyingParty) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	w, err := p.library()
	if err != nil {
		return customauth.Checked{}, err
	}
	u := credential.Of(r)
	parsed, bad := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	for range tries {
		list, err := p.load(ctx, u)
		if err != nil {
			return customauth.Checked{}, err
		}
		if bad != nil || len(r.State) != challengeSize || r.SignIn == "" {
			return customauth.Checked{}, nil
		}
		used, right := p.judge(w, u, r, list, parsed)
		if used == nil {
			return customauth.Checked{Right: right}, nil
		}
		err = p.save(ctx, u, *used)
		if errors.Is(err, credential.ErrConflict) {
			continue // used, renamed or removed by somebody else: look again
		}
		if err != nil {
			return customauth.Checked{}, err
		}
		if !right {
			return customauth.Checked{Why: ErrCloned}, nil
		}
		return customauth.Checked{Right: true}, nil
	}
	return customauth.Checked{}, fmt.Errorf("passkey: %w", credential.ErrConflict)
}

// judge says whether an assertion is right, and which passkey is to be written for it.
func (p RelyingParty) judge(w *webauthn.WebAuthn, u credential.User, r customauth.Request, list []stored, parsed *protocol.ParsedCredentialAssertionData) (*stored, bool) {
	owner := account{user: u, stored: list}
	session := webauthn.SessionData{
		Challenge:        base64.RawURLEncoding.EncodeToString([]byte(r.State)),
		RelyingPartyID:   p.ID,
		UserVerification: protocol.VerificationRequired,
	}
	find := func(_, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, owner.WebAuthnID()) {
			return nil, errors.New("of another user")
		}
		return owner, nil
	}
	_, got, err := w.ValidatePasskeyLogin(find, session, parsed)
	if err != nil {
		return nil, false
	}
	for _, s := range list {
		if !bytes.Equal(s.CredentialID, got.ID) {
			continue
		}
		counter := parsed.Response.AuthenticatorData.Counter
		switch {
		case s.SignIn == r.SignIn && s.Counter == counter:
			return nil, true // Cognito repeats the call
		case got.Authenticator.CloneWarning:
			s.Cloned = true
			return &s, false
		}
		s.SignIn, s.Counter, s.Used, s.BackedUp = r.SignIn, counter, time.Now().Unix(), got.Flags.BackupState
		return &s, true
	}
	return nil, false
}
