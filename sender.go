package customauth

// This file says how a message reaches its user: what a message is, and the Sender
// and Guard plug-points.

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/latency"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/sms"
	"github.com/cyber-eternal/customauth/internal/text"
)

// A Sender delivers messages of one medium. It is called concurrently, once for
// each message, with a context that ends when Options.SendTimeout is over;
// whatever it does after that is not waited for. It must not send twice: a message
// that may have been accepted is not to be tried again.
type Sender interface {
	// Send sends one message.
	//
	// An error that wraps [ErrThrottled], [ErrUnauthorized] or [ErrOptions] says that
	// nothing was sent: the send is not counted, and the user may ask again at once. One
	// that wraps [ErrOptedOut] or [ErrInvalidDestination] says that nothing can be sent to
	// this destination: the send is counted. After any other error the message may
	// be on its way, and its code stays valid. The user sees "delivery_failed" in all
	// cases; the error's text goes to the log, without the address and the code.
	Send(ctx context.Context, m Message) error

	// Warm opens connections, in Lambda's init phase: NewCreate and NewHandler call
	// it, for a second at most. An error that wraps [ErrOptions] says that a field is
	// wrong, and they return it. Any other is logged, and changes nothing.
	Warm(ctx context.Context) error
}

// SenderFunc is a function as a [Sender] that has nothing to warm.
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// Warm does nothing.
func (SenderFunc) Warm(context.Context) error { return nil }

// A Guard decides whether a message may be sent, before it is. It is called
// concurrently, only for known users.
type Guard interface {
	// Allow refuses by an error. Its text goes to the log, and must name neither
	// the number nor the user. It is asked after the limits. A message that the limits
	// refuse never reaches the guard; one that the guard refuses has counted for the
	// limits.
	Allow(ctx context.Context, r Request, to Destination) error

	// Verified is called after a right answer that proved this destination.
	Verified(ctx context.Context, r Request, to Destination)
}

// A Message is a text on its way to its user.
type Message struct {
	To      Destination
	Code    Secret    // the code that is in the text; empty if there is none
	Text    Secret    // the text, for any medium
	Subject Secret    // for EMAIL
	HTML    Secret    // for EMAIL, beside Text
	Expires time.Time // of the code
	Locale  string    // of the text, a BCP 47 tag; may be empty
	ID      string    // tells this message from all others, for a sender that tries again
	Request Request
}

// Format redacts the message for fmt, whatever the verb.
func (m Message) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "message to %v %s", m.To, redacted) }

// LogValue redacts the message for log/slog.
func (m Message) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(m)) }

// MarshalJSON redacts the message for encoding/json.
func (m Message) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, fmt.Sprint(m)), nil }

// secrets are what must not be in an error about this message.
func (m Message) secrets() []string {
	address, code := m.To.Address.Reveal(), m.Code.Reveal()
	return []string{m.Text.Reveal(), code, text.Normalize(code), address, strings.TrimPrefix(address, "+")}
}

// SNS takes 1,600 characters in one Publish
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
const maxSMS = 1600

// check refuses messages that cannot be what was meant.
func (m Message) check(answer Secret) error {
	body := m.Text.Reveal()
	if err := m.To.check(); err != nil {
		return err
	}
	if !strings.Contains(text.Normalize(body), text.Normalize(answer.Reveal())) {
		return errors.New("text: the code is not in it")
	}
	if n := utf8.RuneCountInString(body); m.To.Medium == "SMS" && n > maxSMS {
		return fmt.Errorf("text: %d characters are more than the %d that SNS takes", n, maxSMS)
	}
	return nil
}

// A Destination is where a message goes. Printed or logged, the address is masked.
type Destination struct {
	Medium  string // "SMS", "EMAIL", "VOICE", or a word of your own, in capitals
	Address Secret // a phone number in E.164, an e-mail address, or what the Sender takes
}

// String masks the address as Cognito's own flows do: +*******0100, s***@e***.
func (d Destination) String() string {
	address := d.Address.Reveal()
	local, domain, isMail := strings.Cut(address, "@")
	switch {
	case isMail:
		return first(local) + "***@" + first(domain) + "***"
	case strings.HasPrefix(address, "+") && len(address) >= 8:
		return "+*******" + address[len(address)-4:]
	}
	return "***"
}

func first(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// kind masks all of the address but what sort of address it is.
func (d Destination) kind() string {
	address := d.Address.Reveal()
	switch {
	case strings.Contains(address, "@"):
		return "***@***"
	case strings.HasPrefix(address, "+"):
		return "+***********"
	}
	return "***"
}

// Equal reports whether two destinations are the same.
func (d Destination) Equal(other Destination) bool {
	return d.Medium == other.Medium && d.Address.Equal(other.Address)
}

func (d Destination) none() bool { return d.Medium == "" && d.Address.Reveal() == "" }

// id tells destinations apart.
func (d Destination) id() string { return d.Medium + " " + d.Address.Reveal() }

// Format masks the address for fmt, whatever the verb.
func (d Destination) Format(f fmt.State, _ rune) { io.WriteString(f, d.Medium+" "+d.String()) }

// LogValue masks the address for log/slog.
func (d Destination) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(d)) }

