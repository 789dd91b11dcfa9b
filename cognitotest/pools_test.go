package cognitotest_test

// This file tests pools and app clients that are made over the API.

import (
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// makePool makes a pool and a client over the API and returns their IDs.
func makePool(t *testing.T, first *cognitotest.Pool, pool, client object) (id, clientID string) {
	t.Helper()
	pool["PoolName"] = "made"
	id = call(t, first, "CreateUserPool", pool)["UserPool"].(object)["Id"].(string)
	client["UserPoolId"], client["ClientName"] = id, "app"
	return id, call(t, first, "CreateUserPoolClient", client)["UserPoolClient"].(object)["ClientId"].(string)
}

// TestCreateUserPool walks through the life of a pool that is made over the API:
// its users, triggers and tokens are its own.
func TestCreateUserPool(t *testing.T) {
	f, inbox := new(fake), new(cognitotest.Inbox)
	first := newPool(t, cognitotest.Config{Inbox: inbox, Triggers: every(f)})
	functions := call(t, first, "DescribeUserPool", object{"UserPoolId": poolID})["UserPool"].(object)["LambdaConfig"]
	id, client := makePool(t, first, object{
		"LambdaConfig":           functions,
		"AutoVerifiedAttributes": []string{"email"},
		"Policies":               object{"PasswordPolicy": object{"MinimumLength": 6}},
		"Schema":                 []object{{"Name": "plan", "AttributeDataType": "String", "StringAttributeConstraints": object{"MaxLength": "4"}}},
		"UserPoolTags":           object{"team": "red"},
	}, object{})

	described := call(t, first, "DescribeUserPool", object{"UserPoolId": id})["UserPool"].(object)
	want := object{
		"Id": id, "Name": "made", "AutoVerifiedAttributes": []any{"email"}, "LambdaConfig": functions, "UserPoolTags": object{"team": "red"},
		"Policies": object{"PasswordPolicy": object{
			"MinimumLength": 6.0, "RequireUppercase": false, "RequireLowercase": false, "RequireNumbers": false, "RequireSymbols": false,
			"PasswordHistorySize": 0.0, "TemporaryPasswordValidityDays": 7.0,
		}},
	}
	got := object{}
	for name := range want {
		got[name] = described[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeUserPool (-want +got):\n%s", diff)
	}
	c := call(t, first, "DescribeUserPoolClient", object{"UserPoolId": id, "ClientId": client})["UserPoolClient"].(object)
	if c["PreventUserExistenceErrors"] != "LEGACY" || c["ClientSecret"] != nil {
		t.Errorf("DescribeUserPoolClient: %v", c)
	}

	signUp := object{"ClientId": client, "Username": "alice", "Password": "aaaaaa", "UserAttributes": attributes("email", email, "custom:plan", "gold")}
	call(t, first, "SignUp", signUp)
	if first.Attributes("alice") != nil {
		t.Error("the user is in the first pool")
	}
	if got := f.last(t, "PreSignUp_SignUp")["userPoolId"]; got != id {
		t.Errorf("userPoolId of the event is %v, want %s", got, id)
	}
	began := call(t, first, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": client, "AuthParameters": object{"USERNAME": "alice"}})
	tokens := call(t, first, "RespondToAuthChallenge", object{
		"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": client, "Session": began["Session"], "ChallengeResponses": object{"USERNAME": "alice", "ANSWER": "right"},
	})["AuthenticationResult"].(object)
	if got := call(t, first, "GetUser", object{"AccessToken": tokens["AccessToken"]})["Username"]; got != "alice" {
		t.Errorf("GetUser: %v", got)
	}
	issuer := "https://cognito-idp.us-east-1.amazonaws.com/" + id
	if got := decode(claimsOf(t, tokens["AccessToken"].(string)))["iss"]; got != issuer {
		t.Errorf("iss is %v, want %s", got, issuer)
	}
	w := httptest.NewRecorder()
	first.ServeHTTP(w, httptest.NewRequest("GET", "/"+id+"/.well-known/openid-configuration", nil))
	if got := decode(w.Body.String())["issuer"]; got != issuer {
		t.Errorf("issuer of the discovery document: %v, want %s", got, issuer)
	}

	pools := names(t, call(t, first, "ListUserPools", object{"MaxResults": 60}), "UserPools", "Id")
	if len(pools) != 2 {
		t.Errorf("ListUserPools: %v", pools)
	}
	call(t, first, "DeleteUserPool", object{"UserPoolId": id})
	for operation, request := range map[string]object{
		"DescribeUserPool": {"UserPoolId": id},
		"SignUp":           {"ClientId": client, "Username": "bob", "Password": "aaaaaa"},
		"GetUser":          {"AccessToken": tokens["AccessToken"]},
	} {
		if got := outcome(t, first, operation, request); !strings.HasPrefix(got, "ResourceNotFoundException: ") && operation != "GetUser" || got == "" {
			t.Errorf("%s after DeleteUserPool: %q", operation, got)
		}
	}
}

func claimsOf(t *testing.T, token string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

func TestUpdateUserPool(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{PasswordPolicy: cognitotest.PasswordPolicy{MinimumLength: 6}, Triggers: every(f)})
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:"
	call(t, pool, "UpdateUserPool", object{"UserPoolId": poolID, "LambdaConfig": object{
		"DefineAuthChallenge": arn + "DefineAuthChallenge", "CreateAuthChallenge": arn + "CreateAuthChallenge", "VerifyAuthChallengeResponse": arn + "VerifyAuthChallengeResponse",
		"PreTokenGenerationConfig": object{"LambdaArn": arn + "PreTokenGeneration", "LambdaVersion": "V2_0"},
	}, "AdminCreateUserConfig": object{"AllowAdminCreateUserOnly": true}})

	if got, want := outcome(t, pool, "SignUp", object{"ClientId": clientID, "Username": "bob", "Password": oldPass}), "NotAuthorizedException: SignUp is not permitted for this user pool"; got != want {
		t.Errorf("SignUp: %s, want %s", got, want)
	}
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	signIn(t, pool, "alice")
	if got := f.last(t, "TokenGeneration_Authentication")["version"]; got != "2" {
		t.Errorf("version of the event is %v, want 2", got)
	}
	// What was not sent is as in a new pool.
	if got := errorOf(pool.SetPassword("alice", "aaaaaa")); !strings.HasPrefix(got, "InvalidPasswordException") {
		t.Errorf("SetPassword: %s", got)
	}
	for _, e := range f.sources() {
		if e == "PreAuthentication" || e == "PostAuthentication" {
			t.Errorf("%s was called", e)
		}
	}
}

func TestPoolsRefuse(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:"
	call(t, pool, "UpdateUserPool", object{"UserPoolId": poolID, "DeletionProtection": "ACTIVE"})
	tests := map[string]struct {
		operation string
		request   object
		want      string
	}{
		"MFA":                   {"CreateUserPool", object{"PoolName": "x", "MfaConfiguration": "ON"}, "cognitotest: MfaConfiguration ON is not there"},
		"devices":               {"CreateUserPool", object{"PoolName": "x", "DeviceConfiguration": object{}}, "cognitotest: DeviceConfiguration is not there"},
		"first factors":         {"CreateUserPool", object{"PoolName": "x", "Policies": object{"SignInPolicy": object{"AllowedFirstAuthFactors": []string{"PASSWORD", "SMS_OTP"}}}}, "cognitotest: of AllowedFirstAuthFactors, PASSWORD alone is there"},
		"a trigger":             {"CreateUserPool", object{"PoolName": "x", "LambdaConfig": object{"UserMigration": arn + "x"}}, "cognitotest: the trigger UserMigration is not there"},
		"a function":            {"CreateUserPool", object{"PoolName": "x", "LambdaConfig": object{"PreSignUp": arn + "other"}}, "cognitotest: there is no function other: name it in Config.Functions"},
		"both kinds of names":   {"CreateUserPool", object{"PoolName": "x", "UsernameAttributes": []string{"email"}, "AliasAttributes": []string{"email"}}, "cognitotest: a pool has UsernameAttributes or AliasAttributes, not both"},
		"a required custom one": {"CreateUserPool", object{"PoolName": "x", "Schema": []object{{"Name": "plan", "Required": true}}}, `cognitotest: Schema: "custom:plan": a custom attribute cannot be required`},
		"protected":             {"DeleteUserPool", object{"UserPoolId": poolID}, "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first."},
		"a short access token":  {"CreateUserPoolClient", object{"UserPoolId": poolID, "ClientName": "x", "AccessTokenValidity": 1, "TokenValidityUnits": object{"AccessToken": "minutes"}}, ""},
		"no revocation":         {"CreateUserPoolClient", object{"UserPoolId": poolID, "ClientName": "x", "EnableTokenRevocation": false}, "cognitotest: tokens can always be revoked: EnableTokenRevocation false is not there"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := refused(t, pool, tt.operation, tt.request)
			if want := "InvalidParameterException: " + tt.want; got != want && tt.want != "" || !strings.HasPrefix(got, "InvalidParameterException: ") {
				t.Errorf("error: %s, want %s", got, want)
			}
		})
	}
}

func TestClientsOverTheAPI(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	if err := pool.AddUser("alice", map[string]string{"email": email, "name": "Alice"}); err != nil {
		t.Fatal(err)
	}
	c := call(t, pool, "CreateUserPoolClient", object{
		"UserPoolId": poolID, "ClientName": "app", "GenerateSecret": true, "ExplicitAuthFlows": []string{"ALLOW_CUSTOM_AUTH"},
		"AuthSessionValidity": 15, "AccessTokenValidity": 2, "RefreshTokenValidity": 90, "TokenValidityUnits": object{"AccessToken": "hours", "RefreshToken": "minutes"},
		"RefreshTokenRotation": object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}, "ReadAttributes": []string{"name"}, "CallbackURLs": []string{"https://example.com"},
	})["UserPoolClient"].(object)
	id, secret := c["ClientId"], c["ClientSecret"].(string)
	want := object{
		"ClientName": "app", "AuthSessionValidity": 15.0, "AccessTokenValidity": 7200.0, "RefreshTokenValidity": 5400.0, "ExplicitAuthFlows": []any{"ALLOW_CUSTOM_AUTH"},
		"RefreshTokenRotation": object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 10.0}, "ReadAttributes": []any{"name"}, "CallbackURLs": []any{"https://example.com"},
	}
	got := object{}
	for name := range want {
		got[name] = c[name]
	}
	if diff := cmp.Diff(want, got); diff != "" || len(secret) < 24 {
		t.Errorf("CreateUserPoolClient (-want +got):\n%s", diff)
	}
	call(t, pool, "UpdateUserPoolClient", object{"UserPoolId": poolID, "ClientId": id, "WriteAttributes": []string{"name"}})
	updated := call(t, pool, "DescribeUserPoolClient", object{"UserPoolId": poolID, "ClientId": id})["UserPoolClient"].(object)
	if updated["ClientSecret"] != secret || updated["ClientName"] != "app" || updated["AuthSessionValidity"] != 3.0 || updated["RefreshTokenRotation"] != nil {
		t.Errorf("after the update: %v", updated)
	}
	call(t, pool, "DeleteUserPoolClient", object{"UserPoolId": poolID, "ClientId": id})
	if got := outcome(t, pool, "DescribeUserPoolClient", object{"UserPoolId": poolID, "ClientId": id}); !strings.HasPrefix(got, "ResourceNotFoundException: ") {
		t.Errorf("after the end: %s", got)
	}
}

