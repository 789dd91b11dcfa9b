package magiclink

// This file writes the message.

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
)

// write makes the message with the link, by Text if that is set.
func (c Challenge) write(ctx context.Context, r customauth.Request, m customauth.Message, link customauth.Secret) (customauth.Message, error) {
	m, err := standard(m, link)
	if err != nil || c.Text == nil {
		return m, err
	}
	code := m.Code
	if m, err = c.Text(ctx, r, m, link); err != nil {
		return m, err
	}
	text := m.Text.Reveal()
	if !strings.Contains(text, link.Reveal()) && !strings.Contains(m.HTML.Reveal(), template.HTMLEscapeString(link.Reveal())) {
		return m, errors.New("the link is in neither Text nor HTML")
	}
	if !strings.Contains(strings.ReplaceAll(text, link.Reveal(), ""), code.Reveal()) {
		return m, errors.New("the code is not in Text beside the link: whoever reads mail elsewhere has to type it")
	}
	return m, nil
}

// standard is the message without a Text.
func standard(m customauth.Message, link customauth.Secret) (customauth.Message, error) {
	valid := lasts(time.Until(m.Expires))
	if m.To.Medium == "SMS" {
		m.Text = customauth.Hide(link.Reveal() + "\nor type " + m.Code.Reveal() + ". Valid for " + valid + ".")
		return m, nil
	}
	m.Subject = customauth.Hide("Sign in")
	m.Text = customauth.Hide("To sign in, open this link in the browser where you asked for it:\n\n" + link.Reveal() +
		"\n\nOr type this code there: " + m.Code.Reveal() +
		"\n\nBoth are valid for " + valid + ". Do not share them. If you did not ask for them, nothing has to be done.\n")
	var page strings.Builder
	err := html.Execute(&page, map[string]string{"Link": link.Reveal(), "Code": m.Code.Reveal(), "For": valid})
	m.HTML = customauth.Hide(page.String())
	return m, err
}

var html = template.Must(template.New("message").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in</title></head>
<body style="font:16px/1.5 sans-serif;max-width:32em;margin:2em auto;padding:0 1em">
<p>To sign in, open this link in the browser where you asked for it:</p>
<p><a href="{{.Link}}" style="display:inline-block;padding:.7em 1.4em;background:#1a1a1a;color:#fff;text-decoration:none;border-radius:.4em">Sign in</a></p>
<p>Or type this code there:</p>
<p style="font-size:28px;letter-spacing:.15em;margin:0">{{.Code}}</p>
<p style="color:#555">Both are valid for {{.For}}. Do not share them. If you did not ask for them, nothing has to be done.</p>
</body></html>
`))

// lasts says how long something is valid, in whole minutes where there is one.
func lasts(d time.Duration) string {
	n, unit := int(d.Round(time.Second)/time.Minute), "minute"
	if n == 0 {
		n, unit = int(d.Round(time.Second)/time.Second), "second"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprint(n, " ", unit)
}
