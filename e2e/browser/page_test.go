package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// fast are arguments for tests that do not want to wait between two codes.
var fast = []string{"-resend-after", "1ms"}

// The whole way, from registration to sign-out.
func TestSignUpToSignOut(t *testing.T) {
	for _, l := range []look{desktop, handset, night} {
		t.Run(l.name, func(t *testing.T) {
			needChromium(t)
			program := startProgram(t, "-resend-after", "2s")
			const phone = "+12065550100"
			p := open(t, program.url, l)
			p.see("sign-in")
			p.shoot(l.name + "-1-sign-in")

			p.click(`a[href="#register"]`)
			p.see("register")
			p.typeIn("#register-name", "Ada Example")
			p.typeIn("#register-phone", "+1 (206) 555-0100")
			p.says("We will use " + phone)
			p.shoot(l.name + "-2-register")
			p.click("#register .primary")

			p.see("code")
			p.says("Your account is made, and a text with a code is on its way to " + phone)
			p.says("3 tries left")
			p.says("valid for 2:")
			p.wait("the text on the phone", `document.querySelector("#phone-texts li .text")?.textContent.includes("is your code") ?? false`)
			if got := p.focus(); got != "code-input" {
				t.Errorf("focus is on %q", got)
			}
			p.shoot(l.name + "-3-code")

			first := program.code(t, phone)
			p.keys(wrong(first)) // sends itself
			p.says("That is not the code.")
			p.says("2 tries left")
			p.shoot(l.name + "-4-wrong-code")

			p.resend()
			p.says("2 tries left")
			p.wait("the second text on the phone", `document.querySelectorAll("#phone-texts li").length === 2`)
			p.shoot(l.name + "-5-resent")

			second := program.code(t, phone)
			if first == second {
				t.Error("the new code is the old one")
			}
			p.click("#phone-texts li:last-child .fill")
			p.see("account")
			p.says("Hello, Ada Example")
			p.says(phone)
			p.shoot(l.name + "-6-account")

			p.click("summary")
			p.says(`"token_use": "id"`)
			p.shoot(l.name + "-7-token")
			p.click("#renew")
			p.says("New tokens, without a new sign-in.")

			p.do(chromedp.Reload())
			p.see("account")
			p.says("Hello, Ada Example")

			p.click("#sign-out")
			p.see("sign-in")
			p.says("You are signed out.")
			p.shoot(l.name + "-8-signed-out")
			if kept := value[int](p, "localStorage.length"); kept != 0 {
				t.Errorf("%d things are kept after signing out", kept)
			}
			if page := value[string](p, "document.documentElement.outerHTML"); strings.Contains(page, "eyJ") || strings.Contains(page, "Hello, Ada") {
				t.Error("the page still has what was private")
			}
			p.do(chromedp.Reload())
			p.see("sign-in")
		})
	}
}

