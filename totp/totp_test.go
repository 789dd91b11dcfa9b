package totp_test

import (
	"context"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"image/png"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/totp"
)

const pool = "eu-west-1_Ab1Cd2Ef3"

var (
	alice = credential.User{Pool: pool, Sub: "11111111-1111-4111-8111-111111111111"}
	bob   = credential.User{Pool: pool, Sub: "22222222-2222-4222-8222-222222222222"}
	key   = customauth.Hide("0123456789abcdef0123456789abcdef")
)

func codes(t testing.TB, s credential.Store, keys ...customauth.Secret) totp.Codes {
	t.Helper()
	v, err := credential.New(s, append(keys, key))
	if err != nil {
		t.Fatal(err)
	}
	c := totp.Codes{Issuer: "Example", Credentials: v, Store: customauth.NewMemoryStore()}
	if fips140.Enforced() {
		c.Algorithm = "SHA256"
	}
	return c
}

var hashes = map[string]func() hash.Hash{"": sha1.New, "SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}

// code is RFC 6238 once more, from the RFC alone.
func code(t testing.TB, secret customauth.Secret, at time.Time, algorithm string, digits int) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(hashes[algorithm], raw)
	binary.Write(h, binary.BigEndian, at.Unix()/30)
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	if digits == 8 {
		return fmt.Sprintf("%08d", n%100_000_000)
	}
	return fmt.Sprintf("%06d", n%1_000_000)
}

// The other implementation is right: RFC 6238, appendix B.
func TestOtherImplementation(t *testing.T) {
	if fips140.Enforced() {
		t.Skip("no SHA-1")
	}
	secret := customauth.Hide(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 2000000000: "69279037"} {
		if got := code(t, secret, time.Unix(at, 0), "SHA1", 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func enrol(t testing.TB, c totp.Codes, u credential.User) customauth.Secret {
	t.Helper()
	e, err := c.Begin(t.Context(), u, "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	finish(t, c, u, e.Secret)
	return e.Secret
}

func finish(t testing.TB, c totp.Codes, u credential.User, secret customauth.Secret) {
	t.Helper()
	if _, err := c.Finish(t.Context(), u, secret, "phone", code(t, secret, time.Now(), c.Algorithm, c.Digits)); err != nil {
		t.Fatal(err)
	}
}

// another is a code of the app for another time. It is none of those that are right now.
func another(t testing.TB, secret customauth.Secret, algorithm string) string {
	t.Helper()
	now := time.Now()
	for at := now.Add(time.Hour); ; at = at.Add(30 * time.Second) {
		other := code(t, secret, at, algorithm, 6)
		right := false
		for _, step := range []time.Duration{-30 * time.Second, 0, 30 * time.Second} {
			right = right || other == code(t, secret, now.Add(step), algorithm, 6)
		}
		if !right {
			return other
		}
	}
}

func request(u credential.User, signIn string) customauth.Request {
	return customauth.Request{PoolID: u.Pool, SignIn: signIn, Proved: true, Attributes: map[string]customauth.Secret{"sub": customauth.Hide(u.Sub)}}
}

// bubble runs a test in simulated time. Go's random source of FIPS-only mode measures
// real time, and fails in it.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("no random bytes in simulated time")
	}
	synctest.Test(t, test)
}

func check(t testing.TB, c totp.Codes, r customauth.Request, answer string) bool {
	t.Helper()
	got, err := c.Check(t.Context(), r, answer)
	if err != nil {
		t.Error(err)
	}
	return got.Right
}

// Each code is right from 30 seconds before it is shown to 30 seconds after, once.
func TestCheck(t *testing.T) {
	for _, kind := range []struct {
		algorithm string
		digits    int
	}{{"", 0}, {"SHA1", 6}, {"SHA256", 8}, {"SHA512", 6}} {
		if fips140.Enforced() && (kind.algorithm == "" || kind.algorithm == "SHA1") {
			continue
		}
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := codes(t, credential.NewMemoryStore())
				c.Algorithm, c.Digits = kind.algorithm, kind.digits
				// With this secret no two of the codes are the same: the time is always the same, too.
				secret := customauth.Hide("WBKHZ37LLDQYZFWS7C2DKFT26ODXVBAG")
				finish(t, c, alice, secret)
				at := func(steps int) string {
					return code(t, secret, time.Now().Add(time.Duration(steps)*30*time.Second), kind.algorithm, kind.digits)
				}
				for _, tt := range []struct {
					name, signIn, answer string
					want                 bool
				}{
					{"two steps ago", "1", at(-2), false},
					{"two steps ahead", "1", at(2), false},
					{"now", "1", at(0), true},
					{"Cognito repeats the call", "1", at(0), true},
					{"the same in another sign-in", "2", at(0), false},
					{"the step before", "2", at(-1), true},
					{"the next step, as people type it", "3", at(1)[:3] + " " + at(1)[3:] + "\n", true},
					{"the next step again", "4", at(1), false},
					{"nothing", "4", "", false},
					{"a digit less", "4", at(0)[1:], false},
					{"letters", "4", "abcdef", false},
					{"noise", "4", strings.Repeat("\xff\x00", 8<<10), false},
					{"another user", "4", "000000000", false},
				} {
					if got := check(t, c, request(alice, tt.signIn), tt.answer); got != tt.want {
						t.Errorf("%s: right = %v, want %v", tt.name, got, tt.want)
					}
				}
				if check(t, c, request(bob, "5"), at(0)) {
					t.Error("passes for another user")
				}
				time.Sleep(time.Minute)
				if !check(t, c, request(alice, "6"), at(0)) {
					t.Error("a new code is refused")
				}
			})
		})
	}
}

