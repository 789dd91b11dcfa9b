// Package recovery is a step of a sign-in that is passed with a recovery code: one of
// ten that a user has on paper, or in a password manager, for the day when the phone
// is gone. Each works once.
//
//	codes := recovery.Codes{Credentials: vault}
//	list, err := codes.Generate(ctx, user) // shown once, by an account page
//	...
//	customauth.OneOf{Ways: []customauth.Step{
//		{Name: "totp", Challenge: totp.Codes{...}},
//		{Name: "recovery", Challenge: codes},
//	}}
package recovery

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/internal/text"
)

const (
	// Kind is the kind of the records in the credential.Vault.
	Kind = "recovery"

	// recordID is the one record that has all codes of a user: so those that are
	// generated twice at once are not both good.
	recordID = "codes"

	// count is how many codes there are at first.
	count = 10

	// size is how many random bytes a code has: 80 bits, 16 letters.
	size = 10

	// work is the number of rounds of PBKDF2. Codes of less than 112 bits are hashed as
	// passwords are; because they are random, the work factor may be small (NIST SP
	// 800-63B-4, 3.1.2.2).
	work = 1000

	// few is the default of Codes.Few.
	few = 3

	// tries bounds how often a use is tried again that another one got in the way of:
	// each time one code fewer is left.
	tries = count + 2
)

// Codes is the step, and makes the codes. Only Credentials is required. A Codes is
// safe for concurrent use.
//
// A code has 80 random bits. What is stored of it is a salted hash (PBKDF2 with HMAC and
// SHA-256), sealed: nobody can read the codes again, not even with the table and the
// keys. The limits on guesses hold for them as for any code. A user without codes is not told apart from one who has
// some, nor from nobody.
type Codes struct {
	// Credentials keep the codes.
	Credentials *credential.Vault

	// Few is how many codes are left when the app begins to be shown how many, as the
	// public parameter "recoveryCodesLeft", so that it can tell the user to make new
	// ones. It is shown only after an earlier step has proved who the user is: before,
	// it would tell a stranger who has an account. Default 3, at most 10.
	Few int

	// TTL is how long the challenge can be answered. Default 10 minutes, which is also
	// the most: people have to look for the paper. Let Cognito's session live as long.
	TTL time.Duration
}

// A set is all that is stored of a user's codes. Each has a salt of its own. No key is
// in the hashes: the Vault's can rotate without an end to the codes.
type set struct {
	Salt  []byte `json:"salt"`
	Codes []code `json:"codes"`
}

// A code that was used knows by which sign-in, so that it is right again if Cognito
// repeats the call, and in no other sign-in.
type code struct {
	Hash   []byte `json:"hash"`
	UsedBy string `json:"usedBy,omitempty"`
}

func hash(normal string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, normal, salt, work, sha256.Size)
}

func (s set) left() int {
	n := 0
	for _, c := range s.Codes {
		if c.UsedBy == "" {
			n++
		}
	}
	return n
}

// Generate makes ten codes in place of those that a user has, and returns them, as
// "ABCD-EFGH-IJKL-MNOP". They cannot be had again: show them once, and let the user
// print or copy them. Whoever calls it must know who the user is, by a sign-in that is
// a few minutes old at most.
func (c Codes) Generate(ctx context.Context, u credential.User) ([]customauth.Secret, error) {
	s := set{Salt: make([]byte, sha256.Size)}
	rand.Read(s.Salt)
	shown := make([]customauth.Secret, count)
	for i := range shown {
		raw := make([]byte, size)
		rand.Read(raw)
		text := base32.StdEncoding.EncodeToString(raw)
		h, err := hash(text, s.Salt)
		if err != nil {
			return nil, fmt.Errorf("recovery: generate: %w", err)
		}
		s.Codes = append(s.Codes, code{Hash: h})
		shown[i] = customauth.Hide(text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:])
	}
	if err := c.replace(ctx, u, s); err != nil {
		return nil, fmt.Errorf("recovery: generate: %w", err)
	}
	return shown, nil
}

// Remove makes all codes of a user useless.
func (c Codes) Remove(ctx context.Context, u credential.User) error {
	if err := c.replace(ctx, u, set{}); err != nil {
		return fmt.Errorf("recovery: remove: %w", err)
	}
	return nil
}

// Left is how many codes a user has that are not used.
func (c Codes) Left(ctx context.Context, u credential.User) (int, error) {
	_, s, err := c.load(ctx, u)
	if err != nil {
		return 0, fmt.Errorf("recovery: %w", err)
	}
	return s.left(), nil
}

