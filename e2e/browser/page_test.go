package browser_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// The whole way, from a number that nobody knows to signing out.
func TestSignUpToSignOut(t *testing.T) {
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			s := startSite(t, setup{otp: customauth.OTP{ResendAfter: 2 * time.Second}})
			const phone = "+12065550100"
			p := open(t, s.url, l)
			p.see("start")
			p.shoot(l.name + "-1-start")
			p.typeIn("#start-phone", "(206) 555-0100")
			p.says("We will text +1 206-555-0100.")
			p.keys("\r")

			p.see("code")
			p.says("A text with a code is on its way to +1 206-555-0100.")
			p.says("Tries left: 3")
			p.says("Valid for 2:")
			if got := p.focus(); got != "code-input" {
				t.Errorf("focus is on %q", got)
			}
			p.shoot(l.name + "-2-code")

			first := s.code(t, phone)
			p.keys(wrong(first)) // sends itself
			p.says("That is not the code.")
			p.says("Tries left: 2")
			p.shoot(l.name + "-3-wrong-code")

			p.resend()
			p.says("Tries left: 2")
			p.shoot(l.name + "-4-resent")
			if n := len(s.inbox.Messages(phone)); n != 2 {
				t.Errorf("%d texts, want 2", n)
			}
			p.keys(s.code(t, phone))
			p.see("account")
			p.says("You are signed in.")
			p.says("+1 206-555-0100")
			p.shoot(l.name + "-5-account")
			p.click("summary")
			p.says(`"token_use": "id"`)

			p.do(chromedp.Reload())
			p.see("account")
			value[bool](p, `(history.back(), true)`)
			p.see("account") // back does not sign out

			p.click("#sign-out")
			p.see("start")
			p.says("You are signed out.")
			p.shoot(l.name + "-6-signed-out")
			if kept := value[[]string](p, `[...Object.values(localStorage), ...Object.values(sessionStorage)].filter((v) => v)`); len(kept) != 0 {
				t.Errorf("%d things are kept after signing out", len(kept))
			}
			if page := value[string](p, "document.documentElement.outerHTML"); strings.Contains(page, "eyJ") {
				t.Error("the page still has what was private")
			}
			p.do(chromedp.Reload())
			p.see("start")
		})
	}
}

