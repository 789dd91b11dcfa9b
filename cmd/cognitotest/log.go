package main

// This file writes what happens: lines for people, or one JSON object a line.

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A log is safe for concurrent use.
type log struct {
	mu      sync.Mutex
	w       io.Writer
	json    bool
	quiet   bool // without messages
	verbose bool // with every call of a trigger
}

func newLog(w io.Writer, json, quiet bool) *log { return &log{w: w, json: json, quiet: quiet} }

// print writes the event as JSON, or else the text.
func (l *log) print(event string, members map[string]any, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.json {
		fmt.Fprintf(l.w, format+"\n", args...)
		return
	}
	object := maps.Clone(members)
	object["event"] = event
	line, err := json.Marshal(object)
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	l.w.Write(append(line, '\n'))
}

func (l *log) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.print("warning", map[string]any{"text": text}, "warning: %s", text)
}

func (l *log) message(m message) {
	if l.quiet {
		return
	}
	text := strings.Join(strings.Fields(orElse(m.Text, m.HTML)), " ")
	if m.Subject != "" {
		text = m.Subject + ": " + text
	}
	l.print("message", map[string]any{"message": m}, "%s to %s: %s", m.Medium, m.To, text)
}

func (l *log) trigger(name string, took time.Duration, err error) {
	if !l.verbose {
		return
	}
	took = took.Round(time.Millisecond)
	members := map[string]any{"trigger": name, "milliseconds": took.Milliseconds()}
	if err == nil {
		l.print("trigger", members, "%s answered in %v", name, took)
		return
	}
	members["error"] = err.Error()
	l.print("trigger", members, "%s failed after %v: %v", name, took, err)
}

// ready says that requests are answered from now on.
func (l *log) ready(w *world) {
	members := make(map[string]any)
	for _, v := range w.env() {
		members[v.Name] = v.Value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "cognitotest: pool %s at %s", w.settings.pool.ID, w.server.URL)
	for _, c := range w.settings.pool.Clients {
		fmt.Fprintf(&b, "\n  client    %s", orElse(c.ID, defaultClientID))
	}
	for _, t := range slices.Sorted(maps.Keys(w.settings.triggers)) {
		fn := w.settings.functions[w.settings.triggers[t]]
		fmt.Fprintf(&b, "\n  trigger   %s  %s", t, fn.path)
	}
	fmt.Fprintf(&b, "\n  tests     %s%s", w.server.URL, pathControl)
	l.print("ready", map[string]any{"url": w.server.URL, "env": members}, "%s", b.String())
}
