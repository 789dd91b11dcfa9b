package captcha_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/presignup"
)

// A CAPTCHA before the first text. A stand-in is asked here instead of Cloudflare.
func Example() {
	cloudflare := captchatest.New("1x0000000000000000000000000000000AA")
	human := captcha.Challenge{
		Provider:  captcha.Turnstile,
		SiteKey:   "1x00000000000000000000AA",
		Secret:    customauth.Hide("1x0000000000000000000000000000000AA"),
		Hostnames: []string{"app.example.com"},
		Client:    &http.Client{Transport: cloudflare}, // leave it out
	}
	create, err := customauth.NewCreate(customauth.Options{
		Keys: []customauth.Secret{customauth.Hide("from a secret store, 32 bytes or more")},
		Steps: []customauth.Step{
			{Name: "captcha", Challenge: human},
			{Name: "code", Challenge: customauth.OTP{}},
		},
		Senders: map[string]customauth.Sender{"SMS": customauth.SenderFunc(func(context.Context, customauth.Message) error {
			fmt.Println("a text is sent")
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
	event, err = create(context.Background(), event)
	shown := event.Response.PublicChallengeParameters
	fmt.Println(shown["step"], shown["provider"], shown["siteKey"], err)

	token := cloudflare.Solve(captchatest.Solved{Hostname: "app.example.com"})
	checked, err := human.Check(context.Background(), customauth.Request{SignIn: "1"}, token)
	fmt.Println(checked.Right, err)
	// Output:
	// captcha turnstile 1x00000000000000000000AA <nil>
	// true <nil>
}

// Nobody signs up without a token.
func ExampleChallenge_SignUp() {
	hcaptcha := captchatest.New("0x0000000000000000000000000000000000000000")
	human := captcha.Challenge{
		Provider:  captcha.HCaptcha,
		SiteKey:   "10000000-ffff-ffff-ffff-000000000001",
		Secret:    customauth.Hide("0x0000000000000000000000000000000000000000"),
		Hostnames: []string{"app.example.com"},
		Client:    &http.Client{Transport: hcaptcha}, // leave it out
		Logger:    slog.New(slog.DiscardHandler),
	}
	handle := presignup.New(human.SignUp)

	var event events.CognitoEventUserPoolsPreSignup // from Cognito
	event.TriggerSource = "PreSignUp_SignUp"
	event.Request.ClientMetadata = map[string]string{"captcha": hcaptcha.Solve(captchatest.Solved{
		Hostname: "app.example.com", SiteKey: human.SiteKey,
	})}
	out, err := handle(context.Background(), event)
	fmt.Println(out.Response.AutoConfirmUser, err)

	event.Request.ClientMetadata = nil
	_, err = handle(context.Background(), event)
	fmt.Println(err)
	// Output:
	// true <nil>
	// the CAPTCHA was not solved
}
