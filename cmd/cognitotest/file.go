package main

// This file reads the JSON file. Its properties are those of CloudFormation's
// AWS::Cognito::UserPool and AWS::Cognito::UserPoolClient, with the same defaults,
// and a few more that a template has no need of: IDs, functions, users.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// A file is the whole of it.
type file struct {
	UserPool        poolProperties
	UserPoolClients []clientProperties
	Functions       map[string]functionProperties
	Users           []seed
}

// poolProperties are those of the pool. What is of type unused is taken from
// templates as it is, and has no effect here.
type poolProperties struct {
	UserPoolId                  string // not in CloudFormation
	UsernameAttributes          []string
	AliasAttributes             []string
	AutoVerifiedAttributes      []string
	UserAttributeUpdateSettings struct{ AttributesRequireVerificationBeforeUpdate []string }
	Policies                    struct{ PasswordPolicy cognitotest.PasswordPolicy }
	LambdaConfig                lambdaConfig
	Schema                      []schemaProperties
	MfaConfiguration            string
	UsernameConfiguration       struct{ CaseSensitive bool }

	AccountRecoverySetting, AdminCreateUserConfig, DeletionProtection, EmailConfiguration, SmsConfiguration,
	EmailVerificationMessage, EmailVerificationSubject, SmsVerificationMessage, VerificationMessageTemplate,
	UserPoolAddOns, UserPoolName, UserPoolTags, UserPoolTier unused
}

// schemaProperties declare an attribute; one that is not standard is custom.
type schemaProperties struct {
	Name                       string
	AttributeDataType          string
	Required                   bool
	Mutable                    *bool // default true
	DeveloperOnlyAttribute     bool
	StringAttributeConstraints struct{ MinLength, MaxLength string }
	NumberAttributeConstraints struct{ MinValue, MaxValue string }
}

// standardAttributes need no "custom:" (developer guide, "Working with user
// attributes").
var standardAttributes = strings.Fields(`address birthdate email email_verified family_name gender
	given_name locale middle_name name nickname phone_number phone_number_verified picture
	preferred_username profile updated_at website zoneinfo`)

func (p schemaProperties) attribute() cognitotest.Attribute {
	a := cognitotest.Attribute{
		Name:      p.Name,
		Type:      p.AttributeDataType,
		Required:  p.Required,
		Immutable: p.Mutable != nil && !*p.Mutable,
		Min:       orElse(p.StringAttributeConstraints.MinLength, p.NumberAttributeConstraints.MinValue),
		Max:       orElse(p.StringAttributeConstraints.MaxLength, p.NumberAttributeConstraints.MaxValue),
	}
	if !slices.Contains(standardAttributes, a.Name) && !strings.HasPrefix(a.Name, "custom:") {
		a.Name = "custom:" + a.Name
	}
	return a
}

// lambdaConfig says where the triggers are: a path, a URL or a name in Functions.
type lambdaConfig struct {
	All string // not in CloudFormation: the three of a custom sign-in

	DefineAuthChallenge, CreateAuthChallenge, VerifyAuthChallengeResponse,
	PreSignUp, PostConfirmation, PreAuthentication, PostAuthentication, CustomMessage, PreTokenGeneration string

	PreTokenGenerationConfig struct{ LambdaArn, LambdaVersion string }
}

// triggers are those that are set, by name.
func (c lambdaConfig) triggers() map[string]string {
	set := make(map[string]string)
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if where := v.Field(i); where.Kind() == reflect.String && where.String() != "" {
			set[v.Type().Field(i).Name] = where.String()
		}
	}
	if c.PreTokenGenerationConfig.LambdaArn != "" {
		set["PreTokenGeneration"] = c.PreTokenGenerationConfig.LambdaArn
	}
	return set
}

type clientProperties struct {
	ClientId     string // not in CloudFormation
	ClientSecret string // likewise; it can be given in place of GenerateSecret

	ClientName                 string
	GenerateSecret             bool
	ExplicitAuthFlows          []string
	ReadAttributes             []string
	WriteAttributes            []string
	PreventUserExistenceErrors string
	AuthSessionValidity        int // minutes
	AccessTokenValidity        int // hours, unless TokenValidityUnits says otherwise
	IdTokenValidity            int // hours
	RefreshTokenValidity       int // days
	TokenValidityUnits         struct{ AccessToken, IdToken, RefreshToken string }
	RefreshTokenRotation       struct {
		Feature                 string
		RetryGracePeriodSeconds int
	}

	UserPoolId, AllowedOAuthFlows, AllowedOAuthFlowsUserPoolClient, AllowedOAuthScopes, AnalyticsConfiguration,
	CallbackURLs, DefaultRedirectURI, EnablePropagateAdditionalUserContextData, EnableTokenRevocation, LogoutURLs,
	SupportedIdentityProviders unused
}

