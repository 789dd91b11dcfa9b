package main

// This file is the phone of everybody: the texts that would have been sent, kept in
// memory, printed, and served to the page.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
)

// inboxSize is how many texts are kept.
const inboxSize = 100

// A text is a message as the phone shows it.
type text struct {
	ID      int       `json:"id"` // counts them
	To      string    `json:"to"`
	Channel string    `json:"channel"`
	Text    string    `json:"text"`
	Time    time.Time `json:"time"`
}

// An inbox is a customauth.Sender, and serves what it was given. It is safe for
// concurrent use.
type inbox struct {
	print io.Writer

	mu      sync.Mutex
	count   int
	texts   []text        // newest first
	changed chan struct{} // closed and replaced when a text arrives
}

func newInbox(print io.Writer) *inbox { return &inbox{print: print, changed: make(chan struct{})} }

func (b *inbox) Send(_ context.Context, m customauth.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	t := text{b.count, m.To.Address.Reveal(), m.To.Medium, m.Text.Reveal(), time.Now()}
	b.texts = slices.Insert(b.texts, 0, t)
	b.texts = b.texts[:min(len(b.texts), inboxSize)]
	close(b.changed)
	b.changed = make(chan struct{})
	fmt.Fprintf(b.print, "  %s to %s: %s\n", t.Channel, t.To, t.Text)
	return nil
}

// Warm has nothing to do.
func (b *inbox) Warm(context.Context) error { return nil }

// list gives the texts to one number, or all if to is empty, and a channel that is
// closed when there is a newer list.
func (b *inbox) list(to string) ([]text, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []text{} // never null in JSON
	for _, t := range b.texts {
		if to == "" || t.To == to {
			found = append(found, t)
		}
	}
	return found, b.changed
}

// ServeHTTP answers with the texts as JSON, newest first; ?to= gives those to one
// number. A browser's EventSource gets the list once more each time that it changes.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := recipient(r)
	texts, changed := b.list(to)
	if r.Header.Get("Accept") != "text/event-stream" {
		writeJSON(w, texts)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		data, err := json.Marshal(texts) // one line, as an event needs it
		if err != nil {
			return
		}
		fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", data)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
			texts, changed = b.list(to)
		case <-r.Context().Done():
			return
		}
	}
}
