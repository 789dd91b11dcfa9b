// Package dynamodbstore keeps the counters of customauth's limits in Amazon
// DynamoDB, where all instances of all functions share them.
//
//	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("LIMITS_TABLE")})
//	...
//	define, err := customauth.NewDefine(customauth.Options{Store: store, ...})
//
// An account is one item. One write asks all its counters whether there is room
// and counts in them, without a read: the item holds the times of the newest
// events, and the condition of the write looks at those that matter. The windows
// slide and are exact to the millisecond. A whole successful sign-in costs three
// requests, and four with a number that was not proved before.
//
// A counter that has a window with a Max above 100 (all texts of a country, a
// budget for everybody) is counted in buckets of a 24th of a window instead, in an item
// beside: Max is never exceeded, and an event counts up to 1/24 longer than Per.
// With a Max above 10,000 there are several items, so that no single one has to take
// all writes; see [Options].Shards.
//
// What goes wrong goes wrong on the safe side. An answer that does not come in
// time is an error, and callers of a Store refuse then. A count is tried again
// after a failure and recognises itself, so it counts once (twice at most, if it
// is taken back in between; with a Max above 100 once more for each answer that is
// lost). What takes events away is tried again only if DynamoDB surely did not do it,
// so at worst an event stays counted that need not.
//
// The table and the permissions that the store needs are in the README.
package dynamodbstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/bounded"
)

// Options configure a Store. Only Table is required.
type Options struct {
	// Table is the name or the ARN of the table. Its partition key is the string
	// "pk", without a sort key; its attribute for time to live is "expires".
	Table string

	// Client is asked for everything. Default: one that is built from the
	// environment of a Lambda function (AWS_REGION, AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or the container's credentials of
	// SnapStart; AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL). It opens new
	// connections after the function was frozen. The SDK's own retries are turned
	// off for each request: the store tries again itself, within Timeout. A client of
	// your own now and then loses an answer on a busy machine, unless its HTTPClient
	// hides the WriteTo of a request's body (aws/aws-sdk-go-v2#1825).
	Client API

	// Timeout bounds a call of the store, with all its tries. Default 600 ms, from
	// 50 ms to 4 s. Cognito gives a trigger 5 s, and customauth gives a store
	// 700 ms a call.
	Timeout time.Duration

	// Shards is into how many items a counter is split that has a window with a Max
	// above 10,000. Default 8, at most 64. One item takes about 1,000 writes a second
	// (the limit of a DynamoDB partition), eight take 8,000. Below, one item is
	// enough, whatever Max is: a refused event costs a write too, and it is the quota
	// of Cognito that bounds them all, by default 120 sign-ins a second. Each shard
	// has its share of Max; n events must fit into one shard at once; a Return costs
	// a read of them all before its write. 1 never splits. Changing Shards to fewer
	// loses the counters of the shards that are gone, and so does a Max that is no
	// longer above 10,000. Changing it to more, or a Max that has risen above 10,000,
	// lets up to Max more pass, once.
	Shards int

	// Now is the clock, for tests. Default time.Now. Clocks of instances that
	// differ by d make a window longer or shorter by d.
	Now func() time.Time
}

// Store is a [customauth.Store]. It is safe for concurrent use.
type Store struct {
	table   string
	client  API
	timeout time.Duration
	shards  int
	clock   func() time.Time

	exactMax int // the largest Max that is counted in a list
	wholeMax int // the largest Max that is counted in one item
	seen     seen
}

var _ customauth.Store = (*Store)(nil)

const (
	defaultTimeout = 600 * time.Millisecond
	minTimeout     = 50 * time.Millisecond
	maxTimeout     = 4 * time.Second

	defaultShards = 8
	maxShards     = 64

	// exactMax bounds the list of times in an item: at 100 it has 1.5 kB, and a
	// write of it costs two units. The defaults of customauth need 20.
	exactMax = 100

	// wholeMax is where splitting begins. One item takes about 1,000 writes a second,
	// and a refused event is a write too: so it is not Max that says how many there
	// are, but what Cognito lets through, by default 120 sign-ins a second with a Count
	// and a Return each. One item has room for four times that, and a pool with a
	// higher quota counts to more than 10,000 as a rule.
	wholeMax = 10_000
)

