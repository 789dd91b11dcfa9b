package deploytest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// words are CloudFormation's names of what Terraform calls otherwise.
var words = map[string]string{"challenges": "Challenges", "post_auth": "PostAuth", "rotation": "Rotation", "keys": "Key", "counter_key": "CounterKey"}

// A module is the blocks of the Terraform files, and what their references stand for.
type module struct {
	t      *testing.T
	blocks []*hclsyntax.Block
	ctx    *hcl.EvalContext
}

func readTerraform(t *testing.T, production bool) system {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "terraform", "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	m := &module{t: t, ctx: references(production)}
	parser := hclparse.NewParser()
	for _, file := range files {
		f, diags := parser.ParseHCLFile(file)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		m.blocks = append(m.blocks, f.Body.(*hclsyntax.Body).Blocks...)
	}
	m.locals("memory", "log_retention", "environment")
	return m.system()
}

// references are what a module of resources that exist would know.
func references(production bool) *hcl.EvalContext {
	s := cty.StringVal
	none := cty.NullVal(cty.String)
	same := func(name string, attributes ...string) cty.Value {
		m := map[string]cty.Value{}
		for _, a := range attributes {
			m[a] = s(name)
		}
		return cty.ObjectVal(m)
	}
	each := func(suffix string, attributes ...string) cty.Value {
		m := map[string]cty.Value{}
		for _, f := range []string{"challenges", "post_auth", "rotation"} {
			m[f] = same(words[f]+suffix, attributes...)
		}
		return cty.ObjectVal(m)
	}
	documents := map[string]cty.Value{}
	for _, name := range []string{"challenges", "post_auth", "rotation", "texts", "cognito", "lambda"} {
		documents[name] = same(name, "json")
	}
	return &hcl.EvalContext{
		Variables: map[string]cty.Value{
			"var": cty.ObjectVal(map[string]cty.Value{
				"name": s("CustomAuth"), "countries": cty.ListVal([]cty.Value{s("US")}), "production": cty.BoolVal(production),
				"plan": s("ESSENTIALS"), "user_pool_id": none, "sender_id": none, "origination_number": none,
			}),
			"local": cty.ObjectVal(map[string]cty.Value{
				"account": s("ACCOUNT"), "partition": s("PARTITION"), "region": s("REGION"), "pool_id": s("Users"), "pool_arn": s("Users"),
				"post_auth_name": s("PostAuth"), "post_auth_arn": s("PostAuth"),
			}),
			"data":                         cty.ObjectVal(map[string]cty.Value{"aws_iam_policy_document": cty.ObjectVal(documents)}),
			"aws_lambda_function":          each("", "arn", "function_name"),
			"aws_iam_role":                 each("", "arn", "id"),
			"aws_cloudwatch_log_group":     each("Log", "arn", "name"),
			"aws_dynamodb_table":           cty.ObjectVal(map[string]cty.Value{"counters": same("Counters", "arn", "name")}),
			"aws_cognito_user_pool_client": cty.ObjectVal(map[string]cty.Value{"app": same("App", "id")}),
			"aws_secretsmanager_secret": cty.ObjectVal(map[string]cty.Value{
				"keys": same("Key", "arn", "id"), "counter_key": same("CounterKey", "arn", "id"),
			}),
		},
		Functions: map[string]function.Function{"join": stdlib.JoinFunc, "merge": stdlib.MergeFunc},
	}
}

// locals adds those of these names, in this order.
func (m *module) locals(names ...string) {
	for _, name := range names {
		for _, b := range m.blocks {
			if a, ok := b.Body.Attributes[name]; ok && b.Type == "locals" {
				known := m.ctx.Variables["local"].AsValueMap()
				known[name] = m.eval(a.Expr)
				m.ctx.Variables["local"] = cty.ObjectVal(known)
			}
		}
	}
}

func (m *module) eval(e hclsyntax.Expression) cty.Value {
	v, diags := e.Value(m.ctx)
	if diags.HasErrors() {
		m.t.Fatal(diags)
	}
	return v
}

// get is an attribute as CloudFormation has it: texts, lists and objects of texts.
func (m *module) get(b *hclsyntax.Body, name string) any {
	a, ok := b.Attributes[name]
	if !ok {
		return nil
	}
	return data(m.eval(a.Expr))
}

func data(v cty.Value) any {
	switch t := v.Type(); {
	case v.IsNull():
		return nil
	case t == cty.Bool:
		return fmt.Sprint(v.True())
	case t == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case t == cty.String:
		return v.AsString()
	case t.IsObjectType() || t.IsMapType():
		m := object{}
		for k, e := range v.AsValueMap() {
			m[k] = data(e)
		}
		return m
	}
	list := []any{}
	for _, e := range v.AsValueSlice() {
		list = append(list, data(e))
	}
	return list
}

