package deploytest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// readCDK reads the template that the CDK makes. It needs Node.
func readCDK(t testing.TB, p profile) system {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm is not installed")
		}
		t.Skip("npm is not installed")
	}
	templates, err := cdkTemplates()
	if err != nil {
		t.Fatal(err)
	}
	return newTemplate(t, templates[p.name].(object), nil).system()
}

// cdkTemplates are those of the profiles. To make them takes many seconds.
var cdkTemplates = sync.OnceValues(func() (templates object, err error) {
	folder := filepath.Join("..", "cdk")
	commands := [][]string{{"npx", "tsc"}, {"node", "dist/template.js"}}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		commands = append([][]string{{"npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"}}, commands...)
	}
	var out []byte
	for _, c := range commands {
		cmd := exec.Command(c[0], c[1:]...)
		cmd.Dir = folder
		if out, err = cmd.Output(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", c, err, out)
		}
	}
	err = json.Unmarshal(out, &templates)
	return templates, err
})

// readSAM reads the resources of the SAM template, as if it were deployed with the
// parameters of a profile.
func readSAM(t testing.TB, p profile) system {
	t.Helper()
	return newTemplate(t, samTemplate(t), samParameters(p)).system()
}

// readTransformedSAM reads what CloudFormation's transform makes of the SAM template.
// Where that is not installed (the Python package samtranslator, which comes with
// cfn-lint), it reads the template as it is.
func readTransformedSAM(t testing.TB, p profile) system {
	t.Helper()
	transformed, err := transform()
	if err != nil {
		t.Fatal(err)
	}
	if transformed == nil {
		t.Log("the transform is not installed")
		return readSAM(t, p)
	}
	return newTemplate(t, transformed, samParameters(p)).system()
}

// transform returns nil where the transform is not installed.
var transform = sync.OnceValues(func() (transformed object, err error) {
	doc, err := parseSAM()
	if err != nil {
		return nil, err
	}
	for _, r := range doc["Resources"].(object) {
		if r := r.(object); r["Type"] == "AWS::Serverless::Function" {
			r := r["Properties"].(object)
			r["CodeUri"] = "s3://binaries/" + path.Base(r["CodeUri"].(string)) // as sam deploy makes it
		}
	}
	in, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("python3", "-c", `
import json, sys
try:
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
except ImportError:
    sys.exit(7)
print(json.dumps(Translator({}, Parser()).translate(json.load(sys.stdin), {})))
`)
	cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.Is(err, exec.ErrNotFound) || errors.As(err, &exit) && exit.ExitCode() == 7 {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(out, &transformed)
	}
	return transformed, err
})

func samParameters(p profile) map[string]string {
	if p.chosen {
		return map[string]string{
			"Production": "true", "Countries": "DE,AT", "Plan": "PLUS", "SenderId": "Example", "OriginationNumber": "+4915550001234",
			"SpendAlarm": "75", "AlarmEmail": "ops@example.com",
		}
	}
	if p.production {
		return map[string]string{"Production": "true", "Countries": "US"}
	}
	return map[string]string{"Countries": "US"}
}

