package credentialtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/credentialtest"
)

func TestMemoryStore(t *testing.T) {
	credentialtest.Run(t, credentialtest.Config{
		New: func(*testing.T) credential.Store { return credential.NewMemoryStore() },
	})
}

// Two instances that share what they keep pass too.
func TestShared(t *testing.T) {
	credentialtest.Run(t, config(""))
}

// Every bug makes at least one check fail: the suite can fail.
func TestBrokenStores(t *testing.T) {
	bugs := []string{
		"not atomic", "last writer wins", "first writer wins silently", "writes before it refuses", "skips versions",
		"new replaces", "forgets the version", "delete ignores the version", "delete of nothing fails", "delete not atomic",
		"delete removes the kind", "delete does nothing", "kind is a prefix", "one kind for all", "one owner for all",
		"lower-cases", "cuts ids", "joins without a separator", "one item an owner", "keeps the caller's bytes", "gives away its bytes",
		"cuts long bytes", "reads text", "first page only", "stale reads", "nothing shared", "another error for a conflict",
		"ignores the context", "fails now and then", "remembers what was removed", "forgets the owner", "refuses parallel writers",
	}
	for _, bug := range bugs {
		t.Run(bug, func(t *testing.T) {
			found := credentialtest.Failures(t, config(bug))
			if len(found) == 0 {
				t.Fatalf("a store with the bug %q passes", bug)
			}
			t.Log(slices.Sorted(maps.Keys(found)))
		})
	}
}

func config(bug string) credentialtest.Config {
	var last *broken
	return credentialtest.Config{
		New: func(*testing.T) credential.Store {
			last = &broken{bug: bug, shared: &shared{kept: make(map[string]credential.Item)}}
			return last
		},
		Peer: func(*testing.T) credential.Store {
			s := &broken{bug: bug, shared: last.shared}
			if bug == "nothing shared" {
				s.shared = &shared{kept: make(map[string]credential.Item)}
			}
			return s
		},
	}
}

// shared is what the instances of a store have in common.
type shared struct {
	mu     sync.Mutex
	kept   map[string]credential.Item
	before []credential.Item // the list as it was a write ago
	busy   int
	calls  int

	deleting bool
}

// broken is a right store, but for its bug.
type broken struct {
	bug string
	*shared
}

func (s *broken) key(it credential.Item) string {
	if s.bug == "one kind for all" {
		it.Kind = ""
	}
	if s.bug == "one owner for all" {
		it.Owner = ""
	}
	if s.bug == "one item an owner" {
		it.ID = ""
	}
	if s.bug == "cuts ids" {
		it.ID = it.ID[:min(len(it.ID), 63)]
	}
	key := it.Owner + "/" + it.Kind + "/" + it.ID
	if s.bug == "joins without a separator" {
		key = it.Owner + it.Kind + it.ID
	}
	if s.bug == "lower-cases" {
		key = strings.ToLower(key)
	}
	return key
}

// open is done before every call.
func (s *broken) open(ctx context.Context) (unlock func(), err error) {
	if ctx.Err() != nil && s.bug != "ignores the context" {
		return nil, ctx.Err()
	}
	s.mu.Lock()
	if s.calls++; s.bug == "fails now and then" && s.calls%20 == 0 {
		s.mu.Unlock()
		return nil, errors.New("no answer")
	}
	return s.mu.Unlock, nil
}

// gap lets others in between a look and a write: one at least, if one comes.
func (s *broken) gap() {
	before := s.calls
	s.until(2*time.Millisecond, func() bool { return s.calls > before })
}

// until lets others in until something is so, but not for ever.
func (s *broken) until(most time.Duration, so func() bool) {
	for end := time.Now().Add(most); !so() && time.Now().Before(end); {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
}

func (s *broken) List(ctx context.Context, owner, kind string) ([]credential.Item, error) {
	unlock, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if s.bug == "stale reads" && s.before != nil {
		return matching(s.before, owner, kind), nil
	}
	var items []credential.Item
	for _, it := range s.kept {
		if s.bug == "kind is a prefix" && it.Owner == owner && strings.HasPrefix(it.Kind, kind) {
			it.Kind = kind
		}
		if it.Owner == owner && it.Kind == kind {
			if s.bug != "gives away its bytes" {
				it.Sealed = slices.Clone(it.Sealed)
			}
			if s.bug == "reads text" {
				it.Sealed = []byte(strings.TrimSpace(string(it.Sealed)))
			}
			if s.bug == "forgets the owner" {
				it.Owner = ""
			}
			items = append(items, it)
		}
	}
	if s.bug == "first page only" && len(items) > 128 {
		items = items[:128]
	}
	return items, nil
}

func matching(items []credential.Item, owner, kind string) []credential.Item {
	return slices.DeleteFunc(slices.Clone(items), func(it credential.Item) bool { return it.Owner != owner || it.Kind != kind })
}

func (s *broken) Put(ctx context.Context, it credential.Item) error {
	unlock, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if s.bug == "delete not atomic" && it.Version == 2 {
		s.until(100*time.Millisecond, func() bool { return s.deleting })
	}
	key := s.key(it)
	there := s.kept[key]
	fits := it.Version >= 1 && there.Version == it.Version-1
	switch s.bug {
	case "last writer wins":
		fits = true
	case "skips versions":
		fits = it.Version > there.Version
	case "new replaces":
		fits = fits || it.Version == 1
	case "forgets the version":
		fits = fits || there.Version > 0 && it.Version > 1
	case "not atomic":
		s.gap()
	case "refuses parallel writers":
		s.busy++
		others := s.busy > 1
		s.gap()
		s.busy--
		if others {
			return credential.ErrConflict
		}
		there = s.kept[key]
		fits = it.Version >= 1 && there.Version == it.Version-1
	case "writes before it refuses":
		if !fits && there.Version > 0 {
			there.Sealed = it.Sealed
			s.kept[key] = there
		}
	}
	if !fits && s.bug == "first writer wins silently" {
		return nil
	}
	if !fits && s.bug == "another error for a conflict" {
		return errors.New("conflict")
	}
	if !fits {
		return fmt.Errorf("broken: %w", credential.ErrConflict)
	}
	s.before = nil
	for _, old := range s.kept {
		s.before = append(s.before, old)
	}
	if s.bug != "keeps the caller's bytes" {
		it.Sealed = slices.Clone(it.Sealed)
	}
	if s.bug == "cuts long bytes" {
		it.Sealed = it.Sealed[:min(len(it.Sealed), 4096)]
	}
	s.kept[key] = it
	return nil
}

func (s *broken) Delete(ctx context.Context, it credential.Item) error {
	unlock, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	key := s.key(it)
	there, ok := s.kept[key]
	switch {
	case !ok && s.bug == "delete of nothing fails":
		return credential.ErrConflict
	case !ok || s.bug == "delete does nothing":
		return nil
	case there.Version != it.Version && s.bug != "delete ignores the version":
		return credential.ErrConflict
	}
	if s.bug == "delete not atomic" {
		s.deleting = true
		s.gap()
		s.deleting = false
	}
	if s.bug == "remembers what was removed" {
		there.Owner = "" // out of every list
		s.kept[key] = there
		return nil
	}
	delete(s.kept, key)
	if s.bug == "delete removes the kind" {
		for other, kept := range s.kept {
			if kept.Owner == it.Owner && kept.Kind == it.Kind {
				delete(s.kept, other)
			}
		}
	}
	return nil
}
