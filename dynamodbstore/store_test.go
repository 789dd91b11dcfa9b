package dynamodbstore_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/internal/httpbody"
	"github.com/cyber-eternal/customauth/storetest"
)

// began is when the clocks of these tests start.
var began = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// A clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: began} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// secret is as long as those of AWS: FIPS 140-3 wants a key of 14 bytes or more.
const secret = "0123456789abcdefghijklmnopqrstuvwxyz0123"

// client returns a client of the server at url.
func client(url string, more ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(url),
		HTTPClient:   httpbody.Client(new(http.Client)),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: secret}, nil
		}),
	}, more...)
}

// open returns a store on an empty table of the test server, without a bound on
// its time if none is given.
func open(t *testing.T, o dynamodbstore.Options) *dynamodbstore.Store {
	t.Helper()
	if o.Table == "" {
		o.Table = dynamotest.Table(t)
	}
	if o.Client == nil {
		o.Client = client(dynamotest.URL(t))
	}
	s, err := dynamodbstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if o.Timeout == 0 {
		s.Patient()
	}
	return s
}

func update(t *testing.T, s customauth.Store, key string, ops ...customauth.Op) []customauth.Found {
	t.Helper()
	found, err := s.Update(t.Context(), key, ops...)
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	return found
}

// count counts n events, takes them back if n is negative, and looks if it is 0.
func count(t *testing.T, s customauth.Store, key string, n int, windows ...customauth.Window) time.Duration {
	t.Helper()
	return update(t, s, key, op(n, windows...))[0].Wait
}

func op(n int, windows ...customauth.Window) customauth.Op {
	switch {
	case n < 0:
		return customauth.Op{Verb: customauth.Return, Counter: "c", N: -n, Windows: windows}
	case n == 0:
		return customauth.Op{Verb: customauth.Look, Counter: "c", Windows: windows}
	}
	return customauth.Op{Verb: customauth.Count, Counter: "c", N: n, Windows: windows}
}

func atMost(max int, per time.Duration) customauth.Window {
	return customauth.Window{Max: max, Per: per}
}

// The conformance suite, on the lists of times.
func TestStore(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	storetest.Run(t, storetest.Config{
		New: func(t *testing.T) customauth.Store {
			return open(t, dynamodbstore.Options{Table: table, Now: c.Now})
		},
		Peer: func(t *testing.T, skew time.Duration) customauth.Store {
			return open(t, dynamodbstore.Options{Table: table, Now: func() time.Time { return c.Now().Add(skew) }})
		},
		Now:   c.Now,
		Sleep: c.Sleep,
	})
}

// The conformance suite, on the counters in buckets.
func TestStoreBuckets(t *testing.T) { testBuckets(t, (*dynamodbstore.Store).WholeAll) }

// The conformance suite, on the counters that are split. With one shard N may be as
// large as Max.
func TestStoreSplit(t *testing.T) { testBuckets(t, (*dynamodbstore.Store).SplitAll) }

func testBuckets(t *testing.T, kind func(*dynamodbstore.Store)) {
	c, table := newClock(), dynamotest.Table(t)
	open := func(t *testing.T, skew time.Duration) customauth.Store {
		s := open(t, dynamodbstore.Options{Table: table, Shards: 1, Now: func() time.Time { return c.Now().Add(skew) }})
		kind(s)
		return s
	}
	storetest.Run(t, storetest.Config{
		New:          func(t *testing.T) customauth.Store { return open(t, 0) },
		Peer:         open,
		Now:          c.Now,
		Sleep:        c.Sleep,
		Longer:       1.0 / 24,
		Unit:         2400 * time.Millisecond, // so that 24 buckets are whole milliseconds
		FreshWindows: true,
		Plain:        true,
	})
}

func TestNew(t *testing.T) {
	right := dynamodbstore.Options{Table: "limits", Client: client("http://127.0.0.1:1")}
	for name, test := range map[string]struct {
		change func(*dynamodbstore.Options)
		want   string
	}{
		"right":             {func(o *dynamodbstore.Options) {}, ""},
		"an ARN":            {func(o *dynamodbstore.Options) { o.Table = "arn:aws:dynamodb:eu-west-1:123456789012:table/limits" }, ""},
		"no table":          {func(o *dynamodbstore.Options) { o.Table = "" }, "Table must be"},
		"a table with hash": {func(o *dynamodbstore.Options) { o.Table = "limits#1" }, "Table must be"},
		"no time":           {func(o *dynamodbstore.Options) { o.Timeout = time.Millisecond }, "Timeout is 1ms"},
		"negative time":     {func(o *dynamodbstore.Options) { o.Timeout = -1 }, "Timeout is"},
		"too much time":     {func(o *dynamodbstore.Options) { o.Timeout = 5 * time.Second }, "Timeout is 5s"},
		"negative shards":   {func(o *dynamodbstore.Options) { o.Shards = -1 }, "Shards is -1"},
		"many shards":       {func(o *dynamodbstore.Options) { o.Shards = 65 }, "Shards is 65"},
	} {
		t.Run(name, func(t *testing.T) {
			o := right
			test.change(&o)
			s, err := dynamodbstore.New(o)
			if test.want == "" && err != nil {
				t.Errorf("New: %v", err)
			}
			if test.want != "" && (err == nil || s != nil || !strings.HasPrefix(err.Error(), "dynamodbstore: "+test.want)) {
				t.Errorf("New = %v, %v, want an error %q", s, err, test.want)
			}
		})
	}
}

// The default client takes everything from the environment of a function.
func TestNewFromEnvironment(t *testing.T) {
	url, table := dynamotest.URL(t), dynamotest.Table(t)
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "test",
		"AWS_ENDPOINT_URL_DYNAMODB": url, "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	s, err := dynamodbstore.New(dynamodbstore.Options{Table: table, Timeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Warm(t.Context()); err != nil {
		t.Errorf("Warm: %v", err)
	}
	if wait := count(t, s, "a", 1, atMost(1, time.Hour)); wait != 0 {
		t.Errorf("Update found a wait of %v, want 0", wait)
	}

	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "")
	t.Setenv("AWS_ENDPOINT_URL", url)
	if s, err = dynamodbstore.New(dynamodbstore.Options{Table: table + "-missing", Timeout: 4 * time.Second}); err != nil {
		t.Fatal(err)
	}
	var missing *types.ResourceNotFoundException
	if err := s.Warm(t.Context()); !errors.As(err, &missing) {
		t.Errorf("Warm without a table = %v, want a ResourceNotFoundException", err)
	}

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
	if _, err := dynamodbstore.New(dynamodbstore.Options{Table: table}); err == nil {
		t.Error("New without credentials: no error")
	}
}
