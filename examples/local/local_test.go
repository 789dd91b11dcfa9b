package main

// The routes, the headers and the command line: what somebody outside of the
// program can see of it.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/google/go-cmp/cmp"
)

// newTestLocal is a local whose texts and log lines go to the writer.
func newTestLocal(t *testing.T, s settings, out io.Writer) *local {
	t.Helper()
	l, err := newLocal(s, out, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	h := newTestLocal(t, settings{}, io.Discard).handler()
	for _, tt := range []struct {
		target, host string
		status       int
		mediaType    string
	}{
		{"/", "", 200, "text/html; charset=utf-8"},
		{"/?region=eu-west-1&clientId=abc", "", 200, "text/html; charset=utf-8"},
		{"/app.js", "", 200, "text/javascript; charset=utf-8"},
		{"/style.css", "", 200, "text/css; charset=utf-8"},
		{"/favicon.svg", "", 200, "image/svg+xml"},
		{"/_local/pool", "", 200, "application/json"},
		{"/_local/messages", "", 200, "application/json"},
		{"/" + poolID + "/.well-known/jwks.json", "", 200, "application/json"},
		{"/" + poolID + "/.well-known/openid-configuration", "", 200, "application/json"},
		{"/config.json", "", 200, "application/json"},
		{"/package.json", "", 404, ""},
		{"/client.d.ts", "", 404, ""},
		{"/web/app.js", "", 404, ""},
		{"/main.go", "", 404, ""},
		{"/", "localhost:8080", 200, ""},
		{"/", "localhost", 200, ""},
		{"/", "[::1]:8080", 200, ""},
		{"/", "127.0.0.1", 200, ""},
		{"/_local/messages", "evil.example", 403, ""},
		{"/_local/messages", "evil.example:8080", 403, ""},
		{"/_local/messages", "127.0.0.1.evil.example:8080", 403, ""},
		{"/_local/messages", "192.168.1.10:8080", 403, ""},
	} {
		t.Run(tt.host+tt.target, func(t *testing.T) {
			host := tt.host
			if host == "" {
				host = "127.0.0.1:8080"
			}
			w := get(h, tt.target, "Host", host)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if got := w.Header().Get("Content-Type"); tt.mediaType != "" && got != tt.mediaType {
				t.Errorf("Content-Type %q, want %q", got, tt.mediaType)
			}
			if got := w.Header().Get("X-Content-Type-Options"); w.Code == 200 && got != "nosniff" {
				t.Errorf("X-Content-Type-Options %q", got)
			}
		})
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	h := newTestLocal(t, settings{}, io.Discard).handler()
	policy := func(connect string) string {
		return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" + connect +
			"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	}
	for _, tt := range []struct{ target, connect string }{
		{"/", ""},
		{"/?region=eu-west-1&clientId=abc", " https://cognito-idp.eu-west-1.amazonaws.com"},
		{"/?region=us-gov-west-1", " https://cognito-idp.us-gov-west-1.amazonaws.com"},
		{"/?region=cn-north-1", " https://cognito-idp.cn-north-1.amazonaws.com.cn"},
		{"/?region=evil.example/", ""},
		{"/?region=eu-west-1%20https://evil.example", ""},
		{"/?region=eu-west-1;script-src%20*", ""},
		{"/?region=eu-west-1%0a", ""},
	} {
		t.Run(tt.target, func(t *testing.T) {
			got := get(h, tt.target).Header().Get("Content-Security-Policy")
			if diff := cmp.Diff(policy(tt.connect), got); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// The page must not need what its policy forbids.
func TestPageKeepsItsPolicy(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle="|\son[a-z]+="|<script>|<style|https?://[^` + "`" + `\s]*\.(js|css)`)
	files, err := fs.Glob(web, "web/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		content, err := web.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(string(content)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
		if mediaTypes[filepath.Ext(name)] == "" {
			t.Errorf("%s has no media type", name)
		}
	}
}

func TestInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var printed bytes.Buffer
		b := newInbox(&printed)
		start := time.Now()
		send := func(to, body string) {
			t.Helper()
			if err := b.deliver(text{To: to, Channel: "SMS", Text: body}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		send("+12065550100", "first")
		send("+12065550101", "second")
		send("+12065550100", "third\nline")

		first := text{ID: "1", To: "+12065550100", Channel: "SMS", Text: "first", Time: start}
		second := text{ID: "2", To: "+12065550101", Channel: "SMS", Text: "second", Time: start.Add(time.Minute)}
		third := text{ID: "3", To: "+12065550100", Channel: "SMS", Text: "third\nline", Time: start.Add(2 * time.Minute)}
		for _, tt := range []struct {
			target string
			want   []text
		}{
			{"/", []text{third, second, first}},
			{"/?to=%2B12065550100", []text{third, first}},
			{"/?to=+12065550100", []text{third, first}}, // a plus in a query is a space
			{"/?to=12065550101", []text{second}},
			{"/?to=%2B12065550102", []text{}},
		} {
			w := get(b, tt.target)
			var got []text
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Errorf("%s: %v in %s", tt.target, err, w.Body)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.target, diff)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Error("other sites may read the texts")
			}
		}
		if got := get(b, "/?to=nobody").Body.String(); got != "[]\n" {
			t.Errorf("an empty inbox is %q", got)
		}
		if !strings.Contains(printed.String(), "│ third\n  │ line\n") {
			t.Errorf("printed: %s", &printed)
		}
	})
}

func TestInboxForgets(t *testing.T) {
	b := newInbox(io.Discard)
	for range inboxSize + 5 {
		b.deliver(text{To: "+12065550100", Channel: "SMS", Text: "text"})
	}
	if texts, _ := b.list(""); len(texts) != inboxSize {
		t.Errorf("%d texts kept, want %d", len(texts), inboxSize)
	}
}

func TestInboxSends(t *testing.T) {
	b := newInbox(io.Discard)
	send := func(to string) error {
		return b.Send(t.Context(), customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide(to)}, Text: customauth.Hide("hello")})
	}
	if err := send("+12065550100"); err != nil {
		t.Error(err)
	}
	if err := send(deadNumber); err == nil {
		t.Error("the dead number got a text")
	}
	if texts, _ := b.list(""); len(texts) != 1 || texts[0].Text != "hello" || texts[0].Channel != "SMS" {
		t.Errorf("inbox has %v", texts)
	}
}

func TestInboxStream(t *testing.T) {
	b := newInbox(io.Discard)
	server := httptest.NewServer(b)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	lines := bufio.NewScanner(res.Body)
	next := func() (texts []text) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &texts); err != nil {
					t.Fatal(err)
				}
				return texts
			}
		}
		t.Fatal("the stream ended")
		return nil
	}
	if got := next(); len(got) != 0 {
		t.Errorf("first event has %v", got)
	}
	b.deliver(text{To: "+12065550100", Channel: "SMS", Text: "two\nlines"})
	if got := next(); len(got) != 1 || got[0].Text != "two\nlines" {
		t.Errorf("second event has %v", got)
	}
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"help", []string{"-help"}, 0, "-bootstrap"},
		{"unknown flag", []string{"-nonsense"}, 2, "-nonsense"},
		{"unknown argument", []string{"serve"}, 2, `"serve" is not a flag`},
		{"bad duration", []string{"-ttl", "soon"}, 2, "-ttl"},
		{"flags that contradict", []string{"-bootstrap", "x", "-ttl", "1m"}, 2, "-bootstrap"},
		{"all interfaces", []string{"-addr", ":0"}, 1, "-insecure-any-addr"},
		{"another interface", []string{"-addr", "0.0.0.0:0"}, 1, "-insecure-any-addr"},
		{"no address", []string{"-addr", "127.0.0.1"}, 1, "missing port"},
		{"no such function", []string{"-addr", "127.0.0.1:0", "-bootstrap", "testdata/none"}, 1, "testdata/none"},
		{"code valid for too long", []string{"-addr", "127.0.0.1:0", "-ttl", "1h"}, 1, "10m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var stdout, stderr bytes.Buffer
			if code := run(ctx, tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("stderr does not say %q:\n%s", tt.stderr, &stderr)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: %s", &stdout)
			}
		})
	}
}

