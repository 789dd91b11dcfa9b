package redact_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/internal/redact"
)

func TestText(t *testing.T) {
	tests := []struct {
		in      string
		secrets []string
		want    string
	}{
		{"the code KZ7Q is wrong", []string{"KZ7Q", ""}, "the code [redacted] is wrong"},
		{"+12065550100 opted out", nil, "[redacted] opted out"},
		{"for (206) 555-0100.", nil, "for ([redacted]."},
		{"someone@example.com, or some%40example.com", nil, "[redacted], or [redacted]"},
		{"HTTP 400 after 1.5s", nil, "HTTP 400 after 1.5s"},
		{"123456", nil, "[redacted]"},
		{"12345", nil, "12345"},
	}
	for _, tt := range tests {
		if got := redact.Text(tt.in, tt.secrets...); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestErr(t *testing.T) {
	if redact.Err(nil) != nil {
		t.Error("no error became one")
	}
	cause := errors.New("code 123456")
	err := redact.Err(fmt.Errorf("it failed: %w", cause), "failed")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, err); got != "it [redacted]: code [redacted]" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if !errors.Is(err, cause) || errors.Is(err, errors.New("x")) || errors.Unwrap(err) != nil {
		t.Error("it cannot be asked what it is, or gives away what it was")
	}
	if again := redact.Err(err, "it"); again != err {
		t.Errorf("redacted twice: %v", again)
	}
	if got := redact.New("clean", cause); got.Error() != "clean" || !errors.Is(got, cause) {
		t.Errorf("New: %v", got)
	}
}

// silent is an error whose text cannot be had of a nil pointer.
type silent struct{ text string }

func (s *silent) Error() string { return s.text }

// TestErrPanics: an error that cannot say what it is harms nobody.
func TestErrPanics(t *testing.T) {
	var err *silent
	if got, want := redact.Err(err).Error(), "an error of type *redact_test.silent, whose text panics with a runtime.errorString"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzText: a secret that was named is not there afterwards.
func FuzzText(f *testing.F) {
	f.Add("the code 12-34 of a", "12-34")
	f.Add("aaa", "aa")
	f.Fuzz(func(t *testing.T, s, secret string) {
		if secret == "" || strings.Contains(redact.Redacted, secret) {
			t.Skip()
		}
		got := redact.Text(s, secret)
		if strings.Contains(strings.ReplaceAll(got, redact.Redacted, "\x00"), secret) && !strings.Contains(secret, "\x00") {
			t.Errorf("%q is still in %q", secret, got)
		}
	})
}
