package captcha_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/challengetest"
)

const secret = "1x0000000000000000000000000000000AA"

var providers = []captcha.Provider{captcha.Turnstile, captcha.HCaptcha, captcha.ReCAPTCHA, captcha.ReCAPTCHAScore}

// challenge is one of a provider, asked at server.
func challenge(p captcha.Provider, server *captchatest.Server) captcha.Challenge {
	c := captcha.Challenge{
		Provider:  p,
		SiteKey:   "0x4AAAAAAA",
		Secret:    customauth.Hide(secret),
		Hostnames: []string{"app.example.com"},
		Client:    &http.Client{Transport: server},
		Store:     customauth.NewMemoryStore(),
		Logger:    slog.New(slog.DiscardHandler),
	}
	if p == captcha.Turnstile || p == captcha.ReCAPTCHAScore {
		c.Action = "signin"
	}
	return c
}

// solved is what a token that passes has.
func solved(p captcha.Provider) captchatest.Solved {
	x := captchatest.Solved{Hostname: "app.example.com", SiteKey: "0x4AAAAAAA"}
	if p == captcha.Turnstile || p == captcha.ReCAPTCHAScore {
		x.Action = "signin"
	}
	if p == captcha.ReCAPTCHAScore {
		x.Score = score(0.9)
	}
	return x
}

func score(f float64) *float64 { return &f }

func request(signIn string) customauth.Request {
	return customauth.Request{PoolID: "eu-west-1_Ab1Cd2Ef3", SignIn: signIn, UserName: customauth.Hide("someone")}
}

func TestContract(t *testing.T) {
	for _, p := range providers {
		t.Run(string(p), func(t *testing.T) {
			server := captchatest.New(secret)
			challengetest.Run(t, challengetest.Config{
				New:    func(*testing.T) customauth.Challenge { return challenge(p, server) },
				Answer: func(*testing.T, challengetest.Shown) string { return server.Solve(solved(p)) },
				Anyone: true,
			})
		})
	}
}

// What passes and what does not, over loopback.
func TestVerdicts(t *testing.T) {
	for name, tt := range map[string]struct {
		provider captcha.Provider
		edit     func(*captcha.Challenge, *captchatest.Solved)
		want     bool
		wantErr  error
	}{
		"turnstile":           {provider: captcha.Turnstile, want: true},
		"hcaptcha":            {provider: captcha.HCaptcha, want: true},
		"recaptcha":           {provider: captcha.ReCAPTCHA, want: true},
		"recaptcha by score":  {provider: captcha.ReCAPTCHAScore, want: true},
		"hostname in capital": {provider: captcha.HCaptcha, want: true, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Hostname = "APP.example.com" }},
		"another hostname":    {provider: captcha.HCaptcha, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Hostname = "evil.example" }},
		"a longer hostname":   {provider: captcha.Turnstile, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Hostname = "app.example.com.evil.example" }},
		"no hostname":         {provider: captcha.ReCAPTCHA, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Hostname = "" }},
		"any hostname": {provider: captcha.ReCAPTCHA, want: true, edit: func(c *captcha.Challenge, s *captchatest.Solved) {
			c.Hostnames, c.InsecureAnyHostname, s.Hostname = nil, true, "evil.example"
		}},
		"another action": {provider: captcha.Turnstile, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Action = "newsletter" }},
		"no action":      {provider: captcha.ReCAPTCHAScore, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Action = "" }},
		"a low score":    {provider: captcha.ReCAPTCHAScore, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Score = score(0.4) }},
		"a score that is enough": {provider: captcha.ReCAPTCHAScore, want: true, edit: func(c *captcha.Challenge, s *captchatest.Solved) {
			c.MinScore, s.Score = 0.3, score(0.3)
		}},
		"a score where none is expected": {provider: captcha.ReCAPTCHA, wantErr: customauth.ErrOptions, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Score = score(0.9) }},
		"no score where one is expected": {provider: captcha.ReCAPTCHAScore, wantErr: customauth.ErrOptions, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.Score = nil }},
		"a wrong secret":                 {provider: captcha.Turnstile, wantErr: customauth.ErrOptions, edit: func(c *captcha.Challenge, _ *captchatest.Solved) { c.Secret = customauth.Hide("2x00") }},
		"a site key of another secret":   {provider: captcha.HCaptcha, wantErr: customauth.ErrOptions, edit: func(_ *captcha.Challenge, s *captchatest.Solved) { s.SiteKey = "other" }},
		"a path that is no API":          {provider: captcha.Turnstile, wantErr: captcha.ErrUnavailable, edit: func(c *captcha.Challenge, _ *captchatest.Solved) { c.URL += "/x" }},
	} {
		t.Run(name, func(t *testing.T) {
			server := captchatest.New(secret)
			loopback := httptest.NewServer(server)
			defer loopback.Close()
			c, s := challenge(tt.provider, server), solved(tt.provider)
			c.Client = nil
			c.URL = loopback.URL + map[captcha.Provider]string{
				captcha.Turnstile: "/turnstile/v0/siteverify", captcha.HCaptcha: "/siteverify",
				captcha.ReCAPTCHA: "/recaptcha/api/siteverify", captcha.ReCAPTCHAScore: "/recaptcha/api/siteverify",
			}[tt.provider]
			if tt.edit != nil {
				tt.edit(&c, &s)
			}
			got, err := c.Check(t.Context(), request("a"), server.Solve(s))
			if got.Right != tt.want || !errors.Is(err, tt.wantErr) || (err != nil) != (tt.wantErr != nil) {
				t.Errorf("right %v, error %v; want %v, %v", got.Right, err, tt.want, tt.wantErr)
			}
		})
	}
}