// each calls do for every resource of a type that the files name.
func (m *module) each(kind string, do func(name string, b *hclsyntax.Body)) {
	for _, b := range m.blocks {
		if (b.Type == "resource" || b.Type == "data") && b.Labels[0] == kind {
			do(b.Labels[1], b.Body)
		}
	}
}

func inner(b *hclsyntax.Body, kind string) []*hclsyntax.Body {
	var all []*hclsyntax.Body
	for _, c := range b.Blocks {
		if c.Type == kind {
			all = append(all, c.Body)
		}
	}
	return all
}

// block is the attributes of the one block of this kind, by these names and theirs of
// CloudFormation.
func (m *module) block(b *hclsyntax.Body, kind string, names map[string]string) object {
	all := inner(b, kind)
	if len(all) != 1 {
		m.t.Fatalf("%d blocks %s, want 1", len(all), kind)
	}
	return m.named(all[0], names)
}

func (m *module) named(b *hclsyntax.Body, names map[string]string) object {
	o := object{}
	for name, theirs := range names {
		if v := m.get(b, name); v != nil {
			o[theirs] = v
		}
	}
	return o
}

func (m *module) system() system {
	s := system{Functions: map[string]*lambdaFunction{}, Triggers: map[string]string{}}
	m.each("aws_cognito_user_pool", func(_ string, b *hclsyntax.Body) { s.Pool = m.pool(b, s.Triggers) })
	m.each("aws_cognito_user_pool_client", func(_ string, b *hclsyntax.Body) { s.Client = m.client(b) })
	m.each("aws_dynamodb_table", func(_ string, b *hclsyntax.Body) {
		s.Table = m.named(b, map[string]string{"billing_mode": "BillingMode", "hash_key": "Key", "deletion_protection_enabled": "DeletionProtection"})
		s.Table["KeyType"] = m.block(b, "attribute", map[string]string{"type": "type"})["type"]
		s.Table["TTL"] = m.block(b, "ttl", map[string]string{"attribute_name": "name"})["name"]
		s.Table["Encrypted"] = m.block(b, "server_side_encryption", map[string]string{"enabled": "on"})["on"]
		s.Table["PointInTimeRecovery"] = m.block(b, "point_in_time_recovery", map[string]string{"enabled": "on"})["on"]
	})
	m.each("aws_secretsmanager_secret", func(string, *hclsyntax.Body) { s.Secrets++ })
	m.each("aws_secretsmanager_secret_rotation", func(_ string, b *hclsyntax.Body) {
		s.Rotation = m.named(b, map[string]string{"secret_id": "Secret", "rotation_lambda_arn": "Function", "rotate_immediately": "Immediately"})
		s.Rotation["Days"] = m.block(b, "rotation_rules", map[string]string{"automatically_after_days": "days"})["days"]
	})
	m.each("aws_lambda_function", func(name string, b *hclsyntax.Body) { s.Functions[words[name]] = m.function(b) })
	m.each("aws_cloudwatch_log_group", func(name string, b *hclsyntax.Body) {
		s.Functions[words[name]].LogDays = text(m.get(b, "retention_in_days"))
	})
	m.each("aws_lambda_permission", func(_ string, b *hclsyntax.Body) {
		f := s.Functions[text(m.get(b, "function_name"))]
		f.CalledBy = text(m.get(b, "principal")) + " " + text(m.get(b, "source_arn")) + text(m.get(b, "source_account"))
	})
	m.each("aws_iam_role_policy", func(name string, b *hclsyntax.Body) {
		if f := s.Functions[words[name]]; f != nil {
			f.Statements = m.document(text(m.get(b, "policy")))
			sortStatements(f.Statements)
		}
	})
	return s
}

func (m *module) pool(b *hclsyntax.Body, triggers map[string]string) object {
	p := m.named(b, map[string]string{
		"username_attributes": "UsernameAttributes", "mfa_configuration": "MfaConfiguration", "auto_verified_attributes": "AutoVerifiedAttributes",
		"user_pool_tier": "UserPoolTier", "deletion_protection": "DeletionProtection",
	})
	p["Schema"] = []any{m.block(b, "schema", map[string]string{"name": "Name", "required": "Required", "mutable": "Mutable"})}
	p["AccountRecoverySetting"] = object{"RecoveryMechanisms": []any{
		m.block(inner(b, "account_recovery_setting")[0], "recovery_mechanism", map[string]string{"name": "Name", "priority": "Priority"}),
	}}
	p["AdminCreateUserConfig"] = m.block(b, "admin_create_user_config", map[string]string{"allow_admin_create_user_only": "AllowAdminCreateUserOnly"})
	p["UserAttributeUpdateSettings"] = m.block(b, "user_attribute_update_settings",
		map[string]string{"attributes_require_verification_before_update": "AttributesRequireVerificationBeforeUpdate"})
	for trigger, fn := range m.block(b, "lambda_config", map[string]string{
		"pre_sign_up": "PreSignUp", "define_auth_challenge": "DefineAuthChallenge", "create_auth_challenge": "CreateAuthChallenge",
		"verify_auth_challenge_response": "VerifyAuthChallengeResponse", "post_authentication": "PostAuthentication",
	}) {
		triggers[trigger] = text(fn)
	}
	return p
}

