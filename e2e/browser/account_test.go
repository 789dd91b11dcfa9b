package browser_test

// This file is about the program examples/account: passkeys, authenticator apps,
// recovery codes and known devices, enrolled and used in a real browser. Passkeys are
// those of Chromium's virtual authenticator (DevTools protocol, domain WebAuthn).

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// buildAccount compiles examples/account once.
var buildAccount = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(tempDir, "account")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir = filepath.Join("..", "..", "examples", "account")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build examples/account: %w\n%s", err, out)
	}
	return binary, nil
})

// startAccount runs examples/account on a free port until the test ends.
func startAccount(t *testing.T) *program {
	t.Helper()
	needChromium(t)
	binary, err := buildAccount()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-port", "0", "-resend-after", "1ms")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr // says only what is broken
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd}
	t.Cleanup(p.stop)
	lines := bufio.NewScanner(stdout)
	for p.url == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "page "); ok {
			p.url = strings.TrimSpace(rest)
		}
	}
	if p.url == "" {
		t.Fatal("the program printed no address")
	}
	go io.Copy(io.Discard, stdout)
	return p
}

// An authenticator makes and uses passkeys, as a phone does when its user holds a
// finger on it.
type authenticator struct {
	p  *page
	id webauthn.AuthenticatorID
}

func (p *page) addAuthenticator() authenticator {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		p.t.Fatal(err)
	}
	made, err := chromedp.Call(p.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	id := made.AuthenticatorID
	p.t.Cleanup(func() {
		if _, err := chromedp.Call(p.ctx, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: id}); err != nil {
			p.t.Error(err)
		}
	})
	return authenticator{p, id}
}

// verified says whether the next users are: the right finger, or a wrong one.
func (a authenticator) verified(yes bool) {
	a.p.t.Helper()
	if _, err := chromedp.Call(a.p.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes}); err != nil {
		a.p.t.Fatal(err)
	}
}

// begin enters a phone number, and takes a way.
func (p *page) begin(phone, way string) {
	p.t.Helper()
	p.see("start")
	p.typeIn("#start-phone", phone+"\r")
	p.see("ways")
	p.click("#ways [data-way=" + way + "]")
}

// enterByText signs in by a code in a text.
func (p *page) enterByText(program *program, phone string) {
	p.t.Helper()
	p.begin(phone, "sms")
	p.see("code")
	p.keys(program.code(p.t, phone))
	p.see("account")
}

func (p *page) signOut() {
	p.t.Helper()
	p.click("#sign-out")
	p.says("You are signed out.")
}

// look shows the page as somebody else sees it, without loading it again.
func (p *page) look(l look) {
	p.t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(l.width, l.height))
}

// answerDialog presses the button of the dialog, after a name was typed if there is one.
func (p *page) answerDialog(name string) {
	p.t.Helper()
	p.wait("the dialog", `document.getElementById("ask").open`)
	if name != "" {
		p.typeIn("#ask-name", name)
	}
	p.click("#ask-yes")
}

func text(p *page, selector string) string {
	p.t.Helper()
	return value[string](p, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

// appCode is what an authenticator app shows: RFC 6238, written down here.
func appCode(t *testing.T, secret string) string { return appCodeIn(t, secret, 0) }

// wrongAppCode is none of the codes of these minutes.
func wrongAppCode(t *testing.T, secret string) string {
	right := map[string]bool{}
	for steps := range int64(6) {
		right[appCodeIn(t, secret, steps-2)] = true
	}
	code := "000000"
	for right[code] {
		code = code[1:] + "1"
	}
	return code
}

// appCodeIn is what the app shows in so many steps of 30 seconds.
func appCodeIn(t *testing.T, secret string, steps int64) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, time.Now().Unix()/30+steps)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&(1<<31-1)%1e6)
}

// scan is what a camera reads from the QR code that is painted on the page.
func (p *page) scan() string {
	p.t.Helper()
	data := value[string](p, `document.getElementById("app-qr").toDataURL("image/png").split(",")[1]`)
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	if err != nil {
		p.t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		p.t.Fatal(err)
	}
	code, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		p.t.Fatalf("no QR code is seen: %v", err)
	}
	return code.GetText()
}

