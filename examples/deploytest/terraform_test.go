package deploytest

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// theirs are CloudFormation's names of what Terraform calls otherwise.
var theirs = map[string]string{
	"challenges": "Challenges", "post_auth": "PostAuth", "rotation": "Rotation", "keys": "Key", "counter_key": "CounterKey",
	"users": "Users", "app": "App", "counters": "Counters", "alarms": "Alarms", "firewall": "Firewall",
	"aws_cognito_user_pool": "AWS::Cognito::UserPool", "aws_cognito_user_pool_client": "AWS::Cognito::UserPoolClient",
	"aws_dynamodb_table": "AWS::DynamoDB::Table", "aws_lambda_function": "AWS::Lambda::Function", "aws_lambda_permission": "AWS::Lambda::Permission",
	"aws_cloudwatch_log_group": "AWS::Logs::LogGroup", "aws_iam_role": "AWS::IAM::Role", "aws_iam_role_policy": "AWS::IAM::RolePolicy",
	"aws_secretsmanager_secret": "AWS::SecretsManager::Secret", "aws_secretsmanager_secret_rotation": "AWS::SecretsManager::RotationSchedule",
	"aws_wafv2_web_acl": "AWS::WAFv2::WebACL", "aws_wafv2_web_acl_association": "AWS::WAFv2::WebACLAssociation",
	"aws_sns_topic": "AWS::SNS::Topic", "aws_sns_topic_policy": "AWS::SNS::TopicPolicy", "aws_sns_topic_subscription": "AWS::SNS::Subscription",
	"aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm", "aws_cloudwatch_dashboard": "AWS::CloudWatch::Dashboard",
	"aws_cloudwatch_log_metric_filter": "AWS::Logs::MetricFilter",
	"user_pool_id":                     "UserPoolId", "client_id": "ClientId", "region": "Region", "alarm_topic": "AlarmTopic",
}

// A module is the blocks of the Terraform files, and what their references stand for.
type module struct {
	t      testing.TB
	blocks []*hclsyntax.Block
	ctx    *hcl.EvalContext
}

// A block is what is within its braces, and the context that it is in.
type block struct {
	*hclsyntax.Body
	ctx *hcl.EvalContext
}

func readTerraform(t testing.TB, p profile) system {
	t.Helper()
	return newModule(t, terraformFiles(t), terraformSettings(p)).system()
}

// terraformSettings are the values of the variables in a profile.
func terraformSettings(p profile) map[string]cty.Value {
	settings := map[string]cty.Value{"name": cty.StringVal("CustomAuth"), "countries": cty.ListVal([]cty.Value{cty.StringVal("US")})}
	if p.production {
		settings["production"] = cty.True
	}
	if p.chosen {
		settings["countries"] = cty.ListVal([]cty.Value{cty.StringVal("DE"), cty.StringVal("AT")})
		settings["plan"], settings["sender_id"] = cty.StringVal("PLUS"), cty.StringVal("Example")
		settings["origination_number"], settings["spend_alarm"] = cty.StringVal("+4915550001234"), cty.NumberIntVal(75)
		settings["alarm_email"] = cty.StringVal("ops@example.com")
	}
	return settings
}

// terraformFiles are the blocks of all files.
func terraformFiles(t testing.TB) (blocks []*hclsyntax.Block) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "terraform", "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	parser := hclparse.NewParser()
	for _, file := range files {
		f, diags := parser.ParseHCLFile(file)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		blocks = append(blocks, f.Body.(*hclsyntax.Body).Blocks...)
	}
	return blocks
}

func newModule(t testing.TB, blocks []*hclsyntax.Block, settings map[string]cty.Value) *module {
	m := &module{t: t, blocks: blocks, ctx: &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: functionsOfTerraform}}
	variables := map[string]cty.Value{}
	for _, b := range m.blocks {
		if b.Type != "variable" {
			continue
		}
		if value, ok := settings[b.Labels[0]]; ok {
			variables[b.Labels[0]] = value
		} else if d, ok := b.Body.Attributes["default"]; ok {
			variables[b.Labels[0]] = m.value(d.Expr, m.ctx)
		}
	}
	m.ctx.Variables["var"] = cty.ObjectVal(variables)
	m.ctx.Variables["path"] = object1("module", "MODULE")
	m.references()
	m.locals()
	return m
}

