package attack_test

// An attacker with accounts of his own, who may enter any number in them.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// account is one of the attacker's own.
func account(n int) string { return fmt.Sprintf("+1206557%04d", n) }

// enter sets the number of an account.
func (sc *scene) enter(t *testing.T, name, number string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"UserPoolId": sc.pool.ID(), "Username": name,
		"UserAttributes": []map[string]string{{"Name": "phone_number", "Value": number}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminUpdateUserAttributes")
	w := httptest.NewRecorder()
	if sc.pool.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
}

// A day of texts to the victim's number from accounts that the attacker has made. The
// victim tries every four hours. One who proved the number before does not notice; one
// who never did is starved.
func starving(t *testing.T) (rows []row) {
	accounts := size(10, 100)
	for _, tt := range []struct {
		setting string
		setup   setup
		proved  bool
		check   func(refused, tried, texts int) bool
	}{
		{"no limits", setup{off: true}, true, func(refused, _, texts int) bool { return refused == 0 && texts > 24*5 }},
		{"limits, and the victim has signed in before", setup{}, true, func(refused, _, texts int) bool { return refused == 0 && texts <= 5 }},
		{"limits, and the victim never has", setup{}, false, func(refused, tried, texts int) bool { return refused > 0 && texts <= 5 }},
	} {
		synctest.Test(t, func(t *testing.T) {
			sc := newScene(t, tt.setup)
			sc.user(t, victim)
			if tt.proved && !sc.honest(t.Context(), victim, 0) {
				t.Fatal("the victim was refused before the attack")
			}
			for i := range accounts {
				sc.user(t, account(i))
				sc.enter(t, account(i), victim)
			}
			time.Sleep(time.Hour)
			before := sc.phones.get(victim)
			g := group{name: "the victim"}
			requests, own := 0, 0
			const every = 5 * time.Minute
			for came := range int(day / every) {
				requests += sc.guess(t.Context(), account(came%accounts), 0)
				time.Sleep(every / 2)
				if came%int(4*time.Hour/every) == 7 {
					texts := sc.phones.get(victim)
					if g.of++; !sc.honest(t.Context(), victim, 0) {
						g.refused++
					}
					own += sc.phones.get(victim) - texts
				}
				time.Sleep(every / 2)
			}
			texts := sc.phones.get(victim) - before - own
			if !tt.check(g.refused, g.of, texts) {
				t.Errorf("%s: the victim was refused %d of %d times, and the attacker sent %d texts", tt.setting, g.refused, g.of, texts)
			}
			rows = append(rows, row{setting: tt.setting, span: "1 day", requests: requests, texts: texts, honest: []group{g}})
		})
	}
	return rows
}

// One account that changes its number before each sign-in.
func changing(t *testing.T) (rows []row) {
	n := size(100, 2780) // 31 seconds apart, that is within a day
	for _, tt := range []struct {
		setting string
		setup   setup
		want    int
	}{
		{unlimited, setup{off: true}, n},
		{"limits", setup{}, 15},
	} {
		synctest.Test(t, func(t *testing.T) {
			sc := newScene(t, tt.setup)
			sc.user(t, account(0))
			for i := range n {
				sc.enter(t, account(0), british(i))
				sc.guess(t.Context(), account(0), 0)
				time.Sleep(31 * time.Second)
			}
			if got := sc.phones.all(); got != tt.want {
				t.Errorf("%s: %d texts, want %d", tt.setting, got, tt.want)
			}
			rows = append(rows, row{setting: tt.setting, span: "1 day", requests: n, texts: sc.phones.all()})
		})
	}
	return rows
}
