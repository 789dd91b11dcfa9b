package main

// This file puts the pool, its functions and its servers together.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const (
	defaultPoolID   = "us-east-1_Test00001"
	defaultClientID = "1example23456789testclient"
)

// A world is all that runs.
type world struct {
	settings  *settings
	log       *log
	clock     *cognitotest.Clock
	mailbox   *mailbox
	faults    *faults
	hook      *hook // or nil
	hosts     []string
	config    cognitotest.Config // of the pool, with everything
	server    *cognitotest.Server
	inside    *cognitotest.Server // for the functions; the server, unless that speaks TLS
	functions *runningFunctions
	saver     *saver // or nil

	pool    atomic.Pointer[cognitotest.Pool] // nil until it is ready
	control http.Handler
	aws     http.Handler
	resets  sync.Mutex
}

// start starts everything, or nothing.
func start(ctx context.Context, s *settings, log *log) (_ *world, err error) {
	log.verbose = s.verbose
	s.pool.ID = orElse(s.pool.ID, defaultPoolID)
	w := &world{settings: s, log: log, clock: new(cognitotest.Clock), faults: new(faults)}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if s.data != "" {
		if err := os.MkdirAll(s.data, 0o700); err != nil {
			return nil, err
		}
	}
	w.startMessages()
	if err := w.listen(); err != nil {
		return nil, err
	}

	if w.functions, err = w.startFunctions(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, errors.New("it was stopped while it started")
	}

	if err := w.configure(); err != nil {
		return nil, err
	}
	pool, err := w.newPool(true)
	if err != nil {
		return nil, err
	}
	w.pool.Store(pool)
	if s.data != "" {
		w.saver = startSaver(filepath.Join(s.data, stateFile), w.pool.Load, log)
		w.changed()
	}
	return w, nil
}

// startFunctions starts the functions with what they can know of the pool.
func (w *world) startFunctions() (*runningFunctions, error) {
	env := awsEnv(w.inside.URL)
	for _, v := range w.env() {
		if !strings.HasPrefix(v.Name, "AWS_") {
			env = append(env, v.Name+"="+v.Value)
		}
	}
	return startFunctions(w.settings, env, w.inside.URL, w.clock, os.Stderr, w.log)
}

// close ends what has started: first what could change something, then what keeps it.
func (w *world) close() {
	if w.server != nil {
		w.server.Close()
	}
	if w.inside != nil {
		w.inside.Close()
	}
	w.resets.Lock() // one that is under way still starts functions
	defer w.resets.Unlock()
	w.functions.close()
	w.saver.close()
	w.hook.close()
}

func (w *world) startMessages() {
	w.mailbox = newMailbox(w.clock.Now, func(m message) {
		w.log.message(m)
		w.hook.put(m)
	})
	if w.settings.onMessage != "" {
		w.hook = startHook(w.settings.onMessage, w.log)
	}
}

// listen takes the port and answers /health. Everything else waits for the pool.
func (w *world) listen() error {
	s := w.settings
	host, _, _ := net.SplitHostPort(s.listen)
	w.hosts = s.names
	if net.ParseIP(host) == nil && host != "" {
		w.hosts = append(w.hosts, host)
	}
	authority, err := newAuthority(s, w.hosts)
	if err != nil {
		return err
	}
	w.server, err = cognitotest.Listen(cognitotest.ListenOptions{Address: s.listen, Authority: authority, Names: s.names})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &exitError{exitPort, fmt.Errorf("%s is taken: end what runs there, or choose another port with --listen (port 0 is a free one)", s.listen)}
	case err != nil:
		return &exitError{exitPort, err}
	}
	w.inside = w.server
	if authority != nil {
		if w.inside, err = cognitotest.Listen(cognitotest.ListenOptions{}); err != nil {
			return &exitError{exitPort, err}
		}
	}
	w.control, w.aws = serveControl(w), notFromPages(serveAWS(w.mailbox), w.hosts)
	w.server.Serve(w)
	if w.inside != w.server {
		w.inside.Serve(w)
	}
	return nil
}

// configure makes what all pools of this run share.
func (w *world) configure() error {
	s := w.settings
	w.config = s.pool
	key, err := signingKey(s)
	if err != nil {
		return err
	}
	w.config.Key = key
	w.config.Clock = w.clock
	w.config.Issuer = w.issuer()
	w.config.Logf = func(format string, args ...any) {
		w.log.warn("%s", withoutPrefix(fmt.Errorf(format, args...)))
	}
	w.config.Inbox = &cognitotest.Inbox{Notify: func(m cognitotest.Message) {
		w.mailbox.put(message{From: "pool", Medium: m.Medium, To: m.To, Text: m.Text, Code: m.Code})
	}}
	w.setTriggers()
	return nil
}

// setTriggers gives the pools to come the functions that run now.
func (w *world) setTriggers() {
	w.config.Functions = w.functions.handlers
	slots := triggerSlots(&w.config.Triggers)
	for trigger, name := range w.settings.triggers {
		*slots[trigger] = &watched{trigger, w.functions.handlers[name], w.faults, w.log}
	}
}

func (w *world) issuer() string {
	switch s := w.settings; s.issuer {
	case "self":
		return w.server.Issuer(s.pool.ID)
	case "service":
		return serviceIssuer(s.pool.ID)
	default:
		return s.issuer
	}
}

func serviceIssuer(poolID string) string {
	region, _, _ := strings.Cut(poolID, "_")
	return "https://cognito-idp." + region + ".amazonaws.com/" + poolID
}

