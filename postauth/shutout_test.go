package postauth_test

// This file is about whom the first proof shuts out, and what happens when that
// fails.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/google/go-cmp/cmp"
)

// a pool with these app clients, besides the one that is used.
func clients(others map[string]map[string]any, more bool) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, c call) {
		switch id, _ := c.Body["ClientId"].(string); {
		case c.Operation == "ListUserPoolClients":
			out := map[string]any{}
			list := []any{map[string]any{"ClientId": app}}
			for id := range others {
				list = append(list, map[string]any{"ClientId": id})
			}
			out["UserPoolClients"] = list
			if more {
				out["NextToken"] = "more"
			}
			reply(w, 200, out)
		case others[id] != nil:
			reply(w, 200, map[string]any{"UserPoolClient": others[id]})
		default:
			healthy(w, c)
		}
	}
}

// operations are what the service was asked, in short.
func operations(calls []call) []string {
	var names []string
	for _, c := range calls {
		names = append(names, c.Operation)
	}
	return names
}

const (
	look     = "DescribeUserPoolClient"
	all      = "ListUserPoolClients"
	password = "AdminSetUserPassword"
	out      = "AdminUserGlobalSignOut"
	mark     = "AdminUpdateUserAttributes"
)

func TestShutsOthersOut(t *testing.T) {
	srp := map[string]map[string]any{"another": flows("ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")}
	for name, tt := range map[string]struct {
		options postauth.Options
		service func(http.ResponseWriter, call)
		want    []string
	}{
		"no password is a way in":          {service: clients(nil, false), want: []string{look, all, out, mark}},
		"another client takes codes":       {service: clients(map[string]map[string]any{"another": flows("ALLOW_CUSTOM_AUTH")}, false), want: []string{look, all, look, out, mark}},
		"another client refreshes alone":   {service: clients(map[string]map[string]any{"another": flows("ALLOW_REFRESH_TOKEN_AUTH")}, false), want: []string{look, all, look, out, mark}},
		"another client takes passwords":   {service: clients(srp, false), want: []string{look, all, look, password, out, mark}},
		"another client says nothing":      {service: clients(map[string]map[string]any{"another": {"ClientId": "another"}}, false), want: []string{look, all, look, password, out, mark}},
		"another client has managed login": {service: clients(map[string]map[string]any{"another": {"AllowedOAuthFlowsUserPoolClient": true, "ExplicitAuthFlows": []string{"ALLOW_CUSTOM_AUTH"}}}, false), want: []string{look, all, look, password, out, mark}},
		"too many clients to look at":      {service: clients(nil, true), want: []string{look, all, password, out, mark}},
		"passwords are kept":               {options: postauth.Options{InsecureKeepPassword: true}, service: clients(srp, false), want: []string{look, out, mark}},
		"sessions are kept":                {options: postauth.Options{InsecureKeepSessions: true}, service: clients(srp, false), want: []string{look, all, look, password, mark}},
		"all is kept":                      {options: postauth.Options{InsecureKeepSessions: true, InsecureKeepPassword: true}, service: clients(srp, false), want: []string{look, mark}},
	} {
		t.Run(name, func(t *testing.T) {
			in := signIn(t, nil)
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, tt.service)
				tt.options.Client, tt.options.FailSignIn = s.client, true
				handle := newHandler(t, tt.options)
				if _, err := handle(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, operations(s.calls())); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The password is one that every policy takes, another one each time, for good.
func TestReplacedPassword(t *testing.T) {
	in := signIn(t, nil)
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, clients(nil, true))
		handle := newHandler(t, postauth.Options{Client: s.client})
		seen := map[string]bool{}
		for range 3 {
			if _, err := handle(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range s.calls() {
			if c.Operation != password {
				continue
			}
			p := c.Body["Password"].(string)
			seen[p] = true
			if len(p) < 99 || len(p) > 256 || !strings.ContainsFunc(p, unicode.IsLower) || !strings.ContainsFunc(p, unicode.IsUpper) ||
				!strings.ContainsFunc(p, unicode.IsDigit) || !strings.ContainsAny(p, "-") {
				t.Errorf("a pool could refuse a password like this one, of %d characters", len(p))
			}
			if c.Body["Permanent"] != true || c.Body["Username"] != sub || c.Body["UserPoolId"] != pool {
				t.Error("the password is set for somebody else, or not for good")
			}
		}
		if len(seen) != 3 {
			t.Errorf("%d passwords, want 3", len(seen))
		}
	})
}

// What fails ends the sign-in, and nothing after it is done; only when all others are
// shut out may the mark itself fail.
func TestShuttingOutFails(t *testing.T) {
	keep := postauth.Options{InsecureKeepSessions: true, InsecureKeepPassword: true}
	for name, tt := range map[string]struct {
		options postauth.Options
		fails   string
		want    []string
		closed  bool
		noHook  bool // Options.Removed is not set
	}{
		"the client":               {fails: look, want: []string{look}, closed: true},
		"the list":                 {fails: all, want: []string{look, "proved", all}, closed: true},
		"the password":             {fails: password, want: []string{look, "proved", all, password}, closed: true},
		"what was enrolled":        {fails: "removed", want: []string{look, "proved", all, password, "removed"}, closed: true},
		"signing out":              {fails: out, want: []string{look, "proved", all, password, "removed", out}, closed: true},
		"the mark":                 {fails: mark, want: []string{look, "proved", all, password, "removed", out, mark}},
		"the proof":                {fails: "proved", want: []string{look, "proved"}, closed: true},
		"nothing":                  {want: []string{look, "proved", all, password, "removed", out, mark}},
		"the client, all is kept":  {options: keep, fails: look, want: []string{look}, noHook: true},
		"the mark, all is kept":    {options: keep, fails: mark, want: []string{look, "proved", mark}, noHook: true},
		"the proof, all is kept":   {options: keep, fails: "proved", want: []string{look, "proved"}, noHook: true},
		"removing, the rest kept":  {options: keep, fails: "removed", want: []string{look, "proved", "removed"}, closed: true},
		"removing, which panics":   {fails: "removed panics", want: []string{look, "proved", all, password, "removed"}, closed: true},
		"removing, which hangs on": {fails: "removed hangs", want: []string{look, "proved", all, password, "removed"}, closed: true},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, strict %v", name, strict), func(t *testing.T) {
				in := signIn(t, nil)
				synctest.Test(t, func(t *testing.T) {
					did := new(steps)
					s := serve(t, func(w http.ResponseWriter, c call) {
						did.add(c.Operation)
						if c.Operation == tt.fails {
							reply(w, 400, map[string]any{"__type": "AccessDeniedException", "message": "about " + number})
							return
						}
						clients(nil, true)(w, c)
					})
					var log bytes.Buffer
					o := tt.options
					o.Client, o.FailSignIn = s.client, strict
					o.Logger = slog.New(slog.NewTextHandler(&log, nil))
					o.Proved = func(context.Context, string, string, customauth.Destination) (time.Duration, error) {
						did.add("proved")
						if tt.fails == "proved" {
							return 0, errors.New("the table is gone, says " + number)
						}
						return time.Second, nil
					}
					if !tt.noHook {
						o.Removed = func(ctx context.Context, poolID, userName string) error {
							did.add("removed")
							switch tt.fails {
							case "removed":
								return errors.New("the table is gone, says " + number)
							case "removed panics":
								panic(number)
							case "removed hangs":
								<-ctx.Done()
								time.Sleep(time.Minute)
							}
							if poolID != pool || userName != sub {
								t.Errorf("removed for %q in %q", userName, poolID)
							}
							return nil
						}
					}
					began := time.Now()
					_, err := newHandler(t, o)(t.Context(), in)
					if took := time.Since(began); took > 3*time.Second {
						t.Errorf("took %v", took)
					}
					want := ""
					if tt.closed || strict && tt.fails != "" {
						want = "the sign-in could not be completed"
					}
					if diff := cmp.Diff(want, text(err)); diff != "" {
						t.Errorf("error (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(tt.want, did.list()); diff != "" {
						t.Errorf("what was done (-want +got):\n%s", diff)
					}
					if failed := strings.Contains(log.String(), "level=ERROR"); failed != (tt.fails != "") || strings.Contains(log.String(), number) {
						t.Errorf("log: %s", &log)
					}
					time.Sleep(2 * time.Minute) // for what hangs
				})
			})
		}
	}
}

// steps are what was done, in order.
type steps struct {
	mu   sync.Mutex
	done []string
}

func (s *steps) add(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, step)
}

func (s *steps) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}