// Everything that a user enrols, and each way in, once through. On each of the pages axe
// finds nothing wrong, and nothing is too small for a finger or too wide for the screen.
func TestAccount(t *testing.T) {
	program, phone := startAccount(t), newPhone()
	p := open(t, program.url, desktop)
	finger := p.addAuthenticator()
	n := 0
	inspect := func(section string) {
		t.Helper()
		n++
		for _, l := range []look{night, handset} {
			p.look(l)
			p.shoot(fmt.Sprintf("account-%02d-%s-%s", n, section, l.name))
			if !value[bool](p, `"axe" in window`) {
				value[bool](p, axe(t)+`; true`)
			}
			for what, list := range map[string]string{"axe": violations, "less than 44 pixels high": smallTargets} {
				if diff := cmp.Diff([]string{}, value[[]string](p, list)); diff != "" {
					t.Errorf("%s, %s: %s (-want +got):\n%s", section, l.name, what, diff)
				}
			}
			if value[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("%s, %s is wider than the screen", section, l.name)
			}
		}
		p.look(desktop)
		p.shoot(fmt.Sprintf("account-%02d-%s-%s", n, section, desktop.name))
	}
	check := func(section string) {
		t.Helper()
		p.see(section)
		inspect(section)
	}

	check("start")
	p.typeIn("#start-phone", "1\r")
	p.says("Please enter a phone number")
	check("start")
	p.typeIn("#start-phone", phone+"\r")
	check("ways")
	p.click("#ways [data-way=sms]")
	check("code")
	p.keys(wrong(program.code(t, phone)))
	p.says("That is not the code.")
	check("code")
	p.keys(program.code(t, phone))
	check("account")
	p.says("signed in with level 1")

	// Nothing is enrolled, and a transfer needs something that is.
	p.click("#transfer")
	check("confirm")
	p.click("#confirm-second")
	p.see("code")
	p.keys(program.code(t, phone))
	p.see("confirm")
	p.says("You have no second proof for this device")
	p.click("#confirm .cancel")

	p.see("account")
	p.click("#passkeys-add")
	p.says("You can sign in with this passkey now.")
	p.click("#passkeys button:first-of-type")
	p.answerDialog("My phone")
	p.says("It has its new name.")
	p.says("My phone")

	p.click("#apps-add")
	check("app")
	secret := text(p, "#app-secret")
	if got := p.scan(); !strings.HasPrefix(got, "otpauth://totp/customauth:") || !strings.Contains(got, "secret="+strings.ReplaceAll(secret, " ", "")) {
		t.Error("a camera reads something else than the key that is shown")
	}
	p.typeIn("#app-code", wrongAppCode(t, secret)+"\r")
	p.says("That is not the code.")
	check("app")
	p.typeIn("#app-code", appCode(t, secret)+"\r")
	p.says("The app was added.")

	p.click("#recovery-add")
	check("codes")
	codes := strings.Fields(text(p, "#codes-list"))
	if len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}
	p.click("#codes .back")
	p.says("You have 10 left.")

	p.click("#devices-add")
	p.says("This browser is remembered.")
	check("account")
	if got := text(p, "#devices li small"); !strings.HasPrefix(got, "this browser") {
		t.Errorf("the device says %q", got)
	}
	p.click("#devices button:first-of-type")
	p.wait("the dialog", `document.getElementById("ask").open`)
	inspect("dialog")
	p.click("#ask-no")
	p.see("account")

	// What is shown once is gone, and what is remembered is not.
	p.do(chromedp.Reload())
	p.see("account")
	if got := value[bool](p, fmt.Sprintf(`[%q, %q].some((s) => document.documentElement.outerHTML.includes(s))`, codes[0], secret)); got {
		t.Error("a secret is still in the page")
	}

	// A transfer, by a text and this device, then an app; then by a passkey.
	transfer := func(by string) {
		t.Helper()
		p.click("#transfer")
		p.see("confirm")
		p.click("#confirm-" + by)
		if by == "second" {
			p.see("code")
			p.keys(program.code(t, phone))
		}
	}
	transfer("second")
	p.says("100.00 were sent, by a sign-in of level 2.")
	p.click("#devices li button:last-of-type")
	p.answerDialog("")
	p.says("It was removed.")
	transfer("second")
	p.says("Enter the code of your app")
	check("code")
	p.keys(appCode(t, secret))
	p.says("100.00 were sent, by a sign-in of level 2.")
	transfer("strong")
	p.says("100.00 were sent, by a sign-in of level 3.")

	// The user was told of each change.
	var notices []string
	for _, text := range program.texts(t, phone) {
		if notice, _, ok := strings.Cut(text, " your account."); ok {
			notices = append([]string{notice}, notices...)
		}
	}
	want := []string{"A passkey was added to", "An authenticator app was added to", "Recovery codes were added to", "A device was added to", "A device was removed from"}
	if diff := cmp.Diff(want, notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}

	// By a passkey: another finger is refused, the right one is not.
	p.signOut()
	finger.verified(false)
	p.begin(phone, "passkey")
	p.says("No passkey was used")
	check("passkey")
	finger.verified(true)
	p.click("#passkey-again")
	p.see("account")

	// By a recovery code, which works once.
	for i, want := range []string{"account", "code"} {
		p.signOut()
		p.begin(phone, "recovery")
		p.see("code")
		p.typeIn("#code-input", strings.ToLower(codes[0])+"\r")
		if want == "code" {
			p.says("That is not the code.")
			check("code")
			p.typeIn("#code-input", codes[1]+"\r")
		}
		p.see("account")
		p.says(fmt.Sprintf("You have %d left.", 9-i))
	}
	p.click("#passkeys li button:last-of-type")
	p.answerDialog("")
	p.says("It was removed.")
	p.click("#sign-out-everywhere")
	p.says("You are signed out on every device.")
	check("start")
}

