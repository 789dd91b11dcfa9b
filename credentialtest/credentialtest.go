// Package credentialtest checks that a [credential.Store] keeps its contract: it
// loses no write, lets one of several win, shows what was written, and keeps users,
// kinds and ids apart. That nobody signs in with a passkey that was removed, and that
// a recovery code works once, rests on it.
//
//	func TestStore(t *testing.T) {
//		credentialtest.Run(t, credentialtest.Config{
//			New: func(*testing.T) credential.Store { return mystore.New(table) },
//		})
//	}
package credentialtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cyber-eternal/customauth/credential"
)

// Config says how to reach the store under test.
type Config struct {
	// New opens the store. It is called once for each check. The stores may share what
	// they keep: every check makes owners of its own. Required.
	New func(t *testing.T) credential.Store

	// Peer opens another instance that shares what it keeps with the store that New
	// opened last, as another process would. Nil is right only for a store that keeps
	// things for its own process alone.
	Peer func(t *testing.T) credential.Store

	// Parallel is how many writers write at once. Default 32.
	Parallel int
}

// Run runs every check as a subtest of t.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil {
		t.Fatal("credentialtest: Config.New is nil")
	}
	for _, k := range checks {
		t.Run(k.name, func(t *testing.T) {
			if err := c.run(t, k); err != nil {
				t.Error(err)
			}
		})
	}
}

// A check is one promise of the contract.
type check struct {
	name string
	run  func(e *env) error
}

var checks = []check{
	{"Empty", checkEmpty},
	{"PutAndList", checkPutAndList},
	{"NewOnce", checkNewOnce},
	{"Versions", checkVersions},
	{"RefusalChangesNothing", checkRefusalChangesNothing},
	{"Delete", checkDelete},
	{"DeleteOtherVersion", checkDeleteOtherVersion},
	{"Apart", checkApart},
	{"Bytes", checkBytes},
	{"Many", checkMany},
	{"Copies", checkCopies},
	{"ParallelNew", checkParallelNew},
	{"ParallelWrites", checkParallelWrites},
	{"ParallelIDs", checkParallelIDs},
	{"DeleteAgainstPut", checkDeleteAgainstPut},
	{"Cancelled", checkCancelled},
}

func (c Config) run(t *testing.T, k check) error {
	e := &env{ctx: t.Context(), parallel: c.Parallel, stores: []credential.Store{c.New(t)}}
	if e.parallel < 2 {
		e.parallel = 32
	}
	if c.Peer != nil {
		e.stores = append(e.stores, c.Peer(t))
	}
	return k.run(e)
}

// env is what a check works with. Writers and readers take the stores in turn, so
// with a peer every promise is also one between processes.
type env struct {
	ctx      context.Context
	parallel int

	mu     sync.Mutex
	stores []credential.Store
	turn   int
}

func (e *env) store() credential.Store {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turn++
	return e.stores[e.turn%len(e.stores)]
}

// owner makes a name of the shape that owners have.
func owner() string { return (rand.Text() + rand.Text())[:43] }

func item(owner, kind, id string, version int64, sealed string) credential.Item {
	return credential.Item{Owner: owner, Kind: kind, ID: id, Version: version, Sealed: []byte(sealed)}
}

func (e *env) put(it credential.Item) error {
	if err := e.store().Put(e.ctx, it); err != nil {
		return fmt.Errorf("put of %s/%s, version %d: %w", it.Kind, it.ID, it.Version, err)
	}
	return nil
}

// conflict reports anything but the error that is due.
func conflict(what string, err error) error {
	if !errors.Is(err, credential.ErrConflict) {
		return fmt.Errorf("%s: error %v, want one that wraps ErrConflict", what, err)
	}
	return nil
}

// holds reports if the store has anything but these items of an owner and kind.
func (e *env) holds(owner, kind string, want ...credential.Item) error {
	for range e.stores {
		got, err := e.store().List(e.ctx, owner, kind)
		if err != nil {
			return fmt.Errorf("list of %s: %w", kind, err)
		}
		if len(got) != len(want) {
			return fmt.Errorf("list of %s: %d items, want %d", kind, len(got), len(want))
		}
		byID := make(map[string]credential.Item)
		for _, it := range got {
			byID[it.ID] = it
		}
		for _, w := range want {
			g, ok := byID[w.ID]
			switch {
			case !ok:
				return fmt.Errorf("list of %s: no item %q", kind, w.ID)
			case g.Owner != w.Owner || g.Kind != w.Kind:
				return fmt.Errorf("list of %s: item %q is of owner %q and kind %q, want %q and %q", kind, w.ID, g.Owner, g.Kind, w.Owner, w.Kind)
			case g.Version != w.Version:
				return fmt.Errorf("list of %s: item %q has version %d, want %d", kind, w.ID, g.Version, w.Version)
			case !bytes.Equal(g.Sealed, w.Sealed):
				return fmt.Errorf("list of %s: item %q has %d bytes %.20x, want %d bytes %.20x", kind, w.ID, len(g.Sealed), g.Sealed, len(w.Sealed), w.Sealed)
			}
		}
	}
	return nil
}

// atOnce runs writers at once and returns what each said.
func (e *env) atOnce(n int, write func(i int, s credential.Store) error) []error {
	said := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		s := e.store()
		wg.Go(func() {
			<-start
			said[i] = write(i, s)
		})
	}
	close(start)
	wg.Wait()
	return said
}
