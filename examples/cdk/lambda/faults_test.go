package main

// What the functions do when what they depend on is slow, refuses because there was too
// much, or is dead.

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// The services, as X-Amz-Target names them. SNS speaks another protocol and has no such
// header.
const (
	secretsManager = "secretsmanager"
	dynamoDB       = "DynamoDB_20120810"
	cognito        = "AWSCognitoIdentityProviderService"
	sns            = ""
)

type fault string

const (
	slow      fault = "slow" // 50 ms
	throttled fault = "throttled"
	dead      fault = "dead" // no answer; the connection ends
	hung      fault = "hung" // no answer, and the connection stays
)

// faults are what is wrong with each service.
type faults struct {
	mu sync.Mutex
	of map[string]fault
}

func (f *faults) set(service string, what fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of = map[string]fault{service: what}
}

// strike reports whether the request is over.
func (f *faults) strike(w http.ResponseWriter, r *http.Request, service string) bool {
	f.mu.Lock()
	what := f.of[service]
	f.mu.Unlock()
	switch what {
	case slow:
		time.Sleep(50 * time.Millisecond)
	case throttled:
		w.WriteHeader(http.StatusBadRequest)
		if service == sns {
			io.WriteString(w, `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
		} else {
			io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		}
		return true
	case dead:
		panic(http.ErrAbortHandler)
	case hung:
		<-r.Context().Done()
		return true
	}
	return false
}

// TestFaults breaks one service after the sign-up, before Create or before the answer.
// The door stays shut where a count or a proof cannot be written down; and it opens again
// when the service is well.
func TestFaults(t *testing.T) {
	const (
		opens  = "tokens"
		asked  = "no text: "  // and errorCode
		failed = "error in: " // and what failed
	)
	tests := []struct {
		service string
		what    fault
		first   string // what comes of a sign-in that begins now
		second  string // what comes of the right answer to one that began before
	}{
		{dynamoDB, slow, opens, opens},
		{dynamoDB, throttled, failed + "CreateAuthChallenge", failed + "VerifyAuthChallengeResponse"},
		{dynamoDB, dead, failed + "CreateAuthChallenge", failed + "VerifyAuthChallengeResponse"},
		{dynamoDB, hung, failed + "CreateAuthChallenge", failed + "VerifyAuthChallengeResponse"},
		{sns, slow, opens, opens},
		{sns, throttled, asked + "delivery_failed", opens},
		{sns, dead, asked + "delivery_failed", opens},
		{sns, hung, asked + "delivery_failed", opens},
		{cognito, slow, opens, opens},
		{cognito, throttled, failed + "PostAuthentication", failed + "PostAuthentication"},
		{cognito, dead, failed + "PostAuthentication", failed + "PostAuthentication"},
		{cognito, hung, failed + "PostAuthentication", failed + "PostAuthentication"},
		// The keys are there, and read again only later.
		{secretsManager, slow, opens, opens},
		{secretsManager, throttled, opens, opens},
		{secretsManager, dead, opens, opens},
	}
	outcome := func(t *testing.T, aws *fakeAWS, signIn *cognitotest.SignIn, err error) string {
		t.Helper()
		if err == nil && signIn.Parameters["errorCode"] != "" {
			return asked + signIn.Parameters["errorCode"]
		}
		if err == nil {
			err = signIn.Answer(t.Context(), aws.code(t), nil)
		}
		switch {
		case err != nil:
			_, text, _ := strings.Cut(err.Error(), ": ")
			trigger, _, _ := strings.Cut(text, " failed with error")
			return failed + trigger
		case signIn.Done():
			return opens
		}
		return "asked again"
	}
	for _, test := range tests {
		name := test.service
		if name == sns {
			name = "SNS"
		}
		t.Run(fmt.Sprintf("%s %s", name, test.what), func(t *testing.T) {
			aws := newAWS(t)
			pool, log := newPool(t, aws, dynamotest.Table(t))
			const tries = 5 // on a busy machine something that is well may be late, too
			for try := range tries {
				var numbers []string
				for i := range 3 {
					numbers = append(numbers, fmt.Sprintf("+1206555%04d", 100+10*try+i))
				}
				for _, number := range numbers {
					if status := signUp(t, pool, number); status != http.StatusOK {
						t.Fatalf("sign-up: status %d, want 200", status)
					}
				}
				before, err := pool.SignIn(t.Context(), numbers[0])
				if err != nil {
					continue
				}
				aws.faults.set(test.service, test.what)
				second := outcome(t, aws, before, nil)
				signIn, err := pool.SignIn(t.Context(), numbers[1])
				first := outcome(t, aws, signIn, err)
				aws.faults.set(test.service, "")
				signIn, err = pool.SignIn(t.Context(), numbers[2])
				after := outcome(t, aws, signIn, err)

				for _, number := range numbers {
					if strings.Contains(log(), number) {
						t.Error("a number is in the log")
					}
				}
				if second == opens && test.second != opens || first == opens && test.first != opens {
					t.Fatalf("tokens: an answer %s, a sign-in %s, want %s and %s", second, first, test.second, test.first)
				}
				diff := cmp.Diff([]string{test.second, test.first, opens}, []string{second, first, after})
				if diff == "" {
					return
				}
				if try == tries-1 {
					t.Errorf("an answer, a sign-in, and one after that (-want +got):\n%s\n%s", diff, log())
				}
			}
		})
	}
}

// TestFaultsAtStart: a function that has no keys does not start, so Lambda starts
// another one. What is only warmed may come later.
func TestFaultsAtStart(t *testing.T) {
	for _, test := range []struct {
		service string
		what    fault
		want    string // in the log; empty: it starts
	}{
		{secretsManager, slow, ""},
		{secretsManager, throttled, "reading the keys"},
		{secretsManager, dead, "reading the keys"},
		{secretsManager, hung, "reading the keys"},
		{dynamoDB, slow, ""},
		{dynamoDB, throttled, ""}, // each sign-in asks again
		{dynamoDB, dead, ""},
		{dynamoDB, hung, ""},
		{sns, slow, ""},
		{sns, dead, ""},
		{sns, hung, ""},
	} {
		t.Run(fmt.Sprintf("%s %s", test.service, test.what), func(t *testing.T) {
			aws, log := newAWS(t), new(syncBuffer)
			aws.faults.set(test.service, test.what)
			f, err := cognitotest.StartFunction(challenges, cognitotest.FunctionOptions{
				Env: append(environment(aws), "CUSTOMAUTH_TABLE="+dynamotest.Table(t)), Output: log,
			})
			if err == nil {
				f.Close()
			}
			if started := err == nil; started != (test.want == "") || !strings.Contains(log.String(), test.want) {
				t.Errorf("started: %v, log %q, want something about %q", started, log, test.want)
			}
		})
	}
}
