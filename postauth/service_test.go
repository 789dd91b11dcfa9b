package postauth_test

// This file is Cognito's side of the tests: an HTTP server that speaks the
// service's protocol, reached through pipes in memory, so that testing/synctest
// owns the time of both sides.

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"
)

// A call is a request as the service sees it.
type call struct {
	Operation string
	Body      map[string]any

	gone <-chan struct{} // closed when the caller gave up
}

// Equal leaves out what cannot be compared, for cmp.
func (c call) Equal(d call) bool {
	return c.Operation == d.Operation && cmp.Equal(c.Body, d.Body)
}

type service struct {
	client *cognitoidentityprovider.Client
	answer func(http.ResponseWriter, call)

	mu            sync.Mutex
	seen          []call
	authorization string
}

func (s *service) calls() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSCognitoIdentityProviderService.")
	c := call{Operation: operation, gone: r.Context().Done()}
	if !ok || r.Method != "POST" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || json.Unmarshal(body, &c.Body) != nil {
		reply(w, 400, map[string]any{"__type": "SerializationException"})
		return
	}
	s.mu.Lock()
	s.seen = append(s.seen, c)
	s.authorization = r.Header.Get("Authorization")
	s.mu.Unlock()
	s.answer(w, c)
}

// healthy is the service on a good day.
func healthy(w http.ResponseWriter, c call) {
	switch c.Operation {
	case "DescribeUserPoolClient":
		reply(w, 200, map[string]any{"UserPoolClient": flows("ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")})
	case "ListUserPoolClients":
		reply(w, 200, map[string]any{"UserPoolClients": []any{map[string]any{"ClientId": app}}})
	default:
		reply(w, 200, map[string]any{})
	}
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "5f8c8f6e-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// serve starts the service in a synctest bubble. Nil answers healthily.
func serve(t *testing.T, answer func(http.ResponseWriter, call)) *service {
	t.Helper()
	if answer == nil {
		answer = healthy
	}
	s := &service{answer: answer}
	pipes := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: s}
	stopped := make(chan struct{})
	go func() { defer close(stopped); server.Serve(pipes) }()

	transport := &http.Transport{DialContext: pipes.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-stopped
	})
	s.client = cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://cognito-idp.test"),
		HTTPClient:   &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	return s
}

// A listener accepts connections that are pipes.
type listener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *listener) Addr() net.Addr { return &net.IPAddr{} }
