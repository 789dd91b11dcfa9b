package dynamodbstore_test

// DynamoDB at its worst: a middleman between the store and the server refuses,
// delays, breaks and loses requests and answers.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// A fault does something else with a request than to pass it on, or passes it on
// and loses the answer.
type fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// answer is what DynamoDB says when it cannot.
func answer(status int, name string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("content-type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"injected"}`, name)
	}
}

// text is an answer that DynamoDB would not give.
func text(status int, body string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-time.After(10 * time.Second):
	}
}

func drop(_ http.ResponseWriter, _ *http.Request, _ http.Handler) { panic(http.ErrAbortHandler) }

// lose lets the request do its work and loses the answer.
func lose(_ http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// half sends half of an answer.
func half(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	rec := httptest.NewRecorder()
	pass.ServeHTTP(rec, r)
	w.Header().Set("content-length", fmt.Sprint(rec.Body.Len()))
	w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
	panic(http.ErrAbortHandler)
}

// A middleman does its fault to the first few requests of an operation.
type middleman struct {
	fault     fault
	operation string       // "" is any
	first     int64        // how many requests meet the fault
	seen      atomic.Int64 // requests of the operation
}

// store returns a store that reaches the test server through the middleman.
func (m *middleman) store(t *testing.T, o dynamodbstore.Options) *dynamodbstore.Store {
	t.Helper()
	to, err := url.Parse(dynamotest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	pass := httputil.NewSingleHostReverseProxy(to)
	pass.ErrorLog = quiet
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("x-amz-target"), m.operation) && m.seen.Add(1) <= m.first {
			m.fault(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	o.Client = client(s.URL)
	return open(t, o)
}

var always = map[string]fault{
	"throttled":        answer(400, "ProvisionedThroughputExceededException"),
	"throttled too":    answer(400, "ThrottlingException"),
	"request limit":    answer(400, "RequestLimitExceeded"),
	"internal error":   answer(500, "InternalServerError"),
	"unavailable":      answer(503, "ServiceUnavailable"),
	"not allowed":      answer(400, "AccessDeniedException"),
	"no table":         answer(400, "ResourceNotFoundException"),
	"not valid":        answer(400, "ValidationException"),
	"unknown error":    answer(400, "SomethingNewException"),
	"a proxy's page":   text(502, "<html>bad gateway</html>"),
	"no JSON":          text(200, "fine"),
	"nothing":          text(200, ""),
	"empty object":     text(200, "{}"),
	"another's item":   text(200, `{"Attributes":{".c":{"L":[{"N":"1"}]}},"Item":{".c":{"S":"x"}},"Responses":{"x":[{"pk":{"S":"y"}}]}}`),
	"a strange item":   text(200, `{"Attributes":{".c":{"S":"x"}},"Item":{".c":{"S":"x"}},"Responses":{"x":[{"pk":{"S":"y"}}]},"ConsumedCapacity":{"CapacityUnits":1}}`),
	"refused for fun":  answer(400, "ConditionalCheckFailedException"),
	"hangs":            hang,
	"drops connection": drop,
	"loses answers":    lose,
	"half an answer":   half,
}

// believed are the calls that a fault answers as DynamoDB might: a failed condition
// is what it says when there is nothing to return.
var believed = map[string][]string{
	"refused for fun": {"list-1", "buckets-1"},
}

// Whatever goes wrong, a call ends in time, and nothing is ever allowed. The deadline
// is a guard against hanging, far above the Timeout of the store.
func TestFaults(t *testing.T) {
	dynamotest.URL(t)
	kinds := map[string][]customauth.Window{
		"list":    {atMost(5, time.Hour)},
		"buckets": {atMost(500, time.Hour)},
		"split":   {atMost(50_000, time.Hour)},
	}
	for name, fault := range always {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &middleman{fault: fault, first: 1 << 40}
			s := m.store(t, dynamodbstore.Options{Timeout: 300 * time.Millisecond})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for kind, windows := range kinds {
				for _, n := range []int{1, 0, -1} {
					found, err := s.Update(ctx, kind+":a", op(n, windows...))
					if err == nil && !slices.Contains(believed[name], fmt.Sprint(kind, n)) {
						t.Errorf("%s: Update(%d) found %v, want an error", kind, n, found)
					}
				}
			}
			several := []customauth.Op{op(1, atMost(5, time.Hour)), {Verb: customauth.Count, Counter: "row", InARow: 3}, {Verb: customauth.Mark, Counter: "used", Tag: "a", Windows: kinds["list"]}}
			if found, err := s.Update(ctx, "account:a", several...); err == nil {
				t.Errorf("several counters: found %v, want an error", found)
			}
			if err := s.Forget(ctx, "account:a"); err == nil && name != "a strange item" {
				t.Error("Forget: no error")
			}
			if ctx.Err() != nil {
				t.Error("the calls took more than 20 seconds, with a Timeout of 300 ms")
			}
		})
	}
}

// One request that fails is made up for by another, and counts once: a second
// count under a Max of 2 still passes, a third does not.
func TestOneFault(t *testing.T) {
	dynamotest.URL(t)
	guess := []customauth.Op{op(1, atMost(2, time.Hour)), {Verb: customauth.Count, Counter: "row", InARow: 2}, {Verb: customauth.Mark, Counter: "used", Tag: "a", Windows: []customauth.Window{atMost(1, time.Hour)}}}
	for name, fault := range map[string]fault{
		"throttled":         always["throttled"],
		"internal error":    always["internal error"],
		"unavailable":       always["unavailable"],
		"a proxy's page":    always["a proxy's page"],
		"a dead connection": hang,
		"a lost connection": drop,
		"a lost answer":     lose,
		"half an answer":    half,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &middleman{fault: fault, operation: "UpdateItem", first: 1}
			s := m.store(t, dynamodbstore.Options{Timeout: 4 * time.Second})
			for i := range 3 {
				if found := update(t, s, "account:a", guess...); (found[0].Wait == 0 && found[1].Wait == 0) != (i < 2) {
					t.Errorf("event %d of 2: found %v", i+1, found)
				} else if i < 2 && (found[0].Age >= 0) != (i > 0) {
					t.Errorf("event %d of 2: found %v, want what was there before", i+1, found)
				}
			}
			m = &middleman{fault: fault, operation: "GetItem", first: 1}
			if wait := count(t, m.store(t, dynamodbstore.Options{Timeout: 4 * time.Second}), "a", 0, atMost(2, time.Hour)); wait != 0 {
				t.Errorf("a look at an empty table: wait %v", wait)
			}
		})
	}
}

