package bounded_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth/internal/bounded"
)

// silent is an error whose text cannot be had of a nil pointer.
type silent struct{ text string }

func (s *silent) Error() string { return s.text }

func TestCall(t *testing.T) {
	failed := errors.New("failed")
	tests := []struct {
		name string
		f    func(context.Context) (int, error)
		want int
		err  string
	}{
		{"works", func(context.Context) (int, error) { return 7, nil }, 7, ""},
		{"fails", func(context.Context) (int, error) { return 7, failed }, 7, "failed"},
		{"listens", func(ctx context.Context) (int, error) { <-ctx.Done(); return 7, ctx.Err() }, 0, "context deadline exceeded"},
		{"does not listen", func(context.Context) (int, error) { time.Sleep(time.Hour); return 7, nil }, 0, "context deadline exceeded"},
		{"panics", func(context.Context) (int, error) { panic("123456") }, 0, "panic with a string"},
		{"panics with nil", func(context.Context) (int, error) { panic(nil) }, 0, "panic with a *runtime.PanicNilError"},
		{"returns an error without a text", func(context.Context) (int, error) { return 7, (*silent)(nil) }, 0, "panic with a runtime.errorString"},
		{"ends its goroutine", func(context.Context) (int, error) { runtime.Goexit(); return 7, nil }, 0, "a function ended its goroutine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				got, err := bounded.Call(ctx, tt.f)
				text := ""
				if err != nil {
					text = err.Error()
				}
				if text != tt.err || got != tt.want && text != "context deadline exceeded" || time.Since(began) > time.Second {
					t.Errorf("got %d, %q after %v, want %d, %q", got, text, time.Since(began), tt.want, tt.err)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

func TestCallAfterTheEnd(t *testing.T) {
	cause := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	err := bounded.Do(ctx, func(context.Context) error { t.Error("called"); return nil })
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestPanicKeepsItsStack(t *testing.T) {
	err := bounded.Do(t.Context(), func(context.Context) error { panic("a secret") })
	p, ok := errors.AsType[*bounded.Panic](err)
	if !ok || !strings.Contains(string(p.Stack), "bounded_test.go") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
