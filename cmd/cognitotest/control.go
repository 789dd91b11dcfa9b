package main

// This file is the control API, for tests: what no app may do and no Cognito does.

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	pathControl = "/_test/"

	bodyLimit = 1 << 20
	waitLimit = time.Minute
)

// serveControl answers /health and everything below /_test/.
func serveControl(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", w.getHealth)
	mux.HandleFunc("GET /_test/{$}", getUsage)
	mux.HandleFunc("GET /_test/env", w.getEnv)
	mux.HandleFunc("GET /_test/messages", w.getMessages)
	mux.HandleFunc("DELETE /_test/messages", w.deleteMessages)
	mux.HandleFunc("POST /_test/reset", w.postReset)
	mux.HandleFunc("POST /_test/users", w.postUsers)
	mux.HandleFunc("GET /_test/clock", w.getClock)
	mux.HandleFunc("POST /_test/clock", w.postClock)
	mux.HandleFunc("GET /_test/faults", w.getFaults)
	mux.HandleFunc("POST /_test/faults", w.postFaults)
	mux.HandleFunc("DELETE /_test/faults", w.deleteFaults)
	mux.HandleFunc("/_test/", func(rw http.ResponseWriter, r *http.Request) {
		refuse(rw, http.StatusNotFound, fmt.Errorf("there is no %s %s: see GET /_test/", r.Method, r.URL.Path))
	})
	return notFromPages(mux, w.hosts)
}

const usage = `The control API of cognitotest. Bodies are JSON; an error is {"error": "why"}.

GET    /health
GET    /_test/env             the variables for clients
GET    /_test/messages        ?to=ADDRESS  ?after=ID  ?wait=30s (at most 1m)
                              {"messages": [{id, from, medium, to, subject, text, html,
                              code, link, time}], "last": ID}, oldest first; with wait
                              it answers as soon as there is one
DELETE /_test/messages        forget them
POST   /_test/users           [{"Username": …, "Password": …, "UserAttributes": {…}}]
GET    /_test/clock           {"now": …, "offset": "0s"}
POST   /_test/clock           {"advance": "3m"} or {"reset": true}
GET    /_test/faults          what is still to come
POST   /_test/faults          {"trigger": "CreateAuthChallenge", "fault": "timeout", "times": 1}
                              faults: timeout, crash, error (with message), answer (with
                              answer, any JSON); no trigger is whichever comes next
DELETE /_test/faults
POST   /_test/reset           everything as it was at the start: users, messages, clock,
                              faults, and functions with nothing in memory, as their
                              files are now; {"keepFunctions": true} leaves those alone
`

func getUsage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, usage)
}

// notFromPages refuses whatever a web page could have asked for: any page that a
// developer opens can reach loopback. A page of another name that leads to this
// machine (DNS rebinding) is told by the Host.
func notFromPages(next http.Handler, hosts []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		switch {
		case r.Header.Get("Origin") != "" || site != "" && site != "none":
			refuse(w, http.StatusForbidden, fmt.Errorf("%s is not for web pages: ask from the test's own process", r.URL.Path))
		case !knownHost(r.Host, hosts):
			refuse(w, http.StatusForbidden, fmt.Errorf("the host %q is not known: start with --name %[1]s if it is yours", hostOf(r.Host)))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.Trim(hostport, "[]")
	}
	return host
}

