package runtimeapi_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/internal/runtimeapi"
)

const (
	next     = "invocation/next"
	response = "invocation/1/response"
	failure  = "invocation/1/error"
)

// A reply is what the process gets.
type reply struct {
	Status int
	Type   string // of the body
	Body   string
}

var (
	accepted = reply{202, "application/json", `{"status":"OK"}`}
	stray    = reply{400, "application/json", `{"errorType":"InvalidRequestID","errorMessage":"no event with this id is under way"}`}
	large    = reply{413, "application/json", `{"errorType":"RequestEntityTooLarge","errorMessage":"the answer is too large"}`}
)

// An outcome is what an event came to.
type outcome struct {
	Answer    string
	Type, Err string
	Failed    bool
}

// TestConversation is a process that handles two events: it looks at all that it is
// told, and that it can keep one connection.
func TestConversation(t *testing.T) {
	var traces int
	s := listen(t, runtimeapi.Options{
		ARN:     "arn:aws:lambda:us-east-1:123456789012:function:define",
		Timeout: time.Hour,
		Header: func(h http.Header) {
			traces++
			h.Set("Lambda-Runtime-Trace-Id", fmt.Sprint("Root=", traces))
		},
	})
	p := &process{t: t, s: s}
	if asked(s) {
		t.Error("the process has asked before its first request")
	}
	for i, id := range []string{"1", "2"} {
		e := newEvent(id, `{"version":"1"}`)
		before := time.Now()
		h, body := p.take(e)
		deadline, err := strconv.ParseInt(h.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
		if at := time.UnixMilli(deadline).Add(-time.Hour); err != nil || at.Before(before.Truncate(time.Millisecond)) || at.After(time.Now()) {
			t.Errorf("event %s: deadline %d is no hour after the process got it", id, deadline)
		}
		h.Del("Lambda-Runtime-Deadline-Ms")
		h.Del("Date")
		if diff := cmp.Diff(http.Header{
			"Content-Length":                      {"15"},
			"Content-Type":                        {"application/json"},
			"Lambda-Runtime-Aws-Request-Id":       {id},
			"Lambda-Runtime-Invoked-Function-Arn": {"arn:aws:lambda:us-east-1:123456789012:function:define"},
			"Lambda-Runtime-Trace-Id":             {fmt.Sprint("Root=", i+1)},
		}, h); diff != "" {
			t.Errorf("event %s: headers (-want +got):\n%s", id, diff)
		}
		if diff := cmp.Diff(`{"version":"1"}`, body); diff != "" {
			t.Errorf("event %s: payload (-want +got):\n%s", id, diff)
		}
		if !asked(s) || asked(s) {
			t.Errorf("event %s: want that the process has asked once", id)
		}
		if got := p.post("invocation/"+id+"/response", "answer "+id, ""); got != accepted {
			t.Errorf("event %s: reply %+v, want %+v", id, got, accepted)
		}
		if diff := cmp.Diff([]outcome{{Answer: "answer " + id}}, e.all()); diff != "" {
			t.Errorf("event %s: outcomes (-want +got):\n%s", id, diff)
		}
	}
	if p.closed {
		t.Error("the server closed the connection in between")
	}
}

// TestAnswers posts in order, while the event "1" is under way or, where it has no
// event, before.
func TestAnswers(t *testing.T) {
	full := strings.Repeat("x", runtimeapi.MaxBytes)
	tooLarge := outcome{
		Type:   "Function.ResponseSizeTooLarge",
		Err:    "Response payload size exceeded maximum allowed payload size (6291456 bytes).",
		Failed: true,
	}
	type post struct {
		path, body, errorType string
		want                  reply
	}
	for _, c := range []struct {
		name     string
		options  runtimeapi.Options
		noEvent  bool
		posts    []post
		want     []outcome
		wantInit *runtimeapi.Error
	}{
		{name: "answer", posts: []post{{response, `{"a":1}`, "", accepted}}, want: []outcome{{Answer: `{"a":1}`}}},
		{name: "nothing as an answer", posts: []post{{response, "", "", accepted}}, want: []outcome{{}}},
		{name: "error", posts: []post{{failure, `{"errorType":"E"}`, "Unhandled", accepted}}, want: []outcome{{Type: "Unhandled", Err: `{"errorType":"E"}`, Failed: true}}},
		{name: "nothing as an error", posts: []post{{failure, "", "", accepted}}, want: []outcome{{Failed: true}}},
		{name: "no answer", want: nil},

		{name: "as large as it may be", posts: []post{{response, full, "", accepted}}, want: []outcome{{Answer: full}}},
		{name: "too large", posts: []post{{response, full + "x", "", large}}, want: []outcome{tooLarge}},
		{name: "too large an error", posts: []post{{failure, full + "x", "Unhandled", large}}, want: []outcome{tooLarge}},
		{name: "smaller after too large", posts: []post{{response, full + "x", "", large}, {response, "x", "", stray}}, want: []outcome{tooLarge}},

		{name: "answer twice", posts: []post{{response, "a", "", accepted}, {response, "b", "", stray}}, want: []outcome{{Answer: "a"}}},
		{name: "error after the answer", posts: []post{{response, "a", "", accepted}, {failure, "b", "E", stray}}, want: []outcome{{Answer: "a"}}},
		{name: "answer after the error", posts: []post{{failure, "a", "E", accepted}, {response, "b", "", stray}}, want: []outcome{{Type: "E", Err: "a", Failed: true}}},
		{name: "other ids before the right one", posts: []post{
			{"invocation/2/response", "a", "", stray},
			{"invocation/11/error", "b", "E", stray},
			{"invocation/next/response", "c", "", stray},
			{"invocation/2/response", full + "x", "", stray},
			{response, "d", "", accepted},
		}, want: []outcome{{Answer: "d"}}},
		{name: "before an event", noEvent: true, posts: []post{{response, "a", "", stray}, {failure, "b", "E", stray}}},

		{name: "init error", noEvent: true, posts: []post{{"init/error", "no key", "Runtime.Init", accepted}}, wantInit: &runtimeapi.Error{Type: "Runtime.Init", Body: []byte("no key")}},
		{name: "init error in an event", posts: []post{{"init/error", "no key", "", accepted}, {response, "a", "", accepted}}, want: []outcome{{Answer: "a"}}, wantInit: &runtimeapi.Error{Body: []byte("no key")}},

		{name: "bare", options: runtimeapi.Options{Bare: true}, posts: []post{
			{"invocation/2/response", "a", "", reply{Status: 400}},
			{response, "b", "", reply{Status: 202}},
			{"init/error", "c", "", reply{Status: 202}},
		}, want: []outcome{{Answer: "b"}}, wantInit: &runtimeapi.Error{Body: []byte("c")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := listen(t, c.options)
			p := &process{t: t, s: s}
			e := newEvent("1", "{}")
			if !c.noEvent {
				p.take(e)
			}
			for _, post := range c.posts {
				if diff := cmp.Diff(post.want, p.post(post.path, post.body, post.errorType)); diff != "" {
					t.Errorf("reply to %s (-want +got):\n%s", post.path, diff)
				}
			}
			if diff := cmp.Diff(c.want, e.all()); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.wantInit, s.InitError()); diff != "" {
				t.Errorf("init error (-want +got):\n%s", diff)
			}
		})
	}
}

