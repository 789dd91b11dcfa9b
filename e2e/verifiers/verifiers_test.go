// Package verifiers_test checks the tokens of a pool of cognitotest with what back
// ends check Cognito's tokens with. Each test is a recipe: how the verifier is told
// where the pool is.
//
//	go test ./verifiers                                      in the folder e2e
//
// Verifiers that go by the issuer find the keys of a pool whose issuer is its own
// URL, over HTTP and over TLS. Those that know where Cognito's issuers are get a
// pool with the service's issuer, and its keys.
//
// This file has the pools, and the verifiers in Go. node_test.go has those in Node.
package verifiers_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const (
	poolID   = "eu-west-1_Verify01"
	clientID = "1example23456789verifiers"
)

var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// A service is a pool with a server and somebody's tokens.
type service struct {
	issuer string
	url    string
	client *http.Client // trusts the server
	caFile string       // "" without TLS
	tokens *cognitotest.Tokens
}

// kinds are the servers that every verifier that goes by the issuer is tried with.
var kinds = map[string]bool{"HTTP": false, "TLS": true}

// newService starts a pool whose issuer is its URL.
func newService(t *testing.T, withTLS bool) *service {
	t.Helper()
	var o cognitotest.ListenOptions
	s := &service{client: http.DefaultClient}
	if withTLS {
		authority, err := cognitotest.NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		o.Authority = authority
		s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
		s.caFile = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(s.caFile, authority.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, err := cognitotest.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s.issuer, s.url = server.Issuer(poolID), server.URL
	s.tokens = s.serve(t, server)
	return s
}

// serve makes the pool and signs somebody in.
func (s *service) serve(t *testing.T, server *cognitotest.Server) *cognitotest.Tokens {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		ID:       poolID,
		Issuer:   s.issuer,
		Key:      key,
		Clients:  []cognitotest.Client{{ID: clientID}},
		Triggers: cognitotest.Triggers{All: handler{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Serve(pool)
	if err := pool.AddUser("ada", map[string]string{"email": "ada@example.com", "email_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	signIn, err := pool.SignIn(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := signIn.Answer(t.Context(), "right", nil); err != nil {
		t.Fatal(err)
	}
	return signIn.Tokens()
}

// handler signs in who answers "right".
type handler struct{}

func (handler) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		TriggerSource string `json:"triggerSource"`
		Request       struct {
			Session         []struct{ ChallengeResult bool }
			ChallengeAnswer string
		} `json:"request"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	response := map[string]any{}
	switch name, _, _ := strings.Cut(event.TriggerSource, "_"); name {
	case "DefineAuthChallenge":
		if n := len(event.Request.Session); n > 0 && event.Request.Session[n-1].ChallengeResult {
			response["issueTokens"] = true
		} else {
			response["challengeName"] = "CUSTOM_CHALLENGE"
		}
	case "CreateAuthChallenge":
		response["privateChallengeParameters"] = map[string]string{"answer": "right"}
	case "VerifyAuthChallengeResponse":
		response["answerCorrect"] = event.Request.ChallengeAnswer == "right"
	}
	return json.Marshal(map[string]any{"response": response})
}

// tampered is the token with another user in it.
func tampered(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	claims, err := jwt.NewParser().DecodeSegment(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(claims), `"ada`, `"eve`, 1)
	if changed == string(claims) {
		t.Fatal("there is no name in the token to change")
	}
	parts[1] = encode(changed)
	return strings.Join(parts, ".")
}

func encode(s string) string {
	token := jwt.New(jwt.SigningMethodNone)
	return token.EncodeSegment([]byte(s))
}

func TestGoOIDC(t *testing.T) {
	for name, withTLS := range kinds {
		t.Run(name, func(t *testing.T) {
			s := newService(t, withTLS)
			ctx := oidc.ClientContext(t.Context(), s.client)
			provider, err := oidc.NewProvider(ctx, s.issuer)
			if err != nil {
				t.Fatal(err)
			}
			verifier := provider.Verifier(&oidc.Config{ClientID: clientID})
			token, err := verifier.Verify(ctx, s.tokens.IDToken)
			if err != nil {
				t.Fatal(err)
			}
			var claims struct {
				Email    string
				Verified bool   `json:"email_verified"`
				Name     string `json:"cognito:username"`
			}
			if err := token.Claims(&claims); err != nil || claims.Email != "ada@example.com" || !claims.Verified || claims.Name != "ada" {
				t.Errorf("claims %+v, %v", claims, err)
			}
			for name, bad := range map[string]string{"tampered": tampered(t, s.tokens.IDToken), "the access token": s.tokens.AccessToken} {
				if _, err := verifier.Verify(ctx, bad); err == nil {
					t.Errorf("%s: taken for genuine", name)
				}
			}
			if _, err := provider.Verifier(&oidc.Config{ClientID: "another"}).Verify(ctx, s.tokens.IDToken); err == nil {
				t.Error("another client's: taken for genuine")
			}
		})
	}
}

func TestGolangJWT(t *testing.T) {
	for name, withTLS := range kinds {
		t.Run(name, func(t *testing.T) {
			s := newService(t, withTLS)
			storage, err := jwkset.NewStorageFromHTTP(s.issuer+"/.well-known/jwks.json", jwkset.HTTPClientStorageOptions{Ctx: t.Context(), Client: s.client})
			if err != nil {
				t.Fatal(err)
			}
			keys, err := keyfunc.New(keyfunc.Options{Ctx: t.Context(), Storage: storage})
			if err != nil {
				t.Fatal(err)
			}
			parse := func(token string, options ...jwt.ParserOption) (jwt.MapClaims, error) {
				claims := jwt.MapClaims{}
				options = append(options, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(s.issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
				_, err := jwt.ParseWithClaims(token, claims, keys.Keyfunc, options...)
				return claims, err
			}
			if claims, err := parse(s.tokens.AccessToken); err != nil || claims["client_id"] != clientID || claims["token_use"] != "access" {
				t.Errorf("access token: %v, %v", claims, err)
			}
			if claims, err := parse(s.tokens.IDToken, jwt.WithAudience(clientID)); err != nil || claims["token_use"] != "id" {
				t.Errorf("ID token: %v, %v", claims, err)
			}
			if _, err := parse(tampered(t, s.tokens.AccessToken)); err == nil {
				t.Error("tampered: taken for genuine")
			}
			if _, err := parse(s.tokens.IDToken, jwt.WithAudience("another")); err == nil {
				t.Error("another client's: taken for genuine")
			}
		})
	}
}
