package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// TestFIPS: the functions do with what FIPS 140-3 allows, across a rotation of the keys,
// too. In this mode Go panics at anything else. The access key's secret is as long as a
// real one: the signature of requests uses it as the key of an HMAC.
func TestFIPS(t *testing.T) {
	aws, log := newAWS(t), new(syncBuffer)
	env := append(environment(aws), "CUSTOMAUTH_TABLE="+dynamotest.Table(t),
		"GODEBUG=fips140=only", "AWS_SECRET_ACCESS_KEY=not-a-secret-not-a-secret-not-a-secret-n")
	started := map[string]*cognitotest.Function{}
	for _, binary := range []string{challenges, postAuth, rotation} {
		f, err := cognitotest.StartFunction(binary, cognitotest.FunctionOptions{Env: env, Output: log})
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		defer f.Close()
		started[binary] = f
	}
	pool := poolOf(t, started[challenges], started[postAuth])
	if status := signUp(t, pool, phone); status != http.StatusOK {
		t.Fatalf("sign-up: status %d, want 200\n%s", status, log)
	}
	signIn, err := pool.SignIn(t.Context(), phone)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	code := aws.code(t)
	rotate(t, aws, started[rotation], fmt.Sprintf("00000000-0000-4000-8000-%012d", 0))
	if err := signIn.Answer(t.Context(), code, nil); err != nil || !signIn.Done() {
		t.Fatalf("no tokens: %v\n%s", err, log)
	}
}
