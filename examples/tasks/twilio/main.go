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
		Keys:    keys,
		Senders: map[string]customauth.Sender{"SMS": customauth.SenderFunc(twilio)},
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}

// twilio posts a message once. TWILIO_URL is the account's
// https://api.twilio.com/2010-04-01/Accounts/AC…/Messages.json.
func twilio(ctx context.Context, m customauth.Message) error {
	form := url.Values{"To": {m.To.Address.Reveal()}, "From": {os.Getenv("TWILIO_FROM")}, "Body": {m.Text.Reveal()}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("TWILIO_URL"), strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("twilio: TWILIO_URL is no URL")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(os.Getenv("TWILIO_KEY"), os.Getenv("TWILIO_SECRET"))
	response, err := http.DefaultTransport.RoundTrip(request) // it follows no redirect
	if err != nil {
		return err // nobody knows whether the message is on its way
	}
	response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusCreated:
		return nil
	case status == http.StatusTooManyRequests:
		return customauth.ErrThrottled
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return customauth.ErrUnauthorized
	case status >= 400 && status < 500:
		return fmt.Errorf("twilio: %s: %w", response.Status, customauth.ErrInvalidDestination)
	default:
		return errors.New("twilio: " + response.Status)
	}
}
