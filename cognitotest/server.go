package cognitotest

// This file is HTTP: how requests come in and answers go out. What the
// operations do is in operation.go and admin.go.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "AWSCognitoIdentityProviderService."

	// A request is read up to requestLimit. Of a larger one, requestDrain is
	// read and thrown away, so that the client sees the answer and not a broken
	// connection.
	requestLimit = 1 << 20
	requestDrain = 64 << 20
)

// A Server serves the HTTP API of a pool on the loopback interface, for clients
// that speak to Cognito: set their endpoint to URL.
type Server struct {
	URL string // http://127.0.0.1:port, without a slash at the end

	server http.Server
	done   chan struct{}
}

// NewServer starts a server on a free port. The caller closes it.
func NewServer(p *Pool) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cognitotest: %w", err)
	}
	s := &Server{
		URL:    "http://" + l.Addr().String(),
		server: http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		s.server.Serve(l)
	}()
	return s, nil
}

// Close stops the server and ends its connections. It can be called again.
func (s *Server) Close() {
	s.server.Close()
	<-s.done
}

// ServeHTTP serves the API as the service does: its operations at POST /, and at
// GET /<pool ID>/.well-known/ the key set (jwks.json) and the discovery document
// (openid-configuration), all with CORS for browsers.
//
// Signatures are not checked: whoever reaches the handler can call the
// operations of administrators too, except from a web page (with an Origin
// header), since any page that a developer opens can reach loopback. Serve it on
// loopback only.
func (p *Pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date")
	h.Set("x-amzn-RequestId", uuid(random(16)))

	wellKnown := "/" + p.config.ID + "/.well-known/"
	switch {
	case r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		h.Set("Access-Control-Max-Age", "172800")
		w.WriteHeader(http.StatusOK)
	case r.URL.Path == "/" && r.Method == http.MethodPost:
		p.serveOperation(w, r)
	case r.URL.Path == "/":
		h.Set("Allow", "POST, OPTIONS")
		http.Error(w, "cognitotest: only POST", http.StatusMethodNotAllowed)
	case r.URL.Path == wellKnown+"jwks.json":
		writeJSON(w, http.StatusOK, "application/json", p.jwks())
	case r.URL.Path == wellKnown+"openid-configuration":
		writeJSON(w, http.StatusOK, "application/json", p.discovery(r))
	default:
		http.NotFound(w, r)
	}
}

func (p *Pool) serveOperation(w http.ResponseWriter, r *http.Request) {
	answer, err := p.operate(r)
	if err == nil {
		writeJSON(w, http.StatusOK, contentType, answer)
		return
	}
	var e *Error
	if !errors.As(err, &e) { // nothing of ours; say no more than that
		e = failure("InternalErrorException", "cognitotest: the request was given up")
	}
	w.Header().Set("x-amzn-ErrorType", e.Type)
	w.Header().Set("x-amzn-ErrorMessage", headerText(e.Message))
	writeJSON(w, http.StatusBadRequest, contentType, map[string]string{"__type": e.Type, "message": e.Message})
}

func (p *Pool) operate(r *http.Request) (any, error) {
	target := r.Header.Get("X-Amz-Target")
	name := strings.TrimPrefix(target, targetPrefix)
	op, ok := operations[name]
	if !ok || !strings.HasPrefix(target, targetPrefix) {
		return nil, failure("UnknownOperationException", "cognitotest: the operation %q is not there", clip(name))
	}
	if op.admin && r.Header.Get("Origin") != "" {
		return nil, failure("AccessDeniedException", "cognitotest: %s is not for web pages", name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, requestLimit+1))
	if err != nil {
		return nil, failure("SerializationException", "cognitotest: the request broke off")
	}
	if len(body) > requestLimit {
		io.CopyN(io.Discard, r.Body, requestDrain)
		return nil, failure("SerializationException", "cognitotest: the request is larger than %d bytes", requestLimit)
	}
	// A client that hangs up does not stop the service, nor a trigger.
	return op.call(p, context.WithoutCancel(r.Context()), body)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // answers are made of strings, numbers, maps and lists
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body)
}

// headerText makes a header value of a text, at most 1,024 characters long.
func headerText(s string) string {
	s = s[:min(len(s), 1024)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}

// discovery is the OpenID Connect discovery document. The key set is where this
// request came in, also if the issuer is elsewhere.
func (p *Pool) discovery(r *http.Request) any {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return map[string]any{
		"issuer":                                p.config.Issuer,
		"jwks_uri":                              scheme + "://" + r.Host + "/" + p.config.ID + "/.well-known/jwks.json",
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "token"},
		"scopes_supported":                      []string{"openid", "email", "phone", "profile"},
		"subject_types_supported":               []string{"public"},
	}
}