func samTemplate(t testing.TB) object {
	t.Helper()
	doc, err := parseSAM()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func parseSAM() (object, error) {
	text, err := os.ReadFile(filepath.Join("..", "sam", "template.yaml"))
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	return plain(root.Content[0]).(object), nil
}

// plain turns YAML with the short forms of functions into what JSON would have.
func plain(n *yaml.Node) any {
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := object{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		v = list
	default:
		v = n.Value
		if n.Tag == "!!int" {
			v, _ = strconv.Atoi(n.Value)
		}
		if n.Tag == "!!bool" {
			v, _ = strconv.ParseBool(n.Value)
		}
	}
	switch tag := n.Tag; {
	case strings.HasPrefix(tag, "!!"):
		return v
	case tag == "!Ref", tag == "!Condition":
		return object{strings.TrimPrefix(tag, "!"): v}
	case tag == "!GetAtt":
		resource, attribute, _ := strings.Cut(n.Value, ".")
		return object{"Fn::GetAtt": []any{resource, attribute}}
	case strings.HasPrefix(tag, "!"):
		return object{"Fn::" + strings.TrimPrefix(tag, "!"): v}
	}
	return v
}

type object = map[string]any

// A template is one of CloudFormation's, with the parameters that it is deployed with.
type template struct {
	t                                                 testing.TB
	resources, outputs, globals, mappings, conditions object
	parameters                                        map[string]string
}

func newTemplate(t testing.TB, doc object, parameters map[string]string) template {
	c := template{t: t, parameters: map[string]string{}}
	c.resources = doc["Resources"].(object)
	c.outputs, _ = doc["Outputs"].(object)
	for _, other := range words(doc["Transform"]) {
		if other != "AWS::LanguageExtensions" && other != "AWS::Serverless-2016-10-31" {
			t.Errorf("a transform that the test does not know: %s", other)
		}
	}
	c.mappings, _ = doc["Mappings"].(object)
	c.conditions, _ = doc["Conditions"].(object)
	if globals, ok := doc["Globals"].(object); ok {
		c.globals = globals["Function"].(object)
	}
	defined, _ := doc["Parameters"].(object)
	for id, p := range defined {
		if d, ok := p.(object)["Default"]; ok {
			c.parameters[id] = fmt.Sprint(d)
		}
	}
	for id, value := range parameters {
		if _, ok := defined[id]; !ok {
			t.Fatalf("the template has no parameter %s", id)
		}
		c.parameters[id] = value
	}
	return c
}

// hash is what the CDK puts behind a name.
var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// name is the logical id of a resource without what the CDK adds to it.
func name(id string) string {
	switch id = hash.ReplaceAllString(id, ""); id {
	case "UsersApp":
		return "App"
	default:
		return id
	}
}

var pseudo = map[string]string{
	"AWS::Partition": "PARTITION", "AWS::Region": "REGION", "AWS::AccountId": "ACCOUNT", "AWS::StackName": "CustomAuth",
}

// value resolves functions, makes texts of numbers and booleans, and leaves out what
// has no value.
func (c template) value(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		list := []any{}
		for _, e := range v {
			if e = c.value(e); e != nil {
				list = append(list, e)
			}
		}
		return list
	case object:
		if len(v) == 1 {
			for f, argument := range v {
				if f == "Ref" || strings.HasPrefix(f, "Fn::") {
					return c.call(f, argument)
				}
			}
		}
		m := object{}
		for k, e := range v {
			if e = c.value(e); e != nil {
				m[k] = e
			}
		}
		return m
	}
	return fmt.Sprint(v)
}

func (c template) call(f string, argument any) any {
	list, _ := argument.([]any)
	switch f {
	case "Ref":
		return c.ref(argument.(string))
	case "Fn::GetAtt":
		return name(list[0].(string)) + "." + list[1].(string)
	case "Fn::Join":
		return strings.Join(words(c.value(list[1])), list[0].(string))
	case "Fn::Sub":
		return regexp.MustCompile(`\$\{([A-Za-z:]+)\}`).ReplaceAllStringFunc(argument.(string), func(s string) string {
			return c.ref(s[2 : len(s)-1]).(string)
		})
	case "Fn::If":
		if c.holds(list[0].(string)) {
			return c.value(list[1])
		}
		return c.value(list[2])
	case "Fn::FindInMap":
		m := c.mappings[list[0].(string)].(object)
		return c.value(m[c.value(list[1]).(string)].(object)[list[2].(string)])
	}
	c.t.Fatalf("%s of %v: a function that the test does not know", f, argument)
	return nil
}

func (c template) ref(id string) any {
	if id == "AWS::NoValue" {
		return nil
	}
	if text, ok := pseudo[id]; ok {
		return text
	}
	if text, ok := c.parameters[id]; ok {
		return text
	}
	return name(id)
}

// holds reports whether a condition does.
func (c template) holds(condition string) bool { return c.truth(c.conditions[condition]) }

func (c template) truth(v any) bool {
	for f, argument := range v.(object) {
		switch f {
		case "Condition":
			return c.holds(argument.(string))
		case "Fn::Equals":
			list := argument.([]any)
			return c.value(list[0]) == c.value(list[1])
		case "Fn::Not":
			return !c.truth(argument.([]any)[0])
		case "Fn::And":
			return !slices.ContainsFunc(argument.([]any), func(v any) bool { return !c.truth(v) })
		}
	}
	c.t.Fatalf("%v is no condition that the test knows", v)
	return false
}

