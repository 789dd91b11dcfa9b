// Package push has the blocks of docs/steps.md: a sign-in that is approved on another
// device.
package push

import (
	"context"
	"crypto/rand"

	"github.com/cyber-eternal/customauth"
)

// docs: push
type Push struct{ Approvals Approvals } // what was approved, by an id

func (p Push) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	id := rand.Text()
	return customauth.Issued{
		State:       id,
		Message:     customauth.Message{To: device(r), Text: customauth.Hide("Approve the sign-in " + id)},
		Unguessable: true,
	}, nil
}

func (p Push) Show(ctx context.Context, r customauth.Request) (map[string]string, error) {
	return map[string]string{"hint": "approve on your phone"}, nil
}

func (p Push) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	ok, err := p.Approvals.Has(ctx, r.State)
	return customauth.Checked{Right: ok, Proved: device(r)}, err
}

// end

// docs: plugs
// Approvals are written by your backend, when the device says yes.
type Approvals interface {
	Has(ctx context.Context, id string) (bool, error)
}

// device is where this user's messages go, in whatever form the sender for PUSH takes.
func device(r customauth.Request) customauth.Destination {
	return customauth.Destination{Medium: "PUSH", Address: customauth.Hide("user:" + r.UserName.Reveal())}
}

// end

func use(options *customauth.Options, approvals Approvals, pushSender customauth.Sender) {
	// docs: options
	options.Steps = []customauth.Step{{Name: "push", Challenge: Push{approvals}}}
	options.Senders = map[string]customauth.Sender{"PUSH": pushSender}
	// end
}
