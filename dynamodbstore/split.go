package dynamodbstore

// This file counts what is too large for a list of times. A counter has one item, or
// is split into several, the shards, each with its share of Max. An item counts every
// window in buckets of a 24th of Per:
//
//	pk       S   the key, "#", the number of the shard
//	w<Per>.counter
//	         M   the window of Per milliseconds:
//	             b N the number of the newest bucket, t N the sum of all buckets,
//	             c L of N the buckets, newest first
//	v        N   drawn at random for a new item, and one more with every write
//	expires  N   seconds since 1970
//
// Any interval of length Per touches at most 25 buckets, and the sum of 25
// buckets is never above the share: so no interval of length Per has more than
// Max events. An event counts until its bucket leaves, up to a 24th of Per longer
// than it must. A count of one event is refused only when all shards are full.
//
// An item is written in one of two ways. A quick write changes the newest buckets,
// whatever others write meanwhile. An exact one writes all buckets anew, if v says
// that nobody has written since they were seen. Which of the two is tried first is a
// guess from what this process has seen last; a wrong guess costs a request, and the
// answer says what is right.

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
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

// updateBuckets carries out an op on a counter in buckets.
func (s *Store) updateBuckets(ctx context.Context, pk string, o op) (customauth.Found, error) {
	split, counts := s.isSplit(o), o.verb == customauth.Count && !o.impossible()
	switch {
	case counts && split:
		return s.addSplit(ctx, pk, o)
	case counts:
		return s.addShard(ctx, pk, 0, s.seen.get(pk, o), o)
	case o.takes() && split:
		return s.takeSplit(ctx, pk, o)
	case o.takes():
		return s.takeShard(ctx, pk, 0, o.taken(), s.seen.get(pk, o), o)
	}
	all, err := s.readShards(ctx, pk, o)
	if err != nil {
		return customauth.Found{}, err
	}
	_, f := s.open(all, o)
	return f, nil
}

// isSplit reports whether a counter is split.
func (s *Store) isSplit(o op) bool { return o.most() > s.wholeMax }

// items is how many items a counter has.
func (s *Store) items(o op) int {
	if s.isSplit(o) {
		return s.shards
	}
	return 1
}

// taken is how many events a Return or a Reset takes away, if they are there.
func (o op) taken() int64 {
	if o.verb == customauth.Reset {
		return math.MaxInt64
	}
	return int64(o.n)
}

