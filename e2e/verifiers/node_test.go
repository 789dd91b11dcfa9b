package verifiers_test

// This file runs the verifiers in the folder node, and a function of Lambda@Edge
// that was written for Cognito and knows nothing of this package.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// node returns the program, with the packages of the lock file installed, or
// skips the test.
func node(t *testing.T) string {
	t.Helper()
	path, why := installNode()
	switch {
	case why == "":
		return path
	case os.Getenv("CI") == "true":
		t.Fatal(why)
	}
	t.Skip("skipped: " + why)
	return ""
}

var installNode = sync.OnceValues(func() (path, why string) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", "the verifiers need Node 20 or newer, and there is no node in PATH"
	}
	lock, err := os.Stat(filepath.Join("node", "package-lock.json"))
	if err != nil {
		return "", err.Error()
	}
	// npm writes this file last.
	installed, err := os.Stat(filepath.Join("node", "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return path, ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = "node"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "the verifiers cannot be installed: npm ci: " + err.Error() + "\n" + string(out)
	}
	return path, ""
})

// run runs a script with the tokens and where they come from.
func (s *service) run(t *testing.T, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node(t), script)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(),
		"COGNITO_ISSUER="+s.issuer, "COGNITO_JWKS_URI="+s.url+"/"+poolID+"/.well-known/jwks.json",
		"COGNITO_USER_POOL_ID="+poolID, "COGNITO_CLIENT_ID="+clientID,
		"ACCESS_TOKEN="+s.tokens.AccessToken, "ID_TOKEN="+s.tokens.IDToken, "TAMPERED="+tampered(t, s.tokens.AccessToken),
	)
	if s.caFile != "" {
		cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+s.caFile)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.HasSuffix(out, []byte("done\n")) {
		t.Errorf("%s: %v\n%s", script, err, out)
	}
}

func TestJose(t *testing.T) {
	for name, withTLS := range kinds {
		t.Run(name, func(t *testing.T) { newService(t, withTLS).run(t, "jose.mjs") })
	}
}

func TestOpenIDClient(t *testing.T) {
	for name, withTLS := range kinds {
		t.Run(name, func(t *testing.T) { newService(t, withTLS).run(t, "openid-client.mjs") })
	}
}

// TestAWSJWTVerify: the verifier for any issuer fetches keys over TLS alone.
func TestAWSJWTVerify(t *testing.T) { newService(t, true).run(t, "aws-jwt-verify.mjs") }

// newCognitoService starts a pool with the service's own issuer.
func newCognitoService(t *testing.T) *service {
	t.Helper()
	server, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s := &service{issuer: "https://cognito-idp.eu-west-1.amazonaws.com/" + poolID, url: server.URL}
	s.tokens = s.serve(t, server)
	return s
}

func TestCognitoJWTVerifier(t *testing.T) { newCognitoService(t).run(t, "cognito-jwt-verifier.mjs") }

// TestForeignFunction: cognito-at-edge asks Cognito for the keys, by a name that it
// makes from the region, and gets those of this pool.
func TestForeignFunction(t *testing.T) {
	node(t)
	s := newCognitoService(t)
	f, err := cognitotest.StartScript("node/at-edge.cjs", "handler", cognitotest.FunctionOptions{
		Region:   "eu-west-1",
		Endpoint: s.url,
		Env:      []string{"COGNITO_USER_POOL_ID=" + poolID, "COGNITO_CLIENT_ID=" + clientID},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	request := func(idToken string) string {
		cookies := fmt.Sprintf("CognitoIdentityServiceProvider.%s.ada.idToken=%s", clientID, idToken)
		event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"cf": map[string]any{
			"config": map[string]any{"distributionDomainName": "d111111abcdef8.cloudfront.net"},
			"request": map[string]any{
				"uri": "/private", "method": "GET", "querystring": "",
				"headers": map[string]any{
					"host":   []any{map[string]string{"key": "Host", "value": "d111111abcdef8.cloudfront.net"}},
					"cookie": []any{map[string]string{"key": "Cookie", "value": cookies}},
				},
			},
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := f.Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	if answer := request(s.tokens.IDToken); !strings.Contains(answer, `"uri":"/private"`) {
		t.Errorf("with a token of the pool: %s, want the request to go on", answer)
	}
	for name, token := range map[string]string{"the access token": s.tokens.AccessToken, "tampered": tampered(t, s.tokens.IDToken)} {
		if answer := request(token); !strings.Contains(answer, `"status":"302"`) {
			t.Errorf("%s: %s, want a redirect to sign in", name, answer)
		}
	}
}
