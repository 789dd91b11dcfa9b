package endusermessaging_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	eum "github.com/cyber-eternal/customauth/endusermessaging"
	"github.com/cyber-eternal/customauth/endusermessaging/smstest"
	"github.com/cyber-eternal/customauth/internal/said"
)

// TestTriggers: the triggers with the real senders and the service's failures. They
// answer within 4 seconds, one event is one message at most, the log has neither code
// nor number, and a right answer is reported.
func TestTriggers(t *testing.T) {
	tests := []struct {
		mode     smstest.Mode
		error    string // what the app is told
		messages int
	}{
		{smstest.Accept, "", 1},
		{smstest.ThrottledOnce, "", 1},
		{smstest.Throttled, "delivery_failed", 0},
		{smstest.SpendLimit, "delivery_failed", 0},
		{smstest.OptedOut, "delivery_failed", 0},
		{smstest.InternalError, "delivery_failed", 1},
		{smstest.Drop, "delivery_failed", 1},
		{smstest.Hang, "delivery_failed", 1},
		{smstest.Stall, "delivery_failed", 1},
	}
	for _, medium := range []string{"SMS", "VOICE", "NOTIFY"} {
		for _, tt := range tests {
			t.Run(medium+"/"+tt.mode.String(), func(t *testing.T) {
				fake := start(t)
				fake.SetMode(tt.mode)
				feedback := &eum.Feedback{Report: func(_ context.Context, err error) { t.Errorf("feedback: %v", err) }}
				way, sender := medium, customauth.Sender(nil)
				switch medium {
				case "SMS":
					sender = &eum.SMS{Feedback: feedback}
				case "VOICE":
					sender = &eum.Voice{Origination: "pool-1", Feedback: feedback}
				case "NOTIFY":
					way, sender = "SMS", &eum.Notify{Configuration: "nc-1", Feedback: feedback}
				}
				timeout := time.Duration(0) // the default, for SMS
				if medium != "SMS" {
					timeout = 1500 * time.Millisecond
				}
				var logged bytes.Buffer
				options := customauth.Options{
					Keys:    []customauth.Secret{customauth.Hide("0123456789abcdefghijklmnopqrstuv")},
					Senders: map[string]customauth.Sender{way: sender},
					Guard:   feedback,
					Steps:   []customauth.Step{{Name: "phone", Challenge: customauth.OTP{Medium: way, Generator: fixed}}},
					Store:   customauth.NewMemoryStore(),
					Logger:  slog.New(slog.NewJSONHandler(&logged, nil)),

					SendTimeout: timeout,
				}
				create, err := customauth.NewCreate(options)
				if err != nil {
					t.Fatal(err)
				}
				verify, err := customauth.NewVerify(options)
				if err != nil {
					t.Fatal(err)
				}
				name := medium + tt.mode.String()
				number := numberOf(len(medium), int(tt.mode))
				var header events.CognitoEventUserPoolsHeader
				header.TriggerSource, header.UserPoolID, header.UserName = "CreateAuthChallenge_Authentication", "eu-west-1_Ab1Cd2Ef3", name
				header.CallerContext.ClientID = "1example23456789"
				attributes := map[string]string{"sub": name, "phone_number": number, "phone_number_verified": "true"}
				ask := events.CognitoEventUserPoolsCreateAuthChallenge{CognitoEventUserPoolsHeader: header}
				ask.Request.ChallengeName, ask.Request.UserAttributes = "CUSTOM_CHALLENGE", attributes

				began := time.Now()
				ask, err = create(context.Background(), ask)
				if took := time.Since(began); took >= 5*time.Second { // Cognito waits as long; a send has 3 of them
					t.Errorf("took %v", took)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := ask.Response.PublicChallengeParameters["errorCode"]; got != tt.error {
					t.Errorf("errorCode %q, want %q\n%s", got, tt.error, logged.String())
				}
				if n := len(fake.Messages()); n != tt.messages {
					t.Errorf("%d messages, want %d", n, tt.messages)
				}
				if tt.error == "" {
					answer := events.CognitoEventUserPoolsVerifyAuthChallenge{CognitoEventUserPoolsHeader: header}
					answer.TriggerSource = "VerifyAuthChallengeResponse_Authentication"
					answer.Request.UserAttributes, answer.Request.ChallengeAnswer = attributes, code
					answer.Request.PrivateChallengeParameters = ask.Response.PrivateChallengeParameters
					answer, err = verify(context.Background(), answer)
					if err != nil || !answer.Response.AnswerCorrect {
						t.Fatalf("correct %v, error %v\n%s", answer.Response.AnswerCorrect, err, logged.String())
					}
					if m := fake.Messages()[0]; !m.Received || m.Input["MessageFeedbackEnabled"] != true {
						t.Errorf("the right answer was not reported: %+v", m)
					}
				}
				for _, secret := range []string{code, number, number[1:]} {
					if strings.Contains(said.Without(logged.String()), secret) {
						t.Errorf("%q is in the log:\n%s", secret, logged.String())
					}
				}
			})
		}
	}
}

// fixed makes the one code, so that the log can be searched for it.
func fixed(context.Context, int) (string, error) { return code, nil }

// numberOf is another number for each test, because limits count by number.
func numberOf(a, b int) string {
	return "+1206555" + string([]byte{'0' + byte(a%10), '0', '0' + byte(b/10), '0' + byte(b%10)})
}
