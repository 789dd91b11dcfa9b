package route_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/route"
)

// sender remembers that it was asked, takes its time and ends with err.
type sender struct {
	name  string
	asked *[]string
	takes time.Duration
	err   error
	warm  func(context.Context) error
}

func (s *sender) Send(ctx context.Context, _ customauth.Message) error {
	*s.asked = append(*s.asked, s.name)
	select {
	case <-time.After(s.takes):
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sender) Warm(ctx context.Context) error {
	if s.warm == nil {
		return nil
	}
	return s.warm(ctx)
}

func to(number string) customauth.Message {
	return customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide(number)}}
}

var sentinels = []error{customauth.ErrThrottled, customauth.ErrUnauthorized, customauth.ErrOptedOut, customauth.ErrInvalidDestination, customauth.ErrOptions}

// kinds are the sentinels that an error wraps: what the engine sees of it.
func kinds(err error) (list []string) {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			list = append(list, strings.TrimPrefix(s.Error(), "customauth: "))
		}
	}
	return list
}

const budget = 2500 * time.Millisecond

func TestFailover(t *testing.T) {
	throttled := fmt.Errorf("a: %w", customauth.ErrThrottled)
	doubt := errors.New("status 500")
	tests := []struct {
		name          string
		first, second sender
		asked         []string
		fails         bool
		kinds         []string
		took          time.Duration
	}{
		{"the first sends", sender{}, sender{}, []string{"first"}, false, nil, 0},
		{"throttled", sender{err: throttled}, sender{}, []string{"first", "second"}, false, nil, 0},
		{"not authorized", sender{err: customauth.ErrUnauthorized}, sender{}, []string{"first", "second"}, false, nil, 0},
		{"a number that the first cannot send to", sender{err: customauth.ErrInvalidDestination}, sender{}, []string{"first", "second"}, false, nil, 0},
		{"opted out", sender{err: customauth.ErrOptedOut}, sender{}, []string{"first"}, true, []string{"the destination opted out of messages"}, 0},
		{"in doubt", sender{err: doubt}, sender{}, []string{"first"}, true, nil, 0},
		{"hangs", sender{takes: time.Hour}, sender{}, []string{"first"}, true, nil, budget},
		{"throttled, then in doubt", sender{err: throttled}, sender{err: doubt}, []string{"first", "second"}, true, nil, 0},
		{"throttled, then hangs", sender{err: throttled, takes: time.Second}, sender{takes: time.Hour}, []string{"first", "second"}, true, nil, budget},
		{"throttled too late", sender{err: throttled, takes: 2100 * time.Millisecond}, sender{}, []string{"first"}, true, []string{"sending is throttled"}, 2100 * time.Millisecond},
		{"both throttled", sender{err: throttled}, sender{err: throttled}, []string{"first", "second"}, true, []string{"sending is throttled"}, 0},
		{"throttled, then opted out", sender{err: throttled}, sender{err: customauth.ErrOptedOut}, []string{"first", "second"}, true, []string{"the destination opted out of messages"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				tt.first.name, tt.first.asked = "first", &asked
				tt.second.name, tt.second.asked = "second", &asked
				ctx, cancel := context.WithTimeout(t.Context(), budget)
				defer cancel()
				began := time.Now()
				err := route.Failover{&tt.first, &tt.second}.Send(ctx, to("+12065550100"))
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if diff := cmp.Diff(tt.asked, asked); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.kinds, kinds(err)); diff != "" || (err != nil) != tt.fails {
					t.Errorf("error %v (-want +got):\n%s", err, diff)
				}
				if err != nil && len(tt.asked) == 2 && !strings.Contains(err.Error(), "throttled") {
					t.Errorf("error %q does not say what the first sender said", err)
				}
			})
		})
	}
}

