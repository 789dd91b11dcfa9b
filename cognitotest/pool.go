package cognitotest

// This file is the pool itself: what it is made from, and its app clients.

import (
	"cmp"
	"container/list"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// A Config says what a [Pool] is like. Only Triggers must be set.
type Config struct {
	// ID of the pool. Default "us-east-1_Test00001". The part before "_" is the
	// region.
	ID string

	// Issuer of the tokens. Default "https://cognito-idp.<region>.amazonaws.com/<ID>",
	// which is what token verifiers made for Cognito insist on. With
	// [Server.Issuer], verifiers find the keys by the issuer.
	Issuer string

	// Clients are the app clients. Default one, with the defaults of [Client].
	Clients []Client

	// Triggers are the functions under test.
	Triggers Triggers

	// UsernameAttributes, "phone_number" or "email" or both, makes a pool whose
	// users sign up and sign in with these instead of a name. The user name is
	// then a UUID, the user's sub.
	UsernameAttributes []string

	// AliasAttributes, any of "phone_number", "email", "preferred_username",
	// makes a pool whose users sign in with a name or with these. A phone number
	// or e-mail address counts once it is verified.
	AliasAttributes []string

	// AutoVerifiedAttributes, "phone_number" or "email" or both, are those that
	// the pool verifies by a code: at sign-up, the phone number first, and after
	// a change. Default none: users who are not confirmed by PreSignUp wait for
	// an administrator.
	AutoVerifiedAttributes []string

	// AttributesRequireVerificationBeforeUpdate, a part of AutoVerifiedAttributes,
	// keep their old value until the code for the new one has come back.
	AttributesRequireVerificationBeforeUpdate []string

	// Schema declares attributes. Default none: standard attributes alone, none of
	// them required, and custom attributes of any name, as texts. With one
	// attribute declared, a custom attribute that is not is refused.
	Schema []Attribute

	// CaseSensitive makes names and aliases that differ in case different ones.
	// Default false, as for new pools.
	CaseSensitive bool

	// Functions are functions by name that LambdaConfig of CreateUserPool and
	// UpdateUserPool can name by their ARNs, beside those of Triggers.
	Functions map[string]lambda.Handler

	// PasswordPolicy is what passwords must be like.
	PasswordPolicy PasswordPolicy

	// Inbox receives what the pool itself sends: the codes that confirm a
	// sign-up or verify an attribute, and temporary passwords. It may be the inbox of the handlers too.
	// Default none: these messages are dropped.
	Inbox *Inbox

	// Logf is told of every call of a trigger that fails, with the cause that
	// clients over HTTP do not get: the panic with its stack, or which member of
	// the answer was of a wrong type. In a test, t.Logf. Default none.
	Logf func(format string, args ...any)

	// Key signs the tokens. Default one that is made when the first token is
	// signed, which takes a good part of a second; many pools can share one. At
	// least 2,048 bits.
	Key *rsa.PrivateKey

	// SessionLimit is how many characters the service's session string may
	// weigh, by the estimate that the package documentation explains. Default
	// 2,048, the API reference's limit. A negative number allows any weight.
	SessionLimit int

	// TriggerTries is how often a trigger that crashes or does not answer within
	// 5 seconds is called for one event, 1 to 3. Default 3, as the developer guide
	// said for years. Since 23 March 2026 it says that the service may retry, and
	// no number: a trigger should be right with 1 and with 3.
	TriggerTries int

	// Clock, if set, is the pool's time. Default the machine's. Triggers still have
	// 5 seconds of the machine's.
	Clock *Clock
}

// A Client is an app client of the pool. The zero value has no secret, allows
// custom sign-ins and refreshing, and hides which users exist.
type Client struct {
	// ID. Default "1example23456789testclient", which only one client can have.
	ID string

	// Name, as DescribeUserPoolClient shows it. Default the ID.
	Name string

	// Secret, if set, must be proven by SECRET_HASH in every request. The service
	// makes secrets of 24 to 64 letters, digits, '_' and '+'; its API takes no
	// others where the secret itself is sent, as RevokeToken does.
	Secret string

	// ExplicitAuthFlows default to ALLOW_CUSTOM_AUTH and ALLOW_REFRESH_TOKEN_AUTH.
	ExplicitAuthFlows []string

	// PreventUserExistenceErrors is "ENABLED" or "LEGACY". Default ENABLED, as in
	// the AWS console; the API's own default is LEGACY. With ENABLED, triggers
	// are called for unknown users too, with userNotFound.
	PreventUserExistenceErrors string

	// AuthSessionValidity is how long a session can be answered: 3 to 15 minutes.
	// Default 15, so that a user whose code expired can ask for another. The service's
	// own default is 3 (API reference, CreateUserPoolClient), and so is that of app
	// clients that are made by the API.
	AuthSessionValidity time.Duration

	// Validity of the tokens. Defaults: 1 hour, 1 hour, 30 days.
	AccessTokenValidity, IDTokenValidity, RefreshTokenValidity time.Duration

	// ReadAttributes are what the client's ID tokens and GetUser tell of the user,
	// and WriteAttributes what it can set. Default all but, to write, the
	// _verified.
	ReadAttributes, WriteAttributes []string

	// RotateRefreshTokens makes every refresh return a new refresh token and end
	// the old one; the new one ends when the old one would have. Such a client
	// refreshes with GetTokensFromRefreshToken alone.
	RotateRefreshTokens bool

	// RefreshTokenGracePeriod is how long a refresh token can still be used after
	// it was exchanged: 0 to 60 seconds, default 0.
	RefreshTokenGracePeriod time.Duration

	shown map[string]any // what DescribeUserPoolClient tells and nothing here looks at
}

// The two values of PreventUserExistenceErrors.
const (
	existenceHidden = "ENABLED"
	existenceShown  = "LEGACY"
)

// A Pool is a user pool in this process. It is safe for concurrent use. Pools that
// were made by NewPool share nothing; those that CreateUserPool adds over HTTP
// answer at the same address, and share its key and inbox.
//
// It takes its time from package time alone, moved by Config.Clock, and has no
// goroutine of its own, so it works inside testing/synctest. It is an http.Handler
// that serves the HTTP API; see [Pool.ServeHTTP].
type Pool struct {
	config   Config                   // what cannot change
	changing atomic.Pointer[settings] // what can
	service  *region
	region   string
	secret   []byte // for all that is derived: made-up users, tags, sealed tokens
	created  time.Time

	key func() *rsa.PrivateKey

	// mu guards what follows. It is never held while a trigger runs.
	mu         sync.Mutex
	users      map[string]*user   // by folded name; a user is replaced, not changed
	names      index              // of users
	indexes    map[string]*index  // of users by attribute, see list.go
	aliases    map[string]string  // alias attribute and folded value to folded name
	groups     map[string]*group  // by name
	groupNames index              // of groups
	clients    map[string]*Client // by ID; a client is replaced, not changed
	clientIDs  index              // of clients
	sessions   map[sessionID]*list.Element
	queue      *list.List  // of *attempt, in the order in which they were opened
	revoked    revocations // sign-ins that were taken back
	rotated    revocations // refresh tokens that were exchanged
}

const defaultPoolID = "us-east-1_Test00001"

var poolID = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`) // API reference, UserPoolIdType

// NewPool returns a pool without users. It fails for a Config that the service
// would not take.
func NewPool(c Config) (*Pool, error) {
	c.ID = cmp.Or(c.ID, defaultPoolID)
	if len(c.ID) > 55 || !poolID.MatchString(c.ID) {
		return nil, fmt.Errorf("cognitotest: pool ID %q: want region_name, at most 55 characters", c.ID)
	}
	region, _, _ := strings.Cut(c.ID, "_")
	c.Issuer = cmp.Or(c.Issuer, "https://cognito-idp."+region+".amazonaws.com/"+c.ID)
	c.SessionLimit = cmp.Or(c.SessionLimit, sessionLimit)
	c.TriggerTries = cmp.Or(c.TriggerTries, triggerTries)
	if c.TriggerTries < 1 || c.TriggerTries > triggerTries {
		return nil, fmt.Errorf("cognitotest: TriggerTries is %d: want 1 to %d", c.TriggerTries, triggerTries)
	}
	if err := checkAliases(c); err != nil {
		return nil, err
	}
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}

	key := sync.OnceValue(newKey)
	if c.Key != nil {
		if c.Key.N.BitLen() < 2048 {
			return nil, errors.New("cognitotest: Key: RS256 wants 2,048 bits or more (RFC 7518, 3.3)")
		}
		key = func() *rsa.PrivateKey { return c.Key }
	}
	if len(c.Clients) == 0 {
		c.Clients = []Client{{}}
	}
	c.Clients = slices.Clone(c.Clients)
	clients := make(map[string]*Client)
	for i := range c.Clients {
		client := &c.Clients[i]
		if err := client.complete(); err != nil {
			return nil, err
		}
		if clients[client.ID] != nil {
			return nil, fmt.Errorf("cognitotest: two clients with ID %q", client.ID)
		}
		clients[client.ID] = client
	}
	return newPool(c, s, newRegion(c.Functions), key), nil
}

// newPool makes a pool of what was checked, and adds it to the region.
func newPool(c Config, s *settings, r *region, key func() *rsa.PrivateKey) *Pool {
	p := &Pool{
		config:   c,
		service:  r,
		secret:   random(32),
		created:  c.Clock.Now(),
		revoked:  revocations{clock: c.Clock},
		rotated:  revocations{clock: c.Clock},
		key:      key,
		users:    make(map[string]*user),
		aliases:  make(map[string]string),
		indexes:  make(map[string]*index),
		groups:   make(map[string]*group),
		clients:  make(map[string]*Client),
		sessions: make(map[sessionID]*list.Element),
		queue:    list.New(),
	}
	p.region, _, _ = strings.Cut(c.ID, "_")
	p.changing.Store(s)
	for i := range c.Clients {
		p.clients[c.Clients[i].ID] = &c.Clients[i]
		p.clientIDs.add(c.Clients[i].ID)
	}
	r.add(p)
	return p
}

func checkAliases(c Config) error {
	if len(c.UsernameAttributes) > 0 && len(c.AliasAttributes) > 0 {
		return errors.New("cognitotest: a pool has UsernameAttributes or AliasAttributes, not both")
	}
	for _, a := range c.UsernameAttributes {
		if a != "phone_number" && a != "email" {
			return fmt.Errorf("cognitotest: UsernameAttributes: %q cannot be a user name", a)
		}
	}
	for _, a := range c.AliasAttributes {
		if a != "phone_number" && a != "email" && a != "preferred_username" {
			return fmt.Errorf("cognitotest: AliasAttributes: %q cannot be an alias", a)
		}
	}
	return nil
}

var clientID = regexp.MustCompile(`^[\w+]{1,128}$`) // API reference, ClientIdType

// complete fills in the defaults and checks the ranges of the API reference.
func (c *Client) complete() error {
	c.ID = cmp.Or(c.ID, "1example23456789testclient")
	c.Name = cmp.Or(c.Name, c.ID)
	c.PreventUserExistenceErrors = cmp.Or(c.PreventUserExistenceErrors, existenceHidden)
	c.AuthSessionValidity = cmp.Or(c.AuthSessionValidity, 15*time.Minute)
	c.AccessTokenValidity = cmp.Or(c.AccessTokenValidity, time.Hour)
	c.IDTokenValidity = cmp.Or(c.IDTokenValidity, time.Hour)
	c.RefreshTokenValidity = cmp.Or(c.RefreshTokenValidity, 30*24*time.Hour)
	if c.ExplicitAuthFlows == nil {
		c.ExplicitAuthFlows = []string{"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
	}

	const day = 24 * time.Hour
	for _, r := range []struct {
		name       string
		value      time.Duration
		least, max time.Duration
	}{
		{"AuthSessionValidity", c.AuthSessionValidity, 3 * time.Minute, 15 * time.Minute},
		{"AccessTokenValidity", c.AccessTokenValidity, 5 * time.Minute, day},
		{"IDTokenValidity", c.IDTokenValidity, 5 * time.Minute, day},
		{"RefreshTokenValidity", c.RefreshTokenValidity, time.Hour, 3650 * day},
		{"RefreshTokenGracePeriod", c.RefreshTokenGracePeriod, 0, time.Minute},
	} {
		if r.value < r.least || r.value > r.max {
			return fmt.Errorf("cognitotest: client %s: %s is %v: want %v to %v", c.ID, r.name, r.value, r.least, r.max)
		}
	}
	if c.RefreshTokenGracePeriod > 0 && !c.RotateRefreshTokens {
		return fmt.Errorf("cognitotest: client %s: RefreshTokenGracePeriod is for RotateRefreshTokens alone", c.ID)
	}
	if !clientID.MatchString(c.ID) {
		return fmt.Errorf("cognitotest: client ID %q: want 1 to 128 letters, digits, '_' and '+'", c.ID)
	}
	if e := c.PreventUserExistenceErrors; e != existenceHidden && e != existenceShown {
		return fmt.Errorf("cognitotest: client %s: PreventUserExistenceErrors is %q: want ENABLED or LEGACY", c.ID, e)
	}
	return nil
}

// ID returns the ID of the pool.
func (p *Pool) ID() string { return p.config.ID }

// ClientID returns the ID of the first of Config.Clients.
func (p *Pool) ClientID() string { return p.config.Clients[0].ID }

func (p *Pool) hasClient(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clients[id] != nil
}

func (p *Pool) client(id string) (*Client, error) {
	p.mu.Lock()
	c := p.clients[id]
	p.mu.Unlock()
	if c != nil {
		return c, nil
	}
	return nil, failure("ResourceNotFoundException", "User pool client %s does not exist.", clip(id)) // (observed)
}

// allows reports whether the client has the flow, "CUSTOM_AUTH" for example.
// Before ExplicitAuthFlows began with ALLOW_, the names were others.
func (c *Client) allows(flow string) bool {
	old := map[string]string{
		"CUSTOM_AUTH":              "CUSTOM_AUTH_FLOW_ONLY",
		"USER_PASSWORD_AUTH":       "USER_PASSWORD_AUTH",
		"ADMIN_USER_PASSWORD_AUTH": "ADMIN_NO_SRP_AUTH",
	}
	return slices.Contains(c.ExplicitAuthFlows, "ALLOW_"+flow) ||
		old[flow] != "" && slices.Contains(c.ExplicitAuthFlows, old[flow])
}

// checkHash checks SECRET_HASH, the client's proof of its secret for a user name
// (developer guide, "Computing secret hash values"). More than one name can be
// right: the one that was sent, and the one that the pool made of it.
func (c *Client) checkHash(hash string, names ...string) error {
	if c.Secret == "" {
		return nil
	}
	if hash == "" {
		return errNotAuthorized("Client " + c.ID + " is configured with secret but SECRET_HASH was not received") // (observed)
	}
	for _, name := range names {
		if hmac.Equal([]byte(hash), []byte(c.hash(name))) {
			return nil
		}
	}
	return errNotAuthorized("Unable to verify secret hash for client " + c.ID) // (observed)
}

// hash is SECRET_HASH for a user name.
func (c *Client) hash(name string) string {
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte(name + c.ID))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// derive makes 32 bytes that only this pool can make, the same for the same label
// and value.
func (p *Pool) derive(label, value string) []byte {
	mac := hmac.New(sha256.New, p.secret)
	mac.Write([]byte(label + "\x00" + value))
	return mac.Sum(nil)
}

// uuid formats 16 bytes as a version 4 UUID.
func uuid(b []byte) string {
	b = slices.Clone(b[:16])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