// What the page says and does when something goes otherwise.
func TestWords(t *testing.T) {
	day := func(n int) []customauth.Window { return []customauth.Window{{Max: n, Per: 24 * time.Hour}} }
	for _, tt := range []struct {
		name  string
		setup setup
		do    func(t *testing.T, s *site, p *page, phone string)
	}{
		{"numbers that are none are not sent", setup{}, func(t *testing.T, s *site, p *page, _ string) {
			for _, typed := range []struct{ phone, words string }{
				{"x\b", "Please enter your phone number."}, // \b: the backspace key
				{"206 CALL ME", "digits only"},
				{"+1 206 555 010", "too short"},
				{"206 555", "too short"},
				{"+0 206 555 0100", "begin with + and its calling code"},
				{"+1 206 555 0100 0100 01", "too long"},
			} {
				p.typeIn("#start-phone", typed.phone+"\r")
				p.says(typed.words)
				if got := p.focus(); got != "start-phone" {
					t.Errorf("%q: focus is on %q", typed.phone, got)
				}
			}
			p.shoot("words-phone")
			if len(s.calls) != 0 {
				t.Errorf("the pool was asked: %v", s.calls)
			}
		}},
		{"numbers as people write them", setup{}, func(t *testing.T, _ *site, p *page, _ string) {
			for typed, want := range map[string]string{
				"(206) 555-0100":      "+1 206-555-0100",
				"206.555.0100":        "+1 206-555-0100",
				"1 206 555 0100":      "+1 206-555-0100",
				"011 43 664 1234567":  "+43 664 1234567",
				"tel:+1.206.555.0100": "+1 206-555-0100",
				"+44 (0)20 7946 0000": "+44 20 7946 0000",
			} {
				p.do(chromedp.Reload())
				p.see("start")
				p.typeIn("#start-phone", typed)
				p.says("We will text " + want)
			}
			p.typeIn("#start-phone", "+436641234567\t")
			p.wait("the country", `document.getElementById("start-country").value === "AT"`)
			p.wait("the number as Austrians write it", `document.getElementById("start-phone").value === "0664 1234567"`)
			p.shoot("words-national")
		}},
		{"the same code is never sent twice", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			code := wrong(s.code(t, phone))
			p.keys(code)
			p.says("That is not the code.")
			p.says("Tries left: 2")
			p.keys("\r")
			p.says("You entered this code before")
			p.do(chromedp.Reload())
			p.see("code")
			p.says("Tries left: 2")
			p.keys(code)
			p.keys("\r")
			p.says("You entered this code before")
			p.shoot("words-same-code")
			if n := s.called("RespondToAuthChallenge"); n != 1 {
				t.Errorf("%d answers were sent", n)
			}
			p.typeIn("#code-input", s.code(t, phone))
			p.see("account")
		}},
		{"no tries left", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			code := wrong(s.code(t, phone))
			p.keys(code)
			p.says("Tries left: 2")
			p.typeIn("#code-input", wrong(code))
			p.says("Last try")
			p.shoot("words-last-try")
			p.typeIn("#code-input", wrong(wrong(code)))
			p.says("Those were all tries for this code.")
			if value[bool](p, `document.querySelector("main .card").innerText.includes("account")`) {
				t.Error("the page speaks of accounts to somebody who has one")
			}
			p.shoot("words-no-tries")
			time.Sleep(time.Second) // between two texts
			p.click("#code-resend")
			p.says("Tries left: 3")
			p.keys(s.code(t, phone))
			p.see("account")
		}},
		{"expired", setup{otp: customauth.OTP{TTL: time.Second}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.says("Expired")
			p.keys(s.code(t, phone))
			p.says("This code has expired. Please ask for a new one.")
			p.shoot("words-expired")
			p.resend()
		}},
		{"a sign-in that ran out begins again", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			first := s.code(t, phone)
			time.Sleep(time.Second) // between two texts
			s.fail("NotAuthorizedException", "Invalid session for the user.")
			p.keys(first)
			p.says("That took too long, so we began again: a new code is on its way.")
			p.shoot("words-renewed")
			p.typeIn("#code-input", s.code(t, phone))
			p.see("account")
		}},
		{"too soon for a new code", setup{otp: customauth.OTP{ResendAfter: time.Minute}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.click("#code-resend")
			p.says("You can have a new code in ")
			if n := len(s.inbox.Messages(phone)); n != 1 {
				t.Errorf("%d texts", n)
			}
			p.typeIn("#code-input", s.code(t, phone))
			p.see("account")
		}},
		{"another window just had a code", setup{otp: customauth.OTP{ResendAfter: 3 * time.Second}}, func(t *testing.T, s *site, p *page, phone string) {
			s.register(t, "Ada", phone)
			s.signInBefore(t, phone)
			p.signIn(phone)
			p.says("A code was sent a moment ago, for a sign-in in another window.")
			p.says("No code yet")
			p.shoot("words-sent-recently")
			p.waitForResend()
			p.click("#code-resend")
			p.says("Enter the code")
			p.keys(s.code(t, phone))
			p.see("account")
		}},
		{"no codes left in this sign-in", setup{otp: customauth.OTP{MaxSends: 1, ResendAfter: 2 * time.Second}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			s.signInBefore(t, phone)
			p.click("#code-resend") // too soon for a sign-in, too: the code before stays good
			p.says("A code was sent a moment ago")
			p.says("Enter the code")
			p.shoot("words-none-left")
			texts := len(s.inbox.Messages(phone))
			time.Sleep(2 * time.Second)
			p.click("#code-resend")
			p.wait("the end of the note", `document.querySelector("#code .error").textContent === ""`)
			if n := len(s.inbox.Messages(phone)) - texts; n != 1 {
				t.Errorf("%d new codes came, want 1", n)
			}
			p.keys(s.code(t, phone))
			p.see("account")
		}},
		{"rate limited", setup{limits: customauth.Limits{Messages: day(1), Destination: day(1), Unproved: day(1), Guesses: day(100)}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.waitForResend()
			p.click("#code-resend")
			p.says("There were too many codes or tries. You can try again in 24 hours.")
			p.says("Enter the code") // the first one is still good
			p.shoot("words-rate-limited")
			p.keys(s.code(t, phone))
			p.see("account")
		}},
		{"a number that gets no texts", setup{deliver: func(customauth.Message) error { return errors.New("no such phone") }}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.says("The code could not be sent.")
			p.shoot("words-delivery-failed")
		}},
		{"nothing was sent", setup{deliver: func(customauth.Message) error { return customauth.ErrThrottled }}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.says("The code could not be sent.")
			p.says("No code was sent to")
			if value[bool](p, `document.getElementById("code-input").checkVisibility()`) {
				t.Error("no code was sent, and the page asks for it")
			}
			if got := p.focus(); got != "code-resend" {
				t.Errorf("focus is on %q", got)
			}
			if got := value[string](p, "document.title"); got != "No code yet · Example" {
				t.Errorf("the tab is named %q", got)
			}
			p.shoot("words-not-sent")
		}},
		{"back, forward and reload", setup{otp: customauth.OTP{ResendAfter: time.Minute}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.do(chromedp.Reload())
			p.see("code")
			p.says("A text with a code is on its way to")
			value[bool](p, `(history.back(), true)`)
			p.see("start")
			if got := value[string](p, `document.getElementById("start-phone").value`); !strings.Contains(got, "206") {
				t.Errorf("the field has %q", got)
			}
			value[bool](p, `(history.forward(), true)`)
			p.see("code")
			p.click("#code [data-go=start]")
			p.see("start")
			p.keys("\r") // the same number: its code is still good
			p.see("code")
			if n := s.called("InitiateAuth"); n != 1 {
				t.Errorf("%d sign-ins were begun", n)
			}
			p.keys(s.code(t, phone))
			p.see("account")
		}},
		{"a reload when the sign-in has run out", setup{config: map[string]any{"sessionMinutes": 0}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.do(chromedp.Reload())
			p.see("start")
			p.says("That took too long. Please continue to get a new code.")
		}},
		{"separate accounts: a number that nobody knows", setup{config: map[string]any{"accounts": "separate"}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.says("If there is an account for ")
			if n := len(s.inbox.Messages("")); n != 0 {
				t.Errorf("%d texts to a stranger", n)
			}
			p.shoot("words-unknown")
			p.click("#code-create button")
			p.see("start")
			p.says("Create an account")
			p.keys("\r")
			p.says("Please enter your name.")
			p.keys("Ada Example\r")
			p.see("code")
			p.keys(s.code(t, phone))
			p.see("account")
			p.says("Hello, Ada Example")
			p.click("#sign-out")
			p.see("start")
			p.click("#start-switch")
			p.shoot("words-separate-start")
		}},
		{"separate accounts: one that is there already", setup{config: map[string]any{"accounts": "separate"}}, func(t *testing.T, s *site, p *page, phone string) {
			s.register(t, "Ada", phone)
			p.click("#start-switch")
			p.typeIn("#start-name", "Somebody")
			p.signIn(phone)
			p.says("If there is an account for ") // as for a new one
			p.keys(s.code(t, phone))
			p.see("account")
			p.says("Hello, Ada")
		}},
		{"closed: who has no account asks for one", setup{config: map[string]any{"accounts": "closed", "contact": "mailto:it@example.com"}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.says("No account yet? Ask for one")
			if got := value[string](p, `document.querySelector("#code-contact a").href`); got != "mailto:it@example.com" {
				t.Errorf("the link goes to %q", got)
			}
			if n := s.called("SignUp"); n != 0 {
				t.Error("the page tried to make an account")
			}
			p.shoot("words-closed")
		}},
		{"no new accounts, but those that there are", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			s.register(t, "Ada", phone)
			s.failSignUp("UserLambdaValidationException", "PreSignUp failed with error only for friends.")
			p.typeIn("#start-phone", phone+"\r")
			p.says("You cannot sign up here: only for friends.")
			p.says("You have an account?")
			p.shoot("words-refused")
			p.click("#start-switch")
			p.see("code")
		}},
		{"ways", setup{ways: []string{"sms", "email"}}, func(t *testing.T, s *site, p *page, phone string) {
			s.register(t, "Ada", phone)
			p.signIn(phone)
			p.says("Another way to get it:")
			p.waitForResend()
			p.shoot("words-ways")
			p.click("#code-ways-list button")
			p.says("If this account has an e-mail address, a code is on its way to it.")
			p.keys(s.code(t, "ada@example.com"))
			p.see("account")
		}},
		{"ways, asked first", setup{ways: []string{"sms", "email"}, ask: true}, func(t *testing.T, s *site, p *page, phone string) {
			s.register(t, "Ada", phone)
			p.typeIn("#start-phone", phone+"\r")
			p.see("ways")
			p.says("How do you want to get your code?")
			p.shoot("words-ask")
			if n := len(s.inbox.Messages("")); n != 0 {
				t.Errorf("%d messages before the choice", n)
			}
			p.do(chromedp.Reload())
			p.see("ways")
			p.click("#ways-list button:last-child")
			p.see("code")
			p.says("If this account has an e-mail address, a code is on its way to it.")
			p.keys(s.code(t, "ada@example.com"))
			p.see("account")
		}},
		{"ten digits", setup{otp: customauth.OTP{Generator: customauth.Digits(10)}}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			code := s.code(t, phone)
			p.keys(code[:9] + "\r")
			p.says("The code is longer: it has 10 characters.")
			p.shoot("words-ten-digits")
			p.keys(code[9:])
			p.see("account")
		}},
		{"a name that looks like HTML", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			const name = `<img src=x onerror=alert(1)> & "Ada"`
			s.register(t, name, phone)
			p.signIn(phone)
			p.keys(s.code(t, phone))
			p.see("account")
			if got := value[string](p, `document.getElementById("account-hello").textContent`); got != "Hello, "+name {
				t.Errorf("the heading is %q", got)
			}
			if n := value[int](p, `document.querySelectorAll("main img").length`); n != 0 {
				t.Error("the name became an element")
			}
		}},
		{"signed out everywhere, on another device", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.keys(s.code(t, phone))
			p.see("account")
			s.fail("NotAuthorizedException", "Refresh Token has been revoked")
			p.do(chromedp.Reload())
			p.see("start")
			p.says("You have been signed out. Please sign in again.")
		}},
		{"signed out everywhere", setup{}, func(t *testing.T, s *site, p *page, phone string) {
			p.signIn(phone)
			p.keys(s.code(t, phone))
			p.see("account")
			p.click("#sign-out-everywhere")
			p.see("start")
			p.says("You are signed out on every device.")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startSite(t, tt.setup)
			p := open(t, s.url, desktop)
			p.see("start")
			tt.do(t, s, p, newPhone())
		})
	}
}

