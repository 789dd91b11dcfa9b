package awsenv_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/cyber-eternal/customauth/internal/awsenv"
	"github.com/google/go-cmp/cmp"
)

// names are the variables that are read. Each test begins without them.
var names = []string{
	"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SNS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
}

func environment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, set[name])
	}
}

// with returns a function's environment with changes.
func with(change map[string]string) map[string]string {
	set := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
	for name, value := range change {
		set[name] = value
	}
	return set
}

func TestLoad(t *testing.T) {
	type config struct {
		Region, Endpoint string
		FIPS, DualStack  bool
	}
	for name, test := range map[string]struct {
		set  map[string]string
		want config
		err  error
	}{
		"a function":             {with(nil), config{Region: "eu-west-1"}, nil},
		"the default region":     {with(map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}), config{Region: "us-east-1"}, nil},
		"both regions":           {with(map[string]string{"AWS_DEFAULT_REGION": "us-east-1"}), config{Region: "eu-west-1"}, nil},
		"an endpoint":            {with(map[string]string{"AWS_ENDPOINT_URL": "http://a"}), config{Region: "eu-west-1", Endpoint: "http://a"}, nil},
		"the service's endpoint": {with(map[string]string{"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_DYNAMODB": "http://b"}), config{Region: "eu-west-1", Endpoint: "http://b"}, nil},
		"another's endpoint":     {with(map[string]string{"AWS_ENDPOINT_URL_SNS": "http://b"}), config{Region: "eu-west-1"}, nil},
		"endpoints ignored":      {with(map[string]string{"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}), config{Region: "eu-west-1"}, nil},
		"FIPS and dual stack":    {with(map[string]string{"AWS_USE_FIPS_ENDPOINT": "True", "AWS_USE_DUALSTACK_ENDPOINT": "true"}), config{"eu-west-1", "", true, true}, nil},
		"neither":                {with(map[string]string{"AWS_USE_FIPS_ENDPOINT": "false", "AWS_USE_DUALSTACK_ENDPOINT": "1"}), config{Region: "eu-west-1"}, nil},
		"SnapStart":              {map[string]string{"AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1"}, config{Region: "eu-west-1"}, nil},
		"no region":              {with(map[string]string{"AWS_REGION": ""}), config{}, awsenv.ErrRegion},
		"no secret":              {with(map[string]string{"AWS_SECRET_ACCESS_KEY": ""}), config{}, awsenv.ErrCredentials},
		"no key":                 {with(map[string]string{"AWS_ACCESS_KEY_ID": ""}), config{}, awsenv.ErrCredentials},
		"nothing":                {nil, config{}, awsenv.ErrRegion},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, test.set)
			c, err := awsenv.Load("DYNAMODB")
			if !errors.Is(err, test.err) {
				t.Fatalf("Load: %v, want %v", err, test.err)
			}
			got := config{Region: c.Region, FIPS: c.FIPS == aws.FIPSEndpointStateEnabled, DualStack: c.DualStack == aws.DualStackEndpointStateEnabled}
			if c.BaseEndpoint != nil {
				got.Endpoint = *c.BaseEndpoint
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
		})
	}
}

// Credentials of variables are those of the moment: Lambda replaces none, but a
// process that outlives its variables must not keep them.
func TestVariables(t *testing.T) {
	environment(t, with(nil))
	c, err := awsenv.Load("SNS")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"id", "another"} {
		t.Setenv("AWS_ACCESS_KEY_ID", id)
		got, err := c.Credentials.Retrieve(t.Context())
		if err != nil || got.AccessKeyID != id || got.SecretAccessKey != "secret" || got.SessionToken != "token" {
			t.Errorf("credentials %q, %v, want those of %q", got.AccessKeyID, err, id)
		}
	}
}

// container answers as the endpoint of Lambda with SnapStart does.
func container(t *testing.T, status int, body string) (url string, requests *atomic.Int64, header *atomic.Value) {
	t.Helper()
	requests, header = new(atomic.Int64), new(atomic.Value)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		header.Store(r.Header.Get("Authorization"))
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests, header
}

