package device_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
)

const phone = "+12065550100"

// newPool is a pool with alice in it, whose sub is that of the records.
func newPool(t testing.TB, o customauth.Options) (*cognitotest.Pool, *cognitotest.Inbox) {
	t.Helper()
	inbox := new(cognitotest.Inbox)
	o.Keys = []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")}
	o.Senders = map[string]customauth.Sender{"SMS": inbox, "EMAIL": inbox}
	o.Store = customauth.NewMemoryStore()
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	h, err := customauth.NewHandler(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cognitotest.NewPool(cognitotest.Config{ID: pool, Triggers: cognitotest.Triggers{All: h}})
	if err != nil {
		t.Fatal(err)
	}
	err = p.AddUser("alice", map[string]string{
		"sub": alice.Sub, "phone_number": phone, "phone_number_verified": "true",
		"email": "alice@example.com", "email_verified": "true",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, inbox
}

var oneOf = customauth.OneOf{Ask: true, Ways: []customauth.Step{
	{Name: "sms", Challenge: customauth.OTP{}},
	{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}},
}}

// Strangers who know a name use up what they can, every ten minutes for two days. Its user
// signs in every four hours: with a known device he is refused 0 of 12 times.
func TestLockout(t *testing.T) {
	tests := []struct {
		name   string
		step   customauth.Challenge
		choice map[string]string
		device bool
		want   func(refused int) bool
	}{
		{"a known device, asked first", oneOf, map[string]string{"action": "choose", "way": "sms"}, true, func(n int) bool { return n == 0 }},
		{"a stranger's device, asked first", oneOf, map[string]string{"action": "choose", "way": "sms"}, false, func(n int) bool { return n >= 6 }},
		{"a known device, by SMS alone", customauth.OTP{}, map[string]string{"action": "resend"}, true, func(n int) bool { return n == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := device.Devices{Credentials: vault(t, credential.NewMemoryStore())}
				p, inbox := newPool(t, customauth.Options{Known: d.Known, Steps: []customauth.Step{{Name: "code", Challenge: tt.step}}})
				b := newBrowser(t)
				if tt.device {
					b.remember(t, d, alice, "laptop")
				}
				attack := func() {
					s, err := p.SignIn(t.Context(), "alice")
					if err != nil {
						t.Fatal(err)
					}
					if tt.choice["way"] != "" && s.Answer(t.Context(), "-", map[string]string{"action": "choose", "way": "sms", "device": proof("x", make([]byte, 64))}) != nil {
						return
					}
					for s.Answer(t.Context(), "not the code", nil) == nil {
					}
				}
				signIn := func() bool {
					s, err := p.SignIn(t.Context(), "alice")
					if err != nil {
						t.Fatal(err)
					}
					wait := s.Parameters["errorCode"] == "" && s.Parameters["resendAfter"] != ""
					if tt.choice["way"] == "" && wait {
						time.Sleep(31 * time.Second) // a text was sent, in a stranger's name
					}
					with := map[string]string{"device": proof("x", make([]byte, 64))}
					if b.id != "" {
						with["device"] = b.proof(t, s.Parameters["nonce"])
					}
					for k, v := range tt.choice {
						with[k] = v
					}
					if s.Answer(t.Context(), "-", with) != nil {
						return false
					}
					return s.Answer(t.Context(), inbox.Code(phone), nil) == nil && s.Done()
				}
				refused := 0
				for minute := 0; minute < 2*24*60; minute += 10 {
					attack()
					time.Sleep(10 * time.Minute)
					if minute%240 != 230 {
						continue
					}
					if !signIn() {
						refused++
					}
				}
				if !tt.want(refused) {
					t.Errorf("the user was refused %d of 12 times", refused)
				}
			})
		})
	}
}

// Behind a password, a known device saves the code. Another device chooses another way.
func TestInsteadOfCode(t *testing.T) {
	d := devices(t)
	p, inbox := newPool(t, customauth.Options{Steps: []customauth.Step{
		customauth.Password(),
		{Name: "proof", Challenge: customauth.OneOf{Ways: []customauth.Step{
			{Name: "device", Challenge: d},
			{Name: "sms", Challenge: customauth.OTP{}},
		}}},
	}})
	if err := p.SetPassword("alice", "Correct-Horse-1"); err != nil {
		t.Fatal(err)
	}
	begin := func(want string) *cognitotest.SignIn {
		t.Helper()
		s, err := p.SignInSRP(t.Context(), "alice", "Correct-Horse-1")
		if err != nil {
			t.Fatal(err)
		}
		if s.Parameters["way"] != want {
			t.Fatalf("parameters %v, want the way %s", s.Parameters, want)
		}
		return s
	}
	s := begin("sms") // no device yet
	if err := s.Answer(t.Context(), inbox.Code(phone), nil); err != nil || !s.Done() {
		t.Fatalf("by a code: %v", err)
	}
	b := newBrowser(t)
	b.remember(t, d, alice, "laptop")
	sent := len(inbox.Messages(""))
	s = begin("device")
	if err := s.Answer(t.Context(), b.proof(t, s.Parameters["nonce"]), nil); err != nil || !s.Done() {
		t.Errorf("by the device: %v", err)
	}
	if n := len(inbox.Messages("")); n != sent {
		t.Errorf("%d codes were sent to a known device", n-sent)
	}
	s = begin("device")
	other := newBrowser(t)
	other.id = b.id
	if err := s.Answer(t.Context(), other.proof(t, s.Parameters["nonce"]), nil); err != nil || s.Done() {
		t.Fatalf("by another device: done %v, %v", s.Done(), err)
	}
	if s.Parameters["errorCode"] != "not_proved" {
		t.Errorf("another device is told %q", s.Parameters["errorCode"])
	}
}