// replace writes a set, whatever is there.
func (c Codes) replace(ctx context.Context, u credential.User, s set) error {
	for range tries {
		r, _, err := c.load(ctx, u)
		if err != nil {
			return err
		}
		if err = c.save(ctx, u, r, s); !errors.Is(err, credential.ErrConflict) {
			return err
		}
	}
	return credential.ErrConflict
}

func (c Codes) load(ctx context.Context, u credential.User) (credential.Record, set, error) {
	if c.Credentials == nil {
		return credential.Record{}, set{}, errors.New("no Credentials")
	}
	records, err := c.Credentials.List(ctx, u, Kind)
	if err != nil {
		return credential.Record{}, set{}, err
	}
	for _, r := range records {
		if r.ID == recordID {
			s, err := decode([]byte(r.Data.Reveal()))
			return r, s, err
		}
	}
	return credential.Record{ID: recordID}, set{}, nil
}

func decode(data []byte) (set, error) {
	var s set
	if err := json.Unmarshal(data, &s); err != nil {
		return set{}, errors.New("the record is none of this package")
	}
	if len(s.Codes) > 0 && len(s.Salt) != sha256.Size || len(s.Codes) > count {
		return set{}, errors.New("the record is none of this package")
	}
	return s, nil
}

func (c Codes) save(ctx context.Context, u credential.User, r credential.Record, s set) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	r.Data = customauth.Hide(string(data))
	_, err = c.Credentials.Put(ctx, u, Kind, r)
	return err
}

// Issue asks for a code.
func (c Codes) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	is := customauth.Issued{TTL: c.TTL, MaxAnswer: 64}
	if is.TTL == 0 {
		is.TTL = 10 * time.Minute
	}
	if r.Probe {
		return is, c.validate()
	}
	_, s, err := c.load(ctx, credential.Of(r))
	if err != nil {
		return customauth.Issued{}, fmt.Errorf("recovery: %w", err)
	}
	left := s.left()
	if left == 0 || r.UserNotFound {
		is.Nobody = errors.New("the user has no recovery code left")
	}
	if r.Proved {
		is.State = strconv.Itoa(left)
	}
	return is, nil
}

func (c Codes) validate() error {
	switch {
	case c.Credentials == nil:
		return errors.New("recovery: Credentials is required: see credential.New")
	case c.Few < 0 || c.Few > count:
		return fmt.Errorf("recovery: Few must be from 1 to %d, not %d", count, c.Few)
	}
	return nil
}

// Show tells how many codes are left, if they are few and something was proved.
func (c Codes) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	most := c.Few
	if most == 0 {
		most = few
	}
	if left, err := strconv.Atoi(r.State); r.Proved && err == nil && left <= most {
		return map[string]string{"recoveryCodesLeft": r.State}, nil
	}
	return nil, nil
}

// Check reports whether the answer is a code that no other sign-in has used, and uses
// it. Of several sign-ins at once one has it.
func (c Codes) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	u := credential.Of(r)
	for range tries {
		rec, s, err := c.load(ctx, u)
		if err != nil {
			return customauth.Checked{}, fmt.Errorf("recovery: %w", err)
		}
		at, err := s.find(answer)
		if err != nil {
			return customauth.Checked{}, fmt.Errorf("recovery: %w", err)
		}
		if at < 0 || r.SignIn == "" {
			return customauth.Checked{}, nil
		}
		if by := s.Codes[at].UsedBy; by != "" {
			return customauth.Checked{Right: by == r.SignIn}, nil
		}
		s.Codes[at].UsedBy = r.SignIn
		err = c.save(ctx, u, rec, s)
		if err == nil {
			return customauth.Checked{Right: true}, nil
		}
		if !errors.Is(err, credential.ErrConflict) {
			return customauth.Checked{}, fmt.Errorf("recovery: %w", err)
		}
	}
	return customauth.Checked{}, fmt.Errorf("recovery: %w", credential.ErrConflict)
}

// find is the place of the code that was typed, or -1. It looks at all of them, and
// hashes for users without codes too. What base32 does not have is read as what it looks
// like (RFC 4648, 6).
func (s set) find(answer string) (int, error) {
	salt := s.Salt
	if len(salt) == 0 {
		salt = make([]byte, sha256.Size)
	}
	h, err := hash(misread.Replace(text.Normalize(answer)), salt)
	at := -1
	for i, c := range s.Codes {
		if subtle.ConstantTimeCompare(h, c.Hash) == 1 {
			at = i
		}
	}
	return at, err
}

var misread = strings.NewReplacer("0", "O", "1", "I", "8", "B")
