package dynamodbstore_test

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
)

// A Lambda function for all triggers, with limits that hold across all its
// instances.
func Example() {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("LIMITS_TABLE")})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewHandler(customauth.Options{Keys: keys, Store: store}, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
