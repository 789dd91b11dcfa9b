package credentialtest

// This file has the checks.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cyber-eternal/customauth/credential"
)

// An owner without items has an empty list, and that is no error.
func checkEmpty(e *env) error { return e.holds(owner(), "totp") }

// What was put is there, under each id, for each instance, at once.
func checkPutAndList(e *env) error {
	o := owner()
	a, b := item(o, "passkey", "a", 1, "first"), item(o, "passkey", "b", 1, "second")
	return errors.Join(e.put(a), e.holds(o, "passkey", a), e.put(b), e.holds(o, "passkey", a, b))
}

// A new item is put once.
func checkNewOnce(e *env) error {
	a := item(owner(), "passkey", "a", 1, "first")
	if err := e.put(a); err != nil {
		return err
	}
	again := a
	again.Sealed = []byte("another")
	return errors.Join(conflict("a new item where there is one", e.store().Put(e.ctx, again)), e.holds(a.Owner, a.Kind, a))
}

// Versions follow one another, one by one.
func checkVersions(e *env) error {
	a := item(owner(), "passkey", "a", 0, "")
	for range 5 {
		a.Version, a.Sealed = a.Version+1, append(a.Sealed, 'x')
		if err := errors.Join(e.put(a), e.holds(a.Owner, a.Kind, a)); err != nil {
			return err
		}
	}
	return nil
}

// A version that is not the next one is refused, and changes nothing.
func checkRefusalChangesNothing(e *env) error {
	o := owner()
	for _, version := range []int64{0, 2, 3, -1} {
		it := item(o, "passkey", "a", version, "refused")
		if err := conflict(fmt.Sprintf("version %d where there is none", version), e.store().Put(e.ctx, it)); err != nil {
			return err
		}
	}
	if err := e.holds(o, "passkey"); err != nil {
		return err
	}
	a := item(o, "passkey", "a", 1, "kept")
	if err := e.put(a); err != nil {
		return err
	}
	a.Version = 2
	if err := e.put(a); err != nil {
		return err
	}
	for _, version := range []int64{-1, 0, 1, 2, 4, 1 << 40} {
		it := item(o, "passkey", "a", version, "refused")
		if err := conflict(fmt.Sprintf("version %d where there is 2", version), e.store().Put(e.ctx, it)); err != nil {
			return err
		}
	}
	return e.holds(o, "passkey", a)
}

// What was removed is gone, removing it again is no error, and it can be put anew.
func checkDelete(e *env) error {
	o := owner()
	a, b := item(o, "passkey", "a", 1, "goes"), item(o, "passkey", "b", 1, "stays")
	if err := errors.Join(e.put(a), e.put(b)); err != nil {
		return err
	}
	for range 2 {
		if err := e.store().Delete(e.ctx, a); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		if err := e.holds(o, "passkey", b); err != nil {
			return err
		}
	}
	old := a
	old.Version = 2
	if err := conflict("the next version of what was removed", e.store().Put(e.ctx, old)); err != nil {
		return err
	}
	return errors.Join(e.put(a), e.holds(o, "passkey", a, b))
}

// A delete of another version removes nothing.
func checkDeleteOtherVersion(e *env) error {
	a := item(owner(), "passkey", "a", 1, "one")
	if err := e.put(a); err != nil {
		return err
	}
	a.Version = 2
	if err := e.put(a); err != nil {
		return err
	}
	for _, version := range []int64{0, 1, 3} {
		other := a
		other.Version = version
		if err := conflict(fmt.Sprintf("delete of version %d where there is 2", version), e.store().Delete(e.ctx, other)); err != nil {
			return err
		}
	}
	return e.holds(a.Owner, a.Kind, a)
}

// Owners, kinds and ids are told apart, to the letter.
func checkApart(e *env) error {
	o := owner()
	flipped := strings.ToLower(o)
	items := []credential.Item{
		item(o, "pass", "a", 1, "1"), item(o, "passkey", "a", 1, "2"), item(o, "pass-key", "a", 1, "3"),
		item(flipped, "pass", "a", 1, "4"), item(o, "pass", "A", 1, "5"), item(o, "pass", "keya", 1, "6"),
		item(o, "pass", "a-", 1, "7"), item(o, "pass", "a_", 1, "8"), item(owner(), "pass", "a", 1, "9"),
		item(o, "pass", strings.Repeat("z", 63)+"1", 1, "10"), item(o, "pass", strings.Repeat("z", 63)+"2", 1, "11"),
	}
	for _, it := range items {
		if err := e.put(it); err != nil {
			return err
		}
	}
	gone := items[4]
	if err := e.store().Delete(e.ctx, gone); err != nil {
		return err
	}
	for _, of := range items {
		var want []credential.Item
		for _, it := range items {
			if it.Owner == of.Owner && it.Kind == of.Kind && it.ID != gone.ID {
				want = append(want, it)
			}
		}
		if err := e.holds(of.Owner, of.Kind, want...); err != nil {
			return err
		}
	}
	return nil
}