// A resource is one of a template, with its values.
type resource struct {
	name       string
	properties object
	after      []string // what it depends on explicitly
	kept       bool
}

// kinds are those that are called otherwise here.
var kinds = map[string]string{"AWS::Serverless::Function": "AWS::Lambda::Function", "AWS::IAM::Policy": "AWS::IAM::RolePolicy"}

// all returns the resources of each type that are made.
func (c template) all() map[string][]resource {
	all := map[string][]resource{}
	for _, id := range slices.Sorted(maps.Keys(c.resources)) {
		r := c.resources[id].(object)
		if condition, ok := r["Condition"].(string); ok && !c.holds(condition) {
			continue
		}
		properties, _ := c.value(r["Properties"]).(object)
		made := resource{name: name(id), properties: properties, kept: c.value(r["DeletionPolicy"]) == "Retain"}
		deleted, replaced := text(c.value(r["DeletionPolicy"])), text(c.value(r["UpdateReplacePolicy"]))
		if deleted != replaced || !slices.Contains([]string{"", "Delete", "Retain"}, deleted) {
			c.t.Errorf("%s is %s when it is deleted and %s when it is replaced", id, deleted, replaced)
		}
		for _, other := range words(r["DependsOn"]) {
			made.after = append(made.after, name(other))
		}
		kind := r["Type"].(string)
		if k, ok := kinds[kind]; ok {
			kind = k
		}
		all[kind] = append(all[kind], made)
	}
	return all
}

func (c template) system() system {
	s := system{
		Resources: map[string]int{}, Functions: map[string]*lambdaFunction{}, Triggers: map[string]string{}, Roles: map[string][]statement{},
		Secrets: map[string]string{}, Kept: map[string]bool{}, Outputs: map[string]string{},
	}
	all := c.all()
	for kind, list := range all {
		s.Resources[kind] = len(list)
	}
	for _, kind := range []string{"AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"} {
		for _, r := range all[kind] {
			s.Kept[r.name] = r.kept
		}
	}
	named := map[string]string{} // by the names that functions are given
	for _, r := range all["AWS::Lambda::Function"] {
		named[text(r.properties["FunctionName"])] = r.name
	}
	for _, r := range all["AWS::Cognito::UserPool"] {
		for trigger, fn := range r.properties["LambdaConfig"].(object) {
			// One function is named by a text.
			if given, ok := strings.CutPrefix(fn.(string), "arn:PARTITION:lambda:REGION:ACCOUNT:function:"); ok {
				fn = named[given] + ".Arn"
			}
			s.Triggers[trigger] = strings.TrimSuffix(fn.(string), ".Arn")
		}
		s.Pool = only(r.properties, "UsernameAttributes", "AliasAttributes", "Schema", "AccountRecoverySetting", "AdminCreateUserConfig", "MfaConfiguration",
			"EnabledMfas", "AutoVerifiedAttributes", "UserAttributeUpdateSettings", "UserPoolTier", "UserPoolAddOns", "DeletionProtection")
		texts := r.properties["SmsConfiguration"].(object)
		s.Texts = object{
			"Message":    r.properties["VerificationMessageTemplate"].(object)["SmsMessage"],
			"ExternalId": texts["ExternalId"], "Role": texts["SnsCallerArn"],
		}
	}
	for _, r := range all["AWS::Cognito::UserPoolClient"] {
		s.Client = r.properties
		delete(s.Client, "ClientName")
	}
	for _, r := range all["AWS::DynamoDB::Table"] {
		s.Table = table(r.properties)
	}
	for _, r := range all["AWS::SecretsManager::Secret"] {
		if made, ok := r.properties["GenerateSecretString"].(object); ok && made["ExcludePunctuation"] == "true" && len(made) == 2 {
			s.Secrets[r.name] = text(made["PasswordLength"]) + " letters and digits"
		}
	}
	for _, r := range all["AWS::SecretsManager::RotationSchedule"] {
		p := r.properties
		s.Rotation = object{
			"Secret": p["SecretId"], "Function": p["RotationLambdaARN"], "Days": p["RotationRules"].(object)["AutomaticallyAfterDays"],
			"Immediately": p["RotateImmediatelyOnUpdate"], "AllowedFirst": slices.Contains(r.after, "RotationFromSecretsManager"),
		}
	}
	c.functions(&s, all)
	c.watched(&s, all)
	for id, o := range c.outputs {
		if condition, ok := o.(object)["Condition"].(string); !ok || c.holds(condition) {
			s.Outputs[id] = text(c.value(o.(object)["Value"]))
		}
	}
	return s
}

