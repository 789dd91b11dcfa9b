package captcha_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/presignup"
)

func signUp(user, token string) events.CognitoEventUserPoolsPreSignup {
	var e events.CognitoEventUserPoolsPreSignup
	e.TriggerSource, e.UserPoolID, e.UserName = "PreSignUp_SignUp", "eu-west-1_Ab1Cd2Ef3", user
	e.Request.ValidationData = map[string]string{"captcha": token}
	return e
}

func TestSignUp(t *testing.T) {
	server := captchatest.New(secret)
	c := challenge(captcha.Turnstile, server)
	good := func() string { return server.Solve(solved(captcha.Turnstile)) }
	used := good()
	if err := c.SignUp(t.Context(), signUp("first", used)); err != nil {
		t.Fatal(err)
	}
	elsewhere := solved(captcha.Turnstile)
	elsewhere.Hostname = "evil.example"
	inMetadata := signUp("metadata", "")
	inMetadata.Request.ClientMetadata = map[string]string{"captcha": good()}
	byAdmin := signUp("admin", "")
	byAdmin.TriggerSource = "PreSignUp_AdminCreateUser"
	for name, tt := range map[string]struct {
		event events.CognitoEventUserPoolsPreSignup
		want  error
	}{
		"solved":                   {signUp("someone", good()), nil},
		"in ClientMetadata":        {inMetadata, nil},
		"Cognito repeats the call": {signUp("first", used), nil},
		"used by somebody else":    {signUp("second", used), captcha.NotSolved},
		"none":                     {signUp("someone", ""), captcha.NotSolved},
		"made up":                  {signUp("someone", "XXXX"), captcha.NotSolved},
		"too long":                 {signUp("someone", strings.Repeat("x", 2049)), captcha.NotSolved},
		"of another page":          {signUp("someone", server.Solve(elsewhere)), captcha.NotSolved},
		"made by an administrator": {byAdmin, nil},
		"from an identity service": {events.CognitoEventUserPoolsPreSignup{CognitoEventUserPoolsHeader: events.CognitoEventUserPoolsHeader{TriggerSource: "PreSignUp_ExternalProvider"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.SignUp(t.Context(), tt.event); !errors.Is(err, tt.want) || (err != nil) != (tt.want != nil) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// A token of a sign-up is none for a sign-in, and the other way about.
func TestSignUpAndSignIn(t *testing.T) {
	server := captchatest.New(secret)
	c := challenge(captcha.Turnstile, server)
	first, second := server.Solve(solved(captcha.Turnstile)), server.Solve(solved(captcha.Turnstile))
	if err := c.SignUp(t.Context(), signUp("someone", first)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Check(t.Context(), request("a"), first); got.Right || err != nil {
		t.Errorf("right %v, error %v", got.Right, err)
	}
	if got, err := c.Check(t.Context(), request("a"), second); !got.Right || err != nil {
		t.Fatalf("right %v, error %v", got.Right, err)
	}
	if err := c.SignUp(t.Context(), signUp("someone", second)); !errors.Is(err, captcha.NotSolved) {
		t.Errorf("error %v", err)
	}
}

// Through presignup, as Cognito calls it.
func TestSignUpThroughTrigger(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	server := captchatest.New(secret)
	c := challenge(captcha.Turnstile, server)
	handle := presignup.New(c.SignUp)
	unset := presignup.New(captcha.Challenge{}.SignUp)

	out, err := handle(t.Context(), signUp("someone", server.Solve(solved(captcha.Turnstile))))
	if err != nil || !out.Response.AutoConfirmUser {
		t.Errorf("solved: %v, %v", out.Response, err)
	}
	texts := make(map[string]string)
	out, err = handle(t.Context(), signUp("someone", "made up"))
	texts["made up"] = said(err)
	_, err = unset(t.Context(), signUp("someone", "x"))
	texts["no fields"] = said(err)
	server.Fail(http.NotFoundHandler())
	_, err = handle(t.Context(), signUp("someone", "x"))
	texts["down"] = said(err)
	if out.Response.AutoConfirmUser {
		t.Error("confirmed without a token")
	}
	if diff := cmp.Diff(map[string]string{
		"made up": "the CAPTCHA was not solved", "no fields": "the sign-up could not be checked", "down": "the sign-up could not be checked",
	}, texts); diff != "" {
		t.Errorf("public (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "Provider must be") || !strings.Contains(log.String(), captcha.ErrUnavailable.Error()) || strings.Contains(log.String(), secret) {
		t.Errorf("log: %s", &log)
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
