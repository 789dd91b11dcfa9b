// Command define is the function for the trigger "Define auth challenge". It
// decides what comes next in a sign-in: a challenge, tokens, or the end.
//
// Build it for Lambda (runtime provided.al2023, arm64):
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bootstrap ./examples/threelambdas/define
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
	handler, err := customauth.NewDefine(options)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