var functionsOfTerraform = map[string]function.Function{
	"join": stdlib.JoinFunc, "merge": stdlib.MergeFunc, "length": stdlib.LengthFunc, "floor": stdlib.FloorFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"contains": stdlib.ContainsFunc, "regex": stdlib.RegexFunc, "can": tryfunc.CanFunc,
	"alltrue": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, v := range args[0].AsValueSlice() {
				if v.False() {
					return cty.False, nil
				}
			}
			return cty.True, nil
		},
	}),
}

// references are what a module of resources that exist would know.
func (m *module) references() {
	known := map[string]map[string]cty.Value{}
	data := map[string]map[string]cty.Value{
		"aws_caller_identity": {"current": object1("account_id", "ACCOUNT")},
		"aws_partition":       {"current": object1("partition", "PARTITION")},
		"aws_region":          {"current": object1("region", "REGION")},
	}
	for _, b := range m.blocks {
		if len(b.Labels) != 2 {
			continue
		}
		kind, label := b.Labels[0], b.Labels[1]
		name := theirs[label]
		switch kind {
		case "aws_iam_role":
			name += "Role"
			if label == "cognito_texts" {
				name = "CognitoTexts"
			}
		case "aws_cloudwatch_log_group":
			name += "Log"
		}
		s, arn := cty.StringVal(name), cty.StringVal(name+".Arn")
		if kind == "aws_sns_topic" || kind == "aws_secretsmanager_secret" {
			arn = s // what refers to one of these in CloudFormation is its ARN
		}
		value := cty.ObjectVal(map[string]cty.Value{
			"arn": arn, "id": s, "name": s, "function_name": s, "json": cty.StringVal(label),
			"output_path": cty.StringVal(""), "output_base64sha256": cty.StringVal("hash"), "result": cty.StringVal(""),
		})
		if kind == "archive_file" {
			of := value.AsValueMap()
			of["output_path"] = cty.StringVal(strings.TrimPrefix(m.text(block{b.Body, m.ctx}, "source_dir"), "MODULE/dist/"))
			value = cty.ObjectVal(of)
		}
		if count, ok := b.Body.Attributes["count"]; ok {
			n, _ := m.value(count.Expr, m.ctx).AsBigFloat().Int64()
			value = cty.TupleVal(slices.Repeat([]cty.Value{value}, int(n)))
		}
		if b.Type == "data" {
			if data[kind] == nil {
				data[kind] = map[string]cty.Value{}
			}
			if _, ok := data[kind][label]; !ok {
				data[kind][label] = value
			}
			continue
		}
		if known[kind] == nil {
			known[kind] = map[string]cty.Value{}
		}
		known[kind][label] = value
	}
	kinds := map[string]cty.Value{}
	for kind, all := range data {
		kinds[kind] = cty.ObjectVal(all)
	}
	for kind, all := range known {
		m.ctx.Variables[kind] = cty.ObjectVal(all)
	}
	m.ctx.Variables["data"] = cty.ObjectVal(kinds)
}

func object1(name, value string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{name: cty.StringVal(value)})
}

// locals evaluates those that need nothing that is not known yet, until all are.
func (m *module) locals() {
	open := map[string]hclsyntax.Expression{}
	for _, b := range m.blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				open[name] = a.Expr
			}
		}
	}
	known := map[string]cty.Value{}
	for len(open) > 0 {
		m.ctx.Variables["local"] = cty.ObjectVal(known)
		before := len(open)
		var all hcl.Diagnostics
		for name, e := range open {
			v, diags := e.Value(m.ctx)
			if all = append(all, diags...); !diags.HasErrors() {
				known[name] = v
				delete(open, name)
			}
		}
		if len(open) == before {
			m.t.Fatal(all)
		}
	}
	m.ctx.Variables["local"] = cty.ObjectVal(known)
}

