// Package browser_test drives the page of examples/local in headless Chromium,
// as a person does: with keys, clicks and eyes.
//
//	go test ./browser                                        in the folder e2e
//	CUSTOMAUTH_SCREENSHOTS=/tmp/shots go test ./browser      keeps pictures there
//
// It needs Chromium or Chrome (on Debian: apt-get install chromium). Without
// one the tests are skipped, and under CI=true they fail.
//
// This file starts the program and the browser, and has the verbs that the tests in
// page_test.go are written with; site_test.go serves the page in front of pools that
// the program cannot be.
package browser_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// patience is how long anything may take to appear.
const patience = 30 * time.Second

var tempDir string // for the built program, removed at the end

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "customauth-browser")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	tempDir = dir
	code := m.Run()
	if shared.browser != nil {
		shared.stop()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// --- the program ---

// build compiles examples/local once.
var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(tempDir, "local")
	cmd := exec.Command("go", "build", "-o", binary, "./examples/local")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build examples/local: %w\n%s", err, out)
	}
	return binary, nil
})

// A program is a running examples/local.
type program struct {
	url string
	cmd *exec.Cmd
}

// startProgram runs examples/local on a free port until the test ends.
func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr // says only what is broken
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd}
	lines := bufio.NewScanner(stdout)
	for p.url == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "page "); ok {
			p.url = strings.TrimSpace(rest)
		}
	}
	if p.url == "" {
		p.stop()
		t.Fatal("the program printed no address")
	}
	go io.Copy(io.Discard, stdout)
	t.Cleanup(p.stop)
	return p
}

// newPhone is a number that no other test has.
func newPhone() string {
	shared.phones++
	return fmt.Sprintf("+1206555%04d", 1000+shared.phones)
}

// stop ends the program, and returns when it has ended.
func (p *program) stop() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

const clientID = "1example23456789localclient"

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code is the code of the newest text to a number.
func (p *program) code(t *testing.T, phone string) string {
	t.Helper()
	res, err := http.Get(p.url + "_local/messages?to=" + url.QueryEscape(phone))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var texts []struct{ Text string }
	if err := json.NewDecoder(res.Body).Decode(&texts); err != nil {
		t.Fatal(err)
	}
	if len(texts) == 0 {
		t.Fatal("no text arrived")
	}
	return sixDigits.FindString(texts[0].Text)
}

// wrong is a code that is not this one.
func wrong(code string) string {
	last := len(code) - 1
	return code[:last] + string('0'+(code[last]-'0'+1)%10)
}

// --- the browser ---

// shared is what all tests use: no two of them run at the same time.
var shared struct {
	phones int

	browser context.Context
	stop    context.CancelFunc
}

// needChromium skips the test, or under CI fails it, where there is none.
func needChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	const why = "no Chromium or Chrome in PATH, nor named by the variable CHROMIUM (on Debian: apt-get install chromium)"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip("skipped: " + why)
	return ""
}

// newBrowser starts a browser with a fresh profile, which chromedp removes.
func newBrowser(path string, flags ...chromedp.ExecAllocatorOption) (context.Context, context.CancelFunc, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // containers and root have none
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-US"),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop := func() {
		cancel()
		cancelAllocator()
	}
	return ctx, stop, chromedp.Do(ctx)
}

// A page is a tab, used by one test.
type page struct {
	t   *testing.T
	ctx context.Context
}

type look struct {
	name          string
	width, height int64
	dark          bool
	language      string // default en-US
}

var (
	desktop = look{name: "desktop", width: 1280, height: 800}
	handset = look{name: "phone", width: 390, height: 844}
	night   = look{name: "dark", width: 1280, height: 800, dark: true}

	looks = []look{desktop, night, handset, {name: "dark-phone", width: 390, height: 844, dark: true}}
)

// open opens an address in the shared browser, which remembers nothing of what
// other tests did there.
func open(t *testing.T, address string, l look) *page {
	t.Helper()
	path := needChromium(t)
	if shared.browser == nil {
		browser, stop, err := newBrowser(path)
		if err != nil {
			t.Fatal(err)
		}
		shared.browser, shared.stop = browser, stop
	}
	return openIn(t, shared.browser, address, l)
}

func openIn(t *testing.T, browser context.Context, address string, l look) *page {
	t.Helper()
	origin := regexp.MustCompile(`^http://[^/]+`).FindString(address)
	if _, err := chromedp.Call(browser, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: origin, StorageTypes: "all"}); err != nil {
		t.Fatal(err)
	}
	return show(t, browser, address, l)
}

// another opens an address in another tab of the same browser or, if stranger, in
// another browser, which knows nothing of what this one did.
func (p *page) another(address string, l look, stranger bool) *page {
	p.t.Helper()
	var options []chromedp.ContextOption
	if stranger {
		options = append(options, chromedp.WithNewBrowserContext())
	}
	ctx, cancel := chromedp.NewContext(shared.browser, options...)
	p.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		p.t.Fatal(err)
	}
	return show(p.t, ctx, address, l)
}