// Each documented code, and what becomes of it.
func TestErrorCodes(t *testing.T) {
	for code, want := range map[string]error{
		"missing-input-response": nil, "invalid-input-response": nil, "expired-input-response": nil, "timeout-or-duplicate": nil,
		"already-seen-response": nil, "invalid-or-already-seen-response": nil, "not-using-dummy-passcode": nil,
		"missing-input-secret": customauth.ErrOptions, "invalid-input-secret": customauth.ErrOptions,
		"sitekey-secret-mismatch": customauth.ErrOptions, "invalid-sitekey": customauth.ErrOptions, "not-using-dummy-secret": customauth.ErrOptions,
		"bad-request": captcha.ErrUnavailable, "internal-error": captcha.ErrUnavailable, "of tomorrow": captcha.ErrUnavailable,
	} {
		t.Run(code, func(t *testing.T) {
			server := captchatest.New(secret)
			server.Fail(answer(200, fmt.Sprintf(`{"success":false,"error-codes":[%q]}`, code)))
			got, err := challenge(captcha.Turnstile, server).Check(t.Context(), request("a"), "token")
			if got.Right || !errors.Is(err, want) || (err != nil) != (want != nil) {
				t.Errorf("right %v, error %v; want %v", got.Right, err, want)
			}
		})
	}
}

func answer(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

const passing = `{"success":true,"hostname":"app.example.com"}`

// Whatever the provider does, nobody passes without its word.
func TestClosed(t *testing.T) {
	elsewhere := http.NewServeMux()
	elsewhere.Handle("/", http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect))
	elsewhere.Handle("/elsewhere", answer(200, passing))
	for name, h := range map[string]http.Handler{
		"500":                       answer(500, passing),
		"a redirect":                elsewhere,
		"nothing":                   answer(200, ""),
		"a page":                    answer(200, "<html>"),
		"another shape":             answer(200, `{"success":"true"}`),
		"success in a list":         answer(200, `[{"success":true}]`),
		"no verdict":                answer(200, `{}`),
		"refused without a word":    answer(200, `{"success":false}`),
		"a page before the verdict": answer(200, strings.Repeat(" ", 64<<10)+passing),
		"it hangs up":               http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
	} {
		t.Run(name, func(t *testing.T) {
			server := captchatest.New(secret)
			server.Fail(h)
			loopback := httptest.NewServer(server)
			defer loopback.Close()
			c := challenge(captcha.ReCAPTCHA, server)
			c.Client, c.URL = nil, loopback.URL
			got, err := c.Check(t.Context(), request("a"), "a-token-that-nobody-may-see")
			if got.Right || !errors.Is(err, captcha.ErrUnavailable) {
				t.Errorf("right %v, error %v", got.Right, err)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "a-token-that")) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	for name, tt := range map[string]struct{ set, want time.Duration }{
		"default": {0, 2500 * time.Millisecond},
		"set":     {time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := captchatest.New(secret)
				server.Fail(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
				c := challenge(captcha.Turnstile, server)
				c.Timeout = tt.set
				start := time.Now()
				got, err := c.Check(t.Context(), request("a"), "token")
				if got.Right || !errors.Is(err, captcha.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("right %v, error %v", got.Right, err)
				}
				if took := time.Since(start); took != tt.want {
					t.Errorf("took %v, want %v", took, tt.want)
				}
			})
		})
	}
}

// A token passes once, and again only in the same sign-in, which then asks nobody.
func TestOnce(t *testing.T) {
	for _, p := range providers {
		t.Run(string(p), func(t *testing.T) {
			server := captchatest.New(secret)
			c := challenge(p, server)
			token := server.Solve(solved(p))
			var got []bool
			for _, signIn := range []string{"a", "a", "b", "a"} {
				checked, err := c.Check(t.Context(), request(signIn), token)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, checked.Right)
			}
			if diff := cmp.Diff([]bool{true, true, false, true}, got); diff != "" {
				t.Errorf("right (-want +got):\n%s", diff)
			}
			if n := server.Requests(); n != 2 {
				t.Errorf("%d requests, want 2: one for each sign-in", n)
			}
		})
	}
}

