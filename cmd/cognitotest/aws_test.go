package main_test

// This file tests what triggers send with. That the SDKs understand the answers is
// tested in e2e/program.

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	program "github.com/cyber-eternal/customauth/cmd/cognitotest"
)

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func TestAWS(t *testing.T) {
	const sns, ses, sesv2, voice = "/_aws/sns/", "/_aws/ses/", "/_aws/ses/v2/email/outbound-emails", "/_aws/sms-voice/"
	for name, tt := range map[string]struct {
		path, body string
		target     string
		status     int
		answer     string // is in it
		want       []program.Message
	}{
		"a text": {path: sns, body: form("Action", "Publish", "PhoneNumber", "+12065550100", "Message", "Your code is 123456"), status: 200, answer: "<MessageId>",
			want: []program.Message{{From: "sns", Medium: "SMS", To: "+12065550100", Text: "Your code is 123456", Code: "123456"}}},
		"a text with a link": {path: sns, body: form("Action", "Publish", "PhoneNumber", "+12065550100", "Message", "Sign in: https://shop.example/in?c=12345678&u=9999."), status: 200, answer: "<MessageId>",
			want: []program.Message{{From: "sns", Medium: "SMS", To: "+12065550100", Text: "Sign in: https://shop.example/in?c=12345678&u=9999.", Link: "https://shop.example/in?c=12345678&u=9999"}}},
		"no number":      {path: sns, body: form("Action", "Publish", "PhoneNumber", "12065550100", "Message", "x"), status: 400, answer: "<Code>InvalidParameter</Code>"},
		"no text":        {path: sns, body: form("Action", "Publish", "PhoneNumber", "+12065550100"), status: 400, answer: "Empty message"},
		"a long text":    {path: sns, body: form("Action", "Publish", "PhoneNumber", "+12065550100", "Message", strings.Repeat("x", 1601)), status: 400, answer: "Message too long"},
		"a topic":        {path: sns, body: form("Action", "Publish", "TopicArn", "arn:x", "Message", "x"), status: 400, answer: "TopicArn"},
		"another action": {path: sns, body: form("Action", "Subscribe"), status: 400, answer: "the action &#34;Subscribe&#34; is not there"},
		"no form":        {path: sns, body: "%zz", status: 400, answer: "MalformedQueryString"},

		"a mail": {path: ses, body: form("Action", "SendEmail", "Destination.ToAddresses.member.1", "Ada <ada@example.com>", "Destination.BccAddresses.member.1", "bob@example.com",
			"Message.Subject.Data", "Hello", "Message.Body.Html.Data", `<a href="https://shop.example/?a=1&amp;b=2">in</a>`), status: 200, answer: "<SendEmailResult><MessageId>",
			want: []program.Message{
				{From: "ses", Medium: "EMAIL", To: "ada@example.com", Subject: "Hello", HTML: `<a href="https://shop.example/?a=1&amp;b=2">in</a>`, Link: "https://shop.example/?a=1&b=2"},
				{From: "ses", Medium: "EMAIL", To: "bob@example.com", Subject: "Hello", HTML: `<a href="https://shop.example/?a=1&amp;b=2">in</a>`, Link: "https://shop.example/?a=1&b=2"},
			}},
		"a mail to nobody": {path: ses, body: form("Action", "SendEmail", "Message.Body.Text.Data", "x"), status: 400, answer: "nobody is to get it"},
		"an empty mail":    {path: ses, body: form("Action", "SendEmail", "Destination.ToAddresses.member.1", "ada@example.com"), status: 400, answer: "it is empty"},
		"no address":       {path: ses, body: form("Action", "SendEmail", "Destination.ToAddresses.member.1", "ada", "Message.Body.Text.Data", "x"), status: 400, answer: "Destination"},

		"a mail by v2": {path: sesv2, body: `{"Destination": {"ToAddresses": ["ada@example.com"]}, "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "654321 is your code"}}}}}`, status: 200, answer: `"MessageId":`,
			want: []program.Message{{From: "ses", Medium: "EMAIL", To: "ada@example.com", Subject: "Hello", Text: "654321 is your code", Code: "654321"}}},
		"a raw mail": {path: sesv2, body: `{"Destination": {"ToAddresses": ["ada@example.com"]}, "Content": {"Raw": {}}}`, status: 400, answer: "takes Simple alone"},
		"no JSON":    {path: sesv2, body: `{`, status: 400, answer: "BadRequestException"},

		"End User Messaging": {path: voice, target: "PinpointSMSVoiceV2.SendTextMessage", body: `{"DestinationPhoneNumber": "+12065550100", "MessageBody": "Code 4711"}`, status: 200, answer: `"MessageId":`,
			want: []program.Message{{From: "sms-voice", Medium: "SMS", To: "+12065550100", Text: "Code 4711", Code: "4711"}}},
		"a voice message": {path: voice, target: "PinpointSMSVoiceV2.SendVoiceMessage", body: `{}`, status: 400, answer: "SendVoiceMessage"},
		"to nowhere":      {path: voice, target: "PinpointSMSVoiceV2.SendTextMessage", body: `{"MessageBody": "x"}`, status: 400, answer: "DestinationPhoneNumber"},
		"nothing":         {path: voice, target: "PinpointSMSVoiceV2.SendTextMessage", body: `{"DestinationPhoneNumber": "+12065550100"}`, status: 400, answer: "MessageBody"},

		"elsewhere": {path: "/_aws/s3/", status: 404, answer: "UnknownOperationException"},
	} {
		t.Run(name, func(t *testing.T) {
			handler, arrived := program.AWS()
			r := httptest.NewRequest("POST", tt.path, strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.answer) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, tt.status, tt.answer)
			}
			ignored := cmpopts.IgnoreFields(program.Message{}, "ID", "Time")
			if diff := cmp.Diff(tt.want, arrived(), ignored, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("arrived (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAWS(f *testing.F) {
	f.Add("/_aws/sns/", form("Action", "Publish", "PhoneNumber", "+12065550100", "Message", "Your code is 123456"))
	f.Add("/_aws/ses", form("Action", "SendEmail", "Destination.ToAddresses.member.1", "a@b.c", "Message.Body.Text.Data", "x"))
	f.Add("/_aws/ses/v2/email/outbound-emails", `{"Destination": {"ToAddresses": ["a@b.c"]}, "Content": {"Simple": {"Body": {"Text": {"Data": "1234"}}}}}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		handler, arrived := program.AWS()
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.URL.Path = path
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("status %d", w.Code)
		}
		if n := len(arrived()); n > 0 && w.Code != http.StatusOK {
			t.Errorf("status %d, and %d messages", w.Code, n)
		}
	})
}
