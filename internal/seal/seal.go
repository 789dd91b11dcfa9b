// Package seal turns the state of a sign-in into a short string that only the
// holder of the keys can make, and back.
//
// Layout of a full record, version 2, before base64url without padding; numbers
// are big-endian:
//
//	 0  1 version, 2
//	 1  2 key id
//	 3  2 fingerprint of the names of the steps
//	 5  1 step, three bits, and flags, five bits
//	 6  1 wrong answers and sends so far in this step, four bits each
//	 7  1 rounds so far in this sign-in, and sends that the step allows, four bits each
//	 8  1 length of the code; 0: there is none
//	 9  1 how long an answer may be, in units of 64 bytes, less one
//	10  4 expiry, Unix seconds
//	14  4 earliest resend, Unix seconds
//	18  4 id of the sign-in
//	22  8 nonce of the code, and
//	30  8 MAC of the code: both only with a length
//	    n state of the step
//	   16 tag over all of the above, the whole fingerprint, pool, client and user
//
// A short record, version 3, says that the full one before it holds on, but for
// its counters:
//
//	0  1 version, 3
//	1  1 wrong answers and sends
//	2  1 rounds and sends allowed
//	3 16 tag over the full record with these counters, as above
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
	"slices"
	"sync"
)

const (
	version      = 2
	shortVersion = 3

	headSize  = 22
	codeSize  = 16
	tagSize   = 16
	shortSize = 3 + tagSize

	// MaxState bounds the state of a step, in bytes.
	MaxState = 128

	// MaxRounds is how many rounds a record can count.
	MaxRounds = 15

	unit = 64 // of the length of an answer
)

// Flags of a record.
const (
	Void        = 1 << iota // there is no challenge: every answer is refused
	Silent                  // nobody was told the answer: every answer is wrong
	Unguessable             // a wrong answer is no guess
	Anyone                  // unknown users pass too: it proves nothing of the user
	Known                   // asked for from a device that the user proved before

	flagBits = 5
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
	Step, Flags       byte
	Wrong, Sends      byte // of the step, at most 15
	Rounds, MaxSends  byte // at most 15
	Length            byte
	answer            byte
	Expires, ResendAt uint32
	SignIn            [4]byte
	Nonce, MAC        [8]byte
	State             string
	key               *key // the key that made MAC; the newest while it is nil
}

// MaxAnswer is how many bytes an answer may have.
func (r *Record) MaxAnswer() int { return (int(r.answer) + 1) * unit }

// SetMaxAnswer allows answers of n bytes, from 1 to 16 KiB.
func (r *Record) SetMaxAnswer(n int) { r.answer = byte((n - 1) / unit) }

// Who is whom a record is for.
type Who struct{ Pool, Client, User string }

type key struct {
	id           [2]byte
	code, record *MACs
}

// MACs are ready HMACs under one key: their state is costly to set up. They are
// safe for concurrent use.
type MACs struct{ pool sync.Pool }

