package cognitotest_test

// This file tests groups, and what they put into tokens.

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// names are the values of a field in a list of an answer.
func names(t testing.TB, answer object, list, field string) []string {
	t.Helper()
	found := []string{}
	for _, entry := range answer[list].([]any) {
		found = append(found, entry.(object)[field].(string))
	}
	return found
}

func inPool(more object) object {
	o := object{"UserPoolId": poolID}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func TestGroups(t *testing.T) {
	const role = "arn:aws:iam::000000000000:role/"
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	for _, user := range []string{"alice", "bob"} {
		if err := pool.AddUser(user, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range []object{
		{"GroupName": "staff", "Precedence": 5, "RoleArn": role + "staff", "Description": "All of us"},
		{"GroupName": "admins", "Precedence": 1, "RoleArn": role + "admins"},
		{"GroupName": "everybody"},
		{"GroupName": "gone", "Precedence": 0},
	} {
		call(t, pool, "CreateGroup", inPool(g))
		call(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": g["GroupName"], "Username": "alice"}))
	}
	call(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": "staff", "Username": "alice"})) // again
	call(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": "staff", "Username": "bob"}))
	call(t, pool, "DeleteGroup", inPool(object{"GroupName": "gone"}))
	call(t, pool, "CreateGroup", inPool(object{"GroupName": "gone"})) // another one

	if got, want := refused(t, pool, "CreateGroup", inPool(object{"GroupName": "staff"})), "GroupExistsException: A group with the name staff already exists."; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
	got := names(t, call(t, pool, "AdminListGroupsForUser", inPool(object{"Username": "alice"})), "Groups", "GroupName")
	if diff := cmp.Diff([]string{"admins", "everybody", "staff"}, got); diff != "" {
		t.Errorf("groups of alice (-want +got):\n%s", diff)
	}
	got = names(t, call(t, pool, "ListUsersInGroup", inPool(object{"GroupName": "staff"})), "Users", "Username")
	if diff := cmp.Diff([]string{"alice", "bob"}, got); diff != "" {
		t.Errorf("users in staff (-want +got):\n%s", diff)
	}

	tokens := signIn(t, pool, "alice")
	access, id := verified(t, pool, tokens["AccessToken"].(string)), verified(t, pool, tokens["IdToken"].(string))
	groups := []any{"admins", "staff", "everybody"}
	if diff := cmp.Diff(groups, access["cognito:groups"]); diff != "" {
		t.Errorf("cognito:groups of the access token (-want +got):\n%s", diff)
	}
	want := object{"cognito:groups": groups, "cognito:roles": []any{role + "admins", role + "staff"}, "cognito:preferred_role": role + "admins"}
	gotID := object{"cognito:groups": id["cognito:groups"], "cognito:roles": id["cognito:roles"], "cognito:preferred_role": id["cognito:preferred_role"]}
	if diff := cmp.Diff(want, gotID); diff != "" {
		t.Errorf("groups of the ID token (-want +got):\n%s", diff)
	}

	call(t, pool, "AdminRemoveUserFromGroup", inPool(object{"GroupName": "admins", "Username": "alice"}))
	call(t, pool, "UpdateGroup", inPool(object{"GroupName": "staff", "Precedence": 0}))
	g := call(t, pool, "GetGroup", inPool(object{"GroupName": "staff"}))["Group"].(object)
	if g["Description"] != "All of us" || g["Precedence"] != 0.0 {
		t.Errorf("staff after the update: %v", g)
	}
	if got := verified(t, pool, signIn(t, pool, "alice")["IdToken"].(string))["cognito:preferred_role"]; got != role+"staff" {
		t.Errorf("preferred role without admins: %v", got)
	}
	call(t, pool, "AdminDeleteUser", inPool(object{"Username": "alice"}))
	got = names(t, call(t, pool, "ListUsersInGroup", inPool(object{"GroupName": "staff"})), "Users", "Username")
	if diff := cmp.Diff([]string{"bob"}, got); diff != "" {
		t.Errorf("users in staff without alice (-want +got):\n%s", diff)
	}
	for operation, request := range map[string]object{
		"GetGroup":                 {"GroupName": "none"},
		"UpdateGroup":              {"GroupName": "none"},
		"DeleteGroup":              {"GroupName": "none"},
		"ListUsersInGroup":         {"GroupName": "none"},
		"AdminAddUserToGroup":      {"GroupName": "none", "Username": "bob"},
		"AdminRemoveUserFromGroup": {"GroupName": "none", "Username": "bob"},
	} {
		if got, want := refused(t, pool, operation, inPool(request)), "ResourceNotFoundException: Group not found."; got != want {
			t.Errorf("%s: %s, want %s", operation, got, want)
		}
	}
	if got, want := refused(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": "staff", "Username": "nobody"})), "UserNotFoundException: User does not exist."; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
}

// TestPreferredRole: of two groups with the same precedence and different roles,
// none is preferred.
func TestPreferredRole(t *testing.T) {
	for name, tt := range map[string]struct{ first, second string }{
		"two roles":      {"a", "b"},
		"the same twice": {"a", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
			if err := pool.AddUser("alice", nil); err != nil {
				t.Fatal(err)
			}
			for i, role := range []string{tt.first, tt.second} {
				group := fmt.Sprint("g", i)
				call(t, pool, "CreateGroup", inPool(object{"GroupName": group, "Precedence": 3, "RoleArn": "arn:aws:iam::000000000000:role/" + role}))
				call(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": group, "Username": "alice"}))
			}
			var want any
			if tt.first == tt.second {
				want = "arn:aws:iam::000000000000:role/" + tt.first
			}
			if got := verified(t, pool, signIn(t, pool, "alice")["IdToken"].(string))["cognito:preferred_role"]; got != want {
				t.Errorf("preferred role %v, want %v", got, want)
			}
		})
	}
}

// TestGroupOverride: what a trigger's answer makes of the groups that a user has.
func TestGroupOverride(t *testing.T) {
	kept, taken := []any{"staff"}, any(nil)
	for name, tt := range map[string]struct {
		details any
		want    any
	}{
		"no details":      {nil, kept},
		"other claims":    {object{"claimsToAddOrOverride": object{"a": "b"}}, kept},
		"null":            {object{"groupOverrideDetails": nil}, taken},
		"an empty object": {object{"groupOverrideDetails": object{}}, taken},
		"an empty list":   {object{"groupOverrideDetails": object{"groupsToOverride": []string{}}}, taken},
		"another group":   {object{"groupOverrideDetails": object{"groupsToOverride": []string{"admins"}}}, []any{"admins"}},
		"suppressed":      {object{"claimsToSuppress": []string{"cognito:groups"}}, taken},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{respond: respondWith("TokenGeneration", object{"claimsOverrideDetails": tt.details})}
			pool := newPool(t, cognitotest.Config{Triggers: every(f)})
			if err := pool.AddUser("alice", nil); err != nil {
				t.Fatal(err)
			}
			call(t, pool, "CreateGroup", inPool(object{"GroupName": "staff"}))
			call(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": "staff", "Username": "alice"}))
			id := verified(t, pool, signIn(t, pool, "alice")["IdToken"].(string))
			if diff := cmp.Diff(tt.want, id["cognito:groups"]); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			event := f.last(t, "TokenGeneration_Authentication")
			want := object{"groupsToOverride": kept, "iamRolesToOverride": []any{}, "preferredRole": nil}
			if diff := cmp.Diff(want, event["request"].(object)["groupConfiguration"]); diff != "" {
				t.Errorf("groupConfiguration (-want +got):\n%s", diff)
			}
		})
	}
}
