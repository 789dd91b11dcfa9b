// Package load_test signs in many users at the same time, and then very many: it
// looks for wrong outcomes, and for memory that grows.
//
//	go test ./load                                            in the folder e2e
//	go test ./load -run Soak -soak.n=1000000 -timeout 30m -v  the whole soak
//
// docs/soak.md has the figures of the whole soak. This file makes the pool and
// the crowd; journey_test.go says what each one in it does.
package load_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// crowd is how many people sign in at the same time.
const crowd = 64

// TestCrowd: 10,000 sign-ins by 64 users, each with two names, at one pool.
func TestCrowd(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	// A user here signs in some hundred times in a second, which no limit lets pass.
	p := newPool(t, customauth.Options{InsecureNoLimits: true})
	for worker := range crowd {
		for k := range 2 {
			if err := p.AddUser(fixedName(worker, k), phoneOf(fixedName(worker, k))); err != nil {
				t.Fatal(err)
			}
		}
	}
	run := crowdRun{target: inProcess{p}, texts: p.texts, fixed: true, tokensEvery: 10}
	checkFlat(t, n, func(n int) { run.signIns(t, n) })
	run.report(t, n)
}

// cooldown is the shortest there is between two sign-ins of a user that send a text.
const cooldown = time.Millisecond

// A pool of cognitotest with the real handlers. It keeps time of each trigger.
type pool struct {
	*cognitotest.Pool
	texts    *texts
	triggers *timings // by trigger
}