// What the page says for each error of the service.
func TestServiceErrors(t *testing.T) {
	s := startSite(t, setup{})
	p := open(t, s.url, desktop)
	for _, tt := range []struct {
		moment        string // sign-up, sign-in or code: when the service says so
		name, message string
		words         string
		section       string // where the person is then
	}{
		{"sign-in", "NotAuthorizedException", "User is disabled.", "This account is disabled.", "start"},
		{"sign-in", "NotAuthorizedException", "Unable to verify secret hash for client abc", "not set up correctly", "start"},
		{"sign-in", "UserNotFoundException", "User does not exist.", "no account with this number yet", "start"},
		{"sign-in", "TooManyRequestsException", "Rate exceeded", "Too many people are signing in", "start"},
		{"sign-in", "ResourceNotFoundException", "User pool client abc does not exist.", "ResourceNotFoundException: User pool client", "start"},
		{"sign-in", "UserLambdaValidationException", "CreateAuthChallenge failed with error store.", "went wrong on our side", "start"},
		{"sign-in", "", "", "went wrong on our side", "start"},
		{"sign-up", "InvalidParameterException", "Invalid phone number format.", "This number is not accepted here.", "start"},
		{"sign-up", "NotAuthorizedException", "SignUp is not permitted for this user pool", "A text with a code", "code"}, // signs in
		{"code", "NotAuthorizedException", "Incorrect username or password.", "Those were all tries", "code"},
		{"code", "TooManyRequestsException", "Rate exceeded", "Too many people are signing in", "code"},
		{"code", "UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error x.", "went wrong on our side", "code"},
		{"code", "", "", "went wrong on our side", "code"},
	} {
		t.Run(tt.moment+" "+tt.name+" "+tt.message, func(t *testing.T) {
			p, phone := p.in(t), newPhone()
			s.register(t, "Ada", phone)
			p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url))
			p.see("start")
			switch tt.moment {
			case "sign-up":
				s.failSignUp(tt.name, tt.message)
				p.typeIn("#start-phone", phone+"\r")
			case "sign-in":
				s.fail(tt.name, tt.message)
				p.typeIn("#start-phone", phone+"\r")
			default:
				p.signIn(phone)
				s.fail(tt.name, tt.message)
				p.keys("123456")
			}
			p.says(tt.words)
			p.see(tt.section)
		})
	}
}

