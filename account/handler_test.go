package account_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/account"
)

var b64 = base64.RawURLEncoding.EncodeToString

// What lists show of things.
type thing struct {
	ID, Name         string
	Created, Expires time.Time
}

type begun struct {
	Secret, URI, QR, Session string
	PublicKey                struct {
		Challenge string
		User      struct{ ID, Name string }
	}
}

// create answers the options of a registration as a browser with an authenticator
// does: attestation "none", ES256.
func create(t testing.TB, b begun) json.RawMessage {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	site := sha256.Sum256([]byte("example.com"))
	data := append(site[:], 0x45, 0, 0, 0, 0)               // user present and verified, attested; counter
	data = append(append(data, make([]byte, 16)...), 0, 32) // AAGUID, size of the id
	data = append(data, id...)
	data = append(data, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"...)
	data = append(append(data, point[1:33]...), "\x22\x58\x20"...)
	data = append(data, point[33:]...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	client := fmt.Sprintf(`{"type":"webauthn.create","challenge":%q,"origin":"https://example.com","crossOrigin":false}`, b.PublicKey.Challenge)
	out, err := json.Marshal(map[string]any{
		"id": b64(id), "rawId": b64(id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64([]byte(client)), "attestationObject": b64(append(object, data...))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// code is RFC 6238.
func code(t testing.TB, secret string) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha1.New, raw)
	binary.Write(h, binary.BigEndian, time.Now().Unix()/30)
	sum := h.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:])&0x7fffffff%1_000_000)
}

func point(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b64(p)
}

// notices are the texts that alice got, oldest first.
func (r *rig) notices() (texts []string) {
	for _, m := range r.inbox.Messages("alice@example.com") {
		text, _, _ := strings.Cut(m.Text, " your account")
		texts = append([]string{text}, texts...)
	}
	return texts
}

func TestPasskeys(t *testing.T) {
	r := newRig(t)
	token := r.alice(t)
	b := must[begun](t, r, "POST", "/passkeys/begin", token, "{}")
	if b.PublicKey.User.Name != "alice@example.com" {
		t.Errorf("the passkey is for %q", b.PublicKey.User.Name)
	}
	add := map[string]any{"session": b.Session, "name": "laptop", "response": create(t, b)}
	made := must[thing](t, r, "POST", "/passkeys", token, add)
	if status, _, text := do(t, r.handler, "POST", "/passkeys", token, add); status != 400 || text != `{"error":"expired"}` {
		t.Errorf("the same answer again: %d %s", status, text)
	}
	must[any](t, r, "PATCH", "/passkeys/"+made.ID, token, map[string]string{"name": "old laptop"})
	list := must[[]thing](t, r, "GET", "/passkeys", token, nil)
	if len(list) != 1 || list[0].ID != made.ID || list[0].Name != "old laptop" {
		t.Errorf("listed %v", list)
	}
	// Anybody else has nothing of it.
	bob := r.tokens(t, low, "bob", 0).AccessToken
	if list := must[[]thing](t, r, "GET", "/passkeys", bob, nil); len(list) != 0 {
		t.Errorf("bob has %v", list)
	}
	for _, method := range []string{"DELETE", "PATCH"} {
		if status, _, text := do(t, r.handler, method, "/passkeys/"+made.ID, bob, `{"name":"x"}`); status != 404 || text != `{"error":"not_found"}` {
			t.Errorf("bob, %s: %d %s", method, status, text)
		}
	}
	b = must[begun](t, r, "POST", "/passkeys/begin", token, "{}")
	if status, _, text := do(t, r.handler, "POST", "/passkeys", bob, map[string]any{"session": b.Session, "response": create(t, b)}); status != 400 || text != `{"error":"expired"}` {
		t.Errorf("bob with alice's session: %d %s", status, text)
	}
	must[any](t, r, "DELETE", "/passkeys/"+made.ID, token, nil)
	if list := must[[]thing](t, r, "GET", "/passkeys", token, nil); len(list) != 0 {
		t.Errorf("after DELETE: %v", list)
	}
	want := []string{"A passkey was added to", "A passkey was removed from"}
	if diff := cmp.Diff(want, r.notices()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if n := len(r.inbox.Messages("+12065550100")); n != 0 {
		t.Errorf("%d notices went to a number that was never proved", n)
	}
}

func TestApps(t *testing.T) {
	if fips140.Enforced() {
		t.Skip("no SHA-1")
	}
	r := newRig(t)
	token := r.alice(t)
	b := must[begun](t, r, "POST", "/apps/begin", token, "{}")
	if !strings.HasPrefix(b.QR, "data:image/png;base64,") || !strings.HasPrefix(b.URI, "otpauth://totp/") {
		t.Errorf("begun with %.30q and %.30q", b.QR, b.URI)
	}
	if status, _, text := do(t, r.handler, "POST", "/apps", token, map[string]string{"session": b.Session, "code": "x"}); status != 400 || text != `{"error":"wrong_code"}` {
		t.Errorf("a wrong code: %d %s", status, text)
	}
	made := must[thing](t, r, "POST", "/apps", token, map[string]string{"session": b.Session, "name": "phone", "code": code(t, b.Secret)})
	if list := must[[]thing](t, r, "GET", "/apps", token, nil); len(list) != 1 || list[0].Name != "phone" {
		t.Errorf("listed %v", list)
	}
	must[any](t, r, "PATCH", "/apps/"+made.ID, token, map[string]string{"name": "old phone"})
	if list := must[[]thing](t, r, "GET", "/apps", token, nil); len(list) != 1 || list[0].Name != "old phone" {
		t.Errorf("listed %v after it was renamed", list)
	}
	must[any](t, r, "DELETE", "/apps/"+made.ID, token, nil)
	if diff := cmp.Diff([]string{"An authenticator app was added to", "An authenticator app was removed from"}, r.notices()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	// A session is good for five tries, and of one kind.
	b = must[begun](t, r, "POST", "/apps/begin", token, "{}")
	if status, _, text := do(t, r.handler, "POST", "/passkeys", token, map[string]any{"session": b.Session, "response": "{}"}); text != `{"error":"expired"}` {
		t.Errorf("as a passkey: %d %s", status, text)
	}
	var words []string
	for range 6 {
		_, _, text := do(t, r.handler, "POST", "/apps", token, map[string]string{"session": b.Session, "code": "x"})
		words = append(words, text)
	}
	if words[4] != `{"error":"wrong_code"}` || words[5] != `{"error":"expired"}` {
		t.Errorf("six tries: %v", words)
	}
}

func TestRecoveryCodes(t *testing.T) {
	r := newRig(t)
	token := r.alice(t)
	codes := must[struct{ Codes []string }](t, r, "POST", "/recovery-codes", token, "{}")
	left := must[struct{ Left int }](t, r, "GET", "/recovery-codes", token, nil)
	if len(codes.Codes) != 10 || left.Left != 10 {
		t.Errorf("%d codes, %d left", len(codes.Codes), left.Left)
	}
	must[any](t, r, "DELETE", "/recovery-codes", token, nil)
	if left := must[struct{ Left int }](t, r, "GET", "/recovery-codes", token, nil); left.Left != 0 {
		t.Errorf("after DELETE: %d left", left.Left)
	}
	if diff := cmp.Diff([]string{"Recovery codes were added to", "Recovery codes were removed from"}, r.notices()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestDevices(t *testing.T) {
	r := newRig(t)
	token := r.alice(t)
	var made []thing
	for _, name := range []string{"one", "two", "three"} {
		made = append(made, must[thing](t, r, "POST", "/devices", token, map[string]string{"name": name, "key": point(t)}))
	}
	if left := time.Until(made[0].Expires); left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("known for %v, want 90 days", left)
	}
	must[any](t, r, "PATCH", "/devices/"+made[0].ID, token, map[string]string{"name": "first"})
	must[any](t, r, "DELETE", "/devices/"+made[1].ID, token, nil)
	var names []string
	for _, d := range must[[]thing](t, r, "GET", "/devices", token, nil) {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"three", "first"}, names); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	must[any](t, r, "DELETE", "/devices", token, nil)
	if list := must[[]thing](t, r, "GET", "/devices", token, nil); len(list) != 0 {
		t.Errorf("after DELETE of all: %v", list)
	}
}

// Requests that change nothing.
func TestRefused(t *testing.T) {
	r := newRig(t)
	fresh, old := r.alice(t), r.tokens(t, low, "alice", 6*time.Minute).AccessToken
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherCurve, err := p384.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b := must[begun](t, r, "POST", "/passkeys/begin", fresh, "{}")
	none := strings.Replace(string(create(t, b)), `"attestationObject":"`, `"attestationObject":"AAAA`, 1)
	const insufficient = `{"error":"insufficient_user_authentication"}`
	noise := strings.Repeat("\xa3", 16<<10)
	tests := []struct {
		name, method, path, token string
		body                      any
		status                    int
		text                      string
	}{
		{"no token", "GET", "/passkeys", "", nil, 401, `{"error":"unauthorized"}`},
		{"no token, a change", "POST", "/recovery-codes", "", "{}", 401, `{"error":"unauthorized"}`},
		{"an old sign-in adds a passkey", "POST", "/passkeys/begin", old, "{}", 401, insufficient},
		{"finishes one", "POST", "/passkeys", old, map[string]any{"session": b.Session, "response": create(t, b)}, 401, insufficient},
		{"adds an app", "POST", "/apps/begin", old, "{}", 401, insufficient},
		{"makes codes", "POST", "/recovery-codes", old, "{}", 401, insufficient},
		{"adds a device", "POST", "/devices", old, map[string]string{"key": point(t)}, 401, insufficient},
		{"removes codes", "DELETE", "/recovery-codes", old, nil, 401, insufficient},
		{"no such kind", "GET", "/passwords", fresh, nil, 404, `{"error":"not_found"}`},
		{"no such verb", "POST", "/devices/begin", fresh, "{}", 404, `{"error":"not_found"}`},
		{"no such path", "GET", "/devices/x/y", fresh, nil, 404, `{"error":"not_found"}`},
		{"no such method", "PUT", "/devices/x", fresh, "{}", 404, `{"error":"not_found"}`},
		{"no such device", "DELETE", "/devices/x", fresh, nil, 404, `{"error":"not_found"}`},
		{"a key of another curve", "POST", "/devices", fresh, map[string]string{"key": b64(otherCurve)}, 400, `{"error":"bad_request"}`},
		{"no key", "POST", "/devices", fresh, "{}", 400, `{"error":"bad_request"}`},
		{"a key in another encoding", "POST", "/devices", fresh, map[string]string{"key": "+/+/"}, 400, `{"error":"bad_request"}`},
		{"noise of 16 KiB", "POST", "/devices", fresh, noise, 400, `{"error":"bad_request"}`},
		{"a key of 16 KiB", "POST", "/devices", fresh, map[string]string{"key": b64([]byte(noise))}, 400, `{"error":"bad_request"}`},
		{"too long", "POST", "/devices", fresh, map[string]string{"name": strings.Repeat("x", 40<<10)}, 400, `{"error":"bad_request"}`},
		{"two bodies", "POST", "/devices", fresh, "{}{}", 400, `{"error":"bad_request"}`},
		{"a list", "POST", "/devices", fresh, "[]", 400, `{"error":"bad_request"}`},
		{"malformed CBOR", "POST", "/passkeys", fresh, fmt.Sprintf(`{"session":%q,"response":%s}`, b.Session, none), 400, `{"error":"not_accepted"}`},
		{"no session", "POST", "/passkeys", fresh, "{}", 400, `{"error":"expired"}`},
		{"a session of noise", "POST", "/apps", fresh, map[string]string{"session": strings.Repeat("A", 16<<10)}, 400, `{"error":"expired"}`},
	}
	for _, tt := range tests {
		status, header, text := do(t, r.handler, tt.method, tt.path, tt.token, tt.body)
		if status != tt.status || text != tt.text || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s %q, want %d %s", tt.name, status, text, header.Get("Cache-Control"), tt.status, tt.text)
		}
	}
	for _, path := range []string{"/passkeys", "/apps", "/devices"} {
		if list := must[[]thing](t, r, "GET", path, fresh, nil); len(list) != 0 {
			t.Errorf("%s has %v", path, list)
		}
	}
	if n := r.notices(); len(n) != 0 {
		t.Errorf("notices of nothing: %v", n)
	}
}

// A token that was revoked reads until it expires, and changes nothing.
func TestRevokedChanges(t *testing.T) {
	r := newRig(t)
	token := r.alice(t)
	r.call(t, "AdminUserGlobalSignOut", `{"UserPoolId":%q,"Username":"alice"}`, r.pool.ID())
	if status, _, text := do(t, r.handler, "POST", "/recovery-codes", token, "{}"); status != 401 || text != `{"error":"invalid_token"}` {
		t.Errorf("%d %s", status, text)
	}
}

func TestLimit(t *testing.T) {
	r := newRig(t, func(o *account.Options) { o.Limit = customauth.Window{Max: 3, Per: time.Hour} })
	token := r.alice(t)
	for range 3 {
		must[any](t, r, "DELETE", "/recovery-codes", token, nil)
	}
	status, header, text := do(t, r.handler, "DELETE", "/recovery-codes", token, nil)
	if status != 429 || text != `{"error":"rate_limited"}` || header.Get("Retry-After") == "" {
		t.Errorf("the fourth: %d %s", status, text)
	}
	must[any](t, r, "DELETE", "/recovery-codes", r.tokens(t, low, "bob", 0).AccessToken, nil)
	must[any](t, r, "GET", "/recovery-codes", token, nil)
}

// brokenStore does not answer.
type brokenStore struct{ customauth.Store }

func (brokenStore) Update(context.Context, string, ...customauth.Op) ([]customauth.Found, error) {
	return nil, errors.New("no answer")
}

func TestStoreFails(t *testing.T) {
	r := newRig(t, func(o *account.Options) { o.Store = brokenStore{} })
	if status, _, text := do(t, r.handler, "POST", "/recovery-codes", r.alice(t), "{}"); status != 503 || text != `{"error":"unavailable"}` {
		t.Errorf("%d %s", status, text)
	}
}

// A stronger sign-in can be asked for.
func TestChange(t *testing.T) {
	r := newRig(t, func(o *account.Options) { o.Change = account.Need{Level: 2, MaxAge: 20 * time.Minute} })
	status, header, _ := do(t, r.handler, "POST", "/recovery-codes", r.alice(t), "{}")
	if status != 401 || !strings.Contains(header.Get("WWW-Authenticate"), `acr_values="2", max_age="1200"`) {
		t.Errorf("%d %s", status, header.Get("WWW-Authenticate"))
	}
	must[any](t, r, "POST", "/recovery-codes", r.tokens(t, high, "alice", 10*time.Minute).AccessToken, "{}")
}

// The notice can be written by others, and never goes elsewhere. If it is not sent,
// the change stays, and the log has the reason without the address.
func TestNotice(t *testing.T) {
	var log strings.Builder
	var sent []customauth.Message
	r := newRig(t, func(o *account.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.Text = func(_ context.Context, r customauth.Request, c account.Change, m customauth.Message) (customauth.Message, error) {
			m.Text = customauth.Hide(fmt.Sprintf("%v %s", c, r.Attributes["email"].Reveal()))
			m.To.Address = customauth.Hide("eve@example.com")
			return m, nil
		}
		o.Senders["EMAIL"] = customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
			sent = append(sent, m)
			return errors.New("no way to alice@example.com")
		})
	})
	must[any](t, r, "POST", "/recovery-codes", r.alice(t), "{}")
	if len(sent) != 1 {
		t.Fatalf("%d notices", len(sent))
	}
	if to, text := sent[0].To.Address.Reveal(), sent[0].Text.Reveal(); to != "alice@example.com" || text != "{recovery-codes true} alice@example.com" {
		t.Errorf("%q went to %s", text, to)
	}
	if !strings.Contains(log.String(), "a notice was not sent") || strings.Contains(log.String(), "alice@") {
		t.Errorf("log: %s", log.String())
	}
}

