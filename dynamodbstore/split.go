package dynamodbstore

// This file counts what is too hot or too large for one list: a counter is split
// into shards, items of their own, each with its share of Max. A shard counts every
// window in buckets of a 24th of Per:
//
//	pk       S   the key, "#", the number of the shard
//	w<Per>.counter
//	         M   the window of Per milliseconds:
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
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cyber-eternal/customauth"
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

// updateSplit carries out an op on a counter that is split.
func (s *Store) updateSplit(ctx context.Context, pk string, o op) (customauth.Found, error) {
	switch {
	case o.verb == customauth.Count && !o.impossible():
		return s.addSplit(ctx, pk, o)
	case o.verb == customauth.Return || o.verb == customauth.Reset:
		return s.takeSplit(ctx, pk, o)
	}
	all, err := s.readShards(ctx, pk, o)
	if err != nil {
		return customauth.Found{}, err
	}
	_, f := s.open(all, o)
	return f, nil
}

// addSplit counts n events in one of the shards: in one drawn at random, and if
// that is full in any that has room. What it finds in one write is what that shard
// knows: the newest event may be in another.
func (s *Store) addSplit(ctx context.Context, pk string, o op) (customauth.Found, error) {
	if o.n > max(1, o.least()/s.shards) {
		return customauth.Found{}, fmt.Errorf("%d events at once do not fit into one of %d shards of %d", o.n, s.shards, o.least())
	}
	f, err := s.addShard(ctx, pk, rand.IntN(s.shards), o)
	if err != nil || f.Wait == 0 {
		return f, err
	}
	for {
		all, err := s.readShards(ctx, pk, o)
		if err != nil {
			return customauth.Found{}, err
		}
		open, f := s.open(all, o)
		if len(open) == 0 {
			return f, nil
		}
		// Many may be after the last places: who is overtaken here looks again.
		// Each time somebody got in, so the search ends.
		got, err := s.addShard(ctx, pk, open[rand.IntN(len(open))], o)
		if err != nil || got.Wait == 0 {
			f.Wait = 0
			return f, err
		}
	}
}

// open returns the shards with room, and what is found in all together.
func (s *Store) open(all []shard, o op) (open []int, f customauth.Found) {
	f, now := customauth.Found{Wait: forever, Age: -1}, s.now()
	for i, sh := range all {
		got := sh.roll(o, now).find(i, s.shards, o, now)
		if got.Wait == 0 {
			open = append(open, i)
		}
		f.Wait = min(f.Wait, got.Wait)
		if got.Age >= 0 && (f.Age < 0 || got.Age < f.Age) {
			f.Age = got.Age
		}
	}
	return open, f
}

// addShard counts n events in shard i. One write is enough while the newest
// bucket of every window is there; the first event of a new bucket needs a second
// one, which writes the buckets anew if nobody else has.
func (s *Store) addShard(ctx context.Context, pk string, i int, o op) (customauth.Found, error) {
	for ctx.Err() == nil {
		now := s.now()
		old, done, err := s.increase(ctx, pk, i, o, now)
		if err != nil {
			return customauth.Found{}, err
		}
		sh, err := readShard(old, o)
		if err != nil {
			return customauth.Found{}, err
		}
		stale := sh.stale(o, now)
		sh = sh.roll(o, now)
		f := sh.find(i, s.shards, o, now)
		if done || f.Wait > 0 {
			if done {
				f.Wait = 0
			}
			return f, nil
		}
		if !stale {
			continue // it has become free since
		}
		for _, w := range o.windows {
			sh.windows[w.per].counts[0] += int64(o.n)
		}
		if done, err = s.writeShard(ctx, again, pk, i, sh, o, now); err != nil || done {
			return f, err
		}
	}
	return customauth.Found{}, ctx.Err()
}

// increase adds n to the newest bucket of every window, if it is there and the
// shard has room. It returns the item as it was.
func (s *Store) increase(ctx context.Context, pk string, i int, o op, now int64) (old item, done bool, err error) {
	x := newExpression()
	n := x.value(number(int64(o.n)))
	for _, w := range o.windows {
		name := x.name(w.name(o))
		x.set = append(x.set, fmt.Sprintf("%[1]s.t = %[1]s.t + %[2]s, %[1]s.c[0] = %[1]s.c[0] + %[2]s", name, n))
		x.when = append(x.when, fmt.Sprintf("%[1]s.b >= %[2]s AND %[1]s.t <= %[3]s", name,
			x.value(number(w.bucket(now))), x.value(number(w.share(i, s.shards)-int64(o.n)))))
	}
	x.set = append(x.set, fmt.Sprintf("%[1]s = %[1]s + %[2]s", x.name("v"), x.value(number(1))))
	return s.write(ctx, again, shardKey(pk, i), x)
}

