package captcha

// This file has the step: its fields, its three methods, and the memory of tokens that
// passed.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
)

// A Provider is who makes the CAPTCHA.
type Provider string

// The providers. What the app is shown as "provider" is the same text.
const (
	Turnstile Provider = "turnstile"
	HCaptcha  Provider = "hcaptcha"

	// ReCAPTCHA is version 2, the checkbox or the invisible badge.
	ReCAPTCHA Provider = "recaptcha-v2"

	// ReCAPTCHAScore is version 3, which gives each token a score.
	ReCAPTCHAScore Provider = "recaptcha-v3"
)

// ErrUnavailable is wrapped where the provider could not be asked, or gave no verdict.
var ErrUnavailable = errors.New("captcha: the provider gave no verdict")

// Challenge is the CAPTCHA as a step. Provider, SiteKey, Secret and Hostnames are
// required. It is safe for concurrent use.
type Challenge struct {
	Provider Provider

	// SiteKey is public: the app renders the widget with it.
	SiteKey string

	// Secret is what the provider gave along with the site key.
	Secret customauth.Secret

	// Hostnames are where the widget may have been solved, such as "app.example.com",
	// without port: a token from anybody else's page does not pass. The providers' test
	// keys answer with hostnames of their own.
	Hostnames []string

	// Action is what the widget was rendered for. A token of another action does not
	// pass. Turnstile: optional, 1 to 32 letters, digits, "-" and "_"
	// (https://developers.cloudflare.com/turnstile/get-started/client-side-rendering/widget-configurations/).
	// ReCAPTCHAScore: required, letters, digits, "/" and "_"
	// (https://developers.google.com/recaptcha/docs/v3). The others have none.
	Action string

	// MinScore is the least score that passes with ReCAPTCHAScore, above 0 and up to 1.
	// Default 0.5, which is what Google's guide begins with.
	MinScore float64

	// Store remembers the tokens that passed. Use that of Options. Default: the memory
	// of this process. On Lambda that is one instance: when Cognito repeats a call and
	// reaches another one, the user is then asked for another token.
	Store customauth.Store

	// URL is where tokens are verified, with https or on this machine. Default: as the
	// provider documents it. reCAPTCHA is also at
	// https://www.recaptcha.net/recaptcha/api/siteverify, for where google.com is not
	// reached.
	URL string

	// Client makes the requests. It follows no redirect, whatever it says. Default: one
	// with http.DefaultTransport.
	Client *http.Client

	// Timeout is how long the provider may take. Default 2.5 seconds, at most 3.5.
	Timeout time.Duration

	// Logger gets a line at level Warn for each token that does not pass, with the
	// reason, and at Debug for each that does, with the score: no token, no user.
	// Default slog.Default().
	Logger *slog.Logger

	// InsecureAnyHostname lets tokens pass wherever they were solved. An attacker then
	// has people solve them on a page of his own.
	InsecureAnyHostname bool
}

// keep is how long a token that passed is remembered: longer than any provider would
// verify it (Turnstile 5 minutes, the others 2) and than a challenge can be answered.
const keep = 15 * time.Minute

// Issue describes a challenge that has no fixed answer and sends nothing.
func (c Challenge) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	if r.Probe {
		if err := c.validate(); err != nil {
			return customauth.Issued{}, err
		}
	}
	return customauth.Issued{TTL: 10 * time.Minute, MaxAnswer: c.maxToken(), Unguessable: true, Anyone: true}, nil
}

// Show tells what the app needs to render the widget.
func (c Challenge) Show(context.Context, customauth.Request) (map[string]string, error) {
	public := map[string]string{"provider": string(c.Provider), "siteKey": c.SiteKey}
	if c.Action != "" {
		public["action"] = c.Action
	}
	return public, nil
}

// Check asks the provider about the token. The same token is right again in the same
// sign-in, and in no other.
func (c Challenge) Check(ctx context.Context, r customauth.Request, token string) (customauth.Checked, error) {
	right, err := c.pass(ctx, r.Key("captcha", token), r.SignIn, token)
	return customauth.Checked{Right: right}, err
}

// maxToken is how long a token may be: Turnstile documents 2,048 bytes, the others
// nothing; hCaptcha's have been seen above 4,000.
func (c Challenge) maxToken() int {
	if c.Provider == Turnstile {
		return 2048
	}
	return 8192
}

