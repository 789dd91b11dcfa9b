// Command verify is the function for the trigger "Verify auth challenge
// response". It checks the answers.
//
// Build it for Lambda (runtime provided.al2023, arm64):
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bootstrap ./examples/threelambdas/verify
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/examples/threelambdas/signin"
)

func main() {
	options, err := signin.Options()
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewVerify(options)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
