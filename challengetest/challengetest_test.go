package challengetest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/challengetest"
)

// newest is the code of the newest message.
func newest(_ *testing.T, s challengetest.Shown) string {
	return s.Messages[len(s.Messages)-1].Code.Reveal()
}

func step(c customauth.Challenge) func(*testing.T) customauth.Challenge {
	return func(*testing.T) customauth.Challenge { return c }
}

func TestOTP(t *testing.T) {
	challengetest.Run(t, challengetest.Config{New: step(customauth.OTP{}), Answer: newest})
}

func TestOTPByMail(t *testing.T) {
	challengetest.Run(t, challengetest.Config{New: step(customauth.OTP{Medium: "EMAIL", Generator: customauth.Alphanumeric(8)}), Answer: newest})
}

// TestExample: the step that the example shows passes the test that it shows.
func TestExample(t *testing.T) { testDesk(t) }

func TestAfterPassword(t *testing.T) {
	challengetest.Run(t, challengetest.Config{New: step(customauth.OTP{}), Answer: newest, AfterPassword: true})
}

// push is an approval on another device.
type push struct {
	mu       sync.Mutex
	approved map[string]bool
}

func (*push) to(r customauth.Request) customauth.Destination {
	device := fmt.Sprintf("%x", r.Decoy("device")) // as if it were enrolled
	return customauth.Destination{Medium: "PUSH", Address: customauth.Hide(device)}
}

func (p *push) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	id := rand.Text()
	return customauth.Issued{State: id, Message: customauth.Message{To: p.to(r), Text: customauth.Hide("Approve " + id)}, Unguessable: true}, nil
}

func (*push) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"hint": "approve on your phone"}, nil
}

func (p *push) Check(_ context.Context, r customauth.Request, _ string) (customauth.Checked, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return customauth.Checked{Right: p.approved[r.State], Proved: p.to(r)}, nil
}

func TestPush(t *testing.T) {
	challengetest.Run(t, pushing(func(p *push) customauth.Challenge { return p }))
}

// careless is a push that takes any approval for its own.
type careless struct{ *push }

func (c careless) Check(_ context.Context, r customauth.Request, _ string) (customauth.Checked, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return customauth.Checked{Right: len(c.approved) > 0}, nil
}

// pushing are the checks of a push.
func pushing(step func(*push) customauth.Challenge) challengetest.Config {
	var p *push
	return challengetest.Config{
		New:   func(*testing.T) customauth.Challenge { p = &push{approved: map[string]bool{}}; return step(p) },
		Media: []string{"PUSH"},
		Answer: func(_ *testing.T, s challengetest.Shown) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			_, id, _ := strings.Cut(s.Messages[len(s.Messages)-1].Text.Reveal(), "Approve ")
			p.approved[id] = true
			return "approved"
		},
	}
}

// captcha lets pass whoever has the token.
type captcha struct{}

func (captcha) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{MaxAnswer: 2048, Unguessable: true, Anyone: true}, nil
}

func (captcha) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"siteKey": "0x4"}, nil
}

func (captcha) Check(_ context.Context, _ customauth.Request, answer string) (customauth.Checked, error) {
	return customauth.Checked{Right: answer == "a token"}, nil
}

func TestCaptcha(t *testing.T) {
	challengetest.Run(t, challengetest.Config{
		New: step(captcha{}), Anyone: true,
		Answer: func(*testing.T, challengetest.Shown) string { return "a token" },
	})
}

// broken changes one thing of the built-in code.
type broken struct {
	customauth.OTP
	issue func(r customauth.Request, is customauth.Issued) (customauth.Issued, error)
	show  func(r customauth.Request, public map[string]string) (map[string]string, error)
	check func(ctx context.Context, r customauth.Request, answer string, c customauth.Checked) (customauth.Checked, error)
}

func (b broken) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	is, err := b.OTP.Issue(ctx, r)
	if b.issue == nil || err != nil {
		return is, err
	}
	return b.issue(r, is)
}

func (b broken) Show(ctx context.Context, r customauth.Request) (map[string]string, error) {
	public, err := b.OTP.Show(ctx, r)
	if b.show == nil || err != nil {
		return public, err
	}
	return b.show(r, public)
}

func (b broken) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	c, err := b.OTP.Check(ctx, r, answer)
	if b.check == nil || err != nil {
		return c, err
	}
	return b.check(ctx, r, answer, c)
}