// MarshalJSON masks the address for encoding/json.
func (d Destination) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, fmt.Sprint(d)), nil
}

// isE164 reports whether a phone number is as ITU-T E.164 has it: a plus, a
// country code that does not begin with 0, and 15 digits at most. The shortest in
// use have 7.
func isE164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && text.Only(digits, 7, 15, text.Decimal) && digits[0] != '0'
}

// check reports what is wrong with a destination, without saying it.
func (d Destination) check() error {
	a := d.Address.Reveal()
	ok := a != "" && len(a) <= 254 && utf8.ValidString(a) && !strings.ContainsFunc(a, text.IsControl)
	switch d.Medium {
	case "":
		return errors.New("the destination has no medium")
	case "SMS", "VOICE":
		ok = isE164(a)
	case "EMAIL":
		at := strings.LastIndexByte(a, '@')
		ok = ok && at > 0 && at < len(a)-1 && !strings.ContainsAny(a, " \t\r\n")
	}
	if !ok {
		return fmt.Errorf("the %s address is malformed", d.Medium)
	}
	return nil
}

// How a send can end, as the decoys have to imitate it.
const (
	delivered   = iota
	undelivered // for now, whoever it is for
	unreachable // for this destination; decoys do not imitate it
	uncertain   // it may be on its way
)

// margin is what remains of a trigger's time when sending must be over.
const margin = 100 * time.Millisecond

// deliver asks the guard, hands the message to the sender, and learns how long that
// takes; for nobody it draws from what it learned, so that the two cannot be told
// apart.
func (rd *round) deliver(ctx context.Context) (end int) {
	// What the store took, sending does not get.
	budget := min(rd.engine.SendTimeout, time.Until(rd.began.Add(rd.engine.SendTimeout+spare-margin)))
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)-margin)
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	samples := rd.engine.samples[rd.medium]
	if samples == nil {
		rd.why, rd.cause = ReasonDelivery, fmt.Errorf("Options.Senders has no sender for %.20q", rd.medium)
		return unreachable
	}
	if ctx.Err() != nil { // the step or the store took all the time
		rd.why, rd.cause = ReasonDelivery, errors.New("no time is left to send")
		return undelivered
	}
	if rd.nobody() || rd.is.Message.Text.Reveal() == "" {
		x := samples.Draw()
		if x.Cut {
			x.Took = budget
		}
		select {
		case <-time.After(x.Took):
		case <-ctx.Done():
			x.End = uncertain
		}
		if !rd.nobody() {
			return delivered // a test code: there was nothing to send
		}
		return x.End
	}
	began := time.Now()
	end = rd.send(ctx)
	rd.sent = end == delivered || end == uncertain
	if end != unreachable {
		samples.Learn(latency.Sample{Took: time.Since(began), End: end, Cut: ctx.Err() != nil})
	}
	return end
}

func (rd *round) send(ctx context.Context) (end int) {
	m := rd.is.Message
	m.Code, m.Request, m.ID = rd.is.Answer, rd.req, rand.Text()
	m.Expires = time.Now().Add(rd.is.ttl())
	m.Locale = cmp.Or(m.Locale, rd.req.Locale)
	rd.warnParts(ctx, m)
	if g := rd.engine.Guard; g != nil {
		err := bounded.Do(ctx, func(ctx context.Context) error { return g.Allow(ctx, rd.req, m.To) })
		if err != nil {
			rd.why, rd.cause = ReasonGuard, clean(err, m)
			return unreachable
		}
	}
	err := bounded.Do(ctx, func(ctx context.Context) error { return rd.engine.Senders[m.To.Medium].Send(ctx, m) })
	if err == nil {
		return delivered
	}
	rd.why, rd.cause = ReasonDelivery, clean(err, m)
	switch {
	case errors.Is(err, ErrThrottled), errors.Is(err, ErrUnauthorized), errors.Is(err, ErrOptions):
		return undelivered
	case errors.Is(err, ErrOptedOut), errors.Is(err, ErrInvalidDestination):
		return unreachable
	}
	return uncertain
}

// clean takes the message out of an error about it. A panic has nothing of it.
func clean(err error, m Message) error {
	if _, caught := errors.AsType[*bounded.Panic](err); caught {
		return err
	}
	return redact.Err(err, m.secrets()...)
}

// warnParts reports texts that cost more than one message.
func (rd *round) warnParts(ctx context.Context, m Message) {
	if m.To.Medium != "SMS" {
		return
	}
	if n := sms.Parts(m.Text.Reveal()); n > 1 {
		rd.engine.Logger.LogAttrs(ctx, slog.LevelWarn, "customauth: the text needs more than one SMS part, and each is billed",
			slog.String("step", rd.step.Name), slog.Int("parts", n))
	}
}
