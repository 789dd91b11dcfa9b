package dynamodbstore

// This file counts keys that are too hot or too large for one list: a key is
// split into shards, items of their own, each with its share of Max. A shard
// counts every window in buckets of a 24th of Per:
//
//	pk       S   the hashed key, "#", the number of the shard
//	w<Per>   M   the window of Per milliseconds:
//	             b N the number of the newest bucket, t N the sum of all buckets,
//	             c L of N the buckets, newest first
//	v        N   a number that every write changes
//	expires  N   seconds since 1970
//
// Any interval of length Per touches at most 25 buckets, and the sum of 25
// buckets is never above the share: so no interval of length Per has more than
// Max events. An event counts until its bucket leaves, up to a 24th of Per longer
// than it must. A count of one event is refused only when all shards are full.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// buckets is how many buckets make a window.
const buckets = 24

// width is the length of a bucket in milliseconds.
func (w window) width() int64 { return (w.per + buckets - 1) / buckets }

func (w window) bucket(now int64) int64 { return now / w.width() }

// share is the part of Max that shard i of n has.
func (w window) share(i, n int) int64 {
	share := w.max / n
	if i < w.max%n {
		share++
	}
	return int64(share)
}

// addSplit counts n events in one of the shards: in one drawn at random, and if
// that is full in any that has room.
func (s *Store) addSplit(ctx context.Context, pk string, n int, r rules) (time.Duration, error) {
	if n > max(1, r.least/s.shards) {
		return 0, fmt.Errorf("%d events at once do not fit into one of %d shards of %d", n, s.shards, r.least)
	}
	wait, err := s.addShard(ctx, pk, rand.IntN(s.shards), n, r)
	if err != nil || wait == 0 {
		return wait, err
	}
	for {
		all, err := s.readShards(ctx, pk)
		if err != nil {
			return 0, err
		}
		open, least := s.open(all, n, r)
		if len(open) == 0 {
			return least, nil
		}
		// Many may be after the last places: who is overtaken here looks again.
		// Each time somebody got in, so the search ends.
		wait, err := s.addShard(ctx, pk, open[rand.IntN(len(open))], n, r)
		if err != nil || wait == 0 {
			return wait, err
		}
	}
}

func (s *Store) lookSplit(ctx context.Context, pk string, r rules) (time.Duration, error) {
	all, err := s.readShards(ctx, pk)
	if err != nil {
		return 0, err
	}
	_, wait := s.open(all, 1, r)
	return wait, nil
}

// open returns the shards with room for n events, and the shortest wait.
func (s *Store) open(all []shard, n int, r rules) (open []int, least time.Duration) {
	least, now := forever, s.now()
	for i, sh := range all {
		wait := sh.roll(r, now).wait(i, s.shards, n, r, now)
		if wait == 0 {
			open = append(open, i)
		}
		least = min(least, wait)
	}
	return open, least
}

// addShard counts n events in shard i. One write is enough while the newest
// bucket of every window is there; the first event of a new bucket needs a second
// one, which writes the buckets anew if nobody else has.
func (s *Store) addShard(ctx context.Context, pk string, i, n int, r rules) (time.Duration, error) {
	for ctx.Err() == nil {
		now := s.now()
		old, err := s.increase(ctx, pk, i, n, r, now)
		if err != nil || old == nil {
			return 0, err
		}
		sh, err := readShard(old)
		if err != nil {
			return 0, err
		}
		stale := sh.stale(r, now)
		sh = sh.roll(r, now)
		if wait := sh.wait(i, s.shards, n, r, now); wait > 0 {
			return wait, nil
		}
		if !stale {
			continue // it has become free since
		}
		for _, w := range r.windows {
			sh.windows[w.per].counts[0] += int64(n)
		}
		old, err = s.replace(ctx, again, pk, i, sh, r, now)
		if err != nil || old == nil {
			return 0, err
		}
	}
	return 0, ctx.Err()
}

