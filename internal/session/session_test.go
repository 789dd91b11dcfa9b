package session_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/session"
)

var (
	who    = seal.Who{Pool: "pool", Client: "client", User: "user"}
	sealer = seal.New([][]byte{[]byte("a key that is made of 32 letters")}, []string{"one", "two"})
	signIn = [4]byte{1, 2, 3, 4}
)

func record(change func(*seal.Record)) *seal.Record {
	r := &seal.Record{Sends: 1, Expires: 1000, SignIn: signIn}
	if change != nil {
		change(r)
	}
	return r
}

func sealed(r *seal.Record) string { return sealer.Seal(r, who) }

func entry(result bool, change func(*seal.Record)) event.Entry {
	return event.Entry{Name: session.Custom, Result: result, Metadata: sealed(record(change))}
}

// summary is what a State says.
type summary struct {
	Step, Rounds int
	Pending      bool // a challenge of the step is out
	Proved       bool
	Err          string // "foreign", "seal" or nothing
}

func TestWalk(t *testing.T) {
	srp := event.Entry{Name: session.SRP, Result: true}
	proof := event.Entry{Name: session.Password, Result: true}
	first := func(*seal.Record) {}
	second := func(r *seal.Record) { r.Step, r.Rounds = 1, 1 }
	wrongOne := func(r *seal.Record) { r.Wrong, r.Rounds = 1, 1 }
	resent := func(r *seal.Record) { r.Sends, r.Rounds = 2, 1 }
	flag := func(f byte) func(*seal.Record) { return func(r *seal.Record) { r.Flags = f } }
	short := func() event.Entry {
		r := record(wrongOne)
		return event.Entry{Name: session.Custom, Metadata: sealer.Again(r, who)}
	}
	type list = []event.Entry
	tests := []struct {
		name     string
		password bool
		unknown  bool
		entries  list
		want     summary
	}{
		{"nothing yet", false, false, nil, summary{}},
		{"asked once", false, false, list{entry(false, first)}, summary{Rounds: 1, Pending: true}},
		{"asked twice", false, false, list{entry(false, first), entry(false, wrongOne)}, summary{Rounds: 2, Pending: true}},
		{"asked twice, the second in short", false, false, list{entry(false, first), short()}, summary{Rounds: 2, Pending: true}},
		{"a resend", false, false, list{entry(false, first), entry(false, resent)}, summary{Rounds: 2, Pending: true}},
		{"one passed", false, false, list{entry(true, first)}, summary{Step: 1, Rounds: 1, Proved: true}},
		{"both passed", false, false, list{entry(true, first), entry(true, second)}, summary{Step: 2, Rounds: 2, Proved: true}},
		{"anyone passed", false, false, list{entry(true, flag(seal.Anyone))}, summary{Step: 1, Rounds: 1}},
		{"an unknown user where anyone passes", false, true, list{entry(true, flag(seal.Anyone))}, summary{Step: 1, Rounds: 1}},
		{"an unknown user elsewhere", false, true, list{entry(true, first)}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"a device that is known passes", false, false, list{entry(true, flag(seal.Known))}, summary{Step: 1, Rounds: 1, Proved: true}},
		{"a void challenge passed", false, false, list{entry(true, flag(seal.Void))}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"a silent challenge passed", false, false, list{entry(true, flag(seal.Silent))}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"SRP_A is nothing", false, false, list{srp, entry(true, first)}, summary{Step: 1, Rounds: 1, Proved: true}},
		{"SRP_A twice", false, false, list{srp, srp}, summary{Err: "foreign"}},
		{"SRP_A failed", false, false, list{{Name: session.SRP}}, summary{Err: "foreign"}},
		{"a password", true, false, list{srp, proof}, summary{Step: 1, Proved: true}},
		{"a password due", true, false, list{srp}, summary{}},
		{"a password without SRP_A", true, false, list{proof}, summary{Err: "foreign"}},
		{"a wrong password", true, false, list{srp, {Name: session.Password}}, summary{Err: "foreign"}},
		{"a password where none is asked for", false, false, list{srp, proof}, summary{Err: "foreign"}},
		{"another challenge", false, false, list{{Name: "SMS_MFA", Result: true}}, summary{Err: "foreign"}},
		{"null", false, false, list{{}}, summary{Err: "foreign"}},
		{"null where a password is asked for", true, false, list{srp, {}}, summary{Err: "foreign"}},
		{"null after all", false, false, list{entry(true, first), entry(true, second), {}}, summary{Step: 2, Rounds: 2, Proved: true, Err: "foreign"}},
		{"no record", false, false, list{{Name: session.Custom, Metadata: "x"}}, summary{Err: "foreign"}},
		{"a short record first", false, false, list{short()}, summary{Err: "foreign"}},
		{"of somebody else", false, false, list{{Name: session.Custom, Metadata: sealer.Seal(record(nil), seal.Who{User: "x"})}}, summary{Err: "seal"}},
		{"more than all", false, false, list{entry(true, first), entry(true, second), entry(true, second)}, summary{Step: 2, Rounds: 2, Proved: true, Err: "foreign"}},
		{"the second step first", false, false, list{entry(true, second)}, summary{Err: "foreign"}},
		{"a round left out", false, false, list{entry(false, first), entry(false, func(r *seal.Record) { r.Rounds = 2 })}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"a round twice", false, false, list{entry(false, first), entry(false, first)}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"rounds that begin anew with a step", false, false, list{entry(true, first), entry(true, func(r *seal.Record) { r.Step = 1 })}, summary{Step: 1, Rounds: 1, Proved: true, Err: "foreign"}},
		{"another sign-in", false, false, list{entry(true, first), entry(true, func(r *seal.Record) { second(r); r.SignIn[0]++ })}, summary{Step: 1, Rounds: 1, Proved: true, Err: "foreign"}},
		{"wrong before anything was asked", false, false, list{entry(false, func(r *seal.Record) { r.Wrong = 1 })}, summary{Err: "foreign"}},
		{"two sends at first", false, false, list{entry(false, func(r *seal.Record) { r.Sends = 2 })}, summary{Err: "foreign"}},
		{"two wrong in one round", false, false, list{entry(false, first), entry(false, func(r *seal.Record) { r.Wrong, r.Rounds = 2, 1 })}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"two sends in one round", false, false, list{entry(false, first), entry(false, func(r *seal.Record) { r.Sends, r.Rounds = 3, 1 })}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"wrong and sent in one round", false, false, list{entry(false, first), entry(false, func(r *seal.Record) { r.Wrong, r.Sends, r.Rounds = 1, 2, 1 })}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
		{"a send taken back", false, false, list{entry(false, first), entry(false, func(r *seal.Record) { r.Sends, r.Rounds = 0, 1 })}, summary{Rounds: 1, Pending: true, Err: "foreign"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, err := session.Plan{Steps: 2, Password: tt.password, Sealer: sealer, Who: who, Unknown: tt.unknown}.Walk(tt.entries)
			got := summary{Step: st.Step, Rounds: st.Rounds(), Pending: st.Last != nil, Proved: st.Proved}
			var foreign *session.Foreign
			switch {
			case errors.As(err, &foreign):
				got.Err = "foreign"
			case errors.Is(err, seal.ErrTag):
				got.Err = "seal"
			case err != nil:
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
