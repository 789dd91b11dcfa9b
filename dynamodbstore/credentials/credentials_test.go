package credentials_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/credentialtest"
	"github.com/cyber-eternal/customauth/dynamodbstore/credentials"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/internal/httpbody"
)

func client(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), HTTPClient: httpbody.Client(new(http.Client)),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// table makes an empty table, and returns its name.
func table(t testing.TB) string {
	t.Helper()
	name := "credentials-" + rand.Text()
	attribute := func(n string) any { return map[string]any{"AttributeName": n, "AttributeType": "S"} }
	err := dynamotest.Call(t.Context(), dynamotest.URL(t), "CreateTable", map[string]any{
		"TableName":            name,
		"AttributeDefinitions": []any{attribute("pk"), attribute("sk")},
		"KeySchema": []any{
			map[string]any{"AttributeName": "pk", "KeyType": "HASH"}, map[string]any{"AttributeName": "sk", "KeyType": "RANGE"},
		},
		"BillingMode": "PAY_PER_REQUEST",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var out struct{ Table struct{ TableStatus string } }
		if err := dynamotest.Call(t.Context(), dynamotest.URL(t), "DescribeTable", map[string]any{"TableName": name}, &out); err != nil {
			t.Fatal(err)
		}
		if out.Table.TableStatus == "ACTIVE" {
			return name
		}
		time.Sleep(time.Millisecond)
	}
}

func open(t testing.TB, o credentials.Options) *credentials.Store {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 4 * time.Second // the machine that runs the tests may be busy
	}
	s, err := credentials.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	c := client(dynamotest.URL(t))
	name := table(t)
	one := func(t *testing.T) credential.Store { return open(t, credentials.Options{Table: name, Client: c}) }
	credentialtest.Run(t, credentialtest.Config{New: one, Peer: one, Parallel: 16})
}

// What the vault seals comes back through the table.
func TestVault(t *testing.T) {
	s := open(t, credentials.Options{Table: table(t), Client: client(dynamotest.URL(t))})
	v, err := credential.New(s, []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	u := credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "11111111-1111-4111-8111-111111111111"}
	if _, err := v.Put(t.Context(), u, "totp", credential.Record{Data: customauth.Hide("secret")}); err != nil {
		t.Fatal(err)
	}
	got, err := v.List(t.Context(), u, "totp")
	if err != nil || len(got) != 1 || got[0].Data.Reveal() != "secret" {
		t.Errorf("%d records, error %v", len(got), err)
	}
}

// between is a middleman that does something else with the first requests.
func between(t *testing.T, first int64, fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)) (string, *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(dynamotest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	pass, seen := httputil.NewSingleHostReverseProxy(target), new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= first {
			fault(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

func lose(_ http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

func answer(status int, name string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("content-type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"injected"}`, name)
	}
}

// A request whose answer is lost, or that is refused by chance, is made again, and is
// not taken for somebody else's.
func TestFaults(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"lost":           lose,
		"throttled":      answer(400, "ProvisionedThroughputExceededException"),
		"internal error": answer(500, "InternalServerError"),
	} {
		t.Run(name, func(t *testing.T) {
			it := credential.Item{Owner: strings.Repeat("a", 43), Kind: "totp", ID: "a", Version: 1, Sealed: []byte("one")}
			tab := table(t)
			for _, step := range []func(s *credentials.Store) error{
				func(s *credentials.Store) error { return s.Put(t.Context(), it) },
				func(s *credentials.Store) error {
					items, err := s.List(t.Context(), it.Owner, it.Kind)
					if err == nil && len(items) != 1 {
						err = fmt.Errorf("%d items", len(items))
					}
					return err
				},
				func(s *credentials.Store) error { return s.Delete(t.Context(), it) },
			} {
				url, seen := between(t, 1, fault)
				if err := step(open(t, credentials.Options{Table: tab, Client: client(url)})); err != nil {
					t.Error(err)
				}
				if seen.Load() != 2 {
					t.Errorf("%d requests, want 2", seen.Load())
				}
			}
		})
	}
}

// What cannot be had is an error, and none of a conflict.
func TestDown(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"internal error": answer(500, "InternalServerError"),
		"no table":       answer(400, "ResourceNotFoundException"),
		"not allowed":    answer(400, "AccessDeniedException"),
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := between(t, 1<<40, fault)
			s := open(t, credentials.Options{Table: "t", Client: client(url)})
			it := credential.Item{Owner: "a", Kind: "totp", ID: "a", Version: 1}
			_, err := s.List(t.Context(), "a", "totp")
			for what, err := range map[string]error{"list": err, "put": s.Put(t.Context(), it), "delete": s.Delete(t.Context(), it)} {
				if err == nil || errors.Is(err, credential.ErrConflict) {
					t.Errorf("%s: error %v", what, err)
				}
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	for says, o := range map[string]credentials.Options{
		"Table must be":   {},
		"Timeout must be": {Table: "t", Timeout: time.Hour, Client: client("http://127.0.0.1:1")},
		"AWS_REGION":      {Table: "t"},
	} {
		if _, err := credentials.New(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

// An item that somebody else wrote is an error, and no panic.
func FuzzItem(f *testing.F) {
	f.Add("totp#a", "1", []byte("x"))
	f.Add("", "-1", []byte(nil))
	f.Add("totp", "1e400", []byte(nil))
	f.Fuzz(func(t *testing.T, sk, v string, sealed []byte) {
		it, err := credentials.Read(map[string]types.AttributeValue{
			"sk": &types.AttributeValueMemberS{Value: sk}, "v": &types.AttributeValueMemberN{Value: v}, "sealed": &types.AttributeValueMemberB{Value: sealed},
		}, "owner", "totp")
		if err == nil && (it.Version < 1 || "totp#"+it.ID != sk) {
			t.Errorf("read as %q, version %d", it.ID, it.Version)
		}
		credentials.Read(map[string]types.AttributeValue{"sk": &types.AttributeValueMemberN{Value: v}}, "owner", "totp")
	})
}
