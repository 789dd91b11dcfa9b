package main

// What a sign-in costs in requests to DynamoDB, in units and in time, with the options
// of the deployed functions. A real server counts; the clock stands still but for what a
// request and a text take.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/smsguard"
)

const (
	aRequest = 5 * time.Millisecond
	aText    = 100 * time.Millisecond
)

// somebody is another user's number.
const somebody = "+12065550123"

// A cost is that of a sign-in.
type cost struct {
	Requests               int     // to DynamoDB, of Define, Create and Verify
	After                  int     // those of the function after the sign-in
	Units                  float64 // of writes
	Create, Verify         int     // requests that wait for one another; of Create's, before the text
	CreateTook, VerifyTook time.Duration
}

// TestCost signs in with a new number, and with the same one later. The pressure on the
// pool is left out, because it is drawn at random: a new process and one code in 16 ask
// about it, beside the rest. Before, somebody else signs in, as the first of all: for the
// total, and a new process in a new 24th of an hour, that is one request more.
func TestCost(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name                string
		countries           string
		ofAll, first, later cost
	}{
		{
			name:  "without smsguard",
			ofAll: cost{Requests: 4, After: 1, Units: 4, Create: 1, Verify: 2, CreateTook: 105 * ms, VerifyTook: 10 * ms},
			first: cost{Requests: 4, After: 1, Units: 4, Create: 1, Verify: 2, CreateTook: 105 * ms, VerifyTook: 10 * ms},
			later: cost{Requests: 3, Units: 3, Create: 1, Verify: 2, CreateTook: 105 * ms, VerifyTook: 10 * ms},
		},
		{
			name: "as deployed", countries: "US",
			ofAll: cost{Requests: 10, After: 1, Units: 9, Create: 2, Verify: 3, CreateTook: 110 * ms, VerifyTook: 15 * ms},
			first: cost{Requests: 10, After: 1, Units: 9, Create: 2, Verify: 3, CreateTook: 110 * ms, VerifyTook: 15 * ms},
			later: cost{Requests: 5, Units: 4, Create: 2, Verify: 2, CreateTook: 110 * ms, VerifyTook: 10 * ms},
		},
		{
			name: "with so many countries that the total counts", countries: "US,AT,BE,CH,DE,DK,FR,GB,JM,NL,SE",
			ofAll: cost{Requests: 13, After: 1, Units: 12, Create: 3, Verify: 3, CreateTook: 115 * ms, VerifyTook: 15 * ms},
			first: cost{Requests: 12, After: 1, Units: 11, Create: 2, Verify: 3, CreateTook: 110 * ms, VerifyTook: 15 * ms},
			later: cost{Requests: 5, Units: 4, Create: 2, Verify: 2, CreateTook: 110 * ms, VerifyTook: 10 * ms},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, table, m := dynamotest.URL(t), dynamotest.Table(t), newMeter(t)
			synctest.Test(t, func(t *testing.T) {
				pool, sms := meteredPool(t, m, url, table, test.countries)
				for _, number := range []string{somebody, phone} {
					if err := pool.AddUser("", map[string]string{"phone_number": number}); err != nil {
						t.Fatal(err)
					}
				}
				for _, step := range []struct {
					name, number string
					want         cost
				}{
					{"the first of all", somebody, test.ofAll}, {"the first", phone, test.first}, {"later", phone, test.later},
				} {
					signIn, err := pool.SignIn(t.Context(), step.number)
					if err != nil {
						t.Fatal(err)
					}
					if err := signIn.Answer(t.Context(), sms.code, nil); err != nil || !signIn.Done() {
						t.Fatalf("%s: no tokens: %v", step.name, err)
					}
					if diff := gocmp.Diff(step.want, m.take()); diff != "" {
						t.Errorf("%s (-want +got):\n%s", step.name, diff)
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// meteredPool is a pool with the triggers of the deployed functions.
func meteredPool(t *testing.T, m *meter, url, table, countries string) (*cognitotest.Pool, *sms) {
	t.Helper()
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})
	store, err := dynamodbstore.New(dynamodbstore.Options{Table: table, Client: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials, HTTPClient: m,
	})})
	if err != nil {
		t.Fatal(err)
	}
	s := &sms{meter: m}
	options := customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide(key)},
		CounterKey: customauth.Hide(counterKey),
		Store:      store,
		Senders:    map[string]customauth.Sender{"SMS": s},
		Logger:     slog.New(slog.DiscardHandler),
	}
	if countries != "" {
		if options.Guard, err = smsguard.New(smsguard.Options{Store: store, Allow: strings.Split(countries, ",")}); err != nil {
			t.Fatal(err)
		}
	}
	handler, err := customauth.NewHandler(options, nil)
	if err != nil {
		t.Fatal(err)
	}
	var pool *cognitotest.Pool
	cognito := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: "us-east-1", Credentials: credentials, HTTPClient: answers(func(w http.ResponseWriter, r *http.Request) { pool.ServeHTTP(w, r) }),
	})
	after, err := postauth.NewHandler(postauth.Options{
		Client: cognito, Proved: options.Proved, ClientIDs: []string{"1example23456789testclient"}, InsecureKeepPassword: true, Logger: options.Logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	pool, err = cognitotest.NewPool(cognitotest.Config{
		UsernameAttributes: []string{"phone_number"},
		Triggers:           cognitotest.Triggers{All: metered{m, handler}, PostAuthentication: after},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pool, s
}

// An answers answers requests in this process.
type answers http.HandlerFunc

func (f answers) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	f(w, r)
	return w.Result(), nil
}

// An sms takes 100 ms.
type sms struct {
	meter *meter
	code  string
}

func (*sms) Warm(context.Context) error { return nil }

func (s *sms) Send(_ context.Context, m customauth.Message) error {
	s.meter.send()
	time.Sleep(aText)
	s.code = m.Code.Reveal()
	return nil
}

// A metered handler tells the meter when its triggers begin and end.
type metered struct {
	meter *meter
	lambda.Handler
}

func (h metered) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event struct{ TriggerSource string }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	h.meter.begin()
	out, err := h.Handler.Invoke(ctx, payload)
	h.meter.end(event.TriggerSource)
	return out, err
}

// A trip is one request to DynamoDB.
type trip struct {
	at    time.Time
	about string // the key of the item up to the colon: what is counted
	reads bool
	units float64
}

// A meter is the connection to DynamoDB.
type meter struct {
	outside chan func()

	mu          sync.Mutex
	trips       []trip // of the sign-in
	began, sent time.Time
	ended       time.Time
	sum         cost
}

// newMeter returns a meter whose requests are made outside of the bubble that it is
// used in: while somebody waits for them, time does not pass there.
func newMeter(t *testing.T) *meter {
	m := &meter{outside: make(chan func())}
	go func() {
		for request := range m.outside {
			go request()
		}
	}()
	t.Cleanup(func() { close(m.outside) })
	return m
}

// Do makes a request. It takes 5 ms.
func (m *meter) Do(r *http.Request) (*http.Response, error) {
	began := time.Now()
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if t := read(r.Header.Get("X-Amz-Target"), asked, nil); t.about != "pressure" {
		time.Sleep(aRequest)
	}
	out := r.Clone(context.Background())
	out.Body = io.NopCloser(bytes.NewReader(asked))
	var res *http.Response
	var body []byte
	var done sync.Mutex // a channel of the bubble's cannot be used outside of it
	done.Lock()
	m.outside <- func() {
		defer done.Unlock()
		if res, err = http.DefaultClient.Do(out); err != nil {
			return
		}
		defer res.Body.Close()
		body, err = io.ReadAll(res.Body)
	}
	done.Lock()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	t := read(r.Header.Get("X-Amz-Target"), asked, body)
	t.at = began
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips = append(m.trips, t)
	return res, nil
}

// read finds what a request was about, and what the answer says that it cost.
func read(target string, asked, answered []byte) trip {
	type key struct{ PK struct{ S string } }
	var in struct {
		Key          key
		RequestItems map[string]struct{ Keys []key }
	}
	var out struct{ ConsumedCapacity json.RawMessage }
	json.Unmarshal(asked, &in)
	json.Unmarshal(answered, &out)
	_, operation, _ := strings.Cut(target, ".")
	item, t := in.Key.PK.S, trip{reads: operation == "GetItem" || operation == "BatchGetItem"}
	for _, table := range in.RequestItems {
		item = table.Keys[0].PK.S
	}
	t.about, _, _ = strings.Cut(item, ":")
	var one struct{ CapacityUnits float64 }
	json.Unmarshal(out.ConsumedCapacity, &one)
	t.units = cmp.Or(one.CapacityUnits, 1) // a write that is refused costs as much, and does not say so
	return t
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began, m.sent = time.Now(), time.Time{}
}

func (m *meter) send() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = time.Now()
}

// end adds up what a trigger has cost.
func (m *meter) end(trigger string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = time.Now()
	took := m.ended.Sub(m.began)
	switch {
	case strings.HasPrefix(trigger, "CreateAuthChallenge"):
		m.sum.CreateTook, m.sum.Create = took, int(m.sent.Sub(m.began)/aRequest)
	case strings.HasPrefix(trigger, "VerifyAuthChallengeResponse"):
		m.sum.VerifyTook, m.sum.Verify = took, int(took/aRequest)
	}
}

// take is what the sign-in has cost. The meter begins anew.
func (m *meter) take() cost {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.sum
	for _, t := range m.trips {
		if t.about == "pressure" || t.about == "warm" {
			continue
		}
		if t.at.Before(m.ended) {
			sum.Requests++
		} else {
			sum.After++
		}
		if !t.reads {
			sum.Units += t.units
		}
	}
	m.trips, m.sum = nil, cost{}
	return sum
}
