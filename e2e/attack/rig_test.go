package attack_test

// This file is the scene of every attack: a pool with the real handlers, phones
// that count their texts, and a count of all comparisons.

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/smsguard"
)

var full = flag.Bool("full", false, "run the attacks in the sizes of docs/attacks.md, which takes minutes")

// size is n in the full run, and a small number else.
func size(small, n int) int {
	if *full {
		return n
	}
	return small
}

const (
	day = 24 * time.Hour

	// codes is how many codes of six digits there are.
	codes = 1e6

	// quota is how many requests a second an attacker gets answered: Cognito's
	// default for the category UserAuthentication (developer guide, "Quotas").
	quota = 120
)

var keys = [][]byte{bytes.Repeat([]byte("k"), 32)}

// A setup is what stands in the attacker's way. The zero value is the package's
// defaults.
type setup struct {
	limits customauth.Limits
	off    bool              // no limits at all
	store  customauth.Store  // default in memory
	guard  *smsguard.Options // default no guard
	steps  []customauth.Challenge
	send   func() // how long a send takes
	log    *slog.Logger
	see    func(context.Context, customauth.Event)
}

// A scene is a pool and its phones.
type scene struct {
	pool     *cognitotest.Pool
	phones   *phones
	compared *counter // by user
	options  customauth.Options
}

var discard = slog.New(slog.DiscardHandler)

func newScene(t testing.TB, s setup) *scene {
	t.Helper()
	sc, err := s.scene()
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

func (s setup) scene() (*scene, error) {
	sc := &scene{phones: &phones{send: s.send, codes: make(map[string]string)}, compared: new(counter)}
	if s.store == nil {
		s.store = newWide()
	}
	if s.log == nil {
		s.log = discard
	}
	code := counted{customauth.OTP{Sender: sc.phones}, sc.compared}
	if s.guard != nil {
		o := *s.guard
		o.Store, o.Logger = s.store, s.log
		guard, err := smsguard.New(o)
		if err != nil {
			return nil, err
		}
		code.Guard = guard
	}
	sc.options = customauth.Options{
		Keys:             keys,
		Steps:            append(s.steps, code),
		Limits:           s.limits,
		Store:            s.store,
		Logger:           s.log,
		Observe:          s.see,
		InsecureNoLimits: s.off,
	}
	h, err := customauth.NewHandler(sc.options, nil)
	if err != nil {
		return nil, err
	}
	sc.pool, err = cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	return sc, err
}

// counted is the one-time code, with every comparison counted.
type counted struct {
	customauth.OTP
	compared *counter
}

func (c counted) Check(ctx context.Context, r customauth.Request, answer string) (bool, error) {
	c.compared.add(r.UserName)
	return c.OTP.Check(ctx, r, answer)
}

// A counter counts under names.
type counter struct {
	mu    sync.Mutex
	of    map[string]int
	total int
}

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]int)
	}
	c.of[name]++
	c.total++
}

func (c *counter) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[name]
}

func (c *counter) all() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// phones take the texts of everybody.
type phones struct {
	counter
	send  func()
	codes map[string]string
	texts []text
}

// A text is who got one, and when.
type text struct {
	to string
	at time.Time
}

func (p *phones) Send(_ context.Context, m customauth.Message) error {
	if p.send != nil {
		p.send()
	}
	p.add(m.To.Address)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[m.To.Address] = m.Code.Reveal()
	p.texts = append(p.texts, text{m.To.Address, time.Now()})
	return nil
}

func (p *phones) code(number string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.codes[number]
}

// user adds a user, whose name is the number.
func (sc *scene) user(t testing.TB, number string) {
	t.Helper()
	if err := sc.add(number); err != nil {
		t.Fatal(err)
	}
}

func (sc *scene) add(number string) error {
	return sc.pool.AddUser(number, map[string]string{"phone_number": number})
}

// honest signs a user in as people do: the code from the phone, after some wrong
// answers. It reports whether there were tokens.
func (sc *scene) honest(ctx context.Context, number string, wrong int) bool {
	texts := sc.phones.get(number)
	s, err := sc.pool.SignIn(ctx, number)
	if err != nil || sc.phones.get(number) == texts {
		return false
	}
	for range wrong {
		if s.Answer(ctx, "no idea", nil) != nil {
			return false
		}
	}
	return s.Answer(ctx, sc.phones.code(number), nil) == nil && s.Done()
}

// guess opens a sign-in of somebody else and guesses until it ends. It knows what
// an attacker knows: what the app is told.
func (sc *scene) guess(ctx context.Context, name string, most int) (requests int, in bool) {
	s, err := sc.pool.SignIn(ctx, name)
	requests++
	next := rand.IntN(codes)
	for range most {
		if err != nil || s.Parameters["codeLength"] == "" || s.Parameters["errorCode"] == "rate_limited" {
			break // no code was made, or no guess counts any more
		}
		next = (next + 1) % codes
		err = s.Answer(ctx, fmt.Sprintf("%06d", next), nil)
		requests++
		if err == nil && s.Done() {
			return requests, true
		}
	}
	return requests, false
}

// chance is how likely one of so many guesses is right, when each of the codes is
// equally likely.
func chance(comparisons float64) float64 {
	return -math.Expm1(comparisons * math.Log1p(-1/codes))
}

// logNormal draws how long something takes.
func logNormal(median time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(median) * math.Exp(sigma*rand.NormFloat64()))
}

// A wide store is memory for more keys than one customauth.NewMemoryStore keeps.
type wide [32]customauth.Store

func newWide() (w wide) {
	for i := range w {
		w[i] = customauth.NewMemoryStore()
	}
	return w
}

func (w wide) Count(ctx context.Context, key string, n int, limits []customauth.Limit) (time.Duration, error) {
	h := fnv.New32a()
	io.WriteString(h, key)
	return w[h.Sum32()%uint32(len(w))].Count(ctx, key, n, limits)
}

// honestSRP is honest in a pool that asks for the password first.
func (sc *scene) honestSRP(ctx context.Context, number, password string) bool {
	texts := sc.phones.get(number)
	s, err := sc.pool.SignInSRP(ctx, number, password)
	if err != nil || sc.phones.get(number) == texts {
		return false
	}
	return s.Answer(ctx, sc.phones.code(number), nil) == nil && s.Done()
}
