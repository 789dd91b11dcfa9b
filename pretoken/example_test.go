package pretoken_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/pretoken"
)

// In a Lambda main the handler goes to lambda.Start, or to customauth.NewHandler as
// "TokenGeneration".
func ExampleNew() {
	const everyday = "1example23456789abcdefghij"
	options := customauth.Options{
		Keys: []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")}, // yours: from a secret
		Clients: map[string]customauth.Options{
			everyday: {Steps: []customauth.Step{{Name: "sms", Challenge: customauth.OTP{}}}},
		},
	}
	handler, err := pretoken.New(options, map[string]pretoken.Client{
		everyday: {Level: 1, Methods: map[string][]string{"sms": {"otp", "sms"}}},
	})
	if err != nil {
		panic(err)
	}

	out, err := handler.Invoke(context.Background(), []byte(`{
		"version": "1", "triggerSource": "TokenGeneration_Authentication",
		"callerContext": {"clientId": "1example23456789abcdefghij"},
		"request": {"clientMetadata": {"customauth:level": "9"}},
		"response": {"claimsOverrideDetails": null}
	}`)) // from Cognito
	if err != nil {
		panic(err)
	}
	var event struct{ Response json.RawMessage }
	if err := json.Unmarshal(out, &event); err != nil {
		panic(err)
	}
	fmt.Println(string(event.Response))
	// Output:
	// {"claimsOverrideDetails":{"claimsToAddOrOverride":{"customauth:level":"1","customauth:methods":"otp sms"}}}
}
