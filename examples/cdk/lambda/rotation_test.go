package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// TestRotation changes the keys while people are on their way in: the function that
// Secrets Manager calls does it, between the triggers of a sign-in, which two instances
// answer in turn. One has started before the keys were changed, and one after.
func TestRotation(t *testing.T) {
	aws, table, log := newAWS(t), dynamotest.Table(t), new(syncBuffer)
	rotation := start(t, rotation, aws, table, log)
	old := start(t, challenges, aws, table, log)
	var both instances
	pool := poolOf(t, &both, start(t, postAuth, aws, table, log))
	sealing := map[string]bool{aws.secrets.keys()[0]: true}
	for i := range 3 {
		number := fmt.Sprintf("+1206555010%d", i)
		both = instances{old}
		if status := signUp(t, pool, number); status != http.StatusOK {
			t.Fatalf("sign-up: status %d, want 200", status)
		}
		signIn, err := pool.SignIn(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		code := aws.code(t)

		rotate(t, aws, rotation, fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i))
		fresh := start(t, challenges, aws, table, log)
		both = instances{fresh, old}
		if err := signIn.Answer(t.Context(), wrong(code), nil); err != nil {
			t.Fatalf("rotation %d, the wrong code: %v\n%s", i+1, err, log)
		}
		if got := signIn.Parameters["errorCode"]; got != "wrong_code" {
			t.Errorf("rotation %d: errorCode %q, want wrong_code", i+1, got)
		}
		if err := signIn.Answer(t.Context(), code, nil); err != nil || !signIn.Done() {
			t.Fatalf("rotation %d: the right code brought no tokens: %v, errorCode %q\n%s", i+1, err, signIn.Parameters["errorCode"], log)
		}
		sealing[aws.secrets.keys()[0]] = true
		old = fresh
	}
	if len(sealing) != 3 { // the first rotation adds a key, and each further one begins to seal with another
		t.Errorf("%d keys have sealed, want 3", len(sealing))
	}
	for _, secret := range append(aws.secrets.keys(), key, counterKey) {
		if strings.Contains(log.String(), secret) {
			t.Error("a key is in the log")
		}
	}
}

// instances answer in turn.
type instances []lambda.Handler

func (i *instances) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	next := (*i)[0]
	*i = append(slices.Clone((*i)[1:]), next)
	return next.Invoke(ctx, event)
}

// rotate does what Secrets Manager does.
func rotate(t *testing.T, aws *fakeAWS, rotation lambda.Handler, version string) {
	t.Helper()
	aws.secrets.pend(version)
	for _, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
		event, err := json.Marshal(map[string]string{"Step": step, "SecretId": keysSecret, "ClientRequestToken": version})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rotation.Invoke(t.Context(), event); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
}

// wrong is another code.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}
