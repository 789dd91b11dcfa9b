package customauth

// This file says how a code reaches its user: what a message is, the Sender and
// Guard plug-points, and the sender for SMS over Amazon SNS.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// A Sender delivers a message. It is called concurrently, once for each message,
// with a context that ends when Options.SendTimeout is over; whatever it does
// after that is not waited for. It must not send twice: a message that may have
// been accepted is not to be tried again.
//
// An error that wraps [ErrThrottled] or [ErrUnauthorized] says that nothing was
// sent: the send is not counted, and the user may ask again at once. One that
// wraps [ErrOptedOut] or [ErrInvalidDestination] says that nothing can be sent to
// this destination: the send is counted. After any other error the message may be
// on its way, and its code stays valid. The user sees "delivery_failed" in all
// cases; the error's text goes to the log, without the address and the code.
//
// A Sender with a second method, Warm(context.Context) error, is warmed by
// [NewCreate] and [NewHandler], in Lambda's init phase: it may open its
// connection there. Warming takes one second at most, and a failure is no
// failure.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// SenderFunc is a function as a [Sender].
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// Errors that a [Sender] wraps when it knows that nothing was sent.
var (
	ErrThrottled          = errors.New("customauth: sending is throttled")
	ErrOptedOut           = errors.New("customauth: the destination opted out of messages")
	ErrInvalidDestination = errors.New("customauth: the destination cannot be sent to")
	ErrUnauthorized       = errors.New("customauth: sending is not authorized")
)

// A Guard decides whether a code may be sent, before it is. It is called
// concurrently, only for known users.
type Guard interface {
	// Allow refuses by an error. Its text goes to the log and to Event.Reason:
	// it must name neither the number nor the user. It is asked after the limits
	// on sends, so that a send that these refuse does not count with the guard; a
	// send that the guard refuses counts for the limits.
	Allow(ctx context.Context, r Request, to Destination) error

	// Verified is called after the code that was sent to this destination was
	// answered rightly.
	Verified(ctx context.Context, r Request, to Destination)
}

// A Message is a text on its way to its user. Printed or logged as a whole it is
// redacted.
type Message struct {
	To      Destination
	Code    Code
	Text    string // with the code in it
	Request Request
}

// Format redacts the message for fmt, whatever the verb.
func (m Message) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "message to %v [redacted]", m.To) }

// LogValue redacts the message for log/slog.
func (m Message) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(m)) }

// MarshalJSON redacts the message for encoding/json.
func (m Message) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, fmt.Sprint(m)), nil }

// A Destination is where a message goes. Printed or logged it is masked.
type Destination struct {
	Medium  string // "SMS", "EMAIL", or another name in capitals
	Address string // a phone number in E.164 (+12065550100), an e-mail address, …
}

// String masks the address as Cognito does: +*******0100, s***@e***.
func (d Destination) String() string {
	local, domain, isMail := strings.Cut(d.Address, "@")
	switch {
	case isMail:
		return first(local) + "***@" + first(domain) + "***"
	case strings.HasPrefix(d.Address, "+") && len(d.Address) >= 8:
		return "+*******" + d.Address[len(d.Address)-4:]
	}
	return "***"
}

// id tells destinations apart.
func (d Destination) id() string { return d.Medium + " " + d.Address }

func first(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// kind masks all of the address but what sort of address it is.
func (d Destination) kind() string {
	switch {
	case strings.Contains(d.Address, "@"):
		return "***@***"
	case strings.HasPrefix(d.Address, "+"):
		return "+***********"
	}
	return "***"
}

// Format masks the address for fmt, whatever the verb.
func (d Destination) Format(f fmt.State, _ rune) { io.WriteString(f, d.Medium+" "+d.String()) }

// LogValue masks the address for log/slog.
func (d Destination) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(d)) }

// MarshalJSON masks the address for encoding/json.
func (d Destination) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, fmt.Sprint(d)), nil
}

// isE164 reports whether a phone number is as ITU-T E.164 has it: a plus, a
// country code that does not begin with 0, and 15 digits at most. The shortest
// in use have 7.
func isE164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && only(digits, 7, 15, decimal) && digits[0] != '0'
}

