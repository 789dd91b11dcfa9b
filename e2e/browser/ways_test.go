package browser_test

// This file is about the ways to get a code: chosen, changed, behind a CAPTCHA, and by a
// link in an e-mail.

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

const adaMail = "ada@example.com"

// choose presses the button of a way, in the list that is shown.
func (p *page) choose(words string) {
	p.t.Helper()
	p.says(words)
	if !value[bool](p, `(() => { const b = [...document.querySelectorAll(".ways button")].find((b) => b.checkVisibility() && b.textContent === `+quote(words)+`); b?.click(); return Boolean(b) })()`) {
		p.t.Fatalf("no button %q", words)
	}
}

// silent fails the test if there is a note.
func (p *page) silent() {
	p.t.Helper()
	if note := value[string](p, `[...document.querySelectorAll("section:not([hidden]) .note")].map((n) => n.textContent).join("")`); note != "" {
		p.t.Errorf("the page says %q", note)
	}
}

// solve says to the stand-in for a CAPTCHA what one is.
func (p *page) solve(words string) {
	p.t.Helper()
	p.see("captcha")
	p.wait("the CAPTCHA", `document.querySelector("#captcha .captcha button") !== null`)
	value[bool](p, `([...document.querySelectorAll(".captcha button")].find((b) => b.textContent === `+quote(words)+`).click(), true)`)
}

// E-mail is chosen, then a text instead: changing the way costs no try.
func TestChangeTheWay(t *testing.T) {
	s := startSite(t, setup{ways: []string{"sms", "email", "voice"}, ask: true, config: map[string]any{"texts": false}})
	p, phone := open(t, s.url, desktop), newPhone()
	s.register(t, "Ada", phone)
	p.see("start")
	p.typeIn("#start-phone", phone+"\r")
	p.see("ways")
	p.choose("By e-mail")
	p.see("code")
	p.says("If this account has an e-mail address, a code is on its way to it.")
	p.silent()
	first := s.code(t, adaMail)
	p.keys(wrong(first))
	p.says("Tries left: 2")
	p.waitForResend()
	p.choose("By text")
	p.says("A text with a code is on its way to")
	p.says("A new code is on its way. The one before no longer works.")
	p.says("Tries left: 2")
	p.keys(first)
	p.says("Last try")
	p.waitForResend()
	p.choose("By a call")
	p.says("You are about to get a call with a code.")
	p.typeIn("#code-input", s.code(t, phone))
	p.see("account")
	if got := len(s.inbox.Messages("")); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
}

// Nothing is sent before the CAPTCHA, and a robot does not get past it.
func TestCaptcha(t *testing.T) {
	s := startSite(t, setup{captcha: true, ways: []string{"sms", "email"}, ask: true})
	p, phone := open(t, s.url, desktop), newPhone()
	s.register(t, "Ada", phone)
	p.see("start")
	p.typeIn("#start-phone", phone+"\r")
	p.see("captcha")
	p.says("One check first")
	p.shoot("captcha")
	p.solve("I am a robot")
	p.says("That did not work. Please try again.")
	p.shoot("captcha-refused")
	if n := len(s.inbox.Messages("")); n != 0 {
		t.Errorf("%d messages for a robot", n)
	}
	p.do(chromedp.Reload())
	p.solve("I am a person")
	p.see("ways")
	if n := len(s.inbox.Messages("")); n != 0 {
		t.Errorf("%d messages before the choice", n)
	}
	value[bool](p, `(history.back(), true)`)
	p.see("start")
	value[bool](p, `(history.forward(), true)`)
	p.see("ways")
	p.choose("By text")
	p.see("code")
	p.keys(s.code(t, phone))
	p.see("account")
}

// A CAPTCHA before a plain text, and a token that is lost on the way.
func TestCaptchaThenText(t *testing.T) {
	s := startSite(t, setup{captcha: true, otp: customauth.OTP{MaxSends: 1}})
	p, phone := open(t, s.url, desktop), newPhone()
	p.see("start")
	p.typeIn("#start-phone", phone+"\r")
	p.see("captcha")
	s.setDown(true)
	p.solve("I am a person")
	p.says("The server cannot be reached.")
	s.setDown(false)
	p.solve("I am a person")
	p.see("code")
	p.says("A text with a code is on its way to")
	p.silent()
	p.waitForResend()
	p.click("#code-resend") // this sign-in has none left: the next begins with a CAPTCHA
	p.solve("I am a person")
	p.see("code")
	p.keys(s.code(t, phone))
	p.see("account")
}

