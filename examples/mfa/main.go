// Command mfa is one Lambda function for users who sign in with two factors: a
// password, which Cognito checks by SRP, and then a code by SMS.
//
// Build it for Lambda (runtime provided.al2023, arm64):
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bootstrap ./examples/mfa
package main

import (
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
	options := customauth.Options{
		Keys: keys,
		Steps: []customauth.Step{
			customauth.Password(),
			{Name: "otp", Challenge: customauth.OTP{}}, // nothing is sent before the password was right
		},
		Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}
	return customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
	})
}
