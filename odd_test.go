package customauth_test

// This file has steps, stores and senders that are odd, and not wrong: what strangers
// write. Whatever they do, the trigger answers in time, and nobody gets in by it.

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// odd is a step that does as it is told, and is like any other while it is probed.
type odd struct {
	issue func(r customauth.Request) (customauth.Issued, error)
	show  func() (map[string]string, error)
	check func(r customauth.Request, answer string) (customauth.Checked, error)
}

func (o odd) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	if o.issue == nil || r.Probe {
		return customauth.Issued{Unguessable: true}, nil
	}
	return o.issue(r)
}

func (o odd) Show(context.Context, customauth.Request) (map[string]string, error) {
	if o.show == nil {
		return nil, nil
	}
	return o.show()
}

func (o odd) Check(_ context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	if o.check == nil {
		return customauth.Checked{Right: answer == "right"}, nil
	}
	return o.check(r, answer)
}

// silent is an error whose text cannot be had of a nil pointer.
type silent struct{ text string }

func (s *silent) Error() string { return s.text }

// TestOddSteps: what becomes of a sign-in whose step does what nobody expects.
func TestOddSteps(t *testing.T) {
	issues := func(is customauth.Issued) odd {
		return odd{issue: func(customauth.Request) (customauth.Issued, error) { return is, nil }}
	}
	var nothing *silent
	bytes := strings.Repeat("\xff", 128)
	sent := 0
	tests := []struct {
		name   string
		step   odd
		start  string // outcomes; what is broken ends the trigger
		answer string
		reason customauth.Reason // of the last event of Create or Verify
		err    string            // part of Event.Err
	}{
		{"nothing odd", odd{}, "asked", "tokens", "", ""},
		{"a state of bytes that are no text", odd{
			issue: issues(customauth.Issued{State: bytes}).issue,
			check: func(r customauth.Request, _ string) (customauth.Checked, error) {
				return customauth.Checked{Right: r.State == bytes}, nil
			},
		}, "asked", "tokens", "", ""},
		{"a state that is too long", issues(customauth.Issued{State: bytes + "\xff"}), "error", "", customauth.ReasonStep, "its State has 129 bytes"},
		{"a nil pointer as the error of Issue", odd{issue: func(customauth.Request) (customauth.Issued, error) { return customauth.Issued{}, nothing }}, "error", "", customauth.ReasonStep, "issue: panic with a runtime.errorString"},
		{"the same of Show", odd{show: func() (map[string]string, error) { return nil, nothing }}, "error", "", customauth.ReasonStep, "show: panic with a runtime.errorString"},
		{"the same of Check", odd{check: func(customauth.Request, string) (customauth.Checked, error) { return customauth.Checked{}, nothing }}, "asked", "error", customauth.ReasonStep, "check: panic with a runtime.errorString"},
		{"the same as Why", odd{check: func(customauth.Request, string) (customauth.Checked, error) {
			return customauth.Checked{Why: nothing}, nil
		}}, "asked", "asked not_proved", customauth.ReasonNotProved, "whose text panics"},
		{"the same as Nobody", issues(customauth.Issued{Nobody: nothing, Unguessable: true}), "asked", "asked not_proved", customauth.ReasonNotProved, "whose text panics"},
		{"Issue hangs", odd{issue: func(customauth.Request) (customauth.Issued, error) {
			time.Sleep(time.Hour)
			return customauth.Issued{}, nil
		}}, "error", "", customauth.ReasonStep, "issue: context deadline exceeded"},
		{"Show hangs", odd{show: func() (map[string]string, error) { time.Sleep(time.Hour); return nil, nil }}, "error", "", customauth.ReasonStep, "show: context deadline exceeded"},
		{"Check hangs", odd{check: func(customauth.Request, string) (customauth.Checked, error) {
			time.Sleep(time.Hour)
			return customauth.Checked{Right: true}, nil
		}}, "asked", "error", customauth.ReasonStep, "check: context deadline exceeded"},
		{"Check ends its goroutine", odd{check: func(customauth.Request, string) (customauth.Checked, error) {
			runtime.Goexit()
			return customauth.Checked{Right: true}, nil
		}}, "asked", "error", customauth.ReasonStep, "a function ended its goroutine"},
		{"Show shows bytes that are no text", odd{show: func() (map[string]string, error) { return map[string]string{"x": "\xff"}, nil }}, "error", "", customauth.ReasonStep, "must be UTF-8"},
		{"the last step lets anyone pass, and hid it", issues(customauth.Issued{Anyone: true, Unguessable: true}), "error", "", customauth.ReasonStep, "it lets anyone pass"},
		{"a medium that was never named", issues(customauth.Issued{Answer: customauth.Hide("123456"), Message: customauth.Message{
			To: customauth.Destination{Medium: "FAX", Address: customauth.Hide("x")}, Text: customauth.Hide("123456"),
		}}), "asked delivery_failed", "asked delivery_failed", customauth.ReasonNoChallenge, `no sender for "FAX"`},
		{"another destination each time", odd{
			issue: func(customauth.Request) (customauth.Issued, error) {
				sent++
				return customauth.Issued{Answer: customauth.Hide("right1"), Message: customauth.Message{To: sms(fmt.Sprintf("+1206555010%d", sent)), Text: customauth.Hide("right1")}}, nil
			},
			check: func(r customauth.Request, _ string) (customauth.Checked, error) {
				return customauth.Checked{Right: r.Matches("right1", sms("+12065550109"))}, nil
			},
		}, "asked", "asked wrong_code", customauth.ReasonWrongCode, ""},
		{"a word of refusal that is none", issues(customauth.Issued{Refused: "No pet!"}), "error", "", customauth.ReasonStep, "its Refused must be a word"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: only(tt.step)})
				outcome := func(s *signIn) string { word, _, _ := strings.Cut(s.outcome(), ":"); return word }
				began := time.Now()
				s := r.start()
				got := []string{outcome(s)}
				if s.err == nil {
					began = time.Now()
					s.answer("right")
					got = append(got, outcome(s))
				}
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("it took %v", took)
				}
				if diff := cmp.Diff(strings.Fields(tt.start+" "+tt.answer), strings.Fields(strings.Join(got, " "))); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				var said []string
				reason := customauth.Reason("")
				for _, e := range r.events {
					if e.Trigger == customauth.VerifyTrigger || e.Trigger == customauth.CreateTrigger && s.private == nil {
						reason = e.Reason
					}
					if e.Err != nil {
						said = append(said, e.Err.Error())
					}
				}
				if reason != tt.reason || !strings.Contains(strings.Join(said, "\n"), tt.err) {
					t.Errorf("reason %q, want %q; errors %q, want %q", reason, tt.reason, said, tt.err)
				}
				if u := r.start(unknown); u.outcome() != r.start(unknown, named("another")).outcome() || u.tokens {
					t.Errorf("an unknown user: %s", u.outcome())
				}
				sleep(3 * time.Hour) // what hangs ends
			})
		})
	}
}