// functions reads the functions, and who may do what.
func (c template) functions(s *system, all map[string][]resource) {
	for _, r := range all["AWS::IAM::Role"] {
		s.Roles[r.name] = statements(r.properties["AssumeRolePolicyDocument"])
		for _, more := range []string{"ManagedPolicyArns", "Policies"} {
			if r.properties[more] != nil {
				c.t.Errorf("%s has %s", r.name, more)
			}
		}
	}
	roles, rights := map[string]*lambdaFunction{}, map[string][]string{}
	for _, r := range all["AWS::IAM::RolePolicy"] {
		role := text(r.properties["RoleName"])
		if list, ok := r.properties["Roles"].([]any); ok {
			role = text(list[0])
		}
		rights[role] = append(rights[role], r.name)
	}
	first := func(r resource, role string) bool {
		return slices.ContainsFunc(rights[role], func(p string) bool { return slices.Contains(r.after, p) })
	}
	for _, r := range all["AWS::Lambda::Function"] {
		p := maps.Clone(r.properties)
		for k, v := range c.globals {
			p[k] = c.value(v)
		}
		role, logging := strings.TrimSuffix(text(p["Role"]), ".Arn"), p["LoggingConfig"].(object)
		code := strings.TrimPrefix(text(p["CodeUri"]), "dist/")
		if at, ok := p["Code"].(object); ok {
			code = text(at["S3Key"])
		}
		f := &lambdaFunction{
			Code: code, Timeout: text(p["Timeout"]), Memory: text(p["MemorySize"]), Reserved: text(p["ReservedConcurrentExecutions"]),
			Runtime: text(p["Runtime"]), Handler: text(p["Handler"]), Processor: text(p["Architectures"].([]any)[0]),
			Log: text(logging["LogGroup"]) + " " + choose(logging["LogFormat"] == nil, "Text", text(logging["LogFormat"])), RightsFirst: first(r, role),
		}
		if e, ok := p["Environment"].(object); ok {
			f.Environment = map[string]string{}
			for k, v := range e["Variables"].(object) {
				f.Environment[k] = text(v)
			}
		}
		s.Functions[r.name], roles[role] = f, f
	}
	for _, r := range all["AWS::IAM::RolePolicy"] {
		allowed := statements(r.properties["PolicyDocument"])
		for role, policies := range rights {
			switch f := roles[role]; {
			case !slices.Contains(policies, r.name):
			case f != nil:
				f.Statements = append(f.Statements, allowed...)
				sortStatements(f.Statements)
			case role == "CognitoTexts":
				s.Texts["Statements"] = allowed
			}
		}
	}
	for _, r := range all["AWS::Cognito::UserPool"] {
		s.Texts["RightsFirst"] = first(r, "CognitoTexts")
	}
	for _, r := range all["AWS::Lambda::Permission"] {
		p := r.properties
		f := s.Functions[strings.TrimSuffix(text(p["FunctionName"]), ".Arn")]
		f.CalledBy = text(p["Action"]) + " " + text(p["Principal"]) + " " + text(p["SourceArn"]) + text(p["SourceAccount"])
	}
	for _, r := range all["AWS::Logs::LogGroup"] {
		s.Functions[strings.TrimSuffix(r.name, "Log")].LogDays = text(r.properties["RetentionInDays"])
	}
}

