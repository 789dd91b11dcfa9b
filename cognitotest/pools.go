package cognitotest

// This file is the operations on pools.

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
)

// poolIn is what CreateUserPool and UpdateUserPool take. What is raw is kept for
// DescribeUserPool and has no effect here.
type poolIn struct {
	UserPoolId         string
	PoolName           string
	Policies           *policiesType
	DeletionProtection string
	LambdaConfig       map[string]json.RawMessage
	UsernameAttributes []string
	AliasAttributes    []string
	Schema             []schemaType
	MfaConfiguration   string

	AutoVerifiedAttributes      []string
	UserAttributeUpdateSettings *updateSettingsType
	AdminCreateUserConfig       *adminCreateType
	UsernameConfiguration       *struct{ CaseSensitive bool }

	DeviceConfiguration         json.RawMessage
	SmsVerificationMessage      json.RawMessage
	EmailVerificationMessage    json.RawMessage
	EmailVerificationSubject    json.RawMessage
	VerificationMessageTemplate json.RawMessage
	SmsAuthenticationMessage    json.RawMessage
	EmailConfiguration          json.RawMessage
	SmsConfiguration            json.RawMessage
	UserPoolTags                json.RawMessage
	UserPoolAddOns              json.RawMessage
	AccountRecoverySetting      json.RawMessage
	UserPoolTier                json.RawMessage
}

type policiesType struct {
	PasswordPolicy *PasswordPolicy
	SignInPolicy   *struct{ AllowedFirstAuthFactors []string }
}

type updateSettingsType struct{ AttributesRequireVerificationBeforeUpdate []string }

type adminCreateType struct {
	AllowAdminCreateUserOnly  bool
	UnusedAccountValidityDays int             `json:",omitempty"`
	InviteMessageTemplate     json.RawMessage `json:",omitempty"`
}

// schemaType is SchemaAttributeType of the API.
type schemaType struct {
	Name                       string
	AttributeDataType          string
	DeveloperOnlyAttribute     bool
	Mutable                    *bool
	Required                   bool
	StringAttributeConstraints *struct{ MinLength, MaxLength string } `json:",omitempty"`
	NumberAttributeConstraints *struct{ MinValue, MaxValue string }   `json:",omitempty"`
}

// attribute reads a declaration. Those that are not standard are custom.
func (s schemaType) attribute() Attribute {
	a := Attribute{Name: s.Name, Type: s.AttributeDataType, Required: s.Required}
	if !slices.Contains(standardAttributes, a.Name) {
		a.Name = "custom:" + a.Name
	}
	a.Immutable = s.Mutable != nil && !*s.Mutable
	if c := s.StringAttributeConstraints; c != nil {
		a.Min, a.Max = c.MinLength, c.MaxLength
	}
	if c := s.NumberAttributeConstraints; c != nil {
		a.Min, a.Max = c.MinValue, c.MaxValue
	}
	return a
}

func newSchemaType(a Attribute) schemaType {
	mutable := !a.Immutable
	s := schemaType{Name: a.Name, AttributeDataType: a.Type, Mutable: &mutable, Required: a.Required}
	switch a.Type {
	case "String":
		s.StringAttributeConstraints = &struct{ MinLength, MaxLength string }{cmp.Or(a.Min, "0"), cmp.Or(a.Max, "2048")}
	case "Number":
		s.NumberAttributeConstraints = &struct{ MinValue, MaxValue string }{a.Min, a.Max}
	}
	return s
}

func attributesOfSchema(declared []schemaType) ([]Attribute, error) {
	var list []Attribute
	for _, s := range declared {
		if s.DeveloperOnlyAttribute {
			return nil, errParameter("cognitotest: DeveloperOnlyAttribute is not there")
		}
		list = append(list, s.attribute())
	}
	return list, nil
}

// settings reads what can be updated, with the schema that is given.
func (in poolIn) settings(p *Pool, schema *schema) (*settings, error) {
	if in.MfaConfiguration != "" && in.MfaConfiguration != "OFF" {
		return nil, errParameter("cognitotest: MfaConfiguration %s is not there", in.MfaConfiguration)
	}
	if in.DeviceConfiguration != nil {
		return nil, errParameter("cognitotest: DeviceConfiguration is not there")
	}
	s := &settings{
		name:         in.PoolName,
		autoVerified: in.AutoVerifiedAttributes,
		protected:    in.DeletionProtection == "ACTIVE",
		schema:       schema,
		shown:        in.shown(),
		modified:     p.now(),
	}
	if in.Policies != nil {
		if in.Policies.PasswordPolicy != nil {
			s.passwords = *in.Policies.PasswordPolicy
		}
		if f := in.Policies.SignInPolicy; f != nil && !slices.Equal(f.AllowedFirstAuthFactors, []string{"PASSWORD"}) {
			return nil, errParameter("cognitotest: of AllowedFirstAuthFactors, PASSWORD alone is there")
		}
	}
	if in.UserAttributeUpdateSettings != nil {
		s.verifyFirst = in.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate
	}
	if in.AdminCreateUserConfig != nil {
		s.adminOnly = in.AdminCreateUserConfig.AllowAdminCreateUserOnly
	}
	var err error
	if s.triggers, err = in.triggers(p); err != nil {
		return nil, err
	}
	if err := s.complete(); err != nil {
		return nil, errParameter("%v", err)
	}
	return s, nil
}