// A lost answer to the last event that fits is not mistaken for a refusal.
func TestLostAnswerAtTheLimit(t *testing.T) {
	m := &middleman{fault: lose, operation: "UpdateItem", first: 1}
	s := m.store(t, dynamodbstore.Options{Timeout: 4 * time.Second})
	if wait := count(t, s, "a", 1, atMost(1, time.Hour)); wait != 0 {
		t.Errorf("the one event that fits, its answer lost: wait %v", wait)
	}
	if wait := count(t, s, "a", 1, atMost(1, time.Hour)); wait == 0 {
		t.Error("a second event passed")
	}
}

// An answer that is lost to an event that others follow until there is no room any
// more: the event has its room all the same, and finds what was there before it.
func TestLostAnswerAndOvertaken(t *testing.T) {
	table := dynamotest.Table(t)
	ops := []customauth.Op{op(1, atMost(3, time.Hour)), {Verb: customauth.Count, Counter: "row", InARow: 3}}
	others := open(t, dynamodbstore.Options{Table: table, Timeout: 4 * time.Second})
	overtaken := func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		pass.ServeHTTP(httptest.NewRecorder(), r)
		for range 2 {
			if _, err := others.Update(context.Background(), "account:a", ops...); err != nil {
				t.Error(err)
			}
		}
		panic(http.ErrAbortHandler)
	}
	m := &middleman{fault: overtaken, operation: "UpdateItem", first: 1}
	s := m.store(t, dynamodbstore.Options{Table: table, Timeout: 4 * time.Second})
	want := []customauth.Found{{Age: -1}, {Age: -1}}
	if diff := cmp.Diff(want, update(t, s, "account:a", ops...)); diff != "" {
		t.Errorf("the first of three events, its answer lost (-want +got):\n%s", diff)
	}
	for i, f := range update(t, s, "account:a", ops...) {
		if f.Wait == 0 {
			t.Errorf("a fourth event found room in counter %d", i)
		}
	}
}

// A give-back whose answer is lost is not made twice: that would free an event of
// somebody else. It is an error, and one event at least stays counted.
func TestLostGiveBack(t *testing.T) {
	dynamotest.URL(t)
	for name, test := range map[string]struct {
		limit customauth.Window
		kind  func(*dynamodbstore.Store)
	}{
		"list":    {atMost(3, time.Hour), func(*dynamodbstore.Store) {}},
		"buckets": {atMost(103, time.Hour), func(*dynamodbstore.Store) {}},
		"split":   {atMost(103, time.Hour), (*dynamodbstore.Store).SplitAll},
	} {
		t.Run(name, func(t *testing.T) {
			table, limit := dynamotest.Table(t), test.limit
			o := dynamodbstore.Options{Table: table, Shards: 1, Timeout: 4 * time.Second}
			whole := open(t, o)
			test.kind(whole)
			count(t, whole, "a", limit.Max, limit)
			for _, fault := range []fault{lose, always["internal error"]} {
				m := &middleman{fault: fault, operation: "UpdateItem", first: 1}
				s := m.store(t, o)
				test.kind(s)
				if _, err := s.Update(t.Context(), "a", op(-1, limit)); err == nil {
					t.Error("a give-back whose fate is unknown: no error")
				}
				if tries := m.seen.Load(); tries != 1 {
					t.Errorf("a give-back was tried %d times, want once", tries)
				}
			}
			// The first was done, the second was not.
			if wait := count(t, whole, "a", 1, limit); wait != 0 {
				t.Errorf("after one give-back: wait %v", wait)
			}
			if wait := count(t, whole, "a", 1, limit); wait == 0 {
				t.Error("after one give-back, a second event passed")
			}

			// Throttled is surely not done, so it is tried again.
			m := &middleman{fault: always["throttled"], operation: "UpdateItem", first: 1}
			s := m.store(t, o)
			test.kind(s)
			count(t, s, "a", -1, limit)
			if wait := count(t, whole, "a", 1, limit); wait != 0 {
				t.Errorf("after a give-back that was throttled once: wait %v", wait)
			}
		})
	}
}