func (m *module) value(e hclsyntax.Expression, ctx *hcl.EvalContext) cty.Value {
	v, diags := e.Value(ctx)
	if diags.HasErrors() {
		m.t.Fatal(diags)
	}
	return v
}

// get is an attribute as CloudFormation has it: texts, lists and objects of texts.
func (m *module) get(b block, name string) any {
	a, ok := b.Attributes[name]
	if !ok {
		return nil
	}
	return plainly(m.value(a.Expr, b.ctx))
}

func (m *module) text(b block, name string) string { return text(m.get(b, name)) }

func plainly(v cty.Value) any {
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
		o := object{}
		for k, e := range v.AsValueMap() {
			o[k] = plainly(e)
		}
		return o
	}
	list := []any{}
	for _, e := range v.AsValueSlice() {
		list = append(list, plainly(e))
	}
	return list
}

// with is the context in which each.value, or the value of a dynamic block, is known.
func with(ctx *hcl.EvalContext, name string, key, value cty.Value) *hcl.EvalContext {
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{name: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
	return child
}

// each calls do for every resource of a type that is made.
func (m *module) each(kind string, do func(name string, b block)) {
	for _, b := range m.blocks {
		if b.Type != "resource" && b.Type != "data" || b.Labels[0] != kind {
			continue
		}
		if count, ok := b.Body.Attributes["count"]; ok {
			n, _ := m.value(count.Expr, m.ctx).AsBigFloat().Int64()
			for range n {
				do(b.Labels[1], block{b.Body, m.ctx})
			}
			continue
		}
		if all, ok := b.Body.Attributes["for_each"]; ok {
			for it := m.value(all.Expr, m.ctx).ElementIterator(); it.Next(); {
				key, value := it.Element()
				do(b.Labels[1], block{b.Body, with(m.ctx, "each", key, value)})
			}
			continue
		}
		do(b.Labels[1], block{b.Body, m.ctx})
	}
}

// inner are the blocks of a kind, those that are made of a list among them.
func (m *module) inner(b block, kind string) []block {
	var all []block
	for _, c := range b.Blocks {
		switch {
		case c.Type == kind:
			all = append(all, block{c.Body, b.ctx})
		case c.Type == "dynamic" && c.Labels[0] == kind:
			for it := m.value(c.Body.Attributes["for_each"].Expr, b.ctx).ElementIterator(); it.Next(); {
				key, value := it.Element()
				all = append(all, block{c.Body.Blocks[0].Body, with(b.ctx, kind, key, value)})
			}
		}
	}
	return all
}

// one is the one block of a kind, by way of others.
func (m *module) one(b block, path ...string) block {
	for _, kind := range path {
		all := m.inner(b, kind)
		if len(all) != 1 {
			m.t.Fatalf("%d blocks %s, want 1", len(all), kind)
		}
		b = all[0]
	}
	return b
}

// named is the attributes of a block, by these names and theirs of CloudFormation.
func (m *module) named(b block, names map[string]string) object {
	o := object{}
	for name, theirs := range names {
		if v := m.get(b, name); v != nil {
			o[theirs] = v
		}
	}
	return o
}

// after reports whether a resource names another one as what has to be there first.
func (m *module) after(b block, kind, label string) bool {
	a, ok := b.Attributes["depends_on"]
	return ok && slices.ContainsFunc(a.Expr.Variables(), func(t hcl.Traversal) bool {
		next, ok := t[1].(hcl.TraverseAttr)
		return ok && t.RootName() == kind && next.Name == label
	})
}

func (m *module) system() system {
	s := system{
		Resources: map[string]int{}, Functions: map[string]*lambdaFunction{}, Triggers: map[string]string{}, Roles: map[string][]statement{},
		Secrets: map[string]string{}, Kept: map[string]bool{}, Outputs: map[string]string{},
	}
	counted := map[string]bool{"aws_secretsmanager_secret_version": true} // CloudFormation's secrets have their values in them
	for _, b := range m.blocks {
		if b.Type == "resource" && !counted[b.Labels[0]] {
			counted[b.Labels[0]] = true
			m.each(b.Labels[0], func(string, block) { s.Resources[theirs[b.Labels[0]]]++ })
		}
		if b.Type == "output" && b.Labels[0] != "triggers" {
			if v := text(plainly(m.value(b.Body.Attributes["value"].Expr, m.ctx))); v != "" {
				s.Outputs[theirs[b.Labels[0]]] = v
			}
		}
	}
	m.functions(&s)
	m.each("aws_cognito_user_pool", func(name string, b block) {
		s.Pool, s.Kept[theirs[name]] = m.pool(b, s.Triggers), m.text(b, "deletion_protection") == "ACTIVE"
		sms := m.one(b, "sms_configuration")
		s.Texts = object{
			"Message":    m.get(m.one(b, "verification_message_template"), "sms_message"),
			"ExternalId": m.get(sms, "external_id"), "Role": m.get(sms, "sns_caller_arn"), "RightsFirst": m.after(b, "aws_iam_role_policy", "cognito_texts"),
		}
	})
	m.each("aws_iam_role_policy", func(name string, b block) {
		if m.text(b, "role") == "CognitoTexts" {
			s.Texts["Statements"] = m.document(m.text(b, "policy"))
		}
	})
	m.each("aws_cognito_user_pool_client", func(_ string, b block) { s.Client = m.client(b) })
	m.each("aws_dynamodb_table", func(name string, b block) {
		s.Table = m.named(b, map[string]string{"billing_mode": "BillingMode", "deletion_protection_enabled": "DeletionProtection"})
		attribute, ttl := m.one(b, "attribute"), m.one(b, "ttl")
		s.Table["Key"] = m.text(b, "hash_key") + " HASH"
		s.Table["KeyType"] = m.text(attribute, "name") + " " + m.text(attribute, "type")
		s.Table["TTL"] = m.text(ttl, "attribute_name") + " " + m.text(ttl, "enabled")
		s.Table["Encrypted"] = m.get(m.one(b, "server_side_encryption"), "enabled")
		s.Table["PointInTimeRecovery"] = m.get(m.one(b, "point_in_time_recovery"), "enabled")
		s.Kept[theirs[name]] = m.text(b, "deletion_protection_enabled") == "true"
	})
	m.each("aws_secretsmanager_secret", func(name string, b block) {
		days := m.text(b, "recovery_window_in_days") // for which it can be had back
		if days != "0" && days != "30" {
			m.t.Errorf("%s can be had back for %s days", name, days)
		}
		s.Kept[theirs[name]] = days == "30"
	})
	for _, b := range m.blocks {
		if b.Type == "ephemeral" && b.Labels[0] == "random_password" {
			made := block{b.Body, m.ctx}
			s.Secrets[theirs[b.Labels[1]]] = m.text(made, "length") + choose(m.text(made, "special") == "false", " letters and digits", " of all kinds")
		}
	}
	m.each("aws_secretsmanager_secret_version", func(name string, b block) {
		if m.text(b, "secret_id") != theirs[name] {
			m.t.Errorf("the value of %s is that of %s", name, m.text(b, "secret_id"))
		}
	})
	m.each("aws_secretsmanager_secret_rotation", func(_ string, b block) {
		s.Rotation = m.named(b, map[string]string{"secret_id": "Secret", "rotation_lambda_arn": "Function", "rotate_immediately": "Immediately"})
		s.Rotation["Days"] = m.get(m.one(b, "rotation_rules"), "automatically_after_days")
		s.Rotation["AllowedFirst"] = m.after(b, "aws_lambda_permission", "rotation")
		if !m.after(b, "aws_secretsmanager_secret_version", "keys") {
			m.t.Error("rotation begins before there is a key")
		}
	})
	m.watched(&s)
	return s
}

func (m *module) pool(b block, triggers map[string]string) object {
	p := m.named(b, map[string]string{
		"username_attributes": "UsernameAttributes", "alias_attributes": "AliasAttributes", "mfa_configuration": "MfaConfiguration",
		"auto_verified_attributes": "AutoVerifiedAttributes", "user_pool_tier": "UserPoolTier", "deletion_protection": "DeletionProtection",
	})
	if kind := m.text(m.one(b, "schema"), "attribute_data_type"); kind != "String" {
		m.t.Errorf("the number is a %s", kind)
	}
	p["Schema"] = []any{m.named(m.one(b, "schema"), map[string]string{"name": "Name", "required": "Required", "mutable": "Mutable"})}
	p["AccountRecoverySetting"] = object{"RecoveryMechanisms": []any{
		m.named(m.one(b, "account_recovery_setting", "recovery_mechanism"), map[string]string{"name": "Name", "priority": "Priority"}),
	}}
	p["AdminCreateUserConfig"] = m.named(m.one(b, "admin_create_user_config"), map[string]string{"allow_admin_create_user_only": "AllowAdminCreateUserOnly"})
	p["UserAttributeUpdateSettings"] = m.named(m.one(b, "user_attribute_update_settings"),
		map[string]string{"attributes_require_verification_before_update": "AttributesRequireVerificationBeforeUpdate"})
	for _, addOns := range m.inner(b, "user_pool_add_ons") {
		p["UserPoolAddOns"] = object{
			"AdvancedSecurityMode":            m.get(addOns, "advanced_security_mode"),
			"AdvancedSecurityAdditionalFlows": m.named(m.one(addOns, "advanced_security_additional_flows"), map[string]string{"custom_auth_mode": "CustomAuthMode"}),
		}
	}
	named := map[string]string{} // by the names that functions are given
	m.each("aws_lambda_function", func(name string, b block) { named[m.text(b, "function_name")] = theirs[name] })
	for trigger, fn := range m.named(m.one(b, "lambda_config"), map[string]string{
		"pre_sign_up": "PreSignUp", "define_auth_challenge": "DefineAuthChallenge", "create_auth_challenge": "CreateAuthChallenge",
		"verify_auth_challenge_response": "VerifyAuthChallengeResponse", "post_authentication": "PostAuthentication",
	}) {
		// One function is named by a text.
		if given, ok := strings.CutPrefix(fn.(string), "arn:PARTITION:lambda:REGION:ACCOUNT:function:"); ok {
			fn = named[given] + ".Arn"
		}
		triggers[trigger] = strings.TrimSuffix(fn.(string), ".Arn")
	}
	return p
}

func (m *module) client(b block) object {
	c := m.named(b, map[string]string{
		"user_pool_id":    "UserPoolId",
		"generate_secret": "GenerateSecret", "explicit_auth_flows": "ExplicitAuthFlows", "write_attributes": "WriteAttributes",
		"prevent_user_existence_errors": "PreventUserExistenceErrors", "auth_session_validity": "AuthSessionValidity",
		"enable_token_revocation": "EnableTokenRevocation", "allowed_oauth_flows_user_pool_client": "AllowedOAuthFlowsUserPoolClient",
		"supported_identity_providers": "SupportedIdentityProviders", "access_token_validity": "AccessTokenValidity",
		"id_token_validity": "IdTokenValidity", "refresh_token_validity": "RefreshTokenValidity",
	})
	c["RefreshTokenRotation"] = m.named(m.one(b, "refresh_token_rotation"), map[string]string{"feature": "Feature", "retry_grace_period_seconds": "RetryGracePeriodSeconds"})
	c["TokenValidityUnits"] = m.named(m.one(b, "token_validity_units"), map[string]string{"access_token": "AccessToken", "id_token": "IdToken", "refresh_token": "RefreshToken"})
	return c
}

// functions reads the functions, and who may do what.
func (m *module) functions(s *system) {
	roles := map[string]*lambdaFunction{}
	m.each("aws_lambda_function", func(name string, b block) {
		logging := m.one(b, "logging_config")
		f := &lambdaFunction{
			Code: m.text(b, "filename"), Timeout: m.text(b, "timeout"), Memory: m.text(b, "memory_size"),
			Reserved: strings.TrimPrefix(m.text(b, "reserved_concurrent_executions"), "-1"), // -1: none of its own
			Runtime:  m.text(b, "runtime"), Handler: m.text(b, "handler"), Processor: strings.Join(words(m.get(b, "architectures")), " "),
			Log: m.text(logging, "log_group") + " " + m.text(logging, "log_format"), RightsFirst: m.after(b, "aws_iam_role_policy", name),
		}
		for _, e := range m.inner(b, "environment") {
			f.Environment = map[string]string{}
			for k, v := range m.get(e, "variables").(object) {
				f.Environment[k] = text(v)
			}
		}
		s.Functions[theirs[name]], roles[strings.TrimSuffix(m.text(b, "role"), ".Arn")] = f, f
	})
	m.each("aws_cloudwatch_log_group", func(name string, b block) {
		s.Functions[theirs[name]].LogDays = m.text(b, "retention_in_days")
		s.Kept[theirs[name]+"Log"] = m.text(b, "skip_destroy") == "true"
	})
	m.each("aws_lambda_permission", func(_ string, b block) {
		f := s.Functions[m.text(b, "function_name")]
		f.CalledBy = m.text(b, "action") + " " + m.text(b, "principal") + " " + arnOfPool(m.text(b, "source_arn")) + m.text(b, "source_account")
	})
	m.each("aws_iam_role_policy", func(_ string, b block) {
		if f := roles[m.text(b, "role")]; f != nil {
			f.Statements = append(f.Statements, m.document(m.text(b, "policy"))...)
			sortStatements(f.Statements)
		}
	})
	m.each("aws_iam_role", func(name string, b block) {
		role := choose(name == "cognito_texts", "CognitoTexts", theirs[name]+"Role")
		s.Roles[role] = m.document(m.text(b, "assume_role_policy"))
		for _, more := range []string{"managed_policy_arns", "inline_policy"} {
			if m.get(b, more) != nil || len(m.inner(b, more)) > 0 {
				m.t.Errorf("%s has %s", role, more)
			}
		}
	})
}

func arnOfPool(arn string) string {
	return strings.Replace(arn, "arn:PARTITION:cognito-idp:REGION:ACCOUNT:userpool/Users", "Users.Arn", 1)
}

// document is the statements of a policy document, with those that it includes.
func (m *module) document(name string) []statement {
	var all []statement
	m.each("aws_iam_policy_document", func(n string, b block) {
		if n != name {
			return
		}
		for _, source := range words(m.get(b, "source_policy_documents")) {
			all = append(all, m.document(source)...)
		}
		for _, e := range m.inner(b, "statement") {
			resources := words(m.get(e, "resources"))
			for i := range resources {
				resources[i] = arnOfPool(strings.Replace(resources[i], "Log.Arn:*", "Log.Arn", 1)) // CloudFormation's ARN of a log group ends so
			}
			one := statement{Sid: m.text(e, "sid"), Effect: cmp.Or(m.text(e, "effect"), "Allow"), Actions: words(m.get(e, "actions")), Resources: resources}
			for _, p := range m.inner(e, "principals") {
				one.Who = strings.TrimPrefix(m.text(p, "type")+" "+strings.Join(words(m.get(p, "identifiers")), " "), "* ")
			}
			tests := object{}
			for _, c := range m.inner(e, "condition") {
				test := m.text(c, "test")
				if tests[test] == nil {
					tests[test] = object{}
				}
				tests[test].(object)[m.text(c, "variable")] = strings.Join(words(m.get(c, "values")), " ")
			}
			one.If = conditions(tests)
			all = append(all, one.sorted())
		}
	})
	sortStatements(all)
	return all
}

// watched reads what watches over the pool.
func (m *module) watched(s *system) {
	m.each("aws_wafv2_web_acl", func(_ string, b block) {
		before := ""
		m.each("aws_wafv2_web_acl_association", func(_ string, b block) {
			before = arnOfPool(m.text(b, "resource_arn"))
			if m.text(b, "web_acl_arn") != "Firewall.Arn" {
				m.t.Error("the firewall is not before the pool")
			}
		})
		s.Firewall = []string{fmt.Sprintf("%s, before %s; else %s; %s", m.text(b, "scope"), before, m.action(m.one(b, "default_action")), m.visibility(b))}
		for _, rule := range m.inner(b, "rule") {
			rate := m.one(rule, "statement", "rate_based_statement")
			s.Firewall = append(s.Firewall, fmt.Sprintf("%s %s: %s by %s from %s in %s s of %s; %s", m.text(rule, "priority"), m.text(rule, "name"),
				m.action(m.one(rule, "action")), m.text(rate, "aggregate_key_type"), m.text(rate, "limit"), m.text(rate, "evaluation_window_sec"),
				m.operations(rate), m.visibility(rule)))
		}
	})
	m.each("aws_sns_topic_policy", func(_ string, b block) {
		s.Topic = m.document(m.text(b, "policy"))
		if m.text(b, "arn") != "Alarms" {
			m.t.Errorf("the policy is of %s", m.text(b, "arn"))
		}
	})
	m.each("aws_sns_topic_subscription", func(_ string, b block) {
		s.Subscriptions = append(s.Subscriptions, m.text(b, "topic_arn")+" "+m.text(b, "protocol")+" "+m.text(b, "endpoint"))
	})
	m.each("aws_cloudwatch_metric_alarm", func(_ string, b block) {
		var dimensions []string
		if of, ok := m.get(b, "dimensions").(object); ok {
			for name, value := range of {
				dimensions = append(dimensions, name+"="+text(value))
			}
		}
		slices.Sort(dimensions)
		s.Alarms = append(s.Alarms, alarm{
			namespace: m.text(b, "namespace"), metric: m.text(b, "metric_name"), dimensions: strings.Join(dimensions, " "), statistic: m.text(b, "statistic"),
			period: m.text(b, "period"), threshold: m.text(b, "threshold"), what: m.text(b, "alarm_description"), evaluations: m.text(b, "evaluation_periods"),
			comparison: m.text(b, "comparison_operator"), missing: m.text(b, "treat_missing_data"), actions: strings.Join(words(m.get(b, "alarm_actions")), " "),
		}.String())
	})
	slices.Sort(s.Alarms)
	m.each("aws_cloudwatch_log_metric_filter", func(_ string, b block) {
		made := m.one(b, "metric_transformation")
		s.Filters = append(s.Filters, fmt.Sprintf("%s %s: %s %s %s", m.text(b, "log_group_name"), m.text(b, "pattern"),
			m.text(made, "namespace"), m.text(made, "name"), m.text(made, "value")))
	})
	m.each("aws_cloudwatch_dashboard", func(_ string, b block) {
		s.Dashboard = dashboard(m.t, m.text(b, "dashboard_name"), m.text(b, "dashboard_body"))
	})
}

func (m *module) action(b block) string {
	if len(b.Blocks) != 1 {
		m.t.Fatalf("%d actions", len(b.Blocks))
	}
	return strings.ToUpper(b.Blocks[0].Type[:1]) + b.Blocks[0].Type[1:]
}

func (m *module) visibility(b block) string {
	v := m.one(b, "visibility_config")
	return fmt.Sprintf("metrics %s %s, samples %s", m.text(v, "metric_name"), m.text(v, "cloudwatch_metrics_enabled"), m.text(v, "sampled_requests_enabled"))
}

// operations are those of Cognito's API that a rule is about.
func (m *module) operations(rate block) string {
	scopes := m.inner(rate, "scope_down_statement")
	if len(scopes) == 0 {
		return "anything"
	}
	match := m.one(scopes[0], "regex_match_statement")
	transformation := m.one(match, "text_transformation")
	header := m.text(m.one(match, "field_to_match", "single_header"), "name")
	expression := m.text(match, "regex_string")
	list, ok := strings.CutPrefix(expression, `^AWSCognitoIdentityProviderService\.(`)
	list, ok2 := strings.CutSuffix(list, `)$`)
	if !ok || !ok2 || !regexp.MustCompile(`^[A-Za-z|]+$`).MatchString(list) || header != "x-amz-target" ||
		m.text(transformation, "priority") != "0" || m.text(transformation, "type") != "NONE" {
		m.t.Errorf("a rule matches %s %s", header, expression)
	}
	return strings.ReplaceAll(list, "|", " ")
}

// With a pool that exists, the same is made but the pool and the role of its texts, and
// the output says what the pool has to name as its triggers.
func TestTerraformForPoolThatExists(t *testing.T) {
	if diff := poolThatExists(t, terraformFiles(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func poolThatExists(t testing.TB, blocks []*hclsyntax.Block) string {
	p := profile{production: true}
	settings := terraformSettings(p)
	settings["user_pool_id"] = cty.StringVal("Users")
	m := newModule(t, blocks, settings)
	want, got := expected(p), m.system()
	want.Pool, want.Texts = nil, nil
	delete(want.Kept, "Users")
	delete(want.Roles, "CognitoTexts")
	delete(want.Resources, "AWS::Cognito::UserPool")
	want.Resources["AWS::IAM::Role"], want.Resources["AWS::IAM::RolePolicy"] = 3, 3
	for _, b := range m.blocks {
		if b.Type == "output" && b.Labels[0] == "triggers" {
			for trigger, fn := range plainly(m.value(b.Body.Attributes["value"].Expr, m.ctx)).(object) {
				got.Triggers[trigger] = strings.TrimSuffix(fn.(string), ".Arn")
			}
		}
	}
	return gocmp.Diff(want, got)
}

// Settings that cannot be are refused before anything is made.
func TestRefusesSettings(t *testing.T) {
	if !samRefuses(samTemplate(t)) {
		t.Error("the SAM template takes what it should not, or refuses what it should take")
	}
	if !terraformRefuses(t, terraformFiles(t)) {
		t.Error("the Terraform files take what they should not, or refuse what they should take")
	}
}

func samRefuses(doc object) bool {
	parameters := doc["Parameters"].(object)
	takes := func(name, value string) bool {
		p := parameters[name].(object)
		if values, ok := p["AllowedValues"].([]any); ok {
			return slices.Contains(words(values), value)
		}
		return regexp.MustCompile("^(?:" + p["AllowedPattern"].(string) + ")$").MatchString(value)
	}
	kinds := map[string]string{"Countries": "String", "Production": "String", "Plan": "String", "SpendAlarm": "Number"}
	for name, kind := range kinds {
		if parameters[name].(object)["Type"] != kind {
			return false
		}
	}
	return takes("Countries", "DE") && takes("Countries", "DE,AT") && takes("Production", "true") && takes("Production", "false") &&
		takes("Plan", "ESSENTIALS") && takes("Plan", "PLUS") && !takes("Plan", "LITE") && !takes("Production", "yes") &&
		!slices.ContainsFunc([]string{"", "de", "Germany", "DE, AT", "DE,"}, func(c string) bool { return takes("Countries", c) })
}

func terraformRefuses(t testing.TB, blocks []*hclsyntax.Block) bool {
	takes := func(name string, value cty.Value) bool {
		for _, b := range blocks {
			if b.Type == "variable" && b.Labels[0] == name {
				m := newModule(t, blocks, map[string]cty.Value{name: value, "countries": cty.ListVal([]cty.Value{cty.StringVal("US")})})
				m.ctx.Variables["var"] = cty.ObjectVal(map[string]cty.Value{name: value})
				return m.get(m.one(block{b.Body, m.ctx}, "validation"), "condition") == "true"
			}
		}
		return false
	}
	list := func(countries ...string) cty.Value {
		if len(countries) == 0 {
			return cty.ListValEmpty(cty.String)
		}
		var all []cty.Value
		for _, c := range countries {
			all = append(all, cty.StringVal(c))
		}
		return cty.ListVal(all)
	}
	return takes("countries", list("DE")) && takes("countries", list("DE", "AT")) && !takes("countries", list()) && !takes("countries", list("de")) &&
		!takes("countries", list("Germany")) && !takes("countries", list("DE", "")) &&
		takes("plan", cty.StringVal("ESSENTIALS")) && takes("plan", cty.StringVal("PLUS")) && !takes("plan", cty.StringVal("LITE"))
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
