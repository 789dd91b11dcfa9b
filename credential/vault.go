package credential

// This file seals records and opens them.

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/text"
)

const (
	// minKey is the least size of a key, in bytes.
	minKey = 32

	// keyID is how many bytes of a sealed record say which key opens it.
	keyID = 4

	// format is the first byte of a sealed record.
	format = 1

	// overhead is the format, the key's name, and GCM's nonce and tag.
	overhead = 1 + keyID + 12 + 16

	// maxSealed bounds a sealed record, in bytes.
	maxSealed = 8 << 10

	// MaxData bounds Record.Data, in bytes.
	MaxData = maxSealed - overhead

	// maxSeen bounds the users whose versions a Vault remembers.
	maxSeen = 1 << 12
)

// A Record is something that a user enrolled.
type Record struct {
	// ID tells the records of a user and kind apart: 1 to 64 letters, digits, "-" and
	// "_". Put makes one where it is empty. One of your own must not be used again after
	// Delete: what comes back under it is taken for an old record (ErrOld).
	ID string

	// Version is 0 for a record that is not stored yet. It says which one was read:
	// Put and Delete refuse if the store has another by now.
	Version int64

	// Data is the record itself, at most MaxData bytes.
	Data customauth.Secret

	// Stale says that the record is sealed with a key that is not the first any more.
	// Putting it again seals it with the first.
	Stale bool
}

// Format redacts the record for fmt, whatever the verb.
func (r Record) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "record of version %d [redacted]", r.Version)
}

// A Vault seals what users enrol and keeps it in a Store. It is safe for concurrent
// use.
type Vault struct {
	store Store
	keys  []key // the first seals, all open

	mu   sync.Mutex
	seen map[string]map[string]int64 // by owner, then kind and id: the newest version
}

type key struct {
	id   [keyID]byte
	aead cipher.AEAD
}