func good(expires time.Time) string {
	return fmt.Sprintf(`{"AccessKeyId":"id","SecretAccessKey":"secret","Token":"token","Expiration":%q}`, expires.UTC().Format(time.RFC3339))
}

func TestContainer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		status int
		body   string
		set    map[string]string
		token  string
		want   string // in the error
	}{
		"a token":        {200, good(time.Now().Add(time.Hour)), map[string]string{"AWS_CONTAINER_AUTHORIZATION_TOKEN": "a token"}, "a token", ""},
		"a token's file": {200, good(time.Now().Add(time.Hour)), map[string]string{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file}, "from a file", ""},
		"no token":       {200, good(time.Now().Add(time.Hour)), nil, "", ""},
		"no file":        {200, good(time.Now().Add(time.Hour)), map[string]string{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file + "s"}, "", "the token"},
		"forbidden":      {403, "secret-in-the-body", nil, "", "HTTP 403"},
		"a redirect":     {302, "", nil, "", "HTTP 302"},
		"no JSON":        {200, "secret-in-the-body", nil, "", "malformed"},
		"no secret":      {200, `{"AccessKeyId":"id"}`, nil, "", "malformed"},
		"endless":        {200, `{"AccessKeyId":"` + strings.Repeat("a", 1<<17), nil, "", "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			url, _, header := container(t, test.status, test.body)
			set := map[string]string{"AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": url}
			for k, v := range test.set {
				set[k] = v
			}
			environment(t, set)
			c, err := awsenv.Load("SNS")
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Credentials.Retrieve(t.Context())
			switch {
			case test.want == "" && (err != nil || got.AccessKeyID != "id" || got.SecretAccessKey != "secret" || got.SessionToken != "token"):
				t.Errorf("credentials %q, %v", got.AccessKeyID, err)
			case test.want == "" && header.Load() != test.token:
				t.Errorf("the token was %q, want %q", header.Load(), test.token)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "secret-in-the-body"):
				t.Errorf("the error shows the answer: %v", err)
			}
		})
	}
}

// Credentials are kept until shortly before they expire.
func TestContainerIsAskedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		left time.Duration
		want int64
	}{"fresh": {time.Hour, 1}, "about to expire": {time.Minute, 3}} {
		t.Run(name, func(t *testing.T) {
			url, requests, _ := container(t, 200, good(time.Now().Add(test.left)))
			environment(t, map[string]string{"AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": url})
			c, err := awsenv.Load("SNS")
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := c.Credentials.Retrieve(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := requests.Load(); got != test.want {
				t.Errorf("the endpoint was asked %d times, want %d", got, test.want)
			}
		})
	}
}

// The function's token goes to this host alone, or through TLS.
func TestContainerElsewhere(t *testing.T) {
	for _, where := range []string{"http://example.com/", "http://192.0.2.1/", "http://127.0.0.1.example.com/", "http://localhost.example.com/", "ftp://127.0.0.1.example.com/", "127.0.0.1", "http:///", "://"} {
		environment(t, map[string]string{"AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": where, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a token"})
		c, err := awsenv.Load("SNS")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Credentials.Retrieve(t.Context())
		if err == nil || !strings.Contains(err.Error(), "malformed") && !strings.Contains(err.Error(), "neither https nor on this host") {
			t.Errorf("%s: %v, want it refused", where, err)
		}
	}
}

func TestConns(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}))
	s.Config.ConnState = connState(&opened)
	s.Start()
	defer s.Close()
	c := awsenv.NewConns()
	for range 3 {
		if err := c.Open(t.Context(), s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("%d connections, want one that is used again", got)
	}
	c.Rest(awsenv.MaxIdle + time.Second)
	if err := c.Open(t.Context(), s.URL); err != nil {
		t.Fatal(err)
	}
	if got := opened.Load(); got != 2 {
		t.Errorf("%d connections, want another one after a rest", got)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/away", nil)
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Errorf("status %d, want a redirect that is not followed", res.StatusCode)
	}
	s.Close()
	if err := c.Open(t.Context(), s.URL); err == nil {
		t.Error("no server: no error")
	}
	if err := c.Open(t.Context(), "::"); err == nil {
		t.Error("no URL: no error")
	}
}

// connState counts connections that were opened.
func connState(opened *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
}