func (d Destination) check() error {
	ok := d.Address != "" && len(d.Address) <= 254 && utf8.ValidString(d.Address) && !strings.ContainsFunc(d.Address, isControl)
	switch d.Medium {
	case "":
		return errors.New("customauth: the destination has no medium")
	case "SMS":
		ok = isE164(d.Address)
	case "EMAIL":
		at := strings.LastIndexByte(d.Address, '@')
		ok = ok && at > 0 && at < len(d.Address)-1 && !strings.ContainsAny(d.Address, " \t\r\n")
	}
	if !ok {
		return fmt.Errorf("customauth: the %s address is malformed", d.Medium)
	}
	return nil
}

// A Code is a secret that cannot be printed by accident: fmt, log/slog and
// encoding/json redact it, also as a field of another value.
type Code struct {
	secret *string // a pointer, so that not even reflection prints it
}

// Reveal returns the code itself.
func (c Code) Reveal() string {
	if c.secret == nil {
		return ""
	}
	return *c.secret
}

const redacted = "[redacted]"

// Format redacts the code for fmt, whatever the verb.
func (Code) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue redacts the code for log/slog.
func (Code) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts the code for encoding/json.
func (Code) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// SNSSender sends SMS over Amazon SNS. The zero value is ready: it builds its
// client from the environment that Lambda gives a function. Use a pointer; do
// not copy it after the first use. It is safe for concurrent use.
//
// The function needs the permission sns:Publish. An account starts in the SMS
// sandbox, with a spend limit of 1 USD a month: see
// https://docs.aws.amazon.com/sns/latest/dg/sns-sms-sandbox.html.
type SNSSender struct {
	// Client publishes. Default: a client from AWS_REGION, AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_SNS and
	// AWS_ENDPOINT_URL, without the SDK's config package, which would cost every
	// cold start 3 to 4 ms. Pass an *sns.Client where credentials come from
	// elsewhere. Whatever the client's own settings, a Publish is tried again
	// only after an answer that says that it was throttled.
	Client interface {
		Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	}

	// Type is AWS.SNS.SMS.SMSType. Default "Transactional" (SNS's own default is
	// "Promotional", which is delivered less reliably).
	Type string

	// SenderID is shown as the sender where a country allows it: 3 to 11 letters
	// and digits, one letter at least.
	SenderID string

	// OriginationNumber is the number to send from, in E.164, or a short code.
	OriginationNumber string

	// MaxPrice is the most that one message may cost, in USD, as "0.50".
	MaxPrice string

	// EntityID and TemplateID are what India's regulator asks for.
	EntityID, TemplateID string

	// Edit, if set, changes the request just before it is made, for example to
	// set attributes by country. It must not keep or log it.
	Edit func(to Destination, in *sns.PublishInput)

	once  sync.Once
	built *client
	err   error
}

// A client is the default client with its connections.
type client struct {
	*sns.Client
	conns    *http.Client
	endpoint string

	mu   sync.Mutex
	used time.Time // wall time, because the monotonic clock may stand still while Lambda freezes the function
}

// maxIdle is how long a connection may rest and still be used. Lambda freezes a
// function between events; a connection that its peer gave up meanwhile would
// fail the next publish, which must not be tried again.
const maxIdle = 15 * time.Second

// Send publishes the message. It refuses media other than SMS.
func (s *SNSSender) Send(ctx context.Context, m Message) error {
	if m.To.Medium != "SMS" {
		return fmt.Errorf("%w: sns sends SMS, not %s", ErrInvalidDestination, m.To.Medium)
	}
	publish := s.Client
	if publish == nil {
		c, err := s.client()
		if err != nil {
			return err
		}
		c.freshen()
		publish = c
	}
	in := s.input(m)
	if s.Edit != nil {
		s.Edit(m.To, in)
	}
	out, err := publish.Publish(ctx, in, onceOnly)
	if err != nil {
		return explain(err, m)
	}
	if out == nil || aws.ToString(out.MessageId) == "" {
		return errors.New("customauth: sns answered without a MessageId")
	}
	return nil
}