// The server is gone: nothing is lost, and the same code can be sent again.
func TestUnreachable(t *testing.T) {
	s := startSite(t, setup{})
	p, phone := open(t, s.url, desktop), newPhone()
	p.see("start")
	p.signIn(phone)
	s.setDown(true)
	code := s.code(t, phone)
	p.keys(code)
	p.says("The server cannot be reached.")
	p.see("code")
	s.setDown(false)
	p.keys("\r")
	p.see("account")
}

// Ways to put a code in, other than typing its digits one by one.
func TestEnterCode(t *testing.T) {
	s := startSite(t, setup{})
	for _, tt := range []struct {
		name  string
		enter func(p *page, code string)
	}{
		{"pasted", func(p *page, code string) { p.paste(code) }},
		{"pasted with a space", func(p *page, code string) { p.paste(" " + code[:3] + " " + code[3:] + "\n") }},
		{"pasted with a dash", func(p *page, code string) { p.paste(code[:3] + "-" + code[3:]) }},
		{"pasted as the whole text", func(p *page, code string) { p.paste("Valid for 3 minutes: " + code + " is your code.") }},
		{"pasted in full-width digits", func(p *page, code string) {
			p.paste(strings.Map(func(r rune) rune { return r - '0' + '０' }, code))
		}},
		{"typed with a space", func(p *page, code string) { p.keys(code[:3] + " " + code[3:]) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, phone := open(t, s.url, desktop), newPhone()
			p.see("start")
			p.signIn(phone)
			tt.enter(p, s.code(t, phone))
			p.see("account")
		})
	}
}

