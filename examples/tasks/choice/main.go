package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/ses"
)

func main() {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	counterKey, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_COUNTER_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("LIMITS_TABLE")})
	if err != nil {
		log.Fatal(err)
	}
	options := customauth.Options{
		Keys:       keys,
		CounterKey: counterKey[0],
		Store:      store,
		Steps: []customauth.Step{{Name: "code", Challenge: customauth.OneOf{
			Ask: true, // nothing is sent before the user chose
			Ways: []customauth.Step{
				{Name: "sms", Challenge: customauth.OTP{}},
				{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}},
			},
		}}},
		Senders: map[string]customauth.Sender{
			"SMS":   &customauth.SNSSender{},
			"EMAIL": &ses.Sender{From: "Example <login@example.com>"},
		},
	}
	// A way counts only for an address that was proved: postauth writes that down.
	proved, err := postauth.NewHandler(postauth.Options{Proved: options.Proved})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(presignup.New(nil)),
		"PostAuthentication": proved,
	})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