// pass reports whether a token passes, for one use, which tag tells from others.
func (c Challenge) pass(ctx context.Context, key, tag, token string) (bool, error) {
	if passed, err := c.passed(ctx, key, tag); passed || err != nil {
		return passed, err
	}
	v, err := c.ask(ctx, token, uuid(tag, token))
	if err != nil {
		return false, err
	}
	why, err := c.judge(v)
	if err != nil {
		return false, err
	}
	logger := c.Logger
	if logger == nil {
		logger = slog.Default()
	}
	about := []any{"provider", c.Provider, "hostname", v.Hostname, "action", v.Action}
	if v.Score != nil {
		about = append(about, "score", *v.Score)
	}
	if why != "" {
		logger.WarnContext(ctx, "captcha: not passed", append(about, "why", why)...)
		// A call for the same answer that was given up on may have passed meanwhile.
		return c.passed(ctx, key, tag)
	}
	logger.DebugContext(ctx, "captcha: passed", about...)
	return c.remember(ctx, key, tag)
}

// passed reports whether the token has passed before, for the same use.
func (c Challenge) passed(ctx context.Context, key, tag string) (bool, error) {
	found, err := c.update(ctx, key, customauth.Look, tag)
	return err == nil && found.Age >= 0, err
}

// remember notes that a token passed. It reports false if it had passed for another use.
func (c Challenge) remember(ctx context.Context, key, tag string) (bool, error) {
	found, err := c.update(ctx, key, customauth.Count, tag)
	return err == nil && found.Wait == 0, err
}

// processStore is for challenges without a Store.
var processStore = customauth.NewMemoryStore()

func (c Challenge) update(ctx context.Context, key string, verb customauth.Verb, tag string) (customauth.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
	defer cancel()
	store := c.Store
	if store == nil {
		store = processStore
	}
	found, err := store.Update(ctx, key, customauth.Op{Verb: verb, Counter: "passed", Tag: tag, Windows: []customauth.Window{{Max: 1, Per: keep}}})
	if err != nil {
		return customauth.Found{}, fmt.Errorf("captcha: store: %w", err)
	}
	if len(found) != 1 {
		return customauth.Found{}, errors.New("captcha: store: no answer")
	}
	return found[0], nil
}

// uuid is always the same for one use of a token.
func uuid(tag, token string) string {
	h := sha256.Sum256([]byte(tag + "\x00" + token))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // RFC 9562, version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

	maxTimeout = 3500 * time.Millisecond
)

func only(s string, most int, set string) bool {
	return s != "" && len(s) <= most && strings.Trim(s, set) == ""
}

// validate reports what is wrong with the fields.
func (c Challenge) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if apis[c.Provider] == "" {
		bad("Provider must be captcha.Turnstile, HCaptcha, ReCAPTCHA or ReCAPTCHAScore, not %.20q", c.Provider)
	}
	if !only(c.SiteKey, 128, alphanumeric+"-_") {
		bad("SiteKey must be what the provider shows: letters, digits, - and _")
	}
	if !only(c.Secret.Reveal(), 256, alphanumeric+"-_") {
		bad("Secret must be what the provider shows: letters, digits, - and _")
	}
	if c.SiteKey != "" && c.SiteKey == c.Secret.Reveal() {
		bad("SiteKey is public, and must not be the Secret")
	}
	if len(c.Hostnames) == 0 && !c.InsecureAnyHostname {
		bad("Hostnames must name where the widget is rendered, such as app.example.com")
	}
	for _, h := range c.Hostnames {
		if !only(h, 253, alphanumeric+"-.") {
			bad("a hostname has neither a scheme nor a port: %.80q", h)
		}
	}
	switch {
	case c.Provider == Turnstile && c.Action != "" && !only(c.Action, 32, alphanumeric+"-_"):
		bad("Action of Turnstile must be 1 to 32 letters, digits, - and _")
	case c.Provider == ReCAPTCHAScore && !only(c.Action, 100, alphanumeric+"/_"):
		bad("Action of reCAPTCHA with a score is required: letters, digits, / and _")
	case c.Action != "" && (c.Provider == HCaptcha || c.Provider == ReCAPTCHA):
		bad("Action must be empty: %s has none", c.Provider)
	}
	if c.MinScore != 0 && c.Provider != ReCAPTCHAScore {
		bad("MinScore must be 0: only ReCAPTCHAScore has one")
	}
	if !(c.MinScore >= 0 && c.MinScore <= 1) {
		bad("MinScore must be from 0 to 1")
	}
	if c.URL != "" && !trusted(c.URL) {
		bad("URL must begin with https://, or with http:// and an address of this machine")
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		bad("Timeout must be at most %v", maxTimeout)
	}
	return errors.Join(errs...)
}

// trusted reports whether the secret may be sent to a URL.
func trusted(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && err == nil && ip.IsLoopback()
}

func (c Challenge) allows(hostname string) bool {
	return c.InsecureAnyHostname || slices.ContainsFunc(c.Hostnames, func(h string) bool { return strings.EqualFold(h, hostname) })
}

func (c Challenge) minScore() float64 { return cmp.Or(c.MinScore, 0.5) }
