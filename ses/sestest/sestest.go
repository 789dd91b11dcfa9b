// Package sestest is Amazon SES as far as a sender of e-mail can tell: it speaks
// version 2 of the API, REST with JSON, for the one operation SendEmail, keeps every
// request, and fails in the ways in which SES and the network between fail.
//
// Point any AWS SDK to it with AWS_ENDPOINT_URL_SESV2:
//
//	fake := sestest.New()
//	defer fake.Close()
//	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_SESV2="+fake.URL)
//	…
//	fake.Mails() // what the mailboxes got
//
// The answers are those of the API reference
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html) and of
// https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html; no
// signature is checked.
package sestest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Mode is what becomes of a SendEmail.
type Mode int

// The modes. Those under the second heading leave the caller in doubt: it cannot know
// whether a message is on its way, and must not send again.
const (
	// Known outcome.

	Accept               Mode = iota // a message and a MessageId
	Throttled                        // 429 TooManyRequestsException: the sending rate
	ThrottledOnce                    // the same for one request, then Accept
	DailyQuota                       // 429 TooManyRequestsException: the daily quota
	LimitExceeded                    // 400 LimitExceededException
	Suspended                        // 400 AccountSuspendedException
	Paused                           // 400 SendingPausedException
	FromNotVerified                  // 400 MessageRejected, naming the sender
	RecipientNotVerified             // 400 MessageRejected, naming the recipient: the sandbox
	Suppressed                       // 400 MessageRejected: on the suppression list
	DomainNotVerified                // 400 MailFromDomainNotVerifiedException
	NoConfigurationSet               // 404 NotFoundException
	BadAddress                       // 400 BadRequestException
	AccessDenied                     // 403 AccessDeniedException

	// Doubtful outcome: the message was sent.

	InternalError // 500 InternalServiceErrorException
	Unavailable   // 503 without a body
	NoMessageID   // 200 without a MessageId
	Hang          // the request is read and never answered
	Stall         // the answer begins and never ends
	Drop          // the request is read, then the connection is closed
)

var modeNames = [...]string{"Accept", "Throttled", "ThrottledOnce", "DailyQuota", "LimitExceeded", "Suspended", "Paused", "FromNotVerified",
	"RecipientNotVerified", "Suppressed", "DomainNotVerified", "NoConfigurationSet", "BadAddress", "AccessDenied",
	"InternalError", "Unavailable", "NoMessageID", "Hang", "Stall", "Drop"}

// String is the name of the mode.
func (m Mode) String() string { return modeNames[m] }

// Sends reports whether a request in this mode puts a message on its way.
func (m Mode) Sends() bool { return m == Accept || m >= InternalError }

// A Mail is one request for a message.
type Mail struct {
	From, To         string
	ReplyTo          []string
	Subject          string
	Text, HTML       string
	Headers          map[string]string
	ConfigurationSet string
	Tags             map[string]string
	ClickTracking    string // ENABLED, DISABLED, or "" where the account decides
	OpenTracking     string
	MessageID        string // in mode Accept
	Mode             Mode   // what became of it
	Time             time.Time
}

// Code returns the code in the text: its first word of six digits, or "".
func (m Mail) Code() string { return code.FindString(m.Text) }

var code = regexp.MustCompile(`\b[0-9]{6}\b`)

// A Server is a fake SES. It is safe for concurrent use. Create it with [New].
type Server struct {
	URL string // without a slash at the end

	http    *httptest.Server
	closing chan struct{}

	mu     sync.Mutex
	mode   Mode
	delay  time.Duration
	mails  []Mail
	warmed int
}

// New starts a server on a free port of 127.0.0.1.
func New() *Server {
	s := &Server{closing: make(chan struct{})}
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // dropped connections are no news
	s.http.Start()
	s.URL = s.http.URL
	return s
}

// Close stops the server. Requests that hang end.
func (s *Server) Close() {
	close(s.closing)
	s.http.Close()
}

// SetMode sets what becomes of requests from now on. The default is Accept.
func (s *Server) SetMode(m Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = m
}

// SetDelay sets how long a SendEmail takes from now on. The default is 0.
func (s *Server) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Requests returns every SendEmail that was read, oldest first.
func (s *Server) Requests() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Mails returns those that put a message on its way, oldest first.
func (s *Server) Mails() []Mail {
	return slices.DeleteFunc(s.Requests(), func(m Mail) bool { return !m.Mode.Sends() })
}

