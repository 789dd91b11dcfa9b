// Package fakesns is Amazon SNS as far as a sender of SMS can tell: it speaks
// the AWS Query protocol for the one action Publish, records every request with
// all of its attributes, and fails in the ways in which SNS and the network
// between fail.
//
// Point any AWS SDK to it with AWS_ENDPOINT_URL_SNS:
//
//	fake := fakesns.New()
//	defer fake.Close()
//	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_SNS="+fake.URL)
//	…
//	fake.Texts() // what the phones got
//
// The answers are those of the API reference
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html); what a request
// looks like was checked against one recorded from aws-sdk-go-v2.
package fakesns

import (
	"cmp"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Mode is what becomes of a Publish.
type Mode int

// The modes. Those under the second heading leave the caller in doubt: it cannot
// know whether a text is on its way, and must not publish again.
const (
	// Known outcome.

	Accept             Mode = iota // a text and a MessageId
	Throttling                     // 400 Throttling, a common error of AWS's APIs
	Throttled                      // 429 Throttled, SNS's own
	OptedOut                       // 400 OptedOut
	InvalidParameter               // 400 InvalidParameter
	AuthorizationError             // 403 AuthorizationError
	DropBefore                     // the connection is closed, the request unread

	// Doubtful outcome: the text was sent.

	InternalError // 500 InternalError
	NoMessageID   // 200 without a MessageId
	Hang          // the request is read and never answered
	Stall         // the answer begins and never ends
	DropAfter     // the request is read, then the connection is closed
)

var modeNames = [...]string{"Accept", "Throttling", "Throttled", "OptedOut", "InvalidParameter", "AuthorizationError", "DropBefore",
	"InternalError", "NoMessageID", "Hang", "Stall", "DropAfter"}

func (m Mode) String() string { return modeNames[m] }

// Sends reports whether a Publish in this mode puts a text on its way.
func (m Mode) Sends() bool { return m == Accept || m >= InternalError }

// A Publish is one request for a text.
type Publish struct {
	To         string
	Text       string
	Attributes map[string]Attribute // for example AWS.SNS.SMS.SMSType
	Header     http.Header
	Time       time.Time
	Mode       Mode   // what became of it
	MessageID  string // in mode Accept
	Error      string // what was wrong with the request itself; it is then answered so in every mode
}

// Sent reports whether a text is on its way, whatever the caller was told.
func (p Publish) Sent() bool { return p.Error == "" && p.Mode.Sends() }

// Code returns the code in the text: its first word of six digits, or "".
func (p Publish) Code() string { return code.FindString(p.Text) }

var code = regexp.MustCompile(`\b[0-9]{6}\b`)

// An Attribute is a message attribute of a Publish.
type Attribute struct{ DataType, Value string }

// A Server is a fake SNS. It is safe for concurrent use. Create it with [New] or
// [NewTLS].
type Server struct {
	URL string // without a slash at the end

	http    *httptest.Server
	closing chan struct{}

	mu          sync.Mutex
	mode        Mode
	delay       time.Duration
	publishes   []Publish
	connections int
}

// New starts a server on a free port of 127.0.0.1.
func New() *Server { return start((*httptest.Server).Start) }

// NewTLS starts a server that speaks TLS, with a certificate that nobody trusts:
// see [Server.Certificate].
func NewTLS() *Server { return start((*httptest.Server).StartTLS) }

func start(how func(*httptest.Server)) *Server {
	s := &Server{closing: make(chan struct{})}
	s.http = httptest.NewUnstartedServer(s)
	s.http.Listener = &listener{s.http.Listener, s}
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // dropped connections are no news
	how(s.http)
	s.URL = s.http.URL
	return s
}

// Close stops the server. Requests that hang end.
func (s *Server) Close() {
	close(s.closing)
	s.http.Close()
}

// Certificate is the certificate of a server made by NewTLS, in PEM. A Go
// program on Linux trusts it when SSL_CERT_FILE names a file that holds it.
func (s *Server) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// SetMode sets what becomes of requests from now on. The default is Accept.
func (s *Server) SetMode(m Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = m
}

// SetDelay sets how long a Publish takes from now on. The default is 0.
func (s *Server) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Publishes returns every Publish that was read, oldest first.
func (s *Server) Publishes() []Publish {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.publishes)
}

