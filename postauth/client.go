package postauth

// This file is about Cognito's API: which app clients sign in by a code alone,
// what an error of the service may say in a log, and the default client.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
)

// remembered is how long the flows of an app client are trusted. Cognito limits
// look-ups a second for a whole account (category UserPoolClientRead of its
// quotas), and a busy pool has many new users.
const remembered = 5 * time.Minute

// flows knows which app clients sign in by a code alone.
type flows struct {
	client Client

	mu    sync.Mutex
	known map[string]answer // by pool and client
}

type answer struct {
	codeOnly bool
	until    time.Time
}

func (f *flows) codeOnly(ctx context.Context, pool, client string) (bool, error) {
	key := pool + " " + client
	f.mu.Lock()
	a, ok := f.known[key]
	f.mu.Unlock()
	if ok && time.Now().Before(a.until) {
		return a.codeOnly, nil
	}
	out, err := f.client.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{
		UserPoolId: aws.String(pool),
		ClientId:   aws.String(client),
	}, quickly)
	if err != nil {
		return false, err
	}
	a = answer{out != nil && codeOnly(out.UserPoolClient), time.Now().Add(remembered)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= 1000 { // a pool has 1,000 app clients at most
		f.known = map[string]answer{}
	}
	f.known[key] = a
	return a.codeOnly, nil
}

// codeOnly is the rule. An app client without explicit flows may use SRP (API
// reference, ExplicitAuthFlows).
func codeOnly(c *types.UserPoolClientType) bool {
	if c == nil || aws.ToBool(c.AllowedOAuthFlowsUserPoolClient) || len(c.AllowedOAuthFlows) > 0 {
		return false
	}
	custom := false
	for _, flow := range c.ExplicitAuthFlows {
		switch flow {
		case types.ExplicitAuthFlowsTypeAllowCustomAuth, types.ExplicitAuthFlowsTypeCustomAuthFlowOnly:
			custom = true
		case types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth:
		default:
			return false
		}
	}
	return custom
}

// quickly keeps the SDK from waiting longer between two attempts than the trigger
// has time for: its default is 20 s.
func quickly(o *cognitoidentityprovider.Options) {
	o.Retryer = retry.AddWithMaxBackoffDelay(o.Retryer, 500*time.Millisecond)
}

var errPanicked = errors.New("the client panicked")

// explain is what a log may say of an error. The service's messages can repeat
// what was sent to it, so only the error's name stands for them.
func explain(err error) []any {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		attrs := []any{"error", api.ErrorCode()}
		if op, ok := errors.AsType[*smithy.OperationError](err); ok {
			attrs = append(attrs, "operation", op.Operation())
		}
		if id, ok := errors.AsType[interface {
			error
			ServiceRequestID() string
		}](err); ok {
			attrs = append(attrs, "request_id", id.ServiceRequestID())
		}
		return attrs
	}
	switch {
	case errors.Is(err, errPanicked):
		return []any{"error", err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return []any{"error", "no answer in time"}
	case errors.Is(err, context.Canceled):
		return []any{"error", "canceled"}
	}
	return []any{"error", fmt.Sprintf("no answer: %T", root(err))}
}

// root is the innermost error.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// newClient builds the default client without the SDK's config package, which
// costs every cold start 3 to 4 ms.
func newClient() (*cognitoidentityprovider.Client, error) {
	region := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" || os.Getenv("AWS_ACCESS_KEY_ID") == "" || os.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return nil, errors.New("postauth: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not all set; outside of Lambda pass Options.Client")
	}
	o := cognitoidentityprovider.Options{
		Region: region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
				Source:          "environment",
			}, nil
		}),
	}
	if os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true" {
		if url := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"), os.Getenv("AWS_ENDPOINT_URL")); url != "" {
			o.BaseEndpoint = aws.String(url)
		}
	}
	if os.Getenv("AWS_USE_FIPS_ENDPOINT") == "true" {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if os.Getenv("AWS_USE_DUALSTACK_ENDPOINT") == "true" {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return cognitoidentityprovider.New(o), nil
}
