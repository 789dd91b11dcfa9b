// Package seal turns the state of a sign-in into a short string that only the
// holder of the keys can make, and back.
//
// Layout of version 1, before base64url without padding; numbers are big-endian:
//
//	 0  1 version, 1
//	 1  2 key id
//	 3  2 fingerprint of the names of the steps
//	 5  1 step and flags, four bits each
//	 6  1 wrong answers and sends so far in this step, four bits each
//	 7  1 rounds so far in this step
//	 8  1 length of the code
//	 9  4 expiry, Unix seconds
//	13  4 earliest resend, Unix seconds
//	17  4 id of the sign-in
//	21  8 nonce of the code
//	29  8 MAC of the code
//	37  n extra
//	   16 tag over all of the above, the whole fingerprint, pool, client and user
//
// Both MACs are HMAC-SHA256 (RFC 2104), the tag truncated to 128 bits. The MAC of
// the code has 64, which is 44 more than a code of six digits: Cognito keeps each
// record of a sign-in in a session string of bounded length, and an answer cannot
// be tried without it.
package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
)

const (
	version  = 1
	headSize = 37
	tagSize  = 16

	// MaxExtra bounds what a challenge may carry along.
	MaxExtra = 1200
)

// Flags of a record.
const (
	Void   = 1 << iota // no code was made: every answer is wrong
	Silent             // the code was shown to nobody: every answer is wrong
)

// Errors of Open.
var (
	ErrFormat = errors.New("not a sealed record")
	ErrKey    = errors.New("sealed with an unknown key")
	ErrTag    = errors.New("altered, or sealed for another pool, client or user")
	ErrSteps  = errors.New("sealed for another list of steps")
)

// A Record is the state of a sign-in after one challenge was made.
type Record struct {
	Step, Flags          byte
	Wrong, Sends, Rounds byte
	Length               byte
	Expires, ResendAt    uint32
	SignIn               [4]byte
	Nonce, MAC           [8]byte
	Extra                []byte

	key *key // the key that made MAC; the newest while it is nil
}

// Who is whom a record is for.
type Who struct{ Pool, Client, User string }

type key struct {
	id                         [2]byte
	code, record, decoy, store *macs
}

// macs are ready HMACs under one key: their state is costly to set up.
type macs struct{ pool sync.Pool }

func newMACs(key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sum is the MAC of data, which it overwrites.
func (m *macs) sum(data []byte) []byte {
	h := m.pool.Get().(hash.Hash)
	h.Reset()
	h.Write(data)
	data = h.Sum(data[:0])
	m.pool.Put(h)
	return data
}

// A Sealer seals with the newest key and opens with all. It is safe for
// concurrent use.
type Sealer struct {
	keys  []*key
	steps [sha256.Size]byte
}

// New makes a Sealer. There must be one key at least.
func New(keys [][]byte, steps []string) *Sealer {
	s := new(Sealer)
	for _, secret := range keys {
		k := &key{
			code:   newMACs(derive(secret, "code")),
			record: newMACs(derive(secret, "record")),
			decoy:  newMACs(derive(secret, "decoy")),
			store:  newMACs(derive(secret, "store")),
		}
		copy(k.id[:], derive(secret, "id"))
		s.keys = append(s.keys, k)
	}
	h := sha256.New()
	for _, name := range steps {
		h.Write(appendField(nil, name))
	}
	h.Sum(s.steps[:0])
	return s
}

func derive(secret []byte, label string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("customauth/1/" + label))
	return h.Sum(nil)
}

// Begin starts a sign-in with a record that has nothing but its id.
func Begin() *Record {
	r := new(Record)
	rand.Read(r.SignIn[:]) // never fails: crypto/rand ends the process instead
	return r
}

// SetCode gives the record a new nonce and the MAC of the code and of where it
// was sent. Step and Expires must be set before.
func (s *Sealer) SetCode(r *Record, who Who, to, code string) {
	rand.Read(r.Nonce[:])
	r.key = s.keys[0]
	r.MAC = r.mac(who, to, code)
}

// Matches compares a code with the record's, in constant time.
func (r *Record) Matches(who Who, to, code string) bool {
	if r.key == nil || r.Flags&Void != 0 {
		return false
	}
	mac := r.mac(who, to, code)
	return hmac.Equal(mac[:], r.MAC[:])
}

