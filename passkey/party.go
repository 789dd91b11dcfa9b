package passkey

// This file says what a relying party must be, and reads and writes its records.

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
)

func (p RelyingParty) ttl() time.Duration { return cmp.Or(p.TTL, defaultTTL) }

// validate reports what is wrong with the fields.
func (p RelyingParty) validate() error {
	if p.Credentials == nil {
		return errors.New("passkey: Credentials is required: see credential.New")
	}
	if p.ID == "" {
		return errors.New(`passkey: ID is required: the domain that the passkeys are for, such as "example.com"`)
	}
	if len(p.Origins) == 0 {
		return errors.New(`passkey: Origins is required: where the app runs, such as "https://example.com"`)
	}
	for _, o := range p.Origins {
		if protocol.IsOpaqueOrigin(o) {
			continue
		}
		u, err := url.Parse(o)
		if err != nil || u.Scheme+"://"+u.Host != o || strings.ContainsAny(u.Host, "*@") {
			return fmt.Errorf("passkey: the origin %.100q must be a scheme, a host and a port if it is not the usual one, and nothing else", o)
		}
		if u.Scheme != "https" && u.Hostname() != "localhost" {
			return fmt.Errorf("passkey: the origin %.100q must be https: browsers make passkeys nowhere else, but on localhost", o)
		}
	}
	_, err := p.library()
	return err
}

func (p RelyingParty) library() (*webauthn.WebAuthn, error) {
	c := &webauthn.Config{
		RPID:                  p.ID,
		RPDisplayName:         cmp.Or(p.Name, p.ID),
		AttestationPreference: protocol.PreferNoAttestation,
		// Some password managers answer what they were not asked; nothing looks at it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	}
	for _, o := range p.Origins {
		if protocol.IsOpaqueOrigin(o) {
			c.RPOpaqueOrigins = append(c.RPOpaqueOrigins, o)
		} else {
			c.RPOrigins = append(c.RPOrigins, o)
		}
	}
	w, err := webauthn.New(c)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return w, nil
}

// WellKnown is the document that https://ID/.well-known/webauthn must serve, as
// application/json, where Origins has one on another domain than ID
// (https://www.w3.org/TR/webauthn-3/#sctn-related-origins).
func (p RelyingParty) WellKnown() ([]byte, error) {
	var origins []string
	for _, o := range p.Origins {
		if !protocol.IsOpaqueOrigin(o) {
			origins = append(origins, o)
		}
	}
	doc, err := json.Marshal(map[string][]string{"origins": origins})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return doc, nil
}

// stored is a record in the Vault.
type stored struct {
	CredentialID   []byte `json:"id"`
	Key            []byte `json:"key"` // COSE
	Counter        uint32 `json:"counter,omitempty"`
	BackupEligible bool   `json:"be,omitempty"`
	BackedUp       bool   `json:"bs,omitempty"`
	Cloned         bool   `json:"cloned,omitempty"`
	Name           string `json:"name,omitempty"`
	Created        int64  `json:"created"`
	Used           int64  `json:"used,omitempty"`
	SignIn         string `json:"signIn,omitempty"` // that used it last

	record credential.Record
}

func (p RelyingParty) load(ctx context.Context, u credential.User) ([]stored, error) {
	if p.Credentials == nil {
		return nil, errors.New("passkey: Credentials is nil")
	}
	records, err := p.Credentials.List(ctx, u, Kind)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	list := make([]stored, 0, len(records))
	for _, r := range records {
		s := stored{record: r}
		if err := json.Unmarshal([]byte(r.Data.Reveal()), &s); err != nil || len(s.CredentialID) == 0 || len(s.Key) == 0 {
			return nil, errors.New("passkey: a record is none of this package")
		}
		list = append(list, s)
	}
	return list, nil
}

func (p RelyingParty) save(ctx context.Context, u credential.User, s stored) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("passkey: %w", err)
	}
	s.record.Data = customauth.Hide(string(data))
	if _, err = p.Credentials.Put(ctx, u, Kind, s.record); err != nil {
		return fmt.Errorf("passkey: %w", err)
	}
	return nil
}

// account is a user as the library wants one.
type account struct {
	user              credential.User
	name, displayName string
	stored            []stored
}

// WebAuthnID is the user handle. It says nothing of the user
// (https://www.w3.org/TR/webauthn-3/#sctn-user-handle-privacy).
func (a account) WebAuthnID() []byte          { return a.user.Hash("passkey user handle") }
func (a account) WebAuthnName() string        { return a.name }
func (a account) WebAuthnDisplayName() string { return a.displayName }

func (a account) WebAuthnCredentials() []webauthn.Credential {
	var list []webauthn.Credential
	for _, s := range a.stored {
		c := webauthn.Credential{ID: s.CredentialID, PublicKey: s.Key}
		c.Flags.UserPresent, c.Flags.UserVerified = true, true
		c.Flags.BackupEligible, c.Flags.BackupState = s.BackupEligible, s.BackedUp
		c.Authenticator.SignCount = s.Counter
		list = append(list, c)
	}
	return list
}
