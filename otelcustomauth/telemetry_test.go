package otelcustomauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/otelcustomauth"
)

// In a function the providers have exporters that send: otlptracehttp to the collector
// of a layer, say.
func ExampleNew() {
	spans := tracetest.NewInMemoryExporter()
	traces := trace.NewTracerProvider(trace.WithBatcher(spans))
	metrics := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	telemetry, err := otelcustomauth.New(otelcustomauth.Options{
		TracerProvider: traces, MeterProvider: metrics,
		Flush: []func(context.Context) error{traces.ForceFlush, metrics.ForceFlush},
	})
	if err != nil {
		panic(err)
	}
	options := customauth.Options{Observe: telemetry.Observe}

	options.Observe(context.Background(), customauth.Event{
		Trigger: customauth.CreateTrigger, Step: "otp", Outcome: customauth.Asked, Medium: "SMS", Sent: true, Elapsed: 120 * time.Millisecond,
	})
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name, span.EndTime.Sub(span.StartTime))
		for _, a := range span.Attributes {
			fmt.Println(" ", a.Key, a.Value.String())
		}
	}
	// Output:
	// customauth create 120ms
	//   customauth.trigger create
	//   customauth.outcome asked
	//   customauth.step otp
	//   customauth.medium SMS
	//   customauth.sent true
}

// world is everything that was reported.
type world struct {
	spans   *tracetest.InMemoryExporter
	reader  *metric.ManualReader
	traces  *trace.TracerProvider
	options otelcustomauth.Options
	log     bytes.Buffer
}

