package credential

// This file keeps items in the memory of one process.

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// NewMemoryStore returns a [Store] in the memory of this process, for tests and for
// trying things out: what users enrol is gone when the process is.
func NewMemoryStore() Store { return &memoryStore{kept: make(map[[2]string]map[string]Item)} }

type memoryStore struct {
	mu   sync.Mutex
	kept map[[2]string]map[string]Item // by owner and kind, then id
}

func (s *memoryStore) List(ctx context.Context, owner, kind string) ([]Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []Item
	for _, it := range s.kept[[2]string{owner, kind}] {
		it.Sealed = slices.Clone(it.Sealed)
		items = append(items, it)
	}
	return items, nil
}

func (s *memoryStore) Put(ctx context.Context, it Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := [2]string{it.Owner, it.Kind}
	if it.Version < 1 || s.kept[at][it.ID].Version != it.Version-1 {
		return fmt.Errorf("memory store: %w", ErrConflict)
	}
	if s.kept[at] == nil {
		s.kept[at] = make(map[string]Item)
	}
	it.Sealed = slices.Clone(it.Sealed)
	s.kept[at][it.ID] = it
	return nil
}

func (s *memoryStore) Delete(ctx context.Context, it Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := [2]string{it.Owner, it.Kind}
	there, ok := s.kept[at][it.ID]
	if ok && there.Version != it.Version {
		return fmt.Errorf("memory store: %w", ErrConflict)
	}
	delete(s.kept[at], it.ID)
	if len(s.kept[at]) == 0 {
		delete(s.kept, at)
	}
	return nil
}
