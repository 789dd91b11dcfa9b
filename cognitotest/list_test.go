package cognitotest_test

// This file tests lists: their filters, and that pages are complete.

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestListUsersFilter(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	for name, attributes := range map[string]map[string]string{
		"alice": {"email": "alice@example.com", "given_name": `Al "the" ice`},
		"Bob":   {"email": "bob@example.com", "phone_number": phone, "custom:team": "red", "cognito:user_status": "UNCONFIRMED"},
		"bobby": {"phone_number": "+12065550101"},
	} {
		if err := pool.AddUser(name, attributes); err != nil {
			t.Fatal(err)
		}
	}
	const invalid = "InvalidParameterException: Invalid search attribute: "
	for filter, want := range map[string]any{
		`email = "alice@example.com"`:         []string{"alice"},
		`email = "alice@example"`:             []string{},
		`"email"="alice@example.com"`:         []string{"alice"},
		`email ^= "bob"`:                      []string{"Bob"},
		`email = ""`:                          []string{},
		`email ^= ""`:                         []string{"alice", "Bob"},
		`phone_number ^= "+1206555"`:          []string{"Bob", "bobby"},
		`username = "Bob"`:                    []string{"Bob"},
		`username = "bob"`:                    []string{},
		`username ^= "bob"`:                   []string{"bobby"},
		`given_name = "Al \"the\" ice"`:       []string{"alice"},
		`cognito:user_status = "unconfirmed"`: []string{"Bob"},
		`status = "Enabled"`:                  []string{"alice", "Bob", "bobby"},
		`status = "Disabled"`:                 []string{},
		`sub = "x"`:                           []string{},
		`custom:team = "red"`:                 invalid + "custom:team",
		`nickname = "x"`:                      invalid + "nickname",
		`email`:                               "InvalidParameterException: Error while parsing filter.",
		`email = bob`:                         "InvalidParameterException: Error while parsing filter.",
		`email = "a" or email = "b"`:          "InvalidParameterException: Error while parsing filter.",
	} {
		request := inPool(object{"Filter": filter})
		if want, isError := want.(string); isError {
			if got := refused(t, pool, "ListUsers", request); got != want {
				t.Errorf("%s: %s, want %s", filter, got, want)
			}
			continue
		}
		if diff := cmp.Diff(want, sorted(names(t, call(t, pool, "ListUsers", request), "Users", "Username"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
}

func sorted(names []string) []string {
	slices.SortFunc(names, func(a, b string) int {
		rank := map[string]int{"alice": 0, "Bob": 1, "bobby": 2}
		return rank[a] - rank[b]
	})
	return names
}

func TestListUsersAttributes(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	if err := pool.AddUser("alice", map[string]string{"email": email, "name": "Alice"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ask  []string
		want []string
	}{
		{[]string{"name", "sub"}, []string{"sub", "name"}},
		{[]string{"nickname"}, []string{}},
		{[]string{}, []string{}},
	} {
		users := call(t, pool, "ListUsers", inPool(object{"AttributesToGet": tt.ask}))["Users"].([]any)
		if diff := cmp.Diff(tt.want, names(t, users[0].(object), "Attributes", "Name")); diff != "" {
			t.Errorf("asked for %v (-want +got):\n%s", tt.ask, diff)
		}
	}
	got := refused(t, pool, "ListUsers", inPool(object{"AttributesToGet": []string{"shoe"}}))
	if want := "InvalidParameterException: One or more requested attributes do not exist."; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
}

// TestPages: of every list, the pages hold everything once, in order.
func TestPages(t *testing.T) {
	const n = 150
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("name%03d", i))
	}
	clients := []string{clientID}
	call(t, pool, "CreateGroup", inPool(object{"GroupName": all[0]}))
	for _, i := range rand.Perm(n) {
		if err := pool.AddUser(all[i], map[string]string{"email": "a@example.com"}); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			call(t, pool, "CreateGroup", inPool(object{"GroupName": all[i]}))
		}
		call(t, pool, "AdminAddUserToGroup", inPool(object{"GroupName": all[0], "Username": all[i]}))
		c := call(t, pool, "CreateUserPoolClient", inPool(object{"ClientName": all[i]}))["UserPoolClient"].(object)
		clients = append(clients, c["ClientId"].(string))
	}
	slices.Sort(clients)
	tests := []struct {
		operation, list, field, limit, token string
		request                              object
		want                                 []string
	}{
		{"ListUsers", "Users", "Username", "Limit", "PaginationToken", object{}, all},
		{"ListUsers", "Users", "Username", "Limit", "PaginationToken", object{"Filter": `email = "a@example.com"`}, all},
		{"ListUsers", "Users", "Username", "Limit", "PaginationToken", object{"Filter": `username ^= "name05"`}, all[50:60]},
		{"ListGroups", "Groups", "GroupName", "Limit", "NextToken", object{}, all},
		{"ListUsersInGroup", "Users", "Username", "Limit", "NextToken", object{"GroupName": all[0]}, all},
		{"ListUserPoolClients", "UserPoolClients", "ClientId", "MaxResults", "NextToken", object{}, clients},
	}
	for _, tt := range tests {
		for _, limit := range []int{7, 50, 60} {
			var got []string
			request := inPool(tt.request)
			request[tt.limit] = limit
			for {
				answer := call(t, pool, tt.operation, request)
				page := names(t, answer, tt.list, tt.field)
				got = append(got, page...)
				if answer[tt.token] == nil {
					break
				}
				if len(page) != limit {
					t.Fatalf("%s %v: a page of %d, want %d", tt.operation, tt.request, len(page), limit)
				}
				request[tt.token] = answer[tt.token]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s %v by %d (-want +got):\n%s", tt.operation, tt.request, limit, diff)
			}
		}
	}

	t.Run("the token of another list", func(t *testing.T) {
		token := call(t, pool, "ListUsers", inPool(object{"Limit": 1}))["PaginationToken"]
		for operation, request := range map[string]object{
			"ListUsers":  {"PaginationToken": token, "Filter": `username ^= "n"`},
			"ListGroups": {"NextToken": token},
		} {
			if got, want := refused(t, pool, operation, inPool(request)), "InvalidParameterException: Invalid pagination token"; got != want {
				t.Errorf("%s: %s, want %s", operation, got, want)
			}
		}
	})
}

// TestIndexesKeepUp: a filter finds what users have become since it was first
// asked, and those who are gone no longer.
func TestIndexesKeepUp(t *testing.T) {
	pool := newPool(t, cognitotest.Config{AliasAttributes: []string{"phone_number"}, Triggers: every(new(fake))})
	find := func(filter string) []string {
		return names(t, call(t, pool, "ListUsers", inPool(object{"Filter": filter})), "Users", "Username")
	}
	find(`email ^= ""`)
	find(`status = "Disabled"`)
	for _, user := range []string{"alice", "bob"} {
		if err := pool.AddUser(user, map[string]string{"email": user + "@example.com"}); err != nil {
			t.Fatal(err)
		}
	}
	call(t, pool, "AdminUpdateUserAttributes", inPool(object{"Username": "bob", "UserAttributes": attributes("email", "robert@example.com")}))
	call(t, pool, "AdminDisableUser", inPool(object{"Username": "bob"}))
	call(t, pool, "AdminDeleteUser", inPool(object{"Username": "alice"}))
	for filter, want := range map[string][]string{
		`email ^= ""`:                 {"bob"},
		`email = "bob@example.com"`:   {},
		`email ^= "robert"`:           {"bob"},
		`email = "alice@example.com"`: {},
		`status = "Disabled"`:         {"bob"},
		`username ^= ""`:              {"bob"},
	} {
		if diff := cmp.Diff(want, find(filter)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
}

// TestIndex compares with a sorted list.
func TestIndex(t *testing.T) {
	var x cognitotest.Index
	var want []string
	for range 5000 {
		key := fmt.Sprint(rand.IntN(500))
		at, found := slices.BinarySearch(want, key)
		switch {
		case rand.IntN(3) > 0:
			x.Add(key)
			if !found {
				want = slices.Insert(want, at, key)
			}
		default:
			x.Remove(key)
			if found {
				want = slices.Delete(want, at, at+1)
			}
		}
	}
	if diff := cmp.Diff(want, x.From("")); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	at, _ := slices.BinarySearch(want, "25")
	if diff := cmp.Diff(want[at:], x.From("25")); diff != "" {
		t.Errorf("from 25 (-want +got):\n%s", diff)
	}
}
