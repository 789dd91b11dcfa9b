package attack_test

// This file is the scene of every attack: a pool with the real handlers, phones
// that count their texts, and a count of all comparisons.

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
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

var (
	keys       = []customauth.Secret{customauth.Hide("a key that is made of 32 letters")}
	counterKey = customauth.Hide("another key, of 32 letters again")
)

// A setup is what stands in the attacker's way. The zero value is the package's
// defaults.
type setup struct {
	limits customauth.Limits
	off    bool              // no limits at all
	store  customauth.Store  // default in memory
	guard  *smsguard.Options // default no guard
	steps  []customauth.Step
	send   func() // how long a send takes
	log    *slog.Logger
	see    func(context.Context, customauth.Event)
}

// A scene is a pool and its phones.
type scene struct {
	pool     *cognitotest.Pool
	phones   *phones
	compared *counter // by user
	long     *counter // those of them that were compared with a longer code, as under pressure
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
	sc := &scene{phones: &phones{send: s.send, codes: make(map[string]string)}, compared: new(counter), long: new(counter)}
	if s.store == nil {
		s.store = newWide()
	}
	if s.log == nil {
		s.log = discard
	}
	code := customauth.Step{Name: "otp", Challenge: counted{customauth.OTP{Generator: unlucky}, sc}}
	var guard customauth.Guard
	if s.guard != nil {
		o := *s.guard
		o.Store, o.Logger = s.store, s.log
		var err error
		if guard, err = smsguard.New(o); err != nil {
			return nil, err
		}
	}
	sc.options = customauth.Options{
		Keys:             keys,
		CounterKey:       counterKey,
		Steps:            append(s.steps, code),
		Senders:          map[string]customauth.Sender{"SMS": sc.phones},
		Guard:            guard,
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

// unlucky makes the codes of the package, but for those that begin with 0. All guesses
// begin so: no run depends on the attacker's luck, which is computed instead.
func unlucky(ctx context.Context, least int) (string, error) {
	code, err := customauth.Digits(least)(ctx, least)
	if err == nil && code[0] == '0' {
		code = "1" + code[1:]
	}
	return code, err
}

// counted is the one-time code, with every comparison counted.
type counted struct {
	customauth.OTP
	sc *scene
}

func (c counted) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	c.sc.compared.add(r.UserName.Reveal())
	if len(c.sc.phones.code(r.Attributes["phone_number"].Reveal())) > 6 {
		c.sc.long.add(r.UserName.Reveal())
	}
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
	to := m.To.Address.Reveal()
	p.add(to)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[to] = m.Code.Reveal()
	p.texts = append(p.texts, text{to, time.Now()})
	return nil
}

func (*phones) Warm(context.Context) error { return nil }

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
func (sc *scene) guess(ctx context.Context, name string, most int) (requests int) {
	s, err := sc.pool.SignIn(ctx, name)
	if err != nil {
		return 1
	}
	return 1 + sc.answer(ctx, s, most)
}

// answer guesses at a sign-in that is open.
func (sc *scene) answer(ctx context.Context, s *cognitotest.SignIn, most int) (requests int) {
	var err error
	next := rand.IntN(codes / 10) // see unlucky
	for range most {
		if err != nil || s.Parameters["codeLength"] == "" || s.Parameters["errorCode"] == "rate_limited" {
			break // no code was made, or no guess counts any more
		}
		next = (next + 1) % (codes / 10)
		length, _ := strconv.Atoi(s.Parameters["codeLength"])
		err = s.Answer(ctx, fmt.Sprintf("%0*d", length, next), nil)
		requests++
		if err == nil && s.Done() {
			panic("a guess was right that could not be")
		}
	}
	return requests
}

// chance is how likely one of so many guesses is right, when each of the codes is
// equally likely.
func chance(comparisons float64) float64 {
	return -math.Expm1(comparisons * math.Log1p(-1/codes))
}

// chance is how likely one of the guesses so far was right. Longer codes have nine
// digits.
func (sc *scene) chance() float64 {
	long := float64(sc.long.all())
	return chance(float64(sc.compared.all())-long) + long/1e9
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

func (w wide) of(key string) customauth.Store {
	h := fnv.New32a()
	io.WriteString(h, key)
	return w[h.Sum32()%uint32(len(w))]
}

func (w wide) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	return w.of(key).Update(ctx, key, ops...)
}

func (w wide) Forget(ctx context.Context, key string) error { return w.of(key).Forget(ctx, key) }

func (wide) Warm(context.Context) error { return nil }

// honestSRP is honest in a pool that asks for the password first.
func (sc *scene) honestSRP(ctx context.Context, number, password string) bool {
	texts := sc.phones.get(number)
	s, err := sc.pool.SignInSRP(ctx, number, password)
	if err != nil || sc.phones.get(number) == texts {
		return false
	}
	return s.Answer(ctx, sc.phones.code(number), nil) == nil && s.Done()
}
