package main

// This file sends texts by an HTTP API that takes a form and basic
// authentication, as Twilio's does
// (https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource).

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cyber-eternal/customauth"
)

// An httpSender is a customauth.Sender.
type httpSender struct {
	url, user, password, from string
	client                    *http.Client
}

// newHTTPSender takes its settings from the environment.
func newHTTPSender(env func(string) string) (*httpSender, error) {
	s := &httpSender{
		url:      env("SMS_API_URL"),
		user:     env("SMS_API_USER"),
		password: env("SMS_API_PASSWORD"),
		from:     env("SMS_FROM"),
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a code goes nowhere else
		}},
	}
	if !strings.HasPrefix(s.url, "https://") || s.user == "" || s.password == "" || s.from == "" {
		return nil, errors.New("set SMS_API_URL (https://…), SMS_API_USER, SMS_API_PASSWORD and SMS_FROM")
	}
	return s, nil
}

// Send posts the message once. The context has the timeout (Options.SendTimeout).
func (s *httpSender) Send(ctx context.Context, m customauth.Message) error {
	if m.To.Medium != "SMS" {
		return fmt.Errorf("sms api: %w", customauth.ErrInvalidDestination)
	}
	form := url.Values{"To": {m.To.Address.Reveal()}, "From": {s.from}, "Body": {m.Text.Reveal()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("sms api: SMS_API_URL is no URL") // err has the URL, which may name the account
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(s.user, s.password)
	req.Close = true // Lambda freezes the function between events, and connections break meanwhile

	resp, err := s.client.Do(req)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return fmt.Errorf("sms api: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	return refused(resp)
}

// Warm has nothing to do: connections do not outlive an event.
func (s *httpSender) Warm(context.Context) error { return nil }

// refused says why the API did not take a message. Of its answer only the error
// code is kept: the rest may have the number and the text in it. With a status
// from 400 to 499 nothing was sent; otherwise nobody knows.
func refused(resp *http.Response) error {
	var answer struct{ Code int }
	json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer) // no JSON, no code
	what := fmt.Sprintf("sms api: %s, code %d", resp.Status, answer.Code)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", customauth.ErrThrottled, what)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("%w: %s", customauth.ErrUnauthorized, what)
	case status >= 400 && status < 500:
		return fmt.Errorf("%w: %s", customauth.ErrInvalidDestination, what)
	}
	return errors.New(what)
}
