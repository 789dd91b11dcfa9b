package deploytest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A system is what is deployed, in the words of CloudFormation. Names of resources
// stand for references to them: "Counters" for its ARN and its name.
type system struct {
	Pool, Client, Table map[string]any
	Triggers            map[string]string          // trigger to function
	Functions           map[string]*lambdaFunction // by name
	Secrets             int
	Rotation            map[string]any
}

type lambdaFunction struct {
	Timeout, Memory, Reserved   string
	Runtime, Handler, Processor string
	Environment                 map[string]string
	Statements                  []statement
	CalledBy                    string // principal and source
	LogDays                     string
}

type statement struct {
	Sid, Effect        string
	Actions, Resources []string
}

func (s statement) sorted() statement {
	slices.Sort(s.Actions)
	slices.Sort(s.Resources)
	return s
}

func sortStatements(list []statement) {
	slices.SortFunc(list, func(a, b statement) int { return strings.Compare(a.Sid, b.Sid) })
}

// deployments are the three ways, each with its reader.
var deployments = []struct {
	name string
	read func(t *testing.T, production bool) system
}{
	{"cdk", readCDK}, {"terraform", readTerraform}, {"sam", readSAM},
}

// expected is the system: a change of one of the three must be made to all.
func expected(production bool) system {
	s := system{
		Pool: map[string]any{
			"UsernameAttributes": []any{"phone_number"},
			"Schema":             []any{map[string]any{"Name": "phone_number", "Required": "true", "Mutable": "true"}},
			"AccountRecoverySetting": map[string]any{"RecoveryMechanisms": []any{
				map[string]any{"Name": "admin_only", "Priority": "1"},
			}},
			"AdminCreateUserConfig":       map[string]any{"AllowAdminCreateUserOnly": "false"},
			"MfaConfiguration":            "OFF",
			"AutoVerifiedAttributes":      []any{"phone_number"},
			"UserAttributeUpdateSettings": map[string]any{"AttributesRequireVerificationBeforeUpdate": []any{"phone_number"}},
			"UserPoolTier":                "ESSENTIALS",
			"DeletionProtection":          choose(production, "ACTIVE", "INACTIVE"),
		},
		Client: map[string]any{
			"GenerateSecret":                  "false",
			"ExplicitAuthFlows":               []any{"ALLOW_CUSTOM_AUTH"},
			"RefreshTokenRotation":            map[string]any{"Feature": "ENABLED", "RetryGracePeriodSeconds": "10"},
			"WriteAttributes":                 []any{"locale", "name", "phone_number"},
			"PreventUserExistenceErrors":      "ENABLED",
			"AuthSessionValidity":             "15",
			"EnableTokenRevocation":           "true",
			"AllowedOAuthFlowsUserPoolClient": "false",
			"SupportedIdentityProviders":      []any{"COGNITO"},
			"AccessTokenValidity":             "60",
			"IdTokenValidity":                 "60",
			"RefreshTokenValidity":            "43200",
			"TokenValidityUnits":              map[string]any{"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "minutes"},
		},
		Table: map[string]any{
			"BillingMode": "PAY_PER_REQUEST", "Key": "pk", "KeyType": "S", "TTL": "expires", "Encrypted": "true",
			"PointInTimeRecovery": choose(production, "true", "false"), "DeletionProtection": choose(production, "true", "false"),
		},
		Triggers: map[string]string{
			"PreSignUp": "Challenges", "DefineAuthChallenge": "Challenges", "CreateAuthChallenge": "Challenges",
			"VerifyAuthChallengeResponse": "Challenges", "PostAuthentication": "PostAuth",
		},
		Secrets:  2,
		Rotation: map[string]any{"Secret": "Key", "Function": "Rotation", "Days": "90", "Immediately": "false"},
	}
	common := func(timeout, reserved, calledBy string, env map[string]string, statements ...statement) *lambdaFunction {
		sortStatements(statements)
		return &lambdaFunction{
			Timeout: timeout, Memory: "512", Reserved: choose(production, reserved, ""), Runtime: "provided.al2023", Handler: "bootstrap",
			Processor: "arm64", Environment: env, Statements: statements, CalledBy: calledBy, LogDays: choose(production, "365", "30"),
		}
	}
	allow := func(sid string, resources []string, actions ...string) statement {
		return statement{sid, "Allow", actions, resources}.sorted()
	}
	log := func(name string) statement {
		return allow("WriteOwnLog", []string{name + "Log"}, "logs:CreateLogStream", "logs:PutLogEvents")
	}
	s.Functions = map[string]*lambdaFunction{
		"Challenges": common("5", "120", "cognito-idp.amazonaws.com Users", map[string]string{
			"CUSTOMAUTH_KEYS_SECRET": "Key", "CUSTOMAUTH_COUNTER_SECRET": "CounterKey", "CUSTOMAUTH_TABLE": "Counters",
			"CUSTOMAUTH_COUNTRIES": "US", "GOMAXPROCS": "1",
		},
			log("Challenges"),
			allow("ReadKeys", []string{"Key", "CounterKey"}, "secretsmanager:GetSecretValue"),
			allow("SendTexts", []string{"*"}, "sns:Publish"),
			statement{"PublishToPhonesOnly", "Deny", []string{"sns:Publish"}, []string{"arn:PARTITION:sns:*:*:*"}},
			allow("Count", []string{"Counters"}, "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"),
		),
		"PostAuth": common("5", "40", "cognito-idp.amazonaws.com Users", map[string]string{
			"CUSTOMAUTH_COUNTER_SECRET": "CounterKey", "CUSTOMAUTH_TABLE": "Counters", "CUSTOMAUTH_CLIENT_IDS": "App", "GOMAXPROCS": "1",
		},
			log("PostAuth"),
			allow("ReadKeys", []string{"CounterKey"}, "secretsmanager:GetSecretValue"),
			allow("ReadProofs", []string{"Counters"}, "dynamodb:GetItem"),
			allow("MarkVerified", []string{"Users"}, "cognito-idp:AdminUpdateUserAttributes", "cognito-idp:AdminUserGlobalSignOut"),
		),
		"Rotation": common("30", "", "secretsmanager.amazonaws.com ACCOUNT", nil,
			log("Rotation"),
			allow("RotateKeys", []string{"Key"}, "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
				"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"),
		),
	}
	if production {
		s.Functions["Challenges"].Environment["CUSTOMAUTH_METRICS"] = "CustomAuth"
	}
	return s
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func TestSameSystem(t *testing.T) {
	for _, d := range deployments {
		for _, production := range []bool{false, true} {
			t.Run(d.name+choose(production, "/production", "/example"), func(t *testing.T) {
				if diff := cmp.Diff(expected(production), d.read(t, production)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}
