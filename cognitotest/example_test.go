package cognitotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// A sign-in from start to end: a wrong code, then the right one.
func Example() {
	ctx := context.Background()
	inbox := new(cognitotest.Inbox)
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("at least thirty-two bytes, secret")},
		Senders: map[string]customauth.Sender{"SMS": inbox},
		Logger:  slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		Triggers: cognitotest.Triggers{All: handler},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := pool.AddUser("alice", map[string]string{"phone_number": "+12065550100"}); err != nil {
		log.Fatal(err)
	}

	s, err := pool.SignIn(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Challenge, s.Parameters["attemptsRemaining"])

	if err := s.Answer(ctx, "no code", nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Parameters["errorCode"], s.Parameters["attemptsRemaining"], s.Done())

	if err := s.Answer(ctx, inbox.Code("+12065550100"), nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Done(), s.Tokens().TokenType)
	// Output:
	// CUSTOM_CHALLENGE 3
	// wrong_code 2 false
	// true Bearer
}

// Any client that speaks to Cognito can use the pool: an AWS SDK with its
// BaseEndpoint set to the server's URL, Amplify with userPoolEndpoint, or as here
// net/http.
func ExampleNewServer() {
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("at least thirty-two bytes, secret")},
		Senders: map[string]customauth.Sender{"SMS": new(cognitotest.Inbox)},
		Logger:  slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		Triggers: cognitotest.Triggers{All: handler},
	})
	if err != nil {
		log.Fatal(err)
	}
	server, err := cognitotest.NewServer(pool)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	request, err := http.NewRequest("POST", server.URL, strings.NewReader(`{
		"AuthFlow": "CUSTOM_AUTH",
		"ClientId": "`+pool.ClientID()+`",
		"AuthParameters": {"USERNAME": "somebody"}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.InitiateAuth")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ ChallengeName string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, answer.ChallengeName)
	// Output: 200 CUSTOM_CHALLENGE
}
