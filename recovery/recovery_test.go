package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/recovery"
)

const (
	pool = "eu-west-1_Ab1Cd2Ef3"
	sub  = "11111111-1111-4111-8111-111111111111"
)

var user = credential.User{Pool: pool, Sub: sub}

func open(t testing.TB, s credential.Store) recovery.Codes {
	t.Helper()
	v, err := credential.New(s, []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return recovery.Codes{Credentials: v}
}

func generate(t testing.TB, c recovery.Codes) []customauth.Secret {
	t.Helper()
	codes, err := c.Generate(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

func request(signIn string) customauth.Request {
	return customauth.Request{PoolID: pool, SignIn: signIn, Attributes: map[string]customauth.Secret{"sub": customauth.Hide(sub)}}
}

func right(t testing.TB, c recovery.Codes, signIn, answer string) bool {
	t.Helper()
	got, err := c.Check(t.Context(), request(signIn), answer)
	if err != nil {
		t.Error(err)
	}
	return got.Right
}

func TestGenerate(t *testing.T) {
	codes := generate(t, open(t, credential.NewMemoryStore()))
	seen := make(map[string]bool)
	for _, code := range codes {
		text := code.Reveal()
		if seen[text] || !regexp.MustCompile(`^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$`).MatchString(text) {
			t.Error("a code that is there twice, or does not look like ABCD-EFGH-IJKL-MNOP")
		}
		seen[text] = true
	}
	if len(codes) != 10 {
		t.Errorf("%d codes, want 10", len(codes))
	}
}

func TestCheck(t *testing.T) {
	c := open(t, credential.NewMemoryStore())
	codes := generate(t, c)
	tests := []struct {
		name, signIn, answer string
		want                 bool
	}{
		{"right", "1", codes[0].Reveal(), true},
		{"the same call again", "1", codes[0].Reveal(), true},
		{"used by another sign-in", "2", codes[0].Reveal(), false},
		{"small letters, without dashes", "2", strings.ToLower(strings.ReplaceAll(codes[1].Reveal(), "-", "")), true},
		{"spaces", "3", " " + strings.ReplaceAll(codes[2].Reveal(), "-", " ") + "\n", true},
		{"misread", "4", strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(codes[3].Reveal()), true},
		{"nothing", "5", "", false},
		{"dashes", "5", "---", false},
		{"half", "5", codes[5].Reveal()[:9], false},
		{"two codes", "5", codes[5].Reveal() + codes[6].Reveal(), false},
		{"noise", "5", strings.Repeat("\x01", 16<<10), false},
		{"not UTF-8", "5", "\xff\xfe", false},
		{"without a sign-in", "", codes[5].Reveal(), false},
	}
	for _, tt := range tests {
		if got := right(t, c, tt.signIn, tt.answer); got != tt.want {
			t.Errorf("%s: right = %v, want %v", tt.name, got, tt.want)
		}
	}
	if left, err := c.Left(t.Context(), user); left != 6 || err != nil {
		t.Errorf("%d codes left, error %v, want 6", left, err)
	}
}

// The codes of one user, or of a set that was replaced or removed, are nobody else's.
func TestGone(t *testing.T) {
	c := open(t, credential.NewMemoryStore())
	old := generate(t, c)
	other := request("1")
	other.Attributes = map[string]customauth.Secret{"sub": customauth.Hide("22222222-2222-4222-8222-222222222222")}
	if got, err := c.Check(t.Context(), other, old[0].Reveal()); got.Right || err != nil {
		t.Errorf("another user's code: right = %v, error %v", got.Right, err)
	}
	fresh := generate(t, c)
	if right(t, c, "1", old[0].Reveal()) || !right(t, c, "1", fresh[0].Reveal()) {
		t.Error("after Generate the old codes must not work, and the new ones must")
	}
	if err := c.Remove(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if right(t, c, "1", fresh[1].Reveal()) || right(t, c, "1", fresh[0].Reveal()) {
		t.Error("a code works after Remove")
	}
}

// Of 200 sign-ins that use one code at once, one passes, and passes again.
func TestOnce(t *testing.T) {
	s := credential.NewMemoryStore()
	code := generate(t, open(t, s))[4].Reveal()
	var mu sync.Mutex
	var passed []string
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 200 {
		c := open(t, s) // each in a process of its own
		wg.Go(func() {
			<-start
			if signIn := fmt.Sprint(i); right(t, c, signIn, code) {
				mu.Lock()
				passed = append(passed, signIn)
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	if len(passed) != 1 || !right(t, open(t, s), passed[0], code) {
		t.Errorf("sign-ins %v passed, want one, and again", passed)
	}
}

// Ten codes at once in ten sign-ins all pass: none gets in another's way for good.
func TestAllAtOnce(t *testing.T) {
	s := credential.NewMemoryStore()
	codes := generate(t, open(t, s))
	var wg sync.WaitGroup
	for i, code := range codes {
		c := open(t, s)
		wg.Go(func() {
			if !right(t, c, fmt.Sprint(i), code.Reveal()) {
				t.Errorf("code %d is refused", i)
			}
		})
	}
	wg.Wait()
	if left, _ := open(t, s).Left(t.Context(), user); left != 0 {
		t.Errorf("%d codes left, want 0", left)
	}
}

func TestWarning(t *testing.T) {
	c := open(t, credential.NewMemoryStore())
	codes := generate(t, c)
	show := func(proved bool) map[string]string {
		r := request("1")
		r.Proved = proved
		is, err := c.Issue(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		r.State = is.State
		public, err := c.Show(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return public
	}
	stranger := request("1")
	stranger.State = "1"
	if got, err := c.Show(t.Context(), stranger); len(got) > 0 || err != nil {
		t.Errorf("nothing proved, whatever the state says: the app is shown %v, error %v", got, err)
	}
	for i, code := range codes {
		left := 10 - i
		var want map[string]string
		if left <= 3 {
			want = map[string]string{"recoveryCodesLeft": fmt.Sprint(left)}
		}
		if diff := cmp.Diff(want, show(true)); diff != "" {
			t.Errorf("%d left (-want +got):\n%s", left, diff)
		}
		if got := show(false); len(got) > 0 {
			t.Errorf("%d left, nothing proved: the app is shown %v", left, got)
		}
		right(t, c, fmt.Sprint(i), code.Reveal())
	}
}

// failing is a store that is down.
type failing struct{ credential.Store }

func (failing) List(context.Context, string, string) ([]credential.Item, error) {
	return nil, errors.New("no answer")
}

func TestStoreIsDown(t *testing.T) {
	c := open(t, failing{})
	if got, err := c.Check(t.Context(), request("1"), "ABCD"); got.Right || err == nil {
		t.Errorf("right = %v, error %v", got.Right, err)
	}
	if _, err := c.Issue(t.Context(), request("1")); err == nil {
		t.Error("Issue: no error")
	}
	if _, err := c.Generate(t.Context(), user); err == nil {
		t.Error("Generate: no error")
	}
}

func TestRefused(t *testing.T) {
	whole := open(t, credential.NewMemoryStore())
	for says, c := range map[string]recovery.Codes{
		"Credentials is required":   {},
		"Few must be from 1 to 10":  {Credentials: whole.Credentials, Few: 11},
		"TTL must be from 1s to 10": {Credentials: whole.Credentials, TTL: 3600e9},
	} {
		_, err := customauth.NewVerify(options(c))
		if !errors.Is(err, customauth.ErrOptions) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

func options(c recovery.Codes) customauth.Options {
	return customauth.Options{
		Keys:   []customauth.Secret{customauth.Hide("0123456789abcdefghijklmnopqrstuv")},
		Steps:  []customauth.Step{{Name: "recovery", Challenge: c}},
		Store:  customauth.NewMemoryStore(),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// Through the handlers: an unknown user and one without codes see what anybody sees.
func TestHandlers(t *testing.T) {
	c := open(t, credential.NewMemoryStore())
	codes := generate(t, c)
	o := options(c)
	create, err := customauth.NewCreate(o)
	if err != nil {
		t.Fatal(err)
	}
	verify, err := customauth.NewVerify(o)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name, sub, answer string) (map[string]string, bool) {
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
		check.Request.ChallengeAnswer = answer
		got, err := verify(t.Context(), check)
		if err != nil {
			t.Fatal(err)
		}
		delete(made.Response.PublicChallengeParameters, "expiresAt")
		return made.Response.PublicChallengeParameters, got.Response.AnswerCorrect
	}
	want, ok := sign("alice", sub, codes[0].Reveal())
	if !ok {
		t.Error("the right code is refused")
	}
	if _, ok := sign("alice", sub, codes[0].Reveal()); ok {
		t.Error("a used code passes in another sign-in")
	}
	for _, sub := range []string{"", "22222222-2222-4222-8222-222222222222"} {
		got, ok := sign("nobody"+sub, sub, codes[1].Reveal())
		if diff := cmp.Diff(want, got); diff != "" || ok {
			t.Errorf("passed: %v; sees (-known +this):\n%s", ok, diff)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	c := open(f, credential.NewMemoryStore())
	codes := generate(f, c)
	valid := make(map[string]bool)
	for _, code := range codes {
		valid[strings.ReplaceAll(code.Reveal(), "-", "")] = true
	}
	f.Add("ABCD-EFGH-IJKL-MNOP")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, answer string) {
		if right(t, c, "1", answer) {
			t.Error("an answer that is none of the codes is right")
		}
	})
}

// What somebody else wrote under the kind is an error, and no panic.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{``, `null`, `{}`, `{"codes":[{}]}`, `{"salt":"AA==","codes":[{"hash":null}]}`, `{"codes":[{},{},{},{},{},{},{},{},{},{},{}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := open(t, credential.NewMemoryStore())
		if _, err := c.Credentials.Put(t.Context(), user, recovery.Kind, credential.Record{ID: "codes", Data: customauth.Hide(string(data))}); err != nil {
			t.Skip()
		}
		if got, _ := c.Check(t.Context(), request("1"), "ABCD-EFGH-IJKL-MNOP"); got.Right {
			t.Error("passed")
		}
		c.Issue(t.Context(), request("1"))
	})
}
