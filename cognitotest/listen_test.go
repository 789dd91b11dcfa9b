package cognitotest_test

// This file tests servers whose URL is the issuer, with and without TLS.

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// The issuer of the tokens leads to the server, where verifiers find the keys.
func ExampleListen() {
	server, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		panic(err)
	}
	defer server.Close()
	pool, err := cognitotest.NewPool(cognitotest.Config{Issuer: server.Issuer(""), Key: testKey()})
	if err != nil {
		panic(err)
	}
	server.Serve(pool)

	resp, err := http.Get(server.Issuer(pool.ID()) + "/.well-known/openid-configuration")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var document struct{ Issuer string }
	err = json.NewDecoder(resp.Body).Decode(&document)
	fmt.Println(document.Issuer == server.URL+"/us-east-1_Test00001", err)
	// Output: true <nil>
}

func ExampleNewAuthority() {
	authority, err := cognitotest.NewAuthority()
	if err != nil {
		panic(err)
	}
	server, err := cognitotest.Listen(cognitotest.ListenOptions{Authority: authority})
	if err != nil {
		panic(err)
	}
	defer server.Close()
	server.Serve(http.NotFoundHandler())

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
	resp, err := client.Get(server.URL)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	fmt.Println(strings.HasPrefix(server.URL, "https://127.0.0.1:"), resp.StatusCode)
	// Output: true 404
}

// TestDiscovery: the document has what OpenID Connect Discovery 1.0, 3, requires,
// and every address in it is on this server.
func TestDiscovery(t *testing.T) {
	server, err := cognitotest.Listen(cognitotest.ListenOptions{Address: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	pool := newPool(t, cognitotest.Config{ID: "eu-west-1_Own", Issuer: server.Issuer("eu-west-1_Own")})
	server.Serve(pool)

	get := func(url string) (int, object) {
		t.Helper()
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var document object
		if err := json.NewDecoder(resp.Body).Decode(&document); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, document
	}
	_, document := get(server.URL + "/eu-west-1_Own/.well-known/openid-configuration")
	want := map[string]any{
		"issuer":                                server.URL + "/eu-west-1_Own",
		"jwks_uri":                              server.URL + "/eu-west-1_Own/.well-known/jwks.json",
		"authorization_endpoint":                server.URL + "/oauth2/authorize",
		"token_endpoint":                        server.URL + "/oauth2/token",
		"userinfo_endpoint":                     server.URL + "/oauth2/userInfo",
		"revocation_endpoint":                   server.URL + "/oauth2/revoke",
		"end_session_endpoint":                  server.URL + "/logout",
		"id_token_signing_alg_values_supported": []any{"RS256"},
		"response_types_supported":              []any{"code", "token"},
		"scopes_supported":                      []any{"openid", "email", "phone", "profile"},
		"subject_types_supported":               []any{"public"},
		"token_endpoint_auth_methods_supported": []any{"client_secret_basic", "client_secret_post"},
	}
	if diff := cmp.Diff(want, document); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, keys := get(document["jwks_uri"].(string)); len(keys["keys"].([]any)) != 1 {
		t.Errorf("keys: %v", keys)
	}
	if status, answer := get(document["userinfo_endpoint"].(string)); status != http.StatusNotFound || answer["error"] != "invalid_request" {
		t.Errorf("userinfo: %d %v", status, answer)
	}
}

// TestAuthority: clients that trust the authority trust this machine and the
// names that it was made for, and nobody else.
func TestAuthority(t *testing.T) {
	authority, err := cognitotest.NewAuthority("pool.test", "192.0.2.1", "2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	saved, err := authority.PrivatePEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := cognitotest.ParseAuthority(saved)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(authority.PEM()), string(again.PEM())); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}

	server, err := cognitotest.Listen(cognitotest.ListenOptions{Authority: again, Names: []string{"pool.test", "a.pool.test", "192.0.2.1", "2001:db8::1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.Serve(http.NotFoundHandler())
	address := strings.TrimPrefix(server.URL, "https://")
	for host, trusted := range map[string]bool{
		"127.0.0.1": true, "::1": true, "localhost": true, "pool.test": true, "a.pool.test": true, "192.0.2.1": true, "2001:db8::1": true,
		"example.com": false, "192.0.2.2": false, "127.0.0.2": false,
	} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: authority.Pool(), ServerName: host})
		if (err == nil) != trusted {
			t.Errorf("%s: %v, want trusted %t", host, err, trusted)
		}
		if err == nil {
			conn.Close()
		}
	}
	if _, err := cognitotest.Listen(cognitotest.ListenOptions{Authority: authority, Names: []string{"example.com"}}); err == nil {
		t.Error("a certificate for example.com, for which the authority is not")
	}
}

func TestListenRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tt := range map[string]struct{ address, want string }{
		"no port":    {"127.0.0.1", "missing port"},
		"taken":      {taken.Addr().String(), "address already in use"},
		"not a port": {"127.0.0.1:http-or-so", "http-or-so"},
	} {
		server, err := cognitotest.Listen(cognitotest.ListenOptions{Address: tt.address})
		if err == nil {
			server.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %q, want %q in it", name, err, tt.want)
		}
	}
	for name, data := range map[string]string{"empty": "", "no key": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if _, err := cognitotest.ParseAuthority([]byte(data)); err == nil {
			t.Errorf("authority, %s: no error", name)
		}
	}
}
