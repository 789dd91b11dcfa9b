// Package credential keeps what users enrol to sign in with: passkeys, the secrets
// of authenticator apps, devices, recovery codes.
//
//	vault, err := credential.New(store, keys)
//	...
//	records, err := vault.List(ctx, credential.Of(r), "passkey")
//
// A [Vault] seals records with AES-256-GCM, bound to their pool, user, kind, id and
// version, and a [Store] keeps what is sealed: it learns neither a secret nor whose
// it is, and a record that somebody copies to another user, changes, or puts back
// under a newer version does not open. A Store is three methods; NewMemoryStore is
// one for tests, dynamodbstore/credentials one for production, and credentialtest
// has the tests for others.
package credential

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/cyber-eternal/customauth"
)

// A Store keeps sealed items. It is called concurrently, by any number of processes
// that share it. After an error nothing is known of whether it did what it was asked.
// Package credentialtest has the tests that a Store must pass.
type Store interface {
	// List returns all items of an owner and kind, in any order, as they are now:
	// whatever was written before List was called is seen.
	List(ctx context.Context, owner, kind string) ([]Item, error)

	// Put writes an item of version n, if the one that is there has version n-1, or,
	// for version 1, if there is none. Otherwise it changes nothing and returns an
	// error that wraps ErrConflict. Of several at once, one wins.
	Put(ctx context.Context, it Item) error

	// Delete removes the item of this owner, kind, id and version. If there is none
	// of this id, it has nothing to do; one of another version stays, and the error
	// wraps ErrConflict. Sealed is not looked at.
	Delete(ctx context.Context, it Item) error
}

// An Item is a sealed record. Owner, Kind and ID name it.
type Item struct {
	Owner   string // 43 letters, digits, "-" and "_" that nobody can trace back
	Kind    string // 1 to 16 lower-case letters, digits and "-"
	ID      string // 1 to 64 letters, digits, "-" and "_"
	Version int64  // 1 for a new item, and one more each time that it is written
	Sealed  []byte // at most 8 KiB
}

var (
	// ErrConflict: somebody else has written or removed the record since it was read.
	// List again, and decide again.
	ErrConflict = errors.New("credential: the record was changed by somebody else")

	// ErrSealed: what the store has does not open. It was sealed with a key that is
	// not among the Vault's, or changed, or moved here from another user, kind or id.
	ErrSealed = errors.New("credential: a record does not open")

	// ErrOld: the store has an older version of a record than this process has seen,
	// or one that it has removed: a backup was restored, or somebody put it back.
	ErrOld = errors.New("credential: the store has an older record than it had before")
)

// A User is whose records they are.
type User struct {
	Pool string // user pool id
	Sub  string // the attribute "sub"; a user name may belong to somebody else one day
}

// Of returns the user of a sign-in. For an unknown user it is a made-up one, who has
// no records, so that looking them up takes as long as for anybody.
func Of(r customauth.Request) User {
	return User{r.PoolID, r.Attributes["sub"].Reveal()}
}

// owner names the user for a Store. A sub is random (122 bits), so nobody finds it by
// trying.
func (u User) owner() string {
	return base64.RawURLEncoding.EncodeToString(u.Hash("owner"))
}

// Hash returns 32 bytes that are always the same for this user and purpose, and tell
// nothing of either: a passkey's user handle, for example.
func (u User) Hash(purpose string) []byte {
	sum := sha256.Sum256(fields("customauth credential", purpose, u.Pool, u.Sub))
	return sum[:]
}

// fields joins texts so that no two lists give the same bytes.
func fields(texts ...string) []byte {
	var out []byte
	for _, s := range texts {
		n := len(s)
		out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		out = append(out, s...)
	}
	return out
}
