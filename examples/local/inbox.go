package main

// This file is the phone and the mailbox of everybody: the texts, e-mails and calls
// that would have been, kept in memory, printed, and served to the page.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"slices"
	"strconv"
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

// A text is a message as the phone or the mailbox shows it.
type text struct {
	ID      string    `json:"id"`      // tells it from all others of this inbox
	To      string    `json:"to"`      // a phone number in E.164, or an e-mail address
	Channel string    `json:"channel"` // SMS, EMAIL or VOICE
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	HTML    string    `json:"-"` // of an e-mail; it may have none
	Time    time.Time `json:"time"`
}

// An inbox keeps the texts to everybody. It is safe for concurrent use.
type inbox struct {
	print io.Writer // each text is printed here as it arrives

	mu      sync.Mutex
	count   int           // of all texts that ever came
	texts   []text        // oldest first
	changed chan struct{} // closed and replaced when a text arrives
}

func newInbox(print io.Writer) *inbox {
	return &inbox{print: print, changed: make(chan struct{})}
}

// Send makes the inbox a customauth.Sender.
func (b *inbox) Send(_ context.Context, m customauth.Message) error {
	t := text{To: m.To.Address.Reveal(), Channel: m.To.Medium, Text: m.Text.Reveal()}
	if t.Channel == "EMAIL" {
		t.Subject, t.HTML = m.Subject.Reveal(), m.HTML.Reveal()
	}
	return b.deliver(t)
}

// Warm has nothing to do.
func (b *inbox) Warm(context.Context) error { return nil }

// deliver takes a text in, unless it goes to the dead number.
func (b *inbox) deliver(t text) error {
	if t.To == deadNumber {
		return errors.New("local: this number never gets a text")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	t.ID, t.Time = strconv.Itoa(b.count), time.Now()
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
	if t.Subject != "" {
		fmt.Fprintf(&s, "  │ %s\n  │\n", t.Subject)
	}
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

// mailPolicy keeps an e-mail from doing anything but looking nice: it has no scripts,
// no origin and no network, and its links open tabs of their own.
const mailPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// serveMail serves an e-mail as the page that a mail program makes of it, for a frame.
func (b *inbox) serveMail(w http.ResponseWriter, r *http.Request) {
	all, _ := b.list("")
	i := slices.IndexFunc(all, func(t text) bool { return t.ID == r.PathValue("id") && t.Channel == "EMAIL" })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	body := all[i].HTML
	if body == "" {
		body = `<meta charset="utf-8"><body style="margin:1rem;font:15px/1.5 sans-serif;white-space:pre-wrap;overflow-wrap:anywhere">` + html.EscapeString(all[i].Text)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, `<!doctype html><base target="_blank">`+body)
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
