package secretskeys_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/secretskeys"
)

// In a Lambda main Client stays nil, and the handler goes to lambda.Start.
func ExampleNewHandler() {
	senders := map[string]customauth.Sender{"SMS": new(cognitotest.Inbox)} // made once, whatever the keys
	handler, err := secretskeys.NewHandler(context.Background(), secretskeys.Options{
		Client:   newService(firstKey).client(),
		SecretID: secretID,
		Build: func(keys []customauth.Secret) (lambda.Handler, error) {
			fmt.Println(len(keys), "key")
			return customauth.NewHandler(customauth.Options{Keys: keys, Senders: senders}, nil)
		},
	})
	fmt.Println(handler != nil, err)
	// Output:
	// 1 key
	// true <nil>
}

// The main of the function that Secrets Manager calls is lambda.Start(handle).
func ExampleNewRotation() {
	secret := newService(firstKey)
	handle, err := secretskeys.NewRotation(secret.client())
	if err != nil {
		panic(err)
	}
	secret.stages["v1"] = []string{"AWSPENDING"} // Secrets Manager makes a version …
	for _, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
		if err := handle(context.Background(), event(step, "v1")); err != nil { // … and calls four times
			panic(err)
		}
	}
	fmt.Println(len(secret.current()), "keys, and", secret.current()[0] == firstKey)
	// Output: 2 keys, and true
}
