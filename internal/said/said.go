// Package said is for tests that look for codes in what a program has printed.
package said

import "regexp"

// numbers matches what a line of log/slog or of a metric has in it that a code of six
// digits may be a part of by chance: a time has nine digits after the point.
var numbers = regexp.MustCompile(`"(time|elapsed|client|sub|Client|Timestamp|Milliseconds)":("[^"]*"|[0-9.]+)|\b(time|elapsed|client|sub)=\S+`)

// Without returns a log without its times, durations and ids.
func Without(log string) string { return numbers.ReplaceAllString(log, "") }
