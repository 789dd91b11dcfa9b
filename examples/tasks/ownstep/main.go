package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

func main() {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys: keys,
		Steps: []customauth.Step{
			{Name: "otp", Challenge: customauth.OTP{}},
			{Name: "token", Challenge: Token{URL: os.Getenv("TOKEN_URL")}},
		},
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}

// Token asks for the digits that a hardware token shows. Whether they are right is
// known to a service at URL: it answers 204 or 403. It must let the same digits pass
// again in the same sign-in, and in no other.
type Token struct{ URL string }

func (t Token) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	if t.URL == "" {
		return customauth.Issued{}, errors.New("set Token.URL") // NewHandler says so
	}
	return customauth.Issued{}, nil // nothing is sent, and no answer is known beforehand
}

func (t Token) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"codeLength": "6"}, nil
}

func (t Token) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	form := url.Values{"user": {r.UserName.Reveal()}, "signIn": {r.SignIn}, "digits": {answer}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return customauth.Checked{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return customauth.Checked{}, err
	}
	response.Body.Close()
	switch response.StatusCode {
	case http.StatusNoContent:
		return customauth.Checked{Right: true}, nil
	case http.StatusForbidden:
		return customauth.Checked{}, nil // wrong: the handlers have counted the guess
	default:
		return customauth.Checked{}, fmt.Errorf("the service of tokens: %s", response.Status)
	}
}