// Of many sign-ins that use one token at once, one passes, also with a provider that
// lets all of them.
func TestOnceAtOnce(t *testing.T) {
	server := captchatest.New(secret)
	server.Fail(answer(200, passing))
	c := challenge(captcha.ReCAPTCHA, server)
	var mu sync.Mutex
	var passed int
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			got, err := c.Check(context.Background(), request(fmt.Sprint(i)), "token")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if got.Right {
				passed++
			}
		})
	}
	wg.Wait()
	if passed != 1 {
		t.Errorf("%d sign-ins passed with one token", passed)
	}
}

// Cognito repeats a call whose first run got no answer from the provider in time.
// Turnstile knows the repetition by its idempotency key.
func TestAgainAfterLostAnswer(t *testing.T) {
	server := captchatest.New(secret)
	c := challenge(captcha.Turnstile, server)
	token := server.Solve(solved(captcha.Turnstile))
	lost := c
	lost.Client = &http.Client{Transport: losing{server}}
	if got, err := lost.Check(t.Context(), request("a"), token); got.Right || !errors.Is(err, captcha.ErrUnavailable) {
		t.Fatalf("right %v, error %v", got.Right, err)
	}
	if got, err := c.Check(t.Context(), request("b"), token); got.Right || err != nil {
		t.Errorf("in another sign-in: right %v, error %v", got.Right, err)
	}
	if got, err := c.Check(t.Context(), request("a"), token); !got.Right || err != nil {
		t.Errorf("repeated: right %v, error %v", got.Right, err)
	}
}

// form is a connection that keeps what is sent.
type form struct {
	next http.RoundTripper
	sent *url.Values
}

func (f form) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if *f.sent, err = url.ParseQuery(string(body)); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return f.next.RoundTrip(r)
}

// Turnstile takes a UUID for an idempotency key, and nothing else.
func TestIdempotencyKey(t *testing.T) {
	server, sent := captchatest.New(secret), url.Values{}
	c := challenge(captcha.Turnstile, server)
	c.Client = &http.Client{Transport: form{server, &sent}}
	if got, err := c.Check(t.Context(), request("a"), server.Solve(solved(captcha.Turnstile))); !got.Right || err != nil {
		t.Fatalf("right %v, error %v", got.Right, err)
	}
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if key := sent.Get("idempotency_key"); !shape.MatchString(key) {
		t.Errorf("the idempotency key is %q, which is no UUID", key)
	}
}

// losing is a connection that breaks before the answer.
type losing struct{ next http.RoundTripper }

func (l losing) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := l.next.RoundTrip(r); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

// A store that fails lets nobody pass.
type failing struct {
	customauth.Store
	from customauth.Verb
}

func (f failing) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	if ops[0].Verb >= f.from {
		return nil, errors.New("no table")
	}
	return f.Store.Update(ctx, key, ops...)
}

func TestStoreFails(t *testing.T) {
	for name, from := range map[string]customauth.Verb{"reading": customauth.Look, "writing": customauth.Count} {
		t.Run(name, func(t *testing.T) {
			server := captchatest.New(secret)
			c := challenge(captcha.Turnstile, server)
			c.Store = failing{c.Store, from}
			got, err := c.Check(t.Context(), request("a"), server.Solve(solved(captcha.Turnstile)))
			if got.Right || err == nil {
				t.Errorf("right %v, error %v", got.Right, err)
			}
		})
	}
}

// What leaves for the provider, and what the log says.
func TestOnTheWire(t *testing.T) {
	var got []string
	var log bytes.Buffer
	server := captchatest.New(secret)
	server.Fail(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(r.URL.String(), secret) || len(r.Header["Idempotency-Key"]) > 0 {
			t.Errorf("%v %v", r.URL, r.Header)
		}
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+string(body))
		io.WriteString(w, `{"success":true,"hostname":"evil.example","score":0.7}`)
	}))
	for _, p := range providers[1:] {
		c := challenge(p, server)
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Check(t.Context(), request("a"), "the&token")
	}
	form := " application/x-www-form-urlencoded response=the%26token&secret=" + secret
	if diff := cmp.Diff([]string{
		"POST https://api.hcaptcha.com/siteverify" + form + "&sitekey=0x4AAAAAAA",
		"POST https://www.google.com/recaptcha/api/siteverify" + form,
		"POST https://www.google.com/recaptcha/api/siteverify" + form,
	}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "why=hostname") || strings.Contains(log.String(), "token") || strings.Contains(log.String(), secret) {
		t.Errorf("log: %s", &log)
	}
}

