package secretskeys_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/secretskeys"
)

// What Secrets Manager makes up for a stack: 64 letters and digits.
const firstKey = "N0tARealKeyN0tARealKeyN0tARealKeyN0tARealKeyN0tARealKeyN0tAReal1"

// An instance is one process of the function. All share a store.
func instance(t *testing.T, s *service, store customauth.Store, inbox *cognitotest.Inbox, log *bytes.Buffer) lambda.Handler {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	h, err := secretskeys.NewHandler(t.Context(), secretskeys.Options{
		Client:   s.client(),
		SecretID: secretID,
		Logger:   logger,
		Build: func(keys []customauth.Secret) (lambda.Handler, error) {
			return customauth.NewHandler(customauth.Options{
				Keys: keys, Logger: logger, Senders: map[string]customauth.Sender{"SMS": inbox},
				Store: store, CounterKey: customauth.Hide("a key that names the counters of a test"),
			}, nil)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestSignInAcrossRotation rotates the keys twice while people sign in, each call of a
// trigger being answered by the other of two instances: one that has read the keys
// again and one that has not.
func TestSignInAcrossRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, inbox, log := newService(firstKey), customauth.NewMemoryStore(), new(cognitotest.Inbox), new(bytes.Buffer)
		instances := []lambda.Handler{instance(t, s, store, inbox, log), nil}
		calls := 0
		pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{
			All: handlerFunc(func(ctx context.Context, in []byte) ([]byte, error) {
				calls++
				return instances[calls%2].Invoke(ctx, in)
			}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			phone := fmt.Sprintf("+1206555010%d", i)
			instances[1] = instances[0]
			if err := pool.AddUser(phone, map[string]string{"phone_number": phone}); err != nil {
				t.Fatal(err)
			}
			signIn, err := pool.SignIn(t.Context(), phone)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.rotate(t.Context(), fmt.Sprintf("v%d", i+1)); err != nil {
				t.Fatal(err)
			}
			instances[1] = instance(t, s, store, inbox, log) // it starts with the new keys; the other goes on with the old ones
			if err := signIn.Answer(t.Context(), "not the code", nil); err != nil {
				t.Fatal(err)
			}
			if err := signIn.Answer(t.Context(), inbox.Code(phone), nil); err != nil {
				t.Fatal(err)
			}
			if !signIn.Done() {
				t.Errorf("rotation %d: the right code brought no tokens: errorCode %q", i+1, signIn.Parameters["errorCode"])
			}
			time.Sleep(61 * time.Minute) // the next rotation may be; the old instance reads the keys again
		}
		for _, key := range append(s.current(), firstKey) {
			if strings.Contains(log.String(), key) {
				t.Error("a key is in the log")
			}
		}
	})
}

type handlerFunc func(context.Context, []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, in []byte) ([]byte, error) { return f(ctx, in) }

func TestRereads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(firstKey)
		var built []int // how many keys each handler was built of
		h, err := secretskeys.NewHandler(t.Context(), secretskeys.Options{
			Client: s.client(), SecretID: secretID, Logger: slog.New(slog.DiscardHandler),
			Build: func(keys []customauth.Secret) (lambda.Handler, error) {
				built = append(built, len(keys))
				return handlerFunc(func(context.Context, []byte) ([]byte, error) { return json.Marshal(len(keys)) }), nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		invoke := func() string {
			out, err := h.Invoke(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
		for range 3 {
			invoke()
		}
		if s.reads != 1 {
			t.Errorf("%d reads within 5 minutes, want 1", s.reads)
		}
		time.Sleep(5 * time.Minute)
		invoke()
		if s.reads != 2 || len(built) != 1 {
			t.Errorf("after 5 minutes: %d reads, %d handlers, want 2 and 1: the version is the same", s.reads, len(built))
		}
		if err := s.rotate(t.Context(), "v1"); err != nil {
			t.Fatal(err)
		}
		s.down = true
		time.Sleep(5 * time.Minute)
		if got := invoke(); got != "1" {
			t.Errorf("with Secrets Manager down, the handler has %s keys, want the 1 as before", got)
		}
		s.down = false
		time.Sleep(5 * time.Minute)
		if got := invoke(); got != "2" {
			t.Errorf("after the rotation the handler has %s keys, want 2", got)
		}
		if diff := cmp.Diff([]int{1, 2}, built); diff != "" {
			t.Errorf("handlers built (-want +got):\n%s", diff)
		}
	})
}

// A function that was frozen, or restored from a snapshot, finds its keys as old as they
// are. A bubble of synctest has no monotonic clock, so this is
// outside of one.
func TestRereadsAfterFreeze(t *testing.T) {
	s := newService(firstKey)
	h, err := secretskeys.NewHandler(t.Context(), secretskeys.Options{
		Client: s.client(), SecretID: secretID, Logger: slog.New(slog.DiscardHandler),
		Build: func(keys []customauth.Secret) (lambda.Handler, error) {
			return handlerFunc(func(context.Context, []byte) ([]byte, error) { return json.Marshal(len(keys)) }), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.rotate(t.Context(), "v1"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		frozen time.Duration
		want   string
	}{{0, "1"}, {time.Minute, "1"}, {time.Hour, "2"}} {
		secretskeys.Freeze(h, test.frozen)
		got, err := h.Invoke(t.Context(), nil)
		if err != nil || string(got) != test.want {
			t.Errorf("after %v the handler has %s keys, %v, want %s", test.frozen, got, err, test.want)
		}
	}
	secretskeys.Freeze(h, -time.Minute) // the clock was set back: the age is not known
	before := s.reads
	if _, err := h.Invoke(t.Context(), nil); err != nil || s.reads != before+1 {
		t.Errorf("%d reads after the clock was set back, %v, want %d", s.reads, err, before+1)
	}
}

func TestNewHandlerRefuses(t *testing.T) {
	build := func([]customauth.Secret) (lambda.Handler, error) { return nil, errors.New("no handler") }
	tests := map[string]struct {
		secret  string
		options secretskeys.Options
		want    string
	}{
		"no Build":          {firstKey, secretskeys.Options{SecretID: secretID}, "Options.Build is nil"},
		"Every too short":   {firstKey, secretskeys.Options{SecretID: secretID, Build: build, Every: time.Millisecond}, "1s or more"},
		"no secret":         {firstKey, secretskeys.Options{Build: build}, "no name"},
		"another secret":    {firstKey, secretskeys.Options{SecretID: "other", Build: build}, "reading the keys"},
		"a secret of words": {"too short", secretskeys.Options{SecretID: secretID, Build: build}, "openssl rand -base64 32"},
		"Build fails":       {firstKey, secretskeys.Options{SecretID: secretID, Build: build}, "no handler"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.options.Client = newService(tt.secret).client()
			_, err := secretskeys.NewHandler(t.Context(), tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.secret) {
				t.Errorf("error %v, want something about %q and no secret", err, tt.want)
			}
		})
	}
}

func TestNewClientOutsideOfLambda(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	if _, err := secretskeys.NewClient(); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("error %v, want one that names AWS_REGION", err)
	}
}
