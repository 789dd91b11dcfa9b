package customauth_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/cyber-eternal/customauth"
)

func TestSignIn(t *testing.T) {
	one := []customauth.Step{step("sms", customauth.OTP{})}
	two := []customauth.Step{step("sms", customauth.OTP{}), step("mail", customauth.OTP{Medium: "EMAIL"})}
	mfa := []customauth.Step{customauth.Password(), otp(customauth.OTP{})}
	tests := []struct {
		name  string
		steps []customauth.Step
		run   func(r *rig) *signIn
		want  string
		sent  int
	}{
		{"right code", one, func(r *rig) *signIn { return r.start().answer(r.inbox.code()) }, "tokens", 1},
		{"wrong, then right", one, func(r *rig) *signIn {
			s := r.start()
			return s.answer(r.inbox.wrong()).answer(r.inbox.code())
		}, "tokens", 1},
		{"asked only", one, func(r *rig) *signIn { return r.start() }, "asked", 1},
		{"wrong once", one, func(r *rig) *signIn { s := r.start(); return s.answer(r.inbox.wrong()) }, "asked wrong_code", 1},
		{"wrong three times", one, func(r *rig) *signIn {
			s := r.start()
			w := r.inbox.wrong()
			return s.answer(w).answer(w).answer(w)
		}, "failed", 1},
		{"resend too soon", one, func(r *rig) *signIn { return r.start().resend() }, "asked resend_too_soon", 1},
		{"old code after a refused resend", one, func(r *rig) *signIn {
			s := r.start().resend()
			return s.answer(r.inbox.code())
		}, "tokens", 1},
		{"resend, then the new code", one, func(r *rig) *signIn {
			s := r.start()
			sleep(31e9)
			s.resend()
			return s.answer(r.inbox.code())
		}, "tokens", 2},
		{"resend, then the old code", one, func(r *rig) *signIn {
			s := r.start()
			old := r.inbox.code()
			sleep(31e9)
			return s.resend().answer(old)
		}, "asked wrong_code", 2},
		{"resend does not refill", one, func(r *rig) *signIn {
			s := r.start()
			s.answer("000").answer("000")
			sleep(31e9)
			return s.resend().answer("000")
		}, "failed", 2},
		{"a resend is no guess", one, func(r *rig) *signIn {
			s := r.start()
			sleep(31e9)
			return s.answer(r.inbox.code(), resend)
		}, "asked", 2},
		{"sends are capped", one, func(r *rig) *signIn {
			s := r.start()
			for range 4 {
				sleep(31e9)
				s.resend()
			}
			return s
		}, "asked no_resends_left", 3},
		{"expired", one, func(r *rig) *signIn {
			s := r.start()
			sleep(181e9)
			return s.answer(r.inbox.code())
		}, "asked expired", 1},
		{"resend after expiry", one, func(r *rig) *signIn {
			s := r.start()
			sleep(181e9)
			s.answer(r.inbox.code()).resend()
			return s.answer(r.inbox.code())
		}, "tokens", 2},
		{"two steps", two, func(r *rig) *signIn {
			s := r.start()
			sleep(31e9)
			s.answer(r.inbox.code())
			return s.answer(r.inbox.code())
		}, "tokens", 2},
		{"first of two steps", two, func(r *rig) *signIn {
			s := r.start()
			sleep(31e9)
			return s.answer(r.inbox.code())
		}, "asked", 2},
		{"second message too soon after the first", two, func(r *rig) *signIn { return r.start().answer(r.inbox.code()) }, "asked sent_recently", 1},
		{"first code for the second step", two, func(r *rig) *signIn {
			s := r.start()
			code := r.inbox.code()
			sleep(31e9)
			return s.answer(code).answer(code)
		}, "asked wrong_code", 2},
		{"iOS begins with SRP_A", one, func(r *rig) *signIn { return r.start(afterSRP).answer(r.inbox.code()) }, "tokens", 1},
		{"SRP_A alone", one, func(r *rig) *signIn { return r.start(afterSRP) }, "asked", 1},
		{"password, then code", mfa, func(r *rig) *signIn {
			s := r.start(afterSRP).proved()
			return s.answer(r.inbox.code())
		}, "tokens", 1},
		{"password alone", mfa, func(r *rig) *signIn { return r.start(afterSRP).proved() }, "asked", 1},
		{"password step without SRP_A", mfa, func(r *rig) *signIn { return r.start() }, "failed", 0},
		{"password step skipped", mfa, func(r *rig) *signIn { s := r.start(afterSRP); s.challenge(nil); return s }, "error: customauth: sign-in is not available at the moment", 0},
		{"PASSWORD_VERIFIER where no password is asked for", one, func(r *rig) *signIn { return r.start(afterSRP).proved() }, "failed", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, customauth.Options{Steps: tt.steps})
				s := tt.run(r)
				if got := s.outcome(); got != tt.want {
					t.Errorf("got %q, want %q\n%s", got, tt.want, r.log)
				}
				if got := r.inbox.count(); got != tt.sent {
					t.Errorf("sent %d texts, want %d", got, tt.sent)
				}
			})
		})
	}
}

func byMail(_ context.Context, r customauth.Request) (customauth.Destination, error) {
	return customauth.Destination{Medium: "EMAIL", Address: r.Attributes["email"]}, nil
}
