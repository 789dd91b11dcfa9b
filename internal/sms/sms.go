// Package sms counts how many SMS parts a text is billed as.
package sms

import (
	"strings"
	"unicode/utf16"
)

// The GSM 7-bit default alphabet and its extension table, 3GPP TS 23.038 6.2.1.
const (
	basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "\f^{}\\[~]|€"
)

// Parts is the number of SMS parts of a text: one part holds 160 septets or 70
// UTF-16 units, each of several parts 153 or 67, because a header takes six
// bytes (3GPP TS 23.040 9.2.3.24.1).
func Parts(text string) int {
	n, gsm := 0, true
	for _, r := range text {
		switch {
		case strings.ContainsRune(basic, r):
			n++
		case strings.ContainsRune(extended, r):
			n += 2
		default:
			gsm = false
		}
	}
	if gsm {
		return parts(n, 160, 153)
	}
	return parts(len(utf16.Encode([]rune(text))), 70, 67)
}

func parts(n, one, each int) int {
	if n <= one {
		return 1
	}
	return (n + each - 1) / each
}