// Warmed returns how many requests did no more than open a connection.
func (s *Server) Warmed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warmed
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		s.mu.Lock()
		s.warmed++
		s.mu.Unlock()
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		fail(w, http.StatusNotFound, "UnknownOperationException", "SendEmail is the only operation")
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "/ses/aws4_request,") {
		fail(w, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	mail, err := Decode(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		fail(w, http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	delay := s.keep(&mail)
	select {
	case <-time.After(delay):
	case <-r.Context().Done(): // nobody waits any longer
	case <-s.closing:
	}
	s.answer(w, r, mail)
}

func (s *Server) keep(mail *Mail) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	mail.Mode, mail.Time = s.mode, time.Now()
	if s.mode == ThrottledOnce {
		s.mode = Accept
	}
	if mail.Mode == Accept {
		mail.MessageID = fmt.Sprintf("0102018f-0000-4000-8000-%012d-000000", len(s.mails)+1)
	}
	s.mails = append(s.mails, *mail)
	return s.delay
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, m Mail) {
	switch m.Mode {
	case Accept:
		write(w, http.StatusOK, map[string]string{"MessageId": m.MessageID})
	case NoMessageID:
		write(w, http.StatusOK, map[string]string{})
	case Throttled, ThrottledOnce:
		fail(w, http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded.")
	case DailyQuota:
		fail(w, http.StatusTooManyRequests, "TooManyRequestsException", "Daily message quota exceeded.")
	case LimitExceeded:
		fail(w, http.StatusBadRequest, "LimitExceededException", "Daily message quota exceeded.")
	case Suspended:
		fail(w, http.StatusBadRequest, "AccountSuspendedException", "Sending suspended for this account.")
	case Paused:
		fail(w, http.StatusBadRequest, "SendingPausedException", "Sending paused for this account.")
	case FromNotVerified:
		fail(w, http.StatusBadRequest, "MessageRejected", "Email address is not verified. The following identities failed the check in region EU-WEST-1: "+m.From)
	case RecipientNotVerified:
		fail(w, http.StatusBadRequest, "MessageRejected", "Email address is not verified. The following identities failed the check in region EU-WEST-1: "+m.To)
	case Suppressed:
		fail(w, http.StatusBadRequest, "MessageRejected", "Address "+m.To+" is on the suppression list for your account")
	case DomainNotVerified:
		fail(w, http.StatusBadRequest, "MailFromDomainNotVerifiedException", "The MAIL FROM domain is not verified.")
	case NoConfigurationSet:
		fail(w, http.StatusNotFound, "NotFoundException", "Configuration set <"+m.ConfigurationSet+"> does not exist.")
	case BadAddress:
		fail(w, http.StatusBadRequest, "BadRequestException", "Domain contains illegal character: "+m.To)
	case AccessDenied:
		fail(w, http.StatusForbidden, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/made-up is not authorized to perform: ses:SendEmail")
	case InternalError:
		fail(w, http.StatusInternalServerError, "InternalServiceErrorException", "An internal error occurred for "+m.To)
	case Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Drop:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	case Stall:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "10000")
		io.WriteString(w, `{"MessageId":`)
		http.NewResponseController(w).Flush()
		fallthrough
	case Hang:
		select {
		case <-r.Context().Done():
		case <-s.closing:
		}
	}
}

// Decode reads the body of a SendEmail with simple content to one address, and refuses
// what SES refuses: other addresses, a text that is missing, a tag that is malformed.
func Decode(r io.Reader) (Mail, error) {
	type content struct{ Data, Charset string }
	type pair struct{ Name, Value string }
	var in struct {
		FromEmailAddress string
		Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
		ReplyToAddresses []string
		Content          struct {
			Simple *struct {
				Subject content
				Body    struct{ Text, Html content }
				Headers []pair
			}
		}
		ConfigurationSetName   string
		EmailTags              []pair
		ConfigurationOverrides struct {
			Tracking struct{ ClickTrackingEnabled, OpenTrackingEnabled string }
		}
	}
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return Mail{}, fmt.Errorf("the body is no JSON of a SendEmail")
	}
	d := in.Destination
	if in.Content.Simple == nil || len(d.ToAddresses) != 1 || len(d.CcAddresses)+len(d.BccAddresses) != 0 {
		return Mail{}, fmt.Errorf("only simple content to one address here")
	}
	simple := in.Content.Simple
	m := Mail{
		From: in.FromEmailAddress, To: d.ToAddresses[0], ReplyTo: in.ReplyToAddresses,
		Subject: simple.Subject.Data, Text: simple.Body.Text.Data, HTML: simple.Body.Html.Data,
		Headers: map[string]string{}, ConfigurationSet: in.ConfigurationSetName, Tags: map[string]string{},
		ClickTracking: in.ConfigurationOverrides.Tracking.ClickTrackingEnabled,
		OpenTracking:  in.ConfigurationOverrides.Tracking.OpenTrackingEnabled,
	}
	for _, h := range simple.Headers {
		if h.Name == "" || strings.ContainsFunc(h.Name+h.Value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return Mail{}, fmt.Errorf("a header is malformed")
		}
		m.Headers[h.Name] = h.Value
	}
	for _, t := range in.EmailTags {
		if !tag.MatchString(t.Name) || !tag.MatchString(t.Value) {
			return Mail{}, fmt.Errorf("a tag is malformed")
		}
		m.Tags[t.Name] = t.Value
	}
	switch {
	case !one.MatchString(m.To):
		return Mail{}, fmt.Errorf("an address is illegal")
	case !strings.Contains(m.From, "@") || strings.ContainsAny(m.From, "\r\n"):
		return Mail{}, fmt.Errorf("the sender's address has no final @domain")
	case m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || simple.Subject.Charset != "UTF-8":
		return Mail{}, fmt.Errorf("the subject is not one line of UTF-8")
	case m.Text == "" || simple.Body.Text.Charset != "UTF-8":
		return Mail{}, fmt.Errorf("the text is not UTF-8, or missing")
	}
	return m, nil
}

var (
	tag = regexp.MustCompile(`^[0-9A-Za-z_-]{1,256}$`)
	one = regexp.MustCompile(`^[!-+\--?A-~.]+@[0-9A-Za-z.-]+$`) // printable ASCII without "@" and ","
)

const requestID = "11111111-2222-4333-8444-555555555555"

func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	write(w, status, map[string]string{"message": message})
}

func write(w http.ResponseWriter, status int, answer map[string]string) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings can be marshaled
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	w.Write(body)
}
