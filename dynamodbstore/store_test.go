package dynamodbstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/storetest"
	"github.com/google/go-cmp/cmp"
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

// client returns a client of the server at url.
func client(url string, more ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
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

func count(t *testing.T, s customauth.Store, key string, n int, limits ...customauth.Limit) time.Duration {
	t.Helper()
	wait, err := s.Count(t.Context(), key, n, limits)
	if err != nil {
		t.Fatalf("Count(%d): %v", n, err)
	}
	return wait
}

func atMost(max int, per time.Duration) customauth.Limit {
	return customauth.Limit{Max: max, Per: per}
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

// The conformance suite, on the counters of split keys. With one shard n may be
// as large as Max.
func TestStoreSplit(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	open := func(t *testing.T, skew time.Duration) customauth.Store {
		s := open(t, dynamodbstore.Options{Table: table, Shards: 1, Now: func() time.Time { return c.Now().Add(skew) }})
		s.SplitAll()
		return s
	}
	storetest.Run(t, storetest.Config{
		New:           func(t *testing.T) customauth.Store { return open(t, 0) },
		Peer:          open,
		Now:           c.Now,
		Sleep:         c.Sleep,
		Longer:        1.0 / 24,
		Unit:          2400 * time.Millisecond, // so that 24 buckets are whole milliseconds
		FreshWindows:  true,
		NoConsecutive: true,
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
		"a secret":          {func(o *dynamodbstore.Options) { o.Secret = make([]byte, 32) }, ""},
		"no table":          {func(o *dynamodbstore.Options) { o.Table = "" }, "Table must be"},
		"a table with hash": {func(o *dynamodbstore.Options) { o.Table = "limits#1" }, "Table must be"},
		"a short secret":    {func(o *dynamodbstore.Options) { o.Secret = make([]byte, 31) }, "Secret has 31 bytes"},
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
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test",
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
		t.Errorf("Count = %v, want 0", wait)
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
	if _, err := dynamodbstore.New(dynamodbstore.Options{Table: table}); err == nil {
		t.Error("New without credentials: no error")
	}
}

// What is stored, exactly: a change of it must be able to read this.
func TestStoredItem(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
	limits := []customauth.Limit{atMost(5, time.Hour), atMost(9, 24*time.Hour)}
	count(t, s, "+491701234567", 1, limits...)
	c.Sleep(1500 * time.Millisecond)
	count(t, s, "+491701234567", 2, limits...)

	// printf '+491701234567' | openssl dgst -sha256 -hmac '' -binary | basenc --base64url
	const pk = "51os5P5M3EuzZ7kHSTU6fjL32vQdSmIwV68fUKpbdD0"
	expires := fmt.Sprint(began.Add(48*time.Hour + time.Second).Unix())
	want := map[string]any{"pk": pk, "events": []any{"1782907201500", "1782907201500", "1782907200000"}, "expires": expires}
	if diff := cmp.Diff(want, get(t, table, pk)); diff != "" {
		t.Errorf("the item after counting (-want +got):\n%s", diff)
	}

	// While a streak is counted, the item must not expire.
	limits = append(limits, atMost(100, 0))
	count(t, s, "+491701234567", 1, limits...)
	want = map[string]any{"pk": pk, "events": []any{"1782907201500", "1782907201500", "1782907201500", "1782907200000"}, "streak": "1"}
	if diff := cmp.Diff(want, get(t, table, pk)); diff != "" {
		t.Errorf("the item with a streak (-want +got):\n%s", diff)
	}
	count(t, s, "+491701234567", -2, limits...)
	want = map[string]any{"pk": pk, "events": []any{"1782907201500", "1782907200000"}, "expires": expires}
	if diff := cmp.Diff(want, get(t, table, pk)); diff != "" {
		t.Errorf("the item after a give-back (-want +got):\n%s", diff)
	}

	// Giving back to nobody leaves no item behind.
	count(t, s, "nobody", -1, limits...)
	if got := scan(t, table); len(got) != 1 {
		t.Errorf("the table has %d items, want 1: %v", len(got), got)
	}
}

func TestStoredItemSplit(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now, Shards: 1, Secret: []byte(strings.Repeat("k", 32))})
	limits := []customauth.Limit{atMost(5000, time.Hour), atMost(9000, 24*time.Hour)}
	count(t, s, "country:DE", 3, limits...)
	c.Sleep(time.Hour / 24)
	count(t, s, "country:DE", 1, limits...)
	count(t, s, "country:DE", 1, limits...)

	const pk = "DgQNxOu1Mf_obpPu_wbp2cIpbjc38g7Cmthv5DzrTJA#0"
	bucketsOf := func(first ...string) (list []any) {
		for i := range 25 {
			n := "0"
			if i < len(first) {
				n = first[i]
			}
			list = append(list, n)
		}
		return list
	}
	want := map[string]any{
		"pk": pk, "v": "3", "expires": fmt.Sprint(began.Add(48*time.Hour + time.Hour/24).Unix()),
		"w3600000":  map[string]any{"b": "11886049", "t": "5", "c": bucketsOf("2", "3")},
		"w86400000": map[string]any{"b": "495252", "t": "5", "c": bucketsOf("5")},
	}
	if diff := cmp.Diff(want, get(t, table, pk)); diff != "" {
		t.Errorf("the item (-want +got):\n%s", diff)
	}
}

// No stored key shows what it was made of, and the secret changes them all.
func TestKeysAreHashed(t *testing.T) {
	table := dynamotest.Table(t)
	secret := []byte(strings.Repeat("s", 32))
	number := "+491701234567"
	for _, o := range []dynamodbstore.Options{{}, {Secret: secret}} {
		o.Table = table
		s := open(t, o)
		count(t, s, number, 1, atMost(5, time.Hour))
		count(t, s, number, 1, atMost(5000, time.Hour))
	}
	pks := make(map[string]bool)
	for _, it := range scan(t, table) {
		if text := fmt.Sprint(it); strings.Contains(text, number[1:]) {
			t.Errorf("an item shows the key: %s", text)
		}
		pk, _, _ := strings.Cut(it["pk"].(string), "#")
		pks[pk] = true
	}
	if len(pks) != 2 {
		t.Errorf("%d different keys, want one for each secret: %v", len(pks), pks)
	}
}

// An expired item counts as absent although DynamoDB deletes it days later. The
// test server never deletes.
func TestExpiredItem(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	for name, limit := range map[string]customauth.Limit{"list": atMost(2, time.Hour), "split": atMost(200, time.Hour)} {
		t.Run(name, func(t *testing.T) {
			s := open(t, dynamodbstore.Options{Table: table, Shards: 1, Now: c.Now})
			count(t, s, name, limit.Max, limit)
			if wait := count(t, s, name, 1, limit); wait == 0 {
				t.Fatal("a full window lets an event pass")
			}
			c.Sleep(30 * 24 * time.Hour)
			if wait := count(t, s, name, 0, limit); wait != 0 {
				t.Errorf("a month later, the wait is %v", wait)
			}
			if wait := count(t, s, name, limit.Max, limit); wait != 0 {
				t.Errorf("a month later, an event must wait %v", wait)
			}
		})
	}
}

// A list whose events are never given back is trimmed, and stays below 1 kB with
// the limits that customauth has by default.
func TestListStaysShort(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	costs := new(meter)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now, Client: costs.client(t)})
	limits := []customauth.Limit{atMost(5, time.Hour), atMost(20, 24*time.Hour), atMost(1000, 0)}
	longest := 0
	for i := range 200 {
		if wait := count(t, s, "a", 1, limits...); wait != 0 {
			t.Fatalf("count %d: wait %v", i, wait)
		}
		c.Sleep(2 * time.Hour)
		longest = max(longest, len(scan(t, table)[0]["events"].([]any)))
	}
	if longest > 64 {
		t.Errorf("the list had %d events, want at most 64", longest)
	}
	if got := costs.total(); got.writes > 206 || got.units != float64(got.writes) {
		t.Errorf("200 counts cost %d writes of %v units, want at most 206 of one unit each", got.writes, got.units)
	}
}

