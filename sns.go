package customauth

// This file has the sender for SMS over Amazon SNS.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/cyber-eternal/customauth/internal/awsenv"
	"github.com/cyber-eternal/customauth/internal/sendonce"
	"github.com/cyber-eternal/customauth/internal/text"
)

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

	// Edit, if set, changes the request just before it is made, for example to set
	// attributes by country. It must not keep or log it. With an error, nothing is
	// sent.
	Edit func(ctx context.Context, m Message, in *sns.PublishInput) error

	once  sync.Once
	built *client
	err   error
}

// client is the default client with its connections.
type client struct {
	*sns.Client
	conns    *awsenv.Conns
	endpoint string
}

// Send publishes the message. It refuses media other than SMS.
func (s *SNSSender) Send(ctx context.Context, m Message) error {
	if m.To.Medium != "SMS" {
		return fmt.Errorf("%w: sns sends SMS, not %s", ErrInvalidDestination, m.To.Medium)
	}
	if err := s.validate(); err != nil { // nobody may have called Warm
		return fmt.Errorf("%w: %w", ErrOptions, err)
	}
	publish := s.Client
	if publish == nil {
		c, err := s.client()
		if err != nil {
			return err
		}
		publish = c
	}
	in := s.input(m)
	if s.Edit != nil {
		if err := s.Edit(ctx, m, in); err != nil {
			return fmt.Errorf("customauth: sns edit: %w", err)
		}
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
		PhoneNumber:       aws.String(m.To.Address.Reveal()),
		Message:           aws.String(m.Text.Reveal()),
		MessageAttributes: attributes,
	}
}

func (s *SNSSender) validate() error {
	switch {
	case s.Type != "" && s.Type != "Transactional" && s.Type != "Promotional":
		return errors.New(`SNSSender.Type must be "Transactional" or "Promotional"`)
	case s.SenderID != "" && (!text.Only(s.SenderID, 3, 11, text.Decimal+text.Letters) || text.Only(s.SenderID, 3, 11, text.Decimal)):
		return errors.New("SNSSender.SenderID must be 3 to 11 letters and digits, one letter at least")
	case s.MaxPrice != "" && !isPrice(s.MaxPrice):
		return errors.New(`SNSSender.MaxPrice must be an amount in USD like "0.50"`)
	case s.OriginationNumber != "" && !text.Only(strings.TrimPrefix(s.OriginationNumber, "+"), 3, 15, text.Decimal):
		return errors.New("SNSSender.OriginationNumber must be a number in E.164 or a short code")
	}
	return nil
}

func isPrice(s string) bool {
	whole, part, point := strings.Cut(s, ".")
	return text.Only(whole, 1, 3, text.Decimal) && (!point || text.Only(part, 1, 5, text.Decimal))
}

// Warm reports what is wrong with the fields, builds the default client and opens
// its connection. With a Client of the caller's there is nothing to open.
func (s *SNSSender) Warm(ctx context.Context) error {
	if err := s.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrOptions, err)
	}
	if s.Client != nil {
		return nil
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	if err := c.conns.Open(ctx, c.endpoint); err != nil {
		return fmt.Errorf("customauth: sns %w", err)
	}
	return nil
}

func (s *SNSSender) client() (*client, error) {
	s.once.Do(func() { s.built, s.err = newClient() })
	return s.built, s.err
}

func newClient() (*client, error) {
	env, err := awsenv.Load("SNS")
	if err != nil {
		return nil, fmt.Errorf("%w: sns: %w; outside of Lambda pass SNSSender.Client", ErrUnauthorized, err)
	}
	c := &client{conns: awsenv.NewConns()}
	at, err := sns.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), sns.EndpointParameters{
		Region:       aws.String(env.Region),
		UseFIPS:      aws.Bool(env.FIPS == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(env.DualStack == aws.DualStackEndpointStateEnabled),
		Endpoint:     env.BaseEndpoint,
	})
	if err != nil {
		return nil, fmt.Errorf("customauth: sns endpoint: %w", err)
	}
	c.endpoint = at.URI.String()
	c.Client = sns.New(sns.Options{
		Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: c.conns,
		EndpointOptions: sns.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
	})
	return c, nil
}

// onceOnly lets a Publish be tried again only where that cannot send twice.
func onceOnly(o *sns.Options) {
	o.Retryer = sendonce.Retryer{Refused: func(e smithy.APIError) bool { return sendonce.IsThrottling(e.ErrorCode()) }}
}

// classify says which of the errors of this package SNS's answer is, if any.
// Few have a type in the SDK; throttling and opting out come as codes.
func classify(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	if sendonce.IsThrottling(api.ErrorCode()) {
		return ErrThrottled
	}
	switch strings.TrimSuffix(api.ErrorCode(), "Exception") {
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

// explain says what an operator needs, without the message.
func explain(err error, m Message) error {
	kind := classify(err)
	err = sendonce.Explain("sns", err, kind, "", m.secrets()...)
	if kind == nil {
		return fmt.Errorf("customauth: %w", err) // the kinds begin so
	}
	return err
}