// What the page says when something goes wrong.
func TestWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string // of a program of its own
		do   func(t *testing.T, program *program, p *page, phone string)
	}{
		{"phone numbers that are none", nil, func(t *testing.T, _ *program, p *page, _ string) {
			for _, typed := range []struct{ phone, words string }{
				{"x\b", "Please enter your phone number."}, // \b: the backspace key
				{"206 555 0100", "start with a plus and the country code"},
				{"+0 206 555 0100", "start with a plus and the country code"},
				{"+1 206 CALL ME", "only digits after the plus"},
				{"+1 206", "too short"},
				{"+1 206 555 0100 0100 01", "too long"},
			} {
				p.typeIn("#sign-in-phone", typed.phone+"\r")
				p.says(typed.words)
				if got := p.focus(); got != "sign-in-phone" {
					t.Errorf("%q: focus is on %q", typed.phone, got)
				}
			}
			p.shoot("words-phone")
		}},
		{"phone numbers as people write them", nil, func(t *testing.T, _ *program, p *page, _ string) {
			for typed, want := range map[string]string{
				"+1 (206) 555-0100":   "+12065550100",
				"001 206 555 0100":    "+12065550100",
				"tel:+1.206.555.0100": "+12065550100",
				"+44 (0)20 7946 0000": "+442079460000",
				"+39 06 1234 5678":    "+390612345678",
			} {
				p.typeIn("#sign-in-phone", typed)
				p.says("We will use " + want)
			}
			for typed, want := range map[string]string{
				"\u202a+1\u00a0206\u2011555\u20110100\u202c": "+12065550100", // from an address book
				"＋１２０６５５５０１００":                               "+12065550100",
				"+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧":                           "+966501234567",
			} {
				p.typeIn("#sign-in-phone", "x")
				value[bool](p, `(() => { document.activeElement.select(); return true })()`)
				p.paste(typed)
				p.says("We will use " + want)
			}
		}},
		{"unknown user", nil, func(t *testing.T, program *program, p *page, phone string) {
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code") // as for a known one
			p.says("If there is an account for " + phone)
			if codes := program.codes(t, phone); len(codes) != 0 {
				t.Errorf("%d texts to a stranger", len(codes))
			}
			for _, code := range []string{"123456", "234567", "345678"} {
				p.see("code")
				p.keys(code)
				if code != "345678" {
					p.says("That is not the code.")
				}
			}
			p.see("sign-in")
			p.says("Signing in did not work.")
			p.says("create an account")
			p.shoot("words-unknown-user")
		}},
		{"no tries left", nil, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			code := wrong(program.code(t, phone))
			p.keys(code)
			p.says("2 tries left")
			p.keys(wrong(code))
			p.says("Last try")
			p.shoot("words-last-try")
			p.keys(code)
			p.see("sign-in")
			p.says("Signing in did not work.")
			if got := value[string](p, `document.getElementById("sign-in-phone").value`); got != phone {
				t.Errorf("the field has %q", got)
			}
		}},
		{"expired", []string{"-ttl", "1s", "-resend-after", "1ms"}, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.says("the code has expired")
			p.keys(program.code(t, phone))
			p.says("This code has expired. Please ask for a new one.")
			p.shoot("words-expired")
			p.resend()
			p.keys(program.code(t, phone))
			p.see("account")
		}},
		{"too soon for a new code", []string{"-resend-after", "1m"}, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			p.click("#code-resend")
			p.says("You can ask for a new code in")
			if codes := program.codes(t, phone); len(codes) != 1 {
				t.Errorf("%d texts", len(codes))
			}
		}},
		{"rate limited", fast, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			for range 40 { // more than the 20 that are allowed: some come too soon to be counted
				program.begin(t, phone)
			}
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			p.says("There were too many tries. Please wait")
			p.says("No code was sent")
			p.says("minutes")
			p.shoot("words-rate-limited")
		}},
		{"a number that gets no texts", fast, func(t *testing.T, program *program, p *page, _ string) {
			program.register(t, "Ada", "+12065550199")
			p.typeIn("#sign-in-phone", "+12065550199\r")
			p.see("code")
			p.says("The text could not be sent.")
			p.says("No code was sent to +12065550199.")
			if value[bool](p, `document.getElementById("code-input").checkVisibility()`) {
				t.Error("no code was sent, and the page asks for it")
			}
			if got := p.focus(); got != "code-resend" {
				t.Errorf("focus is on %q", got)
			}
			if got := value[string](p, "document.title"); got != "No code yet · customauth" {
				t.Errorf("the tab is named %q", got)
			}
			p.shoot("words-delivery-failed")
		}},
		{"there is an account already", nil, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.click(`a[href="#register"]`)
			p.typeIn("#register-name", "Ada")
			p.typeIn("#register-phone", phone+"\r")
			p.see("sign-in")
			p.says("There is already an account with this phone number.")
			p.shoot("words-account-exists")
			p.keys("\r") // the focus is on the button, the number is there
			p.see("code")
		}},
		{"a name is missing", nil, func(t *testing.T, _ *program, p *page, phone string) {
			p.click(`a[href="#register"]`)
			p.typeIn("#register-phone", phone+"\r")
			p.says("Please enter your name.")
			if got := p.focus(); got != "register-name" {
				t.Errorf("focus is on %q", got)
			}
		}},
		{"a name that looks like HTML", nil, func(t *testing.T, program *program, p *page, phone string) {
			const name = `<img src=x onerror=alert(1)> & "Ada"`
			program.register(t, name, phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			p.keys(program.code(t, phone))
			p.see("account")
			if got := value[string](p, `document.getElementById("account-hello").textContent`); got != "Hello, "+name {
				t.Errorf("the heading is %q", got)
			}
			if n := value[int](p, `document.querySelectorAll("main img").length`); n != 0 {
				t.Error("the name became an element")
			}
		}},
		{"signed out on another device", nil, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			p.keys(program.code(t, phone))
			p.see("account")
			token := value[string](p, `Object.values(localStorage)[0]`)
			program.call(t, "RevokeToken", map[string]any{"Token": token})
			p.do(chromedp.Reload())
			p.see("sign-in")
			p.says("You have been signed out. Please sign in again.")
		}},
		{"signed out everywhere", nil, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			p.keys(program.code(t, phone))
			p.see("account")
			p.click("#sign-out-everywhere")
			p.see("sign-in")
			p.says("You are signed out on every device.")
		}},
		{"the server is gone", fast, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			code := program.code(t, phone)
			program.stop()
			p.keys(code)
			p.says("The server cannot be reached.")
			p.see("code") // nothing is lost: the code can be sent again
			if got := value[string](p, `document.getElementById("code-input").value`); got != code {
				t.Errorf("the field has %q", got)
			}
			p.shoot("words-unreachable")
			value[bool](p, `(() => { document.querySelector("#code .error").replaceChildren(); return true })()`)
			p.waitForResend()
			p.click("#code-resend")
			p.says("The server cannot be reached.")
			if value[bool](p, `document.body.innerText.includes("A new code is on its way")`) {
				t.Error("the page says that a code was sent")
			}
		}},
		{"going elsewhere during an answer", nil, func(t *testing.T, program *program, p *page, phone string) {
			program.register(t, "Ada", phone)
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			value[bool](p, `(() => {
				const real = window.fetch;
				window.fetch = async (...request) => { const response = await real(...request); await new Promise((go) => { window.go = go }); return response };
				return true;
			})()`)
			p.keys(wrong(program.code(t, phone)))
			p.wait("the answer", `typeof window.go === "function"`)
			p.click("#code-back")
			p.see("sign-in")
			value[bool](p, `(() => { window.go(); return true })()`)
			p.wait("the end of it", `!document.getElementById("code").hasAttribute("aria-busy")`)
			p.see("sign-in")
			if value[bool](p, `document.querySelector("main .card").innerText.includes("not the code")`) {
				t.Error("the page speaks of a sign-in that was given up")
			}
		}},
		{"another number", nil, func(t *testing.T, _ *program, p *page, phone string) {
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			p.click("#code-back")
			p.see("sign-in")
			if got := p.focus(); got != "sign-in-phone" {
				t.Errorf("focus is on %q", got)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			needChromium(t)
			program := sharedProgram(t)
			if tt.args != nil {
				program = startProgram(t, tt.args...)
			}
			p := open(t, program.url, desktop)
			p.see("sign-in")
			tt.do(t, program, p, newPhone())
		})
	}
}

