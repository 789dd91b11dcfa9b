// Package event reads and writes the JSON of the three custom challenge
// triggers without going through structs: it picks what the handlers need and
// keeps the rest of the bytes as they came, so that a field that Cognito adds one
// day comes back to it unharmed.
package event

import (
	"errors"
	"fmt"
	"slices"
)

// A Call is what a handler needs of an event. The typed handlers fill it by hand.
type Call struct {
	Source, Pool, Client, User string

	ChallengeName string
	Session       []Entry
	Private       map[string]string
	Answer        string
	AnswerIsText  bool // false: challengeAnswer was no string
	UserNotFound  bool
	Metadata      map[string]string
	Attributes    map[string]string

	text     string // the payload
	response span   // of the response's value in it; zero when there is none
	end      int    // of the payload's closing brace
	empty    bool   // the payload is an object without members
}

// An Entry is one element of request.session. null is an Entry without a name.
type Entry struct {
	Name     string
	Result   bool
	Metadata string
}

type span struct{ from, to int }

// ErrSyntax is what Parse returns for anything that is no event.
var ErrSyntax = errors.New("malformed event")

// Parse reads a trigger's event. Unknown members are passed over, wherever they
// are; a known one that is there twice, or has a type that Cognito never sends,
// is an error. The Call does not alias the payload: its strings are parts of one
// copy.
func Parse(payload []byte) (*Call, error) {
	c := &Call{text: string(payload)}
	s := scanner{data: c.text}
	var seen once
	err := s.whole(func(key string) error {
		switch key {
		case "triggerSource":
			return seen.first(1, s.text(&c.Source))
		case "userPoolId":
			return seen.first(2, s.text(&c.Pool))
		case "userName":
			return seen.first(4, s.text(&c.User))
		case "callerContext":
			return seen.first(8, c.caller(&s))
		case "request":
			return seen.first(16, c.request(&s))
		case "response":
			from := s.valueStart()
			err := s.skip()
			c.response = span{from, s.pos}
			return seen.first(32, err)
		}
		return s.skip()
	})
	if err != nil {
		return nil, err
	}
	c.end, c.empty = s.lastBrace, s.members == 0
	return c, nil
}

func (c *Call) caller(s *scanner) error {
	var seen once
	return s.object(func(key string) error {
		if key == "clientId" {
			return seen.first(1, s.text(&c.Client))
		}
		return s.skip()
	})
}

func (c *Call) request(s *scanner) error {
	var seen once
	return s.object(func(key string) error {
		switch key {
		case "userAttributes":
			return seen.first(1, s.strings(&c.Attributes))
		case "challengeName":
			return seen.first(2, s.text(&c.ChallengeName))
		case "session":
			return seen.first(4, s.array(func() error {
				var e Entry
				err := e.read(s)
				c.Session = append(c.Session, e)
				return err
			}))
		case "clientMetadata":
			return seen.first(8, s.strings(&c.Metadata))
		case "userNotFound":
			return seen.first(16, s.boolean(&c.UserNotFound))
		case "privateChallengeParameters":
			return seen.first(32, s.strings(&c.Private))
		case "challengeAnswer":
			if s.peek() != '"' {
				return seen.first(64, s.skip())
			}
			c.AnswerIsText = true
			return seen.first(64, s.text(&c.Answer))
		}
		return s.skip()
	})
}

func (e *Entry) read(s *scanner) error {
	var seen once
	return s.object(func(key string) error {
		switch key {
		case "challengeName":
			return seen.first(1, s.text(&e.Name))
		case "challengeResult":
			return seen.first(2, s.boolean(&e.Result))
		case "challengeMetadata":
			return seen.first(4, s.text(&e.Metadata))
		}
		return s.skip()
	})
}

// once remembers which members were there.
type once uint8

func (o *once) first(bit once, err error) error {
	if err != nil {
		return err
	}
	if *o&bit != 0 {
		return fmt.Errorf("%w: a member is there twice", ErrSyntax)
	}
	*o |= bit
	return nil
}

// A Member is one member of the response.
type Member struct {
	Name  string
	Value []byte // JSON
}

// Respond writes the payload with these members in its response. Other members of
// the response stay as they are, and so does all the rest.
func (c *Call) Respond(payload []byte, members []Member) ([]byte, error) {
	size := len(payload) + 32
	for _, m := range members {
		size += len(m.Name) + len(m.Value) + 4
	}
	out := make([]byte, 0, size)
	if c.response == (span{}) {
		out = append(out, payload[:c.end]...)
		if !c.empty {
			out = append(out, ',')
		}
		out = append(out, `"response":`...)
		out = appendObject(out, members)
		return append(out, payload[c.end:]...), nil
	}
	out = append(out, payload[:c.response.from]...)
	out, err := c.merge(out, payload, members)
	if err != nil {
		return nil, err
	}
	return append(out, payload[c.response.to:]...), nil
}

// merge appends the response with the members set.
func (c *Call) merge(out, payload []byte, members []Member) ([]byte, error) {
	s := scanner{data: c.text[:c.response.to], pos: c.response.from}
	if s.peek() != '{' {
		return appendObject(out, members), nil
	}
	kept := members[:len(members):len(members)]
	err := s.object(func(key string) error {
		from := s.valueStart()
		if err := s.skip(); err != nil {
			return err
		}
		for _, m := range members {
			if m.Name == key {
				return nil
			}
		}
		kept = append(kept, Member{key, payload[from:s.pos]})
		return nil
	})
	return appendObject(out, kept), err
}

func appendObject(b []byte, members []Member) []byte {
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, m.Name)
		b = append(b, ':')
		b = append(b, m.Value...)
	}
	return append(b, '}')
}

// AppendParams appends a JSON object of strings, in the order of their names.
func AppendParams(b []byte, params map[string]string) []byte {
	size, names := 2, make([]string, 0, 16)
	for name, value := range params {
		size += len(name) + len(value) + 6
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(slices.Grow(b, size), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, name)
		b = append(b, ':')
		b = AppendString(b, params[name])
	}
	return append(b, '}')
}
