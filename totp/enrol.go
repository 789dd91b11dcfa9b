package totp

// This file enrols authenticator apps, and lists, renames and removes them, for a user who is
// signed in. Whoever calls it must know who that is, by a sign-in that is a few
// minutes old at most: an app is a way into the account.

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/internal/text"
)

const (
	// maxApps is how many a user can have: each makes three more codes right.
	maxApps = 3

	// minSecret is the least size of a secret in bytes (RFC 4226, 4, R6).
	minSecret = 16

	// maxName bounds the name of an app, in bytes.
	maxName = 64

	// tries bounds how often a change is tried again that another one got in the way of.
	tries = 5
)

// encoding is how apps want secrets.
var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

var (
	// ErrCode: the code is not the one that the app shows.
	ErrCode = errors.New("totp: the code is not right")

	// ErrTooMany: the user has as many apps as are possible.
	ErrTooMany = fmt.Errorf("totp: a user can have %d apps", maxApps)

	// ErrNotThere: the user has no such app (any more).
	ErrNotThere = errors.New("totp: the user has no such app")
)

// An Enrolment is a secret that is not in force yet. The caller keeps it between Begin
// and Finish, where nobody else can read it, for some minutes.
type Enrolment struct {
	Secret customauth.Secret // in base32, for who cannot scan
	URI    customauth.Secret // otpauth://…, for a link on a phone
	QR     customauth.Secret // the URI as a PNG of 256 by 256 pixels
}

// Format redacts the enrolment for fmt, whatever the verb.
func (Enrolment) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[redacted]") }

// Begin makes a secret. The app shows account, which should be what the user signs in
// with, under the Issuer.
func (c Codes) Begin(ctx context.Context, u credential.User, account string) (Enrolment, error) {
	if err := c.validate(); err != nil {
		return Enrolment{}, err
	}
	apps, err := c.load(ctx, u)
	if err != nil {
		return Enrolment{}, err
	}
	if len(apps) >= maxApps {
		return Enrolment{}, ErrTooMany
	}
	if c.Issuer == "" || strings.Contains(c.Issuer+account, ":") {
		return Enrolment{}, errors.New("totp: Issuer is required, and neither it nor the account can have a colon")
	}
	algorithm := cmp.Or(c.Algorithm, "SHA1")
	secret := make([]byte, map[string]int{"SHA1": 20, "SHA256": 32, "SHA512": 64}[algorithm]) // RFC 6238, 5.1: the size of the hash
	rand.Read(secret)
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: c.Issuer, AccountName: account, Period: period, Secret: secret,
		Digits: otp.Digits(c.digits()), Algorithm: *algorithms[algorithm],
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("totp: %w", err)
	}
	image, err := key.Image(256, 256)
	if err != nil {
		return Enrolment{}, fmt.Errorf("totp: %w", err)
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, image); err != nil {
		return Enrolment{}, fmt.Errorf("totp: %w", err)
	}
	return Enrolment{customauth.Hide(key.Secret()), customauth.Hide(key.URL()), customauth.Hide(qr.String())}, nil
}

// Finish puts the secret of Begin in force, if the code is what the app shows now:
// otherwise the error wraps ErrCode. Name is what the user calls the app. The code is
// not used up by it.
func (c Codes) Finish(ctx context.Context, u credential.User, secret customauth.Secret, name, code string) (App, error) {
	a := app{
		Secret: secret.Reveal(), Algorithm: cmp.Or(c.Algorithm, "SHA1"), Digits: c.digits(),
		Name: label(name), Created: time.Now().Unix(),
	}
	data, err := json.Marshal(a)
	if err != nil {
		return App{}, fmt.Errorf("totp: %w", err)
	}
	if a, err = decode(credential.Record{Data: customauth.Hide(string(data))}); err != nil {
		return App{}, errors.New("totp: the secret is none of Begin")
	}
	if _, ok := a.find(text.Normalize(code), time.Now()); !ok {
		return App{}, ErrCode
	}
	apps, err := c.load(ctx, u)
	switch {
	case err != nil:
		return App{}, err
	case len(apps) >= maxApps:
		return App{}, ErrTooMany
	case slices.ContainsFunc(apps, func(b app) bool { return secret.Equal(customauth.Hide(b.Secret)) }):
		return App{}, errors.New("totp: the secret is enrolled already")
	}
	if a.record, err = c.Credentials.Put(ctx, u, Kind, a.record); err != nil {
		return App{}, fmt.Errorf("totp: %w", err)
	}
	return a.public(), nil
}

// An App is one that is enrolled.
type App struct {
	ID      string // names it for Rename and Remove
	Name    string
	Created time.Time
}

func (a app) public() App { return App{a.record.ID, a.Name, time.Unix(a.Created, 0)} }

func label(name string) string {
	name = strings.TrimSpace(text.Plain(name))
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return name
}

// List returns a user's apps, the oldest first.
func (c Codes) List(ctx context.Context, u credential.User) ([]App, error) {
	apps, err := c.load(ctx, u)
	if err != nil {
		return nil, err
	}
	list := make([]App, 0, len(apps))
	for _, a := range apps {
		list = append(list, a.public())
	}
	slices.SortFunc(list, func(a, b App) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Rename gives an app another name, at most 64 bytes.
func (c Codes) Rename(ctx context.Context, u credential.User, id, name string) error {
	return c.change(ctx, u, id, func(a app) error {
		a.Name = label(name)
		data, err := json.Marshal(a)
		if err != nil {
			return err
		}
		a.record.Data = customauth.Hide(string(data))
		_, err = c.Credentials.Put(ctx, u, Kind, a.record)
		return err
	})
}

// Remove takes an app away: its codes are right no more.
func (c Codes) Remove(ctx context.Context, u credential.User, id string) error {
	return c.change(ctx, u, id, func(a app) error { return c.Credentials.Delete(ctx, u, Kind, a.record) })
}

// change does something with an app, again if somebody else was faster.
func (c Codes) change(ctx context.Context, u credential.User, id string, do func(app) error) error {
	for range tries {
		apps, err := c.load(ctx, u)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(apps, func(a app) bool { return a.record.ID == id })
		if at < 0 {
			return ErrNotThere
		}
		err = do(apps[at])
		if err == nil {
			return nil
		}
		if !errors.Is(err, credential.ErrConflict) {
			return fmt.Errorf("totp: %w", err)
		}
	}
	return fmt.Errorf("totp: %w", credential.ErrConflict)
}
