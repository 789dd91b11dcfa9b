package account

// This file has the handler for what users enrol: a request goes through it from top
// to bottom: admit, limit, read, act, tell the user, answer.

import (
	"cmp"
	"context"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/passkey"
	"github.com/cyber-eternal/customauth/recovery"
	"github.com/cyber-eternal/customauth/totp"
)

const (
	// maxBody bounds what is read of a request: a passkey's answer has 16 KiB at most.
	maxBody = 32 << 10

	defaultMaxAge = 5 * time.Minute
	maxMaxAge     = time.Hour
)

// Options say what users can enrol. Pool, Key and Store are required, and one of
// Passkeys, Apps, Recovery and Devices at least; Senders too, or InsecureNoNotice.
type Options struct {
	// Pool checks the access tokens.
	Pool *Pool

	// Key seals what the browser keeps between the beginning and the end of an
	// enrolment: 32 bytes or more from a random source. It can be replaced at any time;
	// enrolments under way then fail.
	Key customauth.Secret

	// Store counts for Limit: the one of customauth.Options.
	Store customauth.Store

	// What users can enrol: the values that the steps of the sign-in have. Nil: not.
	Passkeys *passkey.RelyingParty
	Apps     *totp.Codes
	Recovery *recovery.Codes
	Devices  *device.Devices

	// Change is what a change asks of the sign-in, on top of a token that was not
	// revoked. MaxAge is 5 minutes by default, at most an hour: whoever finds an open
	// session cannot add a way in that outlives it. Reading asks for a token alone.
	Change Need

	// Limit is how many changes a user can try. Default 30 an hour.
	Limit customauth.Window

	// Senders deliver the notice that a way in was added or removed, by medium, to the
	// user's verified addresses of these media: "EMAIL" to email, "SMS" to phone_number.
	// A notice that cannot be sent is logged, and undoes nothing.
	Senders map[string]customauth.Sender

	// Text writes the notice. It is given one that is complete, in English, and may
	// change Text, Subject, HTML and Locale. r.Locale is the user's attribute.
	Text func(ctx context.Context, r customauth.Request, c Change, m customauth.Message) (customauth.Message, error)

	// Logger gets an Error for what is broken. Default slog.Default().
	Logger *slog.Logger

	// InsecureNoNotice tells users nothing. They then do not learn that somebody else
	// has added a way into their account.
	InsecureNoNotice bool
}

// A Change is what happened to a user's ways in.
type Change struct {
	Kind  string // "passkeys", "apps", "recovery-codes" or "devices"
	Added bool   // or else removed
}

type handler struct {
	Options
	aead  cipher.AEAD
	kinds map[string]kind
}

