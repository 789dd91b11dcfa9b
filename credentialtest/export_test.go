package credentialtest

import "testing"

// Failures returns what each check found, by its name.
func Failures(t *testing.T, c Config) map[string]error {
	found := make(map[string]error)
	for _, k := range checks {
		if err := c.run(t, k); err != nil {
			found[k.name] = err
		}
	}
	return found
}
