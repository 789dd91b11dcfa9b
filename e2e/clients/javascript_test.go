package clients_test

// This file runs the scripts of the folder amplify, which sign in with the
// JavaScript clients and check what these see. What must have happened in the
// pool is checked here.

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

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

// installNode finds Node and runs npm ci once, if what is installed is missing or
// older than the lock file.
var installNode = sync.OnceValues(func() (path, why string) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", "the JavaScript clients need Node 20 or newer, and there is no node in PATH"
	}
	lock, err := os.Stat(filepath.Join("amplify", "package-lock.json"))
	if err != nil {
		return "", err.Error()
	}
	// npm writes this file last.
	installed, err := os.Stat(filepath.Join("amplify", "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return path, ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = "amplify"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "the JavaScript clients cannot be installed: npm ci: " + err.Error() + "\n" + string(out)
	}
	return path, ""
})

// run runs a script against the pool.
func run(t *testing.T, s *service, script string, env ...string) {
	t.Helper()
	node := node(t)
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		codes := []string{}
		for _, m := range s.inbox.Messages(r.FormValue("to")) {
			codes = append(codes, m.Code)
		}
		json.NewEncoder(w).Encode(codes)
	}))
	defer inbox.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, script)
	cmd.Dir = "amplify"
	cmd.Env = append(os.Environ(), append(env,
		"ENDPOINT="+s.url, "INBOX="+inbox.URL, "POOL_ID="+poolID, "CLIENT_ID="+clientID, "PHONE="+phone, "PASSWORD="+password,
	)...)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.HasSuffix(out, []byte("done\n")) {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func TestAmplify(t *testing.T) {
	t.Run("without SRP", func(t *testing.T) {
		s := newService(t, nil)
		run(t, s, "custom-without-srp.mjs")
		if s.pool.Attributes(phone) != nil {
			t.Error("the user is still there after deleteUser")
		}
		if n := len(s.inbox.Messages("+12065550199")); n != 0 {
			t.Errorf("%d texts to somebody unknown", n)
		}
	})
	t.Run("with SRP", func(t *testing.T) {
		s := newService(t, passwordFirst)
		s.addUser(t, phone)
		run(t, s, "custom-with-srp.mjs")
	})
}

func TestIdentityJS(t *testing.T) {
	for _, passwordStep := range []bool{false, true} {
		name, change, env := "without SRP", (func(*setup))(nil), "PASSWORD_FIRST="
		if passwordStep {
			name, change, env = "with SRP", passwordFirst, "PASSWORD_FIRST=true"
		}
		t.Run(name, func(t *testing.T) {
			s := newService(t, change)
			s.addUser(t, phone)
			run(t, s, "identity-js.mjs", env)
			if got := s.pool.Attributes(phone)["name"]; !strings.HasPrefix(got, "Ada") {
				t.Errorf("name after updateAttributes: %q", got)
			}
		})
	}
}

// passwordAlone makes a pool whose users sign in with a password and verify their
// addresses by codes of the pool.
func passwordAlone(s *setup) {
	s.config.Triggers = cognitotest.Triggers{CustomMessage: lambda.NewHandler(func(context.Context, map[string]any) (any, error) {
		return map[string]any{"response": map[string]any{"smsMessage": "Example {username}: {####}", "emailMessage": "Example {username}: {####}"}}, nil
	})}
	s.config.Clients[0].ExplicitAuthFlows = []string{"ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
	s.config.AutoVerifiedAttributes = []string{"phone_number", "email"}
	s.config.AttributesRequireVerificationBeforeUpdate = []string{"email"}
	s.config.Schema = []cognitotest.Attribute{{Name: "custom:plan", Max: "10"}}
}

func TestAccounts(t *testing.T) {
	t.Run("Amplify", func(t *testing.T) {
		s := newService(t, passwordAlone)
		run(t, s, "account.mjs")
		a := s.pool.Attributes(phone)
		if a["email"] != "ada.byron@example.com" || a["custom:plan"] != "gold" {
			t.Errorf("attributes: %v", a)
		}
		for _, m := range s.inbox.Messages("") {
			if !strings.HasPrefix(m.Text, "Example") {
				t.Errorf("a message begins with %.7q", m.Text)
			}
		}
	})
	t.Run("identity-js", func(t *testing.T) {
		s := newService(t, passwordAlone)
		pool := aws.String(poolID)
		c, ctx := newSDK(s), t.Context()
		if _, err := c.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{UserPoolId: pool, Username: aws.String(phone), UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String("ada@example.com")},
		}}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: pool, GroupName: aws.String("staff")}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{UserPoolId: pool, GroupName: aws.String("staff"), Username: aws.String(phone)}); err != nil {
			t.Fatal(err)
		}
		run(t, s, "identity-js-account.mjs")
	})
}

func TestJWTVerify(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	run(t, s, "jwt-verify.mjs")
}
