package dynamodbstore

// This file counts exactly: one item holds the times of a key's newest events,
// newest first, and the length of its streak.
//
//	pk       S   the hashed key
//	events   L   of N: milliseconds since 1970, with nine random digits after the point
//	streak   N   events since the last give-back, if a limit with Per 0 asks
//	expires  N   seconds since 1970; absent while a streak is counted
//
// "At most Max in any Per" then says: the event at place Max-1 is older than Per,
// or there is none. The order of the list is the order of the writes, whatever the
// clocks of the writers say.

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// slack is how many events more than needed a list may have before a count
	// pays for trimming it, and how many are kept at least, for limits that are
	// raised. With the defaults of customauth an item stays below 1 kB, which is
	// one unit a write: 64 events of 13 bytes, and some 80 bytes.
	slack = 32

	// maxRemove is how many elements one expression can remove, in 4 kB.
	maxRemove = 300
)

var listNames = map[string]string{"#e": "events", "#s": "streak", "#x": "expires"}

// add counts n events.
func (s *Store) add(ctx context.Context, pk string, n int, r rules) (time.Duration, error) {
	now := s.now()
	me := eventID(now)
	events := slices.Repeat([]types.AttributeValue{&types.AttributeValueMemberN{Value: me}}, min(n, r.keep()))
	values := item{
		":me":   &types.AttributeValueMemberN{Value: me},
		":new":  &types.AttributeValueMemberL{Value: events},
		":none": &types.AttributeValueMemberL{},
	}
	update := "SET #e = list_append(:new, if_not_exists(#e, :none))"
	// A request that is sent again, because its answer was lost, finds itself.
	conditions := []string{"NOT contains(#e, :me)"}
	for i, w := range r.windows {
		at, from := place(w.max-n), ":w"+strconv.Itoa(i)
		conditions = append(conditions, fmt.Sprintf("(attribute_not_exists(%s) OR %s < %s)", at, at, from))
		values[from] = number(now - w.per + 1)
	}
	if r.streak > 0 {
		conditions = append(conditions, "(attribute_not_exists(#s) OR #s <= :room)")
		values[":room"] = number(int64(r.streak - n))
		values[":n"], values[":zero"] = number(int64(n)), number(0)
		update += ", #s = if_not_exists(#s, :zero) + :n REMOVE #x"
	} else {
		values[":x"] = number(r.expires(now))
		update += ", #x = :x"
	}
	out, old, err := s.update(ctx, again, "events", &dynamodb.UpdateItemInput{
		Key:                       key(pk),
		UpdateExpression:          aws.String(update),
		ConditionExpression:       aws.String(strings.Join(conditions, " AND ")),
		ExpressionAttributeNames:  used(listNames, update+strings.Join(conditions, "")),
		ExpressionAttributeValues: values,
	})
	if err != nil {
		return 0, err
	}
	if old != nil {
		return refusal(old, me, n, r, now)
	}
	c, err := readCount(out)
	if err != nil {
		return 0, err
	}
	if !slices.Contains(c.ids, me) {
		return 0, errAnswer
	}
	if keep := r.keep(); len(c.ids) > keep+slack {
		s.trim(ctx, pk, keep, len(c.ids))
	}
	return 0, nil
}

// refusal tells how long to wait, from the item that failed the condition.
func refusal(old item, me string, n int, r rules, now int64) (time.Duration, error) {
	c, err := readCount(old)
	if err != nil {
		return 0, err
	}
	if slices.Contains(c.ids, me) {
		return 0, nil // an earlier try has counted
	}
	if wait := c.wait(n, r, now); wait > 0 {
		return wait, nil
	}
	return 0, errors.New("a write was refused without a reason")
}

// look tells whether one event would be counted. It reads what was written last:
// an eventually consistent read costs half and may miss a guess made a moment ago.
func (s *Store) look(ctx context.Context, pk string, r rules) (time.Duration, error) {
	now := s.now()
	it, err := s.get(ctx, pk, true)
	if err != nil {
		return 0, err
	}
	c, err := readCount(it)
	if err != nil {
		return 0, err
	}
	return c.wait(1, r, now), nil
}

