// Package text makes what people type comparable, and says what is fit to be
// compared, shown or sent.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Normalize makes what people type comparable: digits of any script become
// ASCII, full-width letters narrow, small letters capital; white space, dashes
// and invisible format characters go.
func Normalize(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFEE0 // full-width forms of ASCII
		}
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Pd, unicode.Cf), r == 0x2212: // minus sign
		case unicode.Is(unicode.Nd, r):
			out = append(out, byte('0'+digit(r)))
		default:
			out = utf8.AppendRune(out, unicode.ToUpper(r))
		}
	}
	return string(out)
}

// digit is the value of a decimal digit: Unicode keeps the ten digits of a
// script together and in order (the Unicode Standard, 4.6).
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}

// IsControl is true for control characters, except those that come along when a
// line is pasted.
func IsControl(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }

// Plain takes from a text what could change how the rest of a message looks:
// control characters, line breaks, and the marks that turn the direction of
// writing. What comes from a user's attribute goes through it.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
}

const (
	// Decimal and Letters are sets for Only.
	Decimal = "0123456789"
	Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Only reports whether s has from least to most bytes, all of them of a set.
func Only(s string, least, most int, set string) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, set) == ""
}
