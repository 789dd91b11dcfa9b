package passkey_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/passkey"
)

const pool = "eu-west-1_Ab1Cd2Ef3"

var (
	alice = credential.User{Pool: pool, Sub: "11111111-1111-4111-8111-111111111111"}
	bob   = credential.User{Pool: pool, Sub: "22222222-2222-4222-8222-222222222222"}
)

func party(t testing.TB, s credential.Store) passkey.RelyingParty {
	t.Helper()
	v, err := credential.New(s, []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return passkey.RelyingParty{ID: "example.com", Name: "Example", Credentials: v,
		Origins: []string{"https://example.com", "https://app.example.com", "https://example.net", "android:apk-key-hash:2jmj7l5rSw0yVb_vlWAYkK_YBwk"}}
}

func register(t testing.TB, p passkey.RelyingParty, u credential.User) *authenticator {
	t.Helper()
	a := newAuthenticator(t)
	options, s, err := p.Begin(t.Context(), u, "alice@example.com", "Alice")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), u, s, "phone", a.create(t, options)); err != nil {
		t.Fatal(err)
	}
	return a
}

func request(u credential.User, signIn string) customauth.Request {
	return customauth.Request{PoolID: u.Pool, SignIn: signIn, Attributes: map[string]customauth.Secret{"sub": customauth.Hide(u.Sub)}}
}

// begin makes a challenge, and the request that its answer comes with.
func begin(t testing.TB, p passkey.RelyingParty, u credential.User, signIn string) (customauth.Request, string) {
	t.Helper()
	r := request(u, signIn)
	is, err := p.Issue(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.State = is.State
	public, err := p.Show(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return r, public["publicKey"]
}

func check(t testing.TB, p passkey.RelyingParty, r customauth.Request, answer string) bool {
	t.Helper()
	got, err := p.Check(t.Context(), r, answer)
	if err != nil {
		t.Error(err)
	}
	return got.Right
}

func TestSignIn(t *testing.T) {
	for _, origin := range []string{"https://example.com", "https://app.example.com", "https://example.net", "android:apk-key-hash:2jmj7l5rSw0yVb_vlWAYkK_YBwk"} {
		t.Run(origin, func(t *testing.T) {
			p := party(t, credential.NewMemoryStore())
			a := register(t, p, alice)
			register(t, p, alice)
			a.origin = origin
			r, options := begin(t, p, alice, "1")
			answer := a.get(t, options)
			if !check(t, p, r, answer) {
				t.Error("the right answer is refused")
			}
			if !check(t, p, r, answer) {
				t.Error("Cognito repeats the call: refused")
			}
			list, err := p.List(t.Context(), alice)
			if err != nil || len(list) != 2 {
				t.Fatalf("%d passkeys, error %v", len(list), err)
			}
		})
	}
}

// Everything that a wrong answer can be wrong in, one at a time.
func TestRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(a *authenticator)
	}{
		{"wrong origin", func(a *authenticator) { a.origin = "https://examp1e.com" }},
		{"http", func(a *authenticator) { a.origin = "http://example.com" }},
		{"another port", func(a *authenticator) { a.origin = "https://example.com:8443" }},
		{"a subdomain that is not listed", func(a *authenticator) { a.origin = "https://evil.example.com" }},
		{"another android app", func(a *authenticator) { a.origin = "android:apk-key-hash:AAAA" }},
		{"in somebody's frame", func(a *authenticator) { a.crossOrigin = true }},
		{"wrong rpId", func(a *authenticator) { a.rpID = "app.example.com" }},
		{"a registration", func(a *authenticator) { a.kind = "webauthn.create" }},
		{"another challenge", func(a *authenticator) { a.challenge = make([]byte, 32) }},
		{"an empty challenge", func(a *authenticator) { a.challenge = []byte{} }},
		{"user not verified", func(a *authenticator) { a.flags = present }},
		{"user not present", func(a *authenticator) { a.flags = verified }},
		{"signed by another key", func(a *authenticator) { a.wrongKey = true }},
		{"another credential", func(a *authenticator) { a.id = []byte("another credential of nobody") }},
		{"another user's handle", func(a *authenticator) { a.handle = bob.Hash("passkey user handle") }},
		{"no handle", func(a *authenticator) { a.handle = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := party(t, credential.NewMemoryStore())
			a := register(t, p, alice)
			r, options := begin(t, p, alice, "1")
			right := *a
			tt.change(a)
			if check(t, p, r, a.get(t, options)) {
				t.Error("passed")
			}
			if !check(t, p, r, right.get(t, options)) {
				t.Error("the right answer after it is refused")
			}
		})
	}
}