// giveBack removes the newest n events, and trims the list at no cost: removing
// what is not there is allowed.
func (s *Store) giveBack(ctx context.Context, pk string, n int, r rules) error {
	update, values := "SET #x = :x REMOVE #s", item{":x": number(r.expires(s.now()))}
	if n > maxRemove-slack {
		// The list is never that long.
		update = "SET #x = :x, #e = :none REMOVE #s"
		values[":none"] = &types.AttributeValueMemberL{}
	} else {
		update += ", " + places(n+r.keep(), n+r.keep()+slack) + ", " + places(0, n)
	}
	condition := "attribute_exists(#e)" // removing from no list at all is an error
	_, _, err := s.update(ctx, ifNotDone, "expires", &dynamodb.UpdateItemInput{
		Key:                       key(pk),
		UpdateExpression:          aws.String(update),
		ConditionExpression:       aws.String(condition),
		ExpressionAttributeNames:  used(listNames, update+condition),
		ExpressionAttributeValues: values,
	})
	return err
}

// trim shortens the list to what is needed. Events that come in between move the
// old ones further back, so what is removed is never needed. It may fail, which is
// no error of the count: the next count tries again.
func (s *Store) trim(ctx context.Context, pk string, keep, length int) {
	update := "REMOVE " + places(keep, min(length, keep+maxRemove))
	condition := "attribute_exists(#e)"
	once := func(error) bool { return false }
	s.update(ctx, once, "events", &dynamodb.UpdateItemInput{
		Key:                      key(pk),
		UpdateExpression:         aws.String(update),
		ConditionExpression:      aws.String(condition),
		ExpressionAttributeNames: used(listNames, update+condition),
	})
}

// keep is how many events a list must remember.
func (r rules) keep() int { return max(r.most, slack) }

func place(i int) string { return "#e[" + strconv.Itoa(i) + "]" }

// places lists the elements from i up to j, the last one first: so they mean the
// same whether a place is counted before all removals, as DynamoDB does, or after
// those that are done, as some test servers do.
func places(i, j int) string {
	var list []string
	for j--; j >= i; j-- {
		list = append(list, place(j))
	}
	return strings.Join(list, ", ")
}

// eventID is the time of an event, with nine random digits after the point that
// tell it from all others. The last one is odd, because DynamoDB drops zeros.
func eventID(now int64) string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%d.%09d", now, binary.BigEndian.Uint64(b[:])%1e9|1)
}

// count is what an item says.
type count struct {
	ids    []string // as stored, newest first
	times  []int64  // the same in milliseconds
	streak int64
}

// readCount reads an item; no item is a count of zero.
func readCount(it item) (c count, err error) {
	if v, ok := it["streak"]; ok {
		if c.streak, err = readNumber(v); err != nil {
			return count{}, err
		}
	}
	v, ok := it["events"]
	if !ok {
		return c, nil
	}
	events, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		return count{}, errItem
	}
	for _, e := range events.Value {
		n, ok := e.(*types.AttributeValueMemberN)
		if !ok {
			return count{}, errItem
		}
		ms, _, _ := strings.Cut(n.Value, ".")
		t, err := strconv.ParseInt(ms, 10, 64)
		if err != nil || t < 0 || t > 1<<53 {
			return count{}, errItem
		}
		c.ids, c.times = append(c.ids, n.Value), append(c.times, t)
	}
	return c, nil
}

// wait is how long it will be until n events more fit in.
func (c count) wait(n int, r rules, now int64) time.Duration {
	if r.streak > 0 && c.streak > int64(r.streak-n) {
		return forever
	}
	var wait int64
	for _, w := range r.windows {
		if i := w.max - n; i < len(c.times) {
			wait = max(wait, c.times[i]+w.per-now)
		}
	}
	return milliseconds(wait)
}