// Browsers that can read the code out of the text do so (WebOTP). Chromium can on
// phones alone, so that here a stand-in does.
func TestWebOTP(t *testing.T) {
	s := startSite(t, setup{})
	p, phone := open(t, s.url, desktop), newPhone()
	p.see("start")
	value[bool](p, `(() => {
		window.OTPCredential = class {};
		navigator.credentials.get = (options) => {
			window.asked = options;
			return new Promise((resolve, reject) => {
				window.textArrives = (code) => { resolve({ code }); return true };
				options.signal.onabort = reject;
			});
		};
		return true;
	})()`)
	p.signIn(phone)
	if got := value[string](p, `JSON.stringify(window.asked.otp)`); got != `{"transport":["sms"]}` {
		t.Errorf("asked for %s", got)
	}
	value[bool](p, fmt.Sprintf(`window.textArrives(%q)`, s.code(t, phone)))
	p.see("account")
	if !value[bool](p, `window.asked.signal.aborted`) {
		t.Error("the page goes on waiting for a text")
	}
}

// The whole way without a mouse: every control is reached with Tab, in the order in
// which it is read, and what has the focus is seen.
func TestKeyboardOnly(t *testing.T) {
	s := startSite(t, setup{})
	p, phone := open(t, s.url, desktop), newPhone()
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
	tab("language")
	tab("start-country")
	tab("start-phone")
	tab("Continue")
	tab("terms of use")
	tab("privacy policy")
	value[bool](p, `(document.getElementById("start-phone").focus(), true)`)
	p.keys(phone + "\r")
	p.see("code")
	p.keys(wrong(s.code(t, phone)))
	p.says("That is not the code.")
	tab("Sign in")
	tab("code-resend")
	p.waitForResend()
	p.keys(" ")
	p.says("A new code is on its way.")
	if got := p.focus(); got != "code-input" {
		t.Fatalf("focus is on %q", got)
	}
	p.keys(s.code(t, phone))
	p.see("account")
	if got := p.focus(); got != "account-hello" {
		t.Errorf("focus is on %q", got)
	}
	tab("ID token")
	tab("sign-out")
	p.keys("\r")
	p.see("start")
}

