package main_test

// The user's own test: the quick start, compiled, signs somebody in. It stands in
// a module outside of the tree, where only what is published can be imported.

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const phone = "+12065550100"

func TestSignIn(t *testing.T) {
	binary := os.Getenv("BOOTSTRAP")
	if binary == "" {
		t.Fatal("BOOTSTRAP does not name the compiled quick start")
	}
	sns := newSNS(t)
	function, err := cognitotest.StartFunction(binary, cognitotest.FunctionOptions{
		Env: []string{
			"CUSTOMAUTH_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", // 32 bytes, for this test
			"AWS_ENDPOINT_URL_SNS=" + sns.url,
		},
		Output: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer function.Close()
	pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: function}})
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	signIn, err := pool.SignIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	code := sns.code(t)

	if err := signIn.Answer(t.Context(), not(code), nil); err != nil {
		t.Fatal(err)
	}
	if signIn.Done() || signIn.Parameters["errorCode"] != "wrong_code" {
		t.Fatalf("a wrong code: tokens %t, errorCode %q; want no tokens and wrong_code", signIn.Done(), signIn.Parameters["errorCode"])
	}
	if n := sns.sent.Load(); n != 1 {
		t.Errorf("texts after a wrong code: %d, want 1", n)
	}

	if err := signIn.Answer(t.Context(), code, nil); err != nil {
		t.Fatal(err)
	}
	if !signIn.Done() || signIn.Tokens().AccessToken == "" {
		t.Error("the right code brought no access token")
	}
}

// An sns stands for Amazon SNS: it takes texts, and keeps the last.
type sns struct {
	url  string
	sent atomic.Int32
	text atomic.Pointer[string]
}

func newSNS(t *testing.T) *sns {
	s := &sns{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost { // the connection is opened beforehand
			return
		}
		if r.FormValue("Action") != "Publish" || r.FormValue("PhoneNumber") != phone {
			http.Error(w, "not a text to the user", http.StatusBadRequest)
			return
		}
		text := r.FormValue("Message")
		s.text.Store(&text)
		s.sent.Add(1)
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

func (s *sns) code(t *testing.T) string {
	t.Helper()
	text := s.text.Load()
	if text == nil {
		t.Fatal("no text was sent")
	}
	code := sixDigits.FindString(*text)
	if code == "" {
		t.Fatal("the text has no code of six digits")
	}
	return code
}

// not returns another code of six digits.
func not(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}