// What is no assertion at all is not right, and no error.
func TestNoise(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	a := register(t, p, alice)
	r, options := begin(t, p, alice, "1")
	whole := a.get(t, options)
	var fields map[string]any
	if err := json.Unmarshal([]byte(whole), &fields); err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) string {
		response := make(map[string]any)
		for k, v := range fields["response"].(map[string]any) {
			response[k] = v
		}
		response[name] = value
		return string(marshal(t, map[string]any{"id": fields["id"], "rawId": fields["rawId"], "type": "public-key", "response": response}))
	}
	for name, answer := range map[string]string{
		"nothing":             "",
		"cancelled":           `{"error":"NotAllowedError"}`,
		"null":                "null",
		"a list":              "[]",
		"a code":              "123456",
		"cut":                 whole[:len(whole)/2],
		"twice":               whole + whole,
		"16 KiB of noise":     strings.Repeat("\xc3\x28 {\"", 16<<10/5),
		"deep":                strings.Repeat("[", 8<<10),
		"no response":         `{"id":"AAAA","rawId":"AAAA","type":"public-key"}`,
		"no signature":        with("signature", ""),
		"short auth data":     with("authenticatorData", "AAAA"),
		"no auth data":        with("authenticatorData", nil),
		"malformed CBOR":      with("authenticatorData", b64(append(a.authData(0x80), 0xbf, 0xff, 0xff))),
		"attested, no data":   with("authenticatorData", b64(a.authData(attested))),
		"client data no JSON": with("clientDataJSON", "AAAA"),
		"client data null":    with("clientDataJSON", b64([]byte("null"))),
		"a number":            with("signature", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if check(t, p, r, answer) {
				t.Error("passed")
			}
		})
	}
	if !check(t, p, r, whole) {
		t.Error("the right answer is refused")
	}
}

