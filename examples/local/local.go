package main

// This file puts the parts together: the pool, its triggers, the inbox, and
// the paths under which they are served.

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/presignup"
)

const (
	poolID     = "us-east-1_Local0001"
	regionName = "us-east-1"
	clientID   = "1example23456789localclient"
)

// A local is a pool with all that belongs to it.
type local struct {
	settings settings
	pool     *cognitotest.Pool
	inbox    *inbox
	robots   *captchatest.Server // gives tokens for -captcha
	anyHost  bool
	closers  []func() error
}

// newLocal makes a pool whose users sign in by phone number. Texts are printed
// to stdout, log lines to stderr.
func newLocal(s settings, stdout, stderr io.Writer) (*local, error) {
	l := &local{settings: s, inbox: newInbox(stdout), robots: captchatest.New(captchaSecret), anyHost: s.anyAddr}
	var trigger lambda.Handler
	var err error
	if s.bootstrap == "" {
		trigger, err = l.inProcess(s, stderr)
	} else {
		trigger, err = l.start(s.bootstrap, stderr)
	}
	triggers := cognitotest.Triggers{All: trigger, PreSignUp: trigger}
	if s.changed() {
		triggers.PostConfirmation = lambda.NewHandler(l.addresses)
	}
	if err == nil {
		l.pool, err = cognitotest.NewPool(cognitotest.Config{
			ID:                 poolID,
			UsernameAttributes: []string{"phone_number"},
			Clients:            []cognitotest.Client{{ID: clientID, Name: "local", AuthSessionValidity: 15 * time.Minute}},
			Triggers:           triggers,
		})
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// inProcess are the handlers of customauth, as one function for all triggers.
// It is what a Lambda main has, but for the Sender, and for limits that let one
// person try things out in a row.
func (l *local) inProcess(s settings, logs io.Writer) (lambda.Handler, error) {
	key := make([]byte, 32)
	rand.Read(key)
	store := customauth.NewMemoryStore()
	often := []customauth.Window{{Max: 20, Per: 5 * time.Minute}, {Max: 100, Per: 24 * time.Hour}}
	level := slog.LevelError // a wrong code is a warning, and no news here
	if s.verbose {
		level = slog.LevelInfo
	}
	logger := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: level}))
	return customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(string(key))},
		Steps:   s.steps(human(l.robots, store, logger)),
		Senders: map[string]customauth.Sender{"SMS": l.inbox, "EMAIL": l.inbox, "VOICE": l.inbox},
		Store:   store,
		Limits:  customauth.Limits{Guesses: often, Messages: often, Destination: often, Unproved: often},
		Logger:  logger,
	}, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
	})
}

// start runs a compiled function. It sends its texts to an SNS of our own, and
// gets every CUSTOMAUTH_ variable of this process, or a fresh key.
func (l *local) start(bootstrap string, output io.Writer) (lambda.Handler, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	sns := &http.Server{Handler: snsHandler(l.inbox), ReadHeaderTimeout: 10 * time.Second}
	go sns.Serve(listener)
	l.closers = append(l.closers, sns.Close)

	key := make([]byte, 32)
	rand.Read(key)
	env := []string{
		"AWS_ENDPOINT_URL_SNS=http://" + listener.Addr().String(),
		"CUSTOMAUTH_KEYS=" + base64.StdEncoding.EncodeToString(key),
	}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "CUSTOMAUTH_") {
			env = append(env, e) // the last one wins
		}
	}
	f, err := cognitotest.StartFunction(bootstrap, cognitotest.FunctionOptions{Env: env, Region: regionName, Output: output})
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, f.Close)
	return f, nil
}

func (l *local) close() {
	for _, c := range l.closers {
		c()
	}
}

// handler serves everything:
//
//	GET  /                                the page, and its parts
//	GET  /_local/pool                     what the page must know about the pool
//	GET  /_local/messages?to=+12065550100 the texts
//	GET  /_local/mails/7                  an e-mail, as a page
//	POST /_local/captcha                  a token, with -captcha
//	POST /                                the Cognito API
//	GET  /<pool>/.well-known/jwks.json    the keys, and what else the pool serves
func (l *local) handler() http.Handler {
	mux := http.NewServeMux()
	routePage(mux, l.settings)
	mux.Handle("GET /_local/messages", l.inbox)
	mux.HandleFunc("GET /_local/mails/{id}", l.inbox.serveMail)
	if l.settings.captcha {
		mux.HandleFunc("POST /_local/captcha", l.serveToken)
	}
	mux.HandleFunc("GET /_local/pool", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"region": regionName, "poolId": l.pool.ID(), "clientId": l.pool.ClientID()})
	})
	mux.Handle("/", l.pool)
	return l.guard(mux)
}

// guard keeps other web sites out. A browser on this machine may be showing
// any page; by giving its own name the address 127.0.0.1 (DNS rebinding), a
// page could read the codes here. So a request must name this machine.
func (l *local) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.anyHost && !isLoopback(r.Host) {
			http.Error(w, "this server answers to localhost and 127.0.0.1 alone", http.StatusForbidden)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// warm asks for the public keys once. The pool makes its keys when they are
// first needed, which takes a moment, and nobody should wait for that in the
// middle of a sign-in.
func (l *local) warm(ctx context.Context, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/"+poolID+"/.well-known/jwks.json", nil)
	if err != nil {
		return
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
}

// announce says where everything is.
func (l *local) announce(w io.Writer, url string) {
	fmt.Fprintf(w, `A user pool on this machine.

  page       %s/
  region     %s
  pool id    %s
  client id  %s

Texts appear here and beside the page. %s never gets one.
`, url, regionName, l.pool.ID(), l.pool.ClientID(), deadNumber)
	if !l.settings.changed() && l.settings.bootstrap == "" {
		fmt.Fprint(w, "For e-mails, links, calls and a CAPTCHA: -ways sms,email,link,voice -ask -captcha\n")
	}
}
