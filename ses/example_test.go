package ses_test

import (
	"context"
	"fmt"
	"html/template"
	"os"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/ses/sestest"
)

// A Lambda main passes the sender for the medium EMAIL. Here SES is a server on this
// machine, so that the message can be shown.
func ExampleSender() {
	fake := sestest.New()
	defer fake.Close()
	os.Setenv("AWS_REGION", "eu-west-1") // Lambda sets these four
	os.Setenv("AWS_ACCESS_KEY_ID", "made-up")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "made-up")
	os.Setenv("AWS_ENDPOINT_URL_SESV2", fake.URL)

	sender := &ses.Sender{From: "Example <login@example.com>", ReplyTo: []string{"help@example.com"}}
	options := customauth.Options{
		Senders: map[string]customauth.Sender{"EMAIL": sender},
		Steps:   []customauth.Step{{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}}},
	}

	err := options.Senders["EMAIL"].Send(context.Background(), customauth.Message{
		To:      customauth.Destination{Medium: "EMAIL", Address: customauth.Hide("jane@example.org")},
		Code:    customauth.Hide("246813"),
		Text:    customauth.Hide("246813 is your code. It is valid for 3 minutes. Do not share it."),
		Subject: customauth.Hide("Your code"),
	})
	for _, m := range fake.Mails() {
		fmt.Printf("From: %s\nTo: %s\nSubject: %s\n\n%s\n", m.From, m.To, m.Subject, m.Text)
		fmt.Println("clicks are tracked:", m.ClickTracking)
	}
	fmt.Println(err)
	// Output:
	// From: "Example" <login@example.com>
	// To: jane@example.org
	// Subject: Your code
	//
	// 246813 is your code. It is valid for 3 minutes. Do not share it.
	// clicks are tracked: DISABLED
	// <nil>
}

// HTML of your own.
func ExampleMail() {
	mine := template.Must(template.New("mine").Parse("<h1>{{.Code}}</h1>\n{{range .Paragraphs}}<p>{{.}}</p>\n{{end}}"))
	_ = &ses.Sender{From: "login@example.com", Template: mine}

	mine.Execute(os.Stdout, ses.Mail{Code: "246813", Paragraphs: []string{"246813 is your code.", "Jane & John's shop"}})
	// Output:
	// <h1>246813</h1>
	// <p>246813 is your code.</p>
	// <p>Jane &amp; John&#39;s shop</p>
}
