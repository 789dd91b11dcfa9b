package magiclink_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/magiclink"
)

// A sign-in whose mail has a link. The sender prints instead of sending.
func Example() {
	create, err := customauth.NewCreate(customauth.Options{
		Keys: []customauth.Secret{customauth.Hide("from a secret store, 32 bytes or more")},
		Steps: []customauth.Step{{Name: "link", Challenge: magiclink.Challenge{
			Origins: []string{"https://app.example.com"},
			Path:    "/sign-in",
			OTP:     customauth.OTP{Generator: func(context.Context, int) (string, error) { return "482913", nil }}, // leave it out
		}}},
		Senders: map[string]customauth.Sender{"EMAIL": customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
			link, _, _ := strings.Cut(m.Text.Reveal(), "&link=")
			fmt.Println(link)
			return nil
		})},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var event events.CognitoEventUserPoolsCreateAuthChallenge // from Cognito
	event.UserPoolID, event.UserName, event.Request.ChallengeName = "eu-west-1_Ab1Cd2Ef3", "someone", "CUSTOM_CHALLENGE"
	event.Request.UserAttributes = map[string]string{"email": "someone@example.com"}
	event, err = create(context.Background(), event)
	fmt.Println(event.Response.PublicChallengeParameters["codeLength"], err)
	// Output:
	// To sign in, open this link in the browser where you asked for it:
	//
	// https://app.example.com/sign-in#code=482913
	// 6 <nil>
}
