package load_test

// This file is the soak: new users all the time, with the default limits, until
// there were a million of them.

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

var soak = flag.Int("soak.n", 2000, "how many sign-ins the soak has in process; over HTTP it has a tenth")

func TestSoakInProcess(t *testing.T) {
	p := newPool(t, customauth.Options{Store: fullStore(t)})
	soakRun(t, p, &crowdRun{target: inProcess{p}, texts: p.texts, tokensEvery: 100}, *soak)
	t.Logf("the triggers, JSON in and out, of %d at once:\n\n%v", crowd, p.triggers)
}

func TestSoakHTTP(t *testing.T) {
	p := newPool(t, customauth.Options{Store: fullStore(t)})
	server, err := cognitotest.NewServer(p.Pool)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: crowd}
	defer transport.CloseIdleConnections()
	h := &overHTTP{pool: p, url: server.URL, client: &http.Client{Transport: transport, Timeout: time.Minute}}
	soakRun(t, p, &crowdRun{target: h, texts: p.texts, tokensEvery: 1}, *soak/10)
	t.Logf("the requests, of %d at once:\n\n%v", crowd, &h.timings)
}

func soakRun(t *testing.T, p *pool, run *crowdRun, n int) {
	t.Helper()
	start := time.Now()
	checkFlat(t, n, func(n int) { run.signIns(t, n) })
	elapsed := time.Since(start)

	run.report(t, n)
	t.Logf("%d sign-ins in %s, %.0f a second, GOMAXPROCS %d, %s", n, elapsed.Round(time.Second/10), float64(n)/elapsed.Seconds(), runtime.GOMAXPROCS(0), runtime.Version())
}

// fullStore is a store in memory that has as many keys as it keeps, so that the
// first sign-ins do not look like a leak.
func fullStore(t *testing.T) customauth.Store {
	t.Helper()
	store := customauth.NewMemoryStore()
	windows := []customauth.Window{{Max: 5, Per: time.Hour}, {Max: 10, Per: 24 * time.Hour}}
	for i := range 70_000 {
		for _, kind := range []string{"account", "nobody", "to"} { // each has room of its own
			key := fmt.Sprintf("%s:%050d", kind, i)
			found, err := store.Update(t.Context(), key, customauth.Op{Verb: customauth.Count, Counter: "filler", Windows: windows})
			if err != nil || found[0].Wait != 0 {
				t.Fatalf("filling the store: %v, %v", found, err)
			}
		}
	}
	return store
}

// overHTTP is the pool's HTTP API, by a client of its own: the SDK would be most
// of what is measured.
type overHTTP struct {
	pool    *pool
	url     string
	client  *http.Client
	timings timings // by operation
}

type object = map[string]any

func (h *overHTTP) call(ctx context.Context, operation string, in object, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	start := time.Now()
	res, err := h.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	h.timings.of(operation).add(time.Since(start))

	if res.StatusCode == http.StatusOK {
		return json.Unmarshal(answer, out)
	}
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &e); err != nil || res.StatusCode != http.StatusBadRequest {
		return fmt.Errorf("%s: status %d", operation, res.StatusCode)
	}
	return &cognitotest.Error{Type: e.Type, Message: e.Message}
}

func (h *overHTTP) add(_ context.Context, name string) error {
	return h.pool.AddUser(name, phoneOf(name))
}

func (h *overHTTP) remove(ctx context.Context, name string) error {
	return h.call(ctx, "AdminDeleteUser", object{"UserPoolId": h.pool.ID(), "Username": name}, new(struct{}))
}

func (h *overHTTP) signIn(ctx context.Context, name string) (signIn, error) {
	s := &httpSignIn{h: h}
	err := h.call(ctx, "InitiateAuth", object{
		"AuthFlow": "CUSTOM_AUTH", "ClientId": h.pool.ClientID(), "AuthParameters": object{"USERNAME": name},
	}, &s.state)
	return s, err
}

// An httpSignIn is what the last answer of the service says.
type httpSignIn struct {
	h     *overHTTP
	state struct {
		ChallengeName        string
		ChallengeParameters  map[string]string
		Session              string
		AuthenticationResult struct{ AccessToken, IdToken, RefreshToken string }
	}
}

func (s *httpSignIn) answer(ctx context.Context, text string, clientMetadata map[string]string) error {
	in := object{
		"ChallengeName": s.state.ChallengeName, "ClientId": s.h.pool.ClientID(), "Session": s.state.Session, "ClientMetadata": clientMetadata,
		"ChallengeResponses": object{"USERNAME": s.state.ChallengeParameters["USERNAME"], "ANSWER": text},
	}
	next := httpSignIn{h: s.h}
	if err := s.h.call(ctx, "RespondToAuthChallenge", in, &next.state); err != nil {
		return err
	}
	*s = next
	return nil
}

func (s *httpSignIn) done() bool                   { return s.state.AuthenticationResult.AccessToken != "" }
func (s *httpSignIn) parameter(name string) string { return s.state.ChallengeParameters[name] }
func (s *httpSignIn) session() string              { return s.state.Session }
func (s *httpSignIn) setSession(session string)    { s.state.Session = session }

// owner asks the service whose access token it is.
func (s *httpSignIn) owner() (string, error) {
	var user struct{ Username string }
	err := s.h.call(context.Background(), "GetUser", object{"AccessToken": s.state.AuthenticationResult.AccessToken}, &user)
	return user.Username, err
}
