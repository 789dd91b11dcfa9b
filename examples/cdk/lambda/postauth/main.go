// Command postauth answers PostAuthentication: it marks a number as verified that a
// sign-in proved for the first time, after signing everybody else out. It is a
// function of its own, so that no other may write to users.
//
// It is configured by the environment: CUSTOMAUTH_COUNTER_SECRET, CUSTOMAUTH_TABLE,
// and CUSTOMAUTH_CLIENT_IDS, the app clients whose only way in is a code, separated by
// commas. All clients of the pool must be such.
package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/examples/cdk/lambda/internal/counters"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/secretskeys"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	// The start has 10 s, and 5 when Lambda repeats it with the first call: what Secrets
	// Manager does not answer by then is said in the log.
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	handler, err := newHandler(ctx)
	cancel()
	if err != nil {
		slog.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context) (lambda.Handler, error) {
	client, err := secretskeys.NewClient()
	if err != nil {
		return nil, err
	}
	options, err := counters.Options(ctx, client)
	if err != nil {
		return nil, err
	}
	return postauth.NewHandler(postauth.Options{
		Proved:    options.Proved,
		ClientIDs: strings.Split(os.Getenv("CUSTOMAUTH_CLIENT_IDS"), ","),
		// A password is no way in here: it would take an app client that allows one. So
		// none is replaced, and the function need not be able to read the app clients.
		InsecureKeepPassword: true,
	})
}