func knownHost(hostport string, hosts []string) bool {
	host := hostOf(hostport)
	if host == "localhost" || net.ParseIP(host) != nil {
		return true
	}
	for _, h := range hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

func (w *world) getHealth(rw http.ResponseWriter, _ *http.Request) {
	if w.pool.Load() == nil {
		writeJSON(rw, http.StatusServiceUnavailable, map[string]string{"status": "starting"})
		return
	}
	writeJSON(rw, http.StatusOK, map[string]string{"status": "ok", "userPoolId": w.settings.pool.ID, "version": version()})
}

func (w *world) getEnv(rw http.ResponseWriter, _ *http.Request) {
	env := make(map[string]string)
	for _, v := range w.env() {
		env[v.Name] = v.Value
	}
	writeJSON(rw, http.StatusOK, env)
}

func (w *world) getMessages(rw http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	for name := range query {
		if name != "to" && name != "after" && name != "wait" {
			refuse(rw, http.StatusBadRequest, fmt.Errorf("%s: want to, after or wait", name))
			return
		}
	}
	after, err := strconv.ParseInt(orElse(query.Get("after"), "0"), 10, 64)
	if err != nil {
		refuse(rw, http.StatusBadRequest, fmt.Errorf("after: %q is no ID", query.Get("after")))
		return
	}
	wait, err := time.ParseDuration(orElse(query.Get("wait"), "0s"))
	if err != nil || wait < 0 || wait > waitLimit {
		refuse(rw, http.StatusBadRequest, fmt.Errorf("wait: %q: want 0s to 1m", query.Get("wait")))
		return
	}
	// A plus sign in a query is a space, which no address has.
	to := strings.ReplaceAll(query.Get("to"), " ", "+")
	messages, last := w.mailbox.get(r.Context(), to, after, wait)
	writeJSON(rw, http.StatusOK, map[string]any{"messages": messages, "last": last})
}

func (w *world) deleteMessages(rw http.ResponseWriter, _ *http.Request) {
	w.mailbox.clear()
	writeDone(rw)
}

func (w *world) postReset(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		KeepFunctions bool `json:"keepFunctions"`
	}
	body, ok := readBody(rw, r)
	if !ok {
		return
	}
	if len(body) > 0 {
		if err := decodeStrict(body, &in); err != nil {
			refuse(rw, http.StatusBadRequest, err)
			return
		}
	}
	if err := w.reset(in.KeepFunctions); err != nil {
		refuse(rw, http.StatusInternalServerError, err)
		return
	}
	writeDone(rw)
}

// postUsers adds a list of users, or one. Those before a wrong one stay.
func (w *world) postUsers(rw http.ResponseWriter, r *http.Request) {
	body, ok := readBody(rw, r)
	if !ok {
		return
	}
	var users []seed
	if strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
		users = make([]seed, 1)
		if err := decodeStrict(body, &users[0]); err != nil {
			refuse(rw, http.StatusBadRequest, err)
			return
		}
	} else if err := decodeStrict(body, &users); err != nil {
		refuse(rw, http.StatusBadRequest, err)
		return
	}
	pool := w.pool.Load()
	added := []map[string]string{}
	for i, u := range users {
		sub, err := u.add(pool)
		if err != nil {
			refuse(rw, http.StatusBadRequest, fmt.Errorf("[%d]: %w", i, err))
			return
		}
		added = append(added, map[string]string{"Username": u.Username, "Sub": sub})
	}
	w.changed()
	writeJSON(rw, http.StatusOK, added)
}

func (w *world) getClock(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, map[string]any{"now": w.clock.Now().UTC(), "offset": w.clock.Offset().String()})
}

func (w *world) postClock(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
		Reset   bool   `json:"reset"`
	}
	if !decodeBody(rw, r, &in) {
		return
	}
	d, err := time.ParseDuration(orElse(in.Advance, "0s"))
	switch {
	case err != nil || d < 0:
		refuse(rw, http.StatusBadRequest, fmt.Errorf(`advance: %q: want a duration like "3m" or "25h"`, in.Advance))
		return
	case d == 0 && !in.Reset:
		refuse(rw, http.StatusBadRequest, fmt.Errorf(`want {"advance": "3m"} or {"reset": true}`))
		return
	}
	if in.Reset {
		w.clock.Reset()
	}
	w.clock.Advance(d)
	w.getClock(rw, r)
}

func (w *world) getFaults(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, w.faults.all())
}

func (w *world) postFaults(rw http.ResponseWriter, r *http.Request) {
	var f fault
	if !decodeBody(rw, r, &f) {
		return
	}
	if err := f.check(); err != nil {
		refuse(rw, http.StatusBadRequest, err)
		return
	}
	w.faults.add(f)
	writeDone(rw)
}

func (w *world) deleteFaults(rw http.ResponseWriter, _ *http.Request) {
	w.faults.clear()
	writeDone(rw)
}

// readBody reads the body; without one it answers the request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, err)
		return nil, false
	}
	return body, true
}

func decodeBody(w http.ResponseWriter, r *http.Request, into any) bool {
	body, ok := readBody(w, r)
	if !ok {
		return false
	}
	if err := decodeStrict(body, into); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return false
	}
	return true
}

func writeDone(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func refuse(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": withoutPrefix(err)})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// withoutPrefix is the text of an error of package cognitotest, which begins as
// the program's own name does.
func withoutPrefix(err error) string {
	return strings.ReplaceAll(err.Error(), "cognitotest: ", "")
}

func newUUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
