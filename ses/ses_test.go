package ses_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/ses/sestest"
)

// start starts SES on loopback, where the default client finds it.
func start(t *testing.T) *sestest.Server {
	t.Helper()
	fake := sestest.New()
	t.Cleanup(fake.Close)
	for k, v := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_SESSION_TOKEN": "made-up",
		"AWS_ENDPOINT_URL_SESV2": fake.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
	} {
		t.Setenv(k, v)
	}
	return fake
}

const (
	address = "jane.roe@example.org"
	code    = "246813"
)

func message() customauth.Message {
	return customauth.Message{
		To:      customauth.Destination{Medium: "EMAIL", Address: customauth.Hide(address)},
		Code:    customauth.Hide(code),
		Text:    customauth.Hide(code + " is your code. It is valid for 3 minutes."),
		Subject: customauth.Hide("Your code"),
		Locale:  "en",
	}
}

func TestSend(t *testing.T) {
	fake := start(t)
	s := &ses.Sender{
		From: "Zoë's shop <login@example.com>", ReplyTo: []string{"help@example.com"},
		ConfigurationSet: "codes", Tags: map[string]string{"use": "sign-in", "app": "shop"},
	}
	if err := s.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if fake.Warmed() != 1 {
		t.Errorf("%d connections were warmed, want 1", fake.Warmed())
	}
	if err := s.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	want := []sestest.Mail{{
		From: "=?utf-8?b?Wm/DqydzIHNob3A=?= <login@example.com>", To: address, ReplyTo: []string{"<help@example.com>"},
		Subject: "Your code", Text: code + " is your code. It is valid for 3 minutes.",
		Headers:          map[string]string{"Auto-Submitted": "auto-generated"},
		ConfigurationSet: "codes", Tags: map[string]string{"use": "sign-in", "app": "shop"},
		ClickTracking: "DISABLED", OpenTracking: "DISABLED",
	}}
	got := fake.Mails()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(sestest.Mail{}, "HTML", "MessageID", "Time")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, part := range []string{`<html lang="en" dir="ltr">`, ">" + code + "</p>", ">" + code + " is your code. It is valid for 3 minutes.</p>"} {
		if !strings.Contains(got[0].HTML, part) {
			t.Errorf("the HTML has no %q:\n%s", part, got[0].HTML)
		}
	}
	for _, part := range []string{"<a ", "<img", "http:", "https:", "<script"} {
		if strings.Contains(got[0].HTML, part) {
			t.Errorf("the HTML has %q", part)
		}
	}
}

// TestHTML: what is not trusted is escaped, the writer's own HTML is not.
func TestHTML(t *testing.T) {
	hostile := message()
	hostile.Text = customauth.Hide(code + " <img src=x onerror=alert(1)>\n\nsecond & last")
	hostile.Locale = `"><script>`
	arabic := message()
	arabic.Locale = "ar_EG"
	own := message()
	own.HTML = customauth.Hide("<b>" + code + "</b>")
	multi := template.Must(template.New("mine").Parse(`<title>{{.Subject}}</title><p dir={{.Dir}}>{{.Code}}<p>{{len .Paragraphs}}`))
	tests := []struct {
		name    string
		tmpl    *template.Template
		m       customauth.Message
		has     []string
		hasNone []string
	}{
		{"escaped", nil, hostile, []string{"&lt;img src=x onerror=alert(1)&gt;", "second &amp; last</p>", `<html dir="ltr">`}, []string{"<img", "<script"}},
		{"right to left", nil, arabic, []string{`<html lang="ar-EG" dir="rtl">`, `<p dir="ltr"`}, nil},
		{"the message's own", nil, own, []string{"<b>" + code + "</b>"}, []string{"<html"}},
		{"a template", multi, hostile, []string{"<title>Your code</title>", "<p dir=ltr>" + code + "<p>2"}, []string{"<html"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := start(t)
			s := &ses.Sender{From: "login@example.com", Template: tt.tmpl}
			if err := s.Send(t.Context(), tt.m); err != nil {
				t.Fatal(err)
			}
			html := fake.Mails()[0].HTML
			for _, part := range tt.has {
				if !strings.Contains(html, part) {
					t.Errorf("no %q in:\n%s", part, html)
				}
			}
			for _, part := range tt.hasNone {
				if strings.Contains(html, part) {
					t.Errorf("%q in:\n%s", part, html)
				}
			}
			if fake.Mails()[0].Text != tt.m.Text.Reveal() {
				t.Error("the plain text is not the message's")
			}
		})
	}
}

