package presignup_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth/presignup"
)

// The trigger that lets in everybody. In a Lambda main it is
// lambda.Start(presignup.New(nil)).
func ExampleNew() {
	handle := presignup.New(nil)

	var event events.CognitoEventUserPoolsPreSignup // from Cognito
	event.TriggerSource = "PreSignUp_SignUp"

	event, err := handle(context.Background(), event)
	fmt.Println(event.Response.AutoConfirmUser, event.Response.AutoVerifyPhone, err)
	// Output: true false <nil>
}

// A hook that lets in the addresses of one company alone. Users whom an
// administrator makes are not its business.
func ExampleNew_refuse() {
	colleaguesOnly := func(_ context.Context, e events.CognitoEventUserPoolsPreSignup) error {
		if e.TriggerSource != "PreSignUp_SignUp" {
			return nil
		}
		if !strings.HasSuffix(e.Request.UserAttributes["email"], "@example.com") {
			return presignup.Refusal("sign up with your company's address") // public
		}
		return nil
	}
	handle := presignup.New(colleaguesOnly)

	var event events.CognitoEventUserPoolsPreSignup // from Cognito
	event.TriggerSource = "PreSignUp_SignUp"
	event.Request.UserAttributes = map[string]string{"email": "someone@example.org"}

	_, err := handle(context.Background(), event)
	fmt.Println(err)
	// Output: sign up with your company's address
}
