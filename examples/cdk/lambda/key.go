package main

// This file reads the key from AWS Secrets Manager, so that it is in no
// configuration that people can look at.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/cyber-eternal/customauth"
)

// patience is how long Secrets Manager may take, the SDK's retries included. Lambda
// gives the init phase 10 seconds.
const patience = 5 * time.Second

func readKeys(ctx context.Context, secret string) ([][]byte, error) {
	if secret == "" {
		return nil, errors.New("CUSTOMAUTH_KEYS_SECRET does not name the secret with the keys")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := secrets().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret})
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	return customauth.ParseKeys(aws.ToString(out.SecretString))
}

// secrets is a client for the environment that Lambda gives a function. The SDK's
// config package would read more places, and cost every cold start 3 to 4 ms.
func secrets() *secretsmanager.Client {
	o := secretsmanager.Options{
		Region: os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
	}
	if url := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), os.Getenv("AWS_ENDPOINT_URL")); url != "" {
		o.BaseEndpoint = &url
	}
	return secretsmanager.New(o)
}
