package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth/internal/text"
)

func TestNormalize(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "123456", "123456"},
		{"spaces and dashes", " 12-3\u00a04–5—6\r\n", "123456"},
		{"minus sign", "123\u2212456", "123456"},
		{"full-width", "１２３ａｂ", "123AB"},
		{"the ends of full-width", "\uff01\uff5e\uff00\uff5f", "!~\uff00\uff5f"},
		{"Arabic-Indic and Devanagari", "١٢३४", "1234"},
		{"mathematical digits, each set", "𝟎𝟗𝟘𝟡𝟢𝟫𝟬𝟵𝟶𝟿", "0909090909"},
		{"Adlam, beyond the first plane", "𞥐𞥙", "09"},
		{"no digits", "²½Ⅷ", "²½Ⅷ"},
		{"letters", "aßçı", "Aß\u00c7I"},
		{"invisible", "\u200e1\u200b2\ufeff", "12"},
		{"nothing", " - ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := text.Normalize(tt.in)
			if !strings.EqualFold(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Jane Döe-O'Neil", "Jane Döe-O'Neil"},
		{"Jane\n@evil.example #123456", "Jane@evil.example #123456"},
		{"\u202eenaJ\u2066\u200f\u2028\u2029\x00\x1b[1m\ufffd", "enaJ[1m"},
	}
	for _, tt := range tests {
		if got := text.Plain(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestOnly(t *testing.T) {
	tests := []struct {
		s           string
		least, most int
		want        bool
	}{
		{"123", 3, 3, true}, {"12", 3, 3, false}, {"1234", 3, 3, false}, {"12a", 3, 3, false}, {"a12", 3, 3, false}, {"1a2", 3, 3, false}, {"", 0, 3, true},
	}
	for _, tt := range tests {
		if got := text.Only(tt.s, tt.least, tt.most, text.Decimal); got != tt.want {
			t.Errorf("%q, %d to %d: got %v", tt.s, tt.least, tt.most, got)
		}
	}
}

func TestIsControl(t *testing.T) {
	for r, want := range map[rune]bool{'a': false, '\t': false, '\n': false, '\r': false, 0: true, 0x1b: true, 0x7f: true, 0x85: true, ' ': false} {
		if got := text.IsControl(r); got != want {
			t.Errorf("%#x: got %v", r, got)
		}
	}
}

// FuzzNormalize: what is normal stays as it is, and digits of ASCII are never lost.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"123456", "１２３", "\xff", "İß", "a\u0300"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := text.Normalize(s)
		if utf8.ValidString(s) && text.Normalize(n) != n {
			t.Errorf("%q becomes %q becomes %q", s, n, text.Normalize(n))
		}
		for _, d := range text.Decimal {
			if strings.Count(n, string(d)) < strings.Count(s, string(d)) {
				t.Errorf("%q lost %c", s, d)
			}
		}
	})
}