// An assertion is good for its challenge, its user and a passkey that is there.
func TestReplayed(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	a := register(t, p, alice)
	r, options := begin(t, p, alice, "1")
	answer := a.get(t, options)
	if !check(t, p, r, answer) {
		t.Fatal("the right answer is refused")
	}
	later, _ := begin(t, p, alice, "2")
	if check(t, p, later, answer) {
		t.Error("passes in another sign-in")
	}
	bobs := request(bob, "1")
	bobs.State = r.State
	if check(t, p, bobs, answer) {
		t.Error("passes for another user")
	}
	altered := r
	altered.State = r.State[:31]
	if check(t, p, altered, answer) {
		t.Error("passes with a state that was cut")
	}
	list, err := p.List(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(t.Context(), alice, list[0].ID); err != nil {
		t.Fatal(err)
	}
	r, options = begin(t, p, alice, "3")
	if check(t, p, r, a.get(t, options)) {
		t.Error("passes after it was removed")
	}
}

// A counter that goes back is refused and told; a higher one passes afterwards.
func TestCounter(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	a := register(t, p, alice)
	for i, step := range []struct {
		counter uint32
		want    bool
	}{{5, true}, {6, true}, {6, false}, {3, false}, {0, false}, {7, true}} {
		r, options := begin(t, p, alice, fmt.Sprint(i))
		a.counter = step.counter
		got, err := p.Check(t.Context(), r, a.get(t, options))
		if err != nil || got.Right != step.want || errors.Is(got.Why, passkey.ErrCloned) == step.want {
			t.Errorf("answer %d, with counter %d: %+v, %v, want right = %v", i, step.counter, got, err, step.want)
		}
	}
	list, _ := p.List(t.Context(), alice)
	if !list[0].Cloned || list[0].Used.IsZero() {
		t.Errorf("listed as %+v, want it marked and used", list[0])
	}
}

// Many sign-ins with one passkey at once: those whose counter is new pass.
func TestConcurrent(t *testing.T) {
	s := credential.NewMemoryStore()
	p := party(t, s)
	a := register(t, p, alice)
	r, options := begin(t, p, alice, "1")
	answer := a.get(t, options)
	var wg sync.WaitGroup
	for range 4 {
		p := party(t, s)
		wg.Go(func() {
			if !check(t, p, r, answer) {
				t.Error("refused")
			}
		})
	}
	wg.Wait()
}

func TestRegistrationRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(a *authenticator, s *passkey.Session)
	}{
		{"wrong origin", func(a *authenticator, _ *passkey.Session) { a.origin = "https://evil.example" }},
		{"wrong rpId", func(a *authenticator, _ *passkey.Session) { a.rpID = "evil.example" }},
		{"user not verified", func(a *authenticator, _ *passkey.Session) { a.flags = present }},
		{"an assertion", func(a *authenticator, _ *passkey.Session) { a.kind = "webauthn.get" }},
		{"another challenge", func(a *authenticator, _ *passkey.Session) { a.challenge = make([]byte, 32) }},
		{"algorithm none", func(a *authenticator, _ *passkey.Session) { a.alg = 9999 }},
		{"an algorithm that was not asked for", func(a *authenticator, _ *passkey.Session) { a.alg = -35 }},
		{"an attestation that is not there", func(a *authenticator, _ *passkey.Session) { a.attestation = "packed" }},
		{"in somebody's frame", func(a *authenticator, _ *passkey.Session) { a.crossOrigin = true }},
		{"an id of 2 KiB", func(a *authenticator, _ *passkey.Session) { a.id = make([]byte, 2048) }},
		{"another user's session", func(_ *authenticator, s *passkey.Session) { s.Handle = bob.Hash("passkey user handle") }},
		{"expired", func(_ *authenticator, s *passkey.Session) { s.Expires = time.Now().Add(-time.Second) }},
		{"without an end", func(_ *authenticator, s *passkey.Session) { s.Expires = time.Time{} }},
		{"no session", func(_ *authenticator, s *passkey.Session) { *s = passkey.Session{} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, a := party(t, credential.NewMemoryStore()), newAuthenticator(t)
			options, s, err := p.Begin(t.Context(), alice, "alice", "Alice")
			if err != nil {
				t.Fatal(err)
			}
			tt.change(a, &s)
			if _, err := p.Finish(t.Context(), alice, s, "", a.create(t, options)); !errors.Is(err, passkey.ErrResponse) {
				t.Errorf("error %v, want ErrResponse", err)
			}
			if list, err := p.List(t.Context(), alice); len(list) != 0 || err != nil {
				t.Errorf("%d passkeys, error %v", len(list), err)
			}
		})
	}
	for name, response := range map[string]string{"nothing": "", "null": "null", "noise": strings.Repeat("\x00", 16<<10), "too long": strings.Repeat(" ", 16<<10+1)} {
		p := party(t, credential.NewMemoryStore())
		_, s, err := p.Begin(t.Context(), alice, "alice", "Alice")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Finish(t.Context(), alice, s, "", []byte(response)); !errors.Is(err, passkey.ErrResponse) {
			t.Errorf("%s: error %v, want ErrResponse", name, err)
		}
	}
}

func TestOptions(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	a := register(t, p, alice)
	options, _, err := p.Begin(t.Context(), alice, "alice@example.com", "Alice")
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		RP                     struct{ ID, Name string }
		User                   struct{ ID, Name, DisplayName string }
		Attestation            string
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
		ExcludeCredentials     []struct{ ID string }
		PubKeyCredParams       []struct{ Alg int }
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", o)
	want := fmt.Sprintf("{RP:{ID:example.com Name:Example} User:{ID:%s Name:alice@example.com DisplayName:Alice} Attestation:none "+
		"AuthenticatorSelection:{ResidentKey:required UserVerification:required} ExcludeCredentials:[{ID:%s}] PubKeyCredParams:[{Alg:-7} {Alg:-8} {Alg:-257}]}",
		b64(alice.Hash("passkey user handle")), b64(a.id))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("creation options (-want +got):\n%s", diff)
	}
	doc, err := p.WellKnown()
	if want := `{"origins":["https://example.com","https://app.example.com","https://example.net"]}`; string(doc) != want || err != nil {
		t.Errorf("WellKnown = %s, %v, want %s", doc, err, want)
	}
}