// What phones, browsers and password managers are told about the fields.
func TestFields(t *testing.T) {
	s := startSite(t, setup{})
	p := open(t, s.url, handset)
	p.see("start")
	for id, want := range map[string]string{
		"start-name":    "name next  ",
		"start-country": "country   ",
		"start-phone":   "tel send  ltr",
		"code-input":    "one-time-code done numeric ltr", // and no field for a password anywhere
	} {
		got := value[string](p, fmt.Sprintf(`["autocomplete", "enterkeyhint", "inputmode", "dir"].map((a) => document.getElementById(%q).getAttribute(a) ?? "").join(" ")`, id))
		if got != want {
			t.Errorf("%s has %q, want %q", id, got, want)
		}
	}
	if n := value[int](p, `document.querySelectorAll("input[type=password]").length`); n != 0 {
		t.Errorf("%d fields for a password", n)
	}
}

// shape is an expression for the names of a language's texts, with their values.
const shape = `import("/words-%s.js").then(({ words }) => JSON.stringify(Object.entries(words).map(([name, text]) => [name, ...(text.match(/\{\w+\}/g) ?? []).sort()])))`

// Every language, as the browser asks for it, and switched in the middle.
func TestLanguages(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(webDir, "words-*.js"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d languages: %v", len(files), err)
	}
	s := startSite(t, setup{})
	p := open(t, s.url, handset)
	p.see("start")
	english := value[string](p, fmt.Sprintf(shape, "en"))
	for _, file := range files {
		language := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "words-"), ".js")
		t.Run(language, func(t *testing.T) {
			p, phone := p.in(t), newPhone()
			got := value[string](p, fmt.Sprintf(shape, language))
			if diff := cmp.Diff(english, got); diff != "" {
				t.Errorf("other names or values than in English (-want +got):\n%s", diff)
			}
			p.speak(language)
			p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url))
			p.see("start")
			direction := "ltr"
			if language == "ar" || language == "he" {
				direction = "rtl"
			}
			if got := value[string](p, `document.documentElement.lang + " " + document.documentElement.dir + " " + getComputedStyle(document.querySelector("h1")).direction`); got != language+" "+direction+" "+direction {
				t.Errorf("the page is in %q", got)
			}
			p.shoot("language-" + language + "-1-start")
			p.typeIn("#start-phone", phone+"\r")
			p.see("code")
			p.keys(wrong(s.code(t, phone)))
			p.wait("the error", `document.getElementById("code-input").getAttribute("aria-invalid") === "true"`)
			p.shoot("language-" + language + "-2-code")
			if value[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
				t.Error("the page is wider than the screen")
			}
			if got := value[string](p, `document.querySelector("main .card").innerText`); strings.ContainsAny(got, "{}") || strings.Contains(got, "e_") || strings.Contains(got, "undefined") {
				t.Errorf("the page says:\n%s", got)
			}
			if language != "de" {
				p.switchTo("de")
				p.says("Das ist nicht der Code.")
				p.says("Versuche übrig: 2")
				p.do(chromedp.Reload())
				p.see("code")
				p.says("Das ist nicht der Code.")
				value[bool](p, `(localStorage.clear(), sessionStorage.clear(), true)`)
			}
		})
	}
}

