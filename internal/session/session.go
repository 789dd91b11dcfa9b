// Package session finds out where a sign-in stands, from the session that the
// service hands to Define and Create. It trusts nothing in it that was not sealed.
package session

import (
	"errors"
	"fmt"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/seal"
)

// Challenge names of the service.
const (
	SRP      = "SRP_A"
	Password = "PASSWORD_VERIFIER"
	Custom   = "CUSTOM_CHALLENGE"
)

// A State is where a sign-in stands.
type State struct {
	Step   int          // the step that is being taken; as many as there are when all are passed
	Last   *seal.Record // its last challenge, which was not passed; nil when the step begins
	Newest *seal.Record // the newest record of this sign-in; nil when there is none
	Proved bool         // a step was passed that unknown users cannot pass
}

// Rounds is how many challenges there were.
func (s State) Rounds() int {
	if s.Newest == nil {
		return 0
	}
	return int(s.Newest.Rounds) + 1
}

// A Foreign is a session that the package's own triggers cannot have made.
type Foreign struct{ what string }

// Error says what is foreign in it.
func (f *Foreign) Error() string { return "foreign session: " + f.what }

// A Plan is what a sign-in consists of.
type Plan struct {
	Steps    int
	Password bool // the first step is carried out by the service
	Sealer   *seal.Sealer
	Who      seal.Who
	Unknown  bool // the user is unknown, and passes nothing that proves who he is
}

// Walk goes through a session from its start. The error is a *Foreign, or one of
// seal's that says that a record was sealed by somebody else.
func (p Plan) Walk(entries []event.Entry) (State, error) {
	var st State
	srp := len(entries) > 0 && entries[0].Name == SRP
	if srp {
		// Apps for iOS begin with SRP_A also where no password is asked for. It
		// proves nothing and counts as nothing.
		if !entries[0].Result {
			return st, &Foreign{"SRP_A failed"}
		}
		entries = entries[1:]
	}
	if p.Password && !srp {
		return st, &Foreign{"the password step needs SRP_A first"}
	}
	for _, e := range entries {
		if err := p.advance(&st, e); err != nil {
			return st, err
		}
	}
	return st, nil
}

// advance takes one entry of the session into account.
func (p Plan) advance(st *State, e event.Entry) error {
	switch {
	case st.Step == p.Steps:
		return &Foreign{"an entry after the last step"}
	case st.Step == 0 && p.Password:
		if e.Name != Password || !e.Result {
			return &Foreign{"the password was not proved"}
		}
		st.Step, st.Proved = 1, true
		return nil
	case e.Name != Custom:
		return &Foreign{"a challenge of another name"}
	}
	rec, err := p.Sealer.Open(e.Metadata, p.Who, st.Last)
	if errors.Is(err, seal.ErrFormat) {
		return &Foreign{err.Error()}
	}
	if err != nil {
		return fmt.Errorf("a record of this session: %w", err)
	}
	if !follows(*st, rec) {
		return &Foreign{"a record out of its order"}
	}
	st.Newest, st.Last = rec, rec
	if e.Result {
		if rec.Flags&(seal.Void|seal.Silent) != 0 || p.Unknown && rec.Flags&seal.Anyone == 0 {
			return &Foreign{"a challenge was passed that nobody could pass"}
		}
		st.Step, st.Last = st.Step+1, nil
		st.Proved = st.Proved || rec.Flags&seal.Anyone == 0
	}
	return nil
}

// follows reports whether Create can have made this record next.
func follows(st State, rec *seal.Record) bool {
	if int(rec.Step) != st.Step || int(rec.Rounds) != st.Rounds() || st.Newest != nil && rec.SignIn != st.Newest.SignIn {
		return false
	}
	if st.Last == nil {
		return rec.Wrong == 0 && rec.Sends <= 1
	}
	wrong, sends := rec.Wrong-st.Last.Wrong, rec.Sends-st.Last.Sends
	return wrong <= 1 && sends <= 1 && wrong+sends <= 1
}
