package emf_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/emf"
)

func ExampleNew() {
	var log bytes.Buffer // in a Lambda function: os.Stdout, the default
	options := customauth.Options{Observe: emf.New(emf.Options{Output: &log}).Observe}

	options.Observe(context.Background(), customauth.Event{
		Trigger: customauth.CreateTrigger, Outcome: customauth.Asked, Sent: true, Medium: "SMS", Elapsed: 120 * time.Millisecond,
	})
	fmt.Print(regexp.MustCompile(`\d{13}`).ReplaceAllString(log.String(), "TIME"))
	// Output:
	// {"_aws":{"Timestamp":TIME,"CloudWatchMetrics":[{"Namespace":"customauth","Dimensions":[["Trigger"]],"Metrics":[{"Name":"Count","Unit":"Count"},{"Name":"Milliseconds","Unit":"Milliseconds"},{"Name":"Sent","Unit":"Count"}]},{"Namespace":"customauth","Dimensions":[["Outcome"],["Reason"],["Trigger","Outcome"]],"Metrics":[{"Name":"Count","Unit":"Count"}]}]},"Trigger":"create","Outcome":"asked","Reason":"none","Count":1,"Milliseconds":120,"Sent":1,"Medium":"SMS"}
}

func TestLine(t *testing.T) {
	var log bytes.Buffer
	emf.New(emf.Options{Namespace: "mine", Output: &log}).Observe(t.Context(), customauth.Event{
		Trigger: customauth.VerifyTrigger, Step: "otp", Outcome: customauth.Refused, Reason: customauth.ReasonWrongCode,
		Elapsed: 1500 * time.Microsecond, Err: errors.New("of +12065550100"), PoolID: "eu-west-1_Example", ClientID: "client",
		UserName: customauth.Hide("alice"),
	})
	var got map[string]any
	if err := json.Unmarshal(log.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	aws := got["_aws"].(map[string]any)
	if age := time.Since(time.UnixMilli(int64(aws["Timestamp"].(float64)))); age < 0 || age > time.Minute {
		t.Errorf("the line is %v old", age)
	}
	if got := aws["CloudWatchMetrics"].([]any)[0].(map[string]any)["Namespace"]; got != "mine" {
		t.Errorf("namespace %v, want mine", got)
	}
	delete(got, "_aws")
	want := map[string]any{
		"Trigger": "verify", "Outcome": "refused", "Reason": "wrong_code", "Count": 1.0, "Milliseconds": 1.5, "Step": "otp", "Client": "client",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the specification asks of a line: each dimension is a text of 1 to 1,024
// characters, each metric a number, with a unit that CloudWatch has.
func TestFormat(t *testing.T) {
	units := []string{"Count", "Milliseconds"}
	for _, e := range []customauth.Event{
		{Trigger: customauth.DefineTrigger, Outcome: customauth.Asked},
		{Trigger: customauth.CreateTrigger, Outcome: customauth.Asked, Sent: true, Medium: "SMS", Step: "otp", ClientID: "client"},
		{Trigger: customauth.VerifyTrigger, Outcome: customauth.Refused, Reason: customauth.ReasonWrongCode, Elapsed: time.Second},
		{Trigger: customauth.OtherTrigger, Outcome: customauth.Broken, Reason: customauth.ReasonPanic},
	} {
		var log bytes.Buffer
		emf.New(emf.Options{Output: &log}).Observe(t.Context(), e)
		var root map[string]json.RawMessage
		var aws struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		}
		if err := json.Unmarshal(log.Bytes(), &root); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(root["_aws"], &aws); err != nil {
			t.Fatal(err)
		}
		if aws.Timestamp == 0 || len(aws.CloudWatchMetrics) == 0 {
			t.Errorf("%s: no metrics: %s", e.Trigger, &log)
		}
		for _, d := range aws.CloudWatchMetrics {
			if d.Namespace == "" || len(d.Dimensions) == 0 || len(d.Metrics) == 0 || len(d.Metrics) > 100 {
				t.Errorf("%s: %+v", e.Trigger, d)
			}
			for _, name := range slices.Concat(d.Dimensions...) {
				var value string
				if err := json.Unmarshal(root[name], &value); err != nil || value == "" || len(value) > 1024 {
					t.Errorf("%s: dimension %s is %s", e.Trigger, name, root[name])
				}
			}
			for _, m := range d.Metrics {
				var value float64
				if err := json.Unmarshal(root[m.Name], &value); err != nil || !slices.Contains(units, m.Unit) {
					t.Errorf("%s: metric %s in %s is %s", e.Trigger, m.Name, m.Unit, root[m.Name])
				}
			}
		}
	}
}

// Each line is one write, also when many events end at once.
func TestConcurrent(t *testing.T) {
	var log writes
	m := emf.New(emf.Options{Output: &log})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			m.Observe(t.Context(), customauth.Event{Trigger: customauth.DefineTrigger, Outcome: customauth.Passed})
		})
	}
	wg.Wait()
	if len(log) != 20 {
		t.Fatalf("%d writes, want 20", len(log))
	}
	for _, text := range log {
		if !json.Valid([]byte(text)) || strings.Count(text, "\n") != 1 {
			t.Errorf("no line of JSON: %q", text)
		}
	}
}

type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestOutputThatFails(t *testing.T) {
	f, err := os.Open(os.DevNull) // for reading alone
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	emf.New(emf.Options{Output: f}).Observe(t.Context(), customauth.Event{Trigger: customauth.DefineTrigger})
}
