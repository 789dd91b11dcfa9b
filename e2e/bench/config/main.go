// Command config is the hand-written function of bench/bare, with the SNS client
// from the SDK's config package, as the SDK's documentation shows it.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/cyber-eternal/customauth/e2e/bench/usual"
	"github.com/cyber-eternal/customauth/e2e/bench/usual/bysdk"
)

func main() {
	c, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(usual.Handler(bysdk.Send(sns.NewFromConfig(c))))
}
