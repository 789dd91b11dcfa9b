package deploytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/emf"
)

// TestAlarmsHaveMetrics holds alarms and graphs to what emf writes: a metric is found in
// CloudWatch by its name and all of its dimensions, and an alarm for one that nobody
// writes would be quiet for ever.
func TestAlarmsHaveMetrics(t *testing.T) {
	written := []string{"CustomAuth CountryClosed"} // of the filter, which is compared
	for _, e := range []customauth.Event{
		{Trigger: customauth.CreateTrigger, Outcome: customauth.Asked, Sent: true},
		{Trigger: customauth.VerifyTrigger, Outcome: customauth.Passed},
		{Trigger: customauth.VerifyTrigger, Outcome: customauth.Broken, Reason: customauth.ReasonMismatch},
		{Trigger: customauth.CreateTrigger, Outcome: customauth.Refused, Reason: customauth.ReasonRateLimited},
	} {
		written = append(written, metricsOf(t, e)...)
	}
	s := expected(profile{production: true})
	used := 0
	for _, line := range append(s.Alarms, s.Dashboard...) {
		_, line, ok := strings.Cut(line, "CustomAuth ")
		if !ok {
			continue
		}
		used++
		metric, _, _ := strings.Cut(line, ":")
		metric, _, _ = strings.Cut(metric, " (") // a graph's label
		if !slices.Contains(written, "CustomAuth "+strings.TrimSpace(metric)) {
			t.Errorf("nobody writes %s", metric)
		}
	}
	if used != 10 {
		t.Errorf("%d alarms and graphs of the function's own metrics, want 10", used)
	}
}

// metricsOf are those that an event makes, by name and dimensions.
func metricsOf(t *testing.T, e customauth.Event) (metrics []string) {
	t.Helper()
	var out bytes.Buffer
	emf.New(emf.Options{Namespace: "CustomAuth", Output: &out}).Observe(t.Context(), e)
	var line struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	var values map[string]any
	for _, into := range []any{&line, &values} {
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range line.AWS.CloudWatchMetrics {
		for _, names := range d.Dimensions {
			var dimensions []string
			for _, name := range names {
				dimensions = append(dimensions, fmt.Sprintf("%s=%v", name, values[name]))
			}
			slices.Sort(dimensions)
			for _, m := range d.Metrics {
				metrics = append(metrics, d.Namespace+" "+m.Name+" "+strings.Join(dimensions, " "))
			}
		}
	}
	return metrics
}
