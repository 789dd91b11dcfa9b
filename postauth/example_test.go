package postauth_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/postauth"
)

// fake is a Client for tests: it prints what it would do.
type fake struct{ postauth.Client }

func (fake) AdminUpdateUserAttributes(_ context.Context, in *cognitoidentityprovider.AdminUpdateUserAttributesInput, _ ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.AdminUpdateUserAttributesOutput, error) {
	for _, a := range in.UserAttributes {
		fmt.Println(*in.Username, *a.Name, *a.Value)
	}
	return nil, nil
}

func (fake) AdminUserGlobalSignOut(_ context.Context, in *cognitoidentityprovider.AdminUserGlobalSignOutInput, _ ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.AdminUserGlobalSignOutOutput, error) {
	fmt.Println(*in.Username, "is signed out")
	return nil, nil
}

// The pool has no app client that takes a password.
func (fake) ListUserPoolClients(context.Context, *cognitoidentityprovider.ListUserPoolClientsInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.ListUserPoolClientsOutput, error) {
	return &cognitoidentityprovider.ListUserPoolClientsOutput{}, nil
}

// In a Lambda main Client stays nil, and the handler goes to lambda.Start.
func ExampleNew() {
	handle, err := postauth.New(postauth.Options{
		Client:    fake{},
		ClientIDs: []string{"1example23456789abcdefghij"},
	})
	if err != nil {
		panic(err)
	}

	var event events.CognitoEventUserPoolsPostAuthentication // from Cognito
	event.TriggerSource = "PostAuthentication_Authentication"
	event.UserName = "0ab28e1c"
	event.CallerContext.ClientID = "1example23456789abcdefghij"
	event.Request.UserAttributes = map[string]string{"phone_number": "+12065550100"}

	_, err = handle(context.Background(), event)
	fmt.Println(err)
	// Output:
	// 0ab28e1c is signed out
	// 0ab28e1c phone_number +12065550100
	// 0ab28e1c phone_number_verified true
	// <nil>
}

// In the one function for all triggers.
func ExampleNewHandler() {
	options := customauth.Options{
		Keys:  []customauth.Secret{customauth.Hide("a key that is made of 32 letters")}, // yours: from a secret
		Store: customauth.NewMemoryStore(),                                              // on Lambda: dynamodbstore
	}
	mark, err := postauth.NewHandler(postauth.Options{Client: fake{}, Proved: options.Proved})
	if err != nil {
		panic(err)
	}
	handler, err := customauth.NewHandler(options, map[string]lambda.Handler{
		"PostAuthentication": mark,
	})
	fmt.Println(handler != nil, err)
	// Output: true <nil>
}
