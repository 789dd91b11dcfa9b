package ses

// This file makes the HTML of a message that has none.

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/text"
)

// A Mail is what a template is executed with. It has no attribute of a user. The
// template of package html/template escapes all of it.
type Mail struct {
	Subject    string
	Code       string    // "" if there is none
	Text       string    // all of the plain text, which has the code
	Paragraphs []string  // the plain text by paragraphs
	Lang       string    // for the attribute lang, a BCP 47 tag; may be empty
	Dir        string    // for the attribute dir: "ltr" or "rtl"
	Expires    time.Time // of the code
}

// page is small, has no image, no link and no style sheet, so that mail programs
// show it as it is. The code is one run of characters, so that it can be selected
// with a double click, and left to right in every language.
var page = template.Must(template.New("page").Parse(`<!doctype html>
<html{{with .Lang}} lang="{{.}}"{{end}} dir="{{.Dir}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
<div style="max-width:480px;margin:0 auto">
{{with .Code}}<p dir="ltr" style="margin:0 0 24px;font:700 32px/1.25 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px;text-align:center">{{.}}</p>
{{end}}{{range .Paragraphs}}<p style="margin:0 0 16px">{{.}}</p>
{{end}}</div>
</body>
</html>
`))

// maxHTML is more than any code needs, and keeps a template's mistake from being sent.
const maxHTML = 256 << 10

func (s *Sender) html(m customauth.Message) (string, error) {
	if html := m.HTML.Reveal(); html != "" {
		return html, nil
	}
	return s.render(mailOf(m))
}

func (s *Sender) render(mail Mail) (string, error) {
	t := s.Template
	if t == nil {
		t = page
	}
	var html strings.Builder
	if err := t.Execute(&html, mail); err != nil {
		// The text of the error may quote what the template was given.
		return "", fmt.Errorf("%w: ses: the template %.40q failed", customauth.ErrUnauthorized, t.Name())
	}
	if html.Len() > maxHTML {
		return "", fmt.Errorf("%w: ses: the template made %d bytes, more than %d", customauth.ErrUnauthorized, html.Len(), maxHTML)
	}
	return html.String(), nil
}

func mailOf(m customauth.Message) Mail {
	plain := m.Text.Reveal()
	mail := Mail{Subject: subject(m), Code: m.Code.Reveal(), Text: plain, Dir: "ltr", Expires: m.Expires}
	locale := strings.ReplaceAll(m.Locale, "_", "-")
	if text.Only(locale, 2, 35, text.Decimal+text.Letters+"-") { // it may be an attribute that its user wrote
		mail.Lang = locale
	}
	for p := range strings.SplitSeq(strings.ReplaceAll(plain, "\r\n", "\n"), "\n") {
		if p = strings.TrimSpace(p); p != "" {
			mail.Paragraphs = append(mail.Paragraphs, p)
		}
	}
	primary, _, _ := strings.Cut(mail.Lang, "-")
	switch strings.ToLower(primary) {
	case "ar", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "ug", "ur", "yi": // by their usual script in CLDR
		mail.Dir = "rtl"
	}
	return mail
}

// probe finds out whether the template works.
func (s *Sender) probe() error {
	const code = "246813"
	plain := code + " is a code."
	html, err := s.render(Mail{
		Subject: "Subject", Code: code, Text: plain, Paragraphs: []string{plain}, Lang: "en", Dir: "ltr", Expires: time.Now(),
	})
	if err == nil && !strings.Contains(html, code) {
		err = fmt.Errorf("the HTML does not have the code")
	}
	return err
}
