// Package emf writes customauth's events as metrics for Amazon CloudWatch, in its
// embedded metric format: a line of JSON in the log of a Lambda function, of which
// CloudWatch makes metrics by itself. It makes no request, and needs no permission.
//
//	options.Observe = emf.New(emf.Options{}).Observe
//
// The format is specified at
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
package emf

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
)

// Options say where the metrics go.
type Options struct {
	// Namespace of the metrics. Default "customauth".
	Namespace string

	// Output gets one line for each event, in one Write. Default os.Stdout, which
	// Lambda takes for the log.
	Output io.Writer
}

// Metrics writes events. Its metrics are Count, by Trigger, by Outcome, by Reason, and by
// Trigger and Outcome; Milliseconds, by Trigger; and for messages that were handed to a
// sender Sent, by Trigger. So there can be an alarm for everything that is broken, and
// for one reason, whatever the trigger. Each value of a dimension is a metric that
// CloudWatch bills: some 30 in all. A line has the step, the medium and the app client,
// too, for queries of the log. It has no user name, no error text, and nothing else of the
// user.
type Metrics struct {
	namespace string
	mu        sync.Mutex
	output    io.Writer
}

// New returns Metrics.
func New(o Options) *Metrics {
	if o.Namespace == "" {
		o.Namespace = "customauth"
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	return &Metrics{namespace: o.Namespace, output: o.Output}
}

// none is the reason where there is nothing to explain: a dimension must have a value.
const none = "none"

type metric struct {
	Name string
	Unit string
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type line struct {
	AWS struct {
		Timestamp         int64 // milliseconds
		CloudWatchMetrics []directive
	} `json:"_aws"`
	Trigger      customauth.Trigger
	Outcome      customauth.Outcome
	Reason       customauth.Reason
	Count        int
	Milliseconds float64
	Sent         *int   `json:",omitempty"`
	Step         string `json:",omitempty"`
	Medium       string `json:",omitempty"`
	Client       string `json:",omitempty"`
}

// Observe writes a line, for Options.Observe. It is safe for concurrent use. What
// cannot be written is lost: a metric is no reason to fail a sign-in.
func (m *Metrics) Observe(_ context.Context, e customauth.Event) {
	l := line{
		Trigger: e.Trigger, Outcome: e.Outcome, Reason: e.Reason, Count: 1,
		Milliseconds: float64(e.Elapsed.Microseconds()) / 1000,
		Step:         e.Step, Medium: e.Medium, Client: e.ClientID,
	}
	if l.Reason == "" {
		l.Reason = none
	}
	count := metric{"Count", "Count"}
	metrics := []metric{count, {"Milliseconds", "Milliseconds"}}
	if e.Sent {
		one := 1
		l.Sent, metrics = &one, append(metrics, metric{"Sent", "Count"})
	}
	l.AWS.Timestamp = time.Now().UnixMilli()
	l.AWS.CloudWatchMetrics = []directive{
		{m.namespace, [][]string{{"Trigger"}}, metrics},
		{m.namespace, [][]string{{"Outcome"}, {"Reason"}, {"Trigger", "Outcome"}}, []metric{count}},
	}
	text, err := json.Marshal(l)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(m.output, "%s\n", text)
}