// watched reads what watches over the pool.
func (c template) watched(s *system, all map[string][]resource) {
	for _, r := range all["AWS::WAFv2::WebACL"] {
		for _, e := range r.properties["Rules"].([]any) {
			e := e.(object)
			rate := e["Statement"].(object)["RateBasedStatement"].(object)
			s.Firewall = append(s.Firewall, fmt.Sprintf("%v %v: %s by %v from %v in %v s of %s; %s", e["Priority"], e["Name"], keys(e["Action"]),
				rate["AggregateKeyType"], rate["Limit"], rate["EvaluationWindowSec"], c.operations(rate["ScopeDownStatement"]), visibility(e["VisibilityConfig"])))
		}
		before := ""
		for _, a := range all["AWS::WAFv2::WebACLAssociation"] {
			if a.properties["WebACLArn"] == r.name+".Arn" {
				before = text(a.properties["ResourceArn"])
			}
		}
		s.Firewall = append([]string{fmt.Sprintf("%v, before %s; else %s; %s", r.properties["Scope"], before, keys(r.properties["DefaultAction"]),
			visibility(r.properties["VisibilityConfig"]))}, s.Firewall...)
	}
	for _, r := range all["AWS::SNS::TopicPolicy"] {
		if got := words(r.properties["Topics"]); len(got) != 1 || got[0] != all["AWS::SNS::Topic"][0].name {
			c.t.Errorf("the policy is of %v", got)
		}
		s.Topic = statements(r.properties["PolicyDocument"])
	}
	for _, r := range all["AWS::SNS::Subscription"] {
		s.Subscriptions = append(s.Subscriptions, fmt.Sprintf("%v %v %v", r.properties["TopicArn"], r.properties["Protocol"], r.properties["Endpoint"]))
	}
	for _, r := range all["AWS::CloudWatch::Alarm"] {
		p := r.properties
		var dimensions []string
		if list, ok := p["Dimensions"].([]any); ok {
			for _, d := range list {
				dimensions = append(dimensions, text(d.(object)["Name"])+"="+text(d.(object)["Value"]))
			}
		}
		slices.Sort(dimensions)
		s.Alarms = append(s.Alarms, alarm{
			namespace: text(p["Namespace"]), metric: text(p["MetricName"]), dimensions: strings.Join(dimensions, " "), statistic: text(p["Statistic"]),
			period: text(p["Period"]), threshold: text(p["Threshold"]), what: text(p["AlarmDescription"]), evaluations: text(p["EvaluationPeriods"]),
			comparison: text(p["ComparisonOperator"]), missing: text(p["TreatMissingData"]), actions: strings.Join(words(p["AlarmActions"]), " "),
		}.String())
	}
	slices.Sort(s.Alarms)
	for _, r := range all["AWS::Logs::MetricFilter"] {
		for _, e := range r.properties["MetricTransformations"].([]any) {
			e := e.(object)
			s.Filters = append(s.Filters, fmt.Sprintf("%v %v: %v %v %v", r.properties["LogGroupName"], r.properties["FilterPattern"],
				e["MetricNamespace"], e["MetricName"], e["MetricValue"]))
		}
	}
	for _, r := range all["AWS::CloudWatch::Dashboard"] {
		s.Dashboard = dashboard(c.t, text(r.properties["DashboardName"]), text(r.properties["DashboardBody"]))
	}
}

// operations are those of Cognito's API that a rule is about.
func (c template) operations(scope any) string {
	if scope == nil {
		return "anything"
	}
	list := []any{scope}
	if or, ok := scope.(object)["OrStatement"].(object); ok {
		list = or["Statements"].([]any)
	}
	var operations []string
	for _, e := range list {
		m := e.(object)["ByteMatchStatement"].(object)
		operation, ok := strings.CutPrefix(text(m["SearchString"]), "AWSCognitoIdentityProviderService.")
		header := m["FieldToMatch"].(object)["SingleHeader"].(object)["Name"]
		if !ok || header != "x-amz-target" || m["PositionalConstraint"] != "EXACTLY" || transformations(m["TextTransformations"]) != "0 NONE" {
			c.t.Errorf("a rule matches %v", m)
		}
		operations = append(operations, operation)
	}
	return strings.Join(operations, " ")
}

func transformations(v any) string {
	var all []string
	for _, e := range v.([]any) {
		all = append(all, text(e.(object)["Priority"])+" "+text(e.(object)["Type"]))
	}
	return strings.Join(all, ", ")
}