// faults are steps with one fault each, and the check that must find it.
func faults() map[string]struct {
	step  customauth.Challenge
	found string
} {
	var mu sync.Mutex
	used, last := map[string]bool{}, ""
	type fault = struct {
		step  customauth.Challenge
		found string
	}
	return map[string]fault{
		"accepts nothing": {broken{check: func(context.Context, customauth.Request, string, customauth.Checked) (customauth.Checked, error) {
			return customauth.Checked{}, nil
		}}, "Passes"},
		"accepts anything": {broken{check: func(context.Context, customauth.Request, string, customauth.Checked) (customauth.Checked, error) {
			return customauth.Checked{Right: true}, nil
		}}, "Wrong"},
		"fails for an answer that is no code": {broken{check: func(_ context.Context, _ customauth.Request, a string, c customauth.Checked) (customauth.Checked, error) {
			if strings.ContainsAny(a, "{[") {
				return c, errors.New("cannot parse")
			}
			return c, nil
		}}, "Wrong"},
		"panics for a long answer": {broken{
			issue: func(_ customauth.Request, is customauth.Issued) (customauth.Issued, error) {
				is.MaxAnswer = 16 << 10
				return is, nil
			},
			check: func(_ context.Context, _ customauth.Request, a string, c customauth.Checked) (customauth.Checked, error) {
				_ = [300]byte{}[min(len(a), 9000)%9001/30]
				return c, nil
			}}, "Hostile"},
		"is right once": {broken{check: func(_ context.Context, _ customauth.Request, a string, c customauth.Checked) (customauth.Checked, error) {
			mu.Lock()
			defer mu.Unlock()
			c.Right = c.Right && !used[a]
			used[a] = true
			return c, nil
		}}, "Again"},
		"fails for unknown users": {broken{issue: func(r customauth.Request, is customauth.Issued) (customauth.Issued, error) {
			if r.UserNotFound && !r.Probe {
				return is, errors.New("no such user")
			}
			return is, nil
		}}, "Unknown"},
		"shows what it knows": {broken{show: func(r customauth.Request, public map[string]string) (map[string]string, error) {
			if !r.UserNotFound {
				public["hello"] = "welcome back"
			}
			return public, nil
		}}, "Unknown"},
		"shows who lacks something": {broken{show: func(r customauth.Request, public map[string]string) (map[string]string, error) {
			if !r.UserNotFound && r.Attributes["email"].Reveal() == "" {
				public["hint"] = "add an address"
			}
			return public, nil
		}}, "Lacking"},
		"forgets the challenge before": {broken{
			issue: func(r customauth.Request, is customauth.Issued) (customauth.Issued, error) {
				mu.Lock()
				defer mu.Unlock()
				last = is.Answer.Reveal()
				return is, nil
			},
			check: func(_ context.Context, _ customauth.Request, a string, c customauth.Checked) (customauth.Checked, error) {
				mu.Lock()
				defer mu.Unlock()
				c.Right = c.Right && a == last
				return c, nil
			}}, "NothingLeft"},
		"carries the code": {broken{issue: func(_ customauth.Request, is customauth.Issued) (customauth.Issued, error) {
			is.State = is.Answer.Reveal()
			return is, nil
		}}, "Leaks"},
		"shows the address": {broken{show: func(r customauth.Request, public map[string]string) (map[string]string, error) {
			public["to"] = r.Attributes["phone_number"].Reveal()
			return public, nil
		}}, "Leaks"},
		"needs its state to be shown": {broken{
			issue: func(_ customauth.Request, is customauth.Issued) (customauth.Issued, error) {
				is.State = "x"
				return is, nil
			},
			show: func(r customauth.Request, public map[string]string) (map[string]string, error) {
				if r.State == "" {
					return nil, errors.New("no state")
				}
				return public, nil
			}}, "AlteredState"},
		"sends once": {broken{issue: func(r customauth.Request, is customauth.Issued) (customauth.Issued, error) {
			is.MaxSends = 1
			return is, nil
		}}, "Resend"},
		"does not end": {broken{check: func(ctx context.Context, _ customauth.Request, _ string, c customauth.Checked) (customauth.Checked, error) {
			if ctx.Err() != nil {
				time.Sleep(time.Hour)
			}
			return c, nil
		}}, "Cancelled"},
		"is too large for a way": {broken{issue: func(_ customauth.Request, is customauth.Issued) (customauth.Issued, error) {
			is.State = strings.Repeat("s", 120)
			return is, nil
		}, check: func(_ context.Context, r customauth.Request, _ string, c customauth.Checked) (customauth.Checked, error) {
			c.Right = c.Right && r.State == strings.Repeat("s", 120)
			return c, nil
		}}, "Way"},
		"takes another's approval": {nil, "AnotherUser"},
		"is refused":               {customauth.OTP{TTL: time.Hour}, "Passes"},
	}
}

// TestFaults: each fault is found, by the check whose business it is. The checks run in
// a process of their own, because they are meant to fail.
func TestFaults(t *testing.T) {
	if name := os.Getenv("CHALLENGETEST_FAULT"); name != "" {
		c := challengetest.Config{New: step(faults()[name].step), Answer: newest}
		if name == "takes another's approval" {
			c = pushing(func(p *push) customauth.Challenge { return careless{p} })
		}
		challengetest.Run(t, c)
		return
	}
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFaults$", "-test.v")
			cmd.Env = append(os.Environ(), "CHALLENGETEST_FAULT="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("not found:\n%s", out)
			}
			if !bytes.Contains(out, []byte("--- FAIL: TestFaults/"+f.found)) {
				t.Errorf("not found by %s:\n%s", f.found, out)
			}
		})
	}
}