// Texts returns those that put a text on its way, oldest first.
func (s *Server) Texts() []Publish {
	return slices.DeleteFunc(s.Publishes(), func(p Publish) bool { return !p.Sent() })
}

// Connections returns how many connections were opened so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/" {
		fail(w, http.StatusNotFound, "Sender", "UnknownOperationException", "POST / is the only operation")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	p, err := read(r.Header, body)
	if err != nil {
		p.Error = err.Error()
	}
	p.Time = time.Now()

	s.mu.Lock()
	p.Mode = s.mode
	delay := s.delay
	if p.Sent() && p.Mode == Accept {
		p.MessageID = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.publishes)+1)
	}
	s.publishes = append(s.publishes, p)
	s.mu.Unlock()

	select {
	case <-time.After(delay):
	case <-r.Context().Done(): // nobody waits any longer
	case <-s.closing:
	}
	if p.Error != "" {
		kind, message, _ := strings.Cut(p.Error, ": ")
		fail(w, http.StatusBadRequest, "Sender", kind, message)
		return
	}
	s.answer(w, r, p)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, p Publish) {
	switch p.Mode {
	case Accept, NoMessageID:
		succeed(w, p.MessageID)
	case Throttling:
		fail(w, http.StatusBadRequest, "Sender", "Throttling", "Rate exceeded")
	case Throttled:
		fail(w, http.StatusTooManyRequests, "Sender", "Throttled", "Rate exceeded")
	case OptedOut:
		fail(w, http.StatusBadRequest, "Sender", "OptedOut", "Phone number "+p.To+" is opted out")
	case InvalidParameter:
		fail(w, http.StatusBadRequest, "Sender", "InvalidParameter", "Invalid parameter: PhoneNumber Reason: "+p.To+" is not valid to publish to")
	case AuthorizationError:
		fail(w, http.StatusForbidden, "Sender", "AuthorizationError", "User: arn:aws:sts::123456789012:assumed-role/made-up is not authorized to perform: SNS:Publish on resource: "+p.To)
	case InternalError:
		fail(w, http.StatusInternalServerError, "Receiver", "InternalError", "An internal error occurred")
	case DropAfter, DropBefore: // a DropBefore that was set in the middle of a request
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	case Stall:
		w.Header().Set("Content-Length", "10000")
		io.WriteString(w, `<PublishResponse xmlns="`+namespace+`">`)
		http.NewResponseController(w).Flush()
		fallthrough
	case Hang:
		select {
		case <-r.Context().Done():
		case <-s.closing:
		}
	}
}

// attributeName is the name of the form's field that holds the name of the n-th
// message attribute, counted from 1.
var attributeName = regexp.MustCompile(`^MessageAttributes\.entry\.([0-9]+)\.Name$`)

