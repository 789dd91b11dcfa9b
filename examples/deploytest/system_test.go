package deploytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A system is what is deployed, in the words of CloudFormation. Names of resources
// stand for references to them: "Counters" for its name, "Counters.Arn" for its ARN.
type system struct {
	Resources           map[string]int // how many there are of each type
	Pool, Client, Table object
	Texts               object                     // what Cognito may send by itself
	Triggers            map[string]string          // trigger to function
	Functions           map[string]*lambdaFunction // by name
	Roles               map[string][]statement     // who may take each
	Secrets             map[string]string          // what is made up for each
	Rotation            object
	Kept                map[string]bool // whether it outlives the rest
	Firewall            []string
	Alarms              []string
	Topic               []statement // who may publish where the alarms go
	Subscriptions       []string
	Filters             []string // metrics that are made of the log
	Dashboard           []string
	Outputs             map[string]string
}

type lambdaFunction struct {
	Timeout, Memory, Reserved   string
	Code                        string // the folder that build.sh makes
	Runtime, Handler, Processor string
	Environment                 map[string]string
	Statements                  []statement
	CalledBy                    string // action, principal and source
	Log, LogDays                string
	RightsFirst                 bool // whether it has its rights before it can be called
}

type statement struct {
	Sid, Effect, Who, If string
	Actions, Resources   []string
}

func (s statement) sorted() statement {
	slices.Sort(s.Actions)
	slices.Sort(s.Resources)
	return s
}

func sortStatements(list []statement) {
	slices.SortFunc(list, func(a, b statement) int { return strings.Compare(a.Sid, b.Sid) })
}

// An alarm of five minutes, unless it says otherwise.
type alarm struct {
	namespace, metric, dimensions, statistic, period, threshold, what string
	evaluations, comparison, missing, actions                         string
}

func (a alarm) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s: %s in %s s, %s times %s %s, missing %s, to %s: %s", a.namespace, a.metric, a.dimensions,
		a.statistic, a.period, a.evaluations, a.comparison, a.threshold, a.missing, a.actions, a.what)), " ")
}

// A profile is how a system is set up: as an example, for production, or for production
// with all that there is to choose.
type profile struct {
	name               string
	production, chosen bool
}

var profiles = []profile{{name: "example"}, {name: "production", production: true}, {name: "chosen", production: true, chosen: true}}

// deployments are the ways to deploy, each with its reader. A SAM template is read as it
// is, and, where the transform is installed, as CloudFormation gets it.
var deployments = []struct {
	name string
	read func(t testing.TB, p profile) system
}{
	{"cdk", readCDK}, {"terraform", readTerraform}, {"sam", readSAM}, {"sam-transformed", readTransformedSAM},
}