// TestElsewhere: what is no request of the API changes nothing.
func TestElsewhere(t *testing.T) {
	s := listen(t, runtimeapi.Options{})
	p := &process{t: t, s: s}
	e := newEvent("1", "{}")
	p.take(e)
	asked(s)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/2018-06-01/runtime/" + next, 405},
		{"GET", "/2018-06-01/runtime/" + response, 405},
		{"PUT", "/2018-06-01/runtime/" + response, 405},
		{"GET", "/2018-06-01/runtime/init/error", 405},
		{"POST", "/2018-06-01/runtime/" + response + "/", 404},
		{"POST", "/2018-06-01/runtime/invocation/response", 404},
		{"POST", "/2018-06-01/runtime/invocation/1/other", 404},
		{"POST", "/2015-03-31/runtime/" + response, 404},
		{"GET", "/2015-03-31/runtime/" + next, 404},
		{"GET", "/" + next, 404},
		{"GET", "/", 404},
	} {
		resp, _ := p.do(c.method, c.path, "{}", "")
		if resp.StatusCode != c.want {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, resp.StatusCode, c.want)
		}
	}
	if got := e.all(); got != nil || asked(s) || s.InitError() != nil {
		t.Errorf("outcomes %+v, init error %+v; want none, and no event asked for", got, s.InitError())
	}
	if got := p.post(response, "a", ""); got != accepted {
		t.Errorf("reply %+v, want %+v", got, accepted)
	}
}

