package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
)

func TestToken(t *testing.T) {
	s := &service{tokens: map[string]*token{}}
	server := httptest.NewServer(s)
	defer server.Close()
	challengetest.Run(t, challengetest.Config{
		New:    func(*testing.T) customauth.Challenge { return Token{server.URL} },
		Answer: func(_ *testing.T, shown challengetest.Shown) string { return s.digits(shown.Request.UserName.Reveal()) },
		Real:   true, // it has connections to the outside
	})
}

// A service knows what each user's token has shown, and in which sign-in that was used.
type service struct {
	mu     sync.Mutex
	tokens map[string]*token // by digits
}

type token struct{ user, usedIn string }

// digits are the next ones that a user's token shows.
func (s *service) digits(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	digits := fmt.Sprintf("%06d", 424242+len(s.tokens))
	s.tokens[digits] = &token{user: user}
	return digits
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	signIn, shown := r.FormValue("signIn"), s.tokens[r.FormValue("digits")]
	if shown == nil || shown.user != r.FormValue("user") || shown.usedIn != "" && shown.usedIn != signIn {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	shown.usedIn = signIn
	w.WriteHeader(http.StatusNoContent)
}
