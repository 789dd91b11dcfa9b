package dynamodbstore_test

// What is stored, and what it costs.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/google/go-cmp/cmp"
)

const (
	pk  = "account:0123456789abcdefghijklmn"
	hex = "0123456789abcdef0123456789abcdef"
)

// A device makes the calls of the handlers, with the default limits.
type device struct {
	t  *testing.T
	s  customauth.Store
	pk string
	to string
}

func on(verb customauth.Verb, counter string, windows ...customauth.Window) customauth.Op {
	return customauth.Op{Verb: verb, Counter: counter, Windows: windows}
}

func inARow(verb customauth.Verb) customauth.Op {
	return customauth.Op{Verb: verb, Counter: "failures", InARow: 100}
}

func tagged(tag string, op customauth.Op) customauth.Op {
	op.Tag = tag
	return op
}

var (
	guessWindows = []customauth.Window{atMost(5, 5*time.Minute), atMost(10, time.Hour), atMost(20, 24*time.Hour)}
	sends        = []customauth.Window{atMost(1, 30*time.Second), atMost(15, 24*time.Hour)}
	to           = []customauth.Window{atMost(5, time.Hour), atMost(10, 24*time.Hour)}
	proved       = atMost(1, 180*24*time.Hour)
	used         = atMost(8, 16*time.Minute)
)

func (d device) create() []customauth.Found {
	return update(d.t, d.s, d.pk, on(customauth.Ask, "guess", guessWindows...), inARow(customauth.Ask), on(customauth.Count, "send", sends...),
		on(customauth.Count, "to-"+d.to, to...), on(customauth.Look, "ok-"+d.to, proved))
}

func (d device) guess(tag string) []customauth.Found {
	return update(d.t, d.s, d.pk, on(customauth.Count, "guess", guessWindows...), inARow(customauth.Count), tagged(tag, on(customauth.Look, "used", used)))
}

func (d device) settle(tag string) []customauth.Found {
	return update(d.t, d.s, d.pk, on(customauth.Return, "guess"), on(customauth.Reset, "failures"), tagged(tag, on(customauth.Mark, "used", used)),
		on(customauth.Mark, "ok-"+d.to, proved))
}

// What is stored, exactly: a change of it must be able to read this.
func TestStoredItem(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	d := device{t, open(t, dynamodbstore.Options{Table: table, Now: c.Now}), pk, "abcdefghijkl"}
	is := func(why string, want map[string]any) {
		t.Helper()
		want["pk"] = pk
		if diff := cmp.Diff(want, get(t, table, pk)); diff != "" {
			t.Errorf("the item %s (-want +got):\n%s", why, diff)
		}
	}
	year := fmt.Sprint(began.Add(367 * 24 * time.Hour).Unix())

	d.create()
	// The tag: printf 'customauth tag\0%s' $hex | sha256sum, the first 64 bits, made odd.
	send, to := []any{"1782907200000.687"}, []any{"1782907200000.687"}
	is("after Create", map[string]any{".send": send, ".to-abcdefghijkl": to, "expires": year})

	c.Sleep(1500 * time.Millisecond)
	d.guess(hex)
	guess := []any{"1782907201500.687"}
	is("after a guess", map[string]any{".send": send, ".to-abcdefghijkl": to, ".guess": guess, "+failures": "1", "expires": "never"})

	c.Sleep(time.Second)
	d.settle(hex)
	year = fmt.Sprint(began.Add(367*24*time.Hour + 2500*time.Millisecond).Unix())
	is("after the right guess", map[string]any{".send": send, ".to-abcdefghijkl": to, ".guess": []any{}, "expires": year,
		".used": []any{"1782907202500.496"}, "#used": []any{"13777825063134905823"}, ".ok-abcdefghijkl": []any{"1782907202500.916"}})

	update(t, d.s, pk, on(customauth.Reset, "guess"), on(customauth.Reset, "failures"), on(customauth.Reset, "send"))
	is("after Unlock", map[string]any{".to-abcdefghijkl": to, "expires": year,
		".used": []any{"1782907202500.496"}, "#used": []any{"13777825063134905823"}, ".ok-abcdefghijkl": []any{"1782907202500.916"}})
}

