package main

// This file lets the tests, which are outside of the package, run the program and
// feed its decoders.

import (
	"flag"
	"net/http"
	"slices"
	"time"
)

var (
	Main  = main
	Usage = usage
)

// DecodeFile reads the JSON file's content and takes it.
func DecodeFile(data []byte) error {
	var f file
	if err := decodeStrict(data, &f); err != nil {
		return err
	}
	s := &settings{functions: make(map[string]function), triggers: make(map[string]string)}
	return s.take(f, "")
}

// FlagNames are the flags, and --help.
func FlagNames() []string {
	names := []string{"help"}
	new(flags).set().VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	slices.Sort(names)
	return names
}

// AWS is SNS and SES, and what arrived.
func AWS() (http.Handler, func() []Message) {
	b := newMailbox(time.Now, func(message) {})
	return serveAWS(b), func() []Message {
		found, _, _ := b.look("", 0)
		return found
	}
}

type Message = message