// What the page says for each error of the service. The browser's fetch is
// replaced by one that answers with it.
func TestServiceErrors(t *testing.T) {
	needChromium(t)
	const startAgain = "Please start again."
	program := sharedProgram(t)
	p := open(t, program.url, desktop)
	for _, tt := range []struct {
		moment        string // the section from which the request is sent
		name, message string
		words         string
		section       string // where the person is then
	}{
		{"sign-in", "UserNotFoundException", "User does not exist.", "There is no account with this phone number.", "sign-in"},
		{"sign-in", "NotAuthorizedException", "User is disabled.", "This account is disabled.", "sign-in"},
		{"sign-in", "NotAuthorizedException", "Unable to verify secret hash for client abc", "has a secret, which a web page cannot keep", "sign-in"},
		{"sign-in", "UserNotConfirmedException", "User is not confirmed.", "not confirmed yet", "sign-in"},
		{"sign-in", "TooManyRequestsException", "Rate exceeded", "There were too many requests.", "sign-in"},
		{"sign-in", "ResourceNotFoundException", "User pool client abc does not exist.", "an app client that does not exist", "sign-in"},
		{"sign-in", "InvalidParameterException", "Custom auth lambda trigger is not configured.", "InvalidParameterException: Custom auth", "sign-in"},
		{"sign-in", "UserLambdaValidationException", "CreateAuthChallenge failed with error store.", "Something went wrong on our side.", "sign-in"},
		{"sign-in", "UnexpectedLambdaException", "", "Something went wrong on our side.", "sign-in"},
		{"sign-in", "InternalErrorException", "", "Something went wrong on our side.", "sign-in"},
		{"sign-in", "com.amazonaws#PasswordResetRequiredException", "", "must be reset by whoever runs the service", "sign-in"},
		{"sign-in", "", "", "an answer that this page does not understand", "sign-in"},
		{"register", "UserLambdaValidationException", "PreSignUp failed with error only for friends.", "You cannot sign up here: only for friends.", "register"},
		{"register", "NotAuthorizedException", "SignUp is not permitted for this user pool", "does not take new accounts", "register"},
		{"register", "InvalidPasswordException", "Password did not conform with policy", "the password that this page made up", "register"},
		{"register", "InvalidParameterException", "Invalid phone number format.", "did not accept what was entered", "register"},
		{"code", "NotAuthorizedException", "Invalid session for the user.", "took too long, or was continued somewhere else. " + startAgain, "sign-in"},
		{"code", "NotAuthorizedException", "Invalid session for the user, session can only be used once.", "took too long, or was continued somewhere else. " + startAgain, "sign-in"},
		{"code", "NotAuthorizedException", "Incorrect username or password.", "Signing in did not work.", "sign-in"},
		{"code", "CodeMismatchException", "Invalid session for the user.", startAgain, "sign-in"},
		{"code", "ExpiredCodeException", "", "This sign-in took too long.", "sign-in"},
		{"code", "TooManyRequestsException", "Rate exceeded", "There were too many requests.", "code"},
		{"code", "UserLambdaValidationException", "VerifyAuthChallengeResponse failed with error x.", "Something went wrong on our side.", "sign-in"},
		{"code", "", "", "an answer that this page does not understand", "code"},
	} {
		t.Run(tt.moment+" "+tt.name+" "+tt.message, func(t *testing.T) {
			p, phone := p.in(t), newPhone()
			p.do(chromedp.Navigate(program.url))
			p.see("sign-in")
			if tt.moment == "register" {
				p.click(`a[href="#register"]`)
				p.see("register")
				p.typeIn("#register-name", "Ada")
				p.typeIn("#register-phone", phone)
			} else {
				p.typeIn("#sign-in-phone", phone)
			}
			if tt.moment == "code" {
				p.keys("\r")
				p.see("code")
			}
			body := fmt.Sprintf(`{"__type":%q,"message":%q}`, tt.name, tt.message)
			if tt.name == "" {
				body = "<html>not what was asked for</html>"
			}
			value[bool](p, fmt.Sprintf(`(() => { window.fetch = async () => new Response(%s, { status: 400 }); return true })()`, quote(body)))
			if tt.moment == "code" {
				p.keys("123456")
			} else {
				p.keys("\r")
			}
			p.says(tt.words)
			p.see(tt.section)
		})
	}
}

