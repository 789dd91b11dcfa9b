package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// TestContainerCredentials: with SnapStart there are no credentials in the environment,
// where they would be frozen into the snapshot. Those of the endpoint end soon here, so
// new ones are asked for.
func TestContainerCredentials(t *testing.T) {
	var asked atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "a token" {
			http.Error(w, "not allowed", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"AccessKeyId":"KEY%d","SecretAccessKey":"secret","Token":"token","Expiration":%q}`,
			asked.Add(1), time.Now().Add(time.Second).UTC().Format(time.RFC3339))
	}))
	defer endpoint.Close()
	aws, log := newAWS(t), new(syncBuffer)
	env := append(environment(aws), "CUSTOMAUTH_TABLE="+dynamotest.Table(t),
		"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI="+endpoint.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN=a token")
	var functions []*cognitotest.Function
	for _, binary := range []string{challenges, postAuth} {
		f, err := cognitotest.StartFunction(binary, cognitotest.FunctionOptions{Env: env, Output: log})
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		defer f.Close()
		functions = append(functions, f)
	}
	pool := poolOf(t, functions[0], functions[1])
	if status := signUp(t, pool, phone); status != http.StatusOK {
		t.Fatalf("sign-up: status %d, want 200\n%s", status, log)
	}
	signIn, err := pool.SignIn(t.Context(), phone)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if err := signIn.Answer(t.Context(), aws.code(t), nil); err != nil || !signIn.Done() {
		t.Fatalf("no tokens: %v\n%s", err, log)
	}
	aws.mu.Lock()
	defer aws.mu.Unlock()
	if len(aws.signed) < 4 {
		t.Errorf("%d access keys have signed requests, want one for each service at least", len(aws.signed))
	}
	for key := range aws.signed {
		if !strings.HasPrefix(key, "KEY") {
			t.Errorf("a request was signed by %s, which is not of the endpoint", key)
		}
	}
}
