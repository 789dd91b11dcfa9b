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
		Keys: keys,
		Steps: []customauth.Challenge{customauth.OTP{
			Generator: customauth.GeneratorFunc(grouped),
			Sender:    sms,
		}},
		Attempts: customauth.AttemptPolicyFunc(fourRounds),
		Logger:   slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}
	return customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
	})
}

// grouped makes codes like 7K4M-Q2XD. The dash helps to read them and need not
// be typed.
func grouped(ctx context.Context) (string, error) {
	code, err := customauth.Alphanumeric(8).Generate(ctx)
	if err != nil {
		return "", err
	}
	return code[:4] + "-" + code[4:], nil
}

// fourRounds ends a sign-in after four answers and requests for another code,
// counted together.
func fourRounds(_ context.Context, a customauth.Attempts) customauth.Decision {
	if a.Rounds >= 4 {
		return customauth.Fail
	}
	return customauth.Retry
}