// TestOwnParameters: a step cannot replace what the handlers say, and may say all else.
func TestOwnParameters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"step", "attemptsRemaining", "expiresAt", "resendAfter", "errorCode", "retryAfter", "nonce", "codeLength", "way", ""}
		shows := odd{show: func() (map[string]string, error) {
			shown := map[string]string{}
			for _, name := range names {
				shown[name] = "mine"
			}
			return shown, nil
		}}
		for known, want := range map[bool][]string{false: {"", "codeLength", "nonce", "way"}, true: {"", "codeLength", "way"}} {
			o := customauth.Options{Steps: only(shows)}
			if known {
				o.Known = func(context.Context, customauth.Request) (bool, error) { return false, nil }
			}
			s := newRig(t, o).start()
			var mine []string
			for _, name := range slices.Sorted(maps.Keys(s.public)) {
				if s.public[name] == "mine" {
					mine = append(mine, name)
				}
			}
			if diff := cmp.Diff(want, mine); diff != "" {
				t.Errorf("Known set: %v, the step's own (-want +got):\n%s", known, diff)
			}
		}
	})
}

// slowStep takes its time for a code.
type slowStep struct {
	customauth.OTP
	takes time.Duration
}

func (s slowStep) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	if !r.Probe {
		time.Sleep(s.takes)
	}
	return s.OTP.Issue(ctx, r)
}

func (s slowStep) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	time.Sleep(s.takes)
	return s.OTP.Check(ctx, r, answer)
}

// TestSlowTogether: a step, a store, a guard and Observe that are each just in time do
// not together take longer than Cognito waits; and a message for which no time was left
// is none that may have been sent.
func TestSlowTogether(t *testing.T) {
	tests := []struct {
		step, store time.Duration
		outcome     string
		sent        bool
	}{
		{0, 0, "asked", true},
		{2 * time.Second, 500 * time.Millisecond, "asked", true},
		{3650 * time.Millisecond, 0, "asked", true},
		{3750 * time.Millisecond, 0, "asked delivery_failed", false},
		{3750 * time.Millisecond, 690 * time.Millisecond, "error", false},
	}
	for _, tt := range tests {
		for name, who := range map[string]func(*signIn){"known": func(*signIn) {}, "unknown": unknown} {
			t.Run(fmt.Sprintf("%v %v %s", tt.step, tt.store, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := &brokenStore{Store: customauth.NewMemoryStore()}
					slow := func(context.Context) error { time.Sleep(tt.store); return nil }
					store.fail.Store(&slow)
					var sent atomic.Bool // Observe is given up on, and goes on
					r := newRig(t, customauth.Options{
						Steps: only(slowStep{takes: tt.step}), Store: store, CounterKey: other,
						Observe: func(_ context.Context, e customauth.Event) {
							sent.CompareAndSwap(false, e.Sent)
							time.Sleep(time.Minute)
						},
					})
					began := time.Now()
					s := r.start(who) // Define and Create
					if took := time.Since(began) - 250*time.Millisecond; took >= 5*time.Second {
						t.Errorf("Create took %v", took)
					}
					outcome, _, _ := strings.Cut(s.outcome(), ":")
					if s.notFound && tt.sent {
						outcome = tt.outcome // what is drawn for nobody may take longer
					}
					if outcome != tt.outcome || !s.notFound && (sent.Load() != tt.sent || (r.inbox.count() > 0) != tt.sent) {
						t.Errorf("%s, sent %v (%d), want %s, %v", s.outcome(), sent.Load(), r.inbox.count(), tt.outcome, tt.sent)
					}
					if s.err == nil {
						began = time.Now()
						s.check("000000x", nil)
						if took := time.Since(began); took >= 5*time.Second {
							t.Errorf("Verify took %v", took)
						}
					}
					sleep(time.Hour)
				})
			})
		}
	}
}
