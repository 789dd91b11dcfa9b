// Package shop is the same API, after a change.
package shop

import (
	"context"
	"errors"
)

// ErrClosed is where it was; its text is not part of the API.
var ErrClosed = errors.New("it is closed")

// Names is there still, Limit is not.
var Names = map[string]int{"b": 2}

// A Level has constants, in another order.
type Level int

// The levels.
const (
	High Level = iota
	middle
	Low
)

// A Shop has one field more, and one of another type.
type Shop struct {
	Name   []byte
	Place  string `json:",omitempty"`
	Client interface {
		Buy(context.Context, string) error
	}
	Door
	Floor int
}

// A Door can now be closed too.
type Door interface {
	Open(ctx context.Context, howOften int) (bool, error)
	Close() error
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

// New makes one, with other names of parameters.
func New(n, p string, options ...func(*Shop) error) (*Shop, error) { return nil, nil }

// Swap is generic.
func Swap[T any](a, b T) (T, T) { return b, a }

// A Till is new.
type Till interface{ Ring() }

// Close has a value receiver now.
func (s Shop) Close()         {}
func (s Shop) Count() int     { return 0 }
func (p Pair[K, V]) First() K { return p.Key }