// Taking away from nobody leaves no item behind, and Forget none at all.
func TestNoItem(t *testing.T) {
	table := dynamotest.Table(t)
	d := device{t, open(t, dynamodbstore.Options{Table: table}), pk, "a"}
	update(t, d.s, pk, on(customauth.Return, "guess"), on(customauth.Reset, "failures"))
	update(t, d.s, pk, on(customauth.Reset, "guess"))
	update(t, d.s, pk, customauth.Op{Verb: customauth.Return, Counter: "failures", InARow: 3})
	update(t, d.s, pk, on(customauth.Return, "guess", guessWindows...))
	if got := scan(t, table); len(got) > 0 {
		t.Errorf("the table has items: %v", got)
	}
	d.create()
	if err := d.s.Forget(t.Context(), pk); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, table); len(got) > 0 {
		t.Errorf("the table has items: %v", got)
	}
}

// An item without failures expires, and one with failures does not, whoever wrote it
// last. What made-up names leave always expires, with the longest window.
func TestExpires(t *testing.T) {
	for name, test := range map[string]struct {
		key  string
		do   func(d device)
		want string
	}{
		"sent":               {pk, func(d device) { d.create() }, "367d"},
		"guessed":            {pk, func(d device) { d.guess("a") }, "never"},
		"guessed and sent":   {pk, func(d device) { d.guess("a"); d.create() }, "never"},
		"guessed and marked": {pk, func(d device) { d.guess("a"); update(d.t, d.s, d.pk, on(customauth.Mark, "ok-a", proved)) }, "never"},
		"guessed and right":  {pk, func(d device) { d.guess("a"); d.settle("a") }, "367d"},
		"guessed and unlocked": {pk, func(d device) {
			d.guess("a")
			update(d.t, d.s, d.pk, on(customauth.Reset, "guess"), on(customauth.Reset, "failures"))
		}, "367d"},
		"guessed, taken back": {pk, func(d device) {
			d.guess("a")
			update(d.t, d.s, d.pk, on(customauth.Return, "guess"), customauth.Op{Verb: customauth.Return, Counter: "failures", InARow: 100})
		}, "367d"},
		"twice, taken back": {pk, func(d device) {
			d.guess("a")
			d.guess("a")
			update(d.t, d.s, d.pk, customauth.Op{Verb: customauth.Return, Counter: "failures", InARow: 100})
		}, "never"},
		"another row": {pk, func(d device) {
			d.guess("a")
			update(d.t, d.s, d.pk, customauth.Op{Verb: customauth.Count, Counter: "row", InARow: 3})
			d.settle("a")
		}, "never"},
		"a destination": {"to:a", func(d device) { update(d.t, d.s, d.pk, on(customauth.Count, "c", to...)) }, "2d"},
		"a shorter window": {"to:a", func(d device) {
			update(d.t, d.s, d.pk, on(customauth.Count, "c", to...))
			update(d.t, d.s, d.pk, on(customauth.Count, "d", atMost(1, time.Minute)))
		}, "2d"},
		"nobody": {"nobody:a", func(d device) {
			update(d.t, d.s, d.pk, on(customauth.Count, "guess", guessWindows...), on(customauth.Count, "failures", atMost(100, 31*24*time.Hour)))
		}, "32d"},
		"nobody, sent": {"nobody:a", func(d device) {
			update(d.t, d.s, d.pk, on(customauth.Count, "failures", atMost(100, 31*24*time.Hour)))
			update(d.t, d.s, d.pk, on(customauth.Count, "send", sends...))
		}, "32d"},
		"nobody, in a row": {"nobody:a", func(d device) { d.guess("a") }, "367d"},
	} {
		t.Run(name, func(t *testing.T) {
			c, table := newClock(), dynamotest.Table(t)
			test.do(device{t, open(t, dynamodbstore.Options{Table: table, Now: c.Now}), test.key, "a"})
			got := fmt.Sprint(get(t, table, test.key)["expires"])
			var at int64
			if _, err := fmt.Sscan(got, &at); err == nil {
				got = fmt.Sprintf("%dd", (at-began.Unix())/(24*60*60))
			}
			if got != test.want {
				t.Errorf("the item expires after %s, want %s", got, test.want)
			}
		})
	}
}

