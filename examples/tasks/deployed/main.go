package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/smsguard"
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
	guard, err := smsguard.New(smsguard.Options{Store: store, Allow: []string{"DE", "AT", "CH"}})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:       keys,
		CounterKey: counterKey[0],
		Store:      store,
		Guard:      guard,
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(guard.SignUp))})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