// show shows an address in a tab.
func show(t *testing.T, tab context.Context, address string, l look) *page {
	t.Helper()
	p := &page{t: t, ctx: tab}
	p.watchConsole()
	p.speak(cmp.Or(l.language, "en-US"))
	p.emulate(l)
	p.do(chromedp.Navigate(address))
	t.Cleanup(func() { p.do(chromedp.Navigate("about:blank")) })
	return p
}

// emulate gives the page a size, by day or by night.
func (p *page) emulate(l look) {
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

// opened is the tab that an action opens, when its page has this title.
func (p *page) opened(title string, action func()) *page {
	p.t.Helper()
	action()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		all, err := chromedp.Targets(p.ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(info *target.Info) bool { return info.Type == "page" && info.Title == title })
		if i < 0 {
			continue
		}
		ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(all[i].TargetID))
		p.t.Cleanup(cancel)
		it := &page{t: p.t, ctx: ctx}
		it.watchConsole()
		return it
	}
	p.shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
	p.t.Fatalf("no tab named %q was opened", title)
	return nil
}

// speak makes the browser ask for a language, from the next page on.
func (p *page) speak(language string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "test", AcceptLanguage: language}); err != nil {
		p.t.Fatal(err)
	}
}

// switchTo chooses a language on the page.
func (p *page) switchTo(language string) {
	p.t.Helper()
	value[bool](p, fmt.Sprintf(`(() => { const s = document.getElementById("language"); s.value = %q; s.dispatchEvent(new Event("change")); return true })()`, language))
}

// signIn enters a number, and waits until the page asks for the code.
func (p *page) signIn(phone string) {
	p.t.Helper()
	p.typeIn("#start-phone", phone+"\r")
	p.see("code")
}

// in is the same page, for a subtest.
func (p *page) in(t *testing.T) *page { return &page{t: t, ctx: p.ctx} }

// watchConsole fails the test for an exception, a broken policy, or an error
// that the page wrote. Answers of the service with status 400 are not among
// them: the browser calls those network errors.
func (p *page) watchConsole() {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.ctx)
	ended := make(chan struct{})
	messages := chromedp.Console(ctx)
	go func() {
		defer close(ended)
		for m, err := range messages {
			if err == nil && (m.IsException() || m.Type == "error" && m.Source != "network") {
				p.t.Errorf("console: %s", m)
			}
		}
	}()
	p.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// do performs actions, with patience.
func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
		p.t.Fatal(err)
	}
}

// value evaluates an expression, and waits for it if it is a promise.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true.
func (p *page) wait(what, expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if value[bool](p, expression) {
			return
		}
	}
	p.shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
	p.t.Fatalf("waited in vain for %s; the page says:\n%s", what, value[string](p, "document.body.innerText"))
}

// see waits until a section is shown.
func (p *page) see(section string) {
	p.t.Helper()
	p.wait("the section "+section, fmt.Sprintf(`document.body.dataset.shown === %q && !document.querySelector("main section:not([hidden])[aria-busy]")`, section))
}

// says waits until the visible page has a text in it.
func (p *page) says(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%q", text), fmt.Sprintf(`document.querySelector("main .card").innerText.replaceAll("\u2011", "-").replaceAll("\u00a0", " ").replace(/[\u2066\u2069]/g, "").includes(%s)`, quote(text)))
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always has a JSON form
	return string(b)
}

// typeIn replaces what is in a field by typing.
func (p *page) typeIn(selector, text string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	value[bool](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.select(); return true })()`, selector))
	p.keys(text)
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// resend asks for a new code, as soon as that is possible.
func (p *page) resend() {
	p.t.Helper()
	p.waitForResend()
	p.click("#code-resend")
	p.says("A new code is on its way.")
}

func (p *page) waitForResend() {
	p.t.Helper()
	p.wait("the end of the countdown", `document.getElementById("code-resend").getAttribute("aria-disabled") === "false"`)
}

// keys types into whatever has the focus.
func (p *page) keys(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// paste puts text on the clipboard and presses Ctrl+V.
func (p *page) paste(text string) {
	p.t.Helper()
	value[bool](p, fmt.Sprintf(`(() => {
		const focused = document.activeElement, area = document.createElement("textarea");
		document.body.append(area);
		area.value = %s;
		area.select();
		const ok = document.execCommand("cut");
		area.remove();
		focused.focus();
		return ok;
	})()`, quote(text)))
	for _, event := range []input.DispatchKeyEventParams{
		{Type: input.DispatchKeyEventTypeRawKeyDown, Key: "v", Code: "KeyV", WindowsVirtualKeyCode: 'V', Modifiers: 2, Commands: []string{"paste"}},
		{Type: input.DispatchKeyEventTypeKeyUp, Key: "v", Code: "KeyV", WindowsVirtualKeyCode: 'V', Modifiers: 2},
	} {
		if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, event); err != nil {
			p.t.Fatal(err)
		}
	}
}

// focus is the id of the element that has the focus, or its text.
func (p *page) focus() string {
	p.t.Helper()
	return value[string](p, `document.activeElement.id || document.activeElement.textContent.trim()`)
}

// shoot keeps a picture of the page, if somebody wants to look at it.
func (p *page) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv("CUSTOMAUTH_SCREENSHOTS")
	if dir == "" {
		return
	}
	time.Sleep(50 * time.Millisecond) // what was just changed is painted
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.t.Error(err)
	}
}