func (r *Record) mac(who Who, to, code string) [8]byte {
	b := make([]byte, 0, 256)
	b = append(b, version, r.Step)
	b = binary.BigEndian.AppendUint32(b, r.Expires)
	b = append(b, r.Nonce[:]...)
	b = appendWho(b, who)
	b = appendField(b, to)
	b = appendField(b, code)
	sum := r.key.code.sum(b)
	return [8]byte(sum[:8])
}

// Seal writes the record down.
func (s *Sealer) Seal(r *Record, who Who) string {
	k := r.key
	if k == nil {
		k = s.keys[0]
	}
	b := make([]byte, 0, headSize+len(r.Extra)+tagSize)
	b = append(b, version, k.id[0], k.id[1], s.steps[0], s.steps[1])
	b = append(b, r.Step<<4|r.Flags, r.Wrong<<4|r.Sends, r.Rounds, r.Length)
	b = binary.BigEndian.AppendUint32(b, r.Expires)
	b = binary.BigEndian.AppendUint32(b, r.ResendAt)
	b = append(b, r.SignIn[:]...)
	b = append(b, r.Nonce[:]...)
	b = append(b, r.MAC[:]...)
	b = append(b, r.Extra...)
	b = append(b, s.tag(k, b, who)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Open reads a record back. The error is one of ErrFormat, ErrKey, ErrSteps and
// ErrTag.
func (s *Sealer) Open(text string, who Who) (*Record, error) {
	if len(text) > base64.RawURLEncoding.EncodedLen(headSize+MaxExtra+tagSize) {
		return nil, ErrFormat
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < headSize+tagSize || b[0] != version {
		return nil, ErrFormat
	}
	// The decoder skips line breaks, so that one record would have many spellings.
	if base64.RawURLEncoding.EncodedLen(len(b)) != len(text) {
		return nil, ErrFormat
	}
	if [2]byte(b[3:5]) != [2]byte(s.steps[:2]) {
		return nil, ErrSteps
	}
	body, got := b[:len(b)-tagSize], b[len(b)-tagSize:]
	k, err := s.sealedBy([2]byte(b[1:3]), body, got, who)
	if err != nil {
		return nil, err
	}
	r := &Record{
		Step: b[5] >> 4, Flags: b[5] & 15, Wrong: b[6] >> 4, Sends: b[6] & 15, Rounds: b[7], Length: b[8],
		Expires:  binary.BigEndian.Uint32(b[9:]),
		ResendAt: binary.BigEndian.Uint32(b[13:]),
		SignIn:   [4]byte(b[17:21]),
		Nonce:    [8]byte(b[21:29]),
		MAC:      [8]byte(b[29:37]),
		key:      k,
	}
	if len(body) > headSize {
		r.Extra = body[headSize:]
	}
	return r, nil
}

// sealedBy finds the key that made a tag. Two keys can have one id: it is short.
func (s *Sealer) sealedBy(id [2]byte, body, got []byte, who Who) (*key, error) {
	err := ErrKey
	for _, k := range s.keys {
		if k.id != id {
			continue
		}
		if hmac.Equal(got, s.tag(k, body, who)) {
			return k, nil
		}
		err = ErrTag
	}
	return nil, err
}

// Decoy is a stable stream of bytes for a value: the same for the same value
// under the newest key, and telling nothing of it.
func (s *Sealer) Decoy(parts ...string) []byte { return keyed(s.keys[0].decoy, parts) }

// StoreKey is the name under which a store counts a value.
func (s *Sealer) StoreKey(kind string, parts ...string) string {
	b := keyed(s.keys[0].store, append(parts, kind))
	return kind + ":" + base64.RawURLEncoding.EncodeToString(b[:18])
}

func keyed(m *macs, parts []string) []byte {
	b := make([]byte, 0, 128)
	for _, p := range parts {
		b = appendField(b, p)
	}
	return m.sum(b)
}

func (s *Sealer) tag(k *key, body []byte, who Who) []byte {
	b := make([]byte, 0, len(body)+192)
	b = append(b, s.steps[:]...)
	b = appendWho(b, who)
	b = append(b, body...)
	return k.record.sum(b)[:tagSize]
}

func appendWho(b []byte, who Who) []byte {
	return appendField(appendField(appendField(b, who.Pool), who.Client), who.User)
}

// appendField writes a string with its length, so that no two lists of strings
// look alike.
func appendField(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
