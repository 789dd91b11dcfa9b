package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/texts"
)

func main() {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		log.Fatal(err)
	}
	mail := customauth.OTP{Medium: "EMAIL", TTL: 10 * time.Minute, Text: german}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    keys,
		Steps:   []customauth.Step{{Name: "email", Challenge: mail}},
		Senders: map[string]customauth.Sender{"EMAIL": &ses.Sender{From: "Beispiel <login@example.com>"}},
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}

// german is for a pool whose users all read German. Without it, texts.Write alone
// takes the language of each user, from the app or the attribute locale.
func german(ctx context.Context, r customauth.Request, m customauth.Message) (customauth.Message, error) {
	m.Locale = "de"
	return texts.Write(ctx, r, m)
}
