// Package otelcustomauth reports customauth's events to OpenTelemetry: a span and two
// metrics for each call of a trigger, sent before the trigger answers.
//
//	telemetry, err := otelcustomauth.New(otelcustomauth.Options{
//		TracerProvider: traces, MeterProvider: metrics,
//		Flush: []func(context.Context) error{traces.ForceFlush, metrics.ForceFlush},
//	})
//	...
//	options.Observe = telemetry.Observe
//
// Nothing that it reports is personal: no user name, no address, no code, and no text of
// an error. Whatever the telemetry does, the sign-in goes on.
package otelcustomauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/cyber-eternal/customauth"
)

// Options say where the telemetry goes. The zero value goes to the global providers
// and flushes nothing.
type Options struct {
	// TracerProvider makes the spans. Default otel.GetTracerProvider().
	TracerProvider trace.TracerProvider

	// MeterProvider makes the metrics. Default otel.GetMeterProvider().
	MeterProvider metric.MeterProvider

	// Flush sends what was recorded: as a rule the methods ForceFlush of the two
	// providers. On Lambda a function is frozen as soon as it has answered, and what
	// is not sent by then may be sent much later or never. They are called side by
	// side at the end of each event, and held to FlushTimeout. Default none, for an
	// exporter that needs no flush.
	Flush []func(context.Context) error

	// FlushTimeout is how long an event may wait for Flush. Default 150 ms, at most
	// 200: customauth waits for Observe 250 ms in all. With a collector beside the
	// function, such as the layer of ADOT, a flush takes a few milliseconds.
	FlushTimeout time.Duration

	// Logger is told of a flush that failed, as a warning. Default slog.Default().
	Logger *slog.Logger
}

const (
	defaultFlushTimeout = 150 * time.Millisecond
	maxFlushTimeout     = 200 * time.Millisecond
)

// Name is the instrumentation scope of spans and metrics.
const Name = "github.com/cyber-eternal/customauth/otelcustomauth"

// The attributes of spans and metrics. They follow OpenTelemetry's rules for names
// (https://opentelemetry.io/docs/specs/semconv/general/naming/): those that are this
// library's own have its name in front, and no namespace of the conventions. Of the general conventions
// error.type is used, for what is broken
// (https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/).
const (
	TriggerKey  = attribute.Key("customauth.trigger")
	StepKey     = attribute.Key("customauth.step")
	OutcomeKey  = attribute.Key("customauth.outcome")
	ReasonKey   = attribute.Key("customauth.reason")
	MediumKey   = attribute.Key("customauth.medium")
	SentKey     = attribute.Key("customauth.sent")      // spans alone
	PoolKey     = attribute.Key("customauth.pool.id")   // spans alone
	ClientKey   = attribute.Key("customauth.client.id") // spans alone
	errorType   = attribute.Key("error.type")
	durationKey = "customauth.trigger.duration"
	messagesKey = "customauth.messages"
)

// buckets are those that the conventions advise for the durations of HTTP servers, in
// seconds, as far as Cognito waits.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5}

// Telemetry reports events. It is safe for concurrent use.
type Telemetry struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	messages metric.Int64Counter
	flush    []func(context.Context) error
	timeout  time.Duration
	logger   *slog.Logger
}

// New makes the instruments.
func New(o Options) (*Telemetry, error) {
	if o.FlushTimeout < 0 || o.FlushTimeout > maxFlushTimeout {
		return nil, fmt.Errorf("otelcustomauth: Options.FlushTimeout is %v, and must be from 0 to %v: customauth waits for Observe no longer than 250ms", o.FlushTimeout, maxFlushTimeout)
	}
	for i, flush := range o.Flush {
		if flush == nil {
			return nil, fmt.Errorf("otelcustomauth: Options.Flush[%d] is nil: leave it out", i)
		}
	}
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	meter := o.MeterProvider.Meter(Name)
	duration, err := meter.Float64Histogram(durationKey, metric.WithUnit("s"),
		metric.WithDescription("How long a call of a trigger took."), metric.WithExplicitBucketBoundaries(buckets...))
	messages, err2 := meter.Int64Counter(messagesKey, metric.WithUnit("{message}"),
		metric.WithDescription("Messages that were handed to a sender."))
	if err = errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("otelcustomauth: %w", err)
	}
	return &Telemetry{
		tracer: o.TracerProvider.Tracer(Name), duration: duration, messages: messages,
		flush: o.Flush, timeout: cmp.Or(o.FlushTimeout, defaultFlushTimeout), logger: cmp.Or(o.Logger, slog.Default()),
	}, nil
}

// Observe reports an event, for Options.Observe of customauth, and flushes. The span
// covers the call of the trigger that has just ended; it is a child of the span in ctx,
// if there is one: of the whole invocation, say, by otellambda.
func (t *Telemetry) Observe(ctx context.Context, e customauth.Event) {
	attributes := describe(e)
	t.span(ctx, e, attributes)
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	t.duration.Record(ctx, e.Elapsed.Seconds(), set)
	if e.Sent {
		t.messages.Add(ctx, 1, metric.WithAttributeSet(attribute.NewSet(present(StepKey.String(e.Step), MediumKey.String(e.Medium))...)))
	}
	t.send(ctx)
}

// describe is what spans and metrics have in common: words of fixed lists, and the names
// of steps.
func describe(e customauth.Event) []attribute.KeyValue {
	list := present(
		TriggerKey.String(string(e.Trigger)), OutcomeKey.String(string(e.Outcome)), ReasonKey.String(string(e.Reason)),
		StepKey.String(e.Step), MediumKey.String(e.Medium),
	)
	if e.Outcome == customauth.Broken {
		list = append(list, errorType.String(cmp.Or(string(e.Reason), "_OTHER")))
	}
	return list
}

// present leaves out what has no value.
func present(list ...attribute.KeyValue) []attribute.KeyValue {
	return slices.DeleteFunc(list, func(kv attribute.KeyValue) bool { return kv.Value.AsString() == "" })
}

func (t *Telemetry) span(ctx context.Context, e customauth.Event, attributes []attribute.KeyValue) {
	ended := time.Now()
	_, span := t.tracer.Start(ctx, "customauth "+string(e.Trigger), trace.WithTimestamp(ended.Add(-e.Elapsed)), trace.WithAttributes(attributes...))
	span.SetAttributes(present(PoolKey.String(e.PoolID), ClientKey.String(e.ClientID))...)
	if e.Trigger == customauth.CreateTrigger {
		span.SetAttributes(SentKey.Bool(e.Sent))
	}
	if e.Outcome == customauth.Broken {
		span.SetStatus(codes.Error, string(e.Reason))
	}
	span.End(trace.WithTimestamp(ended))
}

// send flushes, as long as there is time.
func (t *Telemetry) send(ctx context.Context) {
	if len(t.flush) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- t.flushAll(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			t.logger.WarnContext(ctx, "otelcustomauth: telemetry was not sent", "error", err)
		}
	case <-ctx.Done():
		t.logger.WarnContext(ctx, "otelcustomauth: telemetry was not sent in time", "timeout", t.timeout)
	}
}

func (t *Telemetry) flushAll(ctx context.Context) error {
	errs := make([]error, len(t.flush))
	var wg sync.WaitGroup
	for i, flush := range t.flush {
		wg.Go(func() {
			defer func() {
				if recover() != nil {
					errs[i] = fmt.Errorf("otelcustomauth: Flush[%d] panicked", i)
				}
			}()
			errs[i] = flush(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
