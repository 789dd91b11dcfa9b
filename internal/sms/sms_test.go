package sms_test

import (
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/internal/sms"
)

func TestParts(t *testing.T) {
	tests := []struct {
		name, text string
		want       int
	}{
		{"empty", "", 1},
		{"one GSM part", strings.Repeat("x", 160), 1},
		{"two GSM parts", strings.Repeat("x", 161), 2},
		{"full two GSM parts", strings.Repeat("x", 306), 2},
		{"three GSM parts", strings.Repeat("x", 307), 3},
		{"accents of GSM", strings.Repeat("é", 160), 1},
		{"extension takes two", strings.Repeat("€", 81), 2},
		{"one UCS-2 part", strings.Repeat("ж", 70), 1},
		{"two UCS-2 parts", strings.Repeat("ж", 71), 2},
		{"full two UCS-2 parts", strings.Repeat("ж", 134), 2},
		{"surrogates take two", strings.Repeat("😀", 36), 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sms.Parts(tt.text); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