// The program says where it listens, serves there, and ends when it is told to.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, w, io.Discard) }()

	var url string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if _, found := strings.CutPrefix(lines.Text(), "  page "); found {
			url = strings.TrimSpace(strings.TrimPrefix(lines.Text(), "  page "))
			break
		}
	}
	go io.Copy(io.Discard, r)
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("GET %s: %s", url, res.Status)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// direct calls a handler where a client thinks that it has a network.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.Host = r.URL.Host
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func runDemo(ctx context.Context, l *local, h http.Handler, out io.Writer) error {
	d := demo{client: &http.Client{Transport: direct{h}}, url: "http://127.0.0.1", poolID: l.pool.ID(), clientID: l.pool.ClientID(), out: out}
	return d.run(ctx)
}

const transcript = `
1. Ada signs up with her name and +12065550100; the password is random and forgotten
   → the pre sign-up trigger confirmed her

2. she signs in with the phone number alone

  ╭─ SMS to +12065550100, TIME
  │ CODE is your code. It is valid for 3 minutes. Do not share it.
  ╰─

   → a code of 6 digits was sent by SMS, attempts left: 3

3. she types a wrong code
   → refused: wrong_code, attempts left: 2

4. she asks for a new code
   → (the next code can be asked for in 30s)

  ╭─ SMS to +12065550100, TIME
  │ CODE is your code. It is valid for 3 minutes. Do not share it.
  ╰─

   → a code of 6 digits was sent by SMS, attempts left: 2

5. she types the new code
   → signed in: access, ID and refresh token, good for 1h0m0s

6. a server checks the ID token against the pool's keys
   → signature right; token_use id, phone_number +12065550100, issuer https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Local0001

7. the app reads her attributes with the access token
   → hello, Ada Example

8. the app renews the tokens, then she signs out
   → new tokens without a new sign-in
   → after that the refresh token is refused: GetTokensFromRefreshToken: NotAuthorizedException: Refresh Token has been revoked

All went as told.
`

func TestDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newTestLocal(t, settings{resendAfter: 30 * time.Second}, &out)
		if err := runDemo(t.Context(), l, l.handler(), &out); err != nil {
			t.Error(err)
		}
		got := regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(out.String(), "TIME")
		got = regexp.MustCompile(`│ \d{6}`).ReplaceAllString(got, "│ CODE")
		if diff := cmp.Diff(transcript, got); diff != "" {
			t.Errorf("transcript (-want +got):\n%s", diff)
		}
	})
}

// A demo is worth nothing if it ends well whatever happens.
func TestDemoFails(t *testing.T) {
	for _, tt := range []struct {
		name      string
		operation string // whose answer is spoiled
		spoil     func([]byte) []byte
		want      string
	}{
		{"not confirmed", "SignUp", replace(`"UserConfirmed":true`, `"UserConfirmed":false`), "not confirmed"},
		{"another challenge", "InitiateAuth", replace(`"CUSTOM_CHALLENGE"`, `"SMS_MFA"`), "SMS_MFA"},
		{"wrong code accepted", "RespondToAuthChallenge", func([]byte) []byte {
			return []byte(`{"AuthenticationResult":{"AccessToken":"a","IdToken":"b","RefreshToken":"c"}}`)
		}, "not for a code"},
		{"token of another", "jwks.json", replace(`"n":"`, `"n":"____`), "verification"},
		{"no key", "jwks.json", func([]byte) []byte { return []byte(`{"keys":[]}`) }, "no key"},
		{"no name", "GetUser", replace(`Ada`, `Eve`), "name"},
		{"no JSON", "GetUser", func([]byte) []byte { return []byte("oops") }, "invalid character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newTestLocal(t, settings{resendAfter: time.Millisecond}, io.Discard)
			h := l.handler()
			spoiled := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				body := rec.Body.Bytes()
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+tt.operation) || strings.HasSuffix(r.URL.Path, tt.operation) {
					body = tt.spoil(body)
				}
				w.WriteHeader(rec.Code)
				w.Write(body)
			})
			err := runDemo(t.Context(), l, spoiled, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
		})
	}
}

func replace(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}

func TestDemoExitCode(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-demo"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	if !strings.HasSuffix(stdout.String(), "\nAll went as told.\n") {
		t.Errorf("stdout ends otherwise:\n%s", &stdout)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := run(ctx, []string{"-demo"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("exit code %d of a demo that was interrupted, want 1", code)
	}
}