// New returns the handler. Paths are relative to where it is mounted (see
// http.StripPrefix); bodies and answers are JSON, errors {"error": WORD}.
//
//	GET    /passkeys              [{"id", "name", "created", "used", "synced", "cloned"}]
//	POST   /passkeys/begin        {} → {"publicKey": for parseCreationOptionsFromJSON, "session"}
//	POST   /passkeys              {"session", "name", "response": credential.toJSON()}
//	PATCH  /passkeys/ID           {"name"}
//	DELETE /passkeys/ID
//	GET    /apps                  [{"id", "name", "created"}]
//	POST   /apps/begin            {} → {"secret", "uri", "qr": a data URL, "session"}
//	POST   /apps                  {"session", "name", "code"}
//	PATCH  /apps/ID               {"name"}
//	DELETE /apps/ID
//	GET    /recovery-codes        {"left"}
//	POST   /recovery-codes        {} → {"codes"}, in place of those before
//	DELETE /recovery-codes
//	GET    /devices               [{"id", "name", "created", "expires"}]
//	POST   /devices               {"name", "key": base64url of the point} → {"id", …}
//	PATCH  /devices/ID            {"name"}
//	DELETE /devices/ID
//	DELETE /devices               all of them, with a global sign-out
//
// Words of errors, beside those of Pool.Require: bad_request, expired (begin again),
// wrong_code, not_accepted (the passkey's answer), too_many, not_found, conflict
// (somebody else changed it: look again), rate_limited, unavailable. It is safe for
// concurrent use.
func New(o Options) (http.Handler, error) {
	h := &handler{Options: o}
	if err := h.validate(); err != nil {
		return nil, err
	}
	h.Change.MaxAge = cmp.Or(h.Change.MaxAge, defaultMaxAge)
	h.Change.NotRevoked = false // Alive is asked by change, once
	h.Limit = cmp.Or(h.Limit, customauth.Window{Max: 30, Per: time.Hour})
	h.Logger = cmp.Or(h.Logger, slog.Default())
	var err error
	if h.aead, err = newAEAD(o.Key); err != nil {
		return nil, err
	}
	h.kinds = h.newKinds()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{kind}", h.read)
	mux.HandleFunc("POST /{kind}/begin", h.change("begin"))
	mux.HandleFunc("POST /{kind}", h.change("add"))
	mux.HandleFunc("PATCH /{kind}/{id}", h.change("rename"))
	mux.HandleFunc("DELETE /{kind}/{id}", h.change("remove"))
	mux.HandleFunc("DELETE /{kind}", h.change("remove all"))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, map[string]string{"error": "not_found"})
	})
	return mux, nil
}

func (h *handler) validate() error {
	var wrong []error
	add := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("account: "+format, args...))
	}
	if h.Pool == nil {
		add("Pool is required: see NewPool")
	}
	if h.Store == nil {
		add("Store is required, the one of customauth.Options")
	}
	if h.Passkeys == nil && h.Apps == nil && h.Recovery == nil && h.Devices == nil {
		add("one of Passkeys, Apps, Recovery and Devices is required")
	}
	if h.Change.MaxAge < 0 || h.Change.MaxAge > maxMaxAge {
		add("Change.MaxAge must be from 0 to 1h, not %v", h.Change.MaxAge)
	}
	if (h.Limit != customauth.Window{}) && (h.Limit.Max < 1 || h.Limit.Per < time.Minute) {
		add("Limit must be 1 or more in a minute or more, not %d in %v", h.Limit.Max, h.Limit.Per)
	}
	if len(h.Senders) == 0 && !h.InsecureNoNotice {
		add("Senders is required, for EMAIL or SMS: users must learn of a new way into their account; or set InsecureNoNotice")
	}
	for medium, s := range h.Senders {
		if addressOf[medium] == "" || s == nil || reflect.ValueOf(s).Kind() == reflect.Pointer && reflect.ValueOf(s).IsNil() {
			add("Senders has %.20q: a sender for EMAIL or SMS is possible", medium)
		}
	}
	return errors.Join(wrong...)
}

// read lists what a user has.
func (h *handler) read(w http.ResponseWriter, r *http.Request) {
	t, ok := h.Pool.admit(w, r, Need{})
	if !ok {
		return
	}
	k, ok := h.kinds[r.PathValue("kind")]
	if !ok {
		h.fail(w, r, errNotFound)
		return
	}
	list, err := k.list(r.Context(), t.User)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, list)
}

// A call is one change that is asked for.
type call struct {
	user       credential.User
	attributes map[string]customauth.Secret
	name       string // what the user signs in with, as far as that is known
	id         string
	body       body
}

// body is what a request has, all kinds together.
type body struct {
	Name     string          `json:"name"`
	Session  string          `json:"session"`
	Code     string          `json:"code"`
	Key      string          `json:"key"`
	Response json.RawMessage `json:"response"`
}