func TestShown(t *testing.T) {
	for _, p := range providers {
		c := challenge(p, captchatest.New(secret))
		want := map[string]string{"provider": string(p), "siteKey": "0x4AAAAAAA"}
		if c.Action != "" {
			want["action"] = "signin"
		}
		got, err := c.Show(t.Context(), request("a"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p, diff)
		}
	}
}

func TestFields(t *testing.T) {
	for name, tt := range map[string]struct {
		provider captcha.Provider
		edit     func(*captcha.Challenge)
		want     string
	}{
		"no provider":             {edit: func(c *captcha.Challenge) { c.Provider = "" }, want: "Provider must be"},
		"no site key":             {edit: func(c *captcha.Challenge) { c.SiteKey = "" }, want: "SiteKey must be"},
		"no secret":               {edit: func(c *captcha.Challenge) { c.Secret = customauth.Secret{} }, want: "Secret must be"},
		"a secret with a newline": {edit: func(c *captcha.Challenge) { c.Secret = customauth.Hide(secret + "\n") }, want: "Secret must be"},
		"the secret is shown":     {edit: func(c *captcha.Challenge) { c.SiteKey = secret }, want: "SiteKey is public"},
		"no hostname":             {edit: func(c *captcha.Challenge) { c.Hostnames = nil }, want: "Hostnames must name"},
		"a URL for a hostname":    {edit: func(c *captcha.Challenge) { c.Hostnames = []string{"https://app.example.com"} }, want: "neither a scheme nor a port"},
		"an action of hCaptcha":   {provider: captcha.HCaptcha, edit: func(c *captcha.Challenge) { c.Action = "x" }, want: "Action must be empty"},
		"an action with a space":  {edit: func(c *captcha.Challenge) { c.Action = "sign in" }, want: "Action of Turnstile"},
		"a score without action":  {provider: captcha.ReCAPTCHAScore, edit: func(c *captcha.Challenge) { c.Action = "" }, want: "is required"},
		"a score of Turnstile":    {edit: func(c *captcha.Challenge) { c.MinScore = 0.5 }, want: "MinScore must be 0"},
		"a score above 1":         {provider: captcha.ReCAPTCHAScore, edit: func(c *captcha.Challenge) { c.MinScore = 50 }, want: "MinScore must be from"},
		"a URL without https":     {edit: func(c *captcha.Challenge) { c.URL = "http://captcha.example/siteverify" }, want: "URL must begin"},
		"a name for this machine": {edit: func(c *captcha.Challenge) { c.URL = "http://localhost.evil.example" }, want: "URL must begin"},
		"a long timeout":          {edit: func(c *captcha.Challenge) { c.Timeout = 3501 * time.Millisecond }, want: "Timeout must be"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.provider == "" {
				tt.provider = captcha.Turnstile
			}
			c := challenge(tt.provider, captchatest.New(secret))
			if _, err := c.Issue(t.Context(), customauth.Request{Probe: true}); err != nil {
				t.Fatalf("refused before the edit: %v", err)
			}
			tt.edit(&c)
			_, err := c.Issue(t.Context(), customauth.Request{Probe: true})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// The longest timeout leaves the trigger time to answer.
func TestLongestTimeout(t *testing.T) {
	c := challenge(captcha.Turnstile, captchatest.New(secret))
	c.Timeout = 3500 * time.Millisecond
	if _, err := c.Issue(t.Context(), customauth.Request{Probe: true}); err != nil {
		t.Error(err)
	}
}

// A Challenge that is printed tells no secret.
func TestPrinted(t *testing.T) {
	c := challenge(captcha.Turnstile, captchatest.New(secret))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "challenge", c)
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, &log); strings.Contains(text, secret) {
		t.Errorf("printed: %s", text)
	}
}

// FuzzVerdict: whatever the provider answers, only its plain word lets pass.
func FuzzVerdict(f *testing.F) {
	for _, seed := range []string{
		passing, `{"success":true,"hostname":"app.example.com","action":"signin","score":0.9}`, `{"success":false,"error-codes":["timeout-or-duplicate"]}`,
		`{"success":true,"score":null}`, `{"success":true,"score":1e400}`, `{"error-codes":null}`, `{"error-codes":"x"}`, `[]`, ``, "\xff",
	} {
		f.Add(200, []byte(seed))
		f.Add(400, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		server := captchatest.New(secret)
		server.Fail(answer(status, string(body)))
		for _, p := range providers {
			got, err := challenge(p, server).Check(context.Background(), request("a"), "token")
			if !got.Right {
				continue
			}
			var said struct {
				Success  any
				Hostname string
			}
			if json.Unmarshal(body, &said) != nil || err != nil || status != 200 || said.Success != true || !strings.EqualFold(said.Hostname, "app.example.com") {
				t.Errorf("%s: %d %q passes, error %v", p, status, body, err)
			}
		}
	})
}