// increase adds n to the newest bucket of every window, if it is there and the
// shard has room. It returns the item if not.
func (s *Store) increase(ctx context.Context, pk string, i, n int, r rules, now int64) (old item, err error) {
	names := map[string]string{"#v": "v"}
	values := item{":n": number(int64(n)), ":one": number(1)}
	var sets, conditions []string
	for j, w := range r.windows {
		name, bucket, room := fmt.Sprintf("#w%d", j), fmt.Sprintf(":b%d", j), fmt.Sprintf(":r%d", j)
		names[name] = w.name()
		values[bucket], values[room] = number(w.bucket(now)), number(w.share(i, s.shards)-int64(n))
		sets = append(sets, fmt.Sprintf("%s.t = %s.t + :n, %s.c[0] = %s.c[0] + :n", name, name, name, name))
		conditions = append(conditions, fmt.Sprintf("%s.b >= %s AND %s.t <= %s", name, bucket, name, room))
	}
	_, old, err = s.update(ctx, again, "v", &dynamodb.UpdateItemInput{
		Key:                       key(shardKey(pk, i)),
		UpdateExpression:          aws.String("SET " + strings.Join(sets, ", ") + " ADD #v :one"),
		ConditionExpression:       aws.String(strings.Join(conditions, " AND ")),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	return old, err
}

// replace writes all windows, if nobody has written since sh was read. It returns
// the item if somebody has.
func (s *Store) replace(ctx context.Context, retry func(error) bool, pk string, i int, sh shard, r rules, now int64) (old item, err error) {
	names := map[string]string{"#v": "v", "#x": "expires"}
	values := item{":new": number(sh.version + 1), ":x": number(r.expires(now))}
	sets := []string{"#v = :new", "#x = :x"}
	for j, w := range r.windows {
		name, value := fmt.Sprintf("#w%d", j), fmt.Sprintf(":w%d", j)
		names[name], values[value] = w.name(), sh.windows[w.per].write()
		sets = append(sets, name+" = "+value)
	}
	condition := "attribute_not_exists(#v)"
	if sh.version > 0 {
		condition = "#v = :old"
		values[":old"] = number(sh.version)
	}
	_, old, err = s.update(ctx, retry, "v", &dynamodb.UpdateItemInput{
		Key:                       key(shardKey(pk, i)),
		UpdateExpression:          aws.String("SET " + strings.Join(sets, ", ")),
		ConditionExpression:       aws.String(condition),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	return old, err
}

// giveBackSplit takes n events from the shards that have the newest ones.
func (s *Store) giveBackSplit(ctx context.Context, pk string, n int, r rules) error {
	all, err := s.readShards(ctx, pk)
	if err != nil {
		return err
	}
	now := s.now()
	left := make([]shard, len(all))
	for i := range all {
		left[i] = all[i].roll(r, now)
	}
	give := make([]int64, len(all))
	for n > 0 {
		i, count := newest(left, r)
		if count == 0 {
			break
		}
		count = min(count, int64(n))
		left[i].take(count)
		give[i] += count
		n -= int(count)
	}
	for i, count := range give {
		if count == 0 {
			continue
		}
		if err := s.takeShard(ctx, pk, i, count, all[i], r); err != nil {
			return err
		}
	}
	return nil
}

// newest finds the shard with the newest event, and how many events share its
// bucket.
func newest(all []shard, r rules) (at int, count int64) {
	last := int64(-1)
	for i, sh := range all {
		for _, w := range r.windows {
			b := sh.windows[w.per]
			j := slices.IndexFunc(b.counts, func(n int64) bool { return n > 0 })
			if j < 0 {
				continue
			}
			if began := (b.newest - int64(j)) * w.width(); began > last {
				last, at, count = began, i, b.counts[j]
			}
		}
	}
	return at, count
}

// takeShard takes count events from shard i, which was sh when it was read.
func (s *Store) takeShard(ctx context.Context, pk string, i int, count int64, sh shard, r rules) error {
	for ctx.Err() == nil {
		now := s.now()
		sh = sh.roll(r, now)
		sh.take(count)
		old, err := s.replace(ctx, ifNotDone, pk, i, sh, r, now)
		if err != nil || old == nil {
			return err
		}
		if sh, err = readShard(old); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// A shard is what an item says. Its maps and lists are not shared.
type shard struct {
	version int64 // 0: there is no item
	windows map[int64]*counts
}

// counts are the buckets of a window, newest first.
type counts struct {
	newest int64 // the number of the newest bucket
	counts []int64
}

func (s *Store) readShards(ctx context.Context, pk string) ([]shard, error) {
	pks := make([]string, s.shards)
	for i := range pks {
		pks[i] = shardKey(pk, i)
	}
	items, err := s.getAll(ctx, pks)
	if err != nil {
		return nil, err
	}
	all := make([]shard, s.shards)
	for _, it := range items {
		name, ok := it["pk"].(*types.AttributeValueMemberS)
		if !ok {
			return nil, errItem
		}
		i := slices.Index(pks, name.Value)
		if i < 0 {
			return nil, errItem
		}
		if all[i], err = readShard(it); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readShard reads an item; no item is an empty shard.
func readShard(it item) (shard, error) {
	sh := shard{windows: make(map[int64]*counts)}
	if len(it) == 0 {
		return sh, nil
	}
	var err error
	if sh.version, err = readNumber(it["v"]); err != nil {
		return shard{}, err
	}
	for name, v := range it {
		digits, ok := strings.CutPrefix(name, "w")
		per, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil {
			continue
		}
		if sh.windows[per], err = readCounts(v); err != nil {
			return shard{}, err
		}
	}
	return sh, nil
}

func readCounts(v types.AttributeValue) (*counts, error) {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return nil, errItem
	}
	list, ok := m.Value["c"].(*types.AttributeValueMemberL)
	if !ok || len(list.Value) != buckets+1 {
		return nil, errItem
	}
	newest, err := readNumber(m.Value["b"])
	if err != nil {
		return nil, err
	}
	b := &counts{newest: newest}
	for _, v := range list.Value {
		n, err := readNumber(v)
		if err != nil {
			return nil, err
		}
		b.counts = append(b.counts, n)
	}
	return b, nil
}

func (b *counts) write() types.AttributeValue {
	list := make([]types.AttributeValue, len(b.counts))
	for i, n := range b.counts {
		list[i] = number(n)
	}
	return &types.AttributeValueMemberM{Value: item{
		"b": number(b.newest), "t": number(b.total()), "c": &types.AttributeValueMemberL{Value: list},
	}}
}

func (b *counts) total() (sum int64) {
	for _, n := range b.counts {
		sum += n
	}
	return sum
}

// stale reports whether a window lacks its newest bucket.
func (sh shard) stale(r rules, now int64) bool {
	return slices.ContainsFunc(r.windows, func(w window) bool {
		b := sh.windows[w.per]
		return b == nil || b.newest < w.bucket(now)
	})
}

// roll returns the shard with the newest bucket of every window there and those
// that are too old gone. A bucket of a clock that is ahead stays.
func (sh shard) roll(r rules, now int64) shard {
	rolled := shard{sh.version, make(map[int64]*counts, len(r.windows))}
	for _, w := range r.windows {
		to := &counts{newest: w.bucket(now), counts: make([]int64, buckets+1)}
		if from := sh.windows[w.per]; from != nil {
			to.newest = max(to.newest, from.newest)
			if by := to.newest - from.newest; by <= buckets {
				copy(to.counts[by:], from.counts)
			}
		}
		rolled.windows[w.per] = to
	}
	return rolled
}

// wait is how long it will be until n more events fit into shard i of shards.
func (sh shard) wait(i, shards, n int, r rules, now int64) time.Duration {
	var wait time.Duration
	for _, w := range r.windows {
		wait = max(wait, sh.windows[w.per].wait(w, w.share(i, shards), int64(n), now))
	}
	return wait
}

func (b *counts) wait(w window, share, n, now int64) time.Duration {
	if n > share {
		return forever
	}
	over := b.total() + n - share
	if over <= 0 {
		return 0
	}
	for j, count := range slices.Backward(b.counts) {
		if over -= count; over <= 0 {
			leaves := (b.newest - int64(j) + buckets + 1) * w.width()
			return milliseconds(leaves - now)
		}
	}
	return forever
}

// take removes the newest n events from every window.
func (sh shard) take(n int64) {
	for _, b := range sh.windows {
		left := n
		for j := range b.counts {
			out := min(left, b.counts[j])
			b.counts[j] -= out
			left -= out
		}
	}
}

func (w window) name() string { return "w" + strconv.FormatInt(w.per, 10) }

func shardKey(pk string, i int) string { return pk + "#" + strconv.Itoa(i) }