// TestClientAttributes: what a client can neither read nor write.
func TestClientAttributes(t *testing.T) {
	pool := newPool(t, cognitotest.Config{
		Clients:  []cognitotest.Client{{ReadAttributes: []string{"name"}, WriteAttributes: []string{"name"}}},
		Triggers: every(new(fake)),
	})
	if err := pool.AddUser("alice", map[string]string{"email": email, "name": "Alice"}); err != nil {
		t.Fatal(err)
	}
	tokens := signIn(t, pool, "alice")
	id := verified(t, pool, tokens["IdToken"].(string))
	if id["name"] != "Alice" || id["email"] != nil {
		t.Errorf("ID token: name %v, email %v", id["name"], id["email"])
	}
	got := names(t, call(t, pool, "GetUser", object{"AccessToken": tokens["AccessToken"]}), "UserAttributes", "Name")
	if diff := cmp.Diff([]string{"sub", "name"}, got); diff != "" {
		t.Errorf("GetUser (-want +got):\n%s", diff)
	}
	const unauthorized = "NotAuthorizedException: A client attempted to write unauthorized attribute"
	for operation, request := range map[string]object{
		"UpdateUserAttributes": {"AccessToken": tokens["AccessToken"], "UserAttributes": attributes("email", "x@example.com")},
		"DeleteUserAttributes": {"AccessToken": tokens["AccessToken"], "UserAttributeNames": []string{"email"}},
		"SignUp":               {"ClientId": clientID, "Username": "bob", "UserAttributes": attributes("email", email)},
	} {
		if got := outcome(t, pool, operation, request); got != unauthorized {
			t.Errorf("%s: %s, want %s", operation, got, unauthorized)
		}
	}
	call(t, pool, "UpdateUserAttributes", object{"AccessToken": tokens["AccessToken"], "UserAttributes": attributes("name", "A.")})
}
