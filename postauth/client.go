package postauth

// This file is about Cognito's API: what the trigger needs of a client, how app
// clients sign in, what an error may say in a log, and the default client.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/cyber-eternal/customauth/internal/awsenv"
	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/redact"
)

// Client is what the trigger needs of *cognitoidentityprovider.Client.
type Client interface {
	// AdminUpdateUserAttributes writes an attribute, and that it is verified.
	AdminUpdateUserAttributes(context.Context, *cognitoidentityprovider.AdminUpdateUserAttributesInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.AdminUpdateUserAttributesOutput, error)

	// AdminUserGlobalSignOut ends all sessions of the user.
	AdminUserGlobalSignOut(context.Context, *cognitoidentityprovider.AdminUserGlobalSignOutInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.AdminUserGlobalSignOutOutput, error)

	// AdminSetUserPassword replaces the password.
	AdminSetUserPassword(context.Context, *cognitoidentityprovider.AdminSetUserPasswordInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.AdminSetUserPasswordOutput, error)

	// DescribeUserPoolClient is asked by which flows an app client signs in.
	DescribeUserPoolClient(context.Context, *cognitoidentityprovider.DescribeUserPoolClientInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error)

	// ListUserPoolClients is asked for the app clients of the pool.
	ListUserPoolClients(context.Context, *cognitoidentityprovider.ListUserPoolClientsInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.ListUserPoolClientsOutput, error)
}

const (
	// remembered is how long the flows of an app client are trusted. Cognito limits
	// look-ups a second for a whole account (category UserPoolClientRead of its
	// quotas), and a busy pool has many new users.
	remembered = 5 * time.Minute

	// maxClients is how many app clients of a pool are looked at. Of a pool with
	// more, one is taken to sign in by passwords.
	maxClients = 10
)

// A manner is how users sign in by an app client.
type manner int

const (
	otherwise manner = iota // by passwords, passkeys, managed login …, as well
	byCode                  // by custom challenges alone
	byNothing               // it only refreshes
)

// flows knows how app clients sign in.
type flows struct {
	client Client

	mu    sync.Mutex
	known map[string]answer // by pool and client, or by pool alone
}

type answer struct {
	manner manner
	until  time.Time // wall time: the monotonic clock may stand still while a function is frozen
}

// of is how users sign in by an app client.
func (f *flows) of(ctx context.Context, pool, client string) (manner, error) {
	return f.remember(pool+" "+client, func() (manner, error) {
		out, err := f.client.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{
			UserPoolId: aws.String(pool),
			ClientId:   aws.String(client),
		}, quickly)
		if err != nil || out == nil {
			return otherwise, err
		}
		return mannerOf(out.UserPoolClient), nil
	})
}

// anyOtherwise reports whether an app client of the pool signs in by more than
// custom challenges.
func (f *flows) anyOtherwise(ctx context.Context, pool string) (bool, error) {
	m, err := f.remember(pool, func() (manner, error) {
		out, err := f.client.ListUserPoolClients(ctx, &cognitoidentityprovider.ListUserPoolClientsInput{
			UserPoolId: aws.String(pool),
			MaxResults: aws.Int32(maxClients),
		}, quickly)
		if err != nil || out == nil || aws.ToString(out.NextToken) != "" {
			return otherwise, err
		}
		for _, c := range out.UserPoolClients {
			if m, err := f.of(ctx, pool, aws.ToString(c.ClientId)); err != nil || m == otherwise {
				return otherwise, err
			}
		}
		return byCode, nil
	})
	return m == otherwise, err
}

func (f *flows) remember(key string, look func() (manner, error)) (manner, error) {
	f.mu.Lock()
	a, ok := f.known[key]
	f.mu.Unlock()
	if ok && time.Now().Before(a.until) {
		return a.manner, nil
	}
	m, err := look()
	if err != nil {
		return otherwise, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= 1000 { // a pool has 1,000 app clients at most
		f.known = map[string]answer{}
	}
	f.known[key] = answer{m, time.Now().Round(0).Add(remembered)}
	return m, nil
}

// mannerOf is the rule. An app client without explicit flows may use SRP (API
// reference, ExplicitAuthFlows).
func mannerOf(c *types.UserPoolClientType) manner {
	if c == nil || len(c.ExplicitAuthFlows) == 0 || aws.ToBool(c.AllowedOAuthFlowsUserPoolClient) || len(c.AllowedOAuthFlows) > 0 {
		return otherwise
	}
	m := byNothing
	for _, flow := range c.ExplicitAuthFlows {
		switch flow {
		case types.ExplicitAuthFlowsTypeAllowCustomAuth, types.ExplicitAuthFlowsTypeCustomAuthFlowOnly:
			m = byCode
		case types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth:
		default:
			return otherwise
		}
	}
	return m
}

// quickly keeps the SDK from waiting longer between two attempts than the trigger
// has time for: its default is 20 s.
func quickly(o *cognitoidentityprovider.Options) {
	o.Retryer = retry.AddWithMaxBackoffDelay(o.Retryer, 500*time.Millisecond)
}

// A plugged error comes from a function of the Options.
type plugged struct {
	name string
	err  error
}

func (p *plugged) Error() string { return p.name + ": " + redact.Text(p.err.Error()) }
func (p *plugged) Unwrap() error { return p.err }

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
	if caught, ok := errors.AsType[*bounded.Panic](err); ok {
		return []any{"error", caught.Error(), "stack", string(caught.Stack)}
	}
	if own, ok := errors.AsType[*plugged](err); ok {
		return []any{"error", own.Error()}
	}
	switch {
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

// newClient builds the default client, from Lambda's environment.
func newClient() (*cognitoidentityprovider.Client, error) {
	env, err := awsenv.Load("COGNITO_IDENTITY_PROVIDER")
	if err != nil {
		return nil, fmt.Errorf("postauth: %w; outside of Lambda pass Options.Client", err)
	}
	return cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: awsenv.NewConns(),
		EndpointOptions: cognitoidentityprovider.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
	}), nil
}
