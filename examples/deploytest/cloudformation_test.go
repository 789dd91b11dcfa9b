package deploytest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// readCDK reads the template that the CDK makes. It needs Node.
func readCDK(t *testing.T, production bool) system {
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
	doc := templates[0]
	if production {
		doc = templates[1]
	}
	return template{resources: doc["Resources"].(object)}.system()
}

// cdkTemplates are those of the example and of a production stack. To make them takes
// many seconds.
var cdkTemplates = sync.OnceValues(func() (templates []object, err error) {
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

// readSAM reads the resources of the SAM template, as if it were deployed with these
// parameters.
func readSAM(t *testing.T, production bool) system {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "sam", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	doc := plain(root.Content[0]).(map[string]any)
	return template{
		resources: doc["Resources"].(map[string]any),
		globals:   doc["Globals"].(map[string]any)["Function"].(map[string]any),
		mappings:  doc["Mappings"].(map[string]any),
		parameters: map[string]string{
			"Countries": "US", "Production": fmt.Sprint(production), "Plan": "ESSENTIALS",
		},
		conditions: map[string]bool{"IsProduction": production},
	}.system()
}

// plain turns YAML with the short forms of functions into what JSON would have.
func plain(n *yaml.Node) any {
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
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
	}
	switch tag := n.Tag; {
	case strings.HasPrefix(tag, "!!"):
		return v
	case tag == "!Ref", tag == "!Condition":
		return map[string]any{strings.TrimPrefix(tag, "!"): v}
	case tag == "!GetAtt":
		resource, attribute, _ := strings.Cut(n.Value, ".")
		return map[string]any{"Fn::GetAtt": []any{resource, attribute}}
	case strings.HasPrefix(tag, "!"):
		return map[string]any{"Fn::" + strings.TrimPrefix(tag, "!"): v}
	}
	return v
}

// A template is one of CloudFormation's.
type template struct {
	resources, globals, mappings map[string]any
	parameters                   map[string]string
	conditions                   map[string]bool
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
	case map[string]any:
		if len(v) == 1 {
			for f, argument := range v {
				if f == "Ref" || strings.HasPrefix(f, "Fn::") {
					return c.call(f, argument)
				}
			}
		}
		m := map[string]any{}
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
		return name(list[0].(string))
	case "Fn::Join":
		var b strings.Builder
		for _, e := range list[1].([]any) {
			b.WriteString(c.value(e).(string))
		}
		return b.String()
	case "Fn::Sub":
		return regexp.MustCompile(`\$\{([A-Za-z:]+)\}`).ReplaceAllStringFunc(argument.(string), func(s string) string {
			return c.ref(s[2 : len(s)-1]).(string)
		})
	case "Fn::If":
		if c.conditions[list[0].(string)] {
			return c.value(list[1])
		}
		return c.value(list[2])
	case "Fn::FindInMap":
		m := c.mappings[list[0].(string)].(map[string]any)
		return c.value(m[c.value(list[1]).(string)].(map[string]any)[list[2].(string)])
	}
	return fmt.Sprintf("%s of %v", f, argument)
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

type object = map[string]any

// each calls do for every resource of a type, with its properties.
func (c template) each(kind string, do func(name string, properties object)) {
	for id, r := range c.resources {
		r := r.(object)
		if condition, ok := r["Condition"].(string); r["Type"] == kind && (!ok || c.conditions[condition]) {
			properties, _ := c.value(r["Properties"]).(object)
			do(name(id), properties)
		}
	}
}

func (c template) system() system {
	s := system{Functions: map[string]*lambdaFunction{}, Triggers: map[string]string{}}
	c.each("AWS::Cognito::UserPool", func(_ string, p object) {
		for trigger, fn := range p["LambdaConfig"].(object) {
			// The one function that is named by a text.
			s.Triggers[trigger] = strings.TrimPrefix(fn.(string), "arn:PARTITION:lambda:REGION:ACCOUNT:function:CustomAuth-")
		}
		s.Pool = only(p, "UsernameAttributes", "Schema", "AccountRecoverySetting", "AdminCreateUserConfig", "MfaConfiguration",
			"AutoVerifiedAttributes", "UserAttributeUpdateSettings", "UserPoolTier", "UserPoolAddOns", "DeletionProtection")
	})
	c.each("AWS::Cognito::UserPoolClient", func(_ string, p object) {
		delete(p, "UserPoolId")
		s.Client = p
	})
	c.each("AWS::DynamoDB::Table", func(_ string, p object) { s.Table = table(p) })
	c.each("AWS::SecretsManager::Secret", func(string, object) { s.Secrets++ })
	c.each("AWS::SecretsManager::RotationSchedule", func(_ string, p object) {
		s.Rotation = object{
			"Secret": p["SecretId"], "Function": p["RotationLambdaARN"], "Days": p["RotationRules"].(object)["AutomaticallyAfterDays"],
			"Immediately": p["RotateImmediatelyOnUpdate"],
		}
	})
	roles := map[string]*lambdaFunction{}
	for _, kind := range []string{"AWS::Lambda::Function", "AWS::Serverless::Function"} {
		c.each(kind, func(name string, p object) {
			for k, v := range c.globals {
				p[k] = c.value(v)
			}
			f := &lambdaFunction{
				Timeout: text(p["Timeout"]), Memory: text(p["MemorySize"]), Reserved: text(p["ReservedConcurrentExecutions"]),
				Runtime: text(p["Runtime"]), Handler: text(p["Handler"]), Processor: text(p["Architectures"].([]any)[0]),
			}
			if e, ok := p["Environment"].(object); ok {
				f.Environment = map[string]string{}
				for k, v := range e["Variables"].(object) {
					f.Environment[k] = text(v)
				}
			}
			s.Functions[name], roles[text(p["Role"])] = f, f
		})
	}
	add := func(role any, p object) {
		f := roles[text(role)]
		if f == nil {
			return // the role of Cognito's texts
		}
		for _, e := range p["PolicyDocument"].(object)["Statement"].([]any) {
			e := e.(object)
			f.Statements = append(f.Statements, statement{text(e["Sid"]), text(e["Effect"]), texts(e["Action"]), texts(e["Resource"])}.sorted())
		}
		sortStatements(f.Statements)
	}
	c.each("AWS::IAM::RolePolicy", func(_ string, p object) { add(p["RoleName"], p) })
	c.each("AWS::IAM::Policy", func(_ string, p object) { add(p["Roles"].([]any)[0], p) })
	c.each("AWS::Lambda::Permission", func(_ string, p object) {
		f := s.Functions[text(p["FunctionName"])]
		f.CalledBy = text(p["Principal"]) + " " + text(p["SourceArn"]) + text(p["SourceAccount"])
	})
	c.each("AWS::Logs::LogGroup", func(name string, p object) {
		s.Functions[strings.TrimSuffix(name, "Log")].LogDays = text(p["RetentionInDays"])
	})
	return s
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
	return object{
		"BillingMode": p["BillingMode"], "Key": p["KeySchema"].([]any)[0].(object)["AttributeName"],
		"KeyType": p["AttributeDefinitions"].([]any)[0].(object)["AttributeType"],
		"TTL":     p["TimeToLiveSpecification"].(object)["AttributeName"], "Encrypted": p["SSESpecification"].(object)["SSEEnabled"],
		"PointInTimeRecovery": recovery, "DeletionProtection": protection,
	}
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// texts is a text, or a list of them, as a list.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return []string{text(v)}
	}
	var all []string
	for _, e := range list {
		all = append(all, text(e))
	}
	return all
}
