package main

// The flags about ways, as somebody outside of the program sees them: what the page is
// told, what is sent, and what a frame may do.

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/google/go-cmp/cmp"
)

const pagePhone = "+12065550100"

// waysLocal is a local with flags about ways.
func waysLocal(t *testing.T, flags ...string) *local {
	t.Helper()
	s, err := parse(append(flags, "-resend-after", "1ms"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return newTestLocal(t, s, io.Discard)
}

// signUp makes the account as the page does, and begins a sign-in.
func signUp(t *testing.T, l *local) *cognitotest.SignIn {
	t.Helper()
	body := `{"ClientId":"` + clientID + `","Username":"` + pagePhone + `","Password":"aA1-aA1-aA1-!","UserAttributes":[{"Name":"phone_number","Value":"` + pagePhone + `"}]}`
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.SignUp")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w := httptest.NewRecorder()
	l.handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("SignUp: %s", w.Body)
	}
	in, err := l.pool.SignIn(t.Context(), pagePhone)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func newest(t *testing.T, l *local, to string) text {
	t.Helper()
	all, _ := l.inbox.list(to)
	if len(all) == 0 {
		t.Fatalf("nothing for %s", to)
	}
	return all[0]
}

func TestEveryWay(t *testing.T) {
	for _, tt := range []struct{ way, to, channel string }{
		{"sms", pagePhone, "SMS"},
		{"email", "12065550100@example.com", "EMAIL"},
		{"link", "12065550100@example.com", "EMAIL"},
		{"voice", pagePhone, "VOICE"},
	} {
		t.Run(tt.way, func(t *testing.T) {
			l := waysLocal(t, "-ways", "sms,email,link,voice", "-ask")
			in := signUp(t, l)
			if all, _ := l.inbox.list(""); len(all) != 0 {
				t.Errorf("%d messages before the choice", len(all))
			}
			if err := in.Choose(t.Context(), tt.way); err != nil {
				t.Fatal(err)
			}
			m := newest(t, l, tt.to)
			if m.Channel != tt.channel {
				t.Errorf("channel %s, want %s", m.Channel, tt.channel)
			}
			code := regexp.MustCompile(`\b\d{6}\b`).FindString(strings.ReplaceAll(m.Text, "code=", ""))
			if err := in.Answer(t.Context(), code, nil); err != nil || in.Tokens() == nil {
				t.Errorf("not signed in: %v", err)
			}
		})
	}
}

func TestOneWay(t *testing.T) {
	l := waysLocal(t, "-ways", "email")
	signUp(t, l)
	if m := newest(t, l, ""); m.Channel != "EMAIL" || m.Subject == "" {
		t.Errorf("the first message is a %s with subject %q", m.Channel, m.Subject)
	}
}

// The link leads to where the program listens.
func TestOrigins(t *testing.T) {
	for addr, want := range map[string][]string{
		"127.0.0.1:8080": {"http://127.0.0.1:8080", "http://localhost:8080"},
		"[::1]:8080":     {"http://[::1]:8080", "http://localhost:8080"},
		"[::]:8080":      {"http://127.0.0.1:8080", "http://localhost:8080"},
		"0.0.0.0:80":     {"http://127.0.0.1:80", "http://localhost:80"},
	} {
		if diff := cmp.Diff(want, origins(addr)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", addr, diff)
		}
	}
}

func TestCaptchaStandIn(t *testing.T) {
	l := waysLocal(t, "-captcha")
	in := signUp(t, l)
	if err := in.Answer(t.Context(), "robot", nil); err != nil {
		t.Fatal(err)
	}
	if got := in.Parameters["errorCode"]; got != "not_proved" {
		t.Errorf("errorCode %q for a made-up token", got)
	}
	if all, _ := l.inbox.list(""); len(all) != 0 {
		t.Error("a robot had a text sent")
	}
	r := httptest.NewRequest(http.MethodPost, "/_local/captcha", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	l.handler().ServeHTTP(w, r)
	var solved struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &solved); err != nil {
		t.Fatal(err)
	}
	if err := in.Answer(t.Context(), solved.Token, nil); err != nil {
		t.Fatal(err)
	}
	if m := newest(t, l, pagePhone); m.Channel != "SMS" {
		t.Errorf("a %s came", m.Channel)
	}
}

// What the page is told, which is what the file says but for what the flags change.
func TestConfig(t *testing.T) {
	file, err := web.ReadFile("web/config.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		flags []string
		more  map[string]any
	}{
		{nil, nil},
		{[]string{"-captcha"}, map[string]any{"captcha": "captcha.js"}},
		{[]string{"-ways", "sms,voice"}, nil},
		{[]string{"-ways", "sms,email", "-captcha"}, map[string]any{"captcha": "captcha.js", "mails": "/_local/mails/"}},
		{[]string{"-ways", "link"}, map[string]any{"mails": "/_local/mails/", "texts": false}},
		{[]string{"-ways", "sms,voice", "-ask"}, map[string]any{"texts": false}},
	} {
		t.Run(strings.Join(tt.flags, " "), func(t *testing.T) {
			h := waysLocal(t, tt.flags...).handler()
			var want, got map[string]any
			if err := json.Unmarshal(file, &want); err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.more {
				want[k] = v
			}
			if err := json.Unmarshal(get(h, "/config.json").Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("config.json (-want +got):\n%s", diff)
			}
			frames := strings.Contains(get(h, "/").Header().Get("Content-Security-Policy"), "frame-src 'self'")
			if frames != (tt.more["mails"] != nil) {
				t.Errorf("frames are allowed: %v", frames)
			}
		})
	}
}

func TestMail(t *testing.T) {
	b := newInbox(io.Discard)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{id}", b.serveMail)
	send := func(channel, text, html string) {
		t.Helper()
		err := b.Send(t.Context(), customauth.Message{
			To:      customauth.Destination{Medium: channel, Address: customauth.Hide("ada@example.com")},
			Subject: customauth.Hide("Sign in"), Text: customauth.Hide(text), HTML: customauth.Hide(html),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	send("EMAIL", "text", "<p>html</p>")
	send("EMAIL", "<b>text</b>", "")
	send("SMS", "text", "")
	for _, tt := range []struct {
		target, body string
		status       int
	}{
		{"/1", "<p>html</p>", 200},
		{"/2", "&lt;b&gt;text&lt;/b&gt;", 200},
		{"/3", "", 404},
		{"/4", "", 404},
		{"/x", "", 404},
	} {
		w := get(mux, tt.target)
		if w.Code != tt.status || !bytes.Contains(w.Body.Bytes(), []byte(tt.body)) {
			t.Errorf("%s: %d %s", tt.target, w.Code, w.Body)
		}
		if p := w.Header().Get("Content-Security-Policy"); w.Code == 200 && (!strings.HasPrefix(p, "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'") || strings.Contains(p, "script")) {
			t.Errorf("%s: policy %q", tt.target, p)
		}
	}
}

func TestWaysArguments(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no way", []string{"-ways", "fax"}, `not "fax"`},
		{"an empty way", []string{"-ways", "sms,"}, `not ""`},
		{"a way twice", []string{"-ways", "sms,email,sms"}, "sms twice"},
		{"nothing to ask", []string{"-ask"}, "-ask needs two"},
		{"one way to ask", []string{"-ways", "sms", "-ask"}, "-ask needs two"},
		{"with a function", []string{"-bootstrap", "x", "-ways", "sms,email"}, "-bootstrap"},
		{"a CAPTCHA with a function", []string{"-bootstrap", "x", "-captcha"}, "-bootstrap"},
		{"with the demo", []string{"-demo", "-captcha"}, "-demo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parse(tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
		})
	}
	s, err := parse([]string{"-ways", "sms,email,link,voice", "-ask", "-captcha", "-ttl", "1m"}, io.Discard)
	if err != nil || s.ttl != time.Minute || len(s.ways) != 4 {
		t.Errorf("%v, %v", s, err)
	}
}

// The script that reads a link is the one of package magiclink.
func TestSameScript(t *testing.T) {
	want, err := os.ReadFile("../../magiclink/web/magiclink.js")
	if err != nil {
		t.Fatal(err)
	}
	got, err := web.ReadFile("web/magiclink.js")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("web/magiclink.js is another than magiclink/web/magiclink.js: copy it")
	}
}
