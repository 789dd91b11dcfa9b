package clients_test

// This file checks tokens as a resource server does: with the keys that the pool
// serves, and nothing of the pool's code.

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// publicKeys fetches the key set and returns it by key ID.
func publicKeys(t *testing.T, url string) map[string]*rsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Use, Alg, Kid, N, E string }
	}
	getJSON(t, url+"/"+poolID+"/.well-known/jwks.json", &set)
	keys := make(map[string]*rsa.PublicKey)
	for _, k := range set.Keys {
		if k.Kty != "RSA" || k.Use != "sig" || k.Alg != "RS256" {
			t.Errorf("key %s: kty %s, use %s, alg %s", k.Kid, k.Kty, k.Use, k.Alg)
		}
		n, e := decodeURL(t, k.N), decodeURL(t, k.E)
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	if len(keys) == 0 {
		t.Fatal("the key set is empty")
	}
	return keys
}

func getJSON(t *testing.T, url string, v any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func decodeURL(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatalf("not base64url: %v", err)
	}
	return b
}

// verify checks the signature and returns the claims.
func verify(keys map[string]*rsa.PublicKey, token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%d parts, want 3", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return nil, err
		}
	}
	var header struct{ Kid, Alg string }
	if err := json.Unmarshal(decoded[0], &header); err != nil {
		return nil, err
	}
	key := keys[header.Kid]
	if header.Alg != "RS256" || key == nil {
		return nil, fmt.Errorf("alg %s, kid known: %t", header.Alg, key != nil)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], decoded[2]); err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, json.Unmarshal(decoded[1], &claims)
}

// checkTokens checks the access token and the ID token of a user: the signature,
// and every claim that Cognito's tokens have (developer guide, "Understanding
// user pool JSON web tokens (JWTs)").
func checkTokens(t *testing.T, s *service, userName, access, id string) {
	t.Helper()
	keys := publicKeys(t, s.url)
	common := map[string]any{
		"iss": "https://cognito-idp." + region + ".amazonaws.com/" + poolID,
		"sub": s.pool.Attributes(userName)["sub"],
	}
	accessClaims := map[string]any{"token_use": "access", "client_id": clientID, "username": userName, "scope": "aws.cognito.signin.user.admin"}
	idClaims := map[string]any{"token_use": "id", "aud": clientID, "cognito:username": userName}
	for name, value := range s.pool.Attributes(userName) {
		switch {
		case strings.HasPrefix(name, "cognito:"): // those are not attributes
		case strings.HasSuffix(name, "_verified"):
			idClaims[name] = value == "true"
		default:
			idClaims[name] = value
		}
	}
	var origin, event []any
	for token, want := range map[string]map[string]any{access: accessClaims, id: idClaims} {
		got, err := verify(keys, token)
		if err != nil {
			t.Fatalf("%v token: %v", want["token_use"], err)
		}
		maps.Copy(want, common)
		iat, _ := got["iat"].(float64)
		exp, _ := got["exp"].(float64)
		authTime, _ := got["auth_time"].(float64)
		if exp-iat != 3600 || authTime > iat || authTime < iat-60 {
			t.Errorf("%v token: auth_time %v, iat %v, exp %v", want["token_use"], authTime, iat, exp)
		}
		origin, event = append(origin, got["origin_jti"]), append(event, got["event_id"])
		for _, name := range []string{"jti", "origin_jti", "event_id"} {
			if text, _ := got[name].(string); len(text) != 36 {
				t.Errorf("%v token: %s is %v, want a UUID", want["token_use"], name, got[name])
			}
		}
		for _, name := range []string{"iat", "exp", "auth_time", "jti", "origin_jti", "event_id"} {
			delete(got, name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	}
	if len(slices.Compact(origin)) != 1 || len(slices.Compact(event)) != 1 {
		t.Error("the two tokens are not of one sign-in")
	}
}

// TestChangedTokens: the check above notices a changed token.
func TestChangedTokens(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	signIn, err := s.pool.SignIn(t.Context(), phone)
	if err != nil {
		t.Fatal(err)
	}
	if err := signIn.Answer(t.Context(), s.inbox.Code(phone), nil); err != nil {
		t.Fatal(err)
	}
	token := signIn.Tokens().AccessToken
	keys := publicKeys(t, s.url)
	if _, err := verify(keys, token); err != nil {
		t.Fatalf("as it is: %v", err)
	}
	parts := strings.Split(token, ".")
	encode := base64.RawURLEncoding.EncodeToString
	claims := strings.Replace(string(decodeURL(t, parts[1])), `"username":"`, `"username":"x`, 1)
	for name, changed := range map[string]string{
		"other claims":    parts[0] + "." + encode([]byte(claims)) + "." + parts[2],
		"no signature":    parts[0] + "." + parts[1] + ".",
		"alg none":        encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"another key":     encode([]byte(`{"alg":"RS256","kid":"x"}`)) + "." + parts[1] + "." + parts[2],
		"claims left out": parts[0] + "." + parts[2],
	} {
		if _, err := verify(keys, changed); err == nil {
			t.Errorf("%s: taken for genuine", name)
		}
		if _, err := s.pool.Claims(changed); err == nil {
			t.Errorf("%s: the pool takes it for genuine", name)
		}
	}
}
