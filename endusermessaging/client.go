package endusermessaging

// This file asks the service: the client, what is tried again, and what errors mean.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/awsenv"
	"github.com/cyber-eternal/customauth/internal/sendonce"
	"github.com/cyber-eternal/customauth/internal/text"
)

// fromLambda is the default client of one sender.
type fromLambda struct {
	once  sync.Once
	built *client
	err   error
}

// client is the default client with its connections.
type client struct {
	*sms.Client
	conns    *awsenv.Conns
	endpoint string
}

func (f *fromLambda) client() (*client, error) {
	f.once.Do(func() { f.built, f.err = newClient() })
	return f.built, f.err
}

func (f *fromLambda) warm(ctx context.Context) error {
	c, err := f.client()
	if err != nil {
		return err
	}
	if err := c.conns.Open(ctx, c.endpoint); err != nil {
		return fmt.Errorf("endusermessaging: %w", err)
	}
	return nil
}

func newClient() (*client, error) {
	env, err := awsenv.Load("PINPOINT_SMS_VOICE_V2")
	if err != nil {
		return nil, fmt.Errorf("%w: endusermessaging: %w; outside of Lambda pass Client", customauth.ErrUnauthorized, err)
	}
	c := &client{conns: awsenv.NewConns()}
	at, err := sms.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), sms.EndpointParameters{
		Region:       aws.String(env.Region),
		UseFIPS:      aws.Bool(env.FIPS == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(env.DualStack == aws.DualStackEndpointStateEnabled),
		Endpoint:     env.BaseEndpoint,
	})
	if err != nil {
		return nil, fmt.Errorf("endusermessaging: endpoint: %w", err)
	}
	c.endpoint = at.URI.String()
	c.Client = sms.New(sms.Options{
		Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: c.conns,
		EndpointOptions: sms.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
	})
	return c, nil
}

// timeToLive is how many seconds a message may wait: until its code expires. The API
// takes 5 to 259,200.
func timeToLive(m customauth.Message) *int32 {
	if m.Expires.IsZero() {
		return nil
	}
	left := math.Ceil(time.Until(m.Expires).Seconds())
	return aws.Int32(int32(min(max(left, 5), 259_200)))
}

// onceOnly lets a request be made again only where that cannot send twice: where it was
// throttled. A quota does not come back within a fifth of a second.
func onceOnly(o *sms.Options) {
	o.Retryer = sendonce.Retryer{Refused: func(e smithy.APIError) bool { return sendonce.IsThrottling(e.ErrorCode()) }}
}

// classify says which of customauth's errors an answer is, if any, and the service's
// reason (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html).
func classify(err error) (reason string, kind error) {
	var conflict *types.ConflictException
	if errors.As(err, &conflict) {
		return string(conflict.Reason), ofConflict(conflict.Reason)
	}
	var invalid *types.ValidationException
	if errors.As(err, &invalid) {
		return string(invalid.Reason), ofValidation(invalid)
	}
	var quota *types.ServiceQuotaExceededException
	if errors.As(err, &quota) {
		if quota.Reason == types.ServiceQuotaExceededExceptionReasonDailyDestinationCallLimit {
			return string(quota.Reason), customauth.ErrInvalidDestination
		}
		return string(quota.Reason), customauth.ErrThrottled
	}
	var denied *types.AccessDeniedException
	if errors.As(err, &denied) {
		return string(denied.Reason), customauth.ErrUnauthorized
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "", nil
	}
	if sendonce.IsThrottling(api.ErrorCode()) {
		return "", customauth.ErrThrottled
	}
	switch strings.TrimSuffix(api.ErrorCode(), "Exception") {
	case "ResourceNotFound", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignature", "ExpiredToken",
		"UnrecognizedClient", "MissingAuthenticationToken", "IncompleteSignature", "OptInRequired", "NotAuthorized":
		return "", customauth.ErrUnauthorized
	}
	return "", nil
}

func ofConflict(reason types.ConflictExceptionReason) error {
	switch reason {
	case types.ConflictExceptionReasonDestinationPhoneNumberOptedOut:
		return customauth.ErrOptedOut
	case types.ConflictExceptionReasonDestinationPhoneNumberNotVerified,
		types.ConflictExceptionReasonDestinationCountryBlockedByProtectConfiguration,
		types.ConflictExceptionReasonDestinationPhoneNumberBlockedByProtectNumberOverride:
		return customauth.ErrInvalidDestination
	}
	return customauth.ErrUnauthorized
}

func ofValidation(e *types.ValidationException) error {
	switch e.Reason {
	case types.ValidationExceptionReasonCountryCodeMismatch,
		types.ValidationExceptionReasonCountryNotEnabled,
		types.ValidationExceptionReasonDestinationCountryBlocked,
		types.ValidationExceptionReasonInternationalSendingNotSupported,
		types.ValidationExceptionReasonInvalidIdentityForDestinationCountry,
		types.ValidationExceptionReasonPriceOverThreshold,
		types.ValidationExceptionReasonSenderIdNotSupported,
		types.ValidationExceptionReasonSenderIdRequiresRegistration,
		types.ValidationExceptionReasonInvalidParameter:
		return customauth.ErrInvalidDestination
	}
	for _, f := range e.Fields {
		if strings.Contains(strings.ToLower(aws.ToString(f.Name)), "destinationphonenumber") {
			return customauth.ErrInvalidDestination
		}
	}
	return customauth.ErrUnauthorized
}

// explain is what the log says.
func explain(err error, m customauth.Message) error {
	code, address := m.Code.Reveal(), m.To.Address.Reveal()
	reason, kind := classify(err)
	return sendonce.Explain("endusermessaging", err, kind, reason,
		m.Text.Reveal(), code, text.Normalize(code), address, strings.TrimPrefix(address, "+"))
}
