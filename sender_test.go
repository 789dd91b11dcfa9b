package customauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// endpoint is an SNS endpoint for the real SDK client, as far as Publish goes. It
// checks no signatures. Package fakesns of the e2e module has a fuller one.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	forms  []url.Values
	heads  int
	answer func(w http.ResponseWriter)
}

func newEndpoint(t *testing.T) *endpoint {
	e := new(endpoint)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.Method == http.MethodHead {
			e.heads++
			return
		}
		r.ParseForm()
		e.forms = append(e.forms, r.PostForm)
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || r.Header.Get("X-Amz-Security-Token") != "session" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if e.answer != nil {
			e.answer(w)
			return
		}
		io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>`)
	}))
	t.Cleanup(e.Close)
	for k, v := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
		"AWS_ENDPOINT_URL_SNS": e.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
	} {
		t.Setenv(k, v)
	}
	return e
}

func (e *endpoint) sent() []url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.forms
}

func (e *endpoint) warmed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heads
}

func (e *endpoint) attributes() map[string]string {
	got := map[string]string{}
	for i := 1; i < 20; i++ {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if name := e.sent()[0].Get(prefix + "Name"); name != "" {
			got[name] = e.sent()[0].Get(prefix+"Value.DataType") + " " + e.sent()[0].Get(prefix+"Value.StringValue")
		}
	}
	return got
}

func sms(number string) customauth.Destination {
	return customauth.Destination{Medium: "SMS", Address: customauth.Hide(number)}
}

var message = customauth.Message{To: sms(phone), Text: customauth.Hide("123456 is your code")}

func TestSNSSender(t *testing.T) {
	tests := []struct {
		name   string
		sender *customauth.SNSSender
		want   map[string]string
	}{
		{"zero value", &customauth.SNSSender{}, map[string]string{"AWS.SNS.SMS.SMSType": "String Transactional"}},
		{"all attributes", &customauth.SNSSender{Type: "Promotional", SenderID: "ACME", OriginationNumber: "+12065550199", MaxPrice: "0.50", EntityID: "e", TemplateID: "t"},
			map[string]string{
				"AWS.SNS.SMS.SMSType": "String Promotional", "AWS.SNS.SMS.SenderID": "String ACME", "AWS.MM.SMS.OriginationNumber": "String +12065550199",
				"AWS.SNS.SMS.MaxPrice": "Number 0.50", "AWS.MM.SMS.EntityId": "String e", "AWS.MM.SMS.TemplateId": "String t",
			}},
		{"by destination", &customauth.SNSSender{Edit: func(_ context.Context, m customauth.Message, in *sns.PublishInput) error {
			if strings.HasPrefix(m.To.Address.Reveal(), "+1") {
				in.MessageAttributes["AWS.MM.SMS.OriginationNumber"] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("+18005550100")}
			}
			return nil
		}}, map[string]string{"AWS.SNS.SMS.SMSType": "String Transactional", "AWS.MM.SMS.OriginationNumber": "String +18005550100"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t)
			if err := tt.sender.Send(context.Background(), message); err != nil {
				t.Fatal(err)
			}
			got := []string{e.sent()[0].Get("Action"), e.sent()[0].Get("PhoneNumber"), e.sent()[0].Get("Message")}
			if diff := cmp.Diff([]string{"Publish", phone, "123456 is your code"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, e.attributes()); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSNSWrapped: whoever wraps the sender keeps what it refuses.
func TestSNSWrapped(t *testing.T) {
	e := newEndpoint(t)
	wrong := &customauth.SNSSender{Type: "Urgent"}
	o := customauth.Options{Keys: []customauth.Secret{key}, Senders: map[string]customauth.Sender{"SMS": struct{ *customauth.SNSSender }{wrong}}}
	if _, err := customauth.NewCreate(o); !errors.Is(err, customauth.ErrOptions) || !strings.Contains(err.Error(), "SNSSender.Type must be") {
		t.Errorf("embedded: %v", err)
	}
	// As a function it cannot be asked by the constructor.
	err := customauth.SenderFunc(wrong.Send).Send(t.Context(), message)
	if !errors.Is(err, customauth.ErrOptions) || len(e.sent()) != 0 {
		t.Errorf("as a function: %v, %d requests", err, len(e.sent()))
	}
}

// TestSNSFailures: what SNS says becomes what an operator understands, without
// the number, and one message is one request unless SNS refused the first.
func TestSNSFailures(t *testing.T) {
	says := func(status int, code, message string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>5f2c1b7e-0000-4000-8000-123456789012</RequestId></ErrorResponse>`, code, message)
		}
	}
	drop := func(w http.ResponseWriter) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	}
	var none error
	tests := []struct {
		name     string
		answer   func(http.ResponseWriter)
		want     error
		text     string
		requests int
	}{
		{"throttled", says(400, "Throttling", "Rate exceeded"), customauth.ErrThrottled, "Throttling: Rate exceeded (HTTP 400, request id 5f2c1b7e-0000-4000-8000-123456789012)", 2},
		{"throttled by its older name", says(400, "Throttled", ""), customauth.ErrThrottled, "HTTP 400", 2},
		{"opted out", says(400, "OptedOut", "Phone number "+phone+" is opted out"), customauth.ErrOptedOut, "Phone number [redacted] is opted out", 1},
		{"invalid number", says(400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: +1 206 555 0100 is not valid"), customauth.ErrInvalidDestination, "[redacted] is not valid", 1},
		{"not authorized", says(403, "AuthorizationError", "not authorized to perform: SNS:Publish"), customauth.ErrUnauthorized, "SNS:Publish", 1},
		{"expired token", says(403, "ExpiredTokenException", ""), customauth.ErrUnauthorized, "HTTP 403", 1},
		{"internal", says(500, "InternalError", "try later"), none, "InternalError: try later (HTTP 500", 1},
		{"unavailable", says(503, "ServiceUnavailable", ""), none, "HTTP 503", 1},
		{"dropped", drop, none, "EOF", 1},
		{"no XML", func(w http.ResponseWriter) { io.WriteString(w, "hello "+phone) }, none, "customauth: sns", 1},
		{"no MessageId", func(w http.ResponseWriter) {
			io.WriteString(w, `<PublishResponse><PublishResult></PublishResult></PublishResponse>`)
		}, none, "without a MessageId", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t)
			e.answer = tt.answer
			err := new(customauth.SNSSender).Send(context.Background(), message)
			if err == nil || !strings.HasPrefix(err.Error(), "customauth: ") || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %q", err, tt.text)
			}
			for _, known := range []error{customauth.ErrThrottled, customauth.ErrOptedOut, customauth.ErrInvalidDestination, customauth.ErrUnauthorized} {
				if errors.Is(err, known) != (known == tt.want) {
					t.Errorf("errors.Is(%v, %v) is %v", err, known, known != tt.want)
				}
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if text := err.Error(); strings.Contains(text, "555") || strings.Contains(text, "123456 is") {
					t.Errorf("a secret is in %q", text)
				}
			}
			if len(e.sent()) != tt.requests {
				t.Errorf("%d requests, want %d", len(e.sent()), tt.requests)
			}
		})
	}
}

