// Package magiclink is a step whose message has a link and a code. In the browser that
// asked, a click on the link and one on the page finish the sign-in; anywhere else the
// link's page shows the code, to be typed where it was asked for.
//
//	options.Steps = []customauth.Step{{Name: "link", Challenge: magiclink.Challenge{
//		Origins: []string{"https://app.example.com"},
//		Path:    "/sign-in",
//	}}}
//	options.Senders = map[string]customauth.Sender{"EMAIL": &ses.Sender{From: "login@example.com"}}
//
// # How it works
//
// The link is https://app.example.com/sign-in#code=482913&link=q1w2e3r4t5y6: the code
// of a [customauth.OTP], and the public parameter "link", which tells this sign-in from
// others. Both are in the fragment, which browsers send to no server: no log of a web
// server, no Referer and no analytics by URL has the code. The page is part of your app;
// the folder web has the script for it, an ES module without dependencies:
//
//   - The tab that asked calls asked(parameters), with the Session of Cognito if it may
//     be finished in another tab.
//   - The page of the link calls arrived(). It takes the fragment out of the address bar
//     and says whether this browser asked. If it did, the page shows a button, which
//     finishes the sign-in; if not, it shows the code.
//
// # Scanners
//
// Mail gateways fetch links before people do, and some run the page's scripts. Nothing
// is used up by that: the fragment reaches no server, the page asks nothing of Cognito
// before a click, and a scanner's browser did not ask for the link, so there is no
// button. The code stays good.
//
// # Who can use a link
//
// Only who holds the Session of the sign-in, which is in the browser that asked. A link
// that is forwarded, or read by somebody else, signs nobody in elsewhere. It is still a
// code: whoever talks a user into telling it can use it, as any code.
//
// # What it takes
//
// No table, no KMS key and no endpoint: a page of your app, and a sender for e-mail.
// README.md in this folder has the page, and compares it with another way to do it.
package magiclink
