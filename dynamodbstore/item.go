package dynamodbstore

// This file is what an item says, and what an op finds in it and makes of it:
//
//	pk         S  the key
//	.counter   L  of N, the events with Windows, newest first: milliseconds since 1970,
//	              and after the point three digits, e and mm, that say for how long an
//	              event matters (mm times 10 to the e milliseconds), and in some events
//	              eight random ones, by which a request recognises itself
//	#counter   L  of N, the Tags of these events, in the same order; 0 is none, and so
//	              is the end of the list
//	+counter   N  the events in a row
//	expires    N  seconds since 1970; the string "never" while events in a row are
//	              counted, which DynamoDB's time to live passes over
//
// "At most Max in any Per" says: the event at place Max-1 is older than Per, or there
// is none. The order of a list is the order of the writes, whatever the clocks of
// the writers say.

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cyber-eternal/customauth"
)

// A state is what an item says. States do not share what they change.
type state struct {
	counters map[string]counter
	expires  int64 // 0: not set
	never    bool  // it must not expire
}

type counter struct {
	events []event // newest first
	row    int64
}

type event struct {
	id        string // as stored
	at, until int64  // until it is out of all windows it was counted with
	tag       string // as stored; "" is none
}

// newEvent is an event of now that matters for per.
func newEvent(now, per int64, random bool) event {
	m, e := per, 0
	for ; m > 99; e++ {
		m = (m + 9) / 10
	}
	id := fmt.Sprintf("%d.%d%02d", now, e, m)
	if random {
		var b [8]byte
		rand.Read(b[:])                                                // never fails
		id += fmt.Sprintf("%08d", binary.BigEndian.Uint64(b[:])%1e8|1) // DynamoDB drops zeros at the end
	}
	ev, _ := readEvent(id)
	return ev
}

func readEvent(id string) (event, error) {
	ms, more, _ := strings.Cut(id, ".")
	at, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || at < 0 || at > 1<<53 {
		return event{}, errItem
	}
	more += "000"
	per, err := strconv.ParseInt(more[1:3], 10, 64)
	if err != nil || more[0] < '0' || more[0] > '9' {
		return event{}, errItem
	}
	for range more[0] - '0' {
		per *= 10
	}
	return event{id: id, at: at, until: at + per}, nil
}

// tagID is what is stored for a tag.
func tagID(tag string) string {
	sum := sha256.Sum256([]byte("customauth tag\x00" + tag))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:])|1, 10)
}

// readState reads an item; no item is a state of nothing.
func readState(it item) (state, error) {
	st := state{counters: make(map[string]counter)}
	for name, v := range it {
		if name == "expires" {
			if s, ok := v.(*types.AttributeValueMemberS); ok && s.Value == never {
				st.never = true
				continue
			}
			n, err := readNumber(v)
			if err != nil {
				return state{}, err
			}
			st.expires = n
			continue
		}
		c, err := st.counters[name[min(1, len(name)):]], error(nil)
		switch {
		case strings.HasPrefix(name, "."):
			err = c.readEvents(v, it["#"+name[1:]])
		case strings.HasPrefix(name, "+"):
			c.row, err = readNumber(v)
		default:
			continue
		}
		if err != nil {
			return state{}, err
		}
		st.counters[name[1:]] = c
	}
	return st, nil
}

func (c *counter) readEvents(times, tags types.AttributeValue) error {
	ids, err := readNumbers(times)
	if err != nil {
		return err
	}
	var names []string
	if tags != nil {
		if names, err = readNumbers(tags); err != nil {
			return err
		}
	}
	for i, id := range ids {
		e, err := readEvent(id)
		if err != nil {
			return err
		}
		if i < len(names) && names[i] != "0" {
			e.tag = names[i]
		}
		c.events = append(c.events, e)
	}
	return nil
}

func readNumbers(v types.AttributeValue) (list []string, err error) {
	l, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		return nil, errItem
	}
	for _, e := range l.Value {
		n, ok := e.(*types.AttributeValueMemberN)
		if !ok {
			return nil, errItem
		}
		list = append(list, n.Value)
	}
	return list, nil
}

// never is what expires says of an item that must not.
const never = "never"

// write returns the attributes of a state, but for the key.
func (st state) write() item {
	it := make(item)
	for name, c := range st.counters {
		if c.row > 0 {
			it["+"+name] = number(c.row)
		}
		if len(c.events) == 0 {
			continue
		}
		var times, tags types.AttributeValueMemberL
		tagged := 0
		for i, e := range c.events {
			times.Value = append(times.Value, &types.AttributeValueMemberN{Value: e.id})
			tag := "0"
			if e.tag != "" {
				tag, tagged = e.tag, i+1
			}
			tags.Value = append(tags.Value, &types.AttributeValueMemberN{Value: tag})
		}
		it["."+name] = &times
		if tagged > 0 {
			tags.Value = tags.Value[:tagged]
			it["#"+name] = &tags
		}
	}
	switch {
	case st.never:
		it["expires"] = &types.AttributeValueMemberS{Value: never}
	case st.expires > 0:
		it["expires"] = number(st.expires)
	}
	return it
}