func (s *SNSSender) input(m Message) *sns.PublishInput {
	attributes := make(map[string]types.MessageAttributeValue, 6)
	set := func(name, kind, value string) {
		if value != "" {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String(kind), StringValue: aws.String(value)}
		}
	}
	kind := s.Type
	if kind == "" {
		kind = "Transactional"
	}
	set("AWS.SNS.SMS.SMSType", "String", kind)
	set("AWS.SNS.SMS.SenderID", "String", s.SenderID)
	set("AWS.SNS.SMS.MaxPrice", "Number", s.MaxPrice)
	set("AWS.MM.SMS.OriginationNumber", "String", s.OriginationNumber)
	set("AWS.MM.SMS.EntityId", "String", s.EntityID)
	set("AWS.MM.SMS.TemplateId", "String", s.TemplateID)
	return &sns.PublishInput{
		PhoneNumber:       aws.String(m.To.Address),
		Message:           aws.String(m.Text),
		MessageAttributes: attributes,
	}
}

func (s *SNSSender) validate() error {
	switch {
	case s.Type != "" && s.Type != "Transactional" && s.Type != "Promotional":
		return errors.New(`SNSSender.Type must be "Transactional" or "Promotional"`)
	case s.SenderID != "" && (!only(s.SenderID, 3, 11, decimal+letters) || only(s.SenderID, 3, 11, decimal)):
		return errors.New("SNSSender.SenderID must be 3 to 11 letters and digits, one letter at least")
	case s.MaxPrice != "" && !isPrice(s.MaxPrice):
		return errors.New(`SNSSender.MaxPrice must be an amount in USD like "0.50"`)
	case s.OriginationNumber != "" && !only(strings.TrimPrefix(s.OriginationNumber, "+"), 3, 15, decimal):
		return errors.New("SNSSender.OriginationNumber must be a number in E.164 or a short code")
	}
	return nil
}

func isPrice(s string) bool {
	whole, part, point := strings.Cut(s, ".")
	return only(whole, 1, 3, decimal) && (!point || only(part, 1, 5, decimal))
}

// Warm builds the default client and opens its connection. With a Client of the
// caller's it does nothing.
func (s *SNSSender) Warm(ctx context.Context) error {
	if s.Client != nil {
		return nil
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.endpoint, nil)
	if err != nil {
		return fmt.Errorf("customauth: sns endpoint: %w", err)
	}
	c.freshen() // before: an answer to HEAD has no body, so its connection rests at once
	res, err := c.conns.Do(req)
	if err != nil {
		return fmt.Errorf("customauth: sns connection: %w", err)
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection can be used again
	return res.Body.Close()
}

func (s *SNSSender) client() (*client, error) {
	s.once.Do(func() { s.built, s.err = newClient(os.Getenv) })
	return s.built, s.err
}

func newClient(env func(string) string) (*client, error) {
	region := env("AWS_REGION")
	if region == "" {
		region = env("AWS_DEFAULT_REGION")
	}
	if region == "" || env("AWS_ACCESS_KEY_ID") == "" || env("AWS_SECRET_ACCESS_KEY") == "" {
		return nil, fmt.Errorf("%w: sns: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not all set; outside of Lambda pass SNSSender.Client", ErrUnauthorized)
	}
	conns := &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 3 * time.Second,
			IdleConnTimeout:     90 * time.Second,
			MaxIdleConnsPerHost: 16,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o := sns.Options{
		Region:     region,
		HTTPClient: conns,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     env("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: env("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    env("AWS_SESSION_TOKEN"),
				Source:          "environment",
			}, nil
		}),
	}
	if endpoint := endpointURL(env); endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	if env("AWS_USE_FIPS_ENDPOINT") == "true" {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if env("AWS_USE_DUALSTACK_ENDPOINT") == "true" {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	at, err := sns.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), sns.EndpointParameters{
		Region:       aws.String(region),
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		Endpoint:     o.BaseEndpoint,
	})
	if err != nil {
		return nil, fmt.Errorf("customauth: sns endpoint: %w", err)
	}
	return &client{Client: sns.New(o), conns: conns, endpoint: at.URI.String()}, nil
}

// endpointURL is what the SDKs' shared settings say
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func endpointURL(env func(string) string) string {
	if env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == "true" {
		return ""
	}
	if url := env("AWS_ENDPOINT_URL_SNS"); url != "" {
		return url
	}
	return env("AWS_ENDPOINT_URL")
}

