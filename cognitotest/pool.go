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
	"time"
)

// A Config says what a [Pool] is like. Only Triggers must be set.
type Config struct {
	// ID of the pool. Default "us-east-1_Test00001". The part before "_" is the
	// region.
	ID string

	// Issuer of the tokens. Default "https://cognito-idp.<region>.amazonaws.com/<ID>",
	// which is what token verifiers made for Cognito insist on.
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

	// Inbox receives what the pool itself sends: the codes that confirm a
	// sign-up, and temporary passwords. It may be the inbox of the handlers too.
	// Default none: these messages are dropped.
	Inbox *Inbox

	// Key signs the tokens. Default one that is made when the first token is
	// signed, which takes a good part of a second; many pools can share one. At
	// least 2,048 bits.
	Key *rsa.PrivateKey

	// SessionLimit is how many characters the service's session string may
	// weigh, by the estimate that the package documentation explains. Default
	// 2,048, the API reference's limit. A negative number allows any weight.
	SessionLimit int
}

// A Client is an app client of the pool. The zero value has no secret, allows
// custom sign-ins and refreshing, and hides which users exist.
type Client struct {
	// ID. Default "1example23456789testclient", which only one client can have.
	ID string

	// Name, as DescribeUserPoolClient shows it. Default the ID.
	Name string

	// Secret, if set, must be proven by SECRET_HASH in every request.
	Secret string

	// ExplicitAuthFlows default to ALLOW_CUSTOM_AUTH and ALLOW_REFRESH_TOKEN_AUTH.
	ExplicitAuthFlows []string

	// PreventUserExistenceErrors is "ENABLED" or "LEGACY". Default ENABLED, as in
	// the AWS console; the API's own default is LEGACY. With ENABLED, triggers
	// are called for unknown users too, with userNotFound.
	PreventUserExistenceErrors string

	// AuthSessionValidity is how long a session can be answered: 3 to 15
	// minutes, default 3 (API reference, CreateUserPoolClient).
	AuthSessionValidity time.Duration

	// Validity of the tokens. Defaults: 1 hour, 1 hour, 30 days.
	AccessTokenValidity, IDTokenValidity, RefreshTokenValidity time.Duration

	// RotateRefreshTokens makes every refresh return a new refresh token and end
	// the old one, without a grace period. Such a client refreshes with
	// GetTokensFromRefreshToken alone.
	RotateRefreshTokens bool
}

// The two values of PreventUserExistenceErrors.
const (
	existenceHidden = "ENABLED"
	existenceShown  = "LEGACY"
)

// A Pool is a user pool in this process. It is safe for concurrent use, and no
// two pools share anything.
//
// It takes its time from package time alone and has no goroutine of its own, so
// it works inside testing/synctest. It is an http.Handler that serves the HTTP
// API; see [Pool.ServeHTTP].
type Pool struct {
	config  Config
	clients map[string]*Client
	region  string
	secret  []byte // for all that is derived: made-up users, tags, sealed tokens
	created time.Time

	key func() *rsa.PrivateKey

	// mu guards what follows. It is never held while a trigger runs.
	mu       sync.Mutex
	users    map[string]*user  // by folded name; a user is replaced, not changed
	aliases  map[string]string // alias attribute and folded value to folded name
	sessions map[sessionID]*list.Element
	queue    *list.List // of *attempt, in the order in which they were opened
	revoked  revocations
}

var poolID = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`) // API reference, UserPoolIdType

// NewPool returns a pool without users. It fails for a Config that the service
// would not take.
func NewPool(c Config) (*Pool, error) {
	c.ID = cmp.Or(c.ID, "us-east-1_Test00001")
	if len(c.ID) > 55 || !poolID.MatchString(c.ID) {
		return nil, fmt.Errorf("cognitotest: pool ID %q: want region_name, at most 55 characters", c.ID)
	}
	region, _, _ := strings.Cut(c.ID, "_")
	c.Issuer = cmp.Or(c.Issuer, "https://cognito-idp."+region+".amazonaws.com/"+c.ID)
	c.SessionLimit = cmp.Or(c.SessionLimit, sessionLimit)
	if err := checkAliases(c); err != nil {
		return nil, err
	}

	p := &Pool{
		config:   c,
		clients:  make(map[string]*Client),
		region:   region,
		secret:   random(32),
		created:  time.Now(),
		key:      sync.OnceValue(newKey),
		users:    make(map[string]*user),
		aliases:  make(map[string]string),
		sessions: make(map[sessionID]*list.Element),
		queue:    list.New(),
	}
	if c.Key != nil {
		if c.Key.N.BitLen() < 2048 {
			return nil, errors.New("cognitotest: Key: RS256 wants 2,048 bits or more (RFC 7518, 3.3)")
		}
		p.key = func() *rsa.PrivateKey { return c.Key }
	}
	if len(c.Clients) == 0 {
		c.Clients = []Client{{}}
	}
	p.config.Clients = slices.Clone(c.Clients)
	for i := range p.config.Clients {
		client := &p.config.Clients[i]
		if err := client.complete(); err != nil {
			return nil, err
		}
		if p.clients[client.ID] != nil {
			return nil, fmt.Errorf("cognitotest: two clients with ID %q", client.ID)
		}
		p.clients[client.ID] = client
	}
	return p, nil
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
	c.AuthSessionValidity = cmp.Or(c.AuthSessionValidity, 3*time.Minute)
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
	} {
		if r.value < r.least || r.value > r.max {
			return fmt.Errorf("cognitotest: client %s: %s is %v: want %v to %v", c.ID, r.name, r.value, r.least, r.max)
		}
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

// ClientID returns the ID of the first app client.
func (p *Pool) ClientID() string { return p.config.Clients[0].ID }

func (p *Pool) client(id string) (*Client, error) {
	if id == "" {
		return nil, errNull("clientId")
	}
	if c := p.clients[id]; c != nil {
		return c, nil
	}
	return nil, failure("ResourceNotFoundException", "User pool client %s does not exist.", clip(id)) // (observed)
}

// allows reports whether the client has the flow, "CUSTOM_AUTH" for example.
// Before ExplicitAuthFlows began with ALLOW_, the names were others.
func (c *Client) allows(flow string) bool {
	return slices.Contains(c.ExplicitAuthFlows, "ALLOW_"+flow) ||
		flow == "CUSTOM_AUTH" && slices.Contains(c.ExplicitAuthFlows, "CUSTOM_AUTH_FLOW_ONLY")
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
