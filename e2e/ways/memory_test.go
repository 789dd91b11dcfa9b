package ways_test

// This file has a Memory for endusermessaging's Feedback that all instances of a
// function share. The README of endusermessaging shows it.

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/endusermessaging"
	"github.com/cyber-eternal/customauth/endusermessaging/smstest"
	"github.com/cyber-eternal/customauth/internal/httpbody"
)

// A memory keeps the ids of messages in the table of dynamodbstore.
type memory struct {
	client *dynamodb.Client
	table  string
}

func (m memory) Put(ctx context.Context, key, value string, forget time.Time) error {
	_, err := m.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: map[string]types.AttributeValue{
		"pk":      &types.AttributeValueMemberS{Value: "feedback:" + key},
		"id":      &types.AttributeValueMemberS{Value: value},
		"expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(forget.Unix(), 10)},
	}})
	return err
}

func (m memory) Take(ctx context.Context, key string) (string, error) {
	out, err := m.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:    aws.String(m.table),
		Key:          map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "feedback:" + key}},
		ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return "", err
	}
	id, _ := out.Attributes["id"].(*types.AttributeValueMemberS)
	if id == nil {
		return "", nil
	}
	return id.Value, nil
}

// TestFeedbackOverInstances: Verify runs in another instance than Create, and what it
// finds right is reported only where the two share a Memory.
func TestFeedbackOverInstances(t *testing.T) {
	shared := memory{
		dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: aws.String(dynamotest.URL(t)), Credentials: credentials, HTTPClient: httpbody.Client(new(http.Client))}),
		dynamotest.Table(t),
	}
	for _, tt := range []struct {
		name   string
		memory endusermessaging.Memory
		want   bool
	}{{"each its own", nil, false}, {"shared", shared, true}} {
		t.Run(tt.name, func(t *testing.T) {
			fake := smstest.New()
			t.Cleanup(fake.Close)
			client := pinpointsmsvoicev2.New(pinpointsmsvoicev2.Options{Region: region, BaseEndpoint: &fake.URL, Credentials: credentials})
			instance := func() customauth.Options {
				feedback := &endusermessaging.Feedback{Memory: tt.memory, Client: client, Report: func(_ context.Context, err error) { t.Error(err) }}
				return customauth.Options{
					Keys:    []customauth.Secret{customauth.Hide("a key that is made of 32 letters")},
					Senders: map[string]customauth.Sender{"SMS": &endusermessaging.SMS{Client: client, Feedback: feedback}},
					Guard:   feedback,
					Logger:  slog.New(slog.DiscardHandler),
				}
			}
			pool := apart(t, instance(), instance())
			if err := pool.AddUser("ada", map[string]string{"phone_number": number}); err != nil {
				t.Fatal(err)
			}
			s, err := pool.SignIn(t.Context(), "ada")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Answer(t.Context(), six.FindString(fake.Messages()[0].Body), nil); err != nil || !s.Done() {
				t.Fatalf("not signed in: %v", err)
			}
			if got := fake.Messages()[0].Received; got != tt.want {
				t.Errorf("reported: %v, want %v", got, tt.want)
			}
			if id, err := shared.Take(t.Context(), "nothing"); id != "" || err != nil {
				t.Errorf("what was never put is %q, %v", id, err)
			}
		})
	}
}

// apart is a pool whose Create and Verify are two instances.
func apart(t *testing.T, creates, verifies customauth.Options) *cognitotest.Pool {
	t.Helper()
	creates.Store = customauth.NewMemoryStore()
	verifies.Store = creates.Store
	one, err := customauth.NewHandler(creates, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := customauth.NewHandler(verifies, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{Key: signingKey(), Triggers: cognitotest.Triggers{Define: one, Create: one, Verify: other}})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// What the README shows is what was run.
func TestMemoryOfREADME(t *testing.T) {
	source, err := os.ReadFile("memory_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "\n)\n\n")
	code, _, _ := strings.Cut(rest, "\n// TestFeedbackOverInstances")
	readme, err := os.ReadFile("../../endusermessaging/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+code+"```") {
		t.Errorf("endusermessaging/README.md does not have this:\n%s", code)
	}
}