// A Return from a counter in buckets, of which the answer is lost, is an error and done
// once at most, however it was written. What follows in the same process goes on from
// what is there. A lost answer to a count lets it count twice, and no event of others is
// ever lost.
func TestLostAnswerInBuckets(t *testing.T) {
	dynamotest.URL(t)
	for name, test := range map[string]struct {
		others, own int // what was counted before, own last and in a bucket that is new for all
		n           int // what is counted, or returned if negative, by the request that goes wrong
		fault       fault
		fails       bool
		left        int
	}{
		"a return, lost":                                   {10, 5, -2, lose, true, 13},
		"a return, not done":                               {10, 5, -2, always["internal error"], true, 15},
		"a return, throttled":                              {10, 5, -2, always["throttled"], false, 13},
		"a return of more than the newest bucket, lost":    {10, 5, -7, lose, true, 8},
		"a return of more than the newest bucket, failed":  {10, 5, -7, always["internal error"], true, 15},
		"a return of more than the newest, throttled":      {10, 5, -7, always["throttled"], false, 8},
		"a return of more than there are, lost":            {10, 5, -99, lose, true, 0},
		"a return in a process that knows nothing, lost":   {10, 0, -2, lose, true, 8},
		"a return in a process that knows nothing, failed": {10, 0, -2, always["internal error"], true, 10},
		"a count, lost":                                    {10, 5, 2, lose, false, 19},
		"a count, not done":                                {10, 5, 2, always["internal error"], false, 17},
	} {
		t.Run(name, func(t *testing.T) {
			c, table := newClock(), dynamotest.Table(t)
			others := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
			var armed atomic.Bool
			once := func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				if armed.CompareAndSwap(true, false) {
					test.fault(w, r, pass)
					return
				}
				pass.ServeHTTP(w, r)
			}
			m := &middleman{fault: once, operation: "UpdateItem", first: 1 << 40}
			own := m.store(t, dynamodbstore.Options{Table: table, Now: c.Now, Timeout: 4 * time.Second})
			count(t, others, "budget", test.others, budget...)
			if test.own > 0 {
				c.Sleep(time.Hour)
				count(t, own, "budget", test.own, budget...)
			}
			before := m.seen.Load()
			armed.Store(true)
			_, err := own.Update(t.Context(), "budget", op(test.n, budget...))
			if (err != nil) != test.fails {
				t.Errorf("Update = %v; an error is wanted: %v", err, test.fails)
			}
			if tries := m.seen.Load() - before; test.fails && tries != 1 {
				t.Errorf("a return of which nobody knows whether it was done was tried %d times, want once", tries)
			}
			day := budget[1]
			if got := counted(t, others, "budget", day); got != test.left {
				t.Errorf("%d are counted, want %d", got, test.left)
			}
			count(t, own, "budget", 3, budget...)
			count(t, own, "budget", -4, budget...)
			if got, want := counted(t, others, "budget", day), max(test.left-1, 0); got != want {
				t.Errorf("after 3 more and 4 returned %d are counted, want %d", got, want)
			}
		})
	}
}

// A caller that gives up gets its error at once.
func TestGivesUpWithTheCaller(t *testing.T) {
	m := &middleman{fault: hang, first: 1 << 40}
	s := m.store(t, dynamodbstore.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Update(ctx, "a", op(1, atMost(1, time.Hour)))
		done <- err
	}()
	for m.seen.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Update = %v, want context.Canceled", err)
		}
	case <-time.After(20 * time.Second): // the store's own time is longer
		t.Error("Update goes on after its caller gave up")
	}
}

// No server at all.
func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := open(t, dynamodbstore.Options{Table: "limits", Timeout: time.Second, Client: client("http://" + l.Addr().String())})
	for _, n := range []int{1, 0, -1} {
		if found, err := s.Update(t.Context(), "a", op(n, atMost(1, time.Hour))); err == nil {
			t.Errorf("Update(%d) = %v and no error", n, found)
		}
	}
	if err := s.Warm(t.Context()); err == nil {
		t.Error("Warm: no error")
	}
}
