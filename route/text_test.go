package route_test

import (
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/route"
)

// TestWhoFailed: the error says what came of each sender, by its place.
func TestWhoFailed(t *testing.T) {
	var asked []string
	by := func(name string) customauth.Sender {
		return &sender{name: name, asked: &asked, err: customauth.ErrThrottled}
	}
	err := route.Failover{by("a"), by("b"), by("c")}.Send(t.Context(), to("+12065550100"))
	want := "sender 1: customauth: sending is throttled; sender 2: customauth: sending is throttled; sender 3: customauth: sending is throttled"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