// The whole of a successful sign-in: three writes and one read.
func TestCostOfSignIn(t *testing.T) {
	costs := new(meter)
	s := open(t, dynamodbstore.Options{Client: costs.client(t)})
	sends := []customauth.Limit{atMost(1, 30*time.Second), atMost(5, time.Hour), atMost(10, 24*time.Hour)}
	guesses := []customauth.Limit{atMost(5, 5*time.Minute), atMost(10, time.Hour), atMost(20, 24*time.Hour), atMost(100, 0)}

	count(t, s, "guesses", 0, guesses...) // Create: is the user locked?
	count(t, s, "sends", 1, sends...)     // Create: one message more
	count(t, s, "guesses", 1, guesses...) // Verify: one guess more
	count(t, s, "guesses", -1, guesses...)
	want := bill{reads: 1, writes: 3, units: 4}
	if got := costs.total(); got != want {
		t.Errorf("a sign-in costs %+v, want %+v", got, want)
	}
}

// A count of a split key is one write, except for the first in a bucket.
func TestCostOfSplitKey(t *testing.T) {
	c, costs := newClock(), new(meter)
	s := open(t, dynamodbstore.Options{Client: costs.client(t), Now: c.Now, Shards: 1})
	budget := []customauth.Limit{atMost(1000, time.Hour), atMost(10000, 24*time.Hour)}
	count(t, s, "budget", 1, budget...)
	first := costs.total()
	for range 50 {
		count(t, s, "budget", 1, budget...)
	}
	rest := costs.total()
	if want := (bill{writes: 2, units: 2}); first != want {
		t.Errorf("the first count costs %+v, want %+v", first, want)
	}
	if want := (bill{writes: 52, units: 52}); rest != want {
		t.Errorf("51 counts cost %+v, want %+v", rest, want)
	}
}

