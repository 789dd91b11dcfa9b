package dynamodbstore

// This file carries out ops on the one item of a key.

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cyber-eternal/customauth"
)

// updateItem makes one request where it can. What it finds is what was there before.
func (s *Store) updateItem(ctx context.Context, key string, ops []op) ([]customauth.Found, error) {
	now := s.now()
	changes := slices.ContainsFunc(ops, func(o op) bool { return o.verb != customauth.Look && o.verb != customauth.Ask })
	if !changes || slices.ContainsFunc(ops, op.impossible) {
		st, _, err := s.readItem(ctx, key)
		if err != nil {
			return nil, err
		}
		found, _ := st.find(ops, now)
		return found, nil
	}
	d := draft(key, ops, now)
	if !d.possible {
		_, old, err := s.readItem(ctx, key)
		if err != nil {
			return nil, err
		}
		return s.replace(ctx, key, ops, old)
	}
	retry := again
	if d.me == "" {
		retry = ifNotDone
	}
	old, done, err := s.write(ctx, retry, key, d.expression)
	if err != nil {
		return nil, err
	}
	st, err := readState(old)
	if err != nil {
		return nil, err
	}
	switch {
	case done:
		found, _ := st.find(ops, now)
		next := st.apply(ops, found, d.added)
		d.expiry(&next)
		s.tidy(ctx, key, next, now)
		return found, nil
	case d.in(st):
		return d.before(st, ops, now), nil // an earlier try has done it
	}
	return s.replace(ctx, key, ops, old)
}

func (s *Store) readItem(ctx context.Context, key string) (state, item, error) {
	it, err := s.get(ctx, key, true)
	if err != nil {
		return state{}, nil, err
	}
	st, err := readState(it)
	return st, it, err
}

// A drafted write does all ops at once, if what it does not know is as usual.
type drafted struct {
	expression
	possible bool
	added    map[string]event
	where    string // the counter that has me
	me       string // the event by which the write recognises itself; "" if it cannot
	expiry   func(*state)
}

const (
	// maxPlaces is how many events a draft takes away: there are few more in a list.
	maxPlaces = 100

	// maxExpression is what DynamoDB takes
	// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
	maxExpression = 4096
)

func draft(key string, ops []op, now int64) *drafted {
	d := &drafted{expression: newExpression(), possible: true, added: make(map[string]event)}
	adds, takes, resets, rows := false, false, false, false
	for _, o := range ops {
		adds, takes, resets = adds || o.adds(), takes || o.takes(), resets || o.verb == customauth.Reset
		rows = rows || o.row > 0 && o.verb == customauth.Count
	}
	for _, o := range ops {
		list, tags, row := "."+o.counter, "#"+o.counter, "+"+o.counter
		switch {
		case o.verb == customauth.Look:
		case o.verb == customauth.Reset:
			d.assign(list, nil)
			d.assign(tags, nil)
			d.assign(row, nil)
		case o.verb == customauth.Return && o.row > 0:
			d.when = append(d.when, d.name(row)+" > "+d.value(number(int64(o.n))))
			d.set = append(d.set, d.name(row)+" = "+d.name(row)+" - "+d.value(number(int64(o.n))))
		case o.verb == customauth.Return:
			if o.n > maxPlaces {
				d.possible = false
				return d
			}
			d.is(tags, nil)
			d.when = append(d.when, "attribute_exists("+d.name(list)+")") // there is nothing to remove from else
			d.remove = append(d.remove, places(d.name(list), o.n))
		case o.row > 0:
			d.when = append(d.when, fmt.Sprintf("(attribute_not_exists(%[1]s) OR %[1]s <= %s)", d.name(row), d.value(number(int64(o.row-o.n)))))
			if o.verb == customauth.Count {
				d.set = append(d.set, fmt.Sprintf("%[1]s = if_not_exists(%[1]s, %s) + %s", d.name(row), d.value(number(0)), d.value(number(int64(o.n)))))
			}
		case o.verb == customauth.Ask && o.tag != "":
			d.possible = false
			return d
		default:
			d.hasRoom(o, now)
			if o.adds() {
				d.add(o, now, !takes)
			}
		}
	}
	d.expiry = func(*state) {}
	switch at := expires(key, ops, now); {
	case rows && !strings.HasPrefix(key, "nobody:"):
		d.assign("expires", &types.AttributeValueMemberS{Value: never})
		d.expiry = func(st *state) { st.expires, st.never = 0, true }
	case adds && !resets && strings.HasPrefix(key, "account:"):
		d.set = append(d.set, fmt.Sprintf("%[1]s = if_not_exists(%[1]s, %s)", d.name("expires"), d.value(number(at))))
		d.expiry = func(st *state) {
			if !st.never && st.expires == 0 {
				st.expires = at
			}
		}
	case adds || resets:
		d.assign("expires", number(at))
		d.expiry = func(st *state) { st.expires, st.never = at, false }
	}
	if !adds {
		d.when = append(d.when, "attribute_exists("+d.name("pk")+")") // taking makes no item
	}
	d.possible = len(d.update()) <= maxExpression && len(aws.ToString(d.condition())) <= maxExpression
	return d
}

// hasRoom demands room for a Count or an Ask.
func (d *drafted) hasRoom(o op, now int64) {
	if !o.waits() {
		return
	}
	for _, w := range o.windows {
		place := fmt.Sprintf("%s[%d]", d.name("."+o.counter), w.max-o.n)
		d.when = append(d.when, fmt.Sprintf("(attribute_not_exists(%[1]s) OR %[1]s < %s)", place, d.value(number(now-w.per+1))))
	}
}

