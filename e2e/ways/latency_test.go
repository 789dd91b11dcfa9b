package ways_test

// This file measures how well the time of an answer tells users from nobody, way by
// way: under simulated time, where it is asserted, and on this machine's clock, where
// it is only reported.

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/magiclink"
)

// The people who are compared.
var people = []string{
	"proved", // has what the way needs, and came in by it before
	"new",    // has it, and never came in
	"lacks",  // has neither number nor address
	"nobody",
}

// Each of so many people of each kind signs in so often. Where the times of one of two
// kinds alone are left to chance (see strata), their AUC has a standard deviation of
// 1/√(12·1536), 0.007.
const (
	persons = 16
	rounds  = 96
)

// What is asked for is an AUC of 0.45 to 0.55.
const within = 0.05

// withinNew is how far it may be off for those who never came in: the store is asked
// about their number once more, which here takes 5 ms, and nobody has one.
const withinNew = 0.1

// TestLatency: how long it takes until a challenge is there tells next to nothing of
// whether there is a user, and of what he has, whatever the way.
func TestLatency(t *testing.T) {
	tests := []struct {
		name   string
		first  string            // the way that begins at once; "": the way is asked for
		choose map[string]string // and is then this one; the answer to that is measured
		median time.Duration     // of a send
		sigma  float64
	}{
		{name: "ask first"},
		{name: "choose e-mail", choose: choose("email"), median: 80 * time.Millisecond, sigma: 0.4},
		{name: "SMS", first: "sms", median: 150 * time.Millisecond, sigma: 0.4},
		{name: "e-mail", first: "email", median: 80 * time.Millisecond, sigma: 0.4},
		{name: "call", first: "call", median: 600 * time.Millisecond, sigma: 0.5},
		{name: "link", first: "link", median: 80 * time.Millisecond, sigma: 0.4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStrata(tt.median, tt.sigma)
				p := offering(t, tt.first, s)
				for i := range persons {
					p.prove(t, i, tt.choose)
				}
				times := map[string][]time.Duration{}
				for range rounds {
					time.Sleep(6 * time.Hour) // no limit is met
					for i := range persons {
						for _, kind := range people {
							_, took := p.challenge(t, kind, i, tt.choose)
							times[kind] = append(times[kind], took)
						}
					}
				}
				want := 0
				if tt.median > 0 {
					want = persons * (2*rounds + 1)
				}
				if s.sent != want {
					t.Errorf("%d messages, want %d", s.sent, want)
				}
				for _, c := range []struct {
					one, other string
					off        float64
				}{{"proved", "nobody", within}, {"proved", "lacks", within}, {"new", "nobody", withinNew}} {
					got := area(times[c.one], times[c.other])
					t.Logf("%s and %s: AUC %.3f", c.one, c.other, got)
					if math.Abs(got-0.5) > c.off {
						t.Errorf("%s and %s: AUC %.3f, more than %v from 0.5", c.one, c.other, got, c.off)
					}
				}
			})
		})
	}
}

// BenchmarkLatency measures with the real senders, over HTTP, on this machine's clock,
// and reports the AUC of new users and nobody. Nothing is asserted: a busy machine
// measures itself.
func BenchmarkLatency(b *testing.B) {
	for _, way := range []string{"sms", "email", "call", "link"} {
		b.Run(way, func(b *testing.B) {
			w := newWorld(b)
			w.texts.SetDelay(50 * time.Millisecond)
			w.mails.SetDelay(50 * time.Millisecond)
			w.calls.SetDelay(50 * time.Millisecond)
			var times [2][]time.Duration
			for n := 0; b.Loop(); n++ {
				for i := range times {
					number := fmt.Sprintf("+44770%d%06d", 1+i, n)
					if i == 0 {
						w.add(b, number, fmt.Sprintf("user-%d@example.com", n), "")
					}
					a := w.begin(b, asking, number)
					began := time.Now()
					a.answer("-", choose(way))
					times[i] = append(times[i], time.Since(began))
				}
			}
			b.ReportMetric(area(times[0], times[1]), "AUC")
		})
	}
}

// area is the area under the ROC curve: how often a value of a is above one of b.
// 0.5 tells nothing, 0 and 1 tell all.
func area(a, b []time.Duration) float64 {
	slices.Sort(b)
	above := 0.0
	for _, x := range a {
		less, _ := slices.BinarySearch(b, x)
		notMore, _ := slices.BinarySearch(b, x+1)
		above += float64(less+notMore) / 2
	}
	return above / float64(len(a)) / float64(len(b))
}

// Strata are how long sends take: a log-normal distribution, of which each 256 sends to
// people of one kind take every 256th part once, in an order that is always the same.
// So what is compared with nobody is the distribution itself, and no sample of it.
type strata struct {
	random *mathrand.Rand
	median time.Duration
	sigma  float64
	left   map[string][]time.Duration // by kind
	code   string                     // the newest
	sent   int
}

const parts = 256

func newStrata(median time.Duration, sigma float64) *strata {
	return &strata{random: mathrand.New(mathrand.NewPCG(1, 2)), median: median, sigma: sigma, left: map[string][]time.Duration{}}
}

