package captcha

// This file speaks with the providers. Their APIs are nearly one:
//
//   - https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
//   - https://docs.hcaptcha.com/#verify-the-user-response-server-side
//   - https://developers.google.com/recaptcha/docs/verify and …/docs/v3

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
)

// apis is where each provider verifies tokens.
var apis = map[Provider]string{
	Turnstile:      "https://challenges.cloudflare.com/turnstile/v0/siteverify",
	HCaptcha:       "https://api.hcaptcha.com/siteverify",
	ReCAPTCHA:      "https://www.google.com/recaptcha/api/siteverify",
	ReCAPTCHAScore: "https://www.google.com/recaptcha/api/siteverify",
}

// A verdict is what a provider answers.
type verdict struct {
	Success  bool     `json:"success"`
	Hostname string   `json:"hostname"`
	Action   string   `json:"action"`
	Score    *float64 `json:"score"`
	Errors   []string `json:"error-codes"`
}

const (
	defaultTimeout = 2500 * time.Millisecond
	maxBody        = 64 << 10
)

// ask has the provider verify a token. No error has the secret or the token: both
// travel in the body alone.
func (c Challenge) ask(ctx context.Context, token, idempotency string) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()
	form := url.Values{"secret": {c.Secret.Reveal()}, "response": {token}}
	switch c.Provider {
	case Turnstile:
		form.Set("idempotency_key", idempotency) // the same token may be verified again with it
	case HCaptcha:
		form.Set("sitekey", c.SiteKey) // refuses tokens of another site key
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(c.URL, apis[c.Provider]), strings.NewReader(form.Encode()))
	if err != nil {
		return verdict{}, unavailable(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// A connection that was idle while Lambda froze the function may be dead: net/http
	// then tries another one, where a request says that it may be repeated. An empty
	// list says so without sending a header.
	req.Header["Idempotency-Key"] = []string{}
	res, err := c.client().Do(req)
	if err != nil {
		return verdict{}, unavailable(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return verdict{}, unavailable(err)
	}
	var v verdict
	if json.Unmarshal(body, &v) != nil || v.Success && res.StatusCode != http.StatusOK || !v.Success && len(v.Errors) == 0 {
		return verdict{}, fmt.Errorf("%w: status %d", ErrUnavailable, res.StatusCode)
	}
	return v, nil
}

func (c Challenge) client() *http.Client {
	var own http.Client
	if c.Client != nil {
		own = *c.Client
	}
	// A redirect would take the secret elsewhere.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func unavailable(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// judge says why a token does not pass; "" if it does. An error is for the operator.
func (c Challenge) judge(v verdict) (why string, err error) {
	if !v.Success {
		return refused(v.Errors)
	}
	if c.Provider == ReCAPTCHA && v.Score != nil {
		return "", fmt.Errorf("%w: captcha: the site key gives scores: Provider must be ReCAPTCHAScore", customauth.ErrOptions)
	}
	if c.Provider == ReCAPTCHAScore && v.Score == nil {
		return "", fmt.Errorf("%w: captcha: the site key gives no scores: Provider must be ReCAPTCHA", customauth.ErrOptions)
	}
	switch {
	case !c.allows(v.Hostname):
		return "hostname", nil
	case c.Action != "" && v.Action != c.Action:
		return "action", nil
	case c.Provider == ReCAPTCHAScore && !(*v.Score >= c.minScore()):
		return "score", nil
	}
	return "", nil
}

// refused maps the error codes of all providers. One that nobody documents closes the
// door, and the operator is told.
func refused(codes []string) (why string, err error) {
	for _, code := range codes {
		switch code {
		case "missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "invalid-sitekey", "not-using-dummy-secret":
			return "", fmt.Errorf("%w: captcha: the provider says %s", customauth.ErrOptions, code)
		case "missing-input-response", "invalid-input-response", "expired-input-response", "timeout-or-duplicate",
			"already-seen-response", "invalid-or-already-seen-response", "not-using-dummy-passcode":
			why = code
		case "bad-request", "internal-error":
			return "", fmt.Errorf("%w: it says %s", ErrUnavailable, code)
		default:
			return "", fmt.Errorf("%w: it says %.40q", ErrUnavailable, code)
		}
	}
	return why, nil
}