// New returns a Vault. The keys have 32 bytes each or more, from a random source, and
// are used for nothing else: not customauth.Options.Keys, which are replaced when a
// sign-in is over, while what is enrolled lasts for years. The first seals, all open.
// To rotate, deploy the new key behind the old one, then in front of it; a record is
// sealed anew when it is next written. Take a key out when nothing needs it any more:
// what was sealed with it is lost. customauth.ParseKeys reads keys from a text.
func New(store Store, keys []customauth.Secret) (*Vault, error) {
	if store == nil {
		return nil, errors.New("credential: New needs a Store")
	}
	if len(keys) == 0 {
		return nil, errors.New("credential: New needs a key of 32 random bytes (openssl rand -base64 32)")
	}
	v := &Vault{store: store, seen: make(map[string]map[string]int64)}
	for i, k := range keys {
		made, err := newKey([]byte(k.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("credential: key %d: %w", i+1, err)
		}
		for _, before := range v.keys {
			if before.id == made.id {
				return nil, fmt.Errorf("credential: key %d is there twice", i+1)
			}
		}
		v.keys = append(v.keys, made)
	}
	return v, nil
}

func newKey(secret []byte) (key, error) {
	if len(secret) < minKey {
		return key{}, fmt.Errorf("it has %d bytes and needs %d", len(secret), minKey)
	}
	if same(secret) {
		return key{}, errors.New("all its bytes are the same: it is no random key")
	}
	raw, err := hkdf.Key(sha256.New, secret, nil, "customauth credential seal 1", 32+keyID)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(raw[:32])
	if err != nil {
		return key{}, err
	}
	// Random nonces are right for 2^32 records a key (NIST SP 800-38D, 8.3).
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return key{[keyID]byte(raw[32:]), aead}, err
}

func same(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// List returns all records of a user and kind, in any order. If one of them does not
// open, or is older than one seen before, that is an error.
func (v *Vault) List(ctx context.Context, u User, kind string) ([]Record, error) {
	if err := check(u, kind, "x", 0); err != nil {
		return nil, err
	}
	newest := v.newest(u.owner())
	items, err := v.store.List(ctx, u.owner(), kind)
	if err != nil {
		return nil, fmt.Errorf("credential: list: %w", err)
	}
	records := make([]Record, 0, len(items))
	for _, it := range items {
		r, err := v.open(u, kind, it)
		if err != nil {
			return nil, err
		}
		if r.Version < newest[name(kind, r.ID)] {
			return nil, fmt.Errorf("%w: a %s of version %d", ErrOld, kind, r.Version)
		}
		records = append(records, r)
	}
	for _, r := range records {
		v.saw(u.owner(), name(kind, r.ID), r.Version)
	}
	return records, nil
}

// Put writes a record, and returns it as it is now. It returns an error that wraps
// ErrConflict if the record was changed since it was read, or is new and there is
// already one of this ID.
func (v *Vault) Put(ctx context.Context, u User, kind string, r Record) (Record, error) {
	if r.ID == "" {
		r.ID = rand.Text()
	}
	if err := check(u, kind, r.ID, len(r.Data.Reveal())); err != nil {
		return Record{}, err
	}
	if r.Version < 0 || r.Version == math.MaxInt64 {
		return Record{}, errors.New("credential: a Version that no store has")
	}
	r.Version, r.Stale = r.Version+1, false
	it := Item{u.owner(), kind, r.ID, r.Version, nil}
	it.Sealed = v.keys[0].seal(u, it, []byte(r.Data.Reveal()))
	if err := v.store.Put(ctx, it); err != nil {
		return Record{}, fmt.Errorf("credential: put: %w", err)
	}
	v.saw(it.Owner, name(kind, r.ID), r.Version)
	return r, nil
}

// Delete removes a record, if it was not changed since it was read; otherwise the
// error wraps ErrConflict. Removing what is not there is no error.
func (v *Vault) Delete(ctx context.Context, u User, kind string, r Record) error {
	if err := check(u, kind, r.ID, 0); err != nil {
		return err
	}
	if err := v.store.Delete(ctx, Item{u.owner(), kind, r.ID, r.Version, nil}); err != nil {
		return fmt.Errorf("credential: delete: %w", err)
	}
	v.saw(u.owner(), name(kind, r.ID), math.MaxInt64)
	return nil
}

const nameLetters = "abcdefghijklmnopqrstuvwxyz-" + text.Decimal

func check(u User, kind, id string, size int) error {
	switch {
	case u.Pool == "" || u.Sub == "":
		return errors.New("credential: a user needs a Pool and a Sub")
	case !text.Only(kind, 1, 16, nameLetters):
		return fmt.Errorf("credential: a kind has 1 to 16 lower-case letters, digits and -, not %.20q", kind)
	case !text.Only(id, 1, 64, text.Letters+text.Decimal+"-_"):
		return errors.New("credential: an ID has 1 to 64 letters, digits, - and _")
	case size > MaxData:
		return fmt.Errorf("credential: a record has at most %d bytes, not %d", MaxData, size)
	}
	return nil
}

func (k key) seal(u User, it Item, data []byte) []byte {
	out := append([]byte{format}, k.id[:]...)
	return append(out, k.aead.Seal(nil, nil, data, bound(u, it))...)
}

// open opens an item of the store, which is not trusted.
func (v *Vault) open(u User, kind string, it Item) (Record, error) {
	it.Owner, it.Kind = u.owner(), kind
	if len(it.Sealed) < overhead || len(it.Sealed) > maxSealed || it.Sealed[0] != format || it.Version < 1 ||
		check(u, kind, it.ID, 0) != nil {
		return Record{}, ErrSealed
	}
	for i, k := range v.keys {
		if [keyID]byte(it.Sealed[1:]) != k.id {
			continue
		}
		data, err := k.aead.Open(nil, nil, it.Sealed[1+keyID:], bound(u, it))
		if err != nil {
			return Record{}, ErrSealed
		}
		return Record{it.ID, it.Version, customauth.Hide(string(data)), i > 0}, nil
	}
	return Record{}, fmt.Errorf("%w: no key of this name", ErrSealed)
}

// bound is what a sealed record is bound to.
func bound(u User, it Item) []byte {
	return fields(u.Pool, u.Sub, it.Kind, it.ID, strconv.FormatInt(it.Version, 10))
}

func name(kind, id string) string { return kind + "/" + id }

// newest are the versions that were seen of an owner before now.
func (v *Vault) newest(owner string) map[string]int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	copied := make(map[string]int64, len(v.seen[owner]))
	for n, version := range v.seen[owner] {
		copied[n] = version
	}
	return copied
}

// maxNames bounds what is remembered of one user.
const maxNames = 256

func (v *Vault) saw(owner, name string, version int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := v.seen[owner]
	if of == nil || len(of) >= maxNames {
		if len(v.seen) >= maxSeen {
			for other := range v.seen { // what is forgotten is only not noticed
				delete(v.seen, other)
				break
			}
		}
		of = make(map[string]int64)
		v.seen[owner] = of
	}
	of[name] = max(of[name], version)
}
