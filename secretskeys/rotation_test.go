package secretskeys_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/secretskeys"
)

// TestRotation follows a secret over four rotations: each key comes second, seals
// next, opens once more, and goes.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(firstKey)
		all := []string{firstKey} // in the order in which they came
		for i, want := range [][]int{{0, 1}, {1, 2, 0}, {2, 3, 1}, {3, 4, 2}} {
			if err := s.rotate(t.Context(), strings.Repeat("v", i+1)); err != nil {
				t.Fatal(err)
			}
			got := s.current()
			if slices.Contains(all, got[1]) {
				t.Fatal("the new key is an old one")
			}
			all = append(all, got[1])
			var keys []string
			for _, k := range want {
				keys = append(keys, all[k])
			}
			if !slices.Equal(got, keys) { // not shown: they are keys
				t.Errorf("rotation %d: the keys are not those of %v", i+1, want)
			}
			if _, err := customauth.ParseKeys(strings.Join(got, ",")); err != nil {
				t.Errorf("rotation %d: %v", i+1, err)
			}
			time.Sleep(time.Hour)
		}
	})
}

// Secrets Manager calls again where it got no answer.
func TestRotationStepsTwice(t *testing.T) {
	s := newService(firstKey)
	handle, err := secretskeys.NewRotation(s.client())
	if err != nil {
		t.Fatal(err)
	}
	s.stages["v1"] = []string{"AWSPENDING"}
	for _, step := range []string{"createSecret", "createSecret", "setSecret", "testSecret", "testSecret", "finishSecret", "finishSecret", "createSecret"} {
		before := s.values["v1"]
		if err := handle(t.Context(), event(step, "v1")); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if before != "" && s.values["v1"] != before {
			t.Errorf("%s made another value", step)
		}
	}
	if n := len(s.current()); n != 2 {
		t.Errorf("%d keys after a rotation, want 2", n)
	}
}

func TestRotationRefuses(t *testing.T) {
	other := "An0therKeyThatIsN0neAn0therKeyThatIsN0neAn0therKeyThatIsN0neAn01"
	tests := map[string]struct {
		secret string
		change func(*service)
		event  secretskeys.RotationEvent
		want   string
	}{
		"no event":              {firstKey, nil, secretskeys.RotationEvent{}, "not an event"},
		"another secret":        {firstKey, nil, secretskeys.RotationEvent{Step: "createSecret", SecretID: "other", ClientRequestToken: "v1"}, "ResourceNotFoundException"},
		"no such step":          {firstKey, nil, event("removeSecret", "v1"), "no such step"},
		"a version of its own":  {firstKey, nil, event("createSecret", "v2"), "not AWSPENDING"},
		"not enabled":           {firstKey, func(s *service) { s.rotating = false }, event("createSecret", "v1"), "not enabled"},
		"a rotation just now":   {firstKey, func(s *service) { s.rotated = time.Now() }, event("createSecret", "v1"), "less than 1h0m0s ago"},
		"a current value":       {"no keys", nil, event("createSecret", "v1"), "AWSCURRENT"},
		"a value that is alone": {firstKey, func(s *service) { s.values["v1"] = other }, event("testSecret", "v1"), "do not know"},
		"nothing to test":       {firstKey, nil, event("testSecret", "v1"), "ResourceNotFoundException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newService(tt.secret)
			s.stages["v1"] = []string{"AWSPENDING"}
			if tt.change != nil {
				tt.change(s)
			}
			handle, err := secretskeys.NewRotation(s.client())
			if err != nil {
				t.Fatal(err)
			}
			err = handle(t.Context(), tt.event)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.secret) {
				t.Errorf("error %v, want something about %q and no key", err, tt.want)
			}
			if got := s.current(); len(got) != 1 || got[0] != tt.secret {
				t.Error("the secret has changed")
			}
		})
	}
}