func TestManage(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	for range 16 {
		register(t, p, alice)
	}
	if _, _, err := p.Begin(t.Context(), alice, "alice", "Alice"); !errors.Is(err, passkey.ErrTooMany) {
		t.Errorf("a 17th: error %v, want ErrTooMany", err)
	}
	list, err := p.List(t.Context(), alice)
	if err != nil || len(list) != 16 {
		t.Fatalf("%d passkeys, error %v", len(list), err)
	}
	if err := p.Rename(t.Context(), alice, list[3].ID, "\u202ework\n laptop "+strings.Repeat("é", 64)); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(t.Context(), alice, list[4].ID); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another user's": p.Remove(t.Context(), bob, list[3].ID),
		"gone":           p.Remove(t.Context(), alice, list[4].ID),
		"gone, renamed":  p.Rename(t.Context(), alice, list[4].ID, "x"),
	} {
		if !errors.Is(err, passkey.ErrNotThere) {
			t.Errorf("%s: error %v, want ErrNotThere", name, err)
		}
	}
	after, err := p.List(t.Context(), alice)
	if err != nil || len(after) != 15 {
		t.Fatalf("%d passkeys, error %v", len(after), err)
	}
	for _, k := range after {
		if k.ID == list[3].ID && (!strings.HasPrefix(k.Name, "work laptop é") || len(k.Name) > 64) {
			t.Errorf("renamed to %q", k.Name)
		}
	}
}

