package magiclink_test

import (
	"context"
	"errors"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
	"github.com/cyber-eternal/customauth/magiclink"
)

var origins = []string{"https://app.example.com", "https://beta.example.com:8443"}

// linkIn finds the link in a message, as a mail program does.
func linkIn(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(regexp.MustCompile(`https?://[^\s"<]+`).FindString(text))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// fragment is what the page reads in the link.
func fragment(t testing.TB, u *url.URL) url.Values {
	t.Helper()
	v, err := url.ParseQuery(u.EscapedFragment())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestContract(t *testing.T) {
	byLink := func(t *testing.T, s challengetest.Shown) string {
		return fragment(t, linkIn(t, s.Messages[len(s.Messages)-1].Text.Reveal())).Get("code")
	}
	typed := func(_ *testing.T, s challengetest.Shown) string {
		return s.Messages[len(s.Messages)-1].Code.Reveal()
	}
	for name, c := range map[string]challengetest.Config{
		"link": {New: step(magiclink.Challenge{Origins: origins}), Answer: byLink},
		"code": {New: step(magiclink.Challenge{Origins: origins}), Answer: typed},
		"SMS":  {New: step(magiclink.Challenge{Origins: origins, OTP: customauth.OTP{Medium: "SMS", WebOTPDomain: "app.example.com"}}), Answer: byLink},
	} {
		t.Run(name, func(t *testing.T) {
			c.Tells = []string{"link"}
			challengetest.Run(t, c)
		})
	}
}

func step(c customauth.Challenge) func(*testing.T) customauth.Challenge {
	return func(*testing.T) customauth.Challenge { return c }
}

// request is one of a user of whom the app said where it runs.
func request(origin, state string) customauth.Request {
	r := customauth.Request{
		SignIn: "one", CodeLength: 6, State: state,
		Attributes: map[string]customauth.Secret{"email": customauth.Hide("someone@example.com"), "phone_number": customauth.Hide("+12065550100")},
	}
	if origin != "" {
		r.ClientMetadata = map[string]customauth.Secret{"origin": customauth.Hide(origin)}
	}
	return r
}

func TestOrigin(t *testing.T) {
	for name, tt := range map[string]struct {
		origin, state string
		want, keeps   string
		refused       customauth.Reason
	}{
		"none":                   {want: origins[0]},
		"the first":              {origin: origins[0], want: origins[0]},
		"the second":             {origin: origins[1], want: origins[1], keeps: "1"},
		"remembered":             {state: "1", want: origins[1], keeps: "1"},
		"changed":                {origin: origins[0], state: "1", want: origins[0]},
		"another":                {origin: "https://evil.example", refused: magiclink.Refused},
		"another, later":         {origin: "https://evil.example", state: "1", refused: magiclink.Refused},
		"one that looks alike":   {origin: "https://app.example.com.evil.example", refused: magiclink.Refused},
		"with user info":         {origin: "https://app.example.com@evil.example", refused: magiclink.Refused},
		"without encryption":     {origin: "http://app.example.com", refused: magiclink.Refused},
		"with a slash":           {origin: "https://app.example.com/", refused: magiclink.Refused},
		"state of a longer list": {state: "7", want: origins[0]},
		"state that is none":     {state: "-1", want: origins[0]},
	} {
		t.Run(name, func(t *testing.T) {
			is, err := magiclink.Challenge{Origins: origins, Path: "/sign-in"}.Issue(t.Context(), request(tt.origin, tt.state))
			if err != nil || is.Refused != tt.refused {
				t.Fatalf("refused %q, error %v; want %q", is.Refused, err, tt.refused)
			}
			if tt.refused != "" {
				if is.Message.Text.Reveal() != "" || is.Message.HTML.Reveal() != "" {
					t.Error("a message was written")
				}
				return
			}
			u := linkIn(t, is.Message.Text.Reveal())
			if got := u.Scheme + "://" + u.Host; got != tt.want || u.Path != "/sign-in" || u.RawQuery != "" || is.State != tt.keeps {
				t.Errorf("link %v, state %q; want %s/sign-in, %q", u, is.State, tt.want, tt.keeps)
			}
		})
	}
}

// The link, the text and what the app is shown fit together, and the code is nowhere
// where a server would see it.
func TestLink(t *testing.T) {
	for name, code := range map[string]string{"digits": "482913", "in groups": "482 913", "letters": "K7F2-9QX4", "odd": "a&b=c#d%e+f"} {
		t.Run(name, func(t *testing.T) {
			c := magiclink.Challenge{Origins: origins, OTP: customauth.OTP{Generator: func(context.Context, int) (string, error) { return code, nil }}}
			r := request("", "")
			is, err := c.Issue(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			public, err := c.Show(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			m := is.Message
			want := url.Values{"code": {code}, "link": {public["link"]}}
			for where, text := range map[string]string{"text": m.Text.Reveal(), "html": html.UnescapeString(m.HTML.Reveal())} {
				u := linkIn(t, text)
				if diff := cmp.Diff(want, fragment(t, u)); diff != "" {
					t.Errorf("%s: fragment (-want +got):\n%s", where, diff)
				}
				if u.Fragment = ""; strings.Contains(u.RequestURI(), "code") || u.RequestURI() != "/" {
					t.Errorf("%s: a server is asked for %q", where, u.RequestURI())
				}
				if !strings.Contains(text, code) {
					t.Errorf("%s: the code is not in it", where)
				}
			}
		})
	}
}

// The id in the link belongs to one sign-in.
func TestIDs(t *testing.T) {
	c := magiclink.Challenge{Origins: origins}
	seen := make(map[string]bool)
	for _, signIn := range []string{"one", "one", "two"} {
		r := request("", "")
		r.SignIn = signIn
		public, err := c.Show(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		seen[public["link"]] = true
	}
	if len(seen) != 2 {
		t.Errorf("%d ids of two sign-ins", len(seen))
	}
}

func TestMessage(t *testing.T) {
	for name, tt := range map[string]struct {
		otp  customauth.OTP
		want string
	}{
		"mail": {want: "To sign in, open this link in the browser where you asked for it:\n\nhttps://app.example.com/#code=482913&link=LINK\n\n" +
			"Or type this code there: 482913\n\nBoth are valid for 10 minutes. Do not share them. If you did not ask for them, nothing has to be done.\n"},
		"SMS":            {customauth.OTP{Medium: "SMS", TTL: time.Minute}, "https://app.example.com/#code=482913&link=LINK\nor type 482913. Valid for 1 minute."},
		"SMS for WebOTP": {customauth.OTP{Medium: "SMS", TTL: 30 * time.Second, WebOTPDomain: "app.example.com"}, "https://app.example.com/#code=482913&link=LINK\nor type 482913. Valid for 30 seconds.\n@app.example.com #482913"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.otp.Generator = func(context.Context, int) (string, error) { return "482913", nil }
				c := magiclink.Challenge{Origins: origins, OTP: tt.otp}
				is, err := c.Issue(t.Context(), request("", ""))
				if err != nil {
					t.Fatal(err)
				}
				public, _ := c.Show(t.Context(), request("", ""))
				if diff := cmp.Diff(tt.want, strings.ReplaceAll(is.Message.Text.Reveal(), public["link"], "LINK")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestText(t *testing.T) {
	type text = func(context.Context, customauth.Request, customauth.Message, customauth.Secret) (customauth.Message, error)
	says := func(f func(link, code string) (text, html string)) text {
		return func(_ context.Context, _ customauth.Request, m customauth.Message, link customauth.Secret) (customauth.Message, error) {
			text, html := f(link.Reveal(), m.Code.Reveal())
			m.Text, m.HTML = customauth.Hide(text), customauth.Hide(html)
			return m, nil
		}
	}
	for name, tt := range map[string]struct {
		text text
		want string
	}{
		"both in the text":      {says(func(link, code string) (string, string) { return link + " oder " + code, "" }), ""},
		"the link in HTML only": {says(func(link, code string) (string, string) { return code, html.EscapeString(link) }), ""},
		"no link":               {says(func(_, code string) (string, string) { return code, "" }), "the link is in neither"},
		"no code":               {says(func(link, _ string) (string, string) { return link, "" }), "the code is not in Text"},
		"an error": {func(context.Context, customauth.Request, customauth.Message, customauth.Secret) (customauth.Message, error) {
			return customauth.Message{}, errors.New("no template")
		}, "no template"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := magiclink.Challenge{Origins: origins, Text: tt.text}.Issue(t.Context(), request("", ""))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFields(t *testing.T) {
	good := magiclink.Challenge{Origins: origins, Path: "/sign-in"}
	for name, tt := range map[string]struct {
		edit func(*magiclink.Challenge)
		want string
	}{
		"as it should be":       {func(*magiclink.Challenge) {}, ""},
		"this machine":          {func(c *magiclink.Challenge) { c.Origins = []string{"http://localhost:3000", "http://127.0.0.1:3000"} }, ""},
		"no origin":             {func(c *magiclink.Challenge) { c.Origins = nil }, "Origins must name"},
		"too many":              {func(c *magiclink.Challenge) { c.Origins = make([]string, 17) }, "Origins must name"},
		"without encryption":    {func(c *magiclink.Challenge) { c.Origins = []string{"http://app.example.com"} }, "an origin is"},
		"a path":                {func(c *magiclink.Challenge) { c.Origins = []string{"https://app.example.com/x"} }, "an origin is"},
		"a slash":               {func(c *magiclink.Challenge) { c.Origins = []string{"https://app.example.com/"} }, "an origin is"},
		"a fragment":            {func(c *magiclink.Challenge) { c.Origins = []string{"https://app.example.com#"} }, "an origin is"},
		"user info":             {func(c *magiclink.Challenge) { c.Origins = []string{"https://a@app.example.com"} }, "an origin is"},
		"capitals":              {func(c *magiclink.Challenge) { c.Origins = []string{"https://App.example.com"} }, "an origin is"},
		"a star":                {func(c *magiclink.Challenge) { c.Origins = []string{"https://*.example.com"} }, "an origin is"},
		"a script":              {func(c *magiclink.Challenge) { c.Origins = []string{"javascript:alert(1)"} }, "an origin is"},
		"a path with a query":   {func(c *magiclink.Challenge) { c.Path = "/x?y" }, "Path must begin"},
		"a path to elsewhere":   {func(c *magiclink.Challenge) { c.Path = "//evil.example" }, "Path must begin"},
		"a path without slash":  {func(c *magiclink.Challenge) { c.Path = "x" }, "Path must begin"},
		"a text of OTP's":       {func(c *magiclink.Challenge) { c.OTP.Text = keep }, "OTP.Text must be nil"},
		"what OTP would refuse": {func(c *magiclink.Challenge) { c.OTP.Medium = "POST" }, "Medium must be"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			tt.edit(&c)
			_, err := customauth.NewDefine(customauth.Options{
				Keys:    []customauth.Secret{customauth.Hide("a key of this test, 32 bytes long")},
				Steps:   []customauth.Step{{Name: "link", Challenge: c}},
				Senders: map[string]customauth.Sender{"EMAIL": customauth.SenderFunc(func(context.Context, customauth.Message) error { return nil })},
			})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func keep(_ context.Context, _ customauth.Request, m customauth.Message) (customauth.Message, error) {
	return m, nil
}

// FuzzIssue: whatever the app and an older release say, a link leads to an origin of
// the list, and its fragment gives back the code.
func FuzzIssue(f *testing.F) {
	f.Add("https://beta.example.com:8443", "1", "482913")
	f.Add("https://evil.example", "\x00", "a b-c")
	f.Add("", "99999999999999999999", "é%23&link=x")
	f.Fuzz(func(t *testing.T, origin, state, code string) {
		c := magiclink.Challenge{Origins: origins, OTP: customauth.OTP{Generator: func(context.Context, int) (string, error) { return code, nil }}}
		r := request(origin, state)
		is, err := c.Issue(context.Background(), r)
		if err != nil || is.Refused != "" {
			return
		}
		u := linkIn(t, is.Message.Text.Reveal())
		at := u.Scheme + "://" + u.Host
		if at != origins[0] && at != origins[1] || origin != "" && at != origin || u.Path != "/" || u.User != nil {
			t.Errorf("the link leads to %v", u)
		}
		if got := fragment(t, u)["code"]; len(got) != 1 || got[0] != code {
			t.Errorf("code %q, want %q", got, code)
		}
	})
}
