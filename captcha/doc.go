// Package captcha is a step that asks for a CAPTCHA before anything is sent: Cloudflare
// Turnstile, hCaptcha, and reCAPTCHA with a checkbox or with a score. It also guards
// sign-up, as a hook of package presignup.
//
//	human := captcha.Challenge{
//		Provider:  captcha.Turnstile,
//		SiteKey:   os.Getenv("CAPTCHA_SITE_KEY"),
//		Secret:    customauth.Hide(os.Getenv("CAPTCHA_SECRET")),
//		Hostnames: []string{"app.example.com"},
//		Action:    "sign-in",
//		Store:     store, // the one of Options
//	}
//	options.Steps = []customauth.Step{
//		{Name: "captcha", Challenge: human},
//		{Name: "code", Challenge: customauth.OTP{}},
//	}
//
// # What the app does
//
// The first challenge sends nothing. Its public parameters are "provider", "siteKey"
// and, where one is configured, "action", with which the app renders the widget. The
// token of the widget is the ANSWER. With [customauth.OneOf] as the next step, the app
// sends "way" and "locale" as ClientMetadata beside the token, and so needs one round
// trip for all. A token that does not pass brings the same challenge again, with
// errorCode "not_proved": nothing is used up, and the app renders the widget anew, for
// a token is good once. Eight challenges end the sign-in.
//
// # What it stops, and what not
//
// Without a token no message is sent, whoever the user is. People solve CAPTCHAs for
// money, so it makes pumping dearer and does not end it: the limits stay on. It proves
// nothing about the user, and so it cannot be the last step.
//
// No trigger of Cognito knows the caller's IP address, so none is sent to the provider.
//
// # One use
//
// The providers verify a token once. Cognito may call a trigger again that took too
// long, and then the provider would refuse an honest token. So a token that passed is
// remembered in the Store for its sign-in, and for that one alone. Tokens that did not
// pass are not stored: whoever makes them up fills no table.
//
// # When the provider is down
//
// Nobody passes: an error, which the log has at level Error, ends the sign-in within
// [Challenge.Timeout]. Errors wrap [ErrUnavailable], or [customauth.ErrOptions] where
// the provider says that the secret or the site key is wrong.
package captcha
