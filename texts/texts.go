// Package texts writes the messages of customauth's one-time codes in the language of
// their user: for SMS, e-mail and voice.
//
//	customauth.OTP{Text: texts.Write}
//
// The language is the one of Message.Locale, that is, what the app said or what the
// user's profile has. It is matched to the nearest of [Languages]; without a match the
// message is in English. A text for SMS is one part (160 characters of the GSM
// alphabet, or 70 of any other), also with a WebOTP line for a domain of 30 characters
// and a code of 10 digits: that is why some are terse, and why some avoid words with
// letters that GSM lacks.
//
// Nothing of the user's attributes is ever in a message but the language itself, and
// no message has a control character that turns the direction of writing.
package texts

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/cyber-eternal/customauth"
)

// Write writes Text, Subject and Locale of a message in the user's language; it is an
// OTP.Text. How long the code is valid comes from the message, in whole minutes, at
// least one. For VOICE it keeps to the languages that Amazon's voices speak. It is safe
// for concurrent use, and returns no error.
func Write(_ context.Context, _ customauth.Request, m customauth.Message) (customauth.Message, error) {
	l, tag := match(m.Locale, m.To.Medium == "VOICE")
	fill := strings.NewReplacer("{code}", m.Code.Reveal(), "{minutes}", l.time(minutes(m.Expires))).Replace
	switch m.To.Medium {
	case "EMAIL":
		m.Subject, m.Text = customauth.Hide(l.subject), customauth.Hide(fill(l.mail))
	case "VOICE":
		m.Text = customauth.Hide(fill(l.voice))
	default:
		m.Text = customauth.Hide(fill(l.sms))
	}
	m.Locale = tag
	return m, nil
}

// Languages are those that there are, the default first.
func Languages() []language.Tag {
	tags := make([]language.Tag, len(list))
	for i, l := range list {
		tags[i] = l.tag
	}
	return tags
}

// lag is how much of its time a code may have lost while its message was written.
const lag = 5 * time.Second

// minutes are the whole minutes that are left, at least one.
func minutes(expires time.Time) int {
	return max(1, int((time.Until(expires)+lag)/time.Minute))
}

// time says n minutes.
func (l languageOf) time(n int) string {
	form, ok := l.minutes[plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)]
	if !ok {
		form = l.minutes[plural.Other]
	}
	return strings.ReplaceAll(form, "{n}", strconv.Itoa(n))
}

// A matcher finds the nearest of some languages.
type matcher struct {
	language.Matcher
	among []languageOf
}

var (
	written = sync.OnceValue(func() matcher { return newMatcher(list) })
	spoken  = sync.OnceValue(func() matcher {
		var among []languageOf
		for _, l := range list {
			if l.voice != "" {
				among = append(among, l)
			}
		}
		return newMatcher(among)
	})
)

func newMatcher(among []languageOf) matcher {
	tags := make([]language.Tag, len(among))
	for i, l := range among {
		tags[i] = l.tag
	}
	return matcher{language.NewMatcher(tags), among}
}

// maxLocale is more than any tag in use has (RFC 5646, 4.4.1).
const maxLocale = 35

// match finds the language for a locale, and what to call it: with the region that was
// asked for, so that a voice of that region can speak it.
func match(locale string, voice bool) (languageOf, string) {
	m := written()
	if voice {
		m = spoken()
	}
	if len(locale) > maxLocale {
		return m.among[0], m.among[0].tag.String()
	}
	asked, err := language.Parse(locale)
	if err != nil {
		return m.among[0], m.among[0].tag.String()
	}
	_, i, confidence := m.Match(asked)
	if confidence == language.No {
		i = 0
	}
	l := m.among[i]
	base, _ := asked.Base()
	own, _ := l.tag.Base()
	region, exact := asked.Region()
	if base == own && exact == language.Exact && l.tag.String() == own.String() {
		if with, err := language.Compose(own, region); err == nil {
			return l, with.String()
		}
	}
	return l, l.tag.String()
}
