// Package hidden is nobody's API.
package hidden

// Hidden is not seen.
func Hidden() {}