// The expiry of an account is put off before it comes near.
func TestExpiresLater(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	d := device{t, open(t, dynamodbstore.Options{Table: table, Now: c.Now}), pk, "a"}
	for range 100 {
		update(t, d.s, pk, on(customauth.Mark, "ok-a", proved))
		var at int64
		fmt.Sscan(fmt.Sprint(get(t, table, pk)["expires"]), &at)
		if left := time.Unix(at, 0).Sub(c.Now()); left < 181*24*time.Hour {
			t.Fatalf("the item expires in %v, before its window of 180 days ends", left)
		}
		c.Sleep(10 * 24 * time.Hour)
	}
}

// An expired item counts as absent although DynamoDB deletes it days later. The
// test server never deletes.
func TestExpiredItem(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	for name, limit := range map[string]customauth.Window{"list": atMost(2, time.Hour), "buckets": atMost(200, time.Hour), "split": atMost(20_000, time.Hour)} {
		t.Run(name, func(t *testing.T) {
			s := open(t, dynamodbstore.Options{Table: table, Shards: 1, Now: c.Now})
			count(t, s, name, limit.Max, limit)
			if wait := count(t, s, name, 1, limit); wait == 0 {
				t.Fatal("a full window lets an event pass")
			}
			c.Sleep(30 * 24 * time.Hour)
			if wait := count(t, s, name, 0, limit); wait != 0 {
				t.Errorf("a month later, the wait is %v", wait)
			}
			if wait := count(t, s, name, limit.Max, limit); wait != 0 {
				t.Errorf("a month later, an event must wait %v", wait)
			}
		})
	}
}

// A sign-in costs three requests of one unit each, and for an account that signs in
// every day for a year less than a tenth of one more. Destinations whose windows are
// over make no item larger.
func TestCostOfSignIns(t *testing.T) {
	for name, test := range map[string]struct {
		pause    time.Duration
		signIns  int
		wrong    int
		answered bool
		requests float64
	}{
		"every day":            {24 * time.Hour, 365, 0, true, 3.1},
		"nine times a day":     {160 * time.Minute, 150, 0, true, 3.2},
		"with a wrong guess":   {24 * time.Hour, 200, 1, true, 4.2},
		"another address each": {100 * time.Minute, 150, 0, false, 1.5},
	} {
		t.Run(name, func(t *testing.T) {
			c, table, costs := newClock(), dynamotest.Table(t), new(meter)
			d := device{t, open(t, dynamodbstore.Options{Table: table, Now: c.Now, Client: costs.client(t)}), pk, ""}
			for i := range test.signIns {
				d.to = "abcdefghijkl"
				if !test.answered {
					d.to = fmt.Sprintf("abcdefghi%03d", i)
				}
				for _, f := range d.create()[:4] {
					if f.Wait > 0 {
						t.Fatalf("sign-in %d: wait %v", i, f.Wait)
					}
				}
				c.Sleep(test.pause)
				if !test.answered {
					continue
				}
				tag := fmt.Sprintf("%032x", i)
				for range 1 + test.wrong {
					c.Sleep(20 * time.Second)
					d.guess(tag)
				}
				d.settle(tag)
			}
			got := costs.total()
			if got.reads > 0 || float64(got.writes) > test.requests*float64(test.signIns) || got.units != float64(got.writes) {
				t.Errorf("%d sign-ins cost %+v, want at most %.1f writes of one unit for each", test.signIns, got, test.requests)
			}
			t.Logf("%.2f requests and %.2f units for a sign-in", float64(got.writes+got.reads)/float64(test.signIns), got.units/float64(test.signIns))
		})
	}
}