// New returns a Store. It makes no request: see [Store.Warm].
func New(o Options) (*Store, error) {
	s := &Store{
		table:    o.Table,
		client:   o.Client,
		timeout:  cmp.Or(o.Timeout, defaultTimeout),
		shards:   cmp.Or(o.Shards, defaultShards),
		clock:    o.Now,
		exactMax: exactMax,
		wholeMax: wholeMax,
	}
	switch {
	case !isTable(o.Table):
		return nil, errors.New("dynamodbstore: Table must be the name or the ARN of a table")
	case s.timeout < minTimeout || s.timeout > maxTimeout:
		return nil, fmt.Errorf("dynamodbstore: Timeout is %v, and must be from %v to %v", o.Timeout, minTimeout, maxTimeout)
	case s.shards < 1 || s.shards > maxShards:
		return nil, fmt.Errorf("dynamodbstore: Shards is %d, and must be from 1 to %d", o.Shards, maxShards)
	}
	if s.shards == 1 {
		s.wholeMax = math.MaxInt
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

// Update does what [customauth.Store] says.
//
// It costs one request: a write, or a strongly consistent read if all ops are Look
// and Ask, because a guess that was counted a moment ago on another instance must
// be seen. A second one is made where the first could not know enough: where an
// event with a Tag is there already, where less was counted than is to be returned,
// where an item is to be shortened, about once in 15 sign-ins, and where other
// writers come in between.
//
// An op with a Max above 100 must be alone in its Update, is no Mark and has no
// Tag. It costs one write then. A count costs one more when a new 24th of a window
// begins, and a Return of more than the newest 24th has, unless this Store has made the
// counter's last write. With a Max above 10,000 a Return costs a read before its
// writes, and so does finding a shard full.
func (s *Store) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	bounded.Grow() // a caller may have begun a goroutine for this
	found, err := s.update(ctx, key, ops)
	if err != nil {
		return nil, fmt.Errorf("dynamodbstore: %w", err)
	}
	return found, nil
}

func (s *Store) update(ctx context.Context, key string, ops []customauth.Op) ([]customauth.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	todo, inBuckets, err := s.read(ops)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if inBuckets {
		f, err := s.updateBuckets(ctx, key, todo[0])
		return []customauth.Found{f}, err
	}
	return s.updateItem(ctx, key, todo)
}

// Forget removes the item of a key, in one request. If there is none, it removes
// the items in buckets. So what was counted for a key with a Max above 100 and
// with others too stays, until it ends by itself; customauth has no such key.
func (s *Store) Forget(ctx context.Context, key string) error {
	if err := s.forget(ctx, key); err != nil {
		return fmt.Errorf("dynamodbstore: %w", err)
	}
	return nil
}

func (s *Store) forget(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	old, err := s.remove(ctx, key)
	if err != nil || old != nil {
		return err
	}
	errs := make([]error, s.shards)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.remove(ctx, shardKey(key, i)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Warm opens the connection to DynamoDB, by one eventually consistent read.
// customauth's constructors call it, in the init phase of a function, where CPU time
// is free and nobody waits. An error tells that the table is missing or not allowed.
func (s *Store) Warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxTimeout)
	defer cancel()
	if _, err := s.get(ctx, "warm", false); err != nil {
		return fmt.Errorf("dynamodbstore: %w", err)
	}
	return nil
}

// now is the time in milliseconds.
func (s *Store) now() int64 { return s.clock().UnixMilli() }

// forever is the wait for what time does not bring.
const forever = time.Duration(math.MaxInt64)
