package storetest

import "testing"

// Failures runs every check and returns what each of them found wrong.
func Failures(t *testing.T, c Config) map[string]error {
	c = c.withDefaults()
	found := make(map[string]error)
	for _, k := range checks {
		if c.skips(k) {
			continue
		}
		c.Bubble(t, func(t *testing.T) {
			if err := c.run(t, k); err != nil {
				found[k.name] = err
			}
		})
	}
	return found
}
