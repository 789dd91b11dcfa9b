// Package together does several things side by side: all of them, or none.
package together

import (
	"errors"
	"slices"
	"sync"
)

// Each calls do for each of n things, side by side.
func Each(n int, do func(i int)) {
	if n == 0 {
		return
	}
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { do(i) })
	}
	do(0)
	wg.Wait()
}

// Take takes n things side by side. If one is not to be had, or cannot be asked for, it
// gives back those that it got, and so takes none.
func Take(n int, take func(i int) (got bool, err error), giveBack func(i int)) (all bool, err error) {
	got, errs := make([]bool, n), make([]error, n)
	Each(n, func(i int) { got[i], errs[i] = take(i) })
	if err = errors.Join(errs...); err == nil && !slices.Contains(got, false) {
		return true, nil
	}
	var back []int
	for i := range n {
		if got[i] && errs[i] == nil {
			back = append(back, i)
		}
	}
	Each(len(back), func(i int) { giveBack(back[i]) })
	return false, err
}
