package cognitotest

// This file is what UpdateUserPool can change of a pool, and how the pools that
// answer at one address find each other.

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// settings are never changed; an update puts others in their place.
type settings struct {
	name         string // PoolName
	triggers     Triggers
	passwords    PasswordPolicy
	autoVerified []string // AutoVerifiedAttributes
	verifyFirst  []string // AttributesRequireVerificationBeforeUpdate
	schema       *schema
	adminOnly    bool           // users cannot sign up by themselves
	protected    bool           // DeletionProtection
	shown        map[string]any // what DescribeUserPool tells and nothing here looks at
	modified     time.Time
}

func (p *Pool) settings() *settings { return p.changing.Load() }

// newSettings checks what a Config says.
func newSettings(c Config) (*settings, error) {
	schema, err := newSchema(c.Schema)
	if err != nil {
		return nil, err
	}
	s := &settings{
		name:         c.ID,
		triggers:     c.Triggers,
		passwords:    c.PasswordPolicy,
		autoVerified: c.AutoVerifiedAttributes,
		verifyFirst:  c.AttributesRequireVerificationBeforeUpdate,
		schema:       schema,
		modified:     c.Clock.Now(),
	}
	return s, s.complete()
}

func (s *settings) complete() error {
	s.triggers.PreTokenGenerationVersion = cmp.Or(s.triggers.PreTokenGenerationVersion, "V1_0")
	if v := s.triggers.PreTokenGenerationVersion; tokenEventVersions[v] == "" {
		return fmt.Errorf("cognitotest: Triggers: PreTokenGenerationVersion is %q: want V1_0, V2_0 or V3_0", v)
	}
	return cmp.Or(checkVerification(s.autoVerified, s.verifyFirst), s.passwords.complete())
}

// A region is the pools that answer at one address: one that was made in Go, and
// those that CreateUserPool added.
type region struct {
	mu        sync.Mutex
	first     *Pool            // the one that was made in Go
	pools     map[string]*Pool // by ID
	ids       index
	functions map[string]lambda.Handler // by name, for LambdaConfig
}

func newRegion(functions map[string]lambda.Handler) *region {
	return &region{pools: make(map[string]*Pool), functions: functions}
}

func (r *region) add(p *Pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = p
	}
	r.pools[p.config.ID] = p
	r.ids.add(p.config.ID)
}

func (r *region) remove(p *Pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pools, p.config.ID)
	r.ids.remove(p.config.ID)
}

// route finds the pool that a request is for: by its ID, by the app client or by
// the issuer of the access token. What belongs to none goes to the first pool,
// which refuses it.
func (r *region) route(body []byte) *Pool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pools) == 1 {
		return r.first
	}
	var in struct{ UserPoolId, ClientId, AccessToken string }
	if decodeExact(body, &in) != nil {
		return r.first
	}
	if p := r.pools[in.UserPoolId]; p != nil {
		return p
	}
	issuer := issuerOf(in.AccessToken)
	for _, p := range r.pools {
		if in.UserPoolId == "" && (p.hasClient(in.ClientId) || issuer != "" && issuer == p.config.Issuer) {
			return p
		}
	}
	return r.first
}

// issuerOf reads a token without checking it.
func issuerOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct{ Iss string }
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Iss
}

// at finds the pool whose documents are at a path, /<pool ID>/.well-known/...
func (r *region) at(path string) *Pool {
	id, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pools[id]; p != nil {
		return p
	}
	return r.first
}

// handler finds the function that an ARN of LambdaConfig names: one of
// Config.Functions, or one of the triggers of the pool that was made in Go, as
// DescribeUserPool names them.
func (r *region) handler(arn string) (lambda.Handler, error) {
	if arn == "" {
		return nil, nil
	}
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[2] != "lambda" {
		return nil, errors.New("cognitotest: " + clip(arn) + " is not the ARN of a function")
	}
	name := parts[6]
	if h := r.functions[name]; h != nil {
		return h, nil
	}
	if h := r.first.config.Triggers.named()[name]; h != nil {
		return h, nil
	}
	return nil, fmt.Errorf("cognitotest: there is no function %s: name it in Config.Functions", clip(name))
}

// named are the triggers by the names of LambdaConfig.
func (t Triggers) named() map[string]lambda.Handler {
	or := func(h lambda.Handler) lambda.Handler {
		if h == nil {
			return t.All
		}
		return h
	}
	return map[string]lambda.Handler{
		"DefineAuthChallenge":         or(t.Define),
		"CreateAuthChallenge":         or(t.Create),
		"VerifyAuthChallengeResponse": or(t.Verify),
		"PreSignUp":                   t.PreSignUp,
		"PostConfirmation":            t.PostConfirmation,
		"PreAuthentication":           t.PreAuthentication,
		"PostAuthentication":          t.PostAuthentication,
		"PreTokenGeneration":          t.PreTokenGeneration,
		"CustomMessage":               t.CustomMessage,
	}
}