func TestPrefixes(t *testing.T) {
	tests := []struct {
		number string
		asked  []string
		kinds  []string
	}{
		{"+12065550100", []string{"north america"}, nil},
		{"+18765550100", []string{"jamaica"}, nil},
		{"+447700900123", []string{"uk"}, nil},
		{"+4915112345678", []string{"otherwise"}, nil},
		{"+4", []string{"otherwise"}, nil},
		{"", []string{"otherwise"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.number, func(t *testing.T) {
			var asked []string
			by := func(name string) customauth.Sender { return &sender{name: name, asked: &asked} }
			p := route.Prefixes{
				Senders:   map[string]customauth.Sender{"+1": by("north america"), "+1876": by("jamaica"), "+44": by("uk")},
				Otherwise: by("otherwise"),
			}
			if err := p.Send(t.Context(), to(tt.number)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.asked, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			p.Otherwise = nil
			err := p.Send(t.Context(), to(tt.number))
			if want := tt.asked[0] == "otherwise"; errors.Is(err, customauth.ErrInvalidDestination) != want || (err != nil) != want {
				t.Errorf("without Otherwise: %v", err)
			}
			if err != nil && tt.number != "" && strings.Contains(err.Error(), tt.number) {
				t.Errorf("the number is in %q", err)
			}
		})
	}
}

func TestWarm(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	offline := func(context.Context) error { return errors.New("no connection") }
	wrong := func(context.Context) error { return fmt.Errorf("%w: From is empty", customauth.ErrOptions) }
	by := func(warm func(context.Context) error) customauth.Sender { return &sender{warm: warm} }
	tests := []struct {
		name   string
		sender customauth.Sender
		text   string // "" for no error
		kinds  []string
	}{
		{"all are warm", route.Failover{by(nothing), by(nothing)}, "", nil},
		{"one is offline", route.Failover{by(nothing), by(offline)}, "sender 2: no connection", nil},
		{"one has a wrong option and another hangs", route.Failover{by(hang), by(wrong)}, "From is empty", []string{"options"}},
		{"one hangs", route.Failover{by(hang), by(nothing)}, "deadline", nil},
		{"no senders", route.Failover{}, "no senders", []string{"options"}},
		{"nil list", route.Failover(nil), "no senders", []string{"options"}},
		{"a nil sender", route.Failover{by(nothing), nil}, "sender 2 is nil", []string{"options"}},
		{"a nil pointer", route.Failover{(*sender)(nil)}, "sender 1 is nil", []string{"options"}},
		{"a nil function", route.Failover{customauth.SenderFunc(nil)}, "sender 1 is nil", []string{"options"}},
		{"an empty list in a list", route.Failover{by(nothing), route.Failover{}}, "sender 2: customauth: options: route.Failover has no senders", []string{"options"}},
		{"prefixes are warm", route.Prefixes{Senders: map[string]customauth.Sender{"+1": by(nothing)}}, "", nil},
		{"a prefix is offline", route.Prefixes{Senders: map[string]customauth.Sender{"+1": by(offline)}}, "+1: no connection", nil},
		{"the rest is wrong", route.Prefixes{Senders: map[string]customauth.Sender{"+1": by(nothing)}, Otherwise: by(wrong)}, "From is empty", []string{"options"}},
		{"no prefixes", route.Prefixes{Otherwise: by(nothing)}, "no senders", []string{"options"}},
		{"a prefix without a plus", route.Prefixes{Senders: map[string]customauth.Sender{"44": by(nothing)}}, `"44" must be`, []string{"options"}},
		{"a country instead of a prefix", route.Prefixes{Senders: map[string]customauth.Sender{"GB": by(nothing)}}, `"GB" must be`, []string{"options"}},
		{"a prefix with 0", route.Prefixes{Senders: map[string]customauth.Sender{"+049": by(nothing)}}, `"+049" must be`, []string{"options"}},
		{"a plus alone", route.Prefixes{Senders: map[string]customauth.Sender{"+": by(nothing)}}, `"+" must be`, []string{"options"}},
		{"a nil sender for a prefix", route.Prefixes{Senders: map[string]customauth.Sender{"+1": nil}}, "+1 is nil", []string{"options"}},
		{"a nil pointer for the rest", route.Prefixes{Senders: map[string]customauth.Sender{"+1": by(nothing)}, Otherwise: (*sender)(nil)}, "Otherwise is a nil", []string{"options"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := tt.sender.Warm(ctx)
				if (err != nil) != (tt.text != "") || err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v, want %q", err, tt.text)
				}
				if diff := cmp.Diff(tt.kinds, kinds(err)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A route that nobody validated sends nothing, says so, and does not panic.
func TestSendWithoutSenders(t *testing.T) {
	for name, s := range map[string]customauth.Sender{
		"no senders":   route.Failover{},
		"a nil sender": route.Failover{nil},
		"no prefixes":  route.Prefixes{},
		"a nil prefix": route.Prefixes{Senders: map[string]customauth.Sender{"+1": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Send(t.Context(), to("+12065550100"))
			if !errors.Is(err, customauth.ErrUnauthorized) || !errors.Is(err, customauth.ErrOptions) {
				t.Errorf("error %v", err)
			}
		})
	}
}