// Of 200 sign-ins that use one code at once, one passes, and passes again.
func TestOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := codes(t, credential.NewMemoryStore())
		secret := enrol(t, c, alice)
		answer := code(t, secret, time.Now(), c.Algorithm, 6)
		var mu sync.Mutex
		var passed []string
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				if signIn := fmt.Sprint(i); check(t, c, request(alice, signIn), answer) {
					mu.Lock()
					passed = append(passed, signIn)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(passed) != 1 || !check(t, c, request(alice, passed[0]), answer) {
			t.Errorf("sign-ins %v passed, want one, and again", passed)
		}
	})
}

// Where nothing was proved before, the step asks nobody, unless InsecureAlone is set.
func TestAlone(t *testing.T) {
	c := codes(t, credential.NewMemoryStore())
	r := request(alice, "1")
	r.Proved = false
	if _, err := c.Issue(t.Context(), r); err == nil || !strings.Contains(err.Error(), "InsecureAlone") {
		t.Errorf("error %v, want one that names InsecureAlone", err)
	}
	if _, err := c.Issue(t.Context(), request(alice, "1")); err != nil {
		t.Errorf("behind another step: %v", err)
	}
	c.InsecureAlone = true
	if is, err := c.Issue(t.Context(), r); err != nil || is.Nobody == nil || is.Unguessable {
		t.Errorf("%+v, error %v", is, err)
	}
	enrol(t, c, alice)
	if is, err := c.Issue(t.Context(), r); err != nil || is.Nobody != nil {
		t.Errorf("enrolled: Nobody %v, error %v", is.Nobody, err)
	}
}

// The record is sealed anew after the keys were rotated.
func TestRotation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := credential.NewMemoryStore()
		secret := enrol(t, codes(t, s), alice)
		fresh := customauth.Hide("fedcba9876543210fedcba9876543210")
		c := codes(t, s, fresh)
		if !check(t, c, request(alice, "1"), code(t, secret, time.Now(), c.Algorithm, 6)) {
			t.Fatal("refused")
		}
		v, err := credential.New(s, []customauth.Secret{fresh})
		if err != nil {
			t.Fatal(err)
		}
		c.Credentials = v
		if list, err := c.List(t.Context(), alice); len(list) != 1 || err != nil {
			t.Errorf("with the new key alone: %d apps, error %v", len(list), err)
		}
	})
}

