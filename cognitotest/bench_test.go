package cognitotest_test

// This file states how many sign-ins a second a pool does, what a user weighs,
// and that operations take hardly longer with a million users than with a
// thousand.
//
//	go test -run '^$' -bench . ./cognitotest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// instant is a handler that costs next to nothing: one challenge, and in.
var instant = handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
	switch event := string(payload); {
	case strings.Contains(event, `"CreateAuthChallenge_`):
		return []byte(`{"response":{"publicChallengeParameters":{},"privateChallengeParameters":{"answer":"right"}}}`), nil
	case strings.Contains(event, `"VerifyAuthChallengeResponse_`):
		return []byte(`{"response":{"answerCorrect":true}}`), nil
	case strings.Contains(event, `"challengeResult":true`):
		return []byte(`{"response":{"issueTokens":true}}`), nil
	default:
		return []byte(`{"response":{"challengeName":"CUSTOM_CHALLENGE"}}`), nil
	}
})

func manyUsers(b *testing.B, n int) *cognitotest.Pool {
	b.Helper()
	pool := newPool(b, cognitotest.Config{AliasAttributes: []string{"phone_number", "email"}, Triggers: cognitotest.Triggers{All: instant}})
	for i := range n {
		if err := pool.AddUser(userNumber(i), map[string]string{
			"phone_number": fmt.Sprintf("+1%010d", i), "phone_number_verified": "true", "email": fmt.Sprintf("user%d@example.com", i), "email_verified": "true",
		}); err != nil {
			b.Fatal(err)
		}
	}
	return pool
}

func userNumber(i int) string { return fmt.Sprintf("user%07d", i) }

func BenchmarkPool(b *testing.B) {
	sizes := []int{1000, 1_000_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, n := range sizes {
		before := heap()
		pool := manyUsers(b, n)
		weight := float64(heap()-before) / float64(n)
		request := func(b *testing.B, operation, body string) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.Header["X-Amz-Target"] = []string{"AWSCognitoIdentityProviderService." + operation}
			w := httptest.NewRecorder()
			pool.ServeHTTP(w, r)
			if w.Code != 200 {
				b.Fatalf("%s: %s", operation, w.Body)
			}
		}
		i := 0
		next := func() int { i = (i + 7919) % n; return i }
		for name, run := range map[string]func(b *testing.B){
			"sign-in": func(b *testing.B) {
				s, err := pool.SignIn(b.Context(), fmt.Sprintf("+1%010d", next()))
				if err == nil {
					err = s.Answer(b.Context(), "right", nil)
				}
				if err != nil || !s.Done() {
					b.Fatal(err)
				}
			},
			"AdminGetUser": func(b *testing.B) {
				request(b, "AdminGetUser", fmt.Sprintf(`{"UserPoolId":%q,"Username":%q}`, poolID, userNumber(next())))
			},
			"AdminUpdateUserAttributes": func(b *testing.B) {
				request(b, "AdminUpdateUserAttributes", fmt.Sprintf(`{"UserPoolId":%q,"Username":%q,"UserAttributes":[{"Name":"name","Value":"x%d"}]}`, poolID, userNumber(next()), next()))
			},
			"ListUsers": func(b *testing.B) {
				request(b, "ListUsers", fmt.Sprintf(`{"UserPoolId":%q,"Limit":10}`, poolID))
			},
			"ListUsers by e-mail": func(b *testing.B) {
				request(b, "ListUsers", fmt.Sprintf(`{"UserPoolId":%q,"Filter":"email = \"user%d@example.com\""}`, poolID, next()))
			},
			"AddUser": func(b *testing.B) {
				request(b, "AdminCreateUser", fmt.Sprintf(`{"UserPoolId":%q,"Username":"new","MessageAction":"SUPPRESS"}`, poolID))
				request(b, "AdminDeleteUser", fmt.Sprintf(`{"UserPoolId":%q,"Username":"new"}`, poolID))
			},
		} {
			b.Run(fmt.Sprintf("users=%d/%s", n, name), func(b *testing.B) {
				run(b) // what is made once, an index, is not the operation
				for b.Loop() {
					run(b)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(weight, "B/user")
			})
		}
		runtime.KeepAlive(pool)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