// addSplit counts n events in one of the shards: in one drawn at random, and if
// that is full in any that has room. What it finds in one write is what that shard
// knows: the newest event may be in another.
func (s *Store) addSplit(ctx context.Context, pk string, o op) (customauth.Found, error) {
	if o.n > max(1, o.least()/s.shards) {
		return customauth.Found{}, fmt.Errorf("%d events at once do not fit into one of %d shards of %d", o.n, s.shards, o.least())
	}
	f, err := s.addShard(ctx, pk, rand.IntN(s.shards), shard{}, o)
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
		i := open[rand.IntN(len(open))]
		got, err := s.addShard(ctx, pk, i, all[i], o)
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
		got := sh.roll(o, now).find(i, len(all), o, now)
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

// addShard counts n events in shard i, which was sh when this process saw it last; the
// zero shard was never seen. The first event of a new bucket needs an exact write.
func (s *Store) addShard(ctx context.Context, pk string, i int, sh shard, o op) (customauth.Found, error) {
	n := int64(o.n)
	for sure := false; ctx.Err() == nil; sure = true {
		now := s.now()
		next := sh.roll(o, now)
		f := next.find(i, s.items(o), o, now)
		if sure && f.Wait > 0 {
			return f, nil
		}
		var done bool
		var err error
		if sh.windows != nil && sh.stale(o, now) && f.Wait == 0 {
			next.add(n)
			sh, done, err = s.exact(ctx, pk, i, sh, next, o, now)
		} else {
			sh, done, err = s.quick(ctx, pk, i, n, o, now)
		}
		if err != nil {
			return customauth.Found{}, err
		}
		if done {
			f = sh.roll(o, now).find(i, s.items(o), o, now)
			f.Wait = 0
			return f, nil
		}
	}
	return customauth.Found{}, ctx.Err()
}

// takeShard takes the newest n events from shard i, or all, and tells what it found.
// Sh is as in addShard. Where the newest bucket has less than n, it takes an exact write.
func (s *Store) takeShard(ctx context.Context, pk string, i int, n int64, sh shard, o op) (customauth.Found, error) {
	for sure := false; ctx.Err() == nil; sure = true {
		now := s.now()
		next := sh.roll(o, now)
		f := next.find(i, s.items(o), o, now)
		some := next.take(n)
		if sure && !some {
			return f, nil
		}
		var done bool
		var err error
		if some && !sh.newestHas(n, o) {
			sh, done, err = s.exact(ctx, pk, i, sh, next, o, now)
		} else {
			sh, done, err = s.quick(ctx, pk, i, -n, o, now)
		}
		if err != nil {
			return customauth.Found{}, err
		}
		if done {
			return sh.roll(o, now).find(i, s.items(o), o, now), nil
		}
	}
	return customauth.Found{}, ctx.Err()
}

// quick adds n to the newest bucket of every window, if it is there and the shard has
// room; or takes -n from it, if it has as many. It returns the shard as it was.
func (s *Store) quick(ctx context.Context, pk string, i int, n int64, o op, now int64) (was shard, done bool, err error) {
	x := newExpression()
	by := x.value(number(n))
	for _, w := range o.windows {
		name := x.name(w.name(o))
		x.set = append(x.set, fmt.Sprintf("%[1]s.t = %[1]s.t + %[2]s, %[1]s.c[0] = %[1]s.c[0] + %[2]s", name, by))
		if n < 0 {
			x.when = append(x.when, fmt.Sprintf("%s.c[0] >= %s", name, x.value(number(-n))))
			continue
		}
		x.when = append(x.when, fmt.Sprintf("%[1]s.b >= %[2]s AND %[1]s.t <= %[3]s", name,
			x.value(number(w.bucket(now))), x.value(number(w.share(i, s.items(o))-n))))
	}
	x.set = append(x.set, fmt.Sprintf("%[1]s = %[1]s + %[2]s", x.name("v"), x.value(number(1))))
	old, done, err := s.write(ctx, o.retry(), shardKey(pk, i), x)
	if err != nil {
		return shard{}, false, err
	}
	was, err = readShard(old, o)
	if err != nil || !done {
		return was, false, err
	}
	next, _ := readShard(old, o)
	next.add(n)
	next.version++
	s.remember(pk, next, o)
	return was, true, nil
}

// exact makes shard i what next says, if it is still as sh. It returns the shard as it
// was.
func (s *Store) exact(ctx context.Context, pk string, i int, sh, next shard, o op, now int64) (was shard, done bool, err error) {
	x := newExpression()
	if sh.version == 0 {
		x.is("v", nil)
		next.version = firstVersion()
	} else {
		x.is("v", number(sh.version))
		next.version = sh.version + 1
	}
	// Quick writes leave this as it is, to the end of the newest bucket.
	next.expires = max(sh.expires, (now+o.longest()+o.longest()/buckets)/1000+day)
	x.assign("v", number(next.version))
	x.assign("expires", number(next.expires))
	for _, w := range o.windows {
		x.assign(w.name(o), next.windows[w.per].write())
	}
	old, done, err := s.write(ctx, o.retry(), shardKey(pk, i), x)
	if err != nil {
		return shard{}, false, err
	}
	if done {
		s.remember(pk, next, o)
		return sh, true, nil
	}
	was, err = readShard(old, o)
	return was, false, err
}

// remember keeps what a write made of a counter with one item. A split one has too many
// writers: what one of them knows is old.
func (s *Store) remember(pk string, sh shard, o op) {
	if !s.isSplit(o) {
		s.seen.put(pk, o, sh)
	}
}

// firstVersion is that of a new item. It is random, so that an item that was removed
// and made anew is not taken for the old one.
func firstVersion() int64 {
	var b [8]byte
	cryptorand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>12 | 1)
}

// retry says what failures of a write are worth another try.
func (o op) retry() func(error) bool {
	if o.takes() {
		return ifNotDone
	}
	return again
}

// takeSplit takes the newest n events from the shards, or all.
func (s *Store) takeSplit(ctx context.Context, pk string, o op) (customauth.Found, error) {
	all, err := s.readShards(ctx, pk, o)
	if err != nil {
		return customauth.Found{}, err
	}
	now := s.now()
	_, f := s.open(all, o)
	left, n := make([]shard, len(all)), o.taken()
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
		if _, err := s.takeShard(ctx, pk, i, count, all[i], o); err != nil {
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
	pks := make([]string, s.items(o))
	for i := range pks {
		pks[i] = shardKey(pk, i)
	}
	items, err := s.getAll(ctx, pks)
	if err != nil {
		return nil, err
	}
	all := make([]shard, len(pks))
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

// newestHas reports whether the newest bucket of every window has n events.
func (sh shard) newestHas(n int64, o op) bool {
	return !slices.ContainsFunc(o.windows, func(w window) bool {
		b := sh.windows[w.per]
		return b == nil || b.counts[0] < n
	})
}

// add puts n events into the newest bucket of every window.
func (sh shard) add(n int64) {
	for _, b := range sh.windows {
		b.counts[0] += n
	}
}

// take removes the newest n events from every window, and reports whether there were
// any.
func (sh shard) take(n int64) (some bool) {
	for _, b := range sh.windows {
		left := n
		for j := range b.counts {
			out := min(left, b.counts[j])
			b.counts[j] -= out
			left -= out
		}
		some = some || left < n
	}
	return some
}

func (w window) name(o op) string { return "w" + strconv.FormatInt(w.per, 10) + "." + o.counter }

func shardKey(pk string, i int) string { return pk + "#" + strconv.Itoa(i) }
