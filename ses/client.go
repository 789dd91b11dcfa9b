package ses

// This file asks SES: the client, what is tried again, and what its errors mean.

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/smithy-go"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/awsenv"
	"github.com/cyber-eternal/customauth/internal/sendonce"
	"github.com/cyber-eternal/customauth/internal/text"
)

// client is the default client with its connections.
type client struct {
	*sesv2.Client
	conns    *awsenv.Conns
	endpoint string
}

func (s *Sender) client() (*client, error) {
	s.once.Do(func() { s.built, s.err = newClient() })
	return s.built, s.err
}

func newClient() (*client, error) {
	env, err := awsenv.Load("SESV2")
	if err != nil {
		return nil, fmt.Errorf("%w: ses: %w; outside of Lambda pass Sender.Client", customauth.ErrUnauthorized, err)
	}
	c := &client{conns: awsenv.NewConns()}
	at, err := sesv2.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), sesv2.EndpointParameters{
		Region:       aws.String(env.Region),
		UseFIPS:      aws.Bool(env.FIPS == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(env.DualStack == aws.DualStackEndpointStateEnabled),
		Endpoint:     env.BaseEndpoint,
	})
	if err != nil {
		return nil, fmt.Errorf("ses: endpoint: %w", err)
	}
	c.endpoint = at.URI.String()
	c.Client = sesv2.New(sesv2.Options{
		Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: c.conns,
		EndpointOptions: sesv2.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
	})
	return c, nil
}

// onceOnly lets a SendEmail be tried again only where that cannot send twice: where it
// was throttled. A daily quota does not come back within a fifth of a second, so that is
// not tried again.
func onceOnly(o *sesv2.Options) {
	o.Retryer = sendonce.Retryer{Refused: func(e smithy.APIError) bool {
		return sendonce.IsThrottling(e.ErrorCode()) && !strings.Contains(strings.ToLower(e.ErrorMessage()), "quota")
	}}
}

// classify says which of customauth's errors SES's answer is, if any
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors,
// https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html).
func (s *Sender) classify(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	if sendonce.IsThrottling(api.ErrorCode()) {
		return customauth.ErrThrottled
	}
	switch strings.TrimSuffix(api.ErrorCode(), "Exception") {
	case "LimitExceeded":
		return customauth.ErrThrottled
	case "AccountSuspended", "SendingPaused", "MailFromDomainNotVerified", "NotFound",
		"AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignature", "ExpiredToken", "UnrecognizedClient",
		"MissingAuthenticationToken", "IncompleteSignature", "OptInRequired", "NotAuthorized":
		return customauth.ErrUnauthorized
	case "BadRequest", "Validation", "InvalidParameterValue":
		return customauth.ErrInvalidDestination
	case "MessageRejected":
		return s.rejected(strings.ToLower(api.ErrorMessage()))
	}
	return nil
}

// rejected tells apart what SES tells only in words. A message that it rejects for
// another reason, such as its content, stays unclassified.
func (s *Sender) rejected(message string) error {
	switch {
	case strings.Contains(message, "suppression list"), strings.Contains(message, "blacklisted"):
		return customauth.ErrOptedOut
	case strings.Contains(message, "not verified"):
		// "Email address is not verified. The following identities failed the check in
		// region EU-WEST-1: login@example.com". In the sandbox it may be the recipient's.
		if from, err := mail.ParseAddress(s.From); err == nil && strings.Contains(message, strings.ToLower(from.Address)) {
			return customauth.ErrUnauthorized
		}
		return customauth.ErrInvalidDestination
	case strings.HasPrefix(message, "sending suspended"), strings.HasPrefix(message, "sending paused"):
		return customauth.ErrUnauthorized
	}
	return nil
}

// explain is what the log says.
func (s *Sender) explain(err error, m customauth.Message) error {
	code, address := m.Code.Reveal(), m.To.Address.Reveal()
	return sendonce.Explain("ses", err, s.classify(err), "",
		m.Text.Reveal(), m.HTML.Reveal(), m.Subject.Reveal(), code, text.Normalize(code), address, strings.ToLower(address))
}
