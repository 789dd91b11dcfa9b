// Package dynamodbstore keeps the counters of customauth's limits in Amazon
// DynamoDB, where all instances of all functions share them.
//
//	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("LIMITS_TABLE")})
//	...
//	define, err := customauth.NewDefine(customauth.Options{Store: store, ...})
//
// One write counts an event in all windows of its key, without a read: an item
// holds the times of the newest events, and the condition of the write looks at
// those that matter. The windows slide and are exact to the millisecond. A whole
// successful sign-in costs three writes and one read.
//
// A limit with a Max above 100 (all texts of a country, a budget for everybody)
// is counted in several items instead, so that no single item has to take all
// writes; see [Options].Shards for what that costs in exactness.
//
// What goes wrong goes wrong on the safe side. An answer that does not come in
// time is an error, and callers of a Store refuse then. A count is tried again
// after a failure and recognises itself, so it counts once (twice at most, if it
// is given back in between or its key is split). A give-back is tried again only
// if DynamoDB surely did not do it, so at worst an event stays counted that need
// not.
//
// The table and the permissions that the store needs are in the README.
package dynamodbstore

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cyber-eternal/customauth"
)

// Options configure a Store. Only Table is required.
type Options struct {
	// Table is the name or the ARN of the table. Its partition key is the string
	// "pk", without a sort key; its attribute for time to live is "expires".
	Table string

	// Client is asked for everything. Default: one that is built from the
	// environment of a Lambda function (AWS_REGION, AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_DYNAMODB,
	// AWS_ENDPOINT_URL). The SDK's own retries are turned off for each request:
	// the store tries again itself, within Timeout.
	Client API

	// Secret, of 32 bytes or more, is the key of the HMAC-SHA256 under which keys
	// are stored. Without it that HMAC has an empty key, and whoever reads the
	// table can find a phone number by trying them all. customauth passes keys
	// that are HMACs already, so it does not need the Secret; a caller that passes
	// phone numbers, addresses or names does. All instances need the same one:
	// under another Secret all counters begin at zero.
	Secret []byte

	// Timeout bounds a call of the store, with all its tries. Default 600 ms, from
	// 50 ms to 4 s. Cognito gives a trigger 5 s, and customauth gives a store
	// 700 ms a call.
	Timeout time.Duration

	// Shards is into how many items a key is split that has a limit with a Max
	// above 100. Default 8, at most 64. One item takes about 1,000 writes a second
	// (the limit of a DynamoDB partition), eight take 8,000. Each shard has its
	// share of Max, so that Max is never exceeded; an event counts up to 1/24
	// longer than Per; n events must fit into one shard at once. Changing Shards
	// loses the counters of the shards that are gone.
	Shards int

	// Now is the clock, for tests. Default time.Now. Clocks of instances that
	// differ by d make a window longer or shorter by d.
	Now func() time.Time
}

// Store is a [customauth.Store]. It is safe for concurrent use.
type Store struct {
	table   string
	client  API
	secret  []byte
	timeout time.Duration
	shards  int
	clock   func() time.Time

	exactMax int // the largest Max that is counted exactly
}

var _ customauth.Store = (*Store)(nil)

const (
	defaultTimeout = 600 * time.Millisecond
	minTimeout     = 50 * time.Millisecond
	maxTimeout     = 4 * time.Second

	defaultShards = 8
	maxShards     = 64

	// exactMax bounds the list of times in an item: at 100 it has 1.8 kB, and a
	// write of it costs two units. The defaults of customauth need 20.
	exactMax = 100

	// maxLimits keeps the condition below DynamoDB's 4 kB.
	maxLimits = 16

	// minSecret is the size of HMAC-SHA256's output: shorter keys weaken it
	// (RFC 2104, section 3).
	minSecret = 32
)

// New returns a Store. It makes no request: see [Store.Warm].
func New(o Options) (*Store, error) {
	s := &Store{
		table:    o.Table,
		client:   o.Client,
		secret:   slices.Clone(o.Secret),
		timeout:  cmp.Or(o.Timeout, defaultTimeout),
		shards:   cmp.Or(o.Shards, defaultShards),
		clock:    o.Now,
		exactMax: exactMax,
	}
	switch {
	case !isTable(o.Table):
		return nil, errors.New("dynamodbstore: Table must be the name or the ARN of a table")
	case len(o.Secret) > 0 && len(o.Secret) < minSecret:
		return nil, fmt.Errorf("dynamodbstore: Secret has %d bytes and needs %d, or none", len(o.Secret), minSecret)
	case s.timeout < minTimeout || s.timeout > maxTimeout:
		return nil, fmt.Errorf("dynamodbstore: Timeout is %v, and must be from %v to %v", o.Timeout, minTimeout, maxTimeout)
	case s.shards < 1 || s.shards > maxShards:
		return nil, fmt.Errorf("dynamodbstore: Shards is %d, and must be from 1 to %d", o.Shards, maxShards)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.client == nil {
		client, err := fromEnvironment()
		if err != nil {
			return nil, err
		}
		s.client = client
	}
	return s, nil
}

// isTable reports whether name can be the name of a table (3 to 255 letters,
// digits, "_", "-" and ".") or an ARN.
func isTable(name string) bool {
	if len(name) < 3 || len(name) > 1024 {
		return false
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' && c != '.' && c != ':' && c != '/' {
			return false
		}
	}
	return true
}