// Ways to put a code in, other than typing its digits one by one.
func TestEnterCode(t *testing.T) {
	needChromium(t)
	program, phone := sharedProgram(t), newPhone()
	program.register(t, "Ada", phone)
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
		{"with a button", func(p *page, code string) {
			p.keys(wrong(code))
			p.says("That is not the code.")
			p.keys(code[:5])
			p.keys(code[5:])
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, program.url, desktop)
			p.see("sign-in")
			p.typeIn("#sign-in-phone", phone+"\r")
			p.see("code")
			tt.enter(p, program.code(t, phone))
			p.see("account")
		})
	}
}

// Browsers that can read the code out of the text do so (WebOTP). Chromium can
// on phones alone, so that here a stand-in does.
func TestWebOTP(t *testing.T) {
	needChromium(t)
	program, phone := sharedProgram(t), newPhone()
	program.register(t, "Ada", phone)
	p := open(t, program.url, desktop)
	p.see("sign-in")
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
	p.typeIn("#sign-in-phone", phone+"\r")
	p.see("code")
	if got := value[string](p, `JSON.stringify(window.asked.otp)`); got != `{"transport":["sms"]}` {
		t.Errorf("asked for %s", got)
	}
	value[bool](p, fmt.Sprintf(`window.textArrives(%q)`, program.code(t, phone)))
	p.see("account")
	if !value[bool](p, `window.asked.signal.aborted`) {
		t.Error("the page goes on waiting for a text")
	}
}