// find tells what ops find, and whether all that wait have room.
func (st state) find(ops []op, now int64) (found []customauth.Found, room bool) {
	room = true
	for _, o := range ops {
		f := st.counters[o.counter].find(o, now)
		found = append(found, f)
		room = room && (f.Wait == 0 || !o.waits())
	}
	return found, room
}

func (c counter) find(o op, now int64) customauth.Found {
	f := customauth.Found{Age: -1}
	if i := c.newest(o, now); i >= 0 {
		f.Age = milliseconds(now - c.events[i].at)
		if o.tag != "" {
			return f // it is counted already
		}
	}
	f.Wait = c.wait(o, now)
	return f
}

// newest is the place of the newest event, or of the one with the op's tag, within
// the windows; -1 if there is none.
func (c counter) newest(o op, now int64) int {
	return slices.IndexFunc(c.events, func(e event) bool {
		return (o.tag == "" || o.tag == e.tag) && (len(o.windows) == 0 || now-e.at < o.longest())
	})
}

func (c counter) wait(o op, now int64) time.Duration {
	if o.row > 0 && int64(o.n) > int64(o.row)-c.row {
		return forever
	}
	var wait int64
	for _, w := range o.windows {
		i := w.max - o.n
		if i < 0 {
			return forever
		}
		if i < len(c.events) {
			wait = max(wait, c.events[i].at+w.per-now)
		}
	}
	return milliseconds(wait)
}

// apply returns the state after ops that found this. The events that are added are
// those of added.
func (st state) apply(ops []op, found []customauth.Found, added map[string]event) state {
	next := state{maps.Clone(st.counters), st.expires, st.never}
	for i, o := range ops {
		c := next.counters[o.counter]
		switch {
		case o.verb == customauth.Reset:
			c = counter{}
		case o.verb == customauth.Return && o.row > 0:
			c.row = max(0, c.row-int64(o.n))
		case o.verb == customauth.Return:
			c.events = c.events[min(o.n, len(c.events)):]
		case !o.adds() || o.tag != "" && found[i].Age >= 0:
			continue
		case o.row > 0:
			c.row += int64(o.n)
		default:
			c.events = slices.Concat(slices.Repeat([]event{added[o.counter]}, o.stored()), c.events)
			if o.verb == customauth.Mark {
				c.events = c.events[:min(len(c.events), o.most())]
			}
		}
		next.counters[o.counter] = c
	}
	return next
}

// stored is how many events an op adds to a list.
func (o op) stored() int {
	if o.verb == customauth.Mark {
		return min(o.n, o.most())
	}
	return o.n
}

// tidy returns a state without what no window can see any more, and with the right
// time to expire.
func (st state) tidy(key string, now int64) state {
	next := state{counters: make(map[string]counter), expires: st.expires}
	needed, rows := now/1000, false
	for name, c := range st.counters {
		c.events = slices.DeleteFunc(slices.Clone(c.events), func(e event) bool { return e.until <= now })
		for _, e := range c.events {
			needed = max(needed, e.until/1000+1)
		}
		rows = rows || c.row > 0
		if len(c.events) > 0 || c.row > 0 {
			next.counters[name] = c
		}
	}
	switch {
	case rows && !strings.HasPrefix(key, "nobody:"):
		next.never, next.expires = true, 0
	case rows:
		needed = max(needed, now/1000+int64(maxPer/time.Second))
		fallthrough
	default:
		if next.expires < needed {
			next.expires = max(needed+day, expires(key, nil, now))
		}
	}
	return next
}

const day = 24 * 60 * 60

// expires is when DynamoDB may delete an item that ops were just done on, in
// seconds: a day after their longest window, so that clocks that differ lose nothing.
// An account has counters that these ops do not speak of, and so it has a year.
func expires(key string, ops []op, now int64) int64 {
	var longest int64
	for _, o := range ops {
		if o.verb != customauth.Look {
			longest = max(longest, o.longest())
		}
	}
	if strings.HasPrefix(key, "account:") {
		longest = int64(maxPer / time.Millisecond)
	}
	return (now+longest)/1000 + day
}

// size is how many bytes DynamoDB sees in an item
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
func size(key string, it item) int {
	sum := len("pk") + len(key)
	for name, v := range it {
		sum += len(name) + sizeOf(v)
	}
	return sum
}

func sizeOf(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return (len(v.Value)+1)/2 + 1
	case *types.AttributeValueMemberL:
		sum := 3
		for _, e := range v.Value {
			sum += 1 + sizeOf(e)
		}
		return sum
	}
	return 0
}
