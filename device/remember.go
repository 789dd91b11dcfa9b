package device

// This file remembers devices, and lists, renames and forgets them, for a user who is
// signed in. Whoever calls it must know who that is.

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/internal/text"
)

const (
	// maxName bounds the name of a device, in bytes.
	maxName = 64

	// tries bounds how often a change is tried again that another one got in the way of.
	tries = 5
)

var (
	// ErrKey: the key is not a public key on P-256, uncompressed.
	ErrKey = errors.New("device: the key must be the 65 bytes of an uncompressed point on P-256")

	// ErrNotThere: the user has no such device (any more).
	ErrNotThere = errors.New("device: the user has no such device")
)

// A Device is one that is remembered.
type Device struct {
	ID      string    // names it for Rename and Forget, and in what it sends
	Name    string    // what the user calls it
	Created time.Time // when it was remembered first
	Expires time.Time // when it is not known any more
}

// Remember makes a device known, from now on until TTL is over. The key is the point
// on P-256, uncompressed (SEC 1, 2.3.3; 65 bytes that begin with 4): what WebCrypto
// exports as "raw", what iOS has as the external representation, and what the last 65
// bytes of Android's encoded key are. Anything else is ErrKey. Name is what the user
// calls the device, at most 64 bytes.
//
// A key that the user has already is remembered for longer, under the same ID, with
// the new name if there is one. So a page may call it after every sign-in. Call it
// only after a sign-in that was passed in full, a few minutes ago at most.
func (d Devices) Remember(ctx context.Context, u credential.User, name string, key []byte) (Device, error) {
	if err := d.validate(); err != nil {
		return Device{}, err
	}
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key); err != nil {
		return Device{}, ErrKey
	}
	for range tries {
		list, err := d.load(ctx, u)
		if err != nil {
			return Device{}, err
		}
		now := time.Now()
		s := stored{Key: key, Created: now.Unix()}
		if i := slices.IndexFunc(list, func(s stored) bool { return slices.Equal(s.Key, key) }); i >= 0 {
			s = list[i]
		}
		s.Name = cmp.Or(label(name), s.Name)
		s.Renewed, s.Expires = now.UnixNano(), now.Add(d.ttl()).Unix()
		s, err = d.save(ctx, u, s)
		if errors.Is(err, credential.ErrConflict) {
			continue // renamed, renewed or forgotten by somebody else: look again
		}
		if err != nil {
			return Device{}, err
		}
		return s.device(), d.prune(ctx, u)
	}
	return Device{}, fmt.Errorf("device: %w", credential.ErrConflict)
}

// prune forgets devices that have expired and those that are too many. It runs after
// each one that was added, so of several at once the last one sees them all.
func (d Devices) prune(ctx context.Context, u credential.User) error {
	list, err := d.load(ctx, u)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b stored) int {
		return cmp.Or(cmp.Compare(b.Renewed, a.Renewed), strings.Compare(a.record.ID, b.record.ID))
	})
	now := time.Now()
	for i, s := range list {
		if i < d.max() && s.valid(now) {
			continue
		}
		err := d.Credentials.Delete(ctx, u, Kind, s.record)
		if err != nil && !errors.Is(err, credential.ErrConflict) {
			return fmt.Errorf("device: %w", err)
		}
	}
	return nil
}

// List returns a user's devices that are known, the one remembered last first.
func (d Devices) List(ctx context.Context, u credential.User) ([]Device, error) {
	list, err := d.load(ctx, u)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b stored) int {
		return cmp.Or(cmp.Compare(b.Renewed, a.Renewed), strings.Compare(a.record.ID, b.record.ID))
	})
	now := time.Now()
	out := make([]Device, 0, len(list))
	for _, s := range list {
		if s.valid(now) {
			out = append(out, s.device())
		}
	}
	return out, nil
}

// Rename gives a device another name.
func (d Devices) Rename(ctx context.Context, u credential.User, id, name string) error {
	return d.change(ctx, u, id, func(s stored) error {
		s.Name = label(name)
		_, err := d.save(ctx, u, s)
		return err
	})
}

// Forget makes a device unknown.
func (d Devices) Forget(ctx context.Context, u credential.User, id string) error {
	return d.change(ctx, u, id, func(s stored) error { return d.delete(ctx, u, s) })
}

// ForgetAll makes all devices of a user unknown. Call it with a global sign-out, when
// a way in was taken away, and when a password was reset: Cognito tells no trigger of
// the first.
func (d Devices) ForgetAll(ctx context.Context, u credential.User) error {
	for range tries {
		list, err := d.load(ctx, u)
		if err != nil || len(list) == 0 {
			return err
		}
		var conflict error
		for _, s := range list {
			err := d.delete(ctx, u, s)
			if err != nil && !errors.Is(err, credential.ErrConflict) {
				return err
			}
			if err != nil {
				conflict = err
			}
		}
		if conflict == nil {
			return nil
		}
	}
	return fmt.Errorf("device: %w", credential.ErrConflict)
}

// change does something with a device, again if somebody else was faster.
func (d Devices) change(ctx context.Context, u credential.User, id string, do func(stored) error) error {
	for range tries {
		list, err := d.load(ctx, u)
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
	return fmt.Errorf("device: %w", credential.ErrConflict)
}

// stored is a record in the Vault.
type stored struct {
	Key     []byte `json:"key"` // an uncompressed point
	Name    string `json:"name,omitempty"`
	Created int64  `json:"created"` // seconds
	Renewed int64  `json:"renewed"` // nanoseconds: the order of what was remembered
	Expires int64  `json:"expires"` // seconds

	record credential.Record
	key    *ecdsa.PublicKey
}

func (s stored) valid(now time.Time) bool { return now.Unix() < s.Expires }

func (s stored) device() Device {
	return Device{s.record.ID, s.Name, time.Unix(s.Created, 0), time.Unix(s.Expires, 0)}
}

func (d Devices) load(ctx context.Context, u credential.User) ([]stored, error) {
	if d.Credentials == nil {
		return nil, errors.New("device: Credentials is nil")
	}
	records, err := d.Credentials.List(ctx, u, Kind)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	list := make([]stored, 0, len(records))
	for _, r := range records {
		s := stored{record: r}
		err := json.Unmarshal([]byte(r.Data.Reveal()), &s)
		if err == nil {
			s.key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), s.Key)
		}
		if err != nil {
			return nil, errors.New("device: a record is none of this package")
		}
		list = append(list, s)
	}
	return list, nil
}

func (d Devices) save(ctx context.Context, u credential.User, s stored) (stored, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("device: %w", err)
	}
	s.record.Data = customauth.Hide(string(data))
	if s.record, err = d.Credentials.Put(ctx, u, Kind, s.record); err != nil {
		return s, fmt.Errorf("device: %w", err)
	}
	return s, nil
}

func (d Devices) delete(ctx context.Context, u credential.User, s stored) error {
	if err := d.Credentials.Delete(ctx, u, Kind, s.record); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	return nil
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