func TestEnrol(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := codes(t, credential.NewMemoryStore())
		e, err := c.Begin(t.Context(), alice, "alice@example.com")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(e.URI.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		got := []string{u.Scheme, u.Host, u.Path, q.Get("issuer"), q.Get("period"), q.Get("digits"), q.Get("algorithm")}
		want := []string{"otpauth", "totp", "/Example:alice@example.com", "Example", "30", "6", or(c.Algorithm, "SHA1")}
		if diff := cmp.Diff(want, got); diff != "" || q.Get("secret") != e.Secret.Reveal() {
			t.Errorf("URI (-want +got):\n%s", diff)
		}
		image, err := png.Decode(strings.NewReader(e.QR.Reveal()))
		if err != nil || image.Bounds().Dx() != 256 {
			t.Errorf("QR: %v", err)
		}
		held := struct{ e totp.Enrolment }{e}
		if printed := fmt.Sprintf("%v %+v %#v %v %+v", e, e, e, held, held); strings.Contains(printed, e.Secret.Reveal()) {
			t.Error("an enrolment prints its secret")
		}
		for _, wrong := range []string{"", "abcdef", another(t, e.Secret, c.Algorithm)} {
			if _, err := c.Finish(t.Context(), alice, e.Secret, "", wrong); !errors.Is(err, totp.ErrCode) {
				t.Errorf("wrong code: error %v, want ErrCode", err)
			}
		}
		right := code(t, e.Secret, time.Now(), c.Algorithm, 6)
		if _, err := c.Finish(t.Context(), alice, e.Secret, "phone", right); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Finish(t.Context(), alice, e.Secret, "phone", right); err == nil {
			t.Error("the same secret twice: no error")
		}
		if _, err := c.Finish(t.Context(), alice, customauth.Hide("AAAA"), "phone", right); err == nil {
			t.Error("a short secret: no error")
		}
		enrol(t, c, alice)
		enrol(t, c, alice)
		if _, err := c.Begin(t.Context(), alice, "alice"); !errors.Is(err, totp.ErrTooMany) {
			t.Errorf("a fourth: error %v, want ErrTooMany", err)
		}
		list, err := c.List(t.Context(), alice)
		if err != nil || len(list) != 3 || list[0].Name != "phone" {
			t.Fatalf("%+v, error %v", list, err)
		}
		if err := c.Rename(t.Context(), alice, list[0].ID, " old\u202e phone\n"); err != nil {
			t.Error(err)
		}
		if list, err := c.List(t.Context(), alice); err != nil || list[0].Name != "old phone" {
			t.Errorf("renamed: %+v, error %v", list, err)
		}
		if !check(t, c, request(alice, "0"), right) {
			t.Error("a renamed app does not pass")
		}
		for what, err := range map[string]error{
			"removing another user's":        c.Remove(t.Context(), bob, list[0].ID),
			"renaming another user's":        c.Rename(t.Context(), bob, list[0].ID, "x"),
			"renaming one that is no longer": c.Rename(t.Context(), alice, "x", "x"),
		} {
			if !errors.Is(err, totp.ErrNotThere) {
				t.Errorf("%s: error %v, want ErrNotThere", what, err)
			}
		}
		for _, a := range list {
			if err := c.Remove(t.Context(), alice, a.ID); err != nil {
				t.Error(err)
			}
		}
		if check(t, c, request(alice, "1"), right) {
			t.Error("passes after it was removed")
		}
	})
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func TestConfiguration(t *testing.T) {
	whole := codes(t, credential.NewMemoryStore())
	for says, change := range map[string]func(c *totp.Codes){
		"Credentials is required":      func(c *totp.Codes) { c.Credentials = nil },
		"Store is required":            func(c *totp.Codes) { c.Store = nil },
		"Algorithm must be":            func(c *totp.Codes) { c.Algorithm = "MD5" },
		"Digits must be 6 or 8, not 4": func(c *totp.Codes) { c.Digits = 4 },
		"TTL must be from 1s to 10m":   func(c *totp.Codes) { c.TTL = time.Hour },
	} {
		c := whole
		change(&c)
		_, err := customauth.NewVerify(customauth.Options{
			Keys:   []customauth.Secret{key},
			Steps:  []customauth.Step{customauth.Password(), {Name: "totp", Challenge: c}},
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		if !errors.Is(err, customauth.ErrOptions) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

// In FIPS-only mode SHA-1 is refused by the constructor, not by a panic at a sign-in.
func TestFIPS(t *testing.T) {
	c := codes(t, credential.NewMemoryStore())
	c.Algorithm = ""
	_, err := c.Issue(t.Context(), customauth.Request{Probe: true, Proved: true})
	if fips140.Enforced() != (err != nil) {
		t.Errorf("FIPS only: %v, error %v", fips140.Enforced(), err)
	}
}

// down is a counter store that is down.
type down struct{ customauth.Store }

func (down) Update(context.Context, string, ...customauth.Op) ([]customauth.Found, error) {
	return nil, errors.New("no answer")
}

func TestStoreIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := codes(t, credential.NewMemoryStore())
		secret := enrol(t, c, alice)
		c.Store = down{}
		got, err := c.Check(t.Context(), request(alice, "1"), code(t, secret, time.Now(), c.Algorithm, 6))
		if got.Right || err == nil {
			t.Errorf("right = %v, error %v", got.Right, err)
		}
	})
}

// No answer passes but the digits that the app shows, one step to either side.
func FuzzAnswer(f *testing.F) {
	f.Add("123456")
	f.Add("\u0661\u0662\u0663\u0664\u0665\u0666")
	f.Add("")
	f.Fuzz(func(t *testing.T, answer string) {
		c := codes(t, credential.NewMemoryStore())
		secret := enrol(t, c, alice)
		began := time.Now()
		if !check(t, c, request(alice, "1"), answer) {
			return
		}
		digits := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, answer)
		for d := -1; d <= 2; d++ { // one more: time goes on
			if digits == code(t, secret, began.Add(time.Duration(d)*30*time.Second), c.Algorithm, 6) {
				return
			}
		}
		if strings.IndexFunc(digits, func(r rune) bool { return r > '9' }) < 0 { // ASCII digits alone
			t.Error("passed")
		}
	})
}

