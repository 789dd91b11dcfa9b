//go:build windows

package shop

// Elsewhere is not there where Lambda runs.
func Elsewhere() {}
