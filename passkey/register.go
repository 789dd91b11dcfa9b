package passkey

// This file registers passkeys, and lists, renames and removes them, for a user who
// is signed in. Whoever calls it must know who that is, by a sign-in that is a few
// minutes old at most: a passkey is a way into the account.

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/internal/text"
)

const (
	// maxPasskeys is how many a user can have.
	maxPasskeys = 16

	// maxResponse bounds what Finish reads, in bytes.
	maxResponse = 16 << 10

	// maxName bounds the name of a passkey, in bytes.
	maxName = 64

	registrationTTL = 10 * time.Minute
)

var (
	// ErrResponse: the browser's answer is none to this registration.
	ErrResponse = errors.New("passkey: the answer is not one to this registration")

	// ErrTooMany: the user has as many passkeys as are possible.
	ErrTooMany = fmt.Errorf("passkey: a user can have %d passkeys", maxPasskeys)

	// ErrNotThere: the user has no such passkey (any more).
	ErrNotThere = errors.New("passkey: the user has no such passkey")
)

// A Passkey is one that is registered.
type Passkey struct {
	ID      string    // names it for Rename and Remove
	Name    string    // what the user calls it
	Created time.Time // when it was registered
	Used    time.Time // when it was last used; zero if never
	Synced  bool      // it is kept by a provider, and can be on several devices
	Cloned  bool      // its counter went back once: see ErrCloned
}

func (s stored) passkey() Passkey {
	p := Passkey{ID: s.record.ID, Name: s.Name, Created: time.Unix(s.Created, 0), Synced: s.BackedUp, Cloned: s.Cloned}
	if s.Used > 0 {
		p.Used = time.Unix(s.Used, 0)
	}
	return p
}

// A Session is what the caller keeps between Begin and Finish, where the browser
// cannot change it, and takes away with Finish: it is good for one. It can be JSON.
type Session struct {
	Challenge []byte
	Handle    []byte // of the user
	Expires   time.Time
}

// Begin starts to register a passkey. The options are the JSON that
// PublicKeyCredential.parseCreationOptionsFromJSON takes. The browser shows name,
// which should be what the user signs in with, and displayName beside the passkey.
func (p RelyingParty) Begin(ctx context.Context, u credential.User, name, displayName string) (options []byte, s Session, err error) {
	if err := p.validate(); err != nil {
		return nil, Session{}, err
	}
	w, err := p.library()
	if err != nil {
		return nil, Session{}, err
	}
	list, err := p.load(ctx, u)
	if err != nil {
		return nil, Session{}, err
	}
	if len(list) >= maxPasskeys {
		return nil, Session{}, ErrTooMany
	}
	owner := account{user: u, name: name, displayName: displayName, stored: list}
	var exclude []protocol.CredentialDescriptor
	for _, c := range owner.WebAuthnCredentials() {
		exclude = append(exclude, c.Descriptor())
	}
	creation, session, err := w.BeginRegistration(owner,
		webauthn.WithExclusions(exclude),
		webauthn.WithCredentialParameters(algorithms()),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification:   protocol.VerificationRequired,
		}))
	if err != nil {
		return nil, Session{}, fmt.Errorf("passkey: %w", err)
	}
	challenge, err := base64.RawURLEncoding.DecodeString(session.Challenge)
	if err != nil {
		return nil, Session{}, fmt.Errorf("passkey: %w", err)
	}
	if options, err = json.Marshal(creation.Response); err != nil {
		return nil, Session{}, fmt.Errorf("passkey: %w", err)
	}
	return options, Session{challenge, owner.WebAuthnID(), time.Now().Add(registrationTTL)}, nil
}

// algorithms are those that authenticators have, the preferred one first.
func algorithms() []protocol.CredentialParameter {
	var list []protocol.CredentialParameter
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256} {
		list = append(list, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	return list
}

// Finish registers the passkey that the browser made. The response is
// JSON.stringify(credential.toJSON()), and name what the user calls the passkey, at
// most 64 bytes. Errors wrap ErrResponse or ErrTooMany where the browser or the user
// is the cause.
func (p RelyingParty) Finish(ctx context.Context, u credential.User, s Session, name string, response []byte) (Passkey, error) {
	w, err := p.library()
	if err != nil {
		return Passkey{}, err
	}
	owner := account{user: u}
	if !bytes.Equal(s.Handle, owner.WebAuthnID()) || !time.Now().Before(s.Expires) || len(response) > maxResponse {
		return Passkey{}, ErrResponse
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	made, err := w.CreateCredential(owner, webauthn.SessionData{
		Challenge:        base64.RawURLEncoding.EncodeToString(s.Challenge),
		RelyingPartyID:   p.ID,
		UserID:           s.Handle,
		Expires:          s.Expires,
		UserVerification: protocol.VerificationRequired,
		CredParams:       algorithms(),
	}, parsed)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	list, err := p.load(ctx, u)
	switch {
	case err != nil:
		return Passkey{}, err
	case len(list) >= maxPasskeys:
		return Passkey{}, ErrTooMany
	case slices.ContainsFunc(list, func(s stored) bool { return bytes.Equal(s.CredentialID, made.ID) }):
		return Passkey{}, fmt.Errorf("%w: it is registered already", ErrResponse)
	}
	return p.add(ctx, u, stored{
		CredentialID: made.ID, Key: made.PublicKey, Counter: made.Authenticator.SignCount,
		BackupEligible: made.Flags.BackupEligible, BackedUp: made.Flags.BackupState,
		Name: label(name), Created: time.Now().Unix(),
	})
}

func (p RelyingParty) add(ctx context.Context, u credential.User, s stored) (Passkey, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return Passkey{}, fmt.Errorf("passkey: %w", err)
	}
	if s.record, err = p.Credentials.Put(ctx, u, Kind, credential.Record{Data: customauth.Hide(string(data))}); err != nil {
		return Passkey{}, fmt.Errorf("passkey: %w", err)
	}
	return s.passkey(), nil
}

// label makes a name fit to be shown.
func label(name string) string {
	name = strings.TrimSpace(text.Plain(name))
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// List returns a user's passkeys, the oldest first.
func (p RelyingParty) List(ctx context.Context, u credential.User) ([]Passkey, error) {
	list, err := p.load(ctx, u)
	if err != nil {
		return nil, err
	}
	out := make([]Passkey, 0, len(list))
	for _, s := range list {
		out = append(out, s.passkey())
	}
	slices.SortFunc(out, func(a, b Passkey) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// Rename gives a passkey another name.
func (p RelyingParty) Rename(ctx context.Context, u credential.User, id, name string) error {
	return p.change(ctx, u, id, func(s stored) error {
		s.Name = label(name)
		return p.save(ctx, u, s)
	})
}

// Remove takes a passkey away: nobody signs in with it any more. The browser still
// has it, until the user removes it there or the app calls signalUnknownCredential.
func (p RelyingParty) Remove(ctx context.Context, u credential.User, id string) error {
	return p.change(ctx, u, id, func(s stored) error {
		if err := p.Credentials.Delete(ctx, u, Kind, s.record); err != nil {
			return fmt.Errorf("passkey: %w", err)
		}
		return nil
	})
}

// change does something with a passkey, again if somebody else was faster.
func (p RelyingParty) change(ctx context.Context, u credential.User, id string, do func(stored) error) error {
	for range tries {
		list, err := p.load(ctx, u)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(s stored) bool { return s.record.ID == id })
		if at < 0 {
			return ErrNotThere
		}
		if err = do(list[at]); !errors.Is(err, credential.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("passkey: %w", credential.ErrConflict)
}
