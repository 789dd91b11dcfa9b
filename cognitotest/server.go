package cognitotest

// This file is HTTP: how requests come in and answers go out. What the
// operations do is in operation.go and admin.go.

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
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

// A Server serves the HTTP API of a pool, for clients that speak to Cognito: set
// their endpoint to URL.
type Server struct {
	URL string // http://127.0.0.1:port, without a slash at the end

	listener  net.Listener
	authority *Authority
	server    http.Server
	serving   bool
	done      chan struct{}
}

// NewServer starts a server on a free port of the loopback interface. The caller
// closes it. The tokens of the pool have the issuer that its Config says; for one
// that leads to the server, see [Listen].
func NewServer(p *Pool) (*Server, error) {
	s, err := Listen(ListenOptions{})
	if err != nil {
		return nil, err
	}
	s.Serve(p)
	return s, nil
}

// ListenOptions say how [Listen] listens. The zero value is a free port of the
// loopback interface, without TLS.
type ListenOptions struct {
	// Address is host:port. Default 127.0.0.1:0, which is a free port. The host is
	// the one in the URL, and in the issuer: "localhost:0" where a client insists
	// on a name.
	Address string

	// Authority, if set, makes it a server with TLS, with a certificate of this
	// authority for the host of Address, localhost, the loopback addresses and Names.
	Authority *Authority

	// Names are further names in the certificate.
	Names []string
}

// Listen takes the port, so that the URL is known before there is a pool: with it
// as the issuer, verifiers find the keys as they find those of the service.
//
//	s, err := cognitotest.Listen(cognitotest.ListenOptions{})
//	pool, err := cognitotest.NewPool(cognitotest.Config{Issuer: s.Issuer(""), …})
//	s.Serve(pool)
//
// Requests wait until then. The caller closes the server.
func Listen(o ListenOptions) (*Server, error) {
	o.Address = cmp.Or(o.Address, "127.0.0.1:0")
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: Address: %w", err)
	}
	l, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: %w", err)
	}
	s := &Server{listener: l, authority: o.Authority, done: make(chan struct{})}
	s.server.ReadHeaderTimeout = 10 * time.Second

	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if o.Authority != nil {
		scheme = "https"
		cert, err := o.Authority.certificate(append([]string{host}, o.Names...))
		if err != nil {
			l.Close()
			return nil, err
		}
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	port := l.Addr().(*net.TCPAddr).Port
	s.URL = scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
	return s, nil
}

// Issuer is the issuer of tokens that leads to this server: its URL, a slash and
// the ID of the pool. An empty ID is that of a Config without one.
func (s *Server) Issuer(poolID string) string { return s.URL + "/" + cmp.Or(poolID, defaultPoolID) }

// Serve answers requests from now on with the handler, a [*Pool] or something
// around one. It returns at once, and is called once.
func (s *Server) Serve(h http.Handler) {
	s.server.Handler = h
	s.serving = true
	go func() {
		defer close(s.done)
		if s.authority != nil {
			s.server.ServeTLS(s.listener, "", "")
			return
		}
		s.server.Serve(s.listener)
	}()
}

// Close stops the server and ends its connections. It can be called again.
func (s *Server) Close() {
	s.server.Close()
	s.listener.Close()
	if s.serving {
		<-s.done
	}
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

	p = p.service.at(r.URL.Path)
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
	case strings.HasPrefix(r.URL.Path, oauthPrefix), r.URL.Path == "/logout":
		serveOAuth(w)
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
	if body, err = checkRequest(name, body); err != nil {
		return nil, err
	}
	p = p.service.route(body)
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

// discovery is the OpenID Connect discovery document, as the service's. The key
// set is where this request came in, also if the issuer is elsewhere. There are no
// hosted pages and no endpoints of OAuth: what they are said to be is where an
// error says so (OpenID Connect Discovery 1.0 requires the first two).
func (p *Pool) discovery(r *http.Request) any {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	base := scheme + "://" + r.Host
	return map[string]any{
		"issuer":                                p.config.Issuer,
		"jwks_uri":                              base + "/" + p.config.ID + "/.well-known/jwks.json",
		"authorization_endpoint":                base + oauthPrefix + "authorize",
		"token_endpoint":                        base + oauthPrefix + "token",
		"userinfo_endpoint":                     base + oauthPrefix + "userInfo",
		"revocation_endpoint":                   base + oauthPrefix + "revoke",
		"end_session_endpoint":                  base + "/logout",
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "token"},
		"scopes_supported":                      []string{"openid", "email", "phone", "profile"},
		"subject_types_supported":               []string{"public"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	}
}

// oauthPrefix is where a pool with a domain has its OAuth endpoints.
const oauthPrefix = "/oauth2/"

// serveOAuth says that these endpoints are not there, in the form of RFC 6749, 5.2.
func serveOAuth(w http.ResponseWriter) {
	writeJSON(w, http.StatusNotFound, "application/json", map[string]string{
		"error":             "invalid_request",
		"error_description": "cognitotest: there are no hosted pages and no OAuth endpoints: sign in with the API",
	})
}
