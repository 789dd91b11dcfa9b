package ways_test

// This file drives random sign-ins. What must come out of choices, resends and answers
// is the oracle's of TestWaysAtRandom, beside customauth itself; here, whatever the app
// does, nobody must be told from a user.

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/magiclink"
	"github.com/cyber-eternal/customauth/texts"
)

// TestNobodyAtRandom: 300 random sequences of choices, resends, wrong answers and
// pauses, each by a user, by one who lacks an address, and by nobody. What the app is
// told is alike, name by name and value by value, but for what is random or the time.
func TestNobodyAtRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool, provider, sent := simulated(t)
		seen := map[string]bool{}
		for seed := range 300 {
			numbers := []string{british(1, seed), british(2, seed), british(3, seed)} // the third is nobody's
			for i, number := range numbers[:2] {
				attributes := map[string]string{"phone_number": number, "phone_number_verified": "true"}
				if i == 0 {
					attributes["email"], attributes["email_verified"] = fmt.Sprintf("user-%d@example.com", seed), "true"
				}
				if err := pool.AddUser("", attributes); err != nil {
					t.Fatal(err)
				}
			}
			client := []string{atOnce, asking, human}[seed%3]
			var told [3][]map[string]string
			for i, number := range numbers {
				random := mathrand.New(mathrand.NewPCG(uint64(seed), 0)) // the same for all three
				told[i] = wander(t, pool, provider, client, number, random)
			}
			for i, who := range []string{"", "without an address", "nobody"} {
				if diff := cmp.Diff(told[0], told[i]); diff != "" {
					t.Fatalf("seed %d (-user +%s):\n%s", seed, who, diff)
				}
			}
			if n := sent(numbers[2]); n > 0 {
				t.Fatalf("seed %d: %d messages to nobody", seed, n)
			}
			for _, p := range told[0] {
				seen[p["errorCode"]] = true
			}
			time.Sleep(25 * time.Hour) // no limit is met
		}
		for _, word := range []string{"wrong_code", "not_proved", "expired", "resend_too_soon", "no_resends_left", "way_not_offered"} {
			if !seen[word] {
				t.Errorf("no sequence met %s", word)
			}
		}
	})
}

// wander is a random sign-in until it ends, and what the app is told.
func wander(t *testing.T, pool *cognitotest.Pool, provider *captchatest.Server, client, number string, random *mathrand.Rand) (told []map[string]string) {
	t.Helper()
	s, err := pool.SignInAs(t.Context(), client, number, "")
	if err != nil {
		t.Fatal(err)
	}
	ways := []string{"sms", "email", "call", "link", "pigeon"}
	for {
		p := maps.Clone(s.Parameters)
		for _, name := range []string{"USERNAME", "link", "expiresAt", "resendAfter", "retryAfter"} {
			if p[name] != "" {
				p[name] = "there"
			}
		}
		told = append(told, p)
		// No sum of these is within a second of the 30 between messages, or of the 3 and 10
		// minutes that codes are good: sends take random times.
		time.Sleep([]time.Duration{0, 7 * time.Second, 41 * time.Second, 203 * time.Second}[random.IntN(4)])
		answer, metadata := "0000000", map[string]string{}
		switch random.IntN(6) {
		case 0, 1:
			metadata = choose(ways[random.IntN(len(ways))])
		case 2:
			metadata = resend(ways[random.IntN(len(ways))], "de")
		case 3:
			metadata = resend("")
		case 4: // a wrong code, or a token with a way beside it
			answer, metadata = provider.Solve(captchatest.Solved{Hostname: host}), beside(ways[random.IntN(4)])
			if s.Parameters["step"] != "captcha" {
				answer = "000 0000"
			}
		}
		if err := s.Answer(t.Context(), answer, metadata); err != nil {
			return append(told, map[string]string{"error": err.Error()})
		}
		if s.Done() {
			t.Fatalf("signed in by a wrong code: %v", told)
		}
	}
}

// british is a number for each person of each seed.
func british(person, seed int) string { return fmt.Sprintf("+447700%d%05d", person, seed) }

// simulated is the pool of the journeys without a network, with senders that take a
// random time. Sent is how many messages went to a number.
func simulated(t *testing.T) (pool *cognitotest.Pool, provider *captchatest.Server, sent func(number string) int) {
	t.Helper()
	counts := map[string]int{}
	sender := customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
		counts[m.To.Address.Reveal()]++
		time.Sleep(time.Duration(50+mathrand.IntN(200)) * time.Millisecond)
		return nil
	})
	otp := customauth.OTP{Text: texts.Write}
	mail, call := otp, otp
	mail.Medium, call.Medium = "EMAIL", "VOICE"
	ways := []customauth.Step{
		{Name: "sms", Challenge: otp},
		{Name: "email", Challenge: mail},
		{Name: "call", Challenge: call},
		{Name: "link", Challenge: magiclink.Challenge{Origins: []string{"https://" + host}}},
	}
	provider = captchatest.New(secretOfProvider)
	store := customauth.NewMemoryStore()
	solved := captcha.Challenge{
		Provider: captcha.Turnstile, SiteKey: "0x4AAA", Secret: customauth.Hide(secretOfProvider), Hostnames: []string{host},
		Client: &http.Client{Transport: provider}, Store: store, Logger: slog.New(slog.DiscardHandler),
	}
	steps := func(s ...customauth.Step) customauth.Options { return customauth.Options{Steps: s} }
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(rand.Text() + rand.Text())},
		Store:   store,
		Logger:  slog.New(slog.DiscardHandler),
		Senders: map[string]customauth.Sender{"SMS": sender, "EMAIL": sender, "VOICE": sender},
		Clients: map[string]customauth.Options{
			atOnce: steps(customauth.Step{Name: "proof", Challenge: customauth.OneOf{Ways: ways}}),
			asking: steps(customauth.Step{Name: "proof", Challenge: customauth.OneOf{Ways: ways, Ask: true}}),
			human:  steps(customauth.Step{Name: "captcha", Challenge: solved}, customauth.Step{Name: "proof", Challenge: customauth.OneOf{Ways: ways}}),
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, err = cognitotest.NewPool(cognitotest.Config{
		Clients:            []cognitotest.Client{{ID: atOnce}, {ID: asking}, {ID: human}},
		UsernameAttributes: []string{"phone_number"},
		Key:                signingKey(),
		Triggers:           cognitotest.Triggers{All: handler},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pool, provider, func(number string) int { return counts[number] }
}
