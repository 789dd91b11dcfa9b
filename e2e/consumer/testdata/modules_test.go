package main_test

// The nested modules, fetched as the root is, fit it and each other.

import (
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/smsguard"
)

func TestModulesFitTogether(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "nothing")

	store, err := dynamodbstore.New(dynamodbstore.Options{Table: "counters"})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := smsguard.New(smsguard.Options{Store: store, Allow: []string{"US"}})
	if err != nil {
		t.Fatal(err)
	}
	options := customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide("a key that is made of 32 letters")},
		CounterKey: customauth.Hide("another key, of 32 letters again"),
		Store:      store,
		Guard:      guard,
		Senders:    map[string]customauth.Sender{"SMS": new(cognitotest.Inbox)},
	}
	marked, err := postauth.NewHandler(postauth.Options{Proved: options.Proved})
	if err != nil {
		t.Fatal(err)
	}
	_, err = customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(presignup.New(guard.SignUp)),
		"PostAuthentication": marked,
	})
	if err != nil {
		t.Fatal(err)
	}
}