// writeShard writes all windows, if nobody has written since sh was read.
func (s *Store) writeShard(ctx context.Context, retry func(error) bool, pk string, i int, sh shard, o op, now int64) (done bool, err error) {
	x := newExpression()
	x.assign("v", number(sh.version+1))
	x.assign("expires", number(max(sh.expires, (now+o.longest())/1000+day)))
	for _, w := range o.windows {
		x.assign(w.name(o), sh.windows[w.per].write())
	}
	var version types.AttributeValue
	if sh.version > 0 {
		version = number(sh.version)
	}
	x.is("v", version)
	_, done, err = s.write(ctx, retry, shardKey(pk, i), x)
	return done, err
}

// takeSplit takes the newest n events from the shards, or all.
func (s *Store) takeSplit(ctx context.Context, pk string, o op) (customauth.Found, error) {
	all, err := s.readShards(ctx, pk, o)
	if err != nil {
		return customauth.Found{}, err
	}
	now := s.now()
	_, f := s.open(all, o)
	left, n := make([]shard, len(all)), int64(o.n)
	if o.verb == customauth.Reset {
		n = math.MaxInt64
	}
	for i := range all {
		left[i] = all[i].roll(o, now)
	}
	give := make([]int64, len(all))
	for n > 0 {
		i, count := newest(left, o)
		if count == 0 {
			break
		}
		count = min(count, n)
		left[i].take(count)
		give[i] += count
		n -= count
	}
	for i, count := range give {
		if count == 0 {
			continue
		}
		if err := s.takeShard(ctx, pk, i, count, all[i], o); err != nil {
			return customauth.Found{}, err
		}
	}
	return f, nil
}

// newest finds the shard with the newest event, and how many events share its
// bucket.
func newest(all []shard, o op) (at int, count int64) {
	last := int64(-1)
	for i, sh := range all {
		for _, w := range o.windows {
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
func (s *Store) takeShard(ctx context.Context, pk string, i int, count int64, sh shard, o op) error {
	for ctx.Err() == nil {
		now := s.now()
		sh = sh.roll(o, now)
		sh.take(count)
		done, err := s.writeShard(ctx, ifNotDone, pk, i, sh, o, now)
		if err != nil || done {
			return err
		}
		it, err := s.get(ctx, shardKey(pk, i), true)
		if err != nil {
			return err
		}
		if sh, err = readShard(it, o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// A shard is what an item says. Its maps and lists are not shared.
type shard struct {
	version int64 // 0: there is no item
	expires int64
	windows map[int64]*counts // by Per
}

// counts are the buckets of a window, newest first.
type counts struct {
	newest int64 // the number of the newest bucket
	counts []int64
}

func (s *Store) readShards(ctx context.Context, pk string, o op) ([]shard, error) {
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
		if all[i], err = readShard(it, o); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readShard reads what an item says of a counter; no item is an empty shard.
func readShard(it item, o op) (shard, error) {
	sh := shard{windows: make(map[int64]*counts)}
	if len(it) == 0 {
		return sh, nil
	}
	var err error
	if sh.version, err = readNumber(it["v"]); err != nil {
		return shard{}, err
	}
	if sh.expires, err = readNumber(it["expires"]); err != nil {
		return shard{}, err
	}
	for _, w := range o.windows {
		if v, ok := it[w.name(o)]; ok {
			if sh.windows[w.per], err = readCounts(v); err != nil {
				return shard{}, err
			}
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
func (sh shard) stale(o op, now int64) bool {
	return slices.ContainsFunc(o.windows, func(w window) bool {
		b := sh.windows[w.per]
		return b == nil || b.newest < w.bucket(now)
	})
}

// roll returns the shard with the newest bucket of every window there and those
// that are too old gone. A bucket of a clock that is ahead stays.
func (sh shard) roll(o op, now int64) shard {
	rolled := shard{sh.version, sh.expires, make(map[int64]*counts, len(o.windows))}
	for _, w := range o.windows {
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

// find tells what shard i of shards knows. An event is as old as its bucket.
func (sh shard) find(i, shards int, o op, now int64) customauth.Found {
	f := customauth.Found{Age: -1}
	for _, w := range o.windows {
		b := sh.windows[w.per]
		f.Wait = max(f.Wait, b.wait(w, w.share(i, shards), int64(o.n), now))
		if j := slices.IndexFunc(b.counts, func(n int64) bool { return n > 0 }); j >= 0 {
			age := milliseconds(now - (b.newest-int64(j))*w.width())
			if f.Age < 0 || age < f.Age {
				f.Age = age
			}
		}
	}
	return f
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

func (w window) name(o op) string { return "w" + strconv.FormatInt(w.per, 10) + "." + o.counter }

func shardKey(pk string, i int) string { return pk + "#" + strconv.Itoa(i) }
