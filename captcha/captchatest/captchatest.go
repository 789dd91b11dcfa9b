// Package captchatest is a stand-in for Turnstile, hCaptcha and reCAPTCHA: it makes
// tokens without asking anything, and verifies each of them once, by the APIs that the
// providers document.
package captchatest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// A Solved is what the provider knows of a token.
type Solved struct {
	Hostname string
	Action   string   // Turnstile and reCAPTCHA with a score
	Score    *float64 // reCAPTCHA with a score
	SiteKey  string   // hCaptcha: verified if the request has one
}

// Server is the http.Handler of all providers, by the paths of their APIs:
// /turnstile/v0/siteverify, /siteverify and /recaptcha/api/siteverify. It is also an
// http.RoundTripper that needs no network, for tests in a bubble of testing/synctest.
// It is safe for concurrent use.
type Server struct {
	secret string

	mu       sync.Mutex
	tokens   map[string]*token
	requests int
	fail     http.Handler
}

type token struct {
	Solved
	used bool
	key  string // the idempotency key of its use
}

// New returns a Server that knows one secret.
func New(secret string) *Server { return &Server{secret: secret, tokens: make(map[string]*token)} }

// Solve returns a token.
func (s *Server) Solve(x Solved) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := "XXXX." + rand.Text() + rand.Text()
	s.tokens[text] = &token{Solved: x}
	return text
}

// Requests is how many requests there were.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Fail has another handler answer, until it is called with nil.
func (s *Server) Fail(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = h
}

// RoundTrip answers a request.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// ServeHTTP verifies a token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	fail := s.fail
	s.mu.Unlock()
	if fail != nil {
		fail.ServeHTTP(w, r)
		return
	}
	answer := map[string]any{"success": false}
	if code := s.verify(r, answer); code != "" {
		answer = map[string]any{"success": false, "error-codes": []string{code}}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func (s *Server) verify(r *http.Request, answer map[string]any) (code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	turnstile := strings.HasPrefix(r.URL.Path, "/turnstile/")
	hcaptcha := r.URL.Path == "/siteverify"
	if r.Method != http.MethodPost || r.ParseForm() != nil || r.URL.RawQuery != "" || !slices.Contains([]string{
		"/turnstile/v0/siteverify", "/siteverify", "/recaptcha/api/siteverify",
	}, r.URL.Path) {
		return "bad-request"
	}
	secret, response, idempotency := r.PostForm.Get("secret"), r.PostForm.Get("response"), r.PostForm.Get("idempotency_key")
	t := s.tokens[response]
	switch {
	case secret == "":
		return "missing-input-secret"
	case secret != s.secret:
		return "invalid-input-secret"
	case response == "":
		return "missing-input-response"
	case t == nil && hcaptcha:
		return "invalid-or-already-seen-response"
	case t == nil:
		return "invalid-input-response"
	case hcaptcha && r.PostForm.Has("sitekey") && r.PostForm.Get("sitekey") != t.SiteKey:
		return "sitekey-secret-mismatch"
	case t.used && hcaptcha:
		return "invalid-or-already-seen-response"
	case t.used && !(turnstile && idempotency != "" && idempotency == t.key):
		return "timeout-or-duplicate"
	}
	t.used, t.key = true, idempotency
	answer["success"], answer["hostname"], answer["challenge_ts"] = true, t.Hostname, "2026-11-24T10:00:00Z"
	if turnstile {
		answer["error-codes"] = []string{}
	}
	if t.Action != "" && !hcaptcha {
		answer["action"] = t.Action
	}
	if t.Score != nil {
		answer["score"] = *t.Score
	}
	return ""
}
