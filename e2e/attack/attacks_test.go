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
		{"guess at made-up names", madeUpNames},
		{"pump premium numbers", pumpingPremium},
		{"pump a country", pumpingCountry},
		{"text many numbers from one account", changing},
		{"lock a victim out", lockingOut},
		{"use up a victim's texts by accounts of one's own", starving},
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
