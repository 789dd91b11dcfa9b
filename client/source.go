package client

// This file keeps tokens fresh.

import (
	"context"
	"errors"
	"sync"
	"time"
)

// early is how long before its end an access token is replaced, so that it is still
// good when it arrives.
const early = time.Minute

// A Source hands out tokens that are good, and refreshes them when they are about to
// end. It is safe for concurrent use: however many ask at once, the service is asked
// once, because a refresh token that rotates is good for one use.
type Source struct {
	client *Client
	save   func(*Tokens) error

	mu      sync.Mutex
	tokens  *Tokens
	renewal *renewal // under way, or nil
}

type renewal struct {
	done   chan struct{} // closed when tokens and err are there
	tokens *Tokens
	err    error
}

// Source returns a source that begins with these tokens. If save is not nil, it is
// called with new ones before they are handed out, one call at a time; its error is
// returned to those who asked, and the tokens are used all the same.
func (c *Client) Source(t *Tokens, save func(*Tokens) error) *Source {
	return &Source{client: c, save: save, tokens: t}
}

// Tokens returns tokens whose access token is good for at least a minute, or, while
// the service cannot be reached, for less. Code SignedOut: the user has to sign in.
//
// A refresh that began goes on when ctx ends, and is there for the next call: the
// service may have used the old token up.
func (s *Source) Tokens(ctx context.Context) (*Tokens, error) {
	s.mu.Lock()
	if time.Until(s.tokens.Ends) > early {
		defer s.mu.Unlock()
		return s.tokens, nil
	}
	r := s.renewal
	if r == nil {
		r = &renewal{done: make(chan struct{})}
		s.renewal = r
		go s.renew(context.WithoutCancel(ctx), s.tokens, r)
	}
	s.mu.Unlock()

	select {
	case <-r.done:
		return r.tokens, r.err
	case <-ctx.Done():
		return nil, &Error{Code: network(ctx.Err()), cause: ctx.Err()}
	}
}

// renew takes the client's timeout at most.
func (s *Source) renew(ctx context.Context, old *Tokens, r *renewal) {
	fresh, err := s.client.Refresh(ctx, old)
	switch {
	case err == nil:
		r.tokens = fresh
		if s.save != nil {
			r.err = s.save(fresh)
		}
	case !errors.Is(err, SignedOut) && time.Now().Before(old.Ends):
		r.tokens = old
	default:
		r.err = err
	}
	s.mu.Lock()
	if r.tokens != nil {
		s.tokens = r.tokens
	}
	s.renewal = nil
	s.mu.Unlock()
	close(r.done)
}
