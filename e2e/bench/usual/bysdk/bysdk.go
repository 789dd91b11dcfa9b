// Package bysdk sends the texts of package usual by the SDK's client.
package bysdk

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/cyber-eternal/customauth/e2e/bench/usual"
)

// Send returns a function that sends by the client.
func Send(client *sns.Client) usual.Send {
	return func(ctx context.Context, phone, text string) error {
		_, err := client.Publish(ctx, &sns.PublishInput{PhoneNumber: aws.String(phone), Message: aws.String(text)})
		return err
	}
}
