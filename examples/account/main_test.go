package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// output is where the program prints: the address comes out of it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	address chan string
}

var addressPattern = regexp.MustCompile(`http://localhost:\d+`)

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if a := addressPattern.FindString(o.text.String()); a != "" && o.address != nil {
		o.address <- a
		o.address = nil
	}
	return len(b), nil
}

// start runs the program until the test ends, and returns its address.
func start(t *testing.T) string {
	t.Helper()
	found := make(chan string, 1)
	out := &output{address: found}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"-port", "0"}, out, t.Output()) }()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	select {
	case a := <-found:
		return a
	case code := <-ended:
		t.Fatalf("ended with %d", code)
		return ""
	}
}

// do sends a request, with headers as "Name: value".
func do(t *testing.T, method, address, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

// Each file of the page is there, with its type and the policy.
func TestPage(t *testing.T) {
	address := start(t)
	names := []string{"index.html", "device.js", "signin.js", "account.js", "account.css"}
	for _, name := range append(names, shared...) {
		res, _ := do(t, "GET", address+"/"+name, "")
		want := mediaTypes[path.Ext(name)]
		got := []string{res.Status, res.Header.Get("Content-Type"), res.Header.Get("Content-Security-Policy"), res.Header.Get("X-Content-Type-Options")}
		if diff := cmp.Diff([]string{"200 OK", want, policy, "nosniff"}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

// A transfer without a token, and the account of nobody.
func TestRefused(t *testing.T) {
	address := start(t)
	for _, tt := range []struct{ method, path, token, want string }{
		{"POST", "/transfers", "", `401 Bearer {"error":"unauthorized"}`},
		{"POST", "/transfers", "x.y.z", `401 Bearer error="invalid_token" {"error":"invalid_token"}`},
		{"GET", "/account/passkeys", "", `401 Bearer {"error":"unauthorized"}`},
		{"POST", "/account/devices", "x.y.z", `401 Bearer error="invalid_token" {"error":"invalid_token"}`},
		{"GET", "/transfers", "", ""},
	} {
		var headers []string
		if tt.token != "" {
			headers = []string{"Authorization: Bearer " + tt.token}
		}
		res, body := do(t, tt.method, address+tt.path, "{}", headers...)
		got := strings.TrimSpace(res.Status[:3] + " " + res.Header.Get("WWW-Authenticate") + " " + strings.TrimSpace(body))
		if tt.want == "" && res.StatusCode < 400 || tt.want != "" && got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

// Another name for this machine is refused, and the address leads to the name.
func TestGuard(t *testing.T) {
	h := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "in") }))
	for _, tt := range []struct {
		method, host, path string
		status             int
		location           string
	}{
		{"GET", "localhost:8081", "/", 200, ""},
		{"GET", "127.0.0.1:8081", "/", 302, "http://localhost:8081/"},
		{"POST", "127.0.0.1:8081", "/", 200, ""},
		{"GET", "evil.example:8081", "/", 403, ""},
		{"GET", "evil.example:8081", "/_local/messages", 403, ""},
		{"POST", "localhost.evil.example:8081", "/", 403, ""},
		{"GET", "localhost", "/", 403, ""},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Host = tt.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || w.Header().Get("Location") != tt.location {
			t.Errorf("%s %s at %s: %d %q, want %d %q", tt.method, tt.path, tt.host, w.Code, w.Header().Get("Location"), tt.status, tt.location)
		}
	}
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"-help"}, 0},
		{[]string{"-nothing"}, 2},
		{[]string{"more"}, 2},
		{[]string{"-port", "-1"}, 1},
	} {
		if got := run(t.Context(), tt.args, io.Discard, io.Discard); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.args, got, tt.want)
		}
	}
}