// expected is the system: a change of one of the deployments must be made to all.
func expected(p profile) system {
	s := system{
		Resources: map[string]int{
			"AWS::Cognito::UserPool": 1, "AWS::Cognito::UserPoolClient": 1, "AWS::DynamoDB::Table": 1,
			"AWS::Lambda::Function": 3, "AWS::Lambda::Permission": 3, "AWS::Logs::LogGroup": 3, "AWS::IAM::Role": 4, "AWS::IAM::RolePolicy": 4,
			"AWS::SecretsManager::Secret": 2, "AWS::SecretsManager::RotationSchedule": 1,
		},
		Pool: object{
			"UsernameAttributes": []any{"phone_number"},
			"Schema":             []any{object{"Name": "phone_number", "Required": "true", "Mutable": "true"}},
			"AccountRecoverySetting": object{"RecoveryMechanisms": []any{
				object{"Name": "admin_only", "Priority": "1"},
			}},
			"AdminCreateUserConfig":       object{"AllowAdminCreateUserOnly": "false"},
			"MfaConfiguration":            "OFF",
			"AutoVerifiedAttributes":      []any{"phone_number"},
			"UserAttributeUpdateSettings": object{"AttributesRequireVerificationBeforeUpdate": []any{"phone_number"}},
			"UserPoolTier":                choose(p.chosen, "PLUS", "ESSENTIALS"),
			"DeletionProtection":          choose(p.production, "ACTIVE", "INACTIVE"),
		},
		Client: object{
			"UserPoolId":                      "Users",
			"GenerateSecret":                  "false",
			"ExplicitAuthFlows":               []any{"ALLOW_CUSTOM_AUTH"},
			"RefreshTokenRotation":            object{"Feature": "ENABLED", "RetryGracePeriodSeconds": "10"},
			"WriteAttributes":                 []any{"locale", "name", "phone_number"},
			"PreventUserExistenceErrors":      "ENABLED",
			"AuthSessionValidity":             "15",
			"EnableTokenRevocation":           "true",
			"AllowedOAuthFlowsUserPoolClient": "false",
			"SupportedIdentityProviders":      []any{"COGNITO"},
			"AccessTokenValidity":             "60",
			"IdTokenValidity":                 "60",
			"RefreshTokenValidity":            "43200",
			"TokenValidityUnits":              object{"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "minutes"},
		},
		Table: object{
			"BillingMode": "PAY_PER_REQUEST", "Key": "pk HASH", "KeyType": "pk S", "TTL": "expires true", "Encrypted": "true",
			"PointInTimeRecovery": fmt.Sprint(p.production), "DeletionProtection": fmt.Sprint(p.production),
		},
		Texts: object{
			"Message": "{####} is the code that confirms your new phone number.", "ExternalId": "CustomAuth", "Role": "CognitoTexts.Arn",
			"Statements": texts, "RightsFirst": true,
		},
		Triggers: map[string]string{
			"PreSignUp": "Challenges", "DefineAuthChallenge": "Challenges", "CreateAuthChallenge": "Challenges",
			"VerifyAuthChallengeResponse": "Challenges", "PostAuthentication": "PostAuth",
		},
		Roles: map[string][]statement{
			"ChallengesRole": takenBy("lambda", ""), "PostAuthRole": takenBy("lambda", ""), "RotationRole": takenBy("lambda", ""),
			"CognitoTexts": takenBy("cognito-idp", "StringEquals aws:SourceAccount=ACCOUNT, StringEquals sts:ExternalId=CustomAuth"),
		},
		Secrets:  map[string]string{"Key": "64 letters and digits", "CounterKey": "64 letters and digits"},
		Rotation: object{"Secret": "Key", "Function": "Rotation.Arn", "Days": "90", "Immediately": "false", "AllowedFirst": true},
		Kept:     map[string]bool{},
		Outputs:  map[string]string{"UserPoolId": "Users", "ClientId": "App", "Region": "REGION"},
	}
	for _, name := range []string{"Users", "Counters", "Key", "CounterKey", "ChallengesLog", "PostAuthLog", "RotationLog"} {
		s.Kept[name] = p.production
	}
	if p.chosen {
		s.Pool["UserPoolAddOns"] = object{"AdvancedSecurityMode": "ENFORCED", "AdvancedSecurityAdditionalFlows": object{"CustomAuthMode": "ENFORCED"}}
	}
	s.Functions = functions(p)
	if p.production {
		s.watch(p)
	}
	return s
}

var texts = []statement{
	{Sid: "PublishToPhonesOnly", Effect: "Deny", Actions: []string{"sns:Publish"}, Resources: []string{"arn:PARTITION:sns:*:*:*"}},
	{Sid: "SendTexts", Effect: "Allow", Actions: []string{"sns:Publish"}, Resources: []string{"*"}},
}

func takenBy(service, condition string) []statement {
	return []statement{{Effect: "Allow", Who: "Service " + service + ".amazonaws.com", If: condition, Actions: []string{"sts:AssumeRole"}}}
}

func functions(p profile) map[string]*lambdaFunction {
	allow := func(sid string, resources []string, actions ...string) statement {
		return statement{Sid: sid, Effect: "Allow", Actions: actions, Resources: resources}.sorted()
	}
	common := func(name, timeout, reserved, calledBy string, env map[string]string, statements ...statement) *lambdaFunction {
		statements = append(statements, allow("WriteOwnLog", []string{name + "Log.Arn"}, "logs:CreateLogStream", "logs:PutLogEvents"))
		sortStatements(statements)
		return &lambdaFunction{
			Code: strings.ToLower(name), Timeout: timeout, Memory: "512", Reserved: choose(p.production, reserved, ""), Runtime: "provided.al2023", Handler: "bootstrap",
			Processor: "arm64", Environment: env, Statements: statements, CalledBy: "lambda:InvokeFunction " + calledBy,
			Log: name + "Log Text", LogDays: choose(p.production, "365", "30"), RightsFirst: true,
		}
	}
	challenges := map[string]string{
		"CUSTOMAUTH_KEYS_SECRET": "Key", "CUSTOMAUTH_COUNTER_SECRET": "CounterKey", "CUSTOMAUTH_TABLE": "Counters",
		"CUSTOMAUTH_COUNTRIES": choose(p.chosen, "DE,AT", "US"), "GOMAXPROCS": "1",
	}
	if p.production {
		challenges["CUSTOMAUTH_METRICS"] = "CustomAuth"
	}
	if p.chosen {
		challenges["CUSTOMAUTH_SENDER_ID"], challenges["CUSTOMAUTH_ORIGINATION_NUMBER"] = "Example", "+4915550001234"
	}
	return map[string]*lambdaFunction{
		"Challenges": common("Challenges", "5", "120", "cognito-idp.amazonaws.com Users.Arn", challenges,
			allow("ReadKeys", []string{"Key", "CounterKey"}, "secretsmanager:GetSecretValue"),
			allow("Count", []string{"Counters.Arn"}, "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"),
			texts[0], texts[1],
		),
		"PostAuth": common("PostAuth", "5", "40", "cognito-idp.amazonaws.com Users.Arn", map[string]string{
			"CUSTOMAUTH_COUNTER_SECRET": "CounterKey", "CUSTOMAUTH_TABLE": "Counters", "CUSTOMAUTH_CLIENT_IDS": "App", "GOMAXPROCS": "1",
		},
			allow("ReadKeys", []string{"CounterKey"}, "secretsmanager:GetSecretValue"),
			allow("ReadProofs", []string{"Counters.Arn"}, "dynamodb:GetItem"),
			allow("MarkVerified", []string{"Users.Arn"}, "cognito-idp:AdminUpdateUserAttributes", "cognito-idp:AdminUserGlobalSignOut"),
		),
		"Rotation": common("Rotation", "30", "", "secretsmanager.amazonaws.com ACCOUNT", nil,
			allow("RotateKeys", []string{"Key"}, "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
				"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"),
		),
	}
}

// watch adds what watches over a system in production.
func (s *system) watch(p profile) {
	for kind, n := range map[string]int{
		"AWS::WAFv2::WebACL": 1, "AWS::WAFv2::WebACLAssociation": 1, "AWS::SNS::Topic": 1, "AWS::SNS::TopicPolicy": 1,
		"AWS::CloudWatch::Alarm": 13, "AWS::CloudWatch::Dashboard": 1, "AWS::Logs::MetricFilter": 1,
	} {
		s.Resources[kind] = n
	}
	const texts = "UpdateUserAttributes GetUserAttributeVerificationCode ResendConfirmationCode"
	s.Firewall = []string{
		"REGIONAL, before Users.Arn; else Allow; metrics Firewall true, samples false",
		"0 SignUps: Block by IP from 50 in 300 s of SignUp; metrics SignUps true, samples false",
		"1 SignIns: Block by IP from 200 in 300 s of InitiateAuth; metrics SignIns true, samples false",
		"2 TextsByCognito: Block by IP from 20 in 300 s of " + texts + "; metrics TextsByCognito true, samples false",
		"3 Everything: Block by IP from 1000 in 300 s of anything; metrics Everything true, samples false",
		"4 TextsByCognitoInAll: Block by CONSTANT from 100 in 300 s of " + texts + "; metrics TextsByCognitoInAll true, samples false",
	}
	publish := []string{"sns:Publish"}
	s.Topic = []statement{
		{Sid: "Alarms", Effect: "Allow", Who: "Service cloudwatch.amazonaws.com", If: "StringEquals aws:SourceAccount=ACCOUNT", Actions: publish, Resources: []string{"Alarms"}},
		{Sid: "EncryptedOnly", Effect: "Deny", Who: "*", If: "Bool aws:SecureTransport=false", Actions: publish, Resources: []string{"Alarms"}},
	}
	if p.chosen {
		s.Resources["AWS::SNS::Subscription"] = 1
		s.Subscriptions = []string{"Alarms email ops@example.com"}
	}
	s.Filters = []string{`ChallengesLog { $.error = "*_closed*" }: CustomAuth CountryClosed 1`}
	add := func(namespace, metric, dimensions string, threshold int, what string) {
		s.Alarms = append(s.Alarms, alarm{
			namespace: namespace, metric: metric, dimensions: dimensions, statistic: "Sum", period: "300", threshold: fmt.Sprint(threshold), what: what,
			evaluations: "1", comparison: "GreaterThanOrEqualToThreshold", missing: "notBreaching", actions: "Alarms",
		}.String())
	}
	add("CustomAuth", "Count", "Outcome=broken", 1, "a trigger failed")
	add("CustomAuth", "Count", "Reason=mismatch", 10, "sign-ins that other keys or steps sealed: a deployment or a rotation went wrong")
	add("CustomAuth", "Count", "Reason=rate_limited", 50, "an attack that is being stopped, or limits that are too tight")
	add("CustomAuth", "CountryClosed", "", 1, "a budget of texts is used up: SMS pumping, or a campaign of yours")
	for _, f := range []string{"Challenges", "PostAuth", "Rotation"} {
		add("AWS/Lambda", "Errors", "FunctionName="+f, 1, "calls that ended in an error, a crash or a timeout")
		add("AWS/Lambda", "Throttles", "FunctionName="+f, 1, "calls for which there was no instance: raise the concurrency, or an attack is under way")
	}
	for _, metric := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
		add("AWS/DynamoDB", metric, "TableName=Counters", 1, "the table refused requests, and so did customauth")
	}
	s.Alarms = append(s.Alarms, alarm{
		namespace: "AWS/SNS", metric: "SMSMonthToDateSpentUSD", statistic: "Maximum", period: "3600", threshold: choose(p.chosen, "75", "50"),
		what:        "what the texts of this account cost this month, in USD",
		evaluations: "1", comparison: "GreaterThanOrEqualToThreshold", missing: "notBreaching", actions: "Alarms",
	}.String())
	slices.Sort(s.Alarms)
	s.Dashboard = []string{
		"CustomAuth-REGION",
		"0 0 8 6 REGION Texts and right answers: CustomAuth Sent Trigger=create (Sent): Sum in 300 s",
		"0 0 8 6 REGION Texts and right answers: CustomAuth Count Outcome=passed Trigger=verify (Passed): Sum in 300 s",
		"8 0 8 6 REGION Refused: CustomAuth Count Reason=rate_limited (RateLimited): Sum in 300 s",
		"8 0 8 6 REGION Refused: CustomAuth CountryClosed (CountryClosed): Sum in 300 s",
		"16 0 8 6 REGION Broken: CustomAuth Count Outcome=broken (Broken): Sum in 300 s",
		"16 0 8 6 REGION Broken: CustomAuth Count Reason=mismatch (Mismatch): Sum in 300 s",
		"0 6 8 6 REGION Time of a call, p99: AWS/Lambda Duration FunctionName=Challenges: p99 in 300 s",
		"0 6 8 6 REGION Time of a call, p99: AWS/Lambda Duration FunctionName=PostAuth: p99 in 300 s",
		"8 6 8 6 REGION Errors and throttles: AWS/Lambda Errors FunctionName=Challenges: Sum in 300 s",
		"8 6 8 6 REGION Errors and throttles: AWS/Lambda Throttles FunctionName=Challenges: Sum in 300 s",
		"8 6 8 6 REGION Errors and throttles: AWS/Lambda Errors FunctionName=PostAuth: Sum in 300 s",
		"8 6 8 6 REGION Errors and throttles: AWS/Lambda Throttles FunctionName=PostAuth: Sum in 300 s",
		"16 6 8 6 REGION Texts this month, USD: AWS/SNS SMSMonthToDateSpentUSD: Maximum in 3600 s",
	}
	s.Outputs["AlarmTopic"] = "Alarms"
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func TestSameSystem(t *testing.T) {
	for _, d := range deployments {
		for _, p := range profiles {
			t.Run(d.name+"/"+p.name, func(t *testing.T) {
				if diff := cmp.Diff(expected(p), d.read(t, p)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}
