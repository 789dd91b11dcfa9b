package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

func main() {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS")) // openssl rand -base64 32
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewHandler(customauth.Options{Keys: keys}, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(nil)), // confirms whoever signs up
	})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler) // six digits by SMS over Amazon SNS
}
