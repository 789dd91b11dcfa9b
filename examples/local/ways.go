package main

// This file is what -ways, -ask and -captcha add: the steps of the sign-in, and what
// they need on a machine that has neither mailboxes nor a provider of CAPTCHAs.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/magiclink"
)

// allWays are what -ways may name.
var allWays = []string{"sms", "email", "link", "voice"}

// checkWays says what is wrong with the flags about ways.
func (s settings) checkWays() error {
	for i, w := range s.ways {
		if !slices.Contains(allWays, w) {
			return fmt.Errorf("-ways takes %s, with commas between them, not %q", strings.Join(allWays, ", "), w)
		}
		if slices.Contains(s.ways[:i], w) {
			return fmt.Errorf("-ways has %s twice", w)
		}
	}
	switch {
	case s.ask && len(s.ways) < 2:
		return errors.New("-ask needs two -ways or more to choose from, such as -ways sms,email")
	case !s.changed():
		return nil
	case s.bootstrap != "":
		return errors.New("-ways, -ask and -captcha have no effect on the function of -bootstrap")
	case s.demo:
		return errors.New("-demo signs in by a text: leave out -ways, -ask and -captcha")
	}
	return nil
}

// changed reports whether the sign-in is another than a code by SMS.
func (s settings) changed() bool { return len(s.ways) > 0 || s.ask || s.captcha }

// mails reports whether there are e-mails to look at.
func (s settings) mails() bool {
	return slices.Contains(s.ways, "email") || slices.Contains(s.ways, "link")
}

// steps are what a user must pass.
func (s settings) steps(human captcha.Challenge) []customauth.Step {
	var ways []customauth.Step
	for _, name := range s.ways {
		ways = append(ways, customauth.Step{Name: name, Challenge: s.way(name)})
	}
	code := customauth.Step{Name: "otp", Challenge: s.way("sms")}
	switch {
	case len(ways) == 1:
		code.Challenge = ways[0].Challenge
	case len(ways) > 1:
		code = customauth.Step{Name: "code", Challenge: customauth.OneOf{Ways: ways, Ask: s.ask}}
	}
	if !s.captcha {
		return []customauth.Step{code}
	}
	return []customauth.Step{{Name: "captcha", Challenge: human}, code}
}

func (s settings) way(name string) customauth.Challenge {
	otp := customauth.OTP{TTL: s.ttl, ResendAfter: s.resendAfter}
	switch name {
	case "email":
		otp.Medium = "EMAIL"
	case "voice":
		otp.Medium = "VOICE"
	case "link":
		return magiclink.Challenge{OTP: otp, Origins: origins(s.addr)}
	}
	return otp
}

// origins are where the page is: this machine, by its address and by its name.
func origins(addr string) []string {
	host, port, err := net.SplitHostPort(addr)
	if ip, bad := netip.ParseAddr(host); err != nil || bad != nil || !ip.IsLoopback() {
		host = "127.0.0.1"
	}
	return []string{"http://" + net.JoinHostPort(host, port), "http://" + net.JoinHostPort("localhost", port)}
}

// A CAPTCHA without a provider: whoever says that he is no robot gets a token.
const (
	captchaHost   = "localhost" // where all of its tokens were solved
	captchaSecret = "made-up-secret"
)

func human(robots *captchatest.Server, store customauth.Store, logger *slog.Logger) captcha.Challenge {
	return captcha.Challenge{
		Provider:  captcha.Turnstile,
		SiteKey:   "made-up-site-key",
		Secret:    customauth.Hide(captchaSecret),
		Hostnames: []string{captchaHost},
		Client:    &http.Client{Transport: robots},
		Store:     store,
		Logger:    logger,
	}
}

// serveToken gives the page's widget a token.
func (l *local) serveToken(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"token": l.robots.Solve(captchatest.Solved{Hostname: captchaHost})})
}

// addresses is the trigger after a sign-up. A way counts only for an address that was
// proved; here, where every phone and every mailbox are the visitor's own, everybody
// gets an e-mail address, and both are.
func (l *local) addresses(ctx context.Context, e events.CognitoEventUserPoolsPostConfirmation) (events.CognitoEventUserPoolsPostConfirmation, error) {
	phone := e.Request.UserAttributes["phone_number"]
	body, err := json.Marshal(object{
		"UserPoolId": l.pool.ID(),
		"Username":   e.UserName,
		"UserAttributes": []object{
			{"Name": "phone_number_verified", "Value": "true"},
			{"Name": "email", "Value": mailbox(phone)},
			{"Name": "email_verified", "Value": "true"},
		},
	})
	if err != nil {
		return e, err
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminUpdateUserAttributes")
	w := httptest.NewRecorder()
	l.pool.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return e, fmt.Errorf("local: the pool answers %s", w.Body)
	}
	return e, nil
}

// mailbox is where e-mails to the owner of a number go.
func mailbox(phone string) string { return strings.TrimPrefix(phone, "+") + "@example.com" }

// config is what config.json has beside what the file web/config.json says.
func (s settings) config() object {
	more := object{}
	if s.captcha {
		more["captcha"] = "captcha.js"
	}
	if s.mails() {
		more["mails"] = "/_local/mails/"
	}
	if s.ask || len(s.ways) > 0 && s.ways[0] != "sms" {
		more["texts"] = false
	}
	return more
}
