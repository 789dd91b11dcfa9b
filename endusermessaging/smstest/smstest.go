// Package smstest is AWS End User Messaging as far as a sender of codes can tell: it
// speaks the protocol JSON 1.0 for SendTextMessage, SendVoiceMessage,
// SendNotifyTextMessage, SendNotifyVoiceMessage and PutMessageFeedback, keeps every
// request, and fails in the ways in which the service and the network between fail.
//
// Point any AWS SDK to it with AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2:
//
//	fake := smstest.New()
//	defer fake.Close()
//	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2="+fake.URL)
//	…
//	fake.Messages() // what the phones got
//
// The answers are those of the API reference
// (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/Welcome.html);
// no signature is checked.
package smstest

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

// A Mode is what becomes of a request to send.
type Mode int

// The modes. Those under the second heading leave the caller in doubt: it cannot know
// whether a message is on its way, and must not send again.
const (
	// Known outcome.

	Accept          Mode = iota // a message and a MessageId
	Throttled                   // ThrottlingException
	ThrottledOnce               // the same for one request, then Accept
	SpendLimit                  // ServiceQuotaExceededException: the month's money is spent
	TierLimit                   // ServiceQuotaExceededException: 200 messages a day on Notify's basic tier
	DestinationCall             // ServiceQuotaExceededException: the number was called too often today
	OptedOut                    // ConflictException
	Sandbox                     // ConflictException: the number is not verified
	CountryBlocked              // ConflictException: by a protect configuration
	NoOrigination               // ConflictException: nothing to send from
	NotActive                   // ConflictException: the Notify configuration
	TooExpensive                // ValidationException: above the maximum price
	BadNumber                   // ValidationException, naming the field
	BadARN                      // ValidationException
	NoPool                      // ResourceNotFoundException
	Disabled                    // AccessDeniedException: the account

	// Doubtful outcome: the message was sent.

	InternalError // 500 InternalServerException
	Unavailable   // 503 without a body
	NoMessageID   // 200 without a MessageId
	Hang          // the request is read and never answered
	Stall         // the answer begins and never ends
	Drop          // the request is read, then the connection is closed
)

var modeNames = [...]string{"Accept", "Throttled", "ThrottledOnce", "SpendLimit", "TierLimit", "DestinationCall", "OptedOut", "Sandbox",
	"CountryBlocked", "NoOrigination", "NotActive", "TooExpensive", "BadNumber", "BadARN", "NoPool", "Disabled",
	"InternalError", "Unavailable", "NoMessageID", "Hang", "Stall", "Drop"}

// String is the name of the mode.
func (m Mode) String() string { return modeNames[m] }

// Sends reports whether a request in this mode puts a message on its way.
func (m Mode) Sends() bool { return m == Accept || m >= InternalError }

// A Message is one request to send.
type Message struct {
	Operation string         // such as SendTextMessage
	To        string         // the number
	Body      string         // the text or SSML; for Notify, what the template made of the code
	Input     map[string]any // the whole request
	Mode      Mode           // what became of it
	ID        string         // in mode Accept
	Received  bool           // feedback said so
	Time      time.Time
}

// A Server is a fake of the service. It is safe for concurrent use. Create it with
// [New].
type Server struct {
	URL string // without a slash at the end

	http    *httptest.Server
	closing chan struct{}

	mu       sync.Mutex
	mode     Mode
	delay    time.Duration
	messages []Message
	warmed   int
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

// SetMode sets what becomes of requests to send from now on. The default is Accept.
func (s *Server) SetMode(m Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = m
}

// SetDelay sets how long a request to send takes from now on. The default is 0.
func (s *Server) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Requests returns every request to send that was read, oldest first.
func (s *Server) Requests() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Messages returns those that put a message on its way, oldest first.
func (s *Server) Messages() []Message {
	return slices.DeleteFunc(s.Requests(), func(m Message) bool { return !m.Mode.Sends() })
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
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "PinpointSMSVoiceV2.")
	if r.Method != http.MethodPost || r.URL.Path != "/" || !ok || r.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
		fail(w, http.StatusNotFound, "UnknownOperationException", "", "JSON 1.0 on POST / is all there is")
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "/sms-voice/aws4_request,") {
		fail(w, http.StatusBadRequest, "MissingAuthenticationTokenException", "", "Missing Authentication Token")
		return
	}
	body := http.MaxBytesReader(w, r.Body, 1<<20)
	if operation == "PutMessageFeedback" {
		s.feedback(w, body)
		return
	}
	m, err := Decode(operation, body)
	if err != nil {
		fail(w, http.StatusBadRequest, "ValidationException", "FIELD_VALIDATION_FAILED", err.Error())
		return
	}
	delay := s.keep(&m)
	select {
	case <-time.After(delay):
	case <-r.Context().Done(): // nobody waits any longer
	case <-s.closing:
	}
	s.answer(w, r, m)
}

func (s *Server) keep(m *Message) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Mode, m.Time = s.mode, time.Now()
	if s.mode == ThrottledOnce {
		s.mode = Accept
	}
	if m.Mode == Accept {
		m.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.messages)+1)
	}
	s.messages = append(s.messages, *m)
	return s.delay
}

func (s *Server) feedback(w http.ResponseWriter, body io.Reader) {
	var in struct{ MessageId, MessageFeedbackStatus string }
	json.NewDecoder(body).Decode(&in)
	s.mu.Lock()
	at := slices.IndexFunc(s.messages, func(m Message) bool { return m.ID != "" && m.ID == in.MessageId })
	known := at >= 0 && in.MessageFeedbackStatus == "RECEIVED"
	if known {
		s.messages[at].Received = true
	}
	s.mu.Unlock()
	if !known {
		fail(w, http.StatusBadRequest, "ResourceNotFoundException", "", "no such message, or no such status")
		return
	}
	write(w, http.StatusOK, map[string]any{"MessageId": in.MessageId, "MessageFeedbackStatus": in.MessageFeedbackStatus})
}

