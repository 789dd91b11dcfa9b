package main

// This file says what differs between two surfaces.

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A change is a line of a report.
type change struct {
	what      string // "added", "changed" or "removed"
	then, now string
	breaks    string // whom it breaks; empty if nobody
}

// compare lists what differs, in the order of the names.
func compare(then, now []string) (list []change) {
	before := map[string]string{}
	for _, line := range then {
		before[name(line)] = line
	}
	after := map[string]string{}
	for _, line := range now {
		after[name(line)] = line
	}
	var names []string
	for n := range before {
		names = append(names, n)
	}
	for n := range after {
		if _, ok := before[n]; !ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		old, was := before[n]
		line, is := after[n]
		switch {
		case !is:
			list = append(list, change{"removed", old, "", "users"})
		case !was && strings.Contains(line, " interface, ") && before[owner(n)] != "":
			list = append(list, change{"added", "", line, "whoever implements it"})
		case !was:
			list = append(list, change{"added", "", line, ""})
		case old != line:
			list = append(list, change{"changed", old, line, "users"})
		}
	}
	return list
}

// name is the part of a line that stays when what it names changes.
func name(line string) string {
	pkg, rest, _ := strings.Cut(line, ", ")
	kind, rest, _ := strings.Cut(rest, " ")
	switch kind {
	case "method":
		recv, method, _ := strings.Cut(rest, ") ")
		recv = strings.TrimLeft(recv, "(*")
		return pkg + ", method " + ident(recv) + "." + ident(method)
	case "type":
		of, member, isMember := strings.Cut(rest, ", ")
		if !isMember || !strings.HasSuffix(of, " struct") && !strings.HasSuffix(of, " interface") {
			return pkg + ", " + ident(rest)
		}
		if embedded, ok := strings.CutPrefix(member, "embedded "); ok {
			return pkg + ", " + ident(rest) + ".embedded " + embedded
		}
		return pkg + ", " + ident(rest) + "." + ident(member)
	default: // a const that becomes a var is changed, not removed
		return pkg + ", " + ident(rest)
	}
}

// owner is the name of the type that a member belongs to.
func owner(name string) string {
	at := strings.LastIndex(name, ".")
	if i := strings.LastIndex(name, ".embedded "); i >= 0 {
		at = i
	}
	return name[:max(at, 0)]
}

// ident is the identifier at the start of s.
func ident(s string) string {
	if i := strings.IndexAny(s, " ([,"); i >= 0 {
		return s[:i]
	}
	return s
}

// report writes changes down, those that break somebody with whom.
func report(out io.Writer, title string, list []change) {
	if len(list) == 0 {
		return
	}
	breaking := 0
	for _, c := range list {
		if c.breaks != "" {
			breaking++
		}
	}
	fmt.Fprintf(out, "%s: %d changes, %d of them breaking\n", title, len(list), breaking)
	for _, c := range list {
		suffix := ""
		if c.breaks != "" {
			suffix = " (breaks " + c.breaks + ")"
		}
		switch c.what {
		case "changed":
			fmt.Fprintf(out, "  changed%s:\n    - %s\n    + %s\n", suffix, c.then, c.now)
		default:
			fmt.Fprintf(out, "  %s%s: %s\n", c.what, suffix, c.then+c.now)
		}
	}
}