// What a screen reader hears, what a person sees who does not see well, and what a
// finger meets.
func TestAccessible(t *testing.T) {
	for _, l := range append(slices.Clone(looks),
		look{name: "narrow", width: 320, height: 640}, // WCAG 2.2, 1.4.10: reflow
		look{name: "rtl", width: 390, height: 844, language: "ar"},
	) {
		t.Run(l.name, func(t *testing.T) {
			s := startSite(t, setup{ways: []string{"sms", "email"}})
			phone := newPhone()
			s.register(t, "Ada-Augusta-Wilhelmina-with-a-very-long-name-that-has-no-space-in-it Example", phone)
			p := open(t, s.url, l)
			check := p.accessible
			check("start")
			p.typeIn("#start-phone", "1\r")
			check("start")
			p.typeIn("#start-phone", phone+"\r")
			check("code")
			p.keys(wrong(s.code(t, phone)))
			p.wait("the error", `document.getElementById("code-input").getAttribute("aria-invalid") === "true"`)
			check("code")
			p.keys(s.code(t, phone))
			check("account")
			p.click("summary")
			check("account")
			p.click("#sign-out")
			check("start")
		})
	}
}

// accessible waits for a section, and reports what is wrong with it for a screen reader,
// a finger or a narrow screen.
func (p *page) accessible(section string) {
	p.t.Helper()
	p.see(section)
	if !value[bool](p, `"axe" in window`) {
		value[bool](p, axe(p.t)+`; true`)
	}
	if diff := cmp.Diff([]string{}, value[[]string](p, violations)); diff != "" {
		p.t.Errorf("%s: axe (-want +got):\n%s", section, diff)
	}
	if diff := cmp.Diff([]string{}, value[[]string](p, smallTargets)); diff != "" {
		p.t.Errorf("%s: less than 44 pixels high (-want +got):\n%s", section, diff)
	}
	if value[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
		p.t.Errorf("%s is wider than the screen", section)
	}
	if n := value[int](p, `[...document.querySelectorAll("h1")].filter((h) => h.checkVisibility()).length`); n != 1 {
		p.t.Errorf("%s has %d main headings", section, n)
	}
}

// violations lists what axe-core finds wrong.
const violations = `axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target).join(", ")))`

// axe is axe-core.
func axe(t *testing.T) string {
	t.Helper()
	if why := installAxe(); why != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// installAxe runs npm ci once, if what it installs is missing. It returns why that
// cannot be done.
var installAxe = sync.OnceValue(func() string {
	if _, err := os.Stat("node_modules/axe-core/axe.min.js"); err == nil {
		return ""
	}
	out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error").CombinedOutput()
	if err != nil {
		return "axe cannot be installed: npm ci: " + err.Error() + "\n" + string(out)
	}
	return ""
})

// smallTargets lists what can be pressed and is less than 44 pixels high.
const smallTargets = `[...document.querySelectorAll("a, button, input, select, summary")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)
	.map((e) => (e.id || e.textContent) + ": " + e.getBoundingClientRect().height)`

// A page that was told no pool says so.
func TestNoPool(t *testing.T) {
	s := startSite(t, setup{config: map[string]any{"clientId": "", "anyPool": true}})
	p := open(t, s.url, desktop)
	for _, query := range []string{"", "?region=eu-west-1", "?clientId=abc", "?region=evil.example%2F&clientId=abc", "?region=eu-west-1&clientId=a/b"} {
		p.do(chromedp.Navigate(s.url + query))
		p.see("setup")
		p.says("Which user pool?")
	}
}
