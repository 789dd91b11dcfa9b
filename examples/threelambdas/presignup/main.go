// Command presignup is the function for the trigger "Pre sign-up". It confirms
// whoever signs up, since the first code proves the phone number anyway. It needs
// no configuration.
//
// Build it for Lambda (runtime provided.al2023, arm64):
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bootstrap ./examples/threelambdas/presignup
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/presignup"
)

func main() {
	lambda.Start(presignup.New(nil))
}
