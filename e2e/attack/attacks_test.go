package attack_test

// This file is the list of attacks. Each asserts what its attacker may get at
// most, and returns what it got as rows of the table.

import "testing"

func TestAttacks(t *testing.T) {
	var rows []row
	for _, a := range []struct {
		name string
		run  func(*testing.T) []row
	}{
		{"guess one account", guessing},
		{"spray one guess over many accounts", spraying},
		{"pump premium numbers", pumpingPremium},
		{"pump a country", pumpingCountry},
		{"lock a victim out", lockingOut},
		{"find out who has an account", enumerating},
	} {
		t.Run(a.name, func(t *testing.T) {
			for _, r := range a.run(t) {
				r.attack = a.name
				rows = append(rows, r)
			}
		})
	}
	publish(t, rows)
}