// read reads a request and checks what SNS would check. The error's text begins
// with the code that SNS answers.
func read(header http.Header, body []byte) (Publish, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Publish{}, fmt.Errorf("MalformedQueryString: %v", err)
	}
	p := Publish{
		To:         form.Get("PhoneNumber"),
		Text:       form.Get("Message"),
		Attributes: map[string]Attribute{},
		Header:     header.Clone(),
	}
	for field, values := range form {
		if m := attributeName.FindStringSubmatch(field); m != nil {
			value := "MessageAttributes.entry." + m[1] + ".Value."
			p.Attributes[values[0]] = Attribute{form.Get(value + "DataType"), form.Get(value + "StringValue")}
		}
	}

	auth := header.Get("Authorization")
	switch {
	case !strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return p, fmt.Errorf("InvalidParameter: the body is no form")
	case !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=") || !strings.Contains(auth, "/sns/aws4_request,") || header.Get("X-Amz-Date") == "":
		return p, fmt.Errorf("MissingAuthenticationToken: Request is missing Authentication Token")
	case form.Get("Action") != "Publish" || form.Get("Version") != "2010-03-31":
		return p, fmt.Errorf("InvalidAction: Publish of version 2010-03-31 is the only operation")
	case form.Has("TopicArn") || form.Has("TargetArn"):
		return p, fmt.Errorf("InvalidParameter: Invalid parameter: TopicArn: only phone numbers here")
	case !phone.MatchString(p.To):
		return p, fmt.Errorf("InvalidParameter: Invalid parameter: PhoneNumber Reason: not valid to publish to")
	case p.Text == "":
		return p, fmt.Errorf("InvalidParameter: Invalid parameter: Empty message")
	case utf8.RuneCountInString(p.Text) > 1600:
		return p, fmt.Errorf("InvalidParameter: Invalid parameter: Message too long")
	}
	return p, checkAttributes(p.Attributes)
}

var phone = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// attributes are the message attributes that SNS knows for SMS
// (https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html).
var attributes = map[string]struct {
	dataType string
	value    *regexp.Regexp
}{
	"AWS.SNS.SMS.SMSType":          {"String", regexp.MustCompile(`^(Promotional|Transactional)$`)},
	"AWS.SNS.SMS.SenderID":         {"String", regexp.MustCompile(`^[0-9]{0,10}[A-Za-z][0-9A-Za-z]{0,10}$`)},
	"AWS.SNS.SMS.MaxPrice":         {"Number", regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)},
	"AWS.MM.SMS.OriginationNumber": {"String", regexp.MustCompile(`^\+?[0-9]{3,15}$`)},
	"AWS.MM.SMS.EntityId":          {"String", regexp.MustCompile(`^.{1,50}$`)},
	"AWS.MM.SMS.TemplateId":        {"String", regexp.MustCompile(`^.{1,50}$`)},
}

func checkAttributes(got map[string]Attribute) error {
	for name, a := range got {
		known, ok := attributes[name]
		switch {
		case !ok && strings.HasPrefix(name, "AWS."):
			return fmt.Errorf("InvalidParameter: Invalid parameter: MessageAttributes Reason: %s is not known", name)
		case ok && (a.DataType != known.dataType || !known.value.MatchString(a.Value)):
			return fmt.Errorf("InvalidParameter: Invalid parameter: MessageAttributes Reason: the value of %s is invalid", name)
		}
	}
	return nil
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

const requestID = "11111111-2222-4333-8444-555555555555"

func succeed(w http.ResponseWriter, messageID string) {
	type result struct {
		MessageID string `xml:"MessageId,omitempty"`
	}
	write(w, http.StatusOK, struct {
		XMLName   xml.Name `xml:"PublishResponse"`
		NS        string   `xml:"xmlns,attr"`
		Result    result   `xml:"PublishResult"`
		RequestID string   `xml:"ResponseMetadata>RequestId"`
	}{NS: namespace, Result: result{messageID}, RequestID: requestID})
}

func fail(w http.ResponseWriter, status int, kind, code, message string) {
	write(w, status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		NS        string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{NS: namespace, Type: kind, Code: code, Message: cmp.Or(message, code), RequestID: requestID})
}

func write(w http.ResponseWriter, status int, answer any) {
	body, err := xml.Marshal(answer)
	if err != nil {
		panic(err) // the answers above can be marshaled
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	w.Write(body)
}

// A listener closes its connections as soon as something arrives while the mode
// is DropBefore, also connections from before.
type listener struct {
	net.Listener
	s *Server
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.s.mu.Lock()
	l.s.connections++
	l.s.mu.Unlock()
	return &conn{c, l.s}, nil
}

type conn struct {
	net.Conn
	s *Server
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.s.mu.Lock()
	drop := c.s.mode == DropBefore
	c.s.mu.Unlock()
	if drop {
		c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}
