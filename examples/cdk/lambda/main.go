// Command lambda answers the triggers of a sign-in and of a sign-up for the user pool
// that examples/cdk, examples/terraform and examples/sam deploy. It wires in
// everything: codes by SMS, counters in DynamoDB, rules against SMS pumping, and keys
// that are rotated. What comes after a sign-in is the command postauth; the keys are
// rotated by the command rotation.
//
// It is configured by the environment: CUSTOMAUTH_KEYS_SECRET,
// CUSTOMAUTH_COUNTER_SECRET, CUSTOMAUTH_TABLE and CUSTOMAUTH_COUNTRIES; if wanted,
// CUSTOMAUTH_SENDER_ID, CUSTOMAUTH_ORIGINATION_NUMBER, and CUSTOMAUTH_METRICS, the
// namespace of metrics in CloudWatch.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/emf"
	"github.com/cyber-eternal/customauth/examples/cdk/lambda/internal/counters"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/secretskeys"
	"github.com/cyber-eternal/customauth/smsguard"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	// The start has 10 s, and 5 when Lambda repeats it with the first call: what Secrets
	// Manager does not answer by then is said in the log.
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	handler, err := newHandler(ctx)
	cancel()
	if err != nil {
		slog.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// newHandler runs in Lambda's init phase, where CPU is free.
func newHandler(ctx context.Context) (lambda.Handler, error) {
	secret := os.Getenv("CUSTOMAUTH_KEYS_SECRET")
	if secret == "" {
		return nil, errors.New("CUSTOMAUTH_KEYS_SECRET does not name the secret with the keys")
	}
	client, err := secretskeys.NewClient()
	if err != nil {
		return nil, err
	}
	options, err := counters.Options(ctx, client)
	if err != nil {
		return nil, err
	}
	guard, err := smsguard.New(smsguard.Options{
		Store: options.Store,
		Allow: strings.Split(os.Getenv("CUSTOMAUTH_COUNTRIES"), ","),
	})
	if err != nil {
		return nil, err
	}
	options.Guard = guard
	if namespace := os.Getenv("CUSTOMAUTH_METRICS"); namespace != "" {
		options.Observe = emf.New(emf.Options{Namespace: namespace}).Observe
	}
	options.Senders = map[string]customauth.Sender{"SMS": &customauth.SNSSender{
		SenderID:          os.Getenv("CUSTOMAUTH_SENDER_ID"),
		OriginationNumber: os.Getenv("CUSTOMAUTH_ORIGINATION_NUMBER"),
	}}
	signUp := lambda.NewHandler(presignup.New(guard.SignUp))
	return secretskeys.NewHandler(ctx, secretskeys.Options{
		Client:   client,
		SecretID: secret,
		Build: func(keys []customauth.Secret) (lambda.Handler, error) {
			options.Keys = keys
			return customauth.NewHandler(options, map[string]lambda.Handler{"PreSignUp": signUp})
		},
	})
}
