package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth/client"
)

// A rotating stands for the service: each refresh token is good for one use, and an
// answer takes a second.
type rotating struct {
	mu    sync.Mutex
	n     int // the refresh token that is good
	asked int
	down  bool
}

func (s *rotating) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.down {
		return nil, errors.New("no line")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(body, fmt.Appendf(nil, `"r%d"`, s.n)) {
		return reply(400, `{"__type":"RefreshTokenReuseException"}`), nil
	}
	s.n++
	return reply(200, fmt.Sprintf(`{"AuthenticationResult":{"AccessToken":"a%d","RefreshToken":"r%d","ExpiresIn":3600}}`, s.n, s.n)), nil
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewBufferString(body))}
}

func (s *rotating) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Settings{PoolID: poolID, ClientID: clientID, HTTP: &http.Client{Transport: s}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func first() *client.Tokens {
	return &client.Tokens{ClientID: clientID, Access: "a0", Refresh: "r0", Ends: time.Now().Add(time.Hour)}
}

// TestSource: many who ask at once cost one refresh, and what came is kept.
func TestSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := new(rotating)
		var saved []string
		source := service.client(t).Source(first(), func(t *client.Tokens) error {
			saved = append(saved, t.Refresh)
			return nil
		})
		if got, err := source.Tokens(t.Context()); err != nil || got.Access != "a0" || service.asked != 0 {
			t.Fatalf("good tokens: %v after %d requests, %v", got, service.asked, err)
		}
		for round := 1; round <= 2; round++ {
			time.Sleep(59*time.Minute + time.Second)
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					got, err := source.Tokens(t.Context())
					if want := fmt.Sprint("a", round); err != nil || got.Access != want {
						t.Errorf("%v, %v: want %s", got, err, want)
					}
				})
			}
			wg.Wait()
			if service.asked != round || len(saved) != round || saved[round-1] != fmt.Sprint("r", round) {
				t.Errorf("round %d: %d requests, %d saved", round, service.asked, len(saved))
			}
		}
	})
}

// TestSourceGivenUp: who asks and goes away does not lose the new refresh token.
func TestSourceGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := new(rotating)
		source := service.client(t).Source(first(), nil)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := source.Tokens(ctx); !errors.Is(err, client.Timeout) {
			t.Errorf("%v, want timeout", err)
		}
		if got, err := source.Tokens(t.Context()); err != nil || got.Refresh != "r1" || service.asked != 1 {
			t.Errorf("%v after %d requests, %v: want r1 after one", got, service.asked, err)
		}
	})
}

// TestSourceDown: while there is no line, tokens are good until they end; then the
// error says that nobody was signed out.
func TestSourceDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &rotating{down: true}
		source := service.client(t).Source(first(), nil)
		time.Sleep(59*time.Minute + 10*time.Second)
		if got, err := source.Tokens(t.Context()); err != nil || got.Access != "a0" {
			t.Errorf("%v, %v: want the old ones", got, err)
		}
		time.Sleep(time.Minute)
		if _, err := source.Tokens(t.Context()); !errors.Is(err, client.Unreachable) {
			t.Errorf("%v, want unreachable", err)
		}
		service.down = false
		if got, err := source.Tokens(t.Context()); err != nil || got.Access != "a1" {
			t.Errorf("%v, %v: want new ones", got, err)
		}
	})
}

// TestSourceSignedOut: a refresh token that is no longer good ends it at once.
func TestSourceSignedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &rotating{n: 7}
		source := service.client(t).Source(first(), nil)
		time.Sleep(59*time.Minute + 10*time.Second)
		if _, err := source.Tokens(t.Context()); !errors.Is(err, client.SignedOut) {
			t.Errorf("%v, want signed_out", err)
		}
	})
}

// TestSourceNotSaved: the error comes, and the tokens with it.
func TestSourceNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		source := new(rotating).client(t).Source(first(), func(*client.Tokens) error { return full })
		time.Sleep(time.Hour)
		if got, err := source.Tokens(t.Context()); !errors.Is(err, full) || got == nil || got.Access != "a1" {
			t.Errorf("%v, %v: want new tokens and the error", got, err)
		}
	})
}