// functionProperties read like AWS::Lambda::Function's.
type functionProperties struct {
	Path        string // a binary, a file or a URL, relative to the folder of the JSON file
	Handler     string // the exported function
	Environment struct{ Variables map[string]string }
	Timeout     int // seconds, default 5
	Processes   int // events at the same time, default 1
}

// A seed is a user who is there from the start.
type seed struct {
	Username       string
	Password       string
	UserStatus     string // default CONFIRMED
	UserAttributes attributes
}

// unused is a property without effect; it remembers that it was given.
type unused bool

func (u *unused) UnmarshalJSON([]byte) error {
	*u = true
	return nil
}

// attributes are a list of Name and Value, as the API has them, or an object.
type attributes map[string]string

func (a *attributes) UnmarshalJSON(data []byte) error {
	var list []struct{ Name, Value string }
	var object map[string]string
	switch {
	case json.Unmarshal(data, &object) == nil:
		*a = object
	case json.Unmarshal(data, &list) == nil:
		*a = make(attributes)
		for _, item := range list {
			(*a)[item.Name] = item.Value
		}
	default:
		return errors.New(`want {"name": "value"} or [{"Name": "name", "Value": "value"}], with values as texts`)
	}
	return nil
}

// settings are all that the world is made from.
type settings struct {
	pool      cognitotest.Config // without triggers, issuer and key
	functions map[string]function
	triggers  map[string]string // name in LambdaConfig to name in functions
	users     []seed

	listen    string
	names     []string
	tlsCA     string
	issuer    string
	keyFile   string
	data      string
	onMessage string
	verbose   bool
	warnings  []string
}

// settings reads the file, if there is one, and puts the flags over it.
func (f *flags) settings() (*settings, error) {
	s := &settings{
		functions: make(map[string]function),
		triggers:  make(map[string]string),
		listen:    f.listen,
		names:     f.names,
		tlsCA:     f.tlsCA,
		issuer:    f.issuer,
		keyFile:   f.key,
		data:      f.data,
		onMessage: f.onMessage,
		verbose:   f.verbose,
	}
	if f.config != "" {
		if err := s.read(f.config); err != nil {
			return nil, err
		}
	}
	if err := f.override(s); err != nil {
		return nil, err
	}
	// What the pool would refuse is the fault of the flags or the file.
	_, err := cognitotest.NewPool(s.pool)
	return s, err
}

