package main

// This file is the phone of everybody: the texts that would have been sent,
// kept in memory, printed, and served to the page.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
)

const (
	// inboxSize is how many texts are kept. Older ones are forgotten.
	inboxSize = 100

	// deadNumber never gets a text: to see what happens when sending fails. It
	// is one of the numbers that are set aside for fiction (555-0100 to 0199).
	deadNumber = "+12065550199"
)

// A text is a message as the phone shows it.
type text struct {
	To      string    `json:"to"`      // a phone number in E.164, or an e-mail address
	Channel string    `json:"channel"` // SMS or EMAIL
	Text    string    `json:"text"`
	Time    time.Time `json:"time"`
}

// An inbox keeps the texts to every number. It is safe for concurrent use.
type inbox struct {
	print io.Writer // each text is printed here as it arrives

	mu      sync.Mutex
	texts   []text        // oldest first
	changed chan struct{} // closed and replaced when a text arrives
}

func newInbox(print io.Writer) *inbox {
	return &inbox{print: print, changed: make(chan struct{})}
}

// Send makes the inbox a customauth.Sender.
func (b *inbox) Send(_ context.Context, m customauth.Message) error {
	return b.deliver(m.To.Address.Reveal(), m.To.Medium, m.Text.Reveal())
}

// Warm has nothing to do.
func (b *inbox) Warm(context.Context) error { return nil }

// deliver takes a text in, unless it goes to the dead number.
func (b *inbox) deliver(to, channel, body string) error {
	if to == deadNumber {
		return errors.New("local: this number never gets a text")
	}
	t := text{To: to, Channel: channel, Text: body, Time: time.Now()}

	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.texts) == inboxSize {
		b.texts = slices.Delete(b.texts, 0, 1)
	}
	b.texts = append(b.texts, t)
	close(b.changed)
	b.changed = make(chan struct{})
	fmt.Fprint(b.print, t)
	return nil
}

// String draws the text as the phone would show it.
func (t text) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "\n  ╭─ %s to %s, %s\n", t.Channel, t.To, t.Time.Format(time.TimeOnly))
	for line := range strings.Lines(t.Text) {
		fmt.Fprintf(&s, "  │ %s\n", strings.TrimRight(line, "\n"))
	}
	s.WriteString("  ╰─\n\n")
	return s.String()
}

// list gives the texts to one recipient, or all if to is empty, newest first.
// The channel is closed when there is a newer list.
func (b *inbox) list(to string) ([]text, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []text{} // never null in JSON
	for _, t := range slices.Backward(b.texts) {
		if to == "" || t.To == to {
			found = append(found, t)
		}
	}
	return found, b.changed
}

// ServeHTTP answers with the texts as JSON, newest first. ?to= gives those to
// one number. A browser's EventSource gets the list once more each time that
// it changes.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := recipient(r.URL.Query().Get("to"))
	if r.Header.Get("Accept") == "text/event-stream" {
		b.stream(w, r, to)
		return
	}
	texts, _ := b.list(to)
	writeJSON(w, texts)
}

// stream sends server-sent events until the client or the program ends.
func (b *inbox) stream(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		texts, changed := b.list(to)
		data, err := json.Marshal(texts) // one line, as an event needs it
		if err != nil {
			return
		}
		fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", data)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// recipient reads the to of a query. In a query a plus means a space, so
// "?to=+12065550100" arrives as " 12065550100"; both spellings mean the number.
func recipient(to string) string {
	to = strings.TrimSpace(to)
	if to != "" && strings.Trim(to, "0123456789") == "" {
		return "+" + to
	}
	return to
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v) // fails only when the client is gone
}