// The whole way without a mouse: every control is reached with Tab, in the
// order in which it is read, and what has the focus is seen.
func TestKeyboardOnly(t *testing.T) {
	needChromium(t)
	const phone = "+12065550100"
	program := startProgram(t, "-resend-after", "1s")
	p := open(t, program.url, desktop)
	p.see("sign-in")

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
	tab("sign-in-phone")
	tab("Text me a code")
	tab("Create an account")
	p.keys("\r")
	p.see("register")
	if got := p.focus(); got != "register-name" {
		t.Fatalf("focus is on %q", got)
	}
	p.keys("Ada Example")
	tab("register-phone")
	p.keys(phone)
	tab("Create account")
	p.keys("\r")

	p.see("code")
	if got := p.focus(); got != "code-input" {
		t.Fatalf("focus is on %q", got)
	}
	p.keys(wrong(program.code(t, phone)))
	p.says("That is not the code.")
	tab("Sign in")
	tab("code-resend")
	p.waitForResend()
	p.keys(" ")
	p.says("A new code is on its way.")
	if got := p.focus(); got != "code-input" {
		t.Fatalf("focus is on %q", got)
	}
	p.keys(program.code(t, phone))
	p.see("account")
	if got := p.focus(); got != "account-hello" {
		t.Errorf("focus is on %q", got)
	}
	tab("What the ID token says")
	tab("sign-out")
	p.keys("\r")
	p.see("sign-in")
}

// What a screen reader hears, and what a person sees who does not see well.
func TestAccessible(t *testing.T) {
	needChromium(t)
	for _, l := range []look{
		desktop, night, handset,
		{name: "dark phone", width: 390, height: 844, dark: true},
		{name: "narrow", width: 320, height: 640}, // WCAG 2.2, 1.4.10: reflow
	} {
		t.Run(l.name, func(t *testing.T) {
			program, phone := sharedProgram(t), newPhone()
			p := open(t, program.url, l)
			check := func(section string) {
				t.Helper()
				p.see(section)
				if diff := cmp.Diff([]string{}, value[[]string](p, lowContrast)); diff != "" {
					t.Errorf("%s: contrast below 4.5:1 (-want +got):\n%s", section, diff)
				}
				if value[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
					t.Errorf("%s is wider than the screen", section)
				}
				for _, role := range p.nameless() {
					t.Errorf("%s: a %s without a name", section, role)
				}
				if n := value[int](p, `[...document.querySelectorAll("h1")].filter((h) => h.checkVisibility()).length`); n != 1 {
					t.Errorf("%s has %d main headings", section, n)
				}
			}
			check("sign-in")
			p.click(`a[href="#register"]`)
			check("register")
			p.typeIn("#register-name", "Ada-Augusta-Wilhelmina-with-a-very-long-name-that-has-no-space-in-it Example")
			p.typeIn("#register-phone", phone+"\r")
			check("code")
			p.keys(wrong(program.code(t, phone)))
			p.says("That is not the code.")
			check("code")
			p.resend()
			check("code")
			p.keys(program.code(t, phone))
			check("account")
			p.click("summary")
			check("account")
			p.click("#sign-out")
			check("sign-in")
		})
	}
}