// A hot key spreads over its shards, and lets exactly Max events pass.
func TestSplitKey(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
	limit := atMost(150, time.Hour)
	var (
		mu      sync.Mutex
		allowed int
		wg      sync.WaitGroup
	)
	for range 8 {
		wg.Go(func() {
			for range 30 {
				wait, err := s.Count(t.Context(), "budget", 1, []customauth.Limit{limit})
				if err != nil {
					t.Error(err)
					return
				}
				if wait == 0 {
					mu.Lock()
					allowed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if allowed != limit.Max {
		t.Errorf("240 events at once under a Max of 150: %d passed", allowed)
	}
	if shards := len(scan(t, table)); shards != 8 {
		t.Errorf("the key is spread over %d items, want 8", shards)
	}
	if wait := count(t, s, "budget", 0, limit); wait < time.Hour || wait > time.Hour+time.Hour/24 {
		t.Errorf("a full key: the wait is %v, want an hour, or a 24th more", wait)
	}

	// Given back, as many pass again.
	count(t, s, "budget", -20, limit)
	for i := range 21 {
		if wait := count(t, s, "budget", 1, limit); (wait == 0) != (i < 20) {
			t.Fatalf("event %d after 20 were given back: wait %v", i+1, wait)
		}
	}
	c.Sleep(count(t, s, "budget", 0, limit))
	if wait := count(t, s, "budget", 1, limit); wait != 0 {
		t.Errorf("after the wait that was told: wait %v", wait)
	}
	count(t, s, "budget", math.MinInt, limit)
	for i := range limit.Max {
		if wait := count(t, s, "budget", 1, limit); wait != 0 {
			t.Fatalf("event %d after all were given back: wait %v", i+1, wait)
		}
	}
}

// Limits that cannot be kept are an error, not a guess.
func TestImpossibleLimits(t *testing.T) {
	s := open(t, dynamodbstore.Options{Client: client("http://127.0.0.1:1"), Table: "limits"})
	for name, test := range map[string]struct {
		n      int
		limits []customauth.Limit
	}{
		"negative Per":              {1, []customauth.Limit{atMost(1, -time.Hour)}},
		"too many":                  {1, make([]customauth.Limit, 17)},
		"streak beside a split key": {1, []customauth.Limit{atMost(3, 0), atMost(101, time.Hour)}},
		"more than a shard holds":   {14, []customauth.Limit{atMost(104, time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			wait, err := s.Count(t.Context(), "a", test.n, test.limits)
			if err == nil || !strings.HasPrefix(err.Error(), "dynamodbstore: ") {
				t.Errorf("Count = %v, %v, want an error", wait, err)
			}
		})
	}
	for _, n := range []int{0, 1} {
		if wait, err := s.Count(t.Context(), "a", n, []customauth.Limit{atMost(0, time.Hour)}); wait != math.MaxInt64 || err != nil {
			t.Errorf("Count(%d) under a Max of 0 = %v, %v, want to wait for ever", n, wait, err)
		}
	}
}

// A streak may be longer than any list, and is counted in large steps too.
func TestLongStreak(t *testing.T) {
	s := open(t, dynamodbstore.Options{})
	limit := atMost(1_000_000, 0)
	if wait := count(t, s, "a", 999_999, limit); wait != 0 {
		t.Errorf("999,999 of a million: wait %v", wait)
	}
	if wait := count(t, s, "a", 2, limit); wait != math.MaxInt64 {
		t.Errorf("2 more of a million: wait %v, want to wait for ever", wait)
	}
	if wait := count(t, s, "a", 1, limit); wait != 0 {
		t.Errorf("1 more of a million: wait %v", wait)
	}
}

// get reads an item as plain values. Event times lose the digits after the point,
// which are random.
func get(t *testing.T, table, pk string) map[string]any {
	t.Helper()
	for _, it := range scan(t, table) {
		if it["pk"] == pk {
			return it
		}
	}
	t.Fatalf("no item %q among %v", pk, scan(t, table))
	return nil
}

func scan(t *testing.T, table string) (items []map[string]any) {
	t.Helper()
	out, err := client(dynamotest.URL(t)).Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range out.Items {
		items = append(items, plain(&types.AttributeValueMemberM{Value: it}).(map[string]any))
	}
	return items
}

func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		whole, _, _ := strings.Cut(v.Value, ".")
		return whole
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plain(e))
		}
		return list
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for name, e := range v.Value {
			m[name] = plain(e)
		}
		return m
	}
	return fmt.Sprintf("%T", v)
}

// A bill is what requests cost.
type bill struct {
	reads, writes int
	units         float64
}

// A meter adds up what a client's requests cost, as DynamoDB says it.
type meter struct {
	mu  sync.Mutex
	sum bill
}

func (m *meter) total() bill {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

// reset forgets what was spent so far.
func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum = bill{}
}

func (m *meter) client(t *testing.T) *dynamodb.Client {
	ask := middleware.InitializeMiddlewareFunc("meter", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		var sum bill
		switch in := in.Parameters.(type) {
		case *dynamodb.GetItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.reads++
		case *dynamodb.BatchGetItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.reads += len(in.RequestItems)
		case *dynamodb.UpdateItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.writes++
		}
		out, md, err := next.HandleInitialize(ctx, in)
		var consumed []types.ConsumedCapacity
		switch refused := (*types.ConditionalCheckFailedException)(nil); {
		case errors.As(err, &refused):
			sum.units++ // a refused write costs as much; its answer does not say so
		case err != nil:
			t.Errorf("the server failed: %v", err)
		default:
			switch out := out.Result.(type) {
			case *dynamodb.GetItemOutput:
				consumed = append(consumed, *out.ConsumedCapacity)
			case *dynamodb.BatchGetItemOutput:
				consumed = out.ConsumedCapacity
			case *dynamodb.UpdateItemOutput:
				consumed = append(consumed, *out.ConsumedCapacity)
			}
		}
		for _, c := range consumed {
			sum.units += aws.ToFloat64(c.CapacityUnits)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.sum.reads += sum.reads
		m.sum.writes += sum.writes
		m.sum.units += sum.units
		return out, md, err
	})
	return client(dynamotest.URL(t), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Initialize.Add(ask, middleware.Before) })
	})
}