// newPool makes a pool with the users that were saved, or those of the file.
func (w *world) newPool(saved bool) (*cognitotest.Pool, error) {
	pool, err := cognitotest.NewPool(w.config)
	if err != nil {
		return nil, err
	}
	if saved {
		if found, err := restore(w.settings, pool); found || err != nil {
			return pool, err
		}
	}
	for i, u := range w.settings.users {
		if _, err := u.add(pool); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("in the file, Users[%d]: %w", i, err)}
		}
	}
	return pool, nil
}

// add adds the user and returns the sub.
func (u seed) add(pool *cognitotest.Pool) (sub string, err error) {
	attributes := maps.Clone(u.UserAttributes)
	if u.UserStatus != "" {
		if attributes == nil {
			attributes = make(map[string]string)
		}
		attributes["cognito:user_status"] = u.UserStatus
	}
	if err := pool.AddUser(u.Username, attributes); err != nil {
		return "", err
	}
	if u.Password != "" {
		if err := pool.SetPassword(u.Username, u.Password); err != nil {
			return "", err
		}
	}
	return pool.Attributes(u.Username)["sub"], nil
}

// reset makes everything as it was at the start. Functions are started afresh, so
// that they forget what they have in memory and are what their files say now,
// unless they are to be kept.
func (w *world) reset(keepFunctions bool) error {
	w.resets.Lock()
	defer w.resets.Unlock()
	w.clock.Reset()
	if !keepFunctions {
		fresh, err := w.startFunctions()
		if err != nil {
			return err
		}
		old := w.functions
		w.functions = fresh
		w.setTriggers()
		defer old.close()
	}
	pool, err := w.newPool(false)
	if err != nil {
		return err
	}
	w.faults.clear()
	w.pool.Store(pool)
	w.mailbox.clear()
	w.changed()
	return nil
}

func (w *world) changed() { w.saver.changed() }

// ServeHTTP gives a request to the control API, the services for triggers, or the
// pool.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	switch pool := w.pool.Load(); {
	case r.URL.Path == "/health" || strings.HasPrefix(r.URL.Path, pathControl):
		if pool == nil && r.URL.Path != "/health" {
			refuse(rw, http.StatusServiceUnavailable, errStarting)
			return
		}
		w.control.ServeHTTP(rw, r)
	case isAWS(r.URL.Path):
		w.aws.ServeHTTP(rw, r)
	case pool == nil:
		refuse(rw, http.StatusServiceUnavailable, errStarting)
	default:
		pool.ServeHTTP(rw, r)
		if r.Method == http.MethodPost {
			w.changed()
		}
	}
}

var errStarting = errors.New("the pool is starting: wait for /health")

// A variable is one for the environment of clients.
type variable struct{ Name, Value string }

// env are the variables for clients and test suites.
func (w *world) env() []variable {
	return clientEnv(w.settings, w.server.URL, w.issuer())
}

func clientEnv(s *settings, url, issuer string) []variable {
	poolID := orElse(s.pool.ID, defaultPoolID)
	region, _, _ := strings.Cut(poolID, "_")
	client := s.pool.Clients[0]
	env := []variable{
		{"COGNITO_ENDPOINT", url},
		{"COGNITO_USER_POOL_ID", poolID},
		{"COGNITO_CLIENT_ID", orElse(client.ID, defaultClientID)},
	}
	if client.Secret != "" {
		env = append(env, variable{"COGNITO_CLIENT_SECRET", client.Secret})
	}
	env = append(env,
		variable{"COGNITO_ISSUER", issuer},
		variable{"COGNITO_JWKS_URI", url + "/" + poolID + "/.well-known/jwks.json"},
		variable{"COGNITO_TEST_URL", url + strings.TrimSuffix(pathControl, "/")},
		variable{"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", url},
		variable{"AWS_REGION", region},
		variable{"AWS_DEFAULT_REGION", region},
		// The SDKs sign administrators' calls. With these no real account is reached.
		variable{"AWS_ACCESS_KEY_ID", "made-up"},
		variable{"AWS_SECRET_ACCESS_KEY", "made-up"},
		variable{"AWS_SESSION_TOKEN", "made-up"},
	)
	if s.tlsCA != "" {
		path := s.tlsCA
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		env = append(env, variable{"NODE_EXTRA_CA_CERTS", path}, variable{"AWS_CA_BUNDLE", path})
	}
	return env
}

// printEnv prints the variables of a pool that is not running yet.
func printEnv(out io.Writer, s *settings, asJSON bool) error {
	host, port, err := net.SplitHostPort(s.listen)
	if err != nil || port == "0" {
		return &exitError{exitUsage, fmt.Errorf("--print-env: port %s of --listen is not known before the start: choose one, or ask a running pool for /_test/env", port)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if s.tlsCA != "" {
		scheme = "https"
	}
	url := scheme + "://" + net.JoinHostPort(host, port)
	issuer := s.issuer
	switch s.pool.ID = orElse(s.pool.ID, defaultPoolID); issuer {
	case "self":
		issuer = url + "/" + s.pool.ID
	case "service":
		issuer = serviceIssuer(s.pool.ID)
	}
	env := clientEnv(s, url, issuer)
	if asJSON {
		return printJSON(out, env)
	}
	for _, v := range env {
		fmt.Fprintf(out, "%s=%s\n", v.Name, v.Value)
	}
	return nil
}

func printJSON(out io.Writer, env []variable) error {
	object := make(map[string]string)
	for _, v := range env {
		object[v.Name] = v.Value
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(object)
}