// Count counts as [customauth.Store] says.
//
// n > 0 costs one write, and one more in 33 when the key's events are never given
// back. n == 0 costs one strongly consistent read: a guess that was counted a
// moment ago on another instance must be seen. n < 0 costs one write. For a key
// that is split (see [Options].Shards), a count costs one write, with one more
// when a new 24th of a window begins; finding a shard full costs a read of them
// all.
//
// The events of one key are those that were counted with windows like these: pass
// all limits of a key with every call. Whether a key is split is decided by the
// limits passed. A limit with Per 0 cannot stand beside one with Max above 100.
//
// A key remembers as many events as the largest Max of its calls, and at least 32.
// So a Max that is raised beyond that lets its own number of events pass once,
// whatever came before.
func (s *Store) Count(ctx context.Context, key string, n int, limits []customauth.Limit) (time.Duration, error) {
	wait, err := s.count(ctx, s.hash(key), n, limits)
	if err != nil {
		return 0, fmt.Errorf("dynamodbstore: %w", err)
	}
	return wait, nil
}

func (s *Store) count(ctx context.Context, pk string, n int, limits []customauth.Limit) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r, err := s.rules(limits)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	switch {
	case n < 0 && r.split:
		return 0, s.giveBackSplit(ctx, pk, -max(n, -math.MaxInt), r)
	case n < 0:
		return 0, s.giveBack(ctx, pk, -max(n, -math.MaxInt), r)
	case len(limits) == 0:
		return 0, nil
	case max(n, 1) > r.least:
		return forever, nil // it will never fit
	case n == 0 && r.split:
		return s.lookSplit(ctx, pk, r)
	case n == 0:
		return s.look(ctx, pk, r)
	case r.split:
		return s.addSplit(ctx, pk, n, r)
	}
	return s.add(ctx, pk, n, r)
}

// hash turns a key into the partition key of its item: 43 characters, whatever
// the key is. DynamoDB takes no empty key, none over 2,048 bytes, and only UTF-8.
func (s *Store) hash(key string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(key))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// now is the time in milliseconds.
func (s *Store) now() int64 { return s.clock().UnixMilli() }

// forever is the wait for a limit that time does not open.
const forever = time.Duration(math.MaxInt64)

// A window is a limit with Per > 0, in milliseconds.
type window struct {
	max int
	per int64
}

// rules are the limits of one call.
type rules struct {
	windows []window // one for each Per
	streak  int      // the Max of limits with Per == 0; 0 is none
	least   int      // the smallest Max
	most    int      // the largest Max of a window: how many times are needed
	longest int64    // the longest Per
	split   bool
}

func (s *Store) rules(limits []customauth.Limit) (rules, error) {
	if len(limits) > maxLimits {
		return rules{}, fmt.Errorf("%d limits, at most %d are possible", len(limits), maxLimits)
	}
	r := rules{least: math.MaxInt}
	for _, l := range limits {
		if l.Per < 0 {
			return rules{}, fmt.Errorf("a limit has a negative Per, %v", l.Per)
		}
		r.least = min(r.least, l.Max)
		if l.Per == 0 {
			r.streak = min(cmp.Or(r.streak, math.MaxInt), max(l.Max, 1))
			continue
		}
		w := window{l.Max, int64((l.Per-1)/time.Millisecond) + 1}
		r.most, r.longest = max(r.most, w.max), max(r.longest, w.per)
		if i := slices.IndexFunc(r.windows, func(o window) bool { return o.per == w.per }); i >= 0 {
			r.windows[i].max = min(r.windows[i].max, w.max)
			continue
		}
		r.windows = append(r.windows, w)
	}
	r.split = r.most > s.exactMax
	if r.split && r.streak > 0 {
		return rules{}, fmt.Errorf("a limit with Per 0 beside one with Max above %d", s.exactMax)
	}
	return r, nil
}

// expires is when DynamoDB may delete an item that was last written now, in
// seconds: a day after the longest window, so that neither clocks that differ nor
// a caller with shorter windows lose what counts.
func (r rules) expires(now int64) int64 { return (now+r.longest)/1000 + 24*60*60 }
