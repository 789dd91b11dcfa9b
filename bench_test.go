package customauth_test

// This file measures what a trigger costs in this process, beside what
// aws-lambda-go's own decoding and encoding of the same event costs. Run it with
//
//	go test -run '^$' -bench Triggers .
//
// docs/benchmarks.md says what came out, and e2e/bench writes it.

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
)

// BenchmarkTriggers measures four ways of handling the same event:
//
//	raw      NewHandler, JSON in and out
//	typed    the handler of NewDefine, NewCreate or NewVerify, without any JSON
//	started  the same as lambda.Start runs it, JSON in and out
//	lambda   a typed function that does nothing, as lambda.Start runs it: the yardstick
//
// The four take turns, a few calls at a time, and the figure of each is the median
// of its turns in nanoseconds per call. So other work on the machine meets all
// four alike, and the ratios hold where the times do not.
func BenchmarkTriggers(b *testing.B) {
	var sent string
	limited := customauth.Options{
		Keys:  []customauth.Secret{key},
		Steps: only(customauth.OTP{TTL: 10 * time.Minute}),
		Senders: map[string]customauth.Sender{"SMS": customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
			sent = m.Code.Reveal()
			return nil
		})},
		Logger: slog.New(slog.DiscardHandler),
	}
	unlimited := limited
	unlimited.InsecureNoLimits = true // so that more than one text is sent

	sealed := recordOf(b, limited)
	code := sent
	define := started(customauth.NewDefine)
	create := started(customauth.NewCreate)
	verify := started(customauth.NewVerify)
	wrong := document{"session": []document{{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": false, "challengeMetadata": sealed}}}
	answer := document{"privateChallengeParameters": document{"customauth": sealed}, "challengeAnswer": code}

	benchmark(b, "define first", limited, define, benchEvent(b, "define-first.json", nil), `"challengeName":"CUSTOM_CHALLENGE"`)
	benchmark(b, "define after a wrong answer", limited, define, benchEvent(b, "define-first.json", wrong), `"challengeName":"CUSTOM_CHALLENGE","issueTokens":false`)
	benchmark(b, "create and send", unlimited, create, benchEvent(b, "create-first.json", nil), `"attemptsRemaining":"3"`)
	benchmark(b, "create after a wrong answer", limited, create, benchEvent(b, "create-first.json", wrong), `"errorCode":"wrong_code"`)
	benchmark(b, "verify", limited, verify, benchEvent(b, "verify.json", answer), `"answerCorrect":true`)
}

// A trigger builds what is measured of one trigger: the typed handler on a decoded
// event, the same as lambda.Start runs it, and a function that does nothing.
type trigger func(b *testing.B, o customauth.Options, payload []byte) (typed func() error, whole, nothing lambda.Handler)

// started is the trigger that a constructor makes.
func started[E any](build func(customauth.Options) (customauth.Handler[E], error)) trigger {
	return func(b *testing.B, o customauth.Options, payload []byte) (func() error, lambda.Handler, lambda.Handler) {
		h, err := build(o)
		if err != nil {
			b.Fatal(err)
		}
		var e E
		if err := json.Unmarshal(payload, &e); err != nil {
			b.Fatal(err)
		}
		typed := func() error { _, err := h(context.Background(), e); return err }
		nothing := func(_ context.Context, e E) (E, error) { return e, nil }
		return typed, lambda.NewHandler(h), lambda.NewHandler(nothing)
	}
}

// benchmark measures one trigger on one event, after it made sure that the answer
// is the one that is meant.
func benchmark(b *testing.B, name string, o customauth.Options, build trigger, payload []byte, want string) {
	raw, err := customauth.NewHandler(o, nil)
	if err != nil {
		b.Fatal(err)
	}
	if out, err := raw.Invoke(context.Background(), payload); err != nil || !bytes.Contains(out, []byte(want)) {
		b.Fatalf("%s: the answer is not as expected: %v", name, err)
	}
	typed, whole, nothing := build(b, o, payload)
	invoke := func(h lambda.Handler) func() error {
		return func() error { _, err := h.Invoke(context.Background(), payload); return err }
	}
	b.Run(name, func(b *testing.B) {
		takeTurns(b, []way{
			{"raw", invoke(raw)},
			{"typed", typed},
			{"started", invoke(whole)},
			{"lambda", invoke(nothing)},
		})
	})
}

// A way is one of the ways to handle an event.
type way struct {
	name string
	call func() error
}

// takeTurns measures the ways, and reports the first as a fraction of the last.
func takeTurns(b *testing.B, ways []way) {
	const calls = 8 // in one turn
	turns := make([][]float64, len(ways))
	for b.Loop() {
		for i, w := range ways {
			began := time.Now()
			for range calls {
				if err := w.call(); err != nil {
					b.Fatal(err)
				}
			}
			turns[i] = append(turns[i], float64(time.Since(began))/calls)
		}
	}
	b.ReportMetric(0, "ns/op") // of all four together, which means nothing
	for i, w := range ways {
		slices.Sort(turns[i])
		b.ReportMetric(turns[i][len(turns[i])/2], w.name+"-ns")
		b.ReportMetric(testing.AllocsPerRun(100, func() { w.call() }), w.name+"-allocs")
	}
	first, last := turns[0], turns[len(turns)-1]
	b.ReportMetric(first[len(first)/2]/last[len(last)/2], ways[0].name+"/"+ways[len(ways)-1].name)
}

// benchEvent reads an event, without white space, as the service sends it.
func benchEvent(b *testing.B, file string, request document) []byte {
	text, err := os.ReadFile(filepath.Join("testdata/events", file))
	if err != nil {
		b.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		b.Fatal(err)
	}
	for name, value := range request {
		d["request"].(document)[name] = value
	}
	payload, err := json.Marshal(d)
	if err != nil {
		b.Fatal(err)
	}
	return payload
}

// recordOf lets Create make a challenge and returns its record.
func recordOf(b *testing.B, o customauth.Options) string {
	h, err := customauth.NewHandler(o, nil)
	if err != nil {
		b.Fatal(err)
	}
	out, err := h.Invoke(context.Background(), benchEvent(b, "create-first.json", nil))
	if err != nil {
		b.Fatal(err)
	}
	var answer struct {
		Response struct {
			ChallengeMetadata string `json:"challengeMetadata"`
		} `json:"response"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		b.Fatal(err)
	}
	return answer.Response.ChallengeMetadata
}
