package said_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/internal/said"
)

func TestWithout(t *testing.T) {
	for in, want := range map[string]string{
		`{"time":"2026-12-01T12:49:19.123456789Z","level":"INFO","msg":"it took 123456 ns","elapsed":123456,"client":"1example23456789","sub":"1-123456","code":"123456"}`: `{,"level":"INFO","msg":"it took 123456 ns",,,,"code":"123456"}`,
		"time=2026-12-01T12:49:19.123Z level=INFO elapsed=1.123456ms client=123456x sub=123456x code=123456\n":                                                             " level=INFO    code=123456\n",
		`{"_aws":{"Timestamp":1764593359123},"Milliseconds":1.123456,"Client":"123456","Code":123456}`:                                                                     `{"_aws":{},,,"Code":123456}`,
		"2026/12/01 12:49:19 INFO downtime=123456": "2026/12/01 12:49:19 INFO downtime=123456",
	} {
		if diff := cmp.Diff(want, said.Without(in)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