// TestAnswersAtOnce: of many answers one is taken.
func TestAnswersAtOnce(t *testing.T) {
	s := listen(t, runtimeapi.Options{})
	e := newEvent("1", "{}")
	(&process{t: t, s: s}).take(e)
	replies := make([]reply, 8)
	var wg sync.WaitGroup
	for i := range replies {
		p := &process{t: t, s: s}
		wg.Go(func() { replies[i] = p.post(response, fmt.Sprint(i), "") })
	}
	wg.Wait()
	var want []outcome
	for i, got := range replies {
		switch got {
		case accepted:
			want = append(want, outcome{Answer: fmt.Sprint(i)})
		case stray:
		default:
			t.Errorf("reply %+v", got)
		}
	}
	if diff := cmp.Diff(want, e.all()); diff != "" || len(want) != 1 {
		t.Errorf("%d answers were taken, want 1; outcomes (-taken +got):\n%s", len(want), diff)
	}
}

// TestBrokenOff: half an answer is none, and the whole one may follow.
func TestBrokenOff(t *testing.T) {
	for _, path := range []string{response, failure} {
		for _, body := range []string{
			"Content-Length: 10\r\n\r\nhalf",
			"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
			"Transfer-Encoding: chunked\r\n\r\nhalf",
		} {
			s := listen(t, runtimeapi.Options{})
			p := &process{t: t, s: s}
			e := newEvent("1", "{}")
			p.take(e)
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: api\r\n%s", path, body)
			conn.(*net.TCPConn).CloseWrite()
			text, _ := io.ReadAll(conn) // until the server is done with it
			conn.Close()
			if !strings.HasPrefix(string(text), "HTTP/1.1 400 ") {
				t.Errorf("%s, %q: reply %q, want 400", path, body, text)
			}
			if got := e.all(); got != nil {
				t.Errorf("%s, %q: outcomes %+v, want none", path, body, got)
			}
			if got := p.post(response, "whole", ""); got != accepted {
				t.Errorf("%s, %q: reply %+v to the whole answer, want %+v", path, body, got, accepted)
			}
		}
	}
}

// TestAsked: requests that nobody looks at do not pile up.
func TestAsked(t *testing.T) {
	s := listen(t, runtimeapi.Options{})
	p := &process{t: t, s: s}
	for _, id := range []string{"1", "2", "3"} {
		p.take(newEvent(id, "{}"))
	}
	if !asked(s) || asked(s) {
		t.Error("want one request of three")
	}
}

// TestClose ends the wait of a process for an event.
func TestClose(t *testing.T) {
	s := listen(t, runtimeapi.Options{})
	ended := make(chan error)
	go func() {
		_, err := http.Get("http://" + s.Addr + "/2018-06-01/runtime/" + next)
		ended <- err
	}()
	<-s.Asked
	s.Close()
	if err := <-ended; err == nil {
		t.Error("the process got an event")
	}
}

func listen(t *testing.T, o runtimeapi.Options) *runtimeapi.Server {
	t.Helper()
	s, err := runtimeapi.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections() // the next server may get this address
	})
	return s
}

// asked receives from Asked what is there.
func asked(s *runtimeapi.Server) bool {
	select {
	case <-s.Asked:
		return true
	default:
		return false
	}
}

// An event remembers its outcomes.
type event struct {
	runtimeapi.Event
	mu       sync.Mutex
	outcomes []outcome
}

func newEvent(id, payload string) *event {
	e := &event{Event: runtimeapi.Event{ID: id, Payload: []byte(payload)}}
	e.Answered = func(answer []byte, err *runtimeapi.Error) {
		o := outcome{Answer: string(answer)}
		if err != nil {
			o.Type, o.Err, o.Failed = err.Type, string(err.Body), true
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.outcomes = append(e.outcomes, o)
	}
	return e
}

func (e *event) all() []outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.outcomes
}

// A process is the client.
type process struct {
	t      *testing.T
	s      *runtimeapi.Server
	closed bool // the server has ended a connection
}

// take asks for an event, and gets e.
func (p *process) take(e *event) (http.Header, string) {
	go func() { p.s.Events <- &e.Event }()
	resp, body := p.do("GET", "/2018-06-01/runtime/"+next, "", "")
	return resp.Header, body
}

func (p *process) post(path, body, errorType string) reply {
	resp, text := p.do("POST", "/2018-06-01/runtime/"+path, body, errorType)
	return reply{resp.StatusCode, resp.Header.Get("Content-Type"), text}
}

func (p *process) do(method, path, body, errorType string) (*http.Response, string) {
	req, err := http.NewRequest(method, "http://"+p.s.Addr+path, strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return &http.Response{}, ""
	}
	if errorType != "" {
		req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Error(err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	p.closed = p.closed || resp.Close
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Error(err)
	}
	return resp, string(text)
}
