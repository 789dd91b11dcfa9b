package ses_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/said"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/ses/sestest"
)

// TestTrigger: the trigger with the real sender and SES's failures. It answers within
// 4 seconds, one event is one message at most, the user may ask again where nothing
// was sent, and the log has neither code nor address.
func TestTrigger(t *testing.T) {
	tests := []struct {
		mode  sestest.Mode
		error string // what the app is told
		mails int
	}{
		{sestest.Accept, "", 1},
		{sestest.ThrottledOnce, "", 1},
		{sestest.Throttled, "delivery_failed", 0},
		{sestest.Paused, "delivery_failed", 0},
		{sestest.RecipientNotVerified, "delivery_failed", 0},
		{sestest.InternalError, "delivery_failed", 1},
		{sestest.Drop, "delivery_failed", 1},
		{sestest.Hang, "delivery_failed", 1},
		{sestest.Stall, "delivery_failed", 1},
	}
	for _, tt := range tests {
		t.Run(tt.mode.String(), func(t *testing.T) {
			fake := start(t)
			fake.SetMode(tt.mode)
			var logged bytes.Buffer
			create, err := customauth.NewCreate(customauth.Options{
				Keys:    []customauth.Secret{customauth.Hide("0123456789abcdefghijklmnopqrstuv")},
				Senders: map[string]customauth.Sender{"EMAIL": &ses.Sender{From: "login@example.com"}},
				Steps:   []customauth.Step{{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}}},
				Store:   customauth.NewMemoryStore(),
				Logger:  slog.New(slog.NewJSONHandler(&logged, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			var event events.CognitoEventUserPoolsCreateAuthChallenge
			event.TriggerSource, event.UserPoolID, event.UserName = "CreateAuthChallenge_Authentication", "eu-west-1_Ab1Cd2Ef3", "user-"+tt.mode.String()
			event.CallerContext.ClientID = "1example23456789"
			event.Request.ChallengeName = "CUSTOM_CHALLENGE"
			event.Request.UserAttributes = map[string]string{"sub": "user-" + tt.mode.String(), "email": tt.mode.String() + ".roe@example.org", "email_verified": "true"}

			began := time.Now()
			event, err = create(context.Background(), event)
			if took := time.Since(began); took >= 5*time.Second { // Cognito waits as long; a send has 3 of them
				t.Errorf("took %v", took)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := event.Response.PublicChallengeParameters["errorCode"]; got != tt.error {
				t.Errorf("errorCode %q, want %q\n%s", got, tt.error, logged.String())
			}
			if n := len(fake.Mails()); n != tt.mails {
				t.Errorf("%d messages, want %d", n, tt.mails)
			}
			log := said.Without(logged.String())
			for _, m := range fake.Requests() {
				if m.Code() == "" || strings.Contains(log, m.Code()) || strings.Contains(log, "roe@") {
					t.Errorf("the code %q or the address is in the log:\n%s", m.Code(), logged.String())
				}
			}
		})
	}
}
