package event

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting: events are four levels deep.
const maxDepth = 64

// A scanner walks over JSON (RFC 8259) once, from left to right, and checks all
// of it, also what it passes over. The strings that it reads alias the data where
// they can.
type scanner struct {
	data      string
	pos       int
	depth     int
	members   int // of the object that was read last
	lastBrace int // its closing brace
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, s.pos)
}

// peek is the next byte that is no white space, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// valueStart is where the next value begins.
func (s *scanner) valueStart() int {
	s.peek()
	return s.pos
}

func (s *scanner) take(c byte) error {
	if s.peek() != c {
		return s.fail("expected " + string(rune(c)))
	}
	s.pos++
	return nil
}

// whole reads data that is one object and nothing else.
func (s *scanner) whole(member func(key string) error) error {
	if s.peek() != '{' {
		return s.fail("expected an object")
	}
	if err := s.object(member); err != nil {
		return err
	}
	if s.valueStart() != len(s.data) {
		return s.fail("trailing data")
	}
	return nil
}

// object reads an object, or null. member must consume the value.
func (s *scanner) object(member func(key string) error) error {
	if s.peek() == 'n' {
		return s.word("null")
	}
	if err := s.take('{'); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("nested too deeply")
	}
	n := 0
	for ; ; n++ {
		if s.peek() == '}' && n == 0 {
			break
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		if s.peek() != ',' {
			n++
			break
		}
		s.pos++
	}
	if err := s.take('}'); err != nil {
		return err
	}
	s.depth--
	s.members, s.lastBrace = n, s.pos-1
	return nil
}

// array reads an array, or null. element must consume the value.
func (s *scanner) array(element func() error) error {
	if s.peek() == 'n' {
		return s.word("null")
	}
	if err := s.take('['); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("nested too deeply")
	}
	for n := 0; ; n++ {
		if s.peek() == ']' && n == 0 {
			break
		}
		if err := element(); err != nil {
			return err
		}
		if s.peek() != ',' {
			break
		}
		s.pos++
	}
	s.depth--
	return s.take(']')
}

// text reads a string, or null as an empty one.
func (s *scanner) text(to *string) error {
	if s.peek() == 'n' {
		return s.word("null")
	}
	v, err := s.str()
	if err != nil {
		return err
	}
	*to = v
	return nil
}

// boolean reads true, false, or null as false.
func (s *scanner) boolean(to *bool) error {
	switch s.peek() {
	case 't':
		*to = true
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.fail("expected a boolean")
}

// strings reads an object of strings. A member that is null counts as absent,
// one of another type as its JSON text.
func (s *scanner) strings(to *map[string]string) error {
	if s.peek() == 'n' {
		return s.word("null")
	}
	m := make(map[string]string, 8)
	err := s.object(func(key string) error {
		switch s.peek() {
		case '"':
			v, err := s.str()
			m[key] = v
			return err
		case 'n':
			return s.word("null")
		}
		from := s.pos
		err := s.skip()
		m[key] = s.data[from:s.pos]
		return err
	})
	*to = m
	return err
}

// skip passes over any value.
func (s *scanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(func(string) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		_, _, err := s.raw()
		return err
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return s.fail("expected a value")
}

func (s *scanner) word(w string) error {
	if !strings.HasPrefix(s.data[s.pos:], w) {
		return s.fail("expected " + w)
	}
	s.pos += len(w)
	return nil
}

func (s *scanner) number() error {
	if s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if s.digits() == 0 {
		return s.fail("expected a digit")
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return s.fail("expected a digit")
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return s.fail("expected a digit")
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
		n++
	}
	return n
}

// raw reads a string and returns what is between its quotes, and whether that is
// the string itself: ASCII without an escape.
func (s *scanner) raw() (text string, plain bool, err error) {
	if err := s.take('"'); err != nil {
		return "", false, err
	}
	from := s.pos
	plain = true
	for i := from; i < len(s.data); {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.data[from:i], plain, nil
		case c == '\\':
			s.pos = i
			if err := s.escape(); err != nil {
				return "", false, err
			}
			i, plain = s.pos, false
		case c < 0x20:
			s.pos = i
			return "", false, s.fail("control character in a string")
		default:
			i++
			plain = plain && c < utf8.RuneSelf
		}
	}
	s.pos = len(s.data)
	return "", false, s.fail("string without an end")
}

// str reads a string.
func (s *scanner) str() (string, error) {
	text, plain, err := s.raw()
	if plain || err != nil {
		return text, err
	}
	return unescape(text), nil
}

func (s *scanner) escape() error {
	if s.pos+1 >= len(s.data) {
		return s.fail("string without an end")
	}
	switch s.data[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
		if _, ok := hex4(s.data[s.pos:]); !ok {
			return s.fail("bad escape")
		}
		s.pos += 6
		return nil
	}
	return s.fail("bad escape")
}

// unescape decodes a checked string. What is no UTF-8 and no pair of surrogates
// becomes U+FFFD, as in encoding/json.
func unescape(raw string) string {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			r, size := utf8.DecodeRuneInString(raw[i:])
			out = utf8.AppendRune(out, r)
			i += size
			continue
		}
		if raw[i+1] != 'u' {
			out = append(out, short[raw[i+1]])
			i += 2
			continue
		}
		r, _ := hex4(raw[i:])
		i += 6
		if utf16.IsSurrogate(r) {
			low, ok := hex4(raw[i:])
			if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
				i += 6
			} else {
				r = utf8.RuneError
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// short has what the escapes of one letter stand for.
var short = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hex4 reads a \uXXXX at the start of b.
func hex4(b string) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(b[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// AppendString appends a JSON string.
func AppendString(b []byte, s string) []byte {
	b = append(slices.Grow(b, len(s)+2), '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c >= utf8.RuneSelf && !(r == utf8.RuneError && size == 1) {
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, "\ufffd"...)
		}
		i += size
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