func (in poolIn) shown() map[string]any {
	m := make(map[string]any)
	for name, raw := range map[string]json.RawMessage{
		"SmsVerificationMessage":      in.SmsVerificationMessage,
		"EmailVerificationMessage":    in.EmailVerificationMessage,
		"EmailVerificationSubject":    in.EmailVerificationSubject,
		"VerificationMessageTemplate": in.VerificationMessageTemplate,
		"SmsAuthenticationMessage":    in.SmsAuthenticationMessage,
		"EmailConfiguration":          in.EmailConfiguration,
		"SmsConfiguration":            in.SmsConfiguration,
		"UserPoolTags":                in.UserPoolTags,
		"UserPoolAddOns":              in.UserPoolAddOns,
		"AccountRecoverySetting":      in.AccountRecoverySetting,
		"UserPoolTier":                in.UserPoolTier,
	} {
		if raw != nil {
			m[name] = raw
		}
	}
	if in.AdminCreateUserConfig != nil {
		m["AdminCreateUserConfig"] = in.AdminCreateUserConfig
	}
	if in.LambdaConfig != nil {
		m["LambdaConfig"] = in.LambdaConfig
	}
	return m
}

// triggers finds the functions that LambdaConfig names.
func (in poolIn) triggers(p *Pool) (Triggers, error) {
	var t Triggers
	into := map[string]*lambda.Handler{
		"DefineAuthChallenge":         &t.Define,
		"CreateAuthChallenge":         &t.Create,
		"VerifyAuthChallengeResponse": &t.Verify,
		"PreSignUp":                   &t.PreSignUp,
		"PostConfirmation":            &t.PostConfirmation,
		"PreAuthentication":           &t.PreAuthentication,
		"PostAuthentication":          &t.PostAuthentication,
		"PreTokenGeneration":          &t.PreTokenGeneration,
		"CustomMessage":               &t.CustomMessage,
	}
	for _, name := range slices.Sorted(maps.Keys(in.LambdaConfig)) {
		arn, target := "", into[name]
		switch {
		case name == "PreTokenGenerationConfig":
			var c struct{ LambdaArn, LambdaVersion string }
			if err := json.Unmarshal(in.LambdaConfig[name], &c); err != nil {
				return t, errSerialization(err.Error())
			}
			t.PreTokenGenerationVersion, arn, target = c.LambdaVersion, c.LambdaArn, &t.PreTokenGeneration
		case target == nil:
			return t, errParameter("cognitotest: the trigger %s is not there", name)
		default:
			if err := json.Unmarshal(in.LambdaConfig[name], &arn); err != nil {
				return t, errSerialization(err.Error())
			}
		}
		h, err := p.service.handler(arn)
		if err != nil {
			return t, errParameter("%v", err)
		}
		*target = h
	}
	return t, nil
}

// opCreateUserPool makes a pool that answers at the same address, with the key
// and the inbox of the one that was made in Go.
func (p *Pool) opCreateUserPool(_ context.Context, in poolIn) (any, error) {
	declared, err := attributesOfSchema(in.Schema)
	if err != nil {
		return nil, err
	}
	schema, err := newSchema(declared)
	if err != nil {
		return nil, errParameter("%v", err)
	}
	schema.open = false
	s, err := in.settings(p, schema)
	if err != nil {
		return nil, err
	}
	id := p.region + "_" + rand.Text()[:9]
	c := Config{
		ID:                 id,
		Issuer:             strings.ReplaceAll(p.config.Issuer, p.config.ID, id),
		UsernameAttributes: in.UsernameAttributes,
		AliasAttributes:    in.AliasAttributes,
		CaseSensitive:      in.UsernameConfiguration != nil && in.UsernameConfiguration.CaseSensitive,
		Inbox:              p.config.Inbox,
		Logf:               p.config.Logf,
		SessionLimit:       p.config.SessionLimit,
		TriggerTries:       p.config.TriggerTries,
		Clock:              p.config.Clock,
	}
	if err := checkAliases(c); err != nil {
		return nil, errParameter("%v", err)
	}
	made := newPool(c, s, p.service, p.key)
	return map[string]any{"UserPool": made.describe()}, nil
}

