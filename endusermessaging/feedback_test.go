package endusermessaging_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	eum "github.com/cyber-eternal/customauth/endusermessaging"
)

var errRefused = errors.New("the guard refuses")

// guard refuses, and counts right answers.
type guard struct{ verified int }

func (g *guard) Allow(context.Context, customauth.Request, customauth.Destination) error {
	return errRefused
}
func (g *guard) Verified(context.Context, customauth.Request, customauth.Destination) { g.verified++ }

func received(t *testing.T, f *eum.Feedback, sends int, answer func(m customauth.Message)) (list []bool) {
	t.Helper()
	fake := start(t)
	s := &eum.SMS{Feedback: f}
	for range sends {
		if err := s.Send(t.Context(), message("SMS")); err != nil {
			t.Fatal(err)
		}
	}
	answer(message("SMS"))
	for _, m := range fake.Messages() {
		list = append(list, m.Received)
	}
	return list
}

func TestFeedback(t *testing.T) {
	f := &eum.Feedback{Report: func(_ context.Context, err error) { t.Errorf("reported: %v", err) }}
	tests := []struct {
		name   string
		sends  int
		answer func(m customauth.Message)
		want   []bool
	}{
		{"a right answer", 1, func(m customauth.Message) { f.Verified(t.Context(), m.Request, m.To) }, []bool{true}},
		{"after a resend", 2, func(m customauth.Message) { f.Verified(t.Context(), m.Request, m.To) }, []bool{false, true}},
		{"twice", 1, func(m customauth.Message) {
			f.Verified(t.Context(), m.Request, m.To)
			f.Verified(t.Context(), m.Request, m.To)
		}, []bool{true}},
		{"no answer", 1, func(customauth.Message) {}, []bool{false}},
		{"another sign-in", 1, func(m customauth.Message) {
			m.Request.SignIn = "sign-in-2"
			f.Verified(t.Context(), m.Request, m.To)
		}, []bool{false}},
		{"another medium", 1, func(m customauth.Message) {
			m.To.Medium = "EMAIL"
			f.Verified(t.Context(), m.Request, m.To)
		}, []bool{false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f = &eum.Feedback{Report: f.Report}
			if diff := cmp.Diff(tt.want, received(t, f, tt.sends, tt.answer)); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFeedbackAsksItsGuard(t *testing.T) {
	start(t)
	m, g := message("SMS"), new(guard)
	f := &eum.Feedback{Guard: g}
	if err := f.Allow(t.Context(), m.Request, m.To); !errors.Is(err, errRefused) {
		t.Errorf("error %v", err)
	}
	f.Verified(t.Context(), m.Request, m.To)
	if g.verified != 1 {
		t.Errorf("told of %d right answers, want 1", g.verified)
	}
	if err := new(eum.Feedback).Allow(t.Context(), m.Request, m.To); err != nil {
		t.Errorf("without a guard: %v", err)
	}
}

// broken is a memory that fails, or hangs until the context ends.
type broken struct{ hangs bool }

func (b broken) Put(ctx context.Context, _, _ string, _ time.Time) error {
	if b.hangs {
		<-ctx.Done()
	}
	return errors.New("broken")
}
func (b broken) Take(ctx context.Context, _ string) (string, error) {
	return "", b.Put(ctx, "", "", time.Time{})
}

// TestFeedbackFails: a memory that fails is reported, costs half a second at most each
// time, and changes nothing of what the user sees.
func TestFeedbackFails(t *testing.T) {
	for name, memory := range map[string]broken{"fails": {}, "hangs": {hangs: true}} {
		t.Run(name, func(t *testing.T) {
			var reports []string
			f := &eum.Feedback{Memory: memory, Report: func(_ context.Context, err error) { reports = append(reports, err.Error()) }}
			began := time.Now()
			got := received(t, f, 1, func(m customauth.Message) { f.Verified(t.Context(), m.Request, m.To) })
			if diff := cmp.Diff([]bool{false}, got); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
			if len(reports) != 2 || !strings.Contains(reports[0], "memory: broken") {
				t.Errorf("reports %q", reports)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// What AWS does not take is reported, without the number.
func TestFeedbackIsRefused(t *testing.T) {
	var reports []error
	f := &eum.Feedback{Report: func(_ context.Context, err error) { reports = append(reports, err) }}
	received(t, f, 1, func(m customauth.Message) {
		t.Setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", "http://127.0.0.1:1")
		f.Verified(t.Context(), m.Request, m.To)
	})
	if len(reports) != 1 || strings.Contains(reports[0].Error(), phone) {
		t.Errorf("reports %v", reports)
	}
}
