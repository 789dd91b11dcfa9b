package attack_test

// A store that does not answer: an attacker who can make it fail must gain nothing.
// A middleman stands between the store and DynamoDB, and the real server is stopped.

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/internal/said"
)

// A fault answers in DynamoDB's place.
type fault func(http.ResponseWriter, *http.Request)

func says(status int, name string) fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"injected"}`, name)
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-time.After(10 * time.Second):
	}
}

func drops(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// serve is a server that passes on what comes, until there is a fault; after that,
// what is another operation.
func serve(t *testing.T, to, operation string, now *atomic.Pointer[fault]) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	pass := httputil.NewSingleHostReverseProxy(target)
	pass.ErrorLog = quiet
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := now.Load(); f != nil && strings.HasSuffix(r.Header.Get("x-amz-target"), operation) {
			(*f)(w, r)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s.URL
}

// ask reports whether anybody listens.
func ask(url string) error {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), time.Second)
	if err == nil {
		conn.Close()
	}
	return err
}

// A trail is what the operator sees.
type trail struct {
	mu     sync.Mutex
	text   bytes.Buffer
	events []customauth.Event
}

func (l *trail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *trail) see(_ context.Context, e customauth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *trail) take() (text string, events []customauth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, events = l.text.String(), l.events
	l.text.Reset()
	l.events = nil
	return text, events
}

// cognitoWaits is how long Cognito waits for a trigger (developer guide,
// "Customizing user pool workflows with Lambda triggers").
const cognitoWaits = 5 * time.Second

// Without an answer of the store no guess is compared, not even the right one, and
// no text is sent; each trigger answers before Cognito gives up on it, and the log
// says why.
func TestStoreFails(t *testing.T) {
	for _, tt := range []struct {
		name      string
		does      fault  // nil: the server itself is stopped
		operation string // "" is all
		log       string
	}{
		{"throttles", says(400, "ThrottlingException"), "", "ThrottlingException"},
		{"has no capacity", says(400, "ProvisionedThroughputExceededException"), "", "ProvisionedThroughputExceededException"},
		{"throttles writes", says(400, "ThrottlingException"), "UpdateItem", "ThrottlingException"},
		{"breaks", says(500, "InternalServerError"), "", "InternalServerError"},
		{"may not be used", says(400, "AccessDeniedException"), "", "AccessDeniedException"},
		{"hangs", hangs, "", "deadline exceeded"},
		{"drops connections", drops, "", "EOF"},
		{"is gone", nil, "", "connect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, stop := "", func() {}
			if tt.does == nil {
				var err error
				if dynamotest.URL(t); os.Getenv("CUSTOMAUTH_DYNAMODB_URL") != "" {
					t.Skip("the server is not ours to stop")
				}
				if url, stop, err = dynamotest.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer stop()
			} else {
				url = dynamotest.URL(t)
			}
			table := "limits-" + rand.Text()
			if err := dynamotest.CreateTable(t.Context(), url, table); err != nil {
				t.Fatal(err)
			}
			var now atomic.Pointer[fault]
			if tt.does != nil {
				url = serve(t, url, tt.operation, &now)
			}
			store, err := dynamodbstore.New(dynamodbstore.Options{Table: table, Client: client(url)})
			if err != nil {
				t.Fatal(err)
			}
			operator := new(trail)
			sc := newScene(t, setup{
				store: store, guard: served(), see: operator.see,
				log: slog.New(slog.NewTextHandler(operator, nil)),
			})
			sc.user(t, victim)
			s, err := sc.pool.SignIn(t.Context(), victim)
			for i := 0; i < 5 && sc.phones.get(victim) == 0; i++ { // the machine may be busy
				s, err = sc.pool.SignIn(t.Context(), victim)
			}
			if err != nil || sc.phones.get(victim) != 1 {
				t.Fatalf("no sign-in before the store failed: %v", err)
			}
			code := sc.phones.code(victim)
			operator.take()

			now.Store(&tt.does)
			if tt.does == nil {
				stop()
				for ask(url) == nil { // it has been told to end, and does so in its own time
					time.Sleep(time.Millisecond)
				}
			}
			check := func(trigger customauth.Trigger) {
				t.Helper()
				text, events := operator.take()
				found := false
				for _, e := range events {
					if e.Elapsed >= cognitoWaits {
						t.Errorf("%s answered after %v", e.Trigger, e.Elapsed)
					}
					found = found || e.Trigger == trigger && e.Outcome == customauth.Broken && e.Err != nil
				}
				if !found {
					t.Errorf("none of %d events says that %s is broken", len(events), trigger)
				}
				// On a busy machine the handlers may give up before the store does.
				why := strings.Contains(text, "dynamodbstore: ") && strings.Contains(text, tt.log) || strings.Contains(text, "store: context deadline exceeded")
				if !strings.Contains(text, "level=ERROR") || !why {
					t.Errorf("the log does not say why:\n%s", text)
				}
				if text = said.Without(text); strings.Contains(text, code) || strings.Contains(text, victim[1:]) {
					t.Error("the log has the code or the number")
				}
			}
			if err := s.Answer(t.Context(), code, nil); err == nil || s.Done() {
				t.Errorf("the right code: err %v, signed in: %v", err, s.Done())
			}
			check(customauth.VerifyTrigger)
			if s, err := sc.pool.SignIn(t.Context(), victim); err == nil {
				t.Errorf("a sign-in began, with error code %q", s.Parameters["errorCode"])
			}
			check(customauth.CreateTrigger)
			if n := sc.compared.all(); n != 0 {
				t.Errorf("%d guesses were compared", n)
			}
			if n := sc.phones.all(); n != 1 {
				t.Errorf("%d texts were sent, want the one before", n)
			}
		})
	}
}
