package cognitotest

// This file reads model.txt, which says what each operation of the service takes.
// internal/genmodel writes it, and explains its lines.

import (
	_ "embed"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run ./internal/genmodel -o model.txt

//go:embed model.txt
var modelText string

// A shape is what a member of a request may be.
type shape struct {
	kind      string // "string", "enum", "integer", "boolean", "structure", "list", "map" and so on
	sensitive bool   // its value stays out of errors
	min, max  *int   // nil: no bound
	pattern   string // as the service writes it; empty: none
	match     func() *regexp.Regexp
	enum      []string
	members   []member // of a structure
	entry     string   // the shape of a list's entries, or of a map's values
	key       string   // the shape of a map's keys
}

type member struct {
	name, shape string
	required    bool
}

type apiModel struct {
	inputs map[string]string // by operation
	shapes map[string]*shape
}

var model = sync.OnceValue(func() apiModel {
	m := apiModel{make(map[string]string), make(map[string]*shape)}
	for line := range strings.Lines(modelText) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case fields[0] == "operation":
			m.inputs[fields[1]] = fields[2]
		default:
			m.shapes[fields[1]] = newShape(fields)
		}
	}
	return m
})

func newShape(fields []string) *shape {
	s := &shape{kind: fields[0], sensitive: fields[2] != "", min: bound(fields[3]), max: bound(fields[4])}
	detail := fields[5]
	switch s.kind {
	case "structure":
		for _, m := range strings.Fields(detail) {
			if name, shape, ok := strings.Cut(m, "!"); ok {
				s.members = append(s.members, member{name, shape, true})
			} else {
				name, shape, _ := strings.Cut(m, ":")
				s.members = append(s.members, member{name, shape, false})
			}
		}
	case "list":
		s.entry = detail
	case "map":
		s.key, s.entry, _ = strings.Cut(detail, " ")
	case "enum":
		s.enum = strings.Fields(detail)
	default:
		s.pattern = detail
		s.match = sync.OnceValue(func() *regexp.Regexp { return compile(detail) })
	}
	return s
}

func bound(field string) *int {
	n, err := strconv.Atoi(field)
	if err != nil {
		return nil
	}
	return &n
}

// compile makes a pattern one for a whole value. The service's are Java's, where
// \S leaves out the vertical tab.
func compile(pattern string) *regexp.Regexp {
	pattern = strings.ReplaceAll(pattern, `[\S]`, `[^\s\v]`)
	return regexp.MustCompile(`\A(?:` + pattern + `)\z`)
}