func (s *settings) read(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var f file
	if err := decodeStrict(data, &f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := s.take(f, filepath.Dir(path)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if names := f.unused(); len(names) > 0 {
		s.warnings = append(s.warnings, path+": without effect here: "+strings.Join(names, ", "))
	}
	return nil
}

// take takes what the file says. Paths in it are relative to the folder.
func (s *settings) take(f file, folder string) error {
	p := f.UserPool
	if p.MfaConfiguration != "" && p.MfaConfiguration != "OFF" {
		return errors.New("UserPool.MfaConfiguration: there is no MFA of the service's own here: want OFF")
	}
	for i, a := range p.Schema {
		if a.DeveloperOnlyAttribute {
			return fmt.Errorf("UserPool.Schema[%d].DeveloperOnlyAttribute: there are none here: want false", i)
		}
		s.pool.Schema = append(s.pool.Schema, a.attribute())
	}
	s.pool.CaseSensitive = p.UsernameConfiguration.CaseSensitive
	s.pool.ID = p.UserPoolId
	s.pool.UsernameAttributes = p.UsernameAttributes
	s.pool.AliasAttributes = p.AliasAttributes
	s.pool.AutoVerifiedAttributes = p.AutoVerifiedAttributes
	s.pool.AttributesRequireVerificationBeforeUpdate = p.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate
	s.pool.PasswordPolicy = p.Policies.PasswordPolicy
	s.pool.Triggers.PreTokenGenerationVersion = p.LambdaConfig.PreTokenGenerationConfig.LambdaVersion
	for i, c := range f.UserPoolClients {
		client, err := c.client()
		if err != nil {
			return fmt.Errorf("UserPoolClients[%d].%w", i, err)
		}
		s.pool.Clients = append(s.pool.Clients, client)
	}

	for name, fp := range f.Functions {
		if fp.Path == "" {
			return fmt.Errorf("Functions.%s.Path: it is missing", name)
		}
		if fp.Timeout < 0 || fp.Timeout > 900 {
			return fmt.Errorf("Functions.%s.Timeout: %d: want 1 to 900 seconds", name, fp.Timeout)
		}
		fn := functionAt(fp.Path, folder)
		if fp.Handler != "" {
			fn.handler = fp.Handler
		}
		fn.timeout = time.Duration(fp.Timeout) * time.Second
		fn.processes = fp.Processes
		for _, key := range slices.Sorted(maps.Keys(fp.Environment.Variables)) {
			fn.env = append(fn.env, key+"="+fp.Environment.Variables[key])
		}
		s.functions[name] = fn
	}
	for name, where := range p.LambdaConfig.triggers() {
		if err := s.setTrigger(name, where, folder); err != nil {
			return fmt.Errorf("UserPool.LambdaConfig.%w", err)
		}
	}
	s.users = f.Users
	return nil
}

// setTrigger sets a trigger, or three of them for All.
func (s *settings) setTrigger(name, where, folder string) error {
	names := []string{name}
	if name == "All" {
		names = []string{"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
	} else if !slices.Contains(triggerNames(), name) {
		return fmt.Errorf("%s: there is no such trigger here%s", name, didYouMean("", name, triggerNames()))
	}
	if _, named := s.functions[where]; !named {
		fn := functionAt(where, folder)
		where = fn.path + "#" + fn.handler
		s.functions[where] = fn
	}
	for _, n := range names {
		s.triggers[n] = where
	}
	return nil
}

// client makes an app client, with the defaults of the API.
func (c clientProperties) client() (client cognitotest.Client, err error) {
	client = cognitotest.Client{
		ID:                         c.ClientId,
		Name:                       c.ClientName,
		Secret:                     c.ClientSecret,
		ExplicitAuthFlows:          c.ExplicitAuthFlows,
		ReadAttributes:             c.ReadAttributes,
		WriteAttributes:            c.WriteAttributes,
		PreventUserExistenceErrors: orElse(c.PreventUserExistenceErrors, "LEGACY"),
		AuthSessionValidity:        time.Duration(c.AuthSessionValidity) * time.Minute,
	}
	if c.GenerateSecret && client.Secret == "" {
		client.Secret = generatedSecret(client.ID)
	}
	switch r := c.RefreshTokenRotation; r.Feature {
	case "", "DISABLED":
	case "ENABLED":
		client.RotateRefreshTokens = true
		client.RefreshTokenGracePeriod = time.Duration(r.RetryGracePeriodSeconds) * time.Second
	default:
		return client, fmt.Errorf("RefreshTokenRotation.Feature: %q: want ENABLED or DISABLED", r.Feature)
	}
	units := c.TokenValidityUnits
	for _, v := range []struct {
		into        *time.Duration
		name        string
		value       int
		unit, other string
	}{
		{&client.AccessTokenValidity, "AccessToken", c.AccessTokenValidity, units.AccessToken, "hours"},
		{&client.IDTokenValidity, "IdToken", c.IdTokenValidity, units.IdToken, "hours"},
		{&client.RefreshTokenValidity, "RefreshToken", c.RefreshTokenValidity, units.RefreshToken, "days"},
	} {
		unit, ok := map[string]time.Duration{"seconds": time.Second, "minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}[orElse(v.unit, v.other)]
		if !ok {
			return client, fmt.Errorf("TokenValidityUnits.%s: %q: want seconds, minutes, hours or days", v.name, v.unit)
		}
		*v.into = time.Duration(v.value) * unit
	}
	return client, nil
}

// generatedSecret is the same for a client whenever it is made: the variables of
// --print-env hold for the pool that is started later. It is no secret.
func generatedSecret(clientID string) string {
	sum := sha256.Sum256([]byte("cognitotest client secret of " + clientID))
	return hex.EncodeToString(sum[:])[:52]
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// override puts the flags over what the file said.
func (f *flags) override(s *settings) error {
	s.pool.ID = orElse(f.poolID, s.pool.ID)
	s.pool.TriggerTries = f.triggerTries
	if len(f.usernameAttributes) > 0 {
		s.pool.UsernameAttributes = f.usernameAttributes
	}
	if len(s.pool.Clients) == 0 {
		s.pool.Clients = []cognitotest.Client{{}}
	}
	first := &s.pool.Clients[0]
	first.ID = orElse(f.clientID, first.ID)
	first.Secret = orElse(f.clientSecret, first.Secret)

	for _, t := range f.triggers {
		name, where, ok := strings.Cut(t, "=")
		if !ok || where == "" {
			return fmt.Errorf("--trigger %s: want NAME=PATH", t)
		}
		if err := s.setTrigger(name, where, ""); err != nil {
			return fmt.Errorf("--trigger %w", err)
		}
	}
	for _, variable := range f.env {
		name, _, set := strings.Cut(variable, "=")
		if !set {
			value, ok := os.LookupEnv(name)
			if !ok {
				return fmt.Errorf("--env %s: it is not set in the environment", name)
			}
			variable = name + "=" + value
		}
		for key, fn := range s.functions {
			fn.env = append(slices.Clone(fn.env), variable)
			s.functions[key] = fn
		}
	}
	return nil
}