// A pool that asks for a CAPTCHA, and a page that was told of none.
func TestNoCaptcha(t *testing.T) {
	s := startSite(t, setup{captcha: true, config: map[string]any{"captcha": nil}})
	p := open(t, s.url, desktop)
	p.see("start")
	p.typeIn("#start-phone", newPhone()+"\r")
	p.see("captcha")
	p.says("This page is not set up correctly.")
}

// askForLink begins a sign-in by a link, and returns the link.
func askForLink(t *testing.T, s *site) (*page, string) {
	t.Helper()
	p, phone := open(t, s.url, desktop), newPhone()
	s.register(t, "Ada", phone)
	p.see("start")
	p.typeIn("#start-phone", phone+"\r")
	p.see("ways")
	p.choose("By a link in an e-mail")
	p.see("code")
	p.says("Open the link in this browser, or enter the code here.")
	return p, s.link(t, adaMail)
}

// follow presses the button of the page that a link led to. The tab that asked may take
// longer than a second to say that it goes on there: the machine may be busy.
func (p *page) follow() {
	p.t.Helper()
	p.see("link")
	value[bool](p, `(() => { const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms === 1000 ? 30_000 : ms); return true })()`)
	p.click("#link form button")
}

func TestLink(t *testing.T) {
	s := startSite(t, setup{ways: []string{"sms", "link"}, ask: true})
	t.Run("in the same tab", func(t *testing.T) {
		p, link := askForLink(t, s)
		value[bool](p, `(location.assign(`+quote(link)+`), true)`)
		p.see("link")
		p.says("Sign in here?")
		p.follow()
		p.see("account")
	})
	t.Run("in the same tab, after another site", func(t *testing.T) {
		p, link := askForLink(t, s)
		p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
		p.see("link")
		if got := value[string](p, `location.href`); strings.Contains(got, "#") {
			t.Error("the code stays in the address bar")
		}
		p.click("#link form button")
		p.see("account")
		p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link)) // a second time
		p.see("link")
		p.says("Your code")
		p.do(chromedp.Reload())
		p.see("account")
	})
	t.Run("in another tab", func(t *testing.T) {
		p, link := askForLink(t, s)
		before := s.called("RespondToAuthChallenge")
		other := p.another(link, desktop, false)
		other.see("link")
		other.says("Sign in here?")
		other.shoot("link-here")
		if n := s.called("RespondToAuthChallenge"); n != before {
			t.Error("something was sent before the click")
		}
		other.follow()
		p.see("account")
		other.says("Go on in the other tab")
		other.shoot("link-taken")
	})
	t.Run("in another tab, when the first is gone", func(t *testing.T) {
		p, link := askForLink(t, s)
		p.do(chromedp.Navigate("about:blank"))
		other := p.another(link, desktop, false)
		other.see("link")
		other.click("#link form button")
		other.see("account")
		other.says("Hello, Ada")
	})
	t.Run("in another tab, after a wrong code and a new link", func(t *testing.T) {
		p, link := askForLink(t, s)
		p.keys(wrong(s.code(t, adaMail)))
		p.says("Tries left: 2")
		p.resend()
		old := p.another(link, desktop, false)
		old.follow()
		p.says("Last try")
		next := p.another(s.link(t, adaMail), desktop, false)
		next.follow()
		p.see("account")
	})
	t.Run("in another browser", func(t *testing.T) {
		p, link := askForLink(t, s)
		other := p.another(link, desktop, true)
		other.see("link")
		other.says("Your code")
		other.shoot("link-elsewhere")
		code := value[string](other, `document.getElementById("link-code").textContent`)
		if code != s.code(t, adaMail) {
			t.Error("the other browser shows another code")
		}
		if value[bool](other, `document.querySelector("#link button").checkVisibility()`) {
			t.Error("the other browser can sign in")
		}
		p.keys(code)
		p.see("account")
	})
	t.Run("fetched by a scanner first", func(t *testing.T) {
		p, link := askForLink(t, s)
		before := len(s.since(0))
		res, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		scanner := p.another(link, desktop, true) // one that runs scripts, and presses what it finds
		scanner.see("link")
		value[bool](scanner, `(() => { for (const b of document.querySelectorAll("button")) if (b.checkVisibility()) b.click(); return true })()`)
		scanner.see("link")
		if diff := cmp.Diff([]string(nil), s.since(before)); diff != "" {
			t.Errorf("the pool was asked (-want +got):\n%s", diff)
		}
		other := p.another(link, desktop, false)
		other.follow()
		p.see("account")
	})
}