func newWorld() *world {
	w := &world{spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	w.traces = trace.NewTracerProvider(trace.WithBatcher(w.spans))
	w.options = otelcustomauth.Options{
		TracerProvider: w.traces, MeterProvider: metric.NewMeterProvider(metric.WithReader(w.reader)),
		Flush: []func(context.Context) error{w.traces.ForceFlush}, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	return w
}

func (w *world) telemetry(t *testing.T) *otelcustomauth.Telemetry {
	t.Helper()
	telemetry, err := otelcustomauth.New(w.options)
	if err != nil {
		t.Fatal(err)
	}
	return telemetry
}

// metrics are the data points, as texts.
func (w *world) metrics(t *testing.T) []string {
	t.Helper()
	var got metricdata.ResourceMetrics
	if err := w.reader.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, scope := range got.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					list = append(list, fmt.Sprintf("%s %s: %d, %.3f %s", m.Name, words(p.Attributes), p.Count, p.Sum, m.Unit))
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					list = append(list, fmt.Sprintf("%s %s: %d %s, monotonic %v", m.Name, words(p.Attributes), p.Value, m.Unit, data.IsMonotonic))
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

func words(set attribute.Set) string {
	return set.Encoded(attribute.DefaultEncoder())
}

func TestEvents(t *testing.T) {
	w := newWorld()
	telemetry := w.telemetry(t)
	for range 2 {
		telemetry.Observe(t.Context(), customauth.Event{
			Trigger: customauth.CreateTrigger, Step: "otp", Outcome: customauth.Asked, Medium: "SMS", Sent: true, Elapsed: 125 * time.Millisecond,
		})
	}
	telemetry.Observe(t.Context(), customauth.Event{
		Trigger: customauth.VerifyTrigger, Step: "otp", Outcome: customauth.Refused, Reason: customauth.ReasonWrongCode,
	})
	telemetry.Observe(t.Context(), customauth.Event{
		Trigger: customauth.DefineTrigger, Outcome: customauth.Broken, Reason: customauth.ReasonPolicy, Elapsed: time.Second,
	})
	want := []string{
		"customauth.messages customauth.medium=SMS,customauth.step=otp: 2 {message}, monotonic true",
		"customauth.trigger.duration customauth.outcome=asked,customauth.step=otp,customauth.medium=SMS,customauth.trigger=create: 2, 0.250 s",
		"customauth.trigger.duration customauth.outcome=broken,customauth.reason=policy,customauth.trigger=define,error.type=policy: 1, 1.000 s",
		"customauth.trigger.duration customauth.outcome=refused,customauth.reason=wrong_code,customauth.step=otp,customauth.trigger=verify: 1, 0.000 s",
	}
	sorted := func(list []string) []string { // the words of each line, too
		for i, line := range list {
			name, rest, _ := strings.Cut(line, " ")
			set, value, _ := strings.Cut(rest, ": ")
			parts := strings.Split(set, ",")
			slices.Sort(parts)
			list[i] = name + " " + strings.Join(parts, ",") + ": " + value
		}
		slices.Sort(list)
		return list
	}
	if diff := cmp.Diff(sorted(want), sorted(w.metrics(t))); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	var statuses []trace.Status
	for _, span := range w.spans.GetSpans() {
		statuses = append(statuses, span.Status)
	}
	if diff := cmp.Diff([]trace.Status{{}, {}, {}, {Code: codes.Error, Description: "policy"}}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// What is not of the conventions has the library's name in front.
func TestNames(t *testing.T) {
	w := newWorld()
	w.telemetry(t).Observe(t.Context(), customauth.Event{
		Trigger: customauth.CreateTrigger, Outcome: customauth.Broken, Step: "otp", Medium: "SMS", PoolID: "pool", ClientID: "client",
	})
	var got []string
	for _, a := range w.spans.GetSpans()[0].Attributes {
		got = append(got, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(got)
	want := []string{
		"customauth.client.id=client", "customauth.medium=SMS", "customauth.outcome=broken", "customauth.pool.id=pool", "customauth.sent=false",
		"customauth.step=otp", "customauth.trigger=create", "error.type=_OTHER",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes of a span (-want +got):\n%s", diff)
	}
}

// The span of a trigger belongs to that of the invocation.
func TestParent(t *testing.T) {
	w := newWorld()
	ctx, parent := w.traces.Tracer("function").Start(t.Context(), "invocation")
	w.telemetry(t).Observe(ctx, customauth.Event{Trigger: customauth.VerifyTrigger, Outcome: customauth.Passed, Elapsed: time.Second})
	spans := w.spans.GetSpans()
	if len(spans) != 1 || spans[0].Parent.SpanID() != parent.SpanContext().SpanID() {
		t.Errorf("%d spans, want 1 whose parent is the invocation", len(spans))
	}
}

// TestSignIn signs in under the handlers. All is sent when a trigger has answered, and
// nothing of it is personal.
func TestSignIn(t *testing.T) {
	const phone, user = "+12065550100", "somebody"
	w, inbox := newWorld(), new(cognitotest.Inbox)
	h, err := customauth.NewHandler(customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide("a key that seals the sign-ins of a test")},
		CounterKey: customauth.Hide("a key that names the counters of a test"),
		Store:      customauth.NewMemoryStore(),
		Senders:    map[string]customauth.Sender{"SMS": inbox},
		Observe:    w.telemetry(t).Observe,
		Logger:     slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.AddUser(user, map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	signIn, err := pool.SignIn(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.spans.GetSpans()); n != 2 {
		t.Errorf("%d spans were sent when Define and Create had answered, want 2", n)
	}
	code := inbox.Code(phone)
	if err := signIn.Answer(t.Context(), code, nil); err != nil || !signIn.Done() {
		t.Fatalf("no tokens: %v", err)
	}
	var names []string
	for _, span := range w.spans.GetSpans() {
		names = append(names, span.Name)
	}
	if diff := cmp.Diff([]string{"customauth define", "customauth create", "customauth verify", "customauth define"}, names); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	all, err := json.Marshal(w.spans.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	all = fmt.Append(all, w.metrics(t))
	for _, personal := range []string{phone, phone[1:], user, code, pool.Attributes(user)["sub"]} {
		if bytes.Contains(all, []byte(personal)) {
			t.Errorf("the telemetry has something of the user")
		}
	}
}

// The text of an error is not reported, whatever is in it.
func TestErrorsStayInTheLog(t *testing.T) {
	w := newWorld()
	w.telemetry(t).Observe(t.Context(), customauth.Event{
		Trigger: customauth.CreateTrigger, Outcome: customauth.Broken, Reason: customauth.ReasonStore,
		Err: errors.New("of somebody"), UserName: customauth.Hide("somebody"),
	})
	all, err := json.Marshal(w.spans.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	if all = fmt.Append(all, w.metrics(t)); bytes.Contains(all, []byte("somebody")) {
		t.Errorf("the telemetry has the text of an error: %s", all)
	}
}

// A trigger waits for a flush, and no longer than it may.
func TestFlush(t *testing.T) {
	for name, test := range map[string]struct {
		timeout time.Duration
		flush   func(context.Context) error
		takes   time.Duration
		log     string
	}{
		"at once":           {0, func(context.Context) error { return nil }, 0, ""},
		"takes a while":     {0, func(context.Context) error { time.Sleep(100 * time.Millisecond); return nil }, 100 * time.Millisecond, ""},
		"fails":             {0, func(context.Context) error { return errors.New("no collector") }, 0, "no collector"},
		"panics":            {0, func(context.Context) error { panic("secret") }, 0, "panicked"},
		"hangs":             {0, func(context.Context) error { time.Sleep(time.Hour); return nil }, 150 * time.Millisecond, "not sent in time"},
		"hangs, for less":   {20 * time.Millisecond, func(context.Context) error { time.Sleep(time.Hour); return nil }, 20 * time.Millisecond, "not sent in time"},
		"ends with its ctx": {0, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 150 * time.Millisecond, "was not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				telemetry, err := otelcustomauth.New(otelcustomauth.Options{
					FlushTimeout: test.timeout, Logger: slog.New(slog.NewTextHandler(&log, nil)),
					Flush: []func(context.Context) error{func(context.Context) error { return nil }, test.flush},
				})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				telemetry.Observe(t.Context(), customauth.Event{Trigger: customauth.DefineTrigger, Outcome: customauth.Asked})
				if took := time.Since(began); took != test.takes {
					t.Errorf("it took %v, want %v", took, test.takes)
				}
				if !strings.Contains(log.String(), test.log) || test.log == "" && log.Len() > 0 || strings.Contains(log.String(), "secret") {
					t.Errorf("log %q, want something about %q", &log, test.log)
				}
				time.Sleep(2 * time.Hour) // what hangs ends
			})
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		options otelcustomauth.Options
		want    string
	}{
		"a long flush":     {otelcustomauth.Options{FlushTimeout: 201 * time.Millisecond}, "FlushTimeout is 201ms"},
		"a negative flush": {otelcustomauth.Options{FlushTimeout: -1}, "FlushTimeout"},
		"a nil flush":      {otelcustomauth.Options{Flush: []func(context.Context) error{nil}}, "Flush[0] is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := otelcustomauth.New(test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want something about %q", err, test.want)
			}
		})
	}
}
