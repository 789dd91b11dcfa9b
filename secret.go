package customauth

// This file has the value that everything secret or personal travels in.

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a text that cannot be printed by accident: a code, a key, an
// address, what a user typed. fmt, log/slog and encoding/json show "[redacted]",
// also where it is an unexported field of somebody's struct. [Secret.Reveal] is
// the only way to what it holds, so a search for that word finds every place
// where something secret gets out. The zero value holds "".
type Secret struct {
	text *string // a pointer, so that not even reflection prints it
}

// Hide returns text as a Secret.
func Hide(text string) Secret { return Secret{&text} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Equal reports whether two secrets hold the same text, in a time that depends on
// its length alone.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

const redacted = "[redacted]"

// Format redacts for fmt, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue redacts for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts for encoding/json.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// secrets hides the values of a map, with one allocation for all of them.
func secrets(m map[string]string) map[string]Secret {
	if len(m) == 0 {
		return nil
	}
	texts := make([]string, 0, len(m))
	hidden := make(map[string]Secret, len(m))
	for name, text := range m {
		texts = append(texts, text)
		hidden[name] = Secret{&texts[len(texts)-1]}
	}
	return hidden
}