func TestNew(t *testing.T) {
	good := newRig(t).options
	for name, change := range map[string]func(*account.Options){
		"Pool":             func(o *account.Options) { o.Pool = nil },
		"Store":            func(o *account.Options) { o.Store = nil },
		"Key":              func(o *account.Options) { o.Key = customauth.Hide("short") },
		"Passkeys":         func(o *account.Options) { o.Passkeys, o.Apps, o.Recovery, o.Devices = nil, nil, nil, nil },
		"Change.MaxAge":    func(o *account.Options) { o.Change.MaxAge = 2 * time.Hour },
		"Limit":            func(o *account.Options) { o.Limit = customauth.Window{Max: -1, Per: time.Hour} },
		"InsecureNoNotice": func(o *account.Options) { o.Senders = nil },
		`Senders has "X"`:  func(o *account.Options) { o.Senders = map[string]customauth.Sender{"X": new(customauth.SNSSender)} },
		"Senders has \"S": func(o *account.Options) {
			o.Senders = map[string]customauth.Sender{"SMS": (*customauth.SNSSender)(nil)}
		},
	} {
		o := good
		change(&o)
		if _, err := account.New(o); err == nil || !strings.HasPrefix(err.Error(), "account: ") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := account.New(account.Options{Pool: good.Pool, Key: good.Key, Store: good.Store, Devices: good.Devices, InsecureNoNotice: true}); err != nil {
		t.Error(err)
	}
}

// What comes in as a body never breaks the handler, and never is taken for a passkey.
func FuzzAdd(f *testing.F) {
	r := newRig(f, func(o *account.Options) { o.Limit = customauth.Window{Max: 1 << 30, Per: time.Minute} })
	token := r.alice(f)
	b := must[begun](f, r, "POST", "/passkeys/begin", token, "{}")
	f.Add("passkeys", fmt.Sprintf(`{"session":%q,"response":{}}`, b.Session))
	f.Add("apps", `{"session":"AAAA","code":"123456"}`)
	f.Add("devices", `{"key":"BAAA"}`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		if kind != "passkeys" && kind != "apps" && kind != "devices" {
			return
		}
		status, _, text := do(t, r.handler, "POST", "/"+kind, token, body)
		if status != http.StatusBadRequest || !json.Valid([]byte(text)) {
			t.Errorf("%s %q: %d %s", kind, body, status, text)
		}
	})
}