// newPool fills in what the options do not say.
func newPool(t *testing.T, o customauth.Options) *pool {
	t.Helper()
	p := &pool{texts: new(texts), triggers: new(timings)}
	key := make([]byte, 32)
	rand.Read(key)
	o.Keys = []customauth.Secret{customauth.Hide(string(key))}
	o.Steps = []customauth.Step{{Name: "otp", Challenge: customauth.OTP{ResendAfter: cooldown}}} // in whole seconds within a sign-in
	o.Senders = map[string]customauth.Sender{"SMS": p.texts}
	if o.Store == nil {
		o.Store = customauth.NewMemoryStore()
	}
	o.Logger = slog.New(slog.DiscardHandler)
	handler, err := customauth.NewHandler(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Pool, err = cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{
		Define: timed{handler, p.triggers.of("Define")},
		Create: timed{handler, p.triggers.of("Create")},
		Verify: timed{handler, p.triggers.of("Verify")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// timed is a trigger with a stopwatch.
type timed struct {
	handler lambda.Handler
	timing  *timing
}

func (h timed) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	start := time.Now()
	defer func() { h.timing.add(time.Since(start)) }()
	return h.handler.Invoke(ctx, event)
}

// texts is a Sender that keeps the last code for each number.
type texts struct{ codes sync.Map }

func (s *texts) Send(_ context.Context, m customauth.Message) error {
	s.codes.Store(m.To.Address.Reveal(), m.Code.Reveal())
	return nil
}

func (s *texts) Warm(context.Context) error { return nil }

// code is the one that was sent to the user last.
func (s *texts) code(name string) string {
	code, _ := s.codes.Load(phoneOf(name)["phone_number"])
	text, _ := code.(string)
	return text
}

func (s *texts) forget(name string) { s.codes.Delete(phoneOf(name)["phone_number"]) }

// A user's name is seven digits, and the number has them too. There is no area
// code 999.
func phoneOf(name string) map[string]string {
	return map[string]string{"phone_number": "+1999" + name}
}

func fixedName(worker, k int) string { return fmt.Sprintf("%07d", 9_000_000+10*worker+k) }

// A target is where the crowd signs in: the pool's Go API or its HTTP API.
type target interface {
	add(ctx context.Context, name string) error
	remove(ctx context.Context, name string) error
	signIn(ctx context.Context, name string) (signIn, error)
}

// A signIn is one that has begun. Its errors are *cognitotest.Error, also over
// HTTP.
type signIn interface {
	answer(ctx context.Context, text string, clientMetadata map[string]string) error
	done() bool
	parameter(name string) string
	session() string
	setSession(string)
	owner() (string, error) // the user whom the tokens name
}

// inProcess is the pool's Go API. Events and answers of the triggers are JSON.
type inProcess struct{ *pool }

func (p inProcess) add(_ context.Context, name string) error { return p.AddUser(name, phoneOf(name)) }

// remove uses the HTTP API, without a server, for there is no other way.
func (p inProcess) remove(_ context.Context, name string) error {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"UserPoolId":"`+p.ID()+`","Username":"`+name+`"}`))
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminDeleteUser")
	w := httptest.NewRecorder()
	if p.ServeHTTP(w, r); w.Code != http.StatusOK {
		return fmt.Errorf("AdminDeleteUser: %d", w.Code)
	}
	return nil
}

func (p inProcess) signIn(ctx context.Context, name string) (signIn, error) {
	s, err := p.SignIn(ctx, name)
	return &goSignIn{p.pool, s}, err
}

type goSignIn struct {
	pool *pool
	s    *cognitotest.SignIn
}

func (g *goSignIn) answer(ctx context.Context, text string, clientMetadata map[string]string) error {
	return g.s.Answer(ctx, text, clientMetadata)
}
func (g *goSignIn) done() bool                   { return g.s.Done() }
func (g *goSignIn) parameter(name string) string { return g.s.Parameters[name] }
func (g *goSignIn) session() string              { return g.s.Session }
func (g *goSignIn) setSession(session string)    { g.s.Session = session }
func (g *goSignIn) owner() (string, error) {
	claims, err := g.pool.Claims(g.s.Tokens().IDToken)
	name, _ := claims["cognito:username"].(string)
	return name, err
}

// A crowdRun is people who sign in until there were enough of them.
type crowdRun struct {
	target      target
	texts       *texts
	fixed       bool // each has two names, else every sign-in has a new one
	tokensEvery int  // the tokens of every so manieth sign-in are looked at

	next     atomic.Int64 // numbers the sign-ins
	names    atomic.Int64 // numbers the names
	right    atomic.Int64 // sign-ins that ended as they should
	starved  atomic.Int64 // see patience
	imitated atomic.Int64 // of the right ones, those of nobody that imitate a starved one
}

// report says how it went, and fails the test if a sign-in is missing.
func (c *crowdRun) report(t *testing.T, n int) {
	t.Helper()
	right, starved, imitated := c.right.Load(), c.starved.Load(), c.imitated.Load()
	t.Logf("%d sign-ins ended as they should, %d were starved by the machine", right, starved)
	if right+starved != int64(n) {
		t.Errorf("want %d", n)
	}
	if imitated > 0 && starved == 0 {
		t.Errorf("nobody was told %d times that a delivery failed, and no delivery did", imitated)
	}
}

// patience is how long a sign-in may take without being starved: the handlers give
// up on the store after 700 ms, and on all else after 4 seconds. On a machine that is
// busy with other things it can come to that.
const patience = 650 * time.Millisecond

// signIns signs in n times, and returns when all is done. Every outcome must be
// right. A sign-in that was starved may fail, but not let in whom it should not;
// half of them must have had the machine's time, or nothing was shown.
func (c *crowdRun) signIns(t *testing.T, n int) {
	t.Helper()
	last := c.next.Load() + int64(n)
	var wg sync.WaitGroup
	for worker := range crowd {
		wg.Go(func() {
			for !t.Failed() {
				i := c.next.Add(1)
				if i > last {
					return
				}
				j, start := journeyOf(i), time.Now()
				err := c.walk(t.Context(), worker, i, j)
				switch took := time.Since(start); {
				case err == nil:
					c.right.Add(1)
				case took > patience && !errors.Is(err, errBreach):
					c.starved.Add(1)
					time.Sleep(5 * time.Second) // until what was given up has ended
				default:
					t.Errorf("sign-in %d, %s, after %v: %v", i, j.name, took, err)
				}
			}
		})
	}
	wg.Wait()
	c.next.Store(last)
	if starved := c.starved.Load(); starved > last/2 {
		t.Errorf("%d of %d sign-ins were starved: the machine is too busy to tell anything", starved, last)
	}
}

// checkFlat does a fifth of the work, then the rest, and compares the heap in
// use. What is left after a fifth is what the pool and the handlers need; the rest
// must add nothing that counts.
//
// The bound is generous, for a heap in use has gaps: a quarter and 4 MiB more. If
// each of 8,000 sign-ins left a kilobyte behind, that would be above it.
func checkFlat(t *testing.T, n int, work func(n int)) {
	t.Helper()
	work(n / 5)
	before := heapInUse()
	work(n - n/5)
	after := heapInUse()
	t.Logf("heap in use: %.1f MiB after a fifth, %.1f MiB at the end", mib(before), mib(after))
	if limit := before + before/4 + 4<<20; after > limit {
		t.Errorf("the heap grew from %.1f to %.1f MiB, more than to %.1f", mib(before), mib(after), mib(limit))
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held on to
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func mib(n uint64) float64 { return float64(n) / (1 << 20) }