// texts are those to a number, the newest first.
func (p *program) texts(t *testing.T, phone string) (texts []string) {
	t.Helper()
	res, err := http.Get(p.url + "_local/messages?to=" + strings.TrimPrefix(phone, "+"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var messages []struct{ Text string }
	if err := json.NewDecoder(res.Body).Decode(&messages); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		texts = append(texts, m.Text)
	}
	return texts
}

// cognito calls the pool as an app does.
func (p *program) cognito(t *testing.T, operation string, input any) (output struct {
	Session              string
	ChallengeParameters  map[string]string
	AuthenticationResult *struct{ AccessToken string }
	Message              string
}) {
	t.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&output); err != nil {
		t.Fatal(err)
	}
	return output
}

// A sign-in by passkey that a page of its own asks for as it likes: %s is what it wants
// of user verification. It ends with "tokens", or with the word for what was wrong.
const askedBy = `(async () => {
	const { createClient } = await import("/client.js");
	const { everyday } = await (await fetch("/_local/clients")).json();
	const client = createClient({ clientId: everyday, endpoint: "/" });
	const { challenge } = await client.choose((await client.signIn(%q)).challenge, "passkey");
	const publicKey = { ...JSON.parse(challenge.parameters.publicKey), userVerification: %q };
	const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
	const { tokens, error } = await client.answer(challenge, JSON.stringify(credential));
	return tokens ? "tokens" : error.code;
})()`

// A page that does not ask for the finger gets an assertion without it, which the server
// refuses, and the passkey of one user is none of another's.
func TestPasskeyWithoutVerification(t *testing.T) {
	program, phone, other := startAccount(t), newPhone(), newPhone()
	p := open(t, program.url, desktop)
	finger := p.addAuthenticator()
	p.enterByText(program, other)
	p.signOut()
	p.enterByText(program, phone)
	p.click("#passkeys-add")
	p.says("You can sign in with this passkey now.")

	for _, tt := range []struct {
		name, phone, wants string
		verified           bool
		want               string
	}{
		{"no finger", phone, "discouraged", false, "not_proved"},
		{"the right finger", phone, "required", true, "tokens"},
		{"another account", other, "required", true, "not_proved"},
		{"no account", newPhone(), "required", true, "not_proved"},
	} {
		finger.verified(tt.verified)
		if got := value[string](p, fmt.Sprintf(askedBy, tt.phone, tt.wants)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What the browser keeps of a device cannot be taken out of it, and with it a user gets
// in while strangers have used up what the account is allowed.
func TestKnownDevice(t *testing.T) {
	program, phone := startAccount(t), newPhone()
	p := open(t, program.url, desktop)
	p.enterByText(program, phone)
	p.click("#devices-add")
	p.says("This browser is remembered.")
	taken := value[string](p, fmt.Sprintf(`new Promise((resolve) => {
		indexedDB.open("customauth-device").onsuccess = ({ target: { result: db } }) => {
			db.transaction("keys").objectStore("keys").get(%q).onsuccess = async ({ target: { result: { keys } } }) => {
				db.close();
				const formats = ["pkcs8", "jwk", "raw"].map((format) => crypto.subtle.exportKey(format, keys.privateKey).then(() => format, () => "refused"));
				resolve([keys.privateKey.extractable, ...(await Promise.all(formats))].join(" "));
			};
		};
	})`, phone))
	if taken != "false refused refused refused" {
		t.Errorf("of the private key: %s", taken)
	}
	p.signOut()

	var clients struct{ Everyday string }
	res, err := http.Get(program.url + "_local/clients")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&clients); err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	strange := func() string { // one sign-in of a stranger, with wrong recovery codes
		r := program.cognito(t, "InitiateAuth", object{"ClientId": clients.Everyday, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": object{"USERNAME": phone}})
		name, more := r.ChallengeParameters["USERNAME"], object{"action": "choose", "way": "recovery"}
		for r.Session != "" && r.ChallengeParameters["errorCode"] != "rate_limited" {
			r = program.cognito(t, "RespondToAuthChallenge", object{
				"ClientId": clients.Everyday, "ChallengeName": "CUSTOM_CHALLENGE", "Session": r.Session,
				"ChallengeResponses": object{"USERNAME": name, "ANSWER": "AAAA-AAAA-AAAA-AAAA"}, "ClientMetadata": more,
			})
			more = nil
		}
		return r.ChallengeParameters["errorCode"]
	}
	for tries := 0; strange() != "rate_limited"; tries++ {
		if tries == 10 {
			t.Fatal("strangers have no limit")
		}
	}

	p.enterByText(program, phone) // as if nothing were
	p.signOut()
	value[bool](p, `new Promise((resolve) => { indexedDB.deleteDatabase("customauth-device").onsuccess = () => resolve(true) })`)
	p.begin(phone, "sms")
	p.says("There were too many codes or tries.")
}