// add puts the events of an op in front of its list.
func (d *drafted) add(o op, now int64, recognise bool) {
	list, tags := "."+o.counter, "#"+o.counter
	first := recognise && d.me == ""
	e := newEvent(now, o.longest(), first)
	e.tag = o.tag
	d.added[o.counter] = e
	if first {
		d.me, d.where = e.id, o.counter
		d.when = append(d.when, "NOT contains("+d.name(list)+", "+d.value(&types.AttributeValueMemberN{Value: e.id})+")")
	}
	d.prepend(list, e.id, o)
	if o.tag == "" {
		d.is(tags, nil)
		return
	}
	d.when = append(d.when, "NOT contains("+d.name(tags)+", "+d.value(&types.AttributeValueMemberN{Value: e.tag})+")")
	d.prepend(tags, e.tag, o)
}

func (d *drafted) prepend(attribute, n string, o op) {
	events := &types.AttributeValueMemberL{Value: slices.Repeat([]types.AttributeValue{&types.AttributeValueMemberN{Value: n}}, o.stored())}
	if o.verb == customauth.Mark && o.stored() == o.most() {
		d.assign(attribute, events) // nothing else is kept
		return
	}
	d.set = append(d.set, fmt.Sprintf("%[1]s = list_append(%[2]s, if_not_exists(%[1]s, %[3]s))", d.name(attribute), d.value(events), d.value(&types.AttributeValueMemberL{Value: []types.AttributeValue{}})))
}

// places lists the first n elements of a list, the last one first: so they mean the
// same whether a place is counted before all removals, as DynamoDB does, or after
// those that are done, as some test servers do.
func places(list string, n int) string {
	var all []string
	for n--; n >= 0; n-- {
		all = append(all, fmt.Sprintf("%s[%d]", list, n))
	}
	return strings.Join(all, ", ")
}

// in reports whether a state has what was drafted.
func (d *drafted) in(st state) bool {
	return d.me != "" && slices.ContainsFunc(st.counters[d.where].events, func(e event) bool { return e.id == d.me })
}

// before is what ops found when they were drafted, as far as it is still to be seen.
// All that wait for room had it, though others may have taken the last since.
func (d *drafted) before(st state, ops []op, now int64) []customauth.Found {
	for _, o := range ops {
		c := st.counters[o.counter]
		for i := len(c.events) - 1; i >= 0 && o.adds(); i-- {
			if c.events[i].id == d.added[o.counter].id {
				c.events = c.events[i+1:]
				break
			}
		}
		st.counters[o.counter] = c
	}
	found, _ := st.find(ops, now)
	for i, o := range ops {
		if o.waits() {
			found[i].Wait = 0
		}
	}
	return found
}

// replace does what a draft cannot. It works out the new item from the old one, and
// writes it if nobody else has written in the meantime.
func (s *Store) replace(ctx context.Context, key string, ops []op, old item) ([]customauth.Found, error) {
	for ctx.Err() == nil {
		now := s.now()
		st, err := readState(old)
		if err != nil {
			return nil, err
		}
		found, room := st.find(ops, now)
		if !room {
			return found, nil
		}
		added := make(map[string]event)
		for _, o := range ops {
			if o.adds() && o.row == 0 {
				e := newEvent(now, o.longest(), false)
				e.tag = o.tag
				added[o.counter] = e
			}
		}
		next := st.apply(ops, found, added)
		if reflect.DeepEqual(next.write(), st.write()) {
			return found, nil
		}
		x := change(old, next.tidy(key, now))
		for _, o := range ops {
			for _, kind := range []string{".", "#", "+"} {
				x.same(kind+o.counter, old)
			}
		}
		var done bool
		if old, done, err = s.write(ctx, ifNotDone, key, x.expression); err != nil || done {
			return found, err
		}
	}
	return nil, ctx.Err()
}

// A changed item is written if what is changed is as it was.
type changed struct {
	expression
	seen map[string]bool
}

func change(old item, next state) *changed {
	x := &changed{newExpression(), map[string]bool{}}
	to := next.write()
	for name := range old {
		if name != "pk" && to[name] == nil {
			x.assign(name, nil)
			x.same(name, old)
		}
	}
	for name, v := range to {
		if !reflect.DeepEqual(v, old[name]) {
			x.assign(name, v)
			x.same(name, old)
		}
	}
	return x
}

// same demands that an attribute is as it was.
func (x *changed) same(name string, old item) {
	if !x.seen[name] {
		x.seen[name] = true
		x.is(name, old[name])
	}
}

const (
	// roomy is the size above which an item is shortened. A kilobyte is what a write
	// unit holds.
	roomy = 800

	// worth is how many bytes that must bring.
	worth = 64
)

// tidy shortens an item that has become large, and mends when it expires. Nothing
// depends on it: if it fails, the next write tries again.
func (s *Store) tidy(ctx context.Context, key string, st state, now int64) {
	next := st.tidy(key, now)
	old, to := st.write(), next.write()
	before, after := size(key, old), size(key, to)
	if reflect.DeepEqual(old["expires"], to["expires"]) && (before < roomy || before-after < worth) {
		return
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < s.timeout/2 {
		return
	}
	once := func(error) bool { return false }
	s.write(ctx, once, key, change(old, next).expression)
}
