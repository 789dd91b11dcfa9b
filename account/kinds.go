package account

// This file says what can be done with each kind of thing that users enrol, and seals
// what the browser keeps between the beginning and the end.

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
	"github.com/cyber-eternal/customauth/passkey"
	"github.com/cyber-eternal/customauth/totp"
)

// A kind is what can be listed and changed under one path.
type kind struct {
	list  func(ctx context.Context, u credential.User) (any, error)
	verbs map[string]func(ctx context.Context, c call) (any, error)
}

func (h *handler) newKinds() map[string]kind {
	kinds := make(map[string]kind)
	if h.Passkeys != nil {
		kinds["passkeys"] = h.passkeys()
	}
	if h.Apps != nil {
		kinds["apps"] = h.apps()
	}
	if h.Recovery != nil {
		kinds["recovery-codes"] = h.recovery()
	}
	if h.Devices != nil {
		kinds["devices"] = h.devices()
	}
	return kinds
}

// An item is something that a user has.
type item struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	Synced  bool       `json:"synced,omitempty"`
	Cloned  bool       `json:"cloned,omitempty"`
}

func items[T any](list []T, err error, show func(T) item) (any, error) {
	if err != nil {
		return nil, err
	}
	out := make([]item, 0, len(list))
	for _, t := range list {
		out = append(out, show(t))
	}
	return out, nil
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func showPasskey(p passkey.Passkey) item {
	return item{ID: p.ID, Name: p.Name, Created: p.Created.UTC(), Used: at(p.Used), Synced: p.Synced, Cloned: p.Cloned}
}

func showApp(a totp.App) item { return item{ID: a.ID, Name: a.Name, Created: a.Created.UTC()} }

func showDevice(d device.Device) item {
	return item{ID: d.ID, Name: d.Name, Created: d.Created.UTC(), Expires: at(d.Expires)}
}

func (h *handler) passkeys() kind {
	p := h.Passkeys
	return kind{
		list: func(ctx context.Context, u credential.User) (any, error) {
			list, err := p.List(ctx, u)
			return items(list, err, showPasskey)
		},
		verbs: map[string]func(context.Context, call) (any, error){
			"begin": func(ctx context.Context, c call) (any, error) {
				options, s, err := p.Begin(ctx, c.user, c.name, c.name)
				if err != nil {
					return nil, err
				}
				session, err := h.seal(c.user, "passkeys", s)
				return map[string]any{"publicKey": json.RawMessage(options), "session": session}, err
			},
			"add": func(ctx context.Context, c call) (any, error) {
				var s passkey.Session
				if err := h.open(ctx, c, "passkeys", 1, &s); err != nil {
					return nil, err
				}
				made, err := p.Finish(ctx, c.user, s, c.body.Name, c.body.Response)
				return showPasskey(made), err
			},
			"rename": func(ctx context.Context, c call) (any, error) { return nil, p.Rename(ctx, c.user, c.id, c.body.Name) },
			"remove": func(ctx context.Context, c call) (any, error) { return nil, p.Remove(ctx, c.user, c.id) },
		},
	}
}

func (h *handler) apps() kind {
	return kind{
		list: func(ctx context.Context, u credential.User) (any, error) {
			list, err := h.Apps.List(ctx, u)
			return items(list, err, showApp)
		},
		verbs: map[string]func(context.Context, call) (any, error){
			"begin": func(ctx context.Context, c call) (any, error) {
				e, err := h.Apps.Begin(ctx, c.user, strings.ReplaceAll(c.name, ":", ""))
				if err != nil {
					return nil, err
				}
				session, err := h.seal(c.user, "apps", e.Secret.Reveal())
				return map[string]any{
					"secret": e.Secret.Reveal(), "uri": e.URI.Reveal(), "session": session,
					"qr": "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(e.QR.Reveal())),
				}, err
			},
			"add": func(ctx context.Context, c call) (any, error) {
				var secret string
				if err := h.open(ctx, c, "apps", 5, &secret); err != nil { // people mistype
					return nil, err
				}
				made, err := h.Apps.Finish(ctx, c.user, customauth.Hide(secret), c.body.Name, c.body.Code)
				return showApp(made), err
			},
			"rename": func(ctx context.Context, c call) (any, error) {
				return nil, h.Apps.Rename(ctx, c.user, c.id, c.body.Name)
			},
			"remove": func(ctx context.Context, c call) (any, error) { return nil, h.Apps.Remove(ctx, c.user, c.id) },
		},
	}
}

func (h *handler) recovery() kind {
	return kind{
		list: func(ctx context.Context, u credential.User) (any, error) {
			left, err := h.Recovery.Left(ctx, u)
			return map[string]int{"left": left}, err
		},
		verbs: map[string]func(context.Context, call) (any, error){
			"add": func(ctx context.Context, c call) (any, error) {
				codes, err := h.Recovery.Generate(ctx, c.user)
				list := make([]string, len(codes))
				for i, code := range codes {
					list[i] = code.Reveal()
				}
				return map[string][]string{"codes": list}, err
			},
			"remove all": func(ctx context.Context, c call) (any, error) { return nil, h.Recovery.Remove(ctx, c.user) },
		},
	}
}

func (h *handler) devices() kind {
	d := h.Devices
	return kind{
		list: func(ctx context.Context, u credential.User) (any, error) {
			list, err := d.List(ctx, u)
			return items(list, err, showDevice)
		},
		verbs: map[string]func(context.Context, call) (any, error){
			"add": func(ctx context.Context, c call) (any, error) {
				key, err := base64.RawURLEncoding.DecodeString(c.body.Key)
				if err != nil {
					return nil, errBody
				}
				made, err := d.Remember(ctx, c.user, c.body.Name, key)
				return showDevice(made), err
			},
			"rename":     func(ctx context.Context, c call) (any, error) { return nil, d.Rename(ctx, c.user, c.id, c.body.Name) },
			"remove":     func(ctx context.Context, c call) (any, error) { return nil, d.Forget(ctx, c.user, c.id) },
			"remove all": func(ctx context.Context, c call) (any, error) { return nil, d.ForgetAll(ctx, c.user) },
		},
	}
}

const (
	minKey = 32

	// sessionTTL is how long an enrolment may take.
	sessionTTL = 10 * time.Minute
)

var errSession = errors.New("account: the enrolment is over, or none of this user's")

func newAEAD(key customauth.Secret) (cipher.AEAD, error) {
	if len(key.Reveal()) < minKey {
		return nil, fmt.Errorf("account: Key must have %d bytes from a random source (openssl rand -base64 32), not %d", minKey, len(key.Reveal()))
	}
	raw, err := hkdf.Key(sha256.New, []byte(key.Reveal()), nil, "customauth account session 1", 32)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealed is what the browser keeps, and cannot read.
type sealed struct {
	ID      []byte          `json:"id"`
	Expires int64           `json:"expires"`
	Data    json.RawMessage `json:"data"`
}

// bound ties what is sealed to its user and kind.
func bound(u credential.User, kind string) []byte {
	return append(u.Hash("account session"), kind...)
}

func (h *handler) seal(u credential.User, kind string, v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	s := sealed{ID: make([]byte, 16), Expires: time.Now().Add(sessionTTL).Unix(), Data: data}
	rand.Read(s.ID)
	if data, err = json.Marshal(s); err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(h.aead.Seal(nil, nil, data, bound(u, kind))), nil
}

// open opens what was sealed, so many times at most.
func (h *handler) open(ctx context.Context, c call, kind string, times int, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(c.body.Session)
	if err != nil {
		return errSession
	}
	data, err := h.aead.Open(nil, nil, raw, bound(c.user, kind))
	if err != nil {
		return errSession
	}
	var s sealed
	if json.Unmarshal(data, &s) != nil || time.Now().Unix() >= s.Expires || json.Unmarshal(s.Data, v) != nil {
		return errSession
	}
	wait, err := h.count(ctx, "session", string(s.ID), customauth.Window{Max: times, Per: 2 * sessionTTL})
	if err == nil && wait > 0 {
		return errSession
	}
	return err
}
