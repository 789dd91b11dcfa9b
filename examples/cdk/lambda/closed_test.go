package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/smsguard"
)

// TestClosedBudgetIsInTheLog: the alarm CountryClosed counts the lines of the log that
// have an error with "_closed" in it, by the filter { $.error = "*_closed*" }.
func TestClosedBudgetIsInTheLog(t *testing.T) {
	var log bytes.Buffer
	store, inbox := customauth.NewMemoryStore(), new(cognitotest.Inbox)
	guard, err := smsguard.New(smsguard.Options{
		Store: store, Allow: []string{"US"}, Country: smsguard.Budget{Hour: 1, Day: 1}, Range: smsguard.Budget{Hour: 1, Day: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide(key)},
		CounterKey: customauth.Hide(counterKey),
		Store:      store,
		Guard:      guard,
		Senders:    map[string]customauth.Sender{"SMS": inbox},
		Logger:     slog.New(slog.NewJSONHandler(&log, nil)),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: handler}})
	if err != nil {
		t.Fatal(err)
	}
	var closed []int
	for i := range 3 {
		log.Reset()
		number := fmt.Sprintf("+1206555010%d", i)
		if err := pool.AddUser(number, map[string]string{"phone_number": number}); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.SignIn(t.Context(), number); err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(log.String()) {
			var of struct{ Error string }
			if err := json.Unmarshal([]byte(line), &of); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(of.Error, "_closed") {
				n++
			}
		}
		closed = append(closed, n)
	}
	if got := fmt.Sprint(closed); got != "[0 1 1]" {
		t.Errorf("lines that the filter counts, for each sign-in: %s, want [0 1 1]", got)
	}
}
