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
	return &seal.Record{
		Step: 1, Flags: seal.Silent, Wrong: 2, Sends: 3, Rounds: 4, Length: 6, Expires: 1000, ResendAt: 900,
		SignIn: [4]byte{1, 2, 3, 4}, Nonce: [8]byte{9, 10, 11, 12, 13, 14, 15, 16},
		MAC: [8]byte{17, 18, 19}, Extra: []byte("extra"),
	}
}

// TestVector pins version 1 down: sign-ins live through a deployment only if the
// new release reads what the old one wrote. The values were computed by another
// program from the layout in the package documentation.
func TestVector(t *testing.T) {
	const sealed = "AVJSw10SIwQGAAAD6AAAA4QBAgMECQoLDA0ODxAREhMAAAAAAGV4dHJhOGGjpArhrwjeLrBQ2izLWw"
	s := seal.New([][]byte{a}, []string{"otp"})
	if got := s.Seal(record(), who); got != sealed {
		t.Errorf("sealed %s, want %s", got, sealed)
	}
	got, err := s.Open(sealed, who)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(record(), got, cmpopts.IgnoreUnexported(seal.Record{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := s.StoreKey("guess", "pool", "user"), "guess:hsCw6dNOQmAxotNwPc19fNs4"; got != want {
		t.Errorf("store key %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(s.Decoy("pool", "user")), "26154aca140d37bb2e4c16b1d451811f87fb5ccbcc9482e77e4c909d4daa3996"; got != want {
		t.Errorf("decoy %s, want %s", got, want)
	}
}

func TestOpen(t *testing.T) {
	one := seal.New([][]byte{a}, []string{"otp"})
	text := one.Seal(record(), who)
	tests := []struct {
		name string
		s    *seal.Sealer
		text string
		who  seal.Who
		want error
	}{
		{"itself", one, text, who, nil},
		{"rotated", seal.New([][]byte{b, a}, []string{"otp"}), text, who, nil},
		{"unknown key", seal.New([][]byte{b}, []string{"otp"}), text, who, seal.ErrKey},
		{"other steps", seal.New([][]byte{a}, []string{"otp", "mail"}), text, who, seal.ErrSteps},
		{"steps joined", seal.New([][]byte{a}, []string{"o", "tp"}), text, who, seal.ErrSteps},
		{"other pool", one, text, seal.Who{Pool: "x", Client: "client", User: "user"}, seal.ErrTag},
		{"fields shifted", one, text, seal.Who{Pool: "poolc", Client: "lient", User: "user"}, seal.ErrTag},
		{"empty", one, "", who, seal.ErrFormat},
		{"no base64", one, "!" + text[1:], who, seal.ErrFormat},
		{"truncated", one, text[:60], who, seal.ErrFormat},
		{"line break", one, text[:4] + "\n" + text[4:], who, seal.ErrFormat},
		{"very long", one, strings.Repeat("A", 1<<16), who, seal.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.s.Open(tt.text, tt.who); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestCode: the MAC of a code is good for this record and for this user alone.
func TestCode(t *testing.T) {
	s := seal.New([][]byte{a}, []string{"otp"})
	rec := seal.Begin()
	rec.Step, rec.Expires = 1, 1000
	s.SetCode(rec, who, "SMS +12065550100", "123456")
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
		{"void", func(r *seal.Record, _ *seal.Who) { r.Flags = seal.Void }, sms, "123456", false},
		{"counts may change", func(r *seal.Record, _ *seal.Who) { r.Wrong, r.Rounds = 2, 2 }, sms, "123456", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, w := *rec, who
			tt.change(&r, &w)
			if got := r.Matches(w, tt.to, tt.code); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if new(seal.Record).Matches(who, "", "") {
		t.Error("a record without a key matches")
	}
	// Carried on by a handler with a newer key, the code is still the code.
	rotated := seal.New([][]byte{b, a}, []string{"otp"})
	opened, err := rotated.Open(s.Seal(rec, who), who)
	if err != nil {
		t.Fatal(err)
	}
	opened.Wrong++
	again, err := rotated.Open(rotated.Seal(opened, who), who)
	if err != nil || !again.Matches(who, sms, "123456") {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestBeginIsRandom(t *testing.T) {
	first, second := seal.Begin(), seal.Begin()
	if first.SignIn == second.SignIn {
		t.Error("two sign-ins have one id")
	}
}

// FuzzOpen: only what was sealed is opened, in one spelling.
func FuzzOpen(f *testing.F) {
	s := seal.New([][]byte{a, b}, []string{"otp"})
	sealed := s.Seal(record(), who)
	f.Add(sealed)
	f.Add(sealed + "A")
	f.Add(sealed[:40] + "\r\n" + sealed[40:])
	f.Add("AQ")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.Open(text, who)
		if err != nil {
			return
		}
		if text != sealed || s.Seal(r, who) != text {
			t.Errorf("opened %q", text)
		}
	})
}