func (m *module) client(b *hclsyntax.Body) object {
	c := m.named(b, map[string]string{
		"generate_secret": "GenerateSecret", "explicit_auth_flows": "ExplicitAuthFlows", "write_attributes": "WriteAttributes",
		"prevent_user_existence_errors": "PreventUserExistenceErrors", "auth_session_validity": "AuthSessionValidity",
		"enable_token_revocation": "EnableTokenRevocation", "allowed_oauth_flows_user_pool_client": "AllowedOAuthFlowsUserPoolClient",
		"supported_identity_providers": "SupportedIdentityProviders", "access_token_validity": "AccessTokenValidity",
		"id_token_validity": "IdTokenValidity", "refresh_token_validity": "RefreshTokenValidity",
	})
	c["RefreshTokenRotation"] = m.block(b, "refresh_token_rotation", map[string]string{"feature": "Feature", "retry_grace_period_seconds": "RetryGracePeriodSeconds"})
	c["TokenValidityUnits"] = m.block(b, "token_validity_units", map[string]string{"access_token": "AccessToken", "id_token": "IdToken", "refresh_token": "RefreshToken"})
	return c
}

func (m *module) function(b *hclsyntax.Body) *lambdaFunction {
	f := &lambdaFunction{
		Timeout: text(m.get(b, "timeout")), Memory: text(m.get(b, "memory_size")),
		Reserved: strings.TrimPrefix(text(m.get(b, "reserved_concurrent_executions")), "-1"), // -1: none of its own
		Runtime:  text(m.get(b, "runtime")), Handler: text(m.get(b, "handler")), Processor: text(m.get(b, "architectures").([]any)[0]),
	}
	for _, e := range inner(b, "environment") {
		f.Environment = map[string]string{}
		for k, v := range m.get(e, "variables").(object) {
			f.Environment[k] = text(v)
		}
	}
	return f
}

// document is the statements of a policy document, with those that it includes.
func (m *module) document(name string) []statement {
	var all []statement
	m.each("aws_iam_policy_document", func(n string, b *hclsyntax.Body) {
		if n != name {
			return
		}
		if sources, ok := m.get(b, "source_policy_documents").([]any); ok {
			for _, source := range sources {
				all = append(all, m.document(text(source))...)
			}
		}
		for _, e := range inner(b, "statement") {
			effect := text(m.get(e, "effect"))
			resources := texts(m.get(e, "resources"))
			for i := range resources {
				resources[i] = strings.Replace(resources[i], "Log:*", "Log", 1) // CloudFormation's ARN of a log group ends so
			}
			all = append(all, statement{text(m.get(e, "sid")), choose(effect == "", "Allow", effect), texts(m.get(e, "actions")), resources}.sorted())
		}
	})
	return all
}

// The state of Terraform must not have the keys: each goes to Secrets Manager as a
// write-only argument, from an ephemeral value.
func TestTerraformStateHasNoKeys(t *testing.T) {
	parser, found := hclparse.NewParser(), 0
	f, diags := parser.ParseHCLFile(filepath.Join("..", "terraform", "keys.tf"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, b := range f.Body.(*hclsyntax.Body).Blocks {
		if b.Type != "resource" || b.Labels[0] != "aws_secretsmanager_secret_version" {
			continue
		}
		found++
		for name, a := range b.Body.Attributes {
			for _, traversal := range a.Expr.Variables() {
				if traversal.RootName() == "ephemeral" && name != "secret_string_wo" {
					t.Errorf("%s: %s takes a key, and is no write-only argument", b.Labels[1], name)
				}
			}
			if name == "secret_string" || name == "secret_binary" {
				t.Errorf("%s: %s is kept in the state", b.Labels[1], name)
			}
		}
		wo, ok := b.Body.Attributes["secret_string_wo"]
		if !ok || len(wo.Expr.Variables()) != 1 || wo.Expr.Variables()[0].RootName() != "ephemeral" {
			t.Errorf("%s: secret_string_wo is not an ephemeral value", b.Labels[1])
		}
	}
	if found != 2 {
		t.Errorf("%d secrets with a value, want 2", found)
	}
}
