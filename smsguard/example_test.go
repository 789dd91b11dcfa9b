package smsguard_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/smsguard"
)

// One guard in both places: no text to a country that is not served, and no
// sign-up either.
func ExampleNew() {
	store := customauth.NewMemoryStore() // on Lambda: dynamodbstore
	guard, err := smsguard.New(smsguard.Options{
		Store:   store,
		Allow:   []string{"GB", "IE", "US"},
		Country: smsguard.Budget{Hour: 100, Day: 300},
	})
	if err != nil {
		panic(err)
	}
	options := customauth.Options{
		Keys:       keys, // yours: from a secret
		CounterKey: customauth.Hide("another key, of 32 letters again"),
		Store:      store,
		Guard:      guard,
	}
	handler, err := customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(guard.SignUp)),
	})
	fmt.Println(handler != nil, err)
	// Output: true <nil>
}

// What the app sees of a sign-up that is refused.
func ExampleGuard_SignUp() {
	guard, err := smsguard.New(smsguard.Options{
		Store: customauth.NewMemoryStore(),
		Deny:  []string{"JM"},
	})
	if err != nil {
		panic(err)
	}
	signUp := presignup.New(guard.SignUp)

	var event events.CognitoEventUserPoolsPreSignup // from Cognito
	event.TriggerSource = "PreSignUp_SignUp"
	event.Request.UserAttributes = map[string]string{"phone_number": "+18765550100"}

	_, err = signUp(context.Background(), event)
	fmt.Println(err)
	// Output: this phone number cannot be used
}

// Before it refuses anything: a week of recording shows what it would refuse.
func ExampleOptions_recordOnly() {
	guard, err := smsguard.New(smsguard.Options{
		Store:      customauth.NewMemoryStore(),
		Allow:      []string{"GB"},
		RecordOnly: true,
		Report: func(_ context.Context, r smsguard.Report) {
			fmt.Println(r.Reason, r.Country, "refused:", r.Refused)
		},
	})
	if err != nil {
		panic(err)
	}
	to := customauth.Destination{Medium: "SMS", Address: customauth.Hide("+18765550100")}
	fmt.Println(guard.Allow(context.Background(), customauth.Request{}, to))
	// Output:
	// country_denied JM refused: false
	// <nil>
}
