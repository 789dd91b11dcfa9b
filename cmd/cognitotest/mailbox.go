package main

// This file keeps the messages that the pool and its triggers send, for tests to
// read, and hands them on.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// mailboxSize is how many messages are kept.
const mailboxSize = 10_000

// A message is a text or a mail.
type message struct {
	ID      int64     `json:"id"` // counts up from 1
	From    string    `json:"from"`
	Medium  string    `json:"medium"` // SMS or EMAIL
	To      string    `json:"to"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	HTML    string    `json:"html,omitempty"`
	Code    string    `json:"code,omitempty"` // the first code in the text
	Link    string    `json:"link,omitempty"` // the first link in the text
	Time    time.Time `json:"time"`
}

var (
	codePattern = regexp.MustCompile(`\b[0-9]{4,10}\b`)
	linkPattern = regexp.MustCompile(`https?://[^\s"'<>]+`)
)

// find fills in code and link. Digits in a link are no code.
func (m *message) find() {
	text := orElse(m.Text, m.HTML)
	m.Link = strings.TrimRight(linkPattern.FindString(text), ".,;:!?)")
	m.Link = strings.ReplaceAll(m.Link, "&amp;", "&")
	if m.Code == "" {
		m.Code = codePattern.FindString(linkPattern.ReplaceAllString(text, ""))
	}
}

// A mailbox keeps the newest messages. It is safe for concurrent use.
type mailbox struct {
	now func() time.Time
	see func(message) // is told of each; it does not wait

	mu       sync.Mutex
	last     int64
	messages []message     // oldest first
	changed  chan struct{} // closed by the next message
}

func newMailbox(now func() time.Time, see func(message)) *mailbox {
	return &mailbox{now: now, see: see, changed: make(chan struct{})}
}

func (b *mailbox) put(m message) {
	m.find()
	b.mu.Lock()
	b.last++
	m.ID, m.Time = b.last, b.now()
	b.messages = append(b.messages, m)
	if len(b.messages) > mailboxSize {
		b.messages = slices.Delete(b.messages, 0, mailboxSize/10)
	}
	close(b.changed)
	b.changed = make(chan struct{})
	b.mu.Unlock()
	b.see(m)
}

// get returns the messages to this address ("" is any) that are newer than after,
// and the newest message's ID. If there are none it waits for one, for as long as
// wait and the context last.
func (b *mailbox) get(ctx context.Context, to string, after int64, wait time.Duration) ([]message, int64) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		found, last, changed := b.look(to, after)
		if len(found) > 0 {
			return found, last
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return found, last
		}
	}
}

func (b *mailbox) look(to string, after int64) (found []message, last int64, changed chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found = []message{}
	for _, m := range b.messages {
		if m.ID > after && (to == "" || strings.EqualFold(m.To, to)) {
			found = append(found, m)
		}
	}
	return found, b.last, b.changed
}

// clear forgets the messages; the IDs go on.
func (b *mailbox) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = nil
}

const (
	hookTimeout = 10 * time.Second
	hookQueue   = 1000
)

// A hook is a program or a URL that gets the messages, one after the other. A nil
// one does nothing.
type hook struct {
	target  string
	log     *log
	queue   chan message
	closing chan struct{}
	done    chan struct{}
}

func startHook(target string, log *log) *hook {
	h := &hook{target: target, log: log, queue: make(chan message, hookQueue), closing: make(chan struct{}), done: make(chan struct{})}
	go h.run()
	return h
}

// run hands on what comes, and at the end what is left.
func (h *hook) run() {
	defer close(h.done)
	for {
		select {
		case m := <-h.queue:
			h.try(m)
			continue
		default:
		}
		select {
		case m := <-h.queue:
			h.try(m)
		case <-h.closing:
			return
		}
	}
}

func (h *hook) try(m message) {
	if err := h.call(m); err != nil {
		h.log.warn("--on-message %s: %v", h.target, err)
	}
}

func (h *hook) put(m message) {
	if h == nil {
		return
	}
	select {
	case h.queue <- m:
	default:
		h.log.warn("--on-message %s: it is too slow: message %d is left out", h.target, m.ID)
	}
}

func (h *hook) call(m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), hookTimeout)
	defer cancel()
	if !isURL(h.target) {
		cmd := exec.CommandContext(ctx, h.target)
		cmd.Stdin = bytes.NewReader(body)
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w %s", err, bytes.TrimSpace(out))
		}
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return nil
}

// close hands on what was put before. It is called once.
func (h *hook) close() {
	if h == nil {
		return
	}
	close(h.closing)
	<-h.done
}
