// Package shop is a small API, before a change.
package shop

import (
	"context"
	"errors"
)

// ErrClosed is a variable without a type in the source.
var ErrClosed = errors.New("closed")

// Limit has a type, Names has not.
var (
	Limit int
	Names = map[string]int{"a": 1}
)

// A Level has constants, counted.
type Level int

// The levels.
const (
	Low Level = iota
	middle
	High
)

// A Shop is a struct with all kinds of fields.
type Shop struct {
	Name, Place string `json:",omitempty"`
	Client      interface {
		Buy(ctx context.Context, what string) error
	}
	Door
	hidden int
}

// A Door opens.
type Door interface {
	Open(ctx context.Context, times int) (ok bool, err error)
}

// A Lock cannot be implemented elsewhere.
type Lock interface {
	Door
	close()
}

// Pair is generic, List an alias.
type (
	Pair[K comparable, V any] struct{ Key K }
	List[E any]               = []E
)

// New makes one.
func New(name, place string, more ...func(s *Shop) error) (*Shop, error) { return nil, nil }

// Swap is generic.
func Swap[T any](a, b T) (T, T) { return b, a }

// Close has a pointer, Count a value.
func (s *Shop) Close()        {}
func (s Shop) Count() int     { return s.hidden }
func (p Pair[K, V]) First() K { return p.Key }
func (s *Shop) internal()     {}
func unexported()             {}
