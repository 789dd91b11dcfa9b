package text_test

import (
	"testing"

	"github.com/cyber-eternal/customauth/internal/text"
)

// TestDigits: all ten digits of scripts at both ends of Unicode's tables.
func TestDigits(t *testing.T) {
	zeros := []rune{'0', 0x660, 0x6F0, 0x966, 0x0E50, 0xA9F0, 0xABF0, 0xFF10, 0x104A0, 0x11066, 0x1D7CE, 0x1D7D8, 0x1D7F6, 0x1E950, 0x1FBF0}
	for _, zero := range zeros {
		for i := range rune(10) {
			if got, want := text.Normalize(string(zero+i)), string('0'+i); got != want {
				t.Errorf("%U is %q, want %q", zero+i, got, want)
			}
		}
	}
}

// TestFullWidth: the forms of ASCII alone are narrowed.
func TestFullWidth(t *testing.T) {
	for in, want := range map[string]string{
		"\uFF00": "\uFF00", "\uFF01": "!", "\uFF5E": "~", "\uFF5F": "\uFF5F", "\uFF41": "A", "\u2212": "", "\u2211": "\u2211",
	} {
		if got := text.Normalize(in); got != want {
			t.Errorf("%+q is %q, want %q", in, got, want)
		}
	}
}

// TestOnlyBounds: from least to most, both included.
func TestOnlyBounds(t *testing.T) {
	for s, want := range map[string]bool{"1": false, "12": true, "123": true, "1234": false, "1x3": false, "x23": false, "12x": false} {
		if got := text.Only(s, 2, 3, text.Decimal); got != want {
			t.Errorf("Only(%q) is %t, want %t", s, got, want)
		}
	}
}
