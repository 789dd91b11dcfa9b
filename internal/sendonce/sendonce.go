// Package sendonce has what senders over AWS's SDK have in common: a request is made
// again only where that cannot send twice, and an error says what an operator needs and
// nothing secret.
package sendonce

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/cyber-eternal/customauth/internal/redact"
)

// A Retryer is an aws.RetryerV2 that makes a request a second time, after 200 ms, where
// Refused says that an answer refused it before anything was accepted. After a lost
// connection, a timeout or a status 500 the message may be on its way, and these APIs
// have no token for idempotency.
type Retryer struct{ Refused func(smithy.APIError) bool }

// IsErrorRetryable asks Refused about an answer of the service.
func (r Retryer) IsErrorRetryable(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && r.Refused(api)
}

// MaxAttempts is two.
func (Retryer) MaxAttempts() int { return 2 }

// RetryDelay leaves time for the second request in the time of one send.
func (Retryer) RetryDelay(int, error) (time.Duration, error) { return 200 * time.Millisecond, nil }

// GetInitialToken needs none.
func (Retryer) GetInitialToken() func(error) error { return noToken }

// GetRetryToken needs none.
func (Retryer) GetRetryToken(context.Context, error) (func(error) error, error) { return noToken, nil }

// GetAttemptToken needs none.
func (Retryer) GetAttemptToken(context.Context) (func(error) error, error) { return noToken, nil }

func noToken(error) error { return nil }

// IsThrottling reports whether a service's error code says that there were too many
// requests.
func IsThrottling(code string) bool {
	switch strings.TrimSuffix(code, "Exception") {
	case "Throttling", "Throttled", "TooManyRequests", "RequestThrottled", "RequestLimitExceeded":
		return true
	}
	return false
}

// Explain says what an operator needs: the kind of failure, the service's code, reason
// and message without secrets, addresses and numbers, the HTTP status and the request
// id. It is err still, and kind, for errors.Is. Kind may be nil and reason empty.
func Explain(service string, err error, kind error, reason string, secrets ...string) error {
	what := service + ": send failed: "
	var api smithy.APIError
	if errors.As(err, &api) {
		what += api.ErrorCode() + ": "
		if reason != "" {
			what += reason + " "
		}
		what += redact.Text(api.ErrorMessage(), secrets...)
	} else {
		what += redact.Text(err.Error(), secrets...)
	}
	var res *awshttp.ResponseError
	if errors.As(err, &res) && res.HTTPStatusCode() != 0 {
		what += " (HTTP " + strconv.Itoa(res.HTTPStatusCode()) + ", request id " + res.ServiceRequestID() + ")"
	}
	if kind != nil {
		return redact.New(kind.Error()+": "+what, errors.Join(kind, err))
	}
	return redact.New(what, err)
}