// lowContrast lists the texts whose contrast with what is behind them is too
// low (WCAG 2.2, 1.4.3).
const lowContrast = `(() => {
	const rgb = (s) => { const n = s.match(/[\d.]+/g).map(Number); return { c: n.slice(0, 3), a: n[3] ?? 1 } };
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255, v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)); return .2126 * r + .7152 * g + .0722 * b };
	const behind = (e) => { for (; e; e = e.parentElement) { const b = rgb(getComputedStyle(e).backgroundColor); if (b.a === 1) return b.c } return [255, 255, 255] };
	const low = [];
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
		if (!text || !e.checkVisibility()) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color).c), light(behind(e))].sort((x, y) => y - x);
		if ((a + .05) / (b + .05) < 4.5) low.push(text + ": " + ((a + .05) / (b + .05)).toFixed(2));
	}
	return low;
})()`

// nameless are the roles of controls that a screen reader could not name.
func (p *page) nameless() []string {
	p.t.Helper()
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	var roles []string
	controls := 0
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		switch role := strings.Trim(string(n.Role.Value), `"`); role {
		case "textbox", "button", "link", "log", "heading", "complementary":
			controls++
			if n.Name == nil || strings.Trim(string(n.Name.Value), `"`) == "" {
				roles = append(roles, role)
			}
		}
	}
	if controls == 0 {
		p.t.Error("the accessibility tree has no controls")
	}
	return roles
}

// The same page against a pool elsewhere. There is none to test with, so the
// browser is told that the address of Cognito is this machine, where a proxy
// stands in front of a local pool.
func TestRealPool(t *testing.T) {
	path := needChromium(t)
	program, phone := sharedProgram(t), newPhone()
	program.register(t, "Ada", phone)
	target, err := url.Parse(program.url)
	if err != nil {
		t.Fatal(err)
	}
	cognito := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target) // sets the host, too
	}})
	defer cognito.Close()
	addr := strings.TrimPrefix(cognito.URL, "https://")
	browser, stop, err := newBrowser(path,
		chromedp.Flag("host-resolver-rules", "MAP cognito-idp.eu-west-1.amazonaws.com "+addr),
		chromedp.Flag("ignore-certificate-errors", true),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)

	p := openIn(t, browser, program.url+"?region=eu-west-1&clientId="+clientID, desktop)
	p.see("sign-in")
	if value[bool](p, `document.getElementById("phone").checkVisibility()`) {
		t.Error("there is a phone, but texts go to real ones")
	}
	p.typeIn("#sign-in-phone", phone+"\r")
	p.see("code")
	p.keys(program.code(t, phone))
	p.see("account")
	p.says("Hello, Ada")
	p.shoot("real-pool")
	p.do(chromedp.Reload())
	p.see("account")
	p.click("#sign-out")
	p.see("sign-in")
}

// An address that names no pool is explained, not tried.
func TestNoPool(t *testing.T) {
	needChromium(t)
	program := sharedProgram(t)
	p := open(t, program.url, desktop)
	for _, query := range []string{
		"?region=eu-west-1",
		"?clientId=abc",
		"?region=evil.example%2F&clientId=abc",
		"?region=eu-west-1&clientId=a/b",
	} {
		p.do(chromedp.Navigate(program.url + query))
		p.see("setup")
		p.says("Which user pool?")
	}
}

// The first request is answered within a second of the program's start.
func TestStartsFast(t *testing.T) {
	if _, err := build(); err != nil {
		t.Fatal(err)
	}
	best := time.Hour
	for range 3 { // the machine may be busy with something else
		began := time.Now()
		program := startProgram(t)
		res, err := http.Get(program.url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		best = min(best, time.Since(began))
		program.stop()
	}
	t.Logf("first answer after %v", best.Round(time.Millisecond))
	if best > time.Second {
		t.Errorf("first answer after %v", best)
	}
}
