// Package bounded calls functions that somebody else wrote: it gives up on them
// when their time is over, and survives their panics.
package bounded

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// A Panic is one that was caught: its type and where, not its value, which may be
// a secret.
type Panic struct {
	Kind  string
	Stack []byte
}

// Error names the type of the panic's value.
func (p *Panic) Error() string { return "panic with a " + p.Kind }

// Caught is the Panic for a recovered value.
func Caught(v any) *Panic { return &Panic{fmt.Sprintf("%T", v), debug.Stack()} }

// errGone is what comes of runtime.Goexit.
var errGone = errors.New("a function ended its goroutine")

// Call calls f in a goroutine, and gives up on it when ctx ends. What f does after
// that is not waited for.
func Call[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errGone}
		defer func() {
			if v := recover(); v != nil {
				r = result{err: Caught(v)}
			}
			done <- r
		}()
		Grow()
		r.value, r.err = f(ctx)
		if r.err != nil {
			_ = r.err.Error() // an error that cannot say what it is counts as a panic
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// Grow makes the stack of a new goroutine as large as a request to AWS needs, while
// there is next to nothing on it: later it would be copied several times, frame by frame.
//
//go:noinline
func Grow() {
	var room [16 << 10]byte
	keep(&room)
}

//go:noinline
func keep(*[16 << 10]byte) {}

// Do is Call for a function that returns an error alone.
func Do(ctx context.Context, f func(context.Context) error) error {
	_, err := Call(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}
