package magiclink

// This file has the step, and the link.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
)

// Refused is the errorCode for an app that asks for an origin that is not in
// [Challenge.Origins]. No message was sent.
const Refused customauth.Reason = "origin_not_allowed"

// Challenge is the link as a step. Origins is required. Everything that an OTP promises
// holds: it is one, whose message has a link. It is safe for concurrent use.
type Challenge struct {
	// OTP makes the code and says where it goes. Defaults that differ from OTP's own:
	// Medium is "EMAIL", and TTL is 10 minutes, as mail may be slow; so let the app
	// client's AuthSessionValidity be 15 minutes. Text must be nil: see Challenge.Text.
	OTP customauth.OTP

	// Origins are where your app runs, such as "https://app.example.com": 1 to 16, with
	// https, or with http on this machine. The app says where it runs by the
	// ClientMetadata "origin", beside an answer or a resend; it is remembered for the
	// step. The first is the default, and the one of a first step: Cognito passes on no
	// metadata from InitiateAuth. Where each app client has an origin of its own, use
	// Options.Clients instead. An origin that is not here is refused, so nobody has your
	// users sent a link to elsewhere.
	Origins []string

	// Path is where the page is, on each origin. Default "/".
	Path string

	// Text writes the message. It is given one that is complete, and may change Text,
	// Subject, HTML and Locale. The link must be in Text or in HTML, and the code in
	// Text. HTML must be escaped; package html/template does it. Who changes Text
	// changes HTML too, or sets it to the zero Secret. The default is in English.
	Text func(ctx context.Context, r customauth.Request, m customauth.Message, link customauth.Secret) (customauth.Message, error)
}

// Issue makes a code and a message with the link.
func (c Challenge) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	if r.Probe {
		if err := c.validate(); err != nil {
			return customauth.Issued{}, err
		}
	}
	at, ok := c.origin(r)
	if !ok {
		return customauth.Issued{Refused: Refused}, nil
	}
	otp := c.otp()
	otp.Text = func(ctx context.Context, r customauth.Request, m customauth.Message) (customauth.Message, error) {
		return c.write(ctx, r, m, c.link(at, r, m.Code))
	}
	is, err := otp.Issue(ctx, r)
	if at > 0 {
		is.State = strconv.Itoa(at)
	}
	return is, err
}

// Show shows what an OTP shows, and "link", by which the page of a link knows the
// sign-in that it belongs to. It is no secret.
func (c Challenge) Show(ctx context.Context, r customauth.Request) (map[string]string, error) {
	public, err := c.otp().Show(ctx, r)
	if err != nil {
		return nil, err
	}
	public["link"] = id(r)
	return public, nil
}

// Check compares the answer with the code.
func (c Challenge) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	return c.otp().Check(ctx, r, answer)
}

// otp is the OTP with the defaults of a link.
func (c Challenge) otp() customauth.OTP {
	o := c.OTP
	if o.Medium == "" && o.Destination == nil {
		o.Medium = "EMAIL"
	}
	o.TTL = cmp.Or(o.TTL, 10*time.Minute)
	o.Text = nil
	return o
}

// origin is which of the origins the app runs on: the one that it names now, or has
// named for the challenge before.
func (c Challenge) origin(r customauth.Request) (at int, ok bool) {
	if named := r.ClientMetadata["origin"].Reveal(); named != "" {
		at = slices.IndexFunc(c.Origins, func(o string) bool { return o == named })
		return at, at >= 0
	}
	at, err := strconv.Atoi(r.State)
	if err != nil || at < 0 || at >= len(c.Origins) {
		return 0, true // as when nothing was named
	}
	return at, true
}

// link is where a click leads.
func (c Challenge) link(at int, r customauth.Request, code customauth.Secret) customauth.Secret {
	fragment := "code=" + url.QueryEscape(code.Reveal()) + "&link=" + id(r)
	return customauth.Hide(c.Origins[at] + cmp.Or(c.Path, "/") + "#" + fragment)
}

// id tells the sign-in from others, for as long as it lasts.
func id(r customauth.Request) string {
	h := sha256.Sum256([]byte("magiclink\x00" + r.SignIn))
	return base64.RawURLEncoding.EncodeToString(h[:9])
}

const maxOrigins = 16

// validate reports what is wrong with the fields.
func (c Challenge) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Origins) < 1 || len(c.Origins) > maxOrigins {
		bad("Origins must name 1 to %d places where the app runs, such as https://app.example.com", maxOrigins)
	}
	for _, o := range c.Origins {
		if !isOrigin(o) {
			bad("an origin is https:// and a host in lower case, perhaps with a port, and nothing behind it: %.100q", o)
		}
	}
	if u, err := url.Parse(c.Path); c.Path != "" && (err != nil || !strings.HasPrefix(c.Path, "/") || strings.HasPrefix(c.Path, "//") || u.EscapedPath() != c.Path || len(c.Path) > 200) {
		bad(`Path must begin with "/" and have no query and no fragment: %.100q`, c.Path)
	}
	if c.OTP.Text != nil {
		bad("OTP.Text must be nil: set Text, which is told the link")
	}
	return errors.Join(errs...)
}

// isOrigin reports whether s is what browsers call an origin, of a page that can be
// trusted with a code.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) || len(s) > 253 {
		return false
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return u.Scheme == "http" && ip.IsLoopback()
	}
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && host == "localhost"
}
