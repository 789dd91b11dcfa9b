package account

// This file is the middleware for step-up (RFC 9470).

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Need is what a request asks of the sign-in behind its access token. The zero
// value is any sign-in by one of the Pool's Clients.
type Need struct {
	// Level is the least customauth:level (package pretoken). It is in access tokens
	// with version 2 or 3 of Cognito's pre token generation event; without, ask by
	// Clients.
	Level int

	// Clients are the app clients that are strong enough, if not all of the Pool's.
	Clients []string

	// MaxAge is how long ago the sign-in may have been, by Cognito's auth_time, which a
	// refresh does not change. Default: any time.
	MaxAge time.Duration

	// NotRevoked asks Cognito whether the token still counts: it costs a request
	// (GetUser), which has a quota. An access token is otherwise good until it expires, an hour as a rule, whatever
	// happened to the user since. If Cognito does not answer, the request is refused.
	NotRevoked bool
}

type contextKey struct{}

// TokenOf is the token of a request behind Pool.Require.
func TokenOf(ctx context.Context) (Token, bool) {
	t, ok := ctx.Value(contextKey{}).(Token)
	return t, ok
}

// Require lets requests through whose access token, in "Authorization: Bearer …", is
// valid and fulfils the need. Others are answered with status 401 and the header
// WWW-Authenticate: error="invalid_token" (RFC 6750), where the app refreshes the
// token, or error="insufficient_user_authentication" (RFC 9470), where it lets the
// user sign in again, by the app client for the level in acr_values. Cognito does not
// know acr_values itself.
func (p *Pool) Require(n Need) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if t, ok := p.admit(w, r, n); ok {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, t)))
			}
		})
	}
}

// admit checks the token of a request, and answers it if that is not enough.
func (p *Pool) admit(w http.ResponseWriter, r *http.Request, n Need) (Token, bool) {
	text, ok := bearer(r)
	if !ok {
		deny(w, http.StatusUnauthorized, "Bearer", "unauthorized")
		return Token{}, false
	}
	t, err := p.Verify(r.Context(), text)
	if err != nil {
		deny(w, http.StatusUnauthorized, `Bearer error="invalid_token"`, "invalid_token")
		return Token{}, false
	}
	if why := n.lacks(t); why != "" {
		deny(w, http.StatusUnauthorized, n.challenge(why), "insufficient_user_authentication")
		return Token{}, false
	}
	if !n.NotRevoked {
		return t, true
	}
	switch _, err := p.Alive(r.Context(), t); {
	case errors.Is(err, ErrRevoked):
		deny(w, http.StatusUnauthorized, `Bearer error="invalid_token"`, "invalid_token")
		return Token{}, false
	case err != nil:
		p.Logger.ErrorContext(r.Context(), "account: whether a token was revoked cannot be found out", "error", err)
		deny(w, http.StatusServiceUnavailable, "", "unavailable")
		return Token{}, false
	}
	return t, true
}

// bearer is the token of a request (RFC 6750, 2.1). One header alone counts.
func bearer(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	text = strings.TrimSpace(text)
	return text, ok && text != "" && strings.EqualFold(scheme, "Bearer")
}

// lacks says what is missing; nothing if nothing is.
func (n Need) lacks(t Token) string {
	switch {
	case t.Level < n.Level:
		return "A stronger sign-in is required"
	case len(n.Clients) > 0 && !slices.Contains(n.Clients, t.Client):
		return "A sign-in by another app client is required"
	case n.MaxAge > 0 && time.Since(t.AuthTime) > n.MaxAge:
		return "A more recent sign-in is required"
	}
	return ""
}

// challenge is the header of RFC 9470, section 3.
func (n Need) challenge(why string) string {
	header := fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description=%q`, why)
	if n.Level > 0 {
		header += fmt.Sprintf(`, acr_values="%d"`, n.Level)
	}
	if n.MaxAge > 0 {
		header += `, max_age="` + strconv.Itoa(int(n.MaxAge.Seconds())) + `"`
	}
	return header
}

func deny(w http.ResponseWriter, status int, challenge, word string) {
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	answer(w, status, map[string]string{"error": word})
}