// TestSNSThrottledOnce: the second try after a throttled one is the only one.
func TestSNSThrottledOnce(t *testing.T) {
	e := newEndpoint(t)
	e.answer = func(w http.ResponseWriter) {
		e.answer = nil
		w.WriteHeader(400)
		io.WriteString(w, `<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>`)
	}
	if err := new(customauth.SNSSender).Send(context.Background(), message); err != nil || len(e.sent()) != 2 {
		t.Errorf("%v after %d requests", err, len(e.sent()))
	}
}

// throttling refuses each request with SNS's answer to too many of them.
type throttling struct{ times []time.Time }

func (h *throttling) Do(*http.Request) (*http.Response, error) {
	h.times = append(h.times, time.Now())
	body := `<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>`
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// TestSNSThrottledTwice: a message is tried twice, with time between.
func TestSNSThrottledTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(throttling)
		client := sns.New(sns.Options{Region: "eu-west-1", HTTPClient: h, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		})})
		s := &customauth.SNSSender{Client: client}
		if err := s.Send(t.Context(), message); !errors.Is(err, customauth.ErrThrottled) {
			t.Errorf("got %v", err)
		}
		if len(h.times) != 2 || h.times[1].Sub(h.times[0]) != 200*time.Millisecond {
			t.Errorf("tried at %v", h.times)
		}
	})
}

