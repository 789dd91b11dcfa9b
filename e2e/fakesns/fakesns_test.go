package fakesns_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

// client is the real client, which tries once.
func client(url string, transport http.RoundTripper) *sns.Client {
	return sns.New(sns.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(url),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "made-up", SecretAccessKey: "made-up"}, nil
		}),
	})
}

func text(message string) *sns.PublishInput {
	return &sns.PublishInput{
		PhoneNumber: aws.String("+12065550100"),
		Message:     aws.String(message),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"AWS.SNS.SMS.SMSType":  {DataType: aws.String("String"), StringValue: aws.String("Transactional")},
			"AWS.SNS.SMS.MaxPrice": {DataType: aws.String("Number"), StringValue: aws.String("0.50")},
		},
	}
}

func TestAccept(t *testing.T) {
	fake := fakesns.New()
	defer fake.Close()
	out, err := client(fake.URL, http.DefaultTransport).Publish(t.Context(), text("123456 is your code. Année 2026"))
	if err != nil {
		t.Fatal(err)
	}
	got := fake.Texts()
	if len(got) != 1 {
		t.Fatalf("%d texts, want 1", len(got))
	}
	if aws.ToString(out.MessageId) == "" || *out.MessageId != got[0].MessageID {
		t.Errorf("MessageId %q, recorded %q", aws.ToString(out.MessageId), got[0].MessageID)
	}
	want := fakesns.Publish{
		To:   "+12065550100",
		Text: "123456 is your code. Année 2026",
		Attributes: map[string]fakesns.Attribute{
			"AWS.SNS.SMS.SMSType":  {DataType: "String", Value: "Transactional"},
			"AWS.SNS.SMS.MaxPrice": {DataType: "Number", Value: "0.50"},
		},
		MessageID: *out.MessageId,
	}
	if !strings.Contains(got[0].Header.Get("User-Agent"), "api/sns") {
		t.Errorf("headers are not recorded: %v", got[0].Header)
	}
	if code := got[0].Code(); code != "123456" {
		t.Errorf("code %q, want 123456", code)
	}
	got[0].Header, got[0].Time = nil, time.Time{}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestModes(t *testing.T) {
	for _, c := range []struct {
		mode  fakesns.Mode
		code  string // of the API's error; "" where there is no answer
		read  bool   // the request was
		texts int
	}{
		{fakesns.Throttling, "Throttling", true, 0},
		{fakesns.Throttled, "Throttled", true, 0},
		{fakesns.OptedOut, "OptedOut", true, 0},
		{fakesns.InvalidParameter, "InvalidParameter", true, 0},
		{fakesns.AuthorizationError, "AuthorizationError", true, 0},
		{fakesns.DropBefore, "", false, 0},
		{fakesns.InternalError, "InternalError", true, 1},
		{fakesns.Hang, "", true, 1},
		{fakesns.Stall, "", true, 1},
		{fakesns.DropAfter, "", true, 1},
	} {
		t.Run(c.mode.String(), func(t *testing.T) {
			fake := fakesns.New()
			defer fake.Close()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			sns := client(fake.URL, transport)
			if _, err := sns.Publish(t.Context(), text("first")); err != nil {
				t.Fatal(err) // and leaves a connection for the second
			}
			if n := fake.Connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
			fake.SetMode(c.mode)

			ctx := t.Context()
			if c.mode == fakesns.Hang || c.mode == fakesns.Stall {
				ctx = until(t, func() bool { return len(fake.Publishes()) == 2 })
			}
			_, err := sns.Publish(ctx, text("second"))
			if err == nil {
				t.Fatal("no error")
			}
			var api smithy.APIError
			if got := errors.As(err, &api); got != (c.code != "") || got && api.ErrorCode() != c.code {
				t.Errorf("error %v, want code %q", err, c.code)
			}
			if got := len(fake.Publishes()) == 2; got != c.read {
				t.Errorf("read: %v, want %v", got, c.read)
			}
			if got := len(fake.Texts()) - 1; got != c.texts {
				t.Errorf("%d texts, want %d", got, c.texts)
			}
		})
	}

	t.Run("NoMessageID", func(t *testing.T) {
		fake := fakesns.New()
		defer fake.Close()
		fake.SetMode(fakesns.NoMessageID)
		out, err := client(fake.URL, http.DefaultTransport).Publish(t.Context(), text("text"))
		if err != nil || out.MessageId != nil {
			t.Errorf("%+v, %v; want an answer without a MessageId", out, err)
		}
	})
}

func TestRefusesWhatSNSRefuses(t *testing.T) {
	set := func(name, kind, value string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: &kind, StringValue: &value}
		}
	}
	for name, edit := range map[string]func(*sns.PublishInput){
		"a number that is not E.164":   func(in *sns.PublishInput) { in.PhoneNumber = aws.String("2065550100") },
		"a topic":                      func(in *sns.PublishInput) { in.PhoneNumber, in.TopicArn = nil, aws.String("arn:aws:sns:x") },
		"an empty text":                func(in *sns.PublishInput) { in.Message = aws.String("") },
		"a text over the limit":        func(in *sns.PublishInput) { in.Message = aws.String(strings.Repeat("é", 1601)) },
		"a type that does not exist":   set("AWS.SNS.SMS.SMSType", "String", "Urgent"),
		"a sender without a letter":    set("AWS.SNS.SMS.SenderID", "String", "12345"),
		"a price that is a string":     set("AWS.SNS.SMS.MaxPrice", "String", "0.50"),
		"an attribute with a misprint": set("AWS.SNS.SMS.SMSTyp", "String", "Transactional"),
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakesns.New()
			defer fake.Close()
			in := text("text")
			edit(in)
			_, err := client(fake.URL, http.DefaultTransport).Publish(t.Context(), in)
			var invalid *types.InvalidParameterException
			if !errors.As(err, &invalid) {
				t.Errorf("error %v, want InvalidParameter", err)
			}
			if len(fake.Texts()) != 0 {
				t.Error("a text was sent")
			}
		})
	}

	t.Run("a request without a signature", func(t *testing.T) {
		fake := fakesns.New()
		defer fake.Close()
		resp, err := http.PostForm(fake.URL, url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {"+12065550100"}, "Message": {"text"}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || len(fake.Texts()) != 0 {
			t.Errorf("%s and %d texts, want 400 and none", resp.Status, len(fake.Texts()))
		}
	})
}

func TestTLS(t *testing.T) {
	fake := fakesns.NewTLS()
	defer fake.Close()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(fake.Certificate()) {
		t.Fatal("the certificate is no PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	if _, err := client(fake.URL, transport).Publish(t.Context(), text("text")); err != nil {
		t.Error(err)
	}
	fake.SetMode(fakesns.DropBefore)
	if _, err := client(fake.URL, transport).Publish(t.Context(), text("text")); err == nil || len(fake.Publishes()) != 1 {
		t.Errorf("error %v and %d requests read, want an error and 1", err, len(fake.Publishes()))
	}
}

func TestDelay(t *testing.T) {
	fake := fakesns.New()
	defer fake.Close()
	fake.SetDelay(time.Hour)
	// The text of a slow answer is on its way, and counted.
	ctx := until(t, func() bool { return len(fake.Texts()) == 1 })
	if _, err := client(fake.URL, http.DefaultTransport).Publish(ctx, text("text")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// until is a context that ends when something has happened.
func until(t *testing.T, happened func() bool) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for !happened() && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}()
	return ctx
}
