package postauth_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/google/go-cmp/cmp"
)

// A whole sign-in: the number is marked after the right code, not before, and not
// by an app client that lets people in without one.
func TestSignIn(t *testing.T) {
	for name, tt := range map[string]struct {
		flows []string
		want  string
	}{
		"by a code alone":    {[]string{"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}, "true"},
		"by a password, too": {[]string{"ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH"}, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			var late struct{ postauth.Client } // the pool that it calls comes later
			mark := newHandler(t, postauth.Options{Client: &late})
			inbox := new(cognitotest.Inbox)
			handler, err := customauth.NewHandler(customauth.Options{
				Keys:    []customauth.Secret{customauth.Hide("a key that is made of 32 letters")},
				Store:   customauth.NewMemoryStore(),
				Senders: map[string]customauth.Sender{"SMS": inbox},
				Logger:  slog.New(slog.DiscardHandler),
			}, map[string]lambda.Handler{"PostAuthentication": lambda.NewHandler(mark)})
			if err != nil {
				t.Fatal(err)
			}
			pool, err := cognitotest.NewPool(cognitotest.Config{
				Triggers: cognitotest.Triggers{All: handler, PostAuthentication: handler},
				Clients:  []cognitotest.Client{{ID: app, ExplicitAuthFlows: tt.flows}},
			})
			if err != nil {
				t.Fatal(err)
			}
			server, err := cognitotest.NewServer(pool)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			late.Client = cognitoidentityprovider.New(cognitoidentityprovider.Options{
				Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
				}),
			})
			if err := pool.AddUser("alice", map[string]string{"phone_number": number, "phone_number_verified": "false"}); err != nil {
				t.Fatal(err)
			}

			s, err := pool.SignIn(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Answer(t.Context(), "000", nil); err != nil {
				t.Fatal(err)
			}
			if got := pool.Attributes("alice")["phone_number_verified"]; got != "false" {
				t.Errorf("after a wrong code: %q", got)
			}
			if err := s.Answer(t.Context(), inbox.Code(number), nil); err != nil || !s.Done() {
				t.Fatalf("done = %v, error %v", s.Done(), err)
			}
			if diff := cmp.Diff(tt.want, pool.Attributes("alice")["phone_number_verified"]); diff != "" {
				t.Errorf("phone_number_verified (-want +got):\n%s", diff)
			}
		})
	}
}
