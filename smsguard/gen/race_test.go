//go:build race

package main

// Nothing here runs side by side: with the race detector, which makes the library
// ten times slower, one number in seven is compared. (One in ten would be the same
// digit every time.)
func init() { thin = 7 }
