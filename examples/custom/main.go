// Command custom is one Lambda function with parts of its own: codes that are
// easy to read aloud, texts sent by an HTTP API instead of Amazon SNS, and a rule
// for when a sign-in has failed. Take what you need.
//
// Build it for Lambda (runtime provided.al2023, arm64):
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bootstrap ./examples/custom
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

func main() {
	handler, err := newHandler()
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}

func newHandler() (lambda.Handler, error) {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		return nil, fmt.Errorf("CUSTOMAUTH_KEYS: %w", err)
	}
	sms, err := newHTTPSender(os.Getenv)
	if err != nil {
		return nil, err
	}
	options := customauth.Options{
		Keys:     keys,
		Steps:    []customauth.Step{{Name: "otp", Challenge: customauth.OTP{Generator: grouped}}},
		Senders:  map[string]customauth.Sender{"SMS": sms},
		Attempts: fourTries,
		Logger:   slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}
	return customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
	})
}

// grouped makes codes like 7K4M-Q2XD. The dash helps to read them and need not be
// typed. While the pool is under pressure they are longer.
func grouped(ctx context.Context, least int) (string, error) {
	code, err := customauth.Alphanumeric(8)(ctx, least)
	if err != nil {
		return "", err
	}
	return code[:4] + "-" + code[4:], nil
}

// fourTries ends a sign-in after four wrong answers and further messages, counted
// together.
func fourTries(_ context.Context, a customauth.Attempts) int {
	return 4 - a.Wrong - max(0, a.Sends-1)
}