func TestSubjectIsOneLine(t *testing.T) {
	for name, subject := range map[string]string{
		"a header":       "Your code\r\nBcc: eve@example.net",
		"a line feed":    "Your code\nBcc: eve@example.net",
		"other breaks":   "Your code\u2028Bcc: \u0085eve@example.net",
		"a tab and NUL":  "Your code\t\x00Bcc: eve@example.net",
		"bidi":           "\u202eYour code Bcc: eve@example.net\u2066",
		"only the first": "Your code Bcc: eve@example.net",
	} {
		t.Run(name, func(t *testing.T) {
			fake := start(t)
			m := message()
			m.Subject = customauth.Hide(subject)
			if err := (&ses.Sender{From: "login@example.com"}).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("Your code Bcc: eve@example.net", fake.Mails()[0].Subject); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for name, to := range map[string]string{
		"two":                 "jane@example.org,eve@example.net",
		"two with a space":    "jane@example.org, eve@example.net",
		"a name":              "Jane <jane@example.org>",
		"a quoted local part": `"jane, eve"@example.org`,
		"a header":            "jane@example.org\r\nBcc: eve@example.net",
		"a comment":           "jane(eve@example.net)@example.org",
		"a group":             "us:jane@example.org;",
		"beyond ASCII":        "jane@bücher.example",
		"a literal":           "jane@[127.0.0.1]",
		"no domain":           "jane@",
		"nothing":             "",
		"a phone number":      "+12065550100",
	} {
		t.Run(name, func(t *testing.T) {
			fake := start(t)
			m := message()
			m.To.Address = customauth.Hide(to)
			err := (&ses.Sender{From: "login@example.com"}).Send(t.Context(), m)
			if !errors.Is(err, customauth.ErrInvalidDestination) {
				t.Errorf("error %v, want ErrInvalidDestination", err)
			}
			if n := len(fake.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
	m := message()
	m.To.Medium = "SMS"
	if err := (&ses.Sender{From: "login@example.com"}).Send(t.Context(), m); !errors.Is(err, customauth.ErrInvalidDestination) {
		t.Errorf("SMS: %v", err)
	}
}

// TestFailures: what SES says becomes what an operator understands, without the
// address and the code; one message is one request, unless SES refused the first;
// and the answer is there within the budget. The connection is one that was used
// before, as on Lambda.
func TestFailures(t *testing.T) {
	var doubt error
	tests := []struct {
		mode     sestest.Mode
		is       error
		requests int
		text     string
	}{
		{sestest.Throttled, customauth.ErrThrottled, 2, "TooManyRequestsException: Maximum sending rate exceeded. (HTTP 429, request id 11111111-"},
		{sestest.DailyQuota, customauth.ErrThrottled, 1, "Daily message quota exceeded"},
		{sestest.LimitExceeded, customauth.ErrThrottled, 1, "LimitExceededException"},
		{sestest.Suspended, customauth.ErrUnauthorized, 1, "AccountSuspendedException"},
		{sestest.Paused, customauth.ErrUnauthorized, 1, "SendingPausedException"},
		{sestest.FromNotVerified, customauth.ErrUnauthorized, 1, "not verified"},
		{sestest.RecipientNotVerified, customauth.ErrInvalidDestination, 1, "not verified"},
		{sestest.Suppressed, customauth.ErrOptedOut, 1, "suppression list"},
		{sestest.DomainNotVerified, customauth.ErrUnauthorized, 1, "MailFromDomainNotVerifiedException"},
		{sestest.NoConfigurationSet, customauth.ErrUnauthorized, 1, "NotFoundException"},
		{sestest.BadAddress, customauth.ErrInvalidDestination, 1, "BadRequestException"},
		{sestest.AccessDenied, customauth.ErrUnauthorized, 1, "AccessDeniedException"},
		{sestest.InternalError, doubt, 1, "InternalServiceErrorException"},
		{sestest.Unavailable, doubt, 1, "HTTP 503"},
		{sestest.NoMessageID, doubt, 1, "without a MessageId"},
		{sestest.Hang, doubt, 1, "deadline"},
		{sestest.Stall, doubt, 1, "send failed"},
		{sestest.Drop, doubt, 1, "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.mode.String(), func(t *testing.T) {
			fake := start(t)
			s := &ses.Sender{From: "login@example.com"}
			if err := s.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			fake.SetMode(tt.mode)
			budget := 5 * time.Second
			if tt.mode == sestest.Hang || tt.mode == sestest.Stall {
				budget = time.Second // on a busy machine, too, the request arrives in this time
			}
			ctx, cancel := context.WithTimeout(t.Context(), budget)
			defer cancel()
			began := time.Now()
			err := s.Send(ctx, message())
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("took %v", took)
			}
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("error %v, want %q", err, tt.text)
			}
			for _, sentinel := range []error{customauth.ErrThrottled, customauth.ErrUnauthorized, customauth.ErrOptedOut, customauth.ErrInvalidDestination} {
				if errors.Is(err, sentinel) != (sentinel == tt.is) {
					t.Errorf("is %v: %v", sentinel, err)
				}
			}
			for _, secret := range []string{address, code, "jane", "is your code"} {
				if printed := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(printed, secret) {
					t.Errorf("%q is in %s", secret, printed)
				}
			}
			if n := len(fake.Requests()) - 1; n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			if n := len(fake.Mails()) - 1; n > 1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

func TestThrottledOnceIsTriedAgain(t *testing.T) {
	fake := start(t)
	fake.SetMode(sestest.ThrottledOnce)
	if err := (&ses.Sender{From: "login@example.com"}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if n, mails := len(fake.Requests()), len(fake.Mails()); n != 2 || mails != 1 {
		t.Errorf("%d requests and %d messages, want 2 and 1", n, mails)
	}
}

func TestOffline(t *testing.T) {
	fake := start(t)
	t.Setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:1")
	s := &ses.Sender{From: "login@example.com"}
	if err := s.Warm(t.Context()); err == nil || errors.Is(err, customauth.ErrOptions) {
		t.Errorf("warm: %v", err)
	}
	if err := s.Send(t.Context(), message()); err == nil {
		t.Error("no error")
	}
	if len(fake.Requests()) != 0 {
		t.Error("the wrong server was asked")
	}
}

func TestWarmFindsWrongFields(t *testing.T) {
	start(t)
	tests := []struct {
		name   string
		sender *ses.Sender
		text   string
	}{
		{"no sender", &ses.Sender{}, "Sender.From"},
		{"no address", &ses.Sender{From: "Example"}, "Sender.From"},
		{"two senders", &ses.Sender{From: "a@example.com, b@example.com"}, "Sender.From"},
		{"a header in the sender", &ses.Sender{From: "a@example.com\r\nBcc: eve@example.net"}, "Sender.From"},
		{"reply to nobody", &ses.Sender{From: "a@example.com", ReplyTo: []string{"help"}}, "Sender.ReplyTo"},
		{"a set with a space", &ses.Sender{From: "a@example.com", ConfigurationSet: "my set"}, "ConfigurationSet"},
		{"a tag with a space", &ses.Sender{From: "a@example.com", Tags: map[string]string{"use": "sign in"}}, "Tags"},
		{"a tag without a value", &ses.Sender{From: "a@example.com", Tags: map[string]string{"use": ""}}, "Tags"},
		{"a template that fails", &ses.Sender{From: "a@example.com", Template: template.Must(template.New("x").Parse("{{.Nothing}}"))}, "Template"},
		{"a template without the code", &ses.Sender{From: "a@example.com", Template: template.Must(template.New("x").Parse("{{.Subject}}"))}, "does not have the code"},
		{"a template without end", &ses.Sender{From: "a@example.com", Template: template.Must(template.New("x").Parse(strings.Repeat("{{.Code}}", 50_000)))}, "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.sender.Warm(t.Context())
			if !errors.Is(err, customauth.ErrOptions) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want ErrOptions and %q", err, tt.text)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	fake := start(t)
	s := &ses.Sender{From: "login@example.com", Edit: func(_ context.Context, m customauth.Message, in *sesv2.SendEmailInput) error {
		if strings.HasSuffix(m.To.Address.Reveal(), "@example.org") {
			in.Content.Simple.Body.Html = nil
			return nil
		}
		return errors.New("not to them")
	}}
	if err := s.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if got := fake.Mails()[0].HTML; got != "" {
		t.Errorf("HTML %q", got)
	}
	m := message()
	m.To.Address = customauth.Hide("jane@example.net")
	if err := s.Send(t.Context(), m); err == nil || len(fake.Requests()) != 1 {
		t.Errorf("error %v and %d requests", err, len(fake.Requests()))
	}
}

func TestOutsideOfLambda(t *testing.T) {
	start(t)
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	err := (&ses.Sender{From: "login@example.com"}).Send(t.Context(), message())
	if !errors.Is(err, customauth.ErrUnauthorized) || !strings.Contains(err.Error(), "Sender.Client") {
		t.Errorf("error %v", err)
	}
}

func FuzzSend(f *testing.F) {
	f.Add("jane@example.org", "Your code", "246813 is your code", "en")
	f.Add("a,b@c", "x\r\ny", "<b>", "\"><script>")
	fake := sestest.New()
	f.Cleanup(fake.Close)
	for k, v := range map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_ENDPOINT_URL_SESV2": fake.URL} {
		f.Setenv(k, v)
	}
	s := &ses.Sender{From: "login@example.com", ReplyTo: []string{"help@example.com"}}
	f.Fuzz(func(t *testing.T, to, subject, text, locale string) {
		m := customauth.Message{
			To:   customauth.Destination{Medium: "EMAIL", Address: customauth.Hide(to)},
			Text: customauth.Hide("246813 " + text), Subject: customauth.Hide("Code " + subject), Locale: locale,
		}
		// The server refuses a second address, a second line and a missing text.
		if err := s.Send(t.Context(), m); err != nil && strings.Contains(err.Error(), "BadRequest") {
			t.Errorf("the sender let through what SES refuses: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"FromEmailAddress":"a@b","Destination":{"ToAddresses":["c@d"]},"Content":{"Simple":{"Subject":{"Data":"s","Charset":"UTF-8"},"Body":{"Text":{"Data":"t","Charset":"UTF-8"}}}}}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := sestest.Decode(strings.NewReader(body))
		if err == nil && (m.Text == "" || strings.Contains(m.To, ",")) {
			t.Errorf("%+v", m)
		}
	})
}
