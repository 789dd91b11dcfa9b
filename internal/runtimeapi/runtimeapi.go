// Package runtimeapi serves the Lambda Runtime API, version 2018-06-01, to one process
// of a function on this machine, so that what would be deployed can be run as it is:
// cognitotest has such functions as triggers, and the benchmark in e2e measures them.
// Whoever uses it starts the process, and decides how long to wait and when to end it.
//
// The requests, headers and status codes are those of the Lambda developer guide,
// "Using the Lambda runtime API for custom runtimes"
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// MaxBytes is Lambda's limit on an event and on an answer (Lambda developer guide,
// "Lambda quotas": 6 MB for synchronous invocations). A [Server] holds answers to it.
const MaxBytes = 6 << 20

// Options say what a process is told.
type Options struct {
	ARN     string        // of the function
	Timeout time.Duration // for one event, from when the process gets it; the server itself waits for ever

	// Header, if set, adds to the headers of an event when the process gets it.
	Header func(http.Header)

	// Bare leaves the body out of replies to what the process posts: it has less to read
	// than from Lambda.
	Bare bool
}

// A Server is the Runtime API of one process. It is safe for concurrent use.
type Server struct {
	Addr string // what AWS_LAMBDA_RUNTIME_API must say

	// Asked is to be received from: the process asks for an event, and so has nothing left
	// to do. It holds one such request; further ones are dropped until then.
	Asked chan struct{}

	// Events is to be sent to. It takes an event once the process asks for one.
	Events chan *Event

	options Options
	http    *http.Server

	mu      sync.Mutex
	current *Event // what the process works on, nil before and after
	initErr *Error
}

// An Event is one invocation.
type Event struct {
	ID      string // of the request
	Payload []byte

	// Answered is called when the process has answered, once at most, before it is told
	// that its answer was taken. The error is nil, or what stands in place of an answer.
	Answered func(answer []byte, err *Error)
}

// An Error is what a process reports, or what Lambda puts in its place.
type Error struct {
	Type string // the header Lambda-Runtime-Function-Error-Type
	Body []byte // as it came: JSON with errorType and errorMessage, or anything else
}

// tooLarge is what Lambda puts in place of an answer of more than MaxBytes.
var tooLarge = &Error{
	Type: "Function.ResponseSizeTooLarge",
	Body: fmt.Appendf(nil, "Response payload size exceeded maximum allowed payload size (%d bytes).", MaxBytes),
}

// Listen starts a server on a free port of this machine. The caller closes it.
func Listen(o Options) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: listener.Addr().String(), Asked: make(chan struct{}, 1), Events: make(chan *Event), options: o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.initFailure)
	s.http = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	go s.http.Serve(listener)
	return s, nil
}

// Close ends the server and its connections. An event under way stays unanswered.
func (s *Server) Close() { s.http.Close() }

// InitError is why the process cannot start, as it reported before it ended; nil if it
// did not.
func (s *Server) InitError() *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.initErr
}

// next waits for an event and hands it out.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	select {
	case s.Asked <- struct{}{}:
	default:
	}
	var e *Event
	select {
	case e = <-s.Events:
	case <-r.Context().Done():
		return
	}
	s.mu.Lock()
	s.current = e
	s.mu.Unlock()

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", e.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(s.options.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", s.options.ARN)
	if s.options.Header != nil {
		s.options.Header(h)
	}
	w.Write(e.Payload)
}

// response takes the answer to an event.
func (s *Server) response(w http.ResponseWriter, r *http.Request) {
	s.answered(w, r, func(e *Event, body []byte) { e.Answered(body, nil) })
}

// failure takes the error that stands in place of an answer.
func (s *Server) failure(w http.ResponseWriter, r *http.Request) {
	s.answered(w, r, func(e *Event, body []byte) { e.Answered(nil, reported(r, body)) })
}

// answered ends the event that the request names, if the process works on it.
func (s *Server) answered(w http.ResponseWriter, r *http.Request, end func(e *Event, body []byte)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBytes))
	_, large := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !large { // what was broken off is no answer: most often the process ended
		s.reply(w, http.StatusBadRequest, `{"errorType":"InvalidRequest","errorMessage":"the body is broken off"}`)
		return
	}
	e := s.take(r.PathValue("id"))
	switch {
	case e == nil:
		s.reply(w, http.StatusBadRequest, `{"errorType":"InvalidRequestID","errorMessage":"no event with this id is under way"}`)
	case large:
		e.Answered(nil, tooLarge)
		s.reply(w, http.StatusRequestEntityTooLarge, `{"errorType":"RequestEntityTooLarge","errorMessage":"the answer is too large"}`)
	default:
		end(e, body)
		s.accept(w)
	}
}

// take returns the event that the process works on, if it has this id. The process then
// works on none.
func (s *Server) take(id string) *Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.current
	if e == nil || e.ID != id {
		return nil
	}
	s.current = nil
	return e
}

// initFailure takes the reason why a function cannot start; the process then ends by
// itself.
func (s *Server) initFailure(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBytes))
	s.mu.Lock()
	s.initErr = reported(r, body)
	s.mu.Unlock()
	s.accept(w)
}

func reported(r *http.Request, body []byte) *Error {
	return &Error{Type: r.Header.Get("Lambda-Runtime-Function-Error-Type"), Body: body}
}

func (s *Server) accept(w http.ResponseWriter) { s.reply(w, http.StatusAccepted, `{"status":"OK"}`) }

func (s *Server) reply(w http.ResponseWriter, status int, body string) {
	if s.options.Bare {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}
