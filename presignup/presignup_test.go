package presignup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/google/go-cmp/cmp"
)

type (
	event    = events.CognitoEventUserPoolsPreSignup
	response = events.CognitoEventUserPoolsPreSignupResponse
)

// signUp is the event that Cognito sends for SignUp, changed by edit.
func signUp(t *testing.T, edit func(*event)) event {
	t.Helper()
	raw, err := os.ReadFile("../testdata/events/pre-sign-up.json")
	if err != nil {
		t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&e)
	}
	return e
}

func source(s string) func(*event) { return func(e *event) { e.TriggerSource = s } }

func TestConfirms(t *testing.T) {
	everything := response{AutoConfirmUser: true, AutoVerifyEmail: true, AutoVerifyPhone: true}
	for name, tt := range map[string]struct {
		edit    func(*event)
		want    response
		wantErr string
	}{
		"somebody signs up": {want: response{AutoConfirmUser: true}},
		"somebody signs up, and something marked them verified": {
			edit: func(e *event) { e.Response = everything },
			want: response{AutoConfirmUser: true},
		},
		"no attributes at all": {
			edit: func(e *event) { e.Request.UserAttributes = nil },
			want: response{AutoConfirmUser: true},
		},
		"made by an administrator":      {edit: source("PreSignUp_AdminCreateUser")},
		"from another identity service": {edit: source("PreSignUp_ExternalProvider")},
		"a source that is not known":    {edit: source("PreSignUp_Tomorrow")},
		"the response of others is kept": {
			edit: func(e *event) { e.TriggerSource, e.Response = "PreSignUp_ExternalProvider", everything },
			want: everything,
		},
		"another trigger": {
			edit:    source("PostConfirmation_ConfirmSignUp"),
			wantErr: "presignup: not a pre sign-up event",
		},
		"no source": {edit: source(""), wantErr: "presignup: not a pre sign-up event"},
	} {
		t.Run(name, func(t *testing.T) {
			in := signUp(t, tt.edit)
			out, err := presignup.New(nil)(t.Context(), in)
			if diff := cmp.Diff(tt.wantErr, text(err)); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			want := in
			want.Response = tt.want
			if diff := cmp.Diff(want, out); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	const secret = "+12065550100"
	for name, tt := range map[string]struct {
		hook func(context.Context, event) error
		edit func(*event)
		want string // the public text
		log  string // what the log says
	}{
		"lets in":   {hook: func(context.Context, event) error { return nil }},
		"a refusal": {hook: refuse(presignup.Refusal("by invitation only")), want: "by invitation only"},
		"a wrapped refusal": {
			hook: refuse(fmt.Errorf("looked up %s: %w", secret, presignup.Refusal("by invitation only"))),
			want: "by invitation only",
		},
		"an administrator is asked for too": {
			hook: refuse(presignup.Refusal("by invitation only")),
			edit: source("PreSignUp_AdminCreateUser"),
			want: "by invitation only",
		},
		"any other error": {
			hook: refuse(errors.New("dial tcp 10.0.0.7:5432")),
			want: "the sign-up could not be checked",
			log:  "dial tcp 10.0.0.7:5432",
		},
		"a panic": {
			hook: func(_ context.Context, e event) error { panic(e.Request.UserAttributes["phone_number"]) },
			want: "the sign-up could not be checked",
			log:  "the hook panicked",
		},
		"a panic with an error": {
			hook: func(_ context.Context, e event) error {
				var nobody *event
				return errors.New(nobody.UserName)
			},
			want: "the sign-up could not be checked",
			log:  "the hook panicked",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := captureLog(t)
			out, err := presignup.New(tt.hook)(t.Context(), signUp(t, tt.edit))
			if diff := cmp.Diff(tt.want, text(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if confirmed := out.Response.AutoConfirmUser; confirmed != (tt.want == "") {
				t.Errorf("AutoConfirmUser = %v with error %v", confirmed, err)
			}
			if tt.log == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.log) {
				t.Errorf("log = %q, want %q in it", log, tt.log)
			}
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log names the number: %s", log)
			}
		})
	}
}

// A hook that waits for its context is ended before Cognito asks again, and a
// hook that then says nothing has let nobody in.
func TestHookHasFourSeconds(t *testing.T) {
	captureLog(t)
	for name, hook := range map[string]func(context.Context, event) error{
		"says so":      func(ctx context.Context, _ event) error { <-ctx.Done(); return ctx.Err() },
		"says nothing": func(ctx context.Context, _ event) error { <-ctx.Done(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			in := signUp(t, nil)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				out, err := presignup.New(hook)(t.Context(), in)
				if diff := cmp.Diff("the sign-up could not be checked", text(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if out.Response.AutoConfirmUser {
					t.Error("confirmed although the hook did not decide")
				}
				if took := time.Since(start); took != 4*time.Second {
					t.Errorf("took %v, want 4s", took)
				}
			})
		})
	}
}

// Through lambda.NewHandler, as Cognito calls it: the shape of what leaves.
func TestOnTheWire(t *testing.T) {
	raw, err := os.ReadFile("../testdata/events/pre-sign-up.json")
	if err != nil {
		t.Fatal(err)
	}
	out, err := lambda.NewHandler(presignup.New(nil)).Invoke(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Response map[string]any }
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"autoConfirmUser": true, "autoVerifyEmail": false, "autoVerifyPhone": false}
	if diff := cmp.Diff(want, got.Response); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func refuse(err error) func(context.Context, event) error {
	return func(context.Context, event) error { return err }
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func captureLog(t *testing.T) *bytes.Buffer {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	return &log
}
