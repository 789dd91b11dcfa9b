// Command lambda answers every trigger of the user pool that examples/cdk
// deploys. It wires in everything: codes by SMS, counters in DynamoDB, rules
// against SMS pumping, sign-up, and marking phone numbers as verified.
//
// It is configured by the environment, which stack.ts sets: CUSTOMAUTH_KEYS_SECRET,
// CUSTOMAUTH_TABLE and CUSTOMAUTH_COUNTRIES; if wanted, CUSTOMAUTH_SENDER_ID and
// CUSTOMAUTH_ORIGINATION_NUMBER.
package main

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/smsguard"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	handler, err := newHandler(context.Background())
	if err != nil {
		slog.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// newHandler runs in Lambda's init phase, where CPU is free.
func newHandler(ctx context.Context) (lambda.Handler, error) {
	keys, err := readKeys(ctx, os.Getenv("CUSTOMAUTH_KEYS_SECRET"))
	if err != nil {
		return nil, err
	}
	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("CUSTOMAUTH_TABLE")})
	if err != nil {
		return nil, err
	}
	// Opens the connection while CPU is free. A failure shows again with the first
	// count, and a function that counts nothing may not even ask.
	_ = store.Warm(ctx)
	guard, err := smsguard.New(smsguard.Options{
		Store: store,
		Allow: strings.Split(os.Getenv("CUSTOMAUTH_COUNTRIES"), ","),
	})
	if err != nil {
		return nil, err
	}
	marked, err := postauth.New(postauth.Options{})
	if err != nil {
		return nil, err
	}
	options := customauth.Options{
		Keys:  keys,
		Store: store,
		Steps: []customauth.Challenge{customauth.OTP{
			Guard: guard,
			Sender: &customauth.SNSSender{
				SenderID:          os.Getenv("CUSTOMAUTH_SENDER_ID"),
				OriginationNumber: os.Getenv("CUSTOMAUTH_ORIGINATION_NUMBER"),
			},
		}},
	}
	return customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(presignup.New(guard.SignUp)),
		"PostAuthentication": lambda.NewHandler(marked),
	})
}
