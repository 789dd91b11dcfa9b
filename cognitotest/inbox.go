package cognitotest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
)

// inboxSize is how many messages an inbox keeps.
const inboxSize = 10_000

// An Inbox is a customauth.Sender that keeps what it is given, for tests to
// read. The zero value is empty and ready for use. It keeps the newest 10,000
// messages, and is safe for concurrent use.
type Inbox struct {
	// Notify, if set, is called with every message after it is kept. It must not
	// wait: who sent the message waits for it.
	Notify func(Message)

	mu       sync.Mutex
	messages []Message // oldest first, up to twice as many as are shown
}

// A Message is what an inbox received. It holds the code in the clear: it is for
// tests and local pages, not for logs.
type Message struct {
	To     string    // the phone number or e-mail address
	Medium string    // "SMS" or "EMAIL"
	Code   string    // the code alone
	Text   string    // the whole text
	Time   time.Time // when it came
}

var _ customauth.Sender = (*Inbox)(nil)

// Send keeps the message. It never fails.
func (b *Inbox) Send(_ context.Context, m customauth.Message) error {
	b.put(Message{To: m.To.Address.Reveal(), Medium: m.To.Medium, Code: m.Code.Reveal(), Text: m.Text.Reveal()})
	return nil
}

// Warm has nothing to do.
func (b *Inbox) Warm(context.Context) error { return nil }

func (b *Inbox) put(m Message) {
	m.Time = time.Now()
	b.keep(m)
	if b.Notify != nil {
		b.Notify(m)
	}
}

func (b *Inbox) keep(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.messages) == 2*inboxSize {
		b.messages = append(b.messages[:0], b.messages[inboxSize:]...)
	}
	b.messages = append(b.messages, m)
}

// newest are the messages that are shown. The caller holds mu.
func (b *Inbox) newest() []Message {
	return b.messages[max(0, len(b.messages)-inboxSize):]
}

// Messages returns the messages to this address, or all of them for "", newest
// first.
func (b *Inbox) Messages(to string) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []Message
	for _, m := range slices.Backward(b.newest()) {
		if to == "" || m.To == to {
			found = append(found, m)
		}
	}
	return found
}

// Code returns the code of the newest message to this address, or "".
func (b *Inbox) Code(to string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range slices.Backward(b.newest()) {
		if m.To == to {
			return m.Code
		}
	}
	return ""
}
