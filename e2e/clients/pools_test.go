package clients_test

// This file makes a pool with aws-sdk-go-v2, as setup code does, and uses what it
// made: the SDK's own decoding and paginators have to take every answer.

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

func TestSDKPools(t *testing.T) {
	s := newService(t, nil)
	c, ctx := newSDK(s), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	made, err := c.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
		PoolName:               aws.String("made by the SDK"),
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		Policies:               &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(10), RequireNumbers: true}},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("email"), Required: aws.Bool(true)},
			{Name: aws.String("age"), AttributeDataType: types.AttributeDataTypeNumber, NumberAttributeConstraints: &types.NumberAttributeConstraintsType{MinValue: aws.String("18")}},
		},
		UserPoolTags: map[string]string{"team": "red"},
	})
	must(err)
	pool := made.UserPool.Id
	if p := made.UserPool.Policies.PasswordPolicy; aws.ToInt32(p.MinimumLength) != 10 || !p.RequireNumbers || p.RequireSymbols {
		t.Errorf("policy: %+v", p)
	}
	app, err := c.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: pool, ClientName: aws.String("app"), GenerateSecret: false,
		ExplicitAuthFlows:    []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
		RefreshTokenRotation: &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled},
	})
	must(err)
	client := app.UserPoolClient.ClientId

	up := &cognito.SignUpInput{ClientId: client, Username: aws.String("ada"), Password: aws.String("a-long-password")}
	_, err = c.SignUp(ctx, up)
	wantAs[*types.InvalidPasswordException](t, err, "Password did not conform with policy: Password must have numeric characters")
	up.Password = aws.String("a-long-password-1")
	_, err = c.SignUp(ctx, up)
	wantAs[*types.InvalidParameterException](t, err, "Attributes did not conform to the schema: email: The attribute is required")
	up.UserAttributes = []types.AttributeType{{Name: aws.String("email"), Value: aws.String("ada@example.com")}, {Name: aws.String("custom:age"), Value: aws.String("36")}}
	_, err = c.SignUp(ctx, up)
	must(err)
	_, err = c.ConfirmSignUp(ctx, &cognito.ConfirmSignUpInput{ClientId: client, Username: up.Username, ConfirmationCode: aws.String(s.inbox.Code("ada@example.com"))})
	must(err)

	in, err := c.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: client, AuthParameters: map[string]string{"USERNAME": "ada", "PASSWORD": *up.Password},
	})
	must(err)
	refresh := &cognito.GetTokensFromRefreshTokenInput{ClientId: client, RefreshToken: in.AuthenticationResult.RefreshToken}
	next, err := c.GetTokensFromRefreshToken(ctx, refresh)
	must(err)
	_, err = c.GetTokensFromRefreshToken(ctx, refresh)
	wantAs[*types.RefreshTokenReuseException](t, err, "cognitotest: the refresh token was exchanged for another one")
	profile, err := c.GetUser(ctx, &cognito.GetUserInput{AccessToken: next.AuthenticationResult.AccessToken})
	must(err)
	if got := attributeMap(profile.UserAttributes)["custom:age"]; got != "36" {
		t.Errorf("custom:age is %q", got)
	}

	var want []string
	for i := range 130 {
		name := fmt.Sprintf("user%03d", i)
		want = append(want, name)
		_, err := c.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
			UserPoolId: pool, Username: aws.String(name), MessageAction: types.MessageActionTypeSuppress, TemporaryPassword: aws.String("temporary-1"),
		})
		must(err)
	}
	var got []string
	for pages := cognito.NewListUsersPaginator(c, &cognito.ListUsersInput{UserPoolId: pool, Filter: aws.String(`username ^= "user"`)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must(err)
		for _, u := range page.Users {
			got = append(got, aws.ToString(u.Username))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}

	pools, err := c.ListUserPools(ctx, &cognito.ListUserPoolsInput{MaxResults: aws.Int32(10)})
	must(err)
	if len(pools.UserPools) != 2 {
		t.Errorf("%d pools, want 2", len(pools.UserPools))
	}
	_, err = c.DeleteUserPool(ctx, &cognito.DeleteUserPoolInput{UserPoolId: pool})
	must(err)
	_, err = c.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: pool})
	wantAs[*types.ResourceNotFoundException](t, err, "User pool "+*pool+" does not exist.")
}
