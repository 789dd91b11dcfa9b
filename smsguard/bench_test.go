package smsguard_test

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// What it costs to judge a number, without the Store.
func BenchmarkSignUp(b *testing.B) {
	guard := newGuard(b, in(world))
	var e events.CognitoEventUserPoolsPreSignup
	e.TriggerSource = "PreSignUp_SignUp"
	e.Request.UserAttributes = map[string]string{"phone_number": "+447400123456"}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := guard.SignUp(ctx, e); err != nil {
			b.Fatal(err)
		}
	}
}
