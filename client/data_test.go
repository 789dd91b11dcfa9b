package client_test

// This file tests what a program keeps and what it prints.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/client"
)

const secret = "do-not-print"

// TestPrinting: no verb and no log shows what lets somebody in.
func TestPrinting(t *testing.T) {
	tokens := &client.Tokens{ClientID: clientID, Access: secret, ID: secret, Refresh: secret}
	challenge := &client.Challenge{Step: "otp", Session: secret, Login: secret, Parameters: map[string]string{"x": secret}}
	for name, v := range map[string]any{
		"tokens": tokens, "challenge": challenge, "outcome": client.Outcome{Tokens: tokens, Challenge: challenge},
		"exported field": struct{ T *client.Tokens }{tokens},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", tokens, "c", challenge)
		printed := fmt.Sprintf("%v %+v %#v %s", v, v, v, v) + log.String()
		if strings.Contains(printed, secret) {
			t.Errorf("%s prints a secret", name)
		}
	}
}

// TestPrintingUnexported: fmt does not ask what stands in an unexported field, but
// prints its address.
func TestPrintingUnexported(t *testing.T) {
	tokens := &client.Tokens{Access: secret, ID: secret, Refresh: secret}
	v := struct{ t *client.Tokens }{tokens}
	if printed := fmt.Sprintf("%v %+v %#v", v, v, v); strings.Contains(printed, secret) {
		t.Error("an unexported field prints a secret")
	}
}

// TestKeeping: what JSON kept is what it was.
func TestKeeping(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := client.Outcome{
		Tokens:    &client.Tokens{ClientID: clientID, Access: "a", ID: "i", Refresh: "r", Ends: at},
		Challenge: &client.Challenge{ClientID: clientID, Session: "s", Ways: []string{"sms"}, ResendAt: at, Parameters: map[string]string{"k": "v"}},
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got client.Outcome
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}
