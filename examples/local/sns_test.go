package main

// The SNS of this program, asked by the real client of Amazon SNS.

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

func TestSNS(t *testing.T) {
	b := newInbox(io.Discard)
	server := httptest.NewServer(snsHandler(b))
	defer server.Close()
	client := sns.New(sns.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})

	for _, tt := range []struct {
		name, to, text string
		code           string // of the error
	}{
		{"a text", "+12065550100", "123456 is your code", ""},
		{"a long text", "+12065550100", strings.Repeat("é", 1600), ""},
		{"a text that is too long", "+12065550100", strings.Repeat("é", 1601), "InvalidParameter"},
		{"an empty text", "+12065550100", " ", "InvalidParameter"},
		{"no phone number", "12065550100", "hello", "InvalidParameter"},
		{"the dead number", deadNumber, "hello", "OptedOut"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, _ := b.list("")
			out, err := client.Publish(t.Context(), &sns.PublishInput{PhoneNumber: &tt.to, Message: &tt.text})
			after, _ := b.list("")
			if tt.code != "" {
				var api smithy.APIError
				if !errors.As(err, &api) || api.ErrorCode() != tt.code {
					t.Errorf("error %v, want %s", err, tt.code)
				}
				if len(after) != len(before) {
					t.Error("it arrived all the same")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToString(out.MessageId) == "" {
				t.Error("no MessageId")
			}
			got := after[0]
			got.ID, got.Time = "", time.Time{}
			if diff := cmp.Diff(text{To: tt.to, Channel: "SMS", Text: tt.text}, got); diff != "" {
				t.Errorf("inbox (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSNSRefuses(t *testing.T) {
	b := newInbox(io.Discard)
	h := snsHandler(b)
	for _, tt := range []struct{ name, form, code string }{
		{"another action", url.Values{"Action": {"ListTopics"}}.Encode(), "InvalidAction"},
		{"no action", "", "InvalidAction"},
		{"a topic", url.Values{"Action": {"Publish"}, "TopicArn": {"arn:aws:sns:us-east-1:1:x"}, "Message": {"hello"}}.Encode(), "InvalidParameter"},
		{"no form", "%zz", "MalformedQueryString"},
		{"a body without end", strings.Repeat("a", snsMaxBody+1), "MalformedQueryString"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "<Code>"+tt.code+"</Code>") {
				t.Errorf("answer %d %s, want %s", w.Code, w.Body, tt.code)
			}
		})
	}
	if texts, _ := b.list(""); len(texts) != 0 {
		t.Errorf("inbox has %v", texts)
	}
}
