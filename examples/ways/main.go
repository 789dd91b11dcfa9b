// Command ways is one Lambda function for a user pool whose users choose how they sign
// in: by a code in a text, by a code in an e-mail, or by a link. A CAPTCHA before the
// first message is an option. Everything is configured by the environment: README.md has
// the variables.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/magiclink"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/ses"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	handler, err := newHandler()
	if err != nil {
		slog.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler() (lambda.Handler, error) {
	options, err := common()
	if err != nil {
		return nil, err
	}
	way, err := ways(options.Senders)
	if err != nil {
		return nil, err
	}
	options.Steps = []customauth.Step{way}
	signUp := presignup.New(nil)
	if os.Getenv("CAPTCHA_PROVIDER") != "" {
		human := human(options.Store)
		options.Steps = []customauth.Step{{Name: "captcha", Challenge: human}, way}
		signUp = presignup.New(human.SignUp)
	}
	mark, err := postauth.NewHandler(postauth.Options{Proved: options.Proved})
	if err != nil {
		return nil, err
	}
	return customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(signUp),
		"PostAuthentication": mark,
	})
}

// common are the keys and the store.
func common() (customauth.Options, error) {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		return customauth.Options{}, fmt.Errorf("CUSTOMAUTH_KEYS: %w", err)
	}
	counter, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_COUNTER_KEY"))
	if err != nil || len(counter) != 1 {
		return customauth.Options{}, errors.Join(errors.New("CUSTOMAUTH_COUNTER_KEY must be one key"), err)
	}
	options := customauth.Options{
		Keys:       keys,
		CounterKey: counter[0],
		Senders:    make(map[string]customauth.Sender),
		Store:      customauth.NewMemoryStore(), // of this one instance: for trying it out
	}
	if table := os.Getenv("CUSTOMAUTH_TABLE"); table != "" {
		if options.Store, err = dynamodbstore.New(dynamodbstore.Options{Table: table}); err != nil {
			return customauth.Options{}, err
		}
	}
	return options, nil
}

// ways is the step that is passed in one of several ways, and adds what they send by.
func ways(senders map[string]customauth.Sender) (customauth.Step, error) {
	mail := &ses.Sender{From: os.Getenv("MAIL_FROM")}
	var list []customauth.Step
	for _, name := range words("WAYS", "sms,email") {
		w := customauth.Step{Name: name}
		switch name {
		case "sms":
			w.Challenge = customauth.OTP{WebOTPDomain: os.Getenv("WEBOTP_DOMAIN")}
			senders["SMS"] = &customauth.SNSSender{}
		case "email":
			w.Challenge = customauth.OTP{Medium: "EMAIL"}
			senders["EMAIL"] = mail
		case "link":
			w.Challenge = magiclink.Challenge{Origins: words("LINK_ORIGINS", ""), Path: os.Getenv("LINK_PATH")}
			senders["EMAIL"] = mail
		default:
			return w, fmt.Errorf("WAYS must be sms, email and link, in the order that you prefer, not %q", name)
		}
		list = append(list, w)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return customauth.Step{Name: "code", Challenge: customauth.OneOf{Ways: list, Ask: os.Getenv("ASK") == "true"}}, nil
}

// human is the CAPTCHA, in front of everything that sends.
func human(store customauth.Store) captcha.Challenge {
	return captcha.Challenge{
		Provider:  captcha.Provider(os.Getenv("CAPTCHA_PROVIDER")),
		SiteKey:   os.Getenv("CAPTCHA_SITE_KEY"),
		Secret:    customauth.Hide(os.Getenv("CAPTCHA_SECRET")),
		Hostnames: words("CAPTCHA_HOSTNAMES", ""),
		Action:    os.Getenv("CAPTCHA_ACTION"),
		URL:       os.Getenv("CAPTCHA_URL"),
		Store:     store,
	}
}

// words are the parts of a variable between commas.
func words(name, unset string) []string {
	text := os.Getenv(name)
	if text == "" {
		text = unset
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