func options(p passkey.RelyingParty) customauth.Options {
	return customauth.Options{
		Keys:   []customauth.Secret{customauth.Hide("0123456789abcdefghijklmnopqrstuv")},
		Steps:  []customauth.Step{{Name: "passkey", Challenge: p}},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func TestConfiguration(t *testing.T) {
	v := party(t, credential.NewMemoryStore()).Credentials
	for says, p := range map[string]passkey.RelyingParty{
		"Credentials is required":    {ID: "example.com", Origins: []string{"https://example.com"}},
		"ID is required":             {Credentials: v, Origins: []string{"https://example.com"}},
		"Origins is required":        {Credentials: v, ID: "example.com"},
		"must be https":              {Credentials: v, ID: "example.com", Origins: []string{"http://example.com"}},
		"must be a scheme, a host":   {Credentials: v, ID: "example.com", Origins: []string{"https://example.com/"}},
		"and nothing else":           {Credentials: v, ID: "example.com", Origins: []string{"https://*.example.com"}},
		"TTL must be from 1s to 10m": {Credentials: v, ID: "example.com", Origins: []string{"https://example.com"}, TTL: time.Hour},
		"RPID":                       {Credentials: v, ID: "https://example.com", Origins: []string{"https://example.com"}},
	} {
		if _, err := customauth.NewVerify(options(p)); !errors.Is(err, customauth.ErrOptions) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

// Through the handlers: in one of several ways, where State is shared; and an unknown
// user, and one without a passkey, see what anybody sees.
func TestHandlers(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	a := register(t, p, alice)
	o := options(p)
	o.Steps = []customauth.Step{{Name: "proof", Challenge: customauth.OneOf{Ways: []customauth.Step{{Name: "passkey", Challenge: p}, {Name: "sms", Challenge: customauth.OTP{}}}}}}
	o.Senders = map[string]customauth.Sender{"SMS": customauth.SenderFunc(func(context.Context, customauth.Message) error { return nil })}
	for name, o := range map[string]customauth.Options{"alone": options(p), "a way": o} {
		t.Run(name, func(t *testing.T) { handlers(t, o, a) })
	}
}

func handlers(t *testing.T, o customauth.Options, a *authenticator) {
	create, err := customauth.NewCreate(o)
	if err != nil {
		t.Fatal(err)
	}
	verify, err := customauth.NewVerify(o)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name, sub string) (map[string]string, bool) {
		header := events.CognitoEventUserPoolsHeader{UserPoolID: pool, UserName: name, CallerContext: events.CognitoEventUserPoolsCallerContext{ClientID: "app"}}
		ask := events.CognitoEventUserPoolsCreateAuthChallenge{CognitoEventUserPoolsHeader: header}
		ask.Request.ChallengeName = "CUSTOM_CHALLENGE"
		ask.Request.UserAttributes = map[string]string{"sub": sub}
		ask.Request.UserNotFound = sub == ""
		made, err := create(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		public := made.Response.PublicChallengeParameters
		check := events.CognitoEventUserPoolsVerifyAuthChallenge{CognitoEventUserPoolsHeader: header}
		check.Request.UserAttributes, check.Request.UserNotFound = ask.Request.UserAttributes, sub == ""
		check.Request.PrivateChallengeParameters = made.Response.PrivateChallengeParameters
		check.Request.ChallengeAnswer = a.get(t, public["publicKey"])
		got, err := verify(t.Context(), check)
		if err != nil {
			t.Fatal(err)
		}
		for _, random := range []string{"expiresAt", "publicKey"} {
			if public[random] == "" {
				t.Errorf("no parameter %s", random)
			}
			delete(public, random)
		}
		return public, got.Response.AnswerCorrect
	}
	want, ok := sign("alice", alice.Sub)
	if !ok {
		t.Error("the right answer is refused")
	}
	for _, sub := range []string{"", bob.Sub} {
		got, ok := sign("nobody"+sub, sub)
		if diff := cmp.Diff(want, got); diff != "" || ok {
			t.Errorf("passed: %v; sees (-known +this):\n%s", ok, diff)
		}
	}
}

// failing is a store that is down.
type failing struct{ credential.Store }

func (failing) List(context.Context, string, string) ([]credential.Item, error) {
	return nil, errors.New("no answer")
}

func TestStoreIsDown(t *testing.T) {
	p := party(t, failing{})
	if got, err := p.Check(t.Context(), request(alice, "1"), "{}"); got.Right || err == nil {
		t.Errorf("right = %v, error %v", got.Right, err)
	}
	if _, err := p.Issue(t.Context(), request(alice, "1")); err == nil {
		t.Error("Issue: no error")
	}
}

func FuzzAnswer(f *testing.F) {
	p := party(f, credential.NewMemoryStore())
	a := register(f, p, alice)
	r, options := begin(f, p, alice, "1")
	whole := a.get(f, options)
	f.Add(whole)
	f.Add(`{"error":"NotAllowedError"}`)
	f.Add(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AAAA","signature":"AAAA","userHandle":"AAAA"}}`)
	r.State = strings.Repeat("\x01", 32) // so that not even the seed is right
	f.Fuzz(func(t *testing.T, answer string) {
		if check(t, p, r, answer) {
			t.Error("passed")
		}
	})
}

func FuzzRegistration(f *testing.F) {
	p, a := party(f, credential.NewMemoryStore()), newAuthenticator(f)
	options, s, err := p.Begin(f.Context(), alice, "alice", "Alice")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.create(f, options))
	f.Add([]byte("null"))
	s.Challenge = make([]byte, 32) // so that not even the seed is right
	f.Fuzz(func(t *testing.T, response []byte) {
		if _, err := p.Finish(t.Context(), alice, s, "", response); !errors.Is(err, passkey.ErrResponse) {
			t.Errorf("error %v, want ErrResponse", err)
		}
	})
}

// What somebody else wrote under the kind is an error, and no panic.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"id":"AAAA","key":"AAAA"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := party(t, credential.NewMemoryStore())
		if _, err := p.Credentials.Put(t.Context(), alice, passkey.Kind, credential.Record{Data: customauth.Hide(string(data))}); err != nil {
			t.Skip()
		}
		a := newAuthenticator(t)
		a.handle = alice.Hash("passkey user handle")
		if got, _ := p.Check(t.Context(), request(alice, "1"), a.get(t, `{"challenge":"AAAA"}`)); got.Right {
			t.Error("passed")
		}
	})
}