// freshen drops connections that rested too long.
func (c *client) freshen() {
	now := time.Now().Round(0)
	c.mu.Lock()
	rested := now.Sub(c.used)
	c.used = now
	c.mu.Unlock()
	if rested > maxIdle || rested < 0 {
		c.conns.CloseIdleConnections()
	}
}

// onceOnly lets a Publish be tried again only where that cannot send twice.
func onceOnly(o *sns.Options) { o.Retryer = throttleRetryer{} }

// throttleRetryer tries a throttled request a second time. SNS refuses it before
// it accepts a message; after a lost connection, a timeout or a status 500 the
// message may be on its way.
type throttleRetryer struct{}

func (throttleRetryer) IsErrorRetryable(err error) bool {
	return errors.Is(classify(err), ErrThrottled)
}
func (throttleRetryer) MaxAttempts() int { return 2 }
func (throttleRetryer) RetryDelay(int, error) (time.Duration, error) {
	return 200 * time.Millisecond, nil
}
func (throttleRetryer) GetInitialToken() func(error) error { return noToken }
func (throttleRetryer) GetRetryToken(context.Context, error) (func(error) error, error) {
	return noToken, nil
}

func noToken(error) error { return nil }

// classify says which of the errors of this package SNS's answer is, if any.
// Few have a type in the SDK; throttling and opting out come as codes.
func classify(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	switch strings.TrimSuffix(api.ErrorCode(), "Exception") {
	case "Throttled", "Throttling", "RequestLimitExceeded", "TooManyRequests", "RequestThrottled":
		return ErrThrottled
	case "OptedOut":
		return ErrOptedOut
	case "InvalidParameter", "InvalidParameterValue", "ValidationError", "Validation":
		return ErrInvalidDestination
	case "AuthorizationError", "AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch",
		"ExpiredToken", "UnrecognizedClient", "MissingAuthenticationToken", "OptInRequired":
		return ErrUnauthorized
	}
	return nil
}

// explain says what an operator needs: the kind of failure, SNS's code and
// message without numbers, the HTTP status and the request id.
func explain(err error, m Message) error {
	secrets := []string{m.Text, m.Code.Reveal(), normalize(m.Code.Reveal())}
	what := "customauth: sns publish failed: "
	var api smithy.APIError
	if errors.As(err, &api) {
		what += api.ErrorCode() + ": " + scrubText(api.ErrorMessage(), m.To, secrets...)
	} else {
		what += scrubText(err.Error(), m.To, secrets...)
	}
	var res *awshttp.ResponseError
	if errors.As(err, &res) && res.HTTPStatusCode() != 0 {
		what += " (HTTP " + strconv.Itoa(res.HTTPStatusCode()) + ", request id " + res.ServiceRequestID() + ")"
	}
	if kind := classify(err); kind != nil {
		return &scrubbed{kind.Error() + ": " + strings.TrimPrefix(what, "customauth: "), errors.Join(kind, err)}
	}
	return &scrubbed{what, err}
}

// A scrubbed error is another one with the secrets taken from its text. It can
// be asked what it is, but gives the original away to nobody.
type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string        { return s.text }
func (s *scrubbed) Is(target error) bool { return errors.Is(s.err, target) }

// Format keeps %#v from looking inside.
func (s *scrubbed) Format(f fmt.State, _ rune) { io.WriteString(f, s.text) }

// scrub takes the address, the codes and whatever looks like a number or an
// e-mail address from an error's text.
func scrub(err error, to Destination, secrets ...string) error {
	if _, done := err.(*scrubbed); done || err == nil {
		return err
	}
	return &scrubbed{scrubText(err.Error(), to, secrets...), err}
}

// personal matches e-mail addresses and whatever may be a phone number or a code.
// It is compiled when it is first needed, which is not at a cold start.
var personal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[^\s<>"'(),:;]+(?:@|%40)[^\s<>"'(),:;]+|\+?[0-9][0-9 ().-]{4,}[0-9]`)
})

func scrubText(text string, to Destination, secrets ...string) string {
	for _, s := range append(secrets, to.Address, strings.TrimPrefix(to.Address, "+")) {
		if s != "" {
			text = strings.ReplaceAll(text, s, redacted)
		}
	}
	return personal().ReplaceAllString(text, redacted)
}