// change does what is named by verb.
func (h *handler) change(verb string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, ok := h.Pool.admit(w, r, h.Change)
		if !ok {
			return
		}
		do, ok := h.kinds[r.PathValue("kind")].verbs[verb]
		if !ok {
			h.fail(w, r, errNotFound)
			return
		}
		if wait, err := h.count(r.Context(), "user", string(t.User.Hash("account limit")), h.Limit); err != nil || wait > 0 {
			h.refuse(w, r, wait, err)
			return
		}
		c := call{user: t.User, id: r.PathValue("id")}
		var err error
		if c.body, err = readBody(w, r); err != nil {
			h.fail(w, r, err)
			return
		}
		c.attributes, err = h.Pool.Alive(r.Context(), t)
		if errors.Is(err, ErrRevoked) {
			deny(w, http.StatusUnauthorized, `Bearer error="invalid_token"`, "invalid_token")
			return
		}
		if err != nil {
			h.refuse(w, r, 0, err)
			return
		}
		c.name = cmp.Or(c.attributes["email"].Reveal(), c.attributes["phone_number"].Reveal(), t.UserName.Reveal())
		result, err := do(r.Context(), c)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		if verb != "begin" && verb != "rename" {
			h.tell(r.Context(), t, c, Change{Kind: r.PathValue("kind"), Added: verb == "add"})
		}
		if result == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, http.StatusOK, result)
	}
}

// readBody reads a JSON object, or nothing. A DELETE has none.
func readBody(w http.ResponseWriter, r *http.Request) (b body, err error) {
	if r.Method == http.MethodDelete {
		return b, nil
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	err = d.Decode(&b)
	if errors.Is(err, io.EOF) {
		return body{}, nil
	}
	if err != nil || d.More() {
		return body{}, errBody
	}
	return b, nil
}

// count adds one to a counter, unless it is full; then it says how long to wait.
func (h *handler) count(ctx context.Context, counter, key string, window customauth.Window) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found, err := h.Store.Update(ctx, "account:"+base64.RawURLEncoding.EncodeToString([]byte(key)), customauth.Op{
		Verb: customauth.Count, Counter: counter, Windows: []customauth.Window{window},
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("account: store: %w", err)
	case len(found) != 1:
		return 0, errors.New("account: store: no answer")
	}
	return found[0].Wait, nil
}

// refuse answers where a limit is reached, or cannot be counted.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, wait time.Duration, err error) {
	if err != nil {
		h.Logger.ErrorContext(r.Context(), "account: a change is refused", "error", redact.Err(err))
		deny(w, http.StatusServiceUnavailable, "", "unavailable")
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	deny(w, http.StatusTooManyRequests, "", "rate_limited")
}

var (
	errBody     = errors.New("account: the body is no JSON object of this path")
	errNotFound = errors.New("account: there is no such thing")
)

// outcomes are what the app is told.
var outcomes = []struct {
	err    error
	status int
	word   string
}{
	{errBody, http.StatusBadRequest, "bad_request"},
	{device.ErrKey, http.StatusBadRequest, "bad_request"},
	{errSession, http.StatusBadRequest, "expired"},
	{totp.ErrCode, http.StatusBadRequest, "wrong_code"},
	{passkey.ErrResponse, http.StatusBadRequest, "not_accepted"},
	{errNotFound, http.StatusNotFound, "not_found"},
	{passkey.ErrNotThere, http.StatusNotFound, "not_found"},
	{totp.ErrNotThere, http.StatusNotFound, "not_found"},
	{device.ErrNotThere, http.StatusNotFound, "not_found"},
	{passkey.ErrTooMany, http.StatusConflict, "too_many"},
	{totp.ErrTooMany, http.StatusConflict, "too_many"},
	{credential.ErrConflict, http.StatusConflict, "conflict"},
}

// fail answers with what an error means for the app.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			deny(w, o.status, "", o.word)
			return
		}
	}
	h.Logger.ErrorContext(r.Context(), "account: a request failed", "method", r.Method, "error", redact.Err(err))
	deny(w, http.StatusInternalServerError, "", "unavailable")
}

// answer writes JSON that nobody keeps.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // what fails here is the connection
}
