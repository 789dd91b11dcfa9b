package account_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/account"
	"github.com/cyber-eternal/customauth/cognitotest"
)

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	t, ok := account.TokenOf(r.Context())
	fmt.Fprint(w, ok, t.User.Sub, t.Client, t.Level, t.Methods)
})

func part(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// forge makes a token of the claims of another, with some changed.
func forge(t testing.TB, token string, header, change map[string]any, sign func(text string) []byte) string {
	t.Helper()
	parts := strings.Split(token, ".")
	decode := func(s string) (m map[string]any) {
		data, err := base64.RawURLEncoding.DecodeString(s)
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	h, claims := decode(parts[0]), decode(parts[1])
	maps.Copy(h, header)
	maps.Copy(claims, change)
	text := part(t, h) + "." + part(t, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// Tokens that are none. All that differ from a good one in a claim are signed by a key
// that the pool does not have: no one else can sign them.
func TestTokens(t *testing.T) {
	r := newRig(t)
	good := r.tokens(t, low, "alice", 0)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(key *rsa.PrivateKey) func(string) []byte {
		return func(text string) []byte {
			sum := sha256.Sum256([]byte(text))
			signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			return signature
		}
	}
	keys, err := http.Get(r.server.Issuer("") + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Body.Close()
	published, err := io.ReadAll(keys.Body)
	if err != nil {
		t.Fatal(err)
	}
	byHMAC := func(text string) []byte {
		h := hmac.New(sha256.New, published)
		io.WriteString(h, text)
		return h.Sum(nil)
	}
	nothing := func(string) []byte { return nil }
	cut := strings.LastIndex(good.AccessToken, ".")
	elsewhere := newRig(t) // another pool, with the same app clients
	tests := []struct {
		name, token string
		want        int
	}{
		{"good", good.AccessToken, http.StatusOK},
		{"ID token", good.IDToken, 401},
		{"refresh token", good.RefreshToken, 401},
		{"another app client", r.tokens(t, foreign, "alice", 0).AccessToken, 401},
		{"another pool", elsewhere.alice(t), 401},
		{"expired", r.tokens(t, low, "alice", 2*time.Hour).AccessToken, 401},
		{"from the future", r.tokens(t, low, "alice", -time.Hour).AccessToken, 401},
		{"algorithm none", forge(t, good.AccessToken, map[string]any{"alg": "none"}, nil, nothing), 401},
		{"algorithm HS256 with the public key", forge(t, good.AccessToken, map[string]any{"alg": "HS256"}, nil, byHMAC), 401},
		{"algorithm PS256", forge(t, good.AccessToken, map[string]any{"alg": "PS256"}, nil, with(key)), 401},
		{"another key", forge(t, good.AccessToken, nil, map[string]any{"customauth:level": "9"}, with(key)), 401},
		{"an unknown key", forge(t, good.AccessToken, map[string]any{"kid": "x"}, nil, with(key)), 401},
		{"a key of its own", forge(t, good.AccessToken, map[string]any{"jwk": map[string]any{"kty": "RSA"}, "jku": "http://127.0.0.1:1/"}, nil, with(key)), 401},
		{"without signature", good.AccessToken[:cut+1], 401},
		{"two parts", good.AccessToken[:cut], 401},
		{"nothing", "", 401},
		{"noise of 16 KiB", strings.Repeat("A", 16<<10), 401},
		{"much noise", strings.Repeat("A.", 32<<10), 401},
	}
	h := r.verify.Require(account.Need{})(hello)
	for _, tt := range tests {
		status, header, body := do(t, h, "GET", "/", tt.token, nil)
		if status != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.name, status, body, tt.want)
		}
		if challenge := header.Get("WWW-Authenticate"); status == 401 && challenge != `Bearer error="invalid_token"` && tt.token != "" {
			t.Errorf("%s: challenge %q", tt.name, challenge)
		}
	}
}

func TestRequire(t *testing.T) {
	r := newRig(t)
	tokens := r.tokens(t, low, "alice", 0)
	weak, strong, old := tokens.AccessToken, r.tokens(t, high, "alice", 0).AccessToken, r.tokens(t, high, "alice", 10*time.Minute).AccessToken
	refresh := func(client string, of *cognitotest.Tokens) string {
		t.Helper()
		var again struct{ AuthenticationResult cognitotest.Tokens }
		data := r.call(t, "InitiateAuth", `{"ClientId":%q,"AuthFlow":"REFRESH_TOKEN_AUTH","AuthParameters":{"REFRESH_TOKEN":%q}}`, client, of.RefreshToken)
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		return again.AuthenticationResult.AccessToken
	}
	const insufficient = `Bearer error="insufficient_user_authentication", error_description=`
	tests := []struct {
		name      string
		need      account.Need
		token     string
		challenge string // empty: let through
	}{
		{"anything", account.Need{}, weak, ""},
		{"no token", account.Need{}, "", "Bearer"},
		{"level", account.Need{Level: 2}, strong, ""},
		{"a level too low", account.Need{Level: 2}, weak, insufficient + `"A stronger sign-in is required", acr_values="2"`},
		{"refreshed to the same level", account.Need{Level: 1}, refresh(low, tokens), ""},
		{"a refresh does not raise the level", account.Need{Level: 2}, refresh(low, tokens), insufficient + `"A stronger sign-in is required", acr_values="2"`},
		{"nor keeps a high one", account.Need{Level: 2}, refresh(high, r.tokens(t, high, "alice", 0)), insufficient + `"A stronger sign-in is required", acr_values="2"`},
		{"fresh", account.Need{Level: 2, MaxAge: 5 * time.Minute}, strong, ""},
		{"too old", account.Need{Level: 2, MaxAge: 5 * time.Minute}, old, insufficient + `"A more recent sign-in is required", acr_values="2", max_age="300"`},
		{"a refresh is no sign-in", account.Need{MaxAge: 5 * time.Minute}, refresh(low, r.tokens(t, low, "alice", 10*time.Minute)), insufficient + `"A more recent sign-in is required", max_age="300"`},
		{"client", account.Need{Clients: []string{high}}, strong, ""},
		{"another client", account.Need{Clients: []string{high}}, weak, insufficient + `"A sign-in by another app client is required"`},
	}
	for _, tt := range tests {
		status, header, body := do(t, r.verify.Require(tt.need)(hello), "GET", "/", tt.token, nil)
		want := http.StatusOK
		if tt.challenge != "" {
			want = http.StatusUnauthorized
		}
		if diff := cmp.Diff([]any{want, tt.challenge}, []any{status, header.Get("WWW-Authenticate")}); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", tt.name, body, diff)
		}
	}
	if _, _, body := do(t, r.verify.Require(account.Need{Level: 2})(hello), "GET", "/", strong, nil); body != "true"+subAlice+high+"2 [hwk mfa]" {
		t.Errorf("the next handler is told %q", body)
	}
}

func TestHeaders(t *testing.T) {
	r := newRig(t)
	token := r.alice(t)
	for _, tt := range []struct {
		name   string
		values []string
		cookie bool
		want   int
	}{
		{"as it should be", []string{"Bearer " + token}, false, 200},
		{"in small letters", []string{"bearer " + token}, false, 200},
		{"twice", []string{"Bearer " + token, "Bearer " + token}, false, 401},
		{"without a scheme", []string{token}, false, 401},
		{"another scheme", []string{"Basic " + token}, false, 401},
		{"a cookie", nil, true, 401},
	} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/?access_token="+token, nil)
		req.Header["Authorization"] = tt.values
		if tt.cookie {
			req.AddCookie(&http.Cookie{Name: "Authorization", Value: token})
		}
		w := httptest.NewRecorder()
		r.verify.Require(account.Need{})(hello).ServeHTTP(w, req)
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

func TestNotRevoked(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"signed out everywhere": func(r *rig) {
			r.call(t, "AdminUserGlobalSignOut", `{"UserPoolId":%q,"Username":"alice"}`, r.pool.ID())
		},
		"disabled": func(r *rig) { r.call(t, "AdminDisableUser", `{"UserPoolId":%q,"Username":"alice"}`, r.pool.ID()) },
		"deleted":  func(r *rig) { r.call(t, "AdminDeleteUser", `{"UserPoolId":%q,"Username":"alice"}`, r.pool.ID()) },
	} {
		r := newRig(t)
		token := r.alice(t)
		asks, doesNot := r.verify.Require(account.Need{NotRevoked: true})(hello), r.verify.Require(account.Need{})(hello)
		if status, _, body := do(t, asks, "GET", "/", token, nil); status != 200 {
			t.Fatalf("%s: before: %d %s", name, status, body)
		}
		end(r)
		if status, header, _ := do(t, asks, "GET", "/", token, nil); status != 401 || header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: %d, want 401", name, status)
		}
		if status, _, _ := do(t, doesNot, "GET", "/", token, nil); status != 200 {
			t.Errorf("%s: %d without NotRevoked, want 200", name, status)
		}
	}
}

// Without an answer of Cognito's nobody is let through who should be asked for.
func TestPoolGone(t *testing.T) {
	r := newRig(t)
	token := r.alice(t)
	if status, _, _ := do(t, r.verify.Require(account.Need{})(hello), "GET", "/", token, nil); status != 200 {
		t.Fatal(status)
	}
	r.server.Close()
	if status, _, _ := do(t, r.verify.Require(account.Need{NotRevoked: true})(hello), "GET", "/", token, nil); status != 503 {
		t.Errorf("%d, want 503", status)
	}
	if status, _, _ := do(t, r.handler, "DELETE", "/recovery-codes", token, nil); status != 503 {
		t.Errorf("a change: %d, want 503", status)
	}
	if status, _, _ := do(t, newVerifier(t, r.server.Issuer("")).Require(account.Need{})(hello), "GET", "/", token, nil); status != 401 {
		t.Errorf("without keys: %d, want 401", status)
	}
}

func TestNewPool(t *testing.T) {
	const issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3"
	for name, o := range map[string]account.PoolOptions{
		"nothing":   {},
		"no client": {Issuer: issuer},
		"a blank":   {Issuer: issuer, Clients: []string{""}},
		"no pool":   {Issuer: "https://cognito-idp.eu-west-1.amazonaws.com", Clients: []string{low}},
		"a slash":   {Issuer: issuer + "/", Clients: []string{low}},
		"http":      {Issuer: "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3", Clients: []string{low}},
	} {
		if _, err := account.NewPool(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "account: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	r := newRig(f)
	good := r.alice(f)
	f.Add(good[:len(good)-2])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := r.verify.Verify(t.Context(), token)
		if token == good {
			return
		}
		if !errors.Is(err, account.ErrToken) || got.User.Sub != "" {
			t.Errorf("%q: %v", token, err)
		}
	})
}

// answers is Cognito with whatever answer.
type answers struct {
	http.RoundTripper
	status int
	body   []byte
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return a.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(bytes.NewReader(a.body))}, nil
}