var changing = regexp.MustCompile(`\+1\D206\D555\D\d{4}|\d+:\d\d`)

// Whoever has no account sees what others see, whatever he chooses, and gets nothing.
func TestUnknownLooksAlike(t *testing.T) {
	for _, tt := range []struct {
		accounts   string
		captcha    bool
		first, say string // the way that is chosen first, and what the page then says
	}{
		{"closed", true, "By e-mail", "If this account has an e-mail address, a code"},
		{"separate", false, "By a link in an e-mail", "a link and a code are on their way"},
	} {
		t.Run(tt.accounts, func(t *testing.T) {
			code := func(context.Context, int) (string, error) { return "987654", nil } // none that is guessed below
			s := startSite(t, setup{otp: customauth.OTP{Generator: code}, captcha: tt.captcha, ways: []string{"sms", "email", "link", "voice"}, ask: true, config: map[string]any{"accounts": tt.accounts}})
			walk := func(phone string) (seen []string) {
				p := open(t, s.url, desktop)
				look := func(section string) {
					t.Helper()
					p.see(section)
					if section == "code" {
						p.waitForResend() // the countdown is there or not, by the second
					}
					said := value[string](p, `document.title + "\n" + document.querySelector("main .card").innerText.replace(/[\u2066\u2069]/g, "")`)
					seen = append(seen, changing.ReplaceAllString(said, "…"))
				}
				look("start")
				p.typeIn("#start-phone", phone+"\r")
				if tt.captcha {
					p.see("captcha")
					p.wait("the CAPTCHA", `document.querySelector("#captcha .captcha button") !== null`)
					look("captcha")
					p.solve("I am a person")
				}
				look("ways")
				p.choose(tt.first)
				p.says(tt.say)
				look("code")
				p.waitForResend()
				p.choose("By text")
				p.says("If there is an account for")
				p.keys("000000")
				p.says("Tries left: 2")
				look("code")
				p.keys("111111")
				p.says("Last try")
				p.keys("222222")
				p.says("Those were all tries")
				look("code")
				p.do(chromedp.Navigate("about:blank"))
				return seen
			}
			known := newPhone()
			s.register(t, "Ada", known)
			want := walk(known)
			if n := len(s.inbox.Messages("")); n != 2 {
				t.Errorf("%d messages to the user, want 2", n)
			}
			if diff := cmp.Diff(want, walk(newPhone())); diff != "" {
				t.Errorf("what an unknown user sees (-known +unknown):\n%s", diff)
			}
			if n := len(s.inbox.Messages("")); n != 2 {
				t.Errorf("%d messages to a stranger", n-2)
			}
		})
	}
}