// NewMACs returns HMACs under a key that is derived from a secret for one use.
func NewMACs(secret []byte, use string) *MACs {
	key := derive(secret, use)
	return &MACs{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// Sum is the HMAC-SHA256 of a list of texts.
func (m *MACs) Sum(parts ...string) []byte {
	b := make([]byte, 0, 192)
	for _, p := range parts {
		b = appendField(b, p)
	}
	return m.sum(b)
}

// sum is the MAC of data, which it overwrites.
func (m *MACs) sum(data []byte) []byte {
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
		k := &key{code: NewMACs(secret, "code"), record: NewMACs(secret, "record")}
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

func derive(secret []byte, use string) []byte {
	if len(secret) < 14 { // it will be refused, which a panic of FIPS 140-3's mode is not; zeros at the end are the same to an HMAC
		secret = append(slices.Clone(secret), make([]byte, 14-len(secret))...)
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("customauth/1/" + use))
	return h.Sum(nil)
}

// Begin starts a sign-in with a record that has nothing but its id.
func Begin() *Record {
	r := new(Record)
	rand.Read(r.SignIn[:]) // never fails: crypto/rand ends the process instead
	return r
}

// SetCode gives the record the MAC of the code and of where it was sent. Step, Length
// and Expires must be set before, and a Nonce that is new.
func (s *Sealer) SetCode(r *Record, who Who, to, code string) {
	r.key = s.keys[0]
	r.MAC = r.Expected(who).mac(to, code)
}

// Expected is the right answer to one challenge, in a form that can be compared
// with and not read. A nil Expected matches nothing.
type Expected struct {
	key    *key
	prefix []byte
	want   [8]byte
}

// Expected is what the record says of its code; nil if there is none.
func (r *Record) Expected(who Who) *Expected {
	if r.key == nil || r.Flags&Void != 0 || r.Length == 0 {
		return nil
	}
	b := make([]byte, 0, 256)
	b = append(b, version, r.Step)
	b = binary.BigEndian.AppendUint32(b, r.Expires)
	b = append(b, r.Nonce[:]...)
	return &Expected{r.key, appendWho(b, who), r.MAC}
}

// Matches compares a code, and where it was sent, in constant time.
func (e *Expected) Matches(to, code string) bool {
	if e == nil {
		return false
	}
	mac := e.mac(to, code)
	return hmac.Equal(mac[:], e.want[:])
}

func (e *Expected) mac(to, code string) [8]byte {
	b := make([]byte, 0, len(e.prefix)+len(to)+len(code)+8)
	b = appendField(appendField(append(b, e.prefix...), to), code)
	return [8]byte(e.key.code.sum(b)[:8])
}

// Seal writes the record down.
func (s *Sealer) Seal(r *Record, who Who) string {
	k := r.key
	if k == nil {
		k = s.keys[0]
	}
	b := s.body(r, k)
	return base64.RawURLEncoding.EncodeToString(append(b, s.tag(k, b, who)...))
}

func (s *Sealer) body(r *Record, k *key) []byte {
	b := make([]byte, 0, headSize+codeSize+len(r.State)+tagSize)
	b = append(b, version, k.id[0], k.id[1], s.steps[0], s.steps[1])
	b = append(b, r.Step<<flagBits|r.Flags, r.Wrong<<4|r.Sends, r.Rounds<<4|r.MaxSends, r.Length, r.answer)
	b = binary.BigEndian.AppendUint32(b, r.Expires)
	b = binary.BigEndian.AppendUint32(b, r.ResendAt)
	b = append(b, r.SignIn[:]...)
	if r.Length > 0 {
		b = append(b, r.Nonce[:]...)
		b = append(b, r.MAC[:]...)
	}
	return append(b, r.State...)
}

// Again writes down that the record before holds on, with the counters of r, which
// must differ from it in these alone.
func (s *Sealer) Again(r *Record, who Who) string {
	k := r.key
	if k == nil {
		k = s.keys[0]
	}
	b := []byte{shortVersion, r.Wrong<<4 | r.Sends, r.Rounds<<4 | r.MaxSends}
	return base64.RawURLEncoding.EncodeToString(append(b, s.againTag(r, k, who)...))
}

// againTag is over the full record with a version of its own, so that no tag of a
// full record is one of a short record.
func (s *Sealer) againTag(r *Record, k *key, who Who) []byte {
	b := s.body(r, k)
	b[0] = shortVersion
	return s.tag(k, b, who)
}

// Open reads a full record, or a short one after the record before it, which may
// be nil. The error is one of ErrFormat, ErrKey, ErrSteps and ErrTag.
func (s *Sealer) Open(text string, who Who, before *Record) (*Record, error) {
	if len(text) > base64.RawURLEncoding.EncodedLen(headSize+codeSize+MaxState+tagSize) {
		return nil, ErrFormat
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks, so that one record would have many spellings.
	if err != nil || len(b) < shortSize || base64.RawURLEncoding.EncodedLen(len(b)) != len(text) {
		return nil, ErrFormat
	}
	switch {
	case b[0] == shortVersion && len(b) == shortSize && before != nil:
		return s.openAgain(b, who, before)
	case b[0] == version && len(b) >= headSize+tagSize:
		return s.openFull(b, who)
	}
	return nil, ErrFormat
}

func (s *Sealer) openFull(b []byte, who Who) (*Record, error) {
	if [2]byte(b[3:5]) != [2]byte(s.steps[:2]) {
		return nil, ErrSteps
	}
	body, got := b[:len(b)-tagSize], b[len(b)-tagSize:]
	k, err := s.sealedBy([2]byte(b[1:3]), body, got, who)
	if err != nil {
		return nil, err
	}
	r := &Record{
		Step: b[5] >> flagBits, Flags: b[5] & (1<<flagBits - 1), Wrong: b[6] >> 4, Sends: b[6] & 15, Rounds: b[7] >> 4, MaxSends: b[7] & 15,
		Length: b[8], answer: b[9],
		Expires:  binary.BigEndian.Uint32(b[10:]),
		ResendAt: binary.BigEndian.Uint32(b[14:]),
		SignIn:   [4]byte(b[18:22]),
		key:      k,
	}
	rest := body[headSize:]
	if r.Length > 0 {
		if len(rest) < codeSize {
			return nil, ErrFormat
		}
		r.Nonce, r.MAC, rest = [8]byte(rest), [8]byte(rest[8:]), rest[codeSize:]
	}
	r.State = string(rest)
	return r, nil
}

func (s *Sealer) openAgain(b []byte, who Who, before *Record) (*Record, error) {
	r := *before
	r.Wrong, r.Sends, r.Rounds, r.MaxSends = b[1]>>4, b[1]&15, b[2]>>4, b[2]&15
	k := r.key
	if k == nil || !hmac.Equal(b[3:], s.againTag(&r, k, who)) {
		return nil, ErrTag
	}
	return &r, nil
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