func visibility(v any) string {
	m := v.(object)
	return fmt.Sprintf("metrics %v %v, samples %v", m["MetricName"], m["CloudWatchMetricsEnabled"], m["SampledRequestsEnabled"])
}

// statements are those of a policy document.
func statements(document any) []statement {
	var all []statement
	if document.(object)["Version"] != "2012-10-17" { // without it, 2008-10-17
		return nil
	}
	for _, e := range document.(object)["Statement"].([]any) {
		e := e.(object)
		who := text(e["Principal"])
		if by, ok := e["Principal"].(object); ok {
			who = keys(by) + " " + text(by[keys(by)])
		}
		all = append(all, statement{text(e["Sid"]), text(e["Effect"]), who, conditions(e["Condition"]), words(e["Action"]), words(e["Resource"])}.sorted())
	}
	sortStatements(all)
	return all
}

// conditions are those of a statement, in a line.
func conditions(v any) string {
	tests, _ := v.(object)
	var all []string
	for test, of := range tests {
		for name, value := range of.(object) {
			all = append(all, test+" "+name+"="+text(value))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// keys are the names of an object.
func keys(v any) string { return strings.Join(slices.Sorted(maps.Keys(v.(object))), " ") }

// dashboard are the metrics of a dashboard's graphs.
func dashboard(t testing.TB, name, body string) []string {
	t.Helper()
	var parsed struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Title, Region, Stat string
				Period              int
				Metrics             [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &parsed); err != nil {
		t.Fatalf("the dashboard: %v", err)
	}
	all := []string{name}
	for _, w := range parsed.Widgets {
		if w.Type != "metric" {
			t.Errorf("a widget is of type %s", w.Type)
		}
		for _, m := range w.Properties.Metrics {
			own := object{}
			if last, ok := m[len(m)-1].(object); ok {
				own, m = last, m[:len(m)-1]
			}
			line := fmt.Sprintf("%d %d %d %d %s %s: %v %v", w.X, w.Y, w.Width, w.Height, w.Properties.Region, w.Properties.Title, m[0], m[1])
			var dimensions []string
			for i := 2; i+1 < len(m); i += 2 {
				dimensions = append(dimensions, fmt.Sprintf(" %v=%v", m[i], m[i+1]))
			}
			slices.Sort(dimensions)
			line += strings.Join(dimensions, "")
			if label, ok := own["label"]; ok {
				line += fmt.Sprintf(" (%v)", label)
			}
			stat, period := cmp.Or(text(own["stat"]), w.Properties.Stat), cmp.Or(text(own["period"]), text(cmp.Or(w.Properties.Period, 300)))
			all = append(all, fmt.Sprintf("%s: %s in %s s", line, stat, period))
		}
	}
	return all
}

func only(p object, names ...string) object {
	m := object{}
	for _, name := range names {
		if v, ok := p[name]; ok {
			m[name] = v
		}
	}
	return m
}

func table(p object) object {
	recovery := "false"
	if r, ok := p["PointInTimeRecoverySpecification"].(object); ok {
		recovery = text(r["PointInTimeRecoveryEnabled"])
	}
	protection := "false"
	if v, ok := p["DeletionProtectionEnabled"]; ok {
		protection = text(v)
	}
	var key, types []string
	for _, e := range p["KeySchema"].([]any) {
		key = append(key, text(e.(object)["AttributeName"])+" "+text(e.(object)["KeyType"]))
	}
	for _, e := range p["AttributeDefinitions"].([]any) {
		types = append(types, text(e.(object)["AttributeName"])+" "+text(e.(object)["AttributeType"]))
	}
	ttl := p["TimeToLiveSpecification"].(object)
	return object{
		"BillingMode": p["BillingMode"], "Key": strings.Join(key, ", "), "KeyType": strings.Join(types, ", "),
		"TTL": text(ttl["AttributeName"]) + " " + text(ttl["Enabled"]), "Encrypted": p["SSESpecification"].(object)["SSEEnabled"],
		"PointInTimeRecovery": recovery, "DeletionProtection": protection,
	}
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// words is a text, or a list of them, as a list.
func words(v any) []string {
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return nil
		}
		return []string{text(v)}
	}
	var all []string
	for _, e := range list {
		all = append(all, text(e))
	}
	return all
}