// failures are the answers of modes that refuse: status 400, code, reason, text. The
// number takes the place of %s.
var failures = map[Mode][3]string{
	Throttled:       {"ThrottlingException", "", "Rate exceeded"},
	ThrottledOnce:   {"ThrottlingException", "", "Rate exceeded"},
	SpendLimit:      {"ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", "Spend limit reached"},
	TierLimit:       {"ServiceQuotaExceededException", "DAILY_NOTIFY_TIER_MESSAGE_LIMIT", "Tier limit reached"},
	DestinationCall: {"ServiceQuotaExceededException", "DAILY_DESTINATION_CALL_LIMIT", "Too many calls to %s"},
	OptedOut:        {"ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", "%s is opted out"},
	Sandbox:         {"ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", "%s is not verified"},
	CountryBlocked:  {"ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", "The country of %s is blocked"},
	NoOrigination:   {"ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", "No origination identities for %s"},
	NotActive:       {"ConflictException", "NOTIFY_CONFIGURATION_NOT_ACTIVE", "The configuration is not active"},
	TooExpensive:    {"ValidationException", "PRICE_OVER_THRESHOLD", "The price is above the threshold"},
	BadNumber:       {"ValidationException", "FIELD_VALIDATION_FAILED", "%s is no phone number"},
	BadARN:          {"ValidationException", "INVALID_ARN", "The ARN is malformed"},
	NoPool:          {"ResourceNotFoundException", "", "The pool does not exist"},
	Disabled:        {"AccessDeniedException", "ACCOUNT_DISABLED", "The account is disabled"},
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, m Message) {
	if f, ok := failures[m.Mode]; ok {
		fail(w, http.StatusBadRequest, f[0], f[1], strings.ReplaceAll(f[2], "%s", m.To))
		return
	}
	switch m.Mode {
	case Accept:
		out := map[string]any{"MessageId": m.ID}
		if strings.Contains(m.Operation, "Notify") {
			out["ResolvedMessageBody"] = m.Body
		}
		write(w, http.StatusOK, out)
	case NoMessageID:
		write(w, http.StatusOK, map[string]any{})
	case InternalError:
		fail(w, http.StatusInternalServerError, "InternalServerException", "", "An internal error occurred for "+m.To)
	case Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Drop:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	case Stall:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
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

// required are the fields that each operation needs beside the number.
var required = map[string][]string{
	"SendTextMessage":        {"MessageBody"},
	"SendVoiceMessage":       {"MessageBody", "OriginationIdentity"},
	"SendNotifyTextMessage":  {"NotifyConfigurationId", "TemplateVariables"},
	"SendNotifyVoiceMessage": {"NotifyConfigurationId", "TemplateVariables"},
}

// Decode reads the body of an operation that sends, and refuses what the service
// refuses: a number that is none, a field that is missing, a price, a time or a text
// beyond the bounds of the API.
func Decode(operation string, body io.Reader) (Message, error) {
	m := Message{Operation: operation}
	fields, ok := required[operation]
	if !ok {
		return m, fmt.Errorf("the operation is unknown")
	}
	if err := json.NewDecoder(body).Decode(&m.Input); err != nil {
		return m, fmt.Errorf("the body is no JSON")
	}
	m.To, _ = m.Input["DestinationPhoneNumber"].(string)
	m.Body, _ = m.Input["MessageBody"].(string)
	if variables, ok := m.Input["TemplateVariables"].(map[string]any); ok {
		code, _ := variables["code"].(string)
		m.Body = "Your code is " + code
	}
	for _, f := range fields {
		if m.Input[f] == nil || m.Input[f] == "" {
			return m, fmt.Errorf("%s is missing", f)
		}
	}
	ttl, isSet := m.Input["TimeToLive"].(float64)
	longest := 1600
	if operation == "SendVoiceMessage" {
		longest = 6000
	}
	switch {
	case !phone.MatchString(m.To):
		return m, fmt.Errorf("DestinationPhoneNumber is malformed")
	case isSet && (ttl < 5 || ttl > 259_200):
		return m, fmt.Errorf("TimeToLive is not from 5 to 259200")
	case len([]rune(m.Body)) > longest:
		return m, fmt.Errorf("MessageBody is too long")
	}
	for _, f := range []string{"MaxPrice", "MaxPricePerMinute"} {
		if p, isSet := m.Input[f].(string); isSet && !price.MatchString(p) {
			return m, fmt.Errorf("%s is malformed", f)
		}
	}
	return m, nil
}

var (
	phone = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)
	price = regexp.MustCompile(`^[0-9]{0,2}\.[0-9]{1,5}$`)
)

const requestID = "11111111-2222-4333-8444-555555555555"

func fail(w http.ResponseWriter, status int, code, reason, message string) {
	out := map[string]any{"__type": "com.amazonaws.pinpointsmsvoicev2#" + code, "Message": message}
	if reason != "" {
		out["Reason"] = reason
	}
	if reason == "FIELD_VALIDATION_FAILED" {
		out["Fields"] = []map[string]string{{"Name": "DestinationPhoneNumber", "Message": message}}
	}
	write(w, status, out)
}

func write(w http.ResponseWriter, status int, answer map[string]any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings can be marshaled
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	w.Write(body)
}
