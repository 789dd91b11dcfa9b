package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/emf"
	"github.com/cyber-eternal/customauth/presignup"
)

func main() {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    keys,
		Observe: emf.New(emf.Options{Namespace: "SignIn"}).Observe,
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
