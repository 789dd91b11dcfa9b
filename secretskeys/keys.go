// Package secretskeys keeps the keys of customauth in AWS Secrets Manager: it reads
// them, reads them again when they were rotated, and rotates them.
//
// A key is sealed with only after all instances know it. A secret holds the key that
// seals, the one that will seal after the next rotation, and the one that sealed
// before the last, separated by commas, as [customauth.ParseKeys] reads them. A
// rotation moves each by one place: what an instance with the new value seals, one
// with the old value can open, and the other way round, so no sign-in ends.
package secretskeys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/awsenv"
	"github.com/cyber-eternal/customauth/internal/bounded"
)

// A Reader is what reading needs of *secretsmanager.Client.
type Reader interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// NewClient returns a client from the environment that Lambda gives a function;
// AWS_ENDPOINT_URL_SECRETS_MANAGER and AWS_ENDPOINT_URL are honoured.
func NewClient() (*secretsmanager.Client, error) {
	env, err := awsenv.Load("SECRETS_MANAGER")
	if err != nil {
		return nil, fmt.Errorf("secretskeys: %w; outside of Lambda use a client of your own", err)
	}
	return secretsmanager.New(secretsmanager.Options{
		Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: awsenv.NewConns(),
		EndpointOptions: secretsmanager.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
	}), nil
}

// Read returns the keys of a secret, by its name or ARN: those for Options.Keys, or
// the one for Options.CounterKey. No error has a key in it.
func Read(ctx context.Context, client Reader, secretID string) ([]customauth.Secret, error) {
	keys, _, err := read(ctx, client, secretID)
	return keys, err
}

func read(ctx context.Context, client Reader, secretID string) (keys []customauth.Secret, version string, err error) {
	if secretID == "" {
		return nil, "", errors.New("secretskeys: the secret has no name")
	}
	bounded.Grow()
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secretID})
	if err != nil {
		return nil, "", fmt.Errorf("secretskeys: reading the keys: %w", err)
	}
	keys, err = customauth.ParseKeys(aws.ToString(out.SecretString))
	if err != nil {
		return nil, "", fmt.Errorf("secretskeys: the secret is not what it should be: %w", err)
	}
	return keys, aws.ToString(out.VersionId), nil
}

// Options say which keys a handler has, and how it is made of them.
type Options struct {
	// Client reads the secret. Default one of NewClient.
	Client Reader

	// SecretID is the name or the ARN of the secret with the keys.
	SecretID string

	// Build makes a handler of keys, as customauth.NewHandler does. It is called at
	// the start, and when the secret has another version. What is costly, such as
	// stores and senders, is made outside of it, once.
	Build func(keys []customauth.Secret) (lambda.Handler, error)

	// Every is how old the keys may be before they are read again. Default 5
	// minutes, at least 1 second. Keys that could not be read stay as they are, and
	// reading is tried again after as long.
	Every time.Duration

	// Logger is told of new keys, without them, and of what failed. Default
	// slog.Default().
	Logger *slog.Logger
}

// patience is how long reading may hold up one call of the handler. Cognito waits 5
// seconds, and a text may take 3 of them.
const patience = 500 * time.Millisecond

// NewHandler reads the keys and builds the handler, for lambda.Start. Whenever the
// handler is called and the keys are older than Options.Every, they are read again
// first, for half a second at most. It is safe for concurrent use.
func NewHandler(ctx context.Context, o Options) (lambda.Handler, error) {
	if o.Build == nil {
		return nil, errors.New("secretskeys: Options.Build is nil: give it a function that makes a handler")
	}
	if o.Every == 0 {
		o.Every = 5 * time.Minute
	}
	if o.Every < time.Second {
		return nil, fmt.Errorf("secretskeys: Options.Every is %v: it must be 1s or more", o.Every)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Client == nil {
		client, err := NewClient()
		if err != nil {
			return nil, err
		}
		o.Client = client
	}
	h := &handler{Options: o}
	if err := h.refresh(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

type handler struct {
	Options

	mu      sync.Mutex
	current lambda.Handler
	version string
	asked   time.Time // wall time: the monotonic clock stands still in a snapshot of SnapStart
}

// Invoke calls the handler that the present keys make.
func (h *handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	return h.present(ctx).Invoke(ctx, event)
}

func (h *handler) present(ctx context.Context) lambda.Handler {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := time.Since(h.asked); age >= h.Every || age < 0 {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := h.refresh(ctx); err != nil {
			h.Logger.WarnContext(ctx, "secretskeys: the keys could not be read again, and stay as they are", "error", err)
		}
	}
	return h.current
}

func (h *handler) refresh(ctx context.Context) error {
	h.asked = time.Now().Round(0)
	keys, version, err := read(ctx, h.Client, h.SecretID)
	if err != nil || h.current != nil && version == h.version {
		return err
	}
	current, err := h.Build(keys)
	if err != nil {
		return fmt.Errorf("secretskeys: building the handler: %w", err)
	}
	if h.current != nil {
		h.Logger.InfoContext(ctx, "secretskeys: the keys were rotated", "version", version)
	}
	h.current, h.version = current, version
	return nil
}