// All states with a choice, in left-to-right and right-to-left languages, by day and by
// night, on screens wide and narrow; and the message is in the language of the page.
func TestWaysEverywhere(t *testing.T) {
	for _, l := range []look{
		{name: "desktop-en", width: 1280, height: 800},
		{name: "desktop-dark-de", width: 1280, height: 800, dark: true, language: "de"},
		{name: "phone-ar", width: 390, height: 844, language: "ar"},
	} {
		t.Run(l.name, func(t *testing.T) {
			var mu sync.Mutex
			var locales []string
			s := startSite(t, setup{
				captcha: true, ways: []string{"sms", "email", "link", "voice"}, ask: true, config: map[string]any{"texts": false},
				deliver: func(m customauth.Message) error {
					mu.Lock()
					defer mu.Unlock()
					locales = append(locales, m.Request.Locale)
					return nil
				},
			})
			language, _, _ := strings.Cut(l.language, "-")
			if language == "" {
				language = "en"
			}
			phone := newPhone()
			s.register(t, "Ada", phone)
			p := open(t, s.url, l)
			check := func(p *page, state, section string) {
				t.Helper()
				p.accessible(section)
				p.shoot("ways-" + l.name + "-" + state)
				if got := value[string](p, `document.querySelector("main .card").innerText`); strings.ContainsAny(got, "{}") || strings.Contains(got, "undefined") {
					t.Errorf("%s says:\n%s", state, got)
				}
				p.do(chromedp.EmulateViewport(320, 640)) // WCAG 2.2, 1.4.10: reflow
				if value[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s is wider than a narrow screen", state)
				}
				p.do(chromedp.EmulateViewport(l.width, l.height))
			}
			p.see("start")
			p.shoot("ways-" + l.name + "-1-start")
			p.typeIn("#start-phone", phone+"\r")
			p.see("captcha")
			p.solve("I am a robot")
			p.wait("the error", `document.querySelector("#captcha .error").textContent !== ""`)
			check(p, "2-captcha", "captcha")
			p.solve("I am a person")
			check(p, "3-ways", "ways")
			value[bool](p, `(document.querySelectorAll("#ways-list button")[2].click(), true)`)
			check(p, "4-code", "code")
			link := s.link(t, adaMail)
			here, elsewhere := p.another(link, l, false), p.another(link, l, true)
			check(here, "5-here", "link")
			check(elsewhere, "6-elsewhere", "link")
			here.follow()
			p.see("account")
			here.wait("the end", `!document.querySelector("#link form").checkVisibility()`)
			here.shoot("ways-" + l.name + "-7-taken")
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff([]string{language}, locales); diff != "" {
				t.Errorf("languages of the messages (-want +got):\n%s", diff)
			}
		})
	}
}

// The choice without a mouse.
func TestWaysByKeyboard(t *testing.T) {
	s := startSite(t, setup{captcha: true, ways: []string{"sms", "email"}, ask: true})
	p, phone := open(t, s.url, desktop), newPhone()
	s.register(t, "Ada", phone)
	p.see("start")
	tab := func(want string) {
		t.Helper()
		p.keys("\t")
		if got := p.focus(); got != want {
			t.Errorf("Tab goes to %q, want %q", got, want)
		}
		if !value[bool](p, `parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2`) {
			t.Errorf("%q does not show that it has the focus", want)
		}
	}
	p.typeIn("#start-phone", phone+"\r")
	p.see("captcha")
	p.wait("the CAPTCHA", `document.querySelector("#captcha .captcha button") !== null`)
	if got := p.focus(); got != "One check first" {
		t.Errorf("focus is on %q", got)
	}
	tab("I am a person")
	p.keys("\r")
	p.see("ways")
	if got := p.focus(); got != "How do you want to get your code?" {
		t.Errorf("focus is on %q", got)
	}
	tab("By text")
	tab("By e-mail")
	p.keys(" ")
	p.see("code")
	if got := p.focus(); got != "code-input" {
		t.Errorf("focus is on %q", got)
	}
	tab("Sign in")
	tab("code-resend")
	tab("By text")
	p.waitForResend()
	p.keys("\r")
	p.says("A text with a code is on its way")
	p.keys(s.code(t, phone))
	p.see("account")
}

// The session of a sign-in by a link ends while its e-mail is read: the link's tab begins
// again, and says so.
func TestLinkTooLate(t *testing.T) {
	s := startSite(t, setup{ways: []string{"link", "sms"}})
	p, phone := open(t, s.url, desktop), newPhone()
	s.register(t, "Ada", phone)
	p.see("start")
	p.signIn(phone)
	link := s.link(t, adaMail)
	p.do(chromedp.Navigate("about:blank"))
	other := p.another(link, desktop, false)
	other.see("link")
	time.Sleep(time.Second) // between two messages
	s.fail("NotAuthorizedException", "Invalid session for the user, session is expired.")
	other.click("#link form button")
	other.says("That took too long, so we began again: a new code is on its way.")
	other.keys(s.code(t, adaMail))
	other.see("account")
}