// The largest Update that counts fits into DynamoDB's expressions. What takes away more
// than fits is read and then replaced.
func TestLargeUpdate(t *testing.T) {
	costs := new(meter)
	s := open(t, dynamodbstore.Options{Client: costs.client(t)})
	var list []customauth.Op
	for i := range 8 {
		o := on(customauth.Count, strings.Repeat("n", 39)+fmt.Sprint(i))
		for j := range 8 {
			o.Windows = append(o.Windows, atMost(100-j, time.Duration(j+1)*time.Hour))
		}
		list = append(list, o)
	}
	for i := range 93 {
		for _, f := range update(t, s, pk, list...) {
			if f.Wait != 0 {
				t.Fatalf("event %d of 93: wait %v", i+1, f.Wait)
			}
		}
	}
	if found := update(t, s, pk, list...); found[0].Wait == 0 {
		t.Errorf("event 94 of 93 passed")
	}
	if got := costs.total(); got.reads != 0 || got.writes != 94 {
		t.Errorf("94 counts cost %+v, want a write each", got)
	}
	costs.reset()
	for i := range list {
		list[i].Verb, list[i].N, list[i].Windows = customauth.Return, 93, nil
	}
	update(t, s, pk, list...)
	if got := costs.total(); got.reads != 1 || got.writes != 1 {
		t.Errorf("a Return of 744 events costs %+v, want a read and a write", got)
	}
	if found := update(t, s, pk, on(customauth.Look, list[0].Counter, atMost(1, time.Hour))); found[0].Age >= 0 {
		t.Errorf("after all was returned: age %v", found[0].Age)
	}
}

// An account at all its default limits, with two destinations, fits in one unit, and
// so does one that fails a hundred times in a row.
func TestFullItem(t *testing.T) {
	c, table, costs := newClock(), dynamotest.Table(t), new(meter)
	d := device{t, open(t, dynamodbstore.Options{Table: table, Now: c.Now, Client: costs.client(t)}), pk, ""}
	for i := range 15 {
		d.to = fmt.Sprintf("abcdefghijk%d", i%2)
		d.create()
		d.guess(fmt.Sprintf("%032x", i))
		d.settle(fmt.Sprintf("%032x", i))
		c.Sleep(time.Minute)
	}
	for range 99 {
		d.guess(hex)
		c.Sleep(13 * time.Minute)
	}
	if got := costs.total(); got.units != float64(got.writes) {
		t.Errorf("%d writes cost %v units, want one each", got.writes, got.units)
	}
}

// get reads an item as plain values. Event times lose the eight digits at their end
// that are random.
func get(t *testing.T, table, pk string) map[string]any {
	t.Helper()
	for _, it := range scan(t, table) {
		if it["pk"] == pk {
			return it
		}
	}
	t.Fatalf("no item %q among %v", pk, scan(t, table))
	return nil
}

func scan(t *testing.T, table string) (items []map[string]any) {
	t.Helper()
	out, err := client(dynamotest.URL(t)).Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range out.Items {
		items = append(items, plain(&types.AttributeValueMemberM{Value: it}).(map[string]any))
	}
	return items
}

func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		whole, part, point := strings.Cut(v.Value, ".")
		if !point {
			return whole
		}
		return whole + "." + part[:min(3, len(part))]
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plain(e))
		}
		return list
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for name, e := range v.Value {
			m[name] = plain(e)
		}
		return m
	}
	return fmt.Sprintf("%T", v)
}
