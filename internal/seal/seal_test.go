package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cyber-eternal/customauth/internal/seal"
)

var (
	a   = bytes.Repeat([]byte{1}, 32)
	b   = bytes.Repeat([]byte{2}, 32)
	who = seal.Who{Pool: "pool", Client: "client", User: "user"}
)

func record() *seal.Record {
	r := &seal.Record{
		Step: 1, Flags: seal.Silent, Wrong: 2, Sends: 3, Rounds: 4, MaxSends: 5, Length: 6, Expires: 1000, ResendAt: 900,
		SignIn: [4]byte{1, 2, 3, 4}, Nonce: [8]byte{9, 10, 11, 12, 13, 14, 15, 16},
		MAC: [8]byte{17, 18, 19}, State: "st\x00te",
	}
	r.SetMaxAnswer(256)
	return r
}

func passkey() *seal.Record {
	r := record()
	r.Flags, r.Length, r.State, r.Nonce, r.MAC = seal.Unguessable, 0, "", [8]byte{}, [8]byte{}
	return r
}

var compare = cmpopts.IgnoreUnexported(seal.Record{})

// TestGolden pins the layout down: sign-ins live through a deployment only if the new
// release reads what the old one wrote. The values were computed by another program,
// in Python, from the layout in the package documentation.
func TestGolden(t *testing.T) {
	const (
		full  = "AlJSw10iI0UGAwAAA-gAAAOEAQIDBAkKCwwNDg8QERITAAAAAABzdAB0Zf6q96GEH8OXKb5eQ0SKs-8"
		plain = "AlJSw10kI0UAAwAAA-gAAAOEAQIDBHAvUO1Cklot79ZV1DdVwgs"
		again = "AzNV6X5-kmeIqtJrExphWOdd_Q"
	)
	s := seal.New([][]byte{a}, []string{"otp"})
	for text, want := range map[string]*seal.Record{full: record(), plain: passkey()} {
		if got := s.Seal(want, who); got != text {
			t.Errorf("sealed %s, want %s", got, text)
		}
		got, err := s.Open(text, who, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, compare); diff != "" || got.MaxAnswer() != 256 {
			t.Errorf("answers of %d bytes, (-want +got):\n%s", got.MaxAnswer(), diff)
		}
	}
	before, err := s.Open(full, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := *before
	next.Wrong, next.Rounds = 3, 5
	if got := s.Again(&next, who); got != again {
		t.Errorf("short record %s, want %s", got, again)
	}
	got, err := s.Open(again, who, before)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&next, got, compare); diff != "" {
		t.Errorf("short record (-want +got):\n%s", diff)
	}
	if before.Expected(who) == nil || got.Expected(who) == nil {
		t.Error("a record with a code has nothing to compare with")
	}
}