// opUpdateUserPool puts defaults in the place of what is not sent, as the
// service does.
func (p *Pool) opUpdateUserPool(_ context.Context, in poolIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	p.service.mu.Lock() // one update of the settings after the other
	defer p.service.mu.Unlock()
	in.PoolName = cmp.Or(in.PoolName, p.settings().name)
	s, err := in.settings(p, p.settings().schema)
	if err != nil {
		return nil, err
	}
	p.changing.Store(s)
	return done{}, nil
}

type describePoolIn struct{ UserPoolId string }

func (p *Pool) opDeleteUserPool(_ context.Context, in describePoolIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	if p.settings().protected {
		return nil, errParameter("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.") // (observed)
	}
	if p == p.service.first {
		return nil, errParameter("cognitotest: the pool that was made in Go cannot be deleted")
	}
	p.service.remove(p)
	return done{}, nil
}

func (p *Pool) opDescribeUserPool(_ context.Context, in describePoolIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	return map[string]any{"UserPool": p.describe()}, nil
}

// describe is UserPoolType of the API.
func (p *Pool) describe() map[string]any {
	s := p.settings()
	functions := make(map[string]any)
	for name, h := range s.triggers.named() {
		if h != nil {
			functions[name] = p.functionARN(name)
		}
	}
	protection := "INACTIVE"
	if s.protected {
		protection = "ACTIVE"
	}
	attributes := []schemaType{}
	for _, name := range slices.Sorted(maps.Keys(s.schema.attributes)) {
		attributes = append(attributes, newSchemaType(s.schema.attributes[name]))
	}
	p.mu.Lock()
	users := len(p.users)
	p.mu.Unlock()
	d := map[string]any{
		"Id":                     p.config.ID,
		"Name":                   s.name,
		"Arn":                    "arn:aws:cognito-idp:" + p.region + ":000000000000:userpool/" + p.config.ID,
		"UsernameAttributes":     orEmpty(p.config.UsernameAttributes),
		"AliasAttributes":        orEmpty(p.config.AliasAttributes),
		"LambdaConfig":           functions,
		"Policies":               map[string]any{"PasswordPolicy": s.passwords},
		"DeletionProtection":     protection,
		"MfaConfiguration":       "OFF",
		"AutoVerifiedAttributes": orEmpty(s.autoVerified),
		"SchemaAttributes":       attributes,
		"EstimatedNumberOfUsers": users,
		"CreationDate":           epoch(p.created),
		"LastModifiedDate":       epoch(s.modified),
		"UsernameConfiguration":  map[string]bool{"CaseSensitive": p.config.CaseSensitive},
		"AdminCreateUserConfig":  adminCreateType{AllowAdminCreateUserOnly: s.adminOnly},
		"UserAttributeUpdateSettings": map[string]any{
			"AttributesRequireVerificationBeforeUpdate": orEmpty(s.verifyFirst),
		},
	}
	maps.Copy(d, s.shown)
	return d
}

func orEmpty(list []string) []string { return slices.Concat([]string{}, list) }

type listPoolsIn struct {
	UserPoolId string
	MaxResults int
	NextToken  string
}

func (p *Pool) opListUserPools(_ context.Context, in listPoolsIn) (any, error) {
	r := p.service
	r.mu.Lock()
	defer r.mu.Unlock()
	pools := []any{}
	next, err := r.first.read(&r.ids, page{"pools", in.MaxResults, in.NextToken}, "", func(id string) bool {
		d := r.pools[id].describe()
		pools = append(pools, map[string]any{
			"Id": id, "Name": d["Name"], "LambdaConfig": d["LambdaConfig"], "CreationDate": d["CreationDate"], "LastModifiedDate": d["LastModifiedDate"],
		})
		return true
	})
	return listed("UserPools", pools, next), err
}

type addAttributesIn struct {
	UserPoolId       string
	CustomAttributes []schemaType
}

func (p *Pool) opAddCustomAttributes(_ context.Context, in addAttributesIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	more, err := attributesOfSchema(in.CustomAttributes)
	if err != nil {
		return nil, err
	}
	p.service.mu.Lock() // one update of the settings after the other
	defer p.service.mu.Unlock()
	s := *p.settings()
	if s.schema, err = s.schema.with(more); err != nil {
		return nil, errParameter("%v", err)
	}
	p.changing.Store(&s)
	return done{}, nil
}
