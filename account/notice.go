package account

// This file tells users that a way into their account was added or removed.

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/redact"
)

// addressOf is the attribute that a medium reaches.
var addressOf = map[string]string{"EMAIL": "email", "SMS": "phone_number"}

// noticeTimeout is how long all notices of a change may take.
const noticeTimeout = 3 * time.Second

// tell sends a notice to each verified address of the user's that there is a sender
// for, also if the app has gone in the meantime. The change is made: what fails here
// is logged.
func (h *handler) tell(ctx context.Context, t Token, c call, change Change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTimeout)
	defer cancel()
	r := customauth.Request{
		PoolID: t.User.Pool, ClientID: t.Client, UserName: t.UserName,
		Attributes: c.attributes, Locale: c.attributes["locale"].Reveal(), Proved: true,
	}
	told := false
	for _, medium := range slices.Sorted(maps.Keys(h.Senders)) {
		name := addressOf[medium]
		address := c.attributes[name]
		if address.Reveal() == "" || !strings.EqualFold(c.attributes[name+"_verified"].Reveal(), "true") {
			continue
		}
		m := notice(change)
		m.To, m.ID, m.Request = customauth.Destination{Medium: medium, Address: address}, rand.Text(), r
		err := bounded.Do(ctx, func(ctx context.Context) (err error) {
			if h.Text != nil {
				to, id := m.To, m.ID
				if m, err = h.Text(ctx, r, change, m); err != nil {
					return err
				}
				m.To, m.ID, m.Request = to, id, r
			}
			return h.Senders[medium].Send(ctx, m)
		})
		if err != nil {
			h.Logger.ErrorContext(ctx, "account: a notice was not sent", "medium", medium, "kind", change.Kind, "error", redact.Err(err, address.Reveal()))
			continue
		}
		told = true
	}
	if !told && !h.InsecureNoNotice {
		h.Logger.WarnContext(ctx, "account: a user was not told of a change", "kind", change.Kind, "added", change.Added)
	}
}

var nouns = map[string]string{
	"passkeys": "A passkey was", "apps": "An authenticator app was", "recovery-codes": "Recovery codes were", "devices": "A device was",
}

// notice is the text in English.
func notice(c Change) customauth.Message {
	what := nouns[c.Kind] + " removed from your account."
	if c.Added {
		what = nouns[c.Kind] + " added to your account."
	}
	return customauth.Message{
		Subject: customauth.Hide("Your ways to sign in have changed"),
		Text:    customauth.Hide(what + " If this was not you, sign in, remove what you do not know, and sign out everywhere."),
		Locale:  "en",
	}
}