func TestOpen(t *testing.T) {
	one := seal.New([][]byte{a}, []string{"otp"})
	text := one.Seal(record(), who)
	before, err := one.Open(text, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := *before
	next.Wrong++
	short := one.Again(&next, who)
	other := *before
	other.Expires++
	tests := []struct {
		name   string
		s      *seal.Sealer
		text   string
		who    seal.Who
		before *seal.Record
		want   error
	}{
		{"itself", one, text, who, nil, nil},
		{"after another", one, text, who, &other, nil},
		{"rotated", seal.New([][]byte{b, a}, []string{"otp"}), text, who, nil, nil},
		{"unknown key", seal.New([][]byte{b}, []string{"otp"}), text, who, nil, seal.ErrKey},
		{"other steps", seal.New([][]byte{a}, []string{"otp", "mail"}), text, who, nil, seal.ErrSteps},
		{"steps joined", seal.New([][]byte{a}, []string{"o", "tp"}), text, who, nil, seal.ErrSteps},
		{"other pool", one, text, seal.Who{Pool: "x", Client: "client", User: "user"}, nil, seal.ErrTag},
		{"fields shifted", one, text, seal.Who{Pool: "poolc", Client: "lient", User: "user"}, nil, seal.ErrTag},
		{"empty", one, "", who, nil, seal.ErrFormat},
		{"no base64", one, "!" + text[1:], who, nil, seal.ErrFormat},
		{"truncated", one, text[:48], who, nil, seal.ErrFormat},
		{"line break", one, text[:4] + "\n" + text[4:], who, nil, seal.ErrFormat},
		{"very long", one, strings.Repeat("A", 1<<16), who, nil, seal.ErrFormat},
		{"short", one, short, who, before, nil},
		{"short after nothing", one, short, who, nil, seal.ErrFormat},
		{"short after another", one, short, who, &other, seal.ErrTag},
		{"short of another user", one, short, seal.Who{Pool: "pool", Client: "client", User: "x"}, before, seal.ErrTag},
		{"short, altered", one, "B" + short[1:], who, before, seal.ErrFormat},
		{"short, with other counts", one, short[:2] + "A" + short[3:], who, before, seal.ErrTag},
		{"short, longer", one, short + "AAAA", who, before, seal.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.s.Open(tt.text, tt.who, tt.before); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestLengths: what a record can say of an answer's length, and of a state.
func TestLengths(t *testing.T) {
	s := seal.New([][]byte{a}, []string{"otp"})
	for n, want := range map[int]int{1: 64, 64: 64, 65: 128, 256: 256, 4000: 4032, 16384: 16384} {
		r := record()
		r.SetMaxAnswer(n)
		r.State = strings.Repeat("x", seal.MaxState)
		got, err := s.Open(s.Seal(r, who), who, nil)
		if err != nil || got.MaxAnswer() != want || got.State != r.State {
			t.Errorf("%d: %v, %d bytes", n, err, got.MaxAnswer())
		}
	}
	r := record()
	r.State = strings.Repeat("x", seal.MaxState+1)
	if _, err := s.Open(s.Seal(r, who), who, nil); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("a longer state: %v", err)
	}
}

// TestCode: the MAC of a code is good for this record and for this user alone.
func TestCode(t *testing.T) {
	s := seal.New([][]byte{a}, []string{"otp"})
	rec := seal.Begin()
	rec.Step, rec.Expires, rec.Length, rec.Nonce = 1, 1000, 6, [8]byte{9, 10, 11, 12, 13, 14, 15, 16}
	s.SetCode(rec, who, "SMS +12065550100", "123456")
	if got := hex.EncodeToString(rec.MAC[:]); got != "416c1afd85710472" { // computed by another program
		t.Errorf("MAC %s", got)
	}
	const sms = "SMS +12065550100"
	tests := []struct {
		name   string
		change func(r *seal.Record, w *seal.Who)
		to     string
		code   string
		want   bool
	}{
		{"right", func(*seal.Record, *seal.Who) {}, sms, "123456", true},
		{"wrong", func(*seal.Record, *seal.Who) {}, sms, "123457", false},
		{"empty", func(*seal.Record, *seal.Who) {}, sms, "", false},
		{"other step", func(r *seal.Record, _ *seal.Who) { r.Step++ }, sms, "123456", false},
		{"other expiry", func(r *seal.Record, _ *seal.Who) { r.Expires++ }, sms, "123456", false},
		{"other nonce", func(r *seal.Record, _ *seal.Who) { r.Nonce[0]++ }, sms, "123456", false},
		{"other user", func(_ *seal.Record, w *seal.Who) { w.User = "x" }, sms, "123456", false},
		{"other client", func(_ *seal.Record, w *seal.Who) { w.Client = "x" }, sms, "123456", false},
		{"other destination", func(*seal.Record, *seal.Who) {}, "SMS +12065550101", "123456", false},
		{"no code", func(r *seal.Record, _ *seal.Who) { r.Length = 0 }, sms, "123456", false},
		{"void", func(r *seal.Record, _ *seal.Who) { r.Flags = seal.Void }, sms, "123456", false},
		{"counts may change", func(r *seal.Record, _ *seal.Who) { r.Wrong, r.Rounds = 2, 2 }, sms, "123456", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, w := *rec, who
			tt.change(&r, &w)
			if got := r.Expected(w).Matches(tt.to, tt.code); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if new(seal.Record).Expected(who).Matches("", "") {
		t.Error("a record without a key matches")
	}
	// Carried on by a handler with a newer key, the code is still the code.
	rotated := seal.New([][]byte{b, a}, []string{"otp"})
	opened, err := rotated.Open(s.Seal(rec, who), who, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened.Wrong++
	again, err := rotated.Open(rotated.Seal(opened, who), who, nil)
	if err != nil || !again.Expected(who).Matches(sms, "123456") {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestBeginIsRandom(t *testing.T) {
	first, second := seal.Begin(), seal.Begin()
	if first.SignIn == second.SignIn {
		t.Error("two sign-ins have one id")
	}
}

func TestMACs(t *testing.T) {
	m := seal.NewMACs(a, "use")
	if bytes.Equal(m.Sum("a", "b"), m.Sum("ab")) || bytes.Equal(m.Sum("a"), seal.NewMACs(a, "another").Sum("a")) || bytes.Equal(m.Sum("a"), seal.NewMACs(b, "use").Sum("a")) {
		t.Error("two inputs have one MAC")
	}
	if !bytes.Equal(m.Sum("a", "b"), m.Sum("a", "b")) {
		t.Error("one input has two MACs")
	}
}

// FuzzOpen: only what was sealed is opened, in one spelling.
func FuzzOpen(f *testing.F) {
	s := seal.New([][]byte{a, b}, []string{"otp"})
	sealed := s.Seal(record(), who)
	before, _ := s.Open(sealed, who, nil)
	short := s.Again(before, who)
	f.Add(sealed)
	f.Add(short)
	f.Add(sealed + "A")
	f.Add(sealed[:40] + "\r\n" + sealed[40:])
	f.Add("AQ")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.Open(text, who, before); err == nil && text != sealed && text != short {
			t.Errorf("opened %q", text)
		}
	})
}