// What somebody else wrote under the kind is an error, and no panic.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"secret":"AAAA","algorithm":"SHA1","digits":6}`))
	f.Add([]byte(`{"secret":"AAAAAAAAAAAAAAAAAAAAAAAAAA","algorithm":"SHA256","digits":8}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := codes(t, credential.NewMemoryStore())
		if _, err := c.Credentials.Put(t.Context(), alice, totp.Kind, credential.Record{Data: customauth.Hide(string(data))}); err != nil {
			t.Skip()
		}
		if got, _ := c.Check(t.Context(), request(alice, "1"), "not a code"); got.Right {
			t.Error("passed")
		}
	})
}

// Through the handlers: an unknown user, and one without an app, see what anybody sees.
func TestHandlers(t *testing.T) {
	c := codes(t, credential.NewMemoryStore())
	c.InsecureAlone = true
	secret := enrol(t, c, alice)
	o := customauth.Options{
		Keys:   []customauth.Secret{customauth.Hide("0123456789abcdefghijklmnopqrstuv")},
		Steps:  []customauth.Step{{Name: "totp", Challenge: c}},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
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
		check := events.CognitoEventUserPoolsVerifyAuthChallenge{CognitoEventUserPoolsHeader: header}
		check.Request.UserAttributes, check.Request.UserNotFound = ask.Request.UserAttributes, sub == ""
		check.Request.PrivateChallengeParameters = made.Response.PrivateChallengeParameters
		check.Request.ChallengeAnswer = code(t, secret, time.Now(), c.Algorithm, 6)
		got, err := verify(t.Context(), check)
		if err != nil {
			t.Fatal(err)
		}
		delete(made.Response.PublicChallengeParameters, "expiresAt")
		return made.Response.PublicChallengeParameters, got.Response.AnswerCorrect
	}
	want, ok := sign("alice", alice.Sub)
	if !ok {
		t.Error("the right code is refused")
	}
	for _, sub := range []string{"", bob.Sub} {
		got, ok := sign("nobody"+sub, sub)
		if diff := cmp.Diff(want, got); diff != "" || ok {
			t.Errorf("passed: %v; sees (-known +this):\n%s", ok, diff)
		}
	}
}
