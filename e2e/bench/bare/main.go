// Command bare is a hand-written function for the three triggers that builds its
// SNS client from the environment itself, which is the leanest way.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/cyber-eternal/customauth/e2e/bench/usual"
	"github.com/cyber-eternal/customauth/e2e/bench/usual/bysdk"
)

func main() {
	o := sns.Options{
		Region: os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL_SNS"); endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	lambda.Start(usual.Handler(bysdk.Send(sns.New(o))))
}