// Sealed is any bytes, from none to 8 KiB.
func checkBytes(e *env) error {
	o := owner()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	items := []credential.Item{
		item(o, "passkey", "zero", 1, "\x00"), item(o, "passkey", "all", 1, string(all)),
		item(o, "passkey", "spaces", 1, " \n"), item(o, "passkey", "long", 1, strings.Repeat(string(all), 32)),
	}
	for _, it := range items {
		if err := e.put(it); err != nil {
			return err
		}
	}
	return e.holds(o, "passkey", items...)
}

// A list is complete, however many there are: two hundred of 8 KiB are more than one
// answer of most databases.
func checkMany(e *env) error {
	o := owner()
	var items []credential.Item
	for i := range 200 {
		items = append(items, item(o, "passkey", fmt.Sprintf("n%d", i), 1, strings.Repeat(string(rune('a'+i%26)), 8<<10)))
		if err := e.put(items[i]); err != nil {
			return err
		}
	}
	return e.holds(o, "passkey", items...)
}

// What the caller does with its bytes afterwards changes nothing in the store.
func checkCopies(e *env) error {
	a := item(owner(), "passkey", "a", 1, "kept")
	given := item(a.Owner, "passkey", "a", 1, "kept")
	if err := e.put(given); err != nil {
		return err
	}
	given.Sealed[0] = 'X'
	if err := e.holds(a.Owner, "passkey", a); err != nil {
		return err
	}
	for _, s := range e.stores {
		got, err := s.List(e.ctx, a.Owner, "passkey")
		if err != nil || len(got) != 1 {
			return fmt.Errorf("list: %d items, error %v", len(got), err)
		}
		got[0].Sealed[0] = 'X'
	}
	return e.holds(a.Owner, "passkey", a)
}

// Of many that put the same new item at once, one wins, and it is the one that stays.
func checkParallelNew(e *env) error {
	for range 4 {
		o := owner()
		if err := e.race(o, 1); err != nil {
			return err
		}
	}
	return nil
}

// The same for each next version: no write is lost.
func checkParallelWrites(e *env) error {
	o := owner()
	for version := range int64(6) {
		if err := e.race(o, version+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *env) race(o string, version int64) error {
	write := func(i int) credential.Item { return item(o, "recovery", "codes", version, fmt.Sprintf("writer %d", i)) }
	var won []credential.Item
	for i, err := range e.atOnce(e.parallel, func(i int, s credential.Store) error { return s.Put(e.ctx, write(i)) }) {
		if err == nil {
			won = append(won, write(i))
		} else if err := conflict("one of many writers", err); err != nil {
			return err
		}
	}
	if len(won) != 1 {
		return fmt.Errorf("%d of %d writers of version %d won, want 1", len(won), e.parallel, version)
	}
	return e.holds(o, "recovery", won...)
}

// Writers of different ids are not in each other's way.
func checkParallelIDs(e *env) error {
	o := owner()
	write := func(i int) credential.Item { return item(o, "passkey", fmt.Sprintf("n%d", i), 1, fmt.Sprint(i)) }
	var want []credential.Item
	for i, err := range e.atOnce(e.parallel, func(i int, s credential.Store) error { return s.Put(e.ctx, write(i)) }) {
		if err != nil {
			return fmt.Errorf("writers of different ids at once: %w", err)
		}
		want = append(want, write(i))
	}
	return e.holds(o, "passkey", want...)
}

// Of a delete and a write of the same version, one wins.
func checkDeleteAgainstPut(e *env) error {
	for range 8 {
		a := item(owner(), "passkey", "a", 1, "one")
		if err := e.put(a); err != nil {
			return err
		}
		next := item(a.Owner, "passkey", "a", 2, "two")
		said := e.atOnce(2, func(i int, s credential.Store) error {
			if i == 0 {
				return s.Delete(e.ctx, a)
			}
			return s.Put(e.ctx, next)
		})
		deleted, put := said[0] == nil, said[1] == nil
		switch {
		case deleted == put:
			return fmt.Errorf("a delete and a write of the same version: errors %v and %v, want one", said[0], said[1])
		case deleted:
			if err := errors.Join(conflict("the write", said[1]), e.holds(a.Owner, a.Kind)); err != nil {
				return err
			}
		default:
			if err := errors.Join(conflict("the delete", said[0]), e.holds(a.Owner, a.Kind, next)); err != nil {
				return err
			}
		}
	}
	return nil
}

// A call whose context is over is an error, and does nothing.
func checkCancelled(e *env) error {
	a := item(owner(), "passkey", "a", 1, "one")
	if err := e.put(a); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	next := item(a.Owner, "passkey", "a", 2, "two")
	if err := e.store().Put(ctx, next); err == nil || errors.Is(err, credential.ErrConflict) {
		return fmt.Errorf("put with a context that is over: error %v", err)
	}
	if err := e.store().Delete(ctx, a); err == nil || errors.Is(err, credential.ErrConflict) {
		return fmt.Errorf("delete with a context that is over: error %v", err)
	}
	if _, err := e.store().List(ctx, a.Owner, a.Kind); err == nil {
		return errors.New("list with a context that is over: no error")
	}
	return e.holds(a.Owner, a.Kind, a)
}