func TestSNSEnvironment(t *testing.T) {
	ctx := context.Background()
	e := newEndpoint(t)
	mail := customauth.Message{To: customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("someone@example.com")}}
	if err := new(customauth.SNSSender).Send(ctx, mail); !errors.Is(err, customauth.ErrInvalidDestination) {
		t.Errorf("e-mail: %v", err)
	}
	s := new(customauth.SNSSender)
	if err := s.Warm(ctx); err != nil || e.warmed() != 1 {
		t.Errorf("warm: %v, %d requests", err, e.warmed())
	}
	if err := s.Send(ctx, message); err != nil {
		t.Errorf("after warming: %v", err)
	}
	own := &customauth.SNSSender{Client: publisher{}}
	if err := own.Warm(ctx); err != nil || e.warmed() != 1 {
		t.Errorf("warm with a client of one's own: %v, %d requests", err, e.warmed())
	}
	if err := own.Send(ctx, message); err == nil || !strings.Contains(err.Error(), "MessageId") {
		t.Errorf("a nil answer: %v", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_SNS", "")
	t.Setenv("AWS_ENDPOINT_URL", e.URL)
	if err := new(customauth.SNSSender).Send(ctx, message); err != nil {
		t.Errorf("AWS_ENDPOINT_URL: %v", err)
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	s = new(customauth.SNSSender)
	if err := s.Warm(ctx); err == nil {
		t.Error("warm: no error where nobody listens")
	}
	if err := s.Send(ctx, message); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody listens: %v", err)
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	s = new(customauth.SNSSender)
	if err := s.Send(ctx, message); !errors.Is(err, customauth.ErrUnauthorized) || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("no region: %v", err)
	}
	if err := s.Warm(ctx); err == nil {
		t.Error("warm: no error without a region")
	}
}

type publisher struct{}

func (publisher) Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return nil, nil
}

// TestSNSThroughHandler is a whole sign-in with the real client.
func TestSNSThroughHandler(t *testing.T) {
	e := newEndpoint(t)
	r := newRig(t, customauth.Options{Senders: map[string]customauth.Sender{"SMS": &customauth.SNSSender{}}})
	s := r.start()
	if len(e.sent()) != 1 || s.err != nil || e.warmed() != 1 {
		t.Fatalf("%v, %d messages, %d warm-ups", s.err, len(e.sent()), e.warmed())
	}
	code, _, _ := strings.Cut(e.sent()[0].Get("Message"), " ")
	if got := s.answer(code).outcome(); got != "tokens" {
		t.Errorf("got %q", got)
	}
}

func TestDestination(t *testing.T) {
	tests := []struct{ address, want string }{
		{"+12065550100", "+*******0100"},
		{"someone@example.com", "s***@e***"},
		{"éa@ü.example", "é***@ü***"},
		{"+123", "***"},
		{"", "***"},
		{"@", "***@***"},
		{"device-token", "***"},
	}
	for _, tt := range tests {
		d := customauth.Destination{Medium: "X", Address: customauth.Hide(tt.address)}
		got := []string{d.String(), fmt.Sprint(d), fmt.Sprintf("%q", d), string(toJSON(t, d)), d.LogValue().String()}
		want := []string{tt.want, "X " + tt.want, "X " + tt.want, `"X ` + tt.want + `"`, "X " + tt.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.address, diff)
		}
	}
}

// TestMedia: destinations other than SMS, good and bad.
func TestMedia(t *testing.T) {
	tests := []struct {
		to   customauth.Destination
		sent int
	}{
		{customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("someone@example.com")}, 1},
		{customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("someone")}, 0},
		{customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("some one@example.com")}, 0},
		{customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("someone@")}, 0},
		{customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("a@b\x00")}, 0},
		{customauth.Destination{Medium: "EMAIL", Address: customauth.Hide(strings.Repeat("a", 250) + "@example.com")}, 0},
		{customauth.Destination{Medium: "PUSH", Address: customauth.Hide("device-token")}, 1},
		{customauth.Destination{Medium: "PUSH"}, 0},
		{customauth.Destination{Address: customauth.Hide(phone)}, 0},
		{customauth.Destination{Medium: "SMS", Address: customauth.Hide("+0206555010")}, 0},
		{customauth.Destination{Medium: "SMS", Address: customauth.Hide("12065550100")}, 0},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, customauth.Options{Steps: only(customauth.OTP{
				Destination: func(_ context.Context, r customauth.Request) (customauth.Destination, error) {
					if r.UserNotFound {
						return sms(phone), nil
					}
					return tt.to, nil
				},
			})})
			if s := r.start(); s.err != nil || r.inbox.count() != tt.sent {
				t.Errorf("%s %q: %v, %d messages, want %d", tt.to.Medium, tt.to.Address.Reveal(), s.err, r.inbox.count(), tt.sent)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	var zero customauth.Secret
	if zero.Reveal() != "" || fmt.Sprintf("%v %s %#v", zero, zero, zero) != "[redacted] [redacted] [redacted]" {
		t.Errorf("zero secret: %q, %v", zero.Reveal(), zero)
	}
	if !zero.Equal(customauth.Hide("")) || zero.Equal(customauth.Hide("x")) || !customauth.Hide("x").Equal(customauth.Hide("x")) {
		t.Error("Equal is wrong")
	}
}