// Whatever GetUser answers, a token is alive only if it is of the user in it.
func FuzzAlive(f *testing.F) {
	r, a := newRig(f), &answers{RoundTripper: http.DefaultTransport}
	p, err := account.NewPool(f.Context(), account.PoolOptions{
		Issuer: r.server.Issuer(""), Clients: []string{low}, Logger: quiet, HTTP: &http.Client{Transport: a},
	})
	if err != nil {
		f.Fatal(err)
	}
	token, err := p.Verify(f.Context(), r.alice(f))
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		``, `{}`, `null`, `{"__type":"NotAuthorizedException"}`, `{"Username":"bob","UserAttributes":[{"Name":"sub","Value":"x"}]}`,
		fmt.Sprintf(`{"Username":"alice","UserAttributes":[{"Name":"sub","Value":%q}]}`, subAlice), `{"UserAttributes":[null,{}]}`,
	} {
		f.Add(200, []byte(body))
		f.Add(400, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a.status, a.body = status, body
		attributes, err := p.Alive(t.Context(), token)
		if err == nil && (status != 200 || attributes["sub"].Reveal() != subAlice) || err != nil && attributes != nil {
			t.Errorf("HTTP %d %q: %v", status, body, err)
		}
		if err != nil && strings.Contains(err.Error(), subAlice) {
			t.Errorf("the error says %v", err)
		}
	})
}