func (s *strata) Send(_ context.Context, m customauth.Message) error {
	s.code = m.Code.Reveal()
	s.sent++
	kind, _, _ := strings.Cut(m.Request.UserName.Reveal(), "-")
	if len(s.left[kind]) == 0 {
		for i := range parts {
			z := math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/parts-1)
			s.left[kind] = append(s.left[kind], time.Duration(float64(s.median)*math.Exp(s.sigma*z)))
		}
		s.random.Shuffle(parts, func(i, j int) { s.left[kind][i], s.left[kind][j] = s.left[kind][j], s.left[kind][i] })
	}
	took := s.left[kind][0]
	s.left[kind] = s.left[kind][1:]
	time.Sleep(took)
	return nil
}

func (*strata) Warm(context.Context) error { return nil }

// far is a store that is as far away as a database.
type far struct{ customauth.Store }

func (f far) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	time.Sleep(time.Duration(4e6 * math.Exp(0.5*mathrand.NormFloat64()))) // 4 ms, log-normal
	return f.Store.Update(ctx, key, ops...)
}

// probes are the handlers, called as the service does, without a pool: there are many
// calls.
type probes struct {
	sender *strata
	create customauth.Handler[events.CognitoEventUserPoolsCreateAuthChallenge]
	verify customauth.Handler[events.CognitoEventUserPoolsVerifyAuthChallenge]
}

// offering are handlers for users who choose their way, where none begins at once.
func offering(t *testing.T, first string, sender *strata) *probes {
	t.Helper()
	ways := []customauth.Step{
		{Name: "sms", Challenge: customauth.OTP{}},
		{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}},
		{Name: "call", Challenge: customauth.OTP{Medium: "VOICE"}},
		{Name: "link", Challenge: magiclink.Challenge{Origins: []string{"https://app.example.com"}}},
	}
	if i := slices.IndexFunc(ways, func(w customauth.Step) bool { return w.Name == first }); i > 0 {
		ways[0], ways[i] = ways[i], ways[0]
	}
	options := customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide(rand.Text() + rand.Text())},
		CounterKey: customauth.Hide(rand.Text() + rand.Text()),
		Store:      far{customauth.NewMemoryStore()},
		Logger:     slog.New(slog.DiscardHandler),
		Senders:    map[string]customauth.Sender{"SMS": sender, "EMAIL": sender, "VOICE": sender},
		Steps:      []customauth.Step{{Name: "proof", Challenge: customauth.OneOf{Ways: ways, Ask: first == ""}}},
	}
	p := &probes{sender: sender}
	var err error
	if p.create, err = customauth.NewCreate(options); err != nil {
		t.Fatal(err)
	}
	if p.verify, err = customauth.NewVerify(options); err != nil {
		t.Fatal(err)
	}
	return p
}

// challenge begins a sign-in of somebody, chooses the way if there is one to choose,
// and says how long the last challenge took.
func (p *probes) challenge(t *testing.T, kind string, i int, choose map[string]string) (events.CognitoEventUserPoolsCreateAuthChallenge, time.Duration) {
	t.Helper()
	event := events.CognitoEventUserPoolsCreateAuthChallenge{CognitoEventUserPoolsHeader: header("CreateAuthChallenge_Authentication", kind, i)}
	event.Request.ChallengeName = "CUSTOM_CHALLENGE"
	event.Request.UserAttributes = attributes(kind, i)
	event.Request.UserNotFound = kind == "nobody"
	began := time.Now()
	done, err := p.create(t.Context(), event)
	if err == nil && choose != nil {
		event.Request.Session = []*events.CognitoEventUserPoolsChallengeResult{{
			ChallengeName: "CUSTOM_CHALLENGE", ChallengeMetadata: done.Response.ChallengeMetadata,
		}}
		event.Request.ClientMetadata = choose
		began = time.Now()
		done, err = p.create(t.Context(), event)
	}
	took := time.Since(began)
	if err != nil || done.Response.PublicChallengeParameters["errorCode"] != "" {
		t.Fatalf("%s: %v, error %v", kind, done.Response.PublicChallengeParameters, err)
	}
	done.Request.Session = event.Request.Session
	return done, took
}

// prove answers a code, if one was sent.
func (p *probes) prove(t *testing.T, i int, choose map[string]string) {
	t.Helper()
	before := p.sender.sent
	made, _ := p.challenge(t, "proved", i, choose)
	if p.sender.sent == before {
		return
	}
	event := events.CognitoEventUserPoolsVerifyAuthChallenge{CognitoEventUserPoolsHeader: header("VerifyAuthChallengeResponse_Authentication", "proved", i)}
	event.Request.UserAttributes, event.Request.ChallengeAnswer = attributes("proved", i), p.sender.code
	event.Request.PrivateChallengeParameters = made.Response.PrivateChallengeParameters
	event, err := p.verify(t.Context(), event)
	if err != nil || !event.Response.AnswerCorrect {
		t.Fatalf("the code is not right: %v", err)
	}
}

func header(trigger, kind string, i int) (h events.CognitoEventUserPoolsHeader) {
	h.TriggerSource, h.UserPoolID, h.UserName = trigger, region+"_E2eWays01", fmt.Sprintf("%s-%d", kind, i)
	h.CallerContext.ClientID = "1example23456789"
	return h
}

// attributes are those of somebody; unknown users have some of the handlers' own.
func attributes(kind string, i int) map[string]string {
	name := fmt.Sprintf("%s-%d", kind, i)
	switch kind {
	case "proved", "new":
		return map[string]string{
			"sub": name, "phone_number": fmt.Sprintf("+447700%d%05d", len(kind), i), "phone_number_verified": "true",
			"email": name + "@example.com", "email_verified": "true",
		}
	case "lacks":
		return map[string]string{"sub": name}
	}
	return nil
}
