package cognitotest

// This file is the operations that apps call. Fields are named as in the API
// reference; those that only the real service can use are left out and ignored.

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

type operation struct {
	admin bool
	call  func(p *Pool, ctx context.Context, body []byte) (any, error)
}

// public makes an operation of a method with a typed request.
func public[In any](f func(*Pool, context.Context, In) (any, error)) operation {
	return operation{call: func(p *Pool, ctx context.Context, body []byte) (any, error) {
		var in In
		if err := decodeExact(body, &in); err != nil {
			return nil, failure("SerializationException", "cognitotest: %v", err)
		}
		return f(p, ctx, in)
	}}
}

// admin is the same for administrators.
func admin[In any](f func(*Pool, context.Context, In) (any, error)) operation {
	o := public(f)
	o.admin = true
	return o
}

var operations = map[string]operation{
	"SignUp":                    public((*Pool).opSignUp),
	"ConfirmSignUp":             public((*Pool).opConfirmSignUp),
	"ResendConfirmationCode":    public((*Pool).opResendConfirmationCode),
	"InitiateAuth":              public((*Pool).opInitiateAuth),
	"RespondToAuthChallenge":    public((*Pool).opRespondToAuthChallenge),
	"GetTokensFromRefreshToken": public((*Pool).opGetTokensFromRefreshToken),
	"RevokeToken":               public((*Pool).opRevokeToken),
	"GlobalSignOut":             public((*Pool).opGlobalSignOut),
	"GetUser":                   public((*Pool).opGetUser),
	"UpdateUserAttributes":      public((*Pool).opUpdateUserAttributes),
	"DeleteUser":                public((*Pool).opDeleteUser),

	"AdminInitiateAuth":           admin((*Pool).opAdminInitiateAuth),
	"AdminRespondToAuthChallenge": admin((*Pool).opAdminRespondToAuthChallenge),
	"AdminCreateUser":             admin((*Pool).opAdminCreateUser),
	"AdminGetUser":                admin((*Pool).opAdminGetUser),
	"AdminUpdateUserAttributes":   admin((*Pool).opAdminUpdateUserAttributes),
	"AdminSetUserPassword":        admin((*Pool).opAdminSetUserPassword),
	"AdminConfirmSignUp":          admin((*Pool).opAdminConfirmSignUp),
	"AdminDeleteUser":             admin((*Pool).opAdminDeleteUser),
	"ListUsers":                   admin((*Pool).opListUsers),
	"DescribeUserPool":            admin((*Pool).opDescribeUserPool),
	"DescribeUserPoolClient":      admin((*Pool).opDescribeUserPoolClient),
}

// done is the answer of operations that answer nothing.
type done struct{}

// An attribute is how the API writes attributes, in lists.
type attribute struct{ Name, Value string }

func attributeMap(list []attribute) map[string]string {
	m := make(map[string]string, len(list))
	for _, a := range list {
		m[a.Name] = a.Value
	}
	return m
}

// attributeList is sorted by name, after sub.
func attributeList(m map[string]string) []attribute {
	list := []attribute{{"sub", m["sub"]}}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if name != "sub" && !strings.HasPrefix(name, "cognito:") {
			list = append(list, attribute{name, m[name]})
		}
	}
	return list
}

// checkWritable checks attributes that a client without administrator's rights
// sends.
func checkWritable(attributes map[string]string) error {
	for name := range attributes {
		if strings.HasSuffix(name, "_verified") {
			return errNotAuthorized("A client attempted to write unauthorized attribute") // (observed)
		}
	}
	return nil
}

type signUpIn struct {
	ClientId       string
	SecretHash     string
	Username       string
	Password       string
	UserAttributes []attribute
	ValidationData []attribute
	ClientMetadata map[string]string
}

// opSignUp needs no password: pools can be without them.
func (p *Pool) opSignUp(ctx context.Context, in signUpIn) (any, error) {
	c, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	if err := c.checkHash(in.SecretHash, in.Username); err != nil {
		return nil, err
	}
	attributes := attributeMap(in.UserAttributes)
	if err := checkWritable(attributes); err != nil {
		return nil, err
	}
	u, err := p.newUser(in.Username, uuid(random(16)), statusUnconfirmed, attributes)
	if err != nil {
		return nil, err
	}
	if in.Password != "" {
		if err := checkPassword(in.Password); err != nil {
			return nil, err
		}
	}
	if err := p.free(u); err != nil {
		return nil, err
	}

	r, err := p.preSignUp(ctx, "PreSignUp_SignUp", c.ID, u, in.ValidationData, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	if in.Password != "" {
		v := newVerifier(p.name(), u.name, in.Password)
		u.password = &v
	}
	answer := map[string]any{"UserConfirmed": r.AutoConfirmUser, "UserSub": u.sub}
	if r.AutoConfirmUser {
		u.status = statusConfirmed
	} else {
		u.code = newConfirmation(u)
	}
	if err := p.insert(u, r.AutoVerifyEmail || r.AutoVerifyPhone); err != nil {
		return nil, err
	}
	if r.AutoConfirmUser {
		return answer, p.postConfirmation(ctx, c.ID, u.name, in.ClientMetadata)
	}
	if u.code != nil {
		answer["CodeDeliveryDetails"] = p.sendCode(u)
	}
	return answer, nil
}

// preSignUp runs the trigger for a user who is not in the pool yet, and marks
// what it says is verified.
func (p *Pool) preSignUp(ctx context.Context, source, clientID string, u *user, validation []attribute, clientMetadata map[string]string) (signUpResponse, error) {
	var r signUpResponse
	request := signUpRequest{UserAttributes: u.attributes, ClientMetadata: clientMetadata}
	if len(validation) > 0 {
		request.ValidationData = attributeMap(validation)
	}
	t := trigger{"PreSignUp", source, p.config.Triggers.PreSignUp}
	if err := p.invoke(ctx, t, u.name, clientID, request, &r); err != nil {
		return r, err
	}
	for attribute, verified := range map[string]bool{"email": r.AutoVerifyEmail, "phone_number": r.AutoVerifyPhone} {
		if !verified {
			continue
		}
		if u.attributes[attribute] == "" {
			return r, failure("InvalidLambdaResponseException", "cognitotest: PreSignUp verifies %s, which the user does not have", attribute)
		}
		u.attributes[attribute+"_verified"] = "true"
	}
	return r, nil
}

func (p *Pool) postConfirmation(ctx context.Context, clientID, name string, clientMetadata map[string]string) error {
	u := p.find(name)
	if u == nil {
		return errUserNotFound()
	}
	t := trigger{"PostConfirmation", "PostConfirmation_ConfirmSignUp", p.config.Triggers.PostConfirmation}
	return p.invoke(ctx, t, u.name, clientID, confirmationRequest{
		UserAttributes: p.attributes(u),
		ClientMetadata: clientMetadata,
	}, new(emptyResponse))
}

// free reports an error if the user's name, or an attribute that is its name, is
// taken. It is looked at again when the user is added.
func (p *Pool) free(u *user) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users[fold(u.name)] != nil {
		return failure("UsernameExistsException", "User already exists")
	}
	for _, a := range p.config.UsernameAttributes {
		if _, taken := p.aliases[aliasKey(a, u.attributes[a])]; taken {
			return failure("UsernameExistsException", "An account with the given %s already exists.", a)
		}
	}
	return nil
}

const (
	// A confirmation code is valid for 24 hours (developer guide, "Signing up and
	// confirming user accounts").
	confirmationValidity = 24 * time.Hour

	// confirmationTries is how many wrong codes are looked at. The service does
	// not publish its number.
	confirmationTries = 5
)

// newConfirmation makes a code for the phone number or the e-mail address, or
// nil for a user with neither.
func newConfirmation(u *user) *confirmation {
	for _, attribute := range []string{"phone_number", "email"} {
		if u.attributes[attribute] != "" {
			return &confirmation{code: digits(), attribute: attribute, expires: time.Now().Add(confirmationValidity)}
		}
	}
	return nil
}

func digits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return fmt.Sprintf("%06d", n)
}

type deliveryDetails struct{ AttributeName, DeliveryMedium, Destination string }

// sendCode sends the user's code to the inbox and says where, as far as an app
// may know.
func (p *Pool) sendCode(u *user) deliveryDetails {
	to := u.attributes[u.code.attribute]
	p.send(u.code.attribute, to, u.code.code, "Your confirmation code is "+u.code.code)
	return delivery(u.code.attribute, to)
}

func (p *Pool) send(attribute, to, code, text string) {
	if p.config.Inbox != nil {
		p.config.Inbox.put(Message{To: to, Medium: medium(attribute), Code: code, Text: text})
	}
}

func medium(attribute string) string {
	if attribute == "email" {
		return "EMAIL"
	}
	return "SMS"
}

// delivery masks an address as the service does: +*******0100, a***@e***.
func delivery(attribute, to string) deliveryDetails {
	masked := ""
	if name, domain, ok := strings.Cut(to, "@"); ok {
		masked = name[:min(1, len(name))] + "***@" + domain[:min(1, len(domain))] + "***"
	} else if len(to) > 4 {
		masked = "+" + strings.Repeat("*", len(to)-5) + to[len(to)-4:]
	}
	return deliveryDetails{attribute, medium(attribute), masked}
}

type confirmSignUpIn struct {
	ClientId           string
	SecretHash         string
	Username           string
	ConfirmationCode   string
	ForceAliasCreation bool
	ClientMetadata     map[string]string
}

func (p *Pool) opConfirmSignUp(ctx context.Context, in confirmSignUpIn) (any, error) {
	c, u, err := p.signingUp(in.ClientId, in.SecretHash, in.Username)
	if err != nil {
		return nil, err
	}
	if in.ConfirmationCode == "" {
		return nil, errNull("confirmationCode")
	}
	if u == nil {
		return nil, errExpiredCode()
	}
	var refused error // beside the update, which keeps the count of wrong codes
	err = p.updateAlias(u.name, in.ForceAliasCreation, func(u *user) error {
		refused = u.confirm(in.ConfirmationCode)
		return nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return done{}, p.postConfirmation(ctx, c.ID, u.name, in.ClientMetadata)
}

// confirm checks the code and confirms the user, or counts a wrong one.
func (u *user) confirm(code string) error {
	switch {
	case u.status != statusUnconfirmed:
		return errNotAuthorized("User cannot be confirmed. Current status is " + u.status) // (observed)
	case u.code == nil || !time.Now().Before(u.code.expires):
		return errExpiredCode()
	case u.code.wrong >= confirmationTries:
		return failure("LimitExceededException", "Attempt limit exceeded, please try after some time.") // (observed)
	case !hmac.Equal([]byte(code), []byte(u.code.code)):
		counted := *u.code
		counted.wrong++
		u.code = &counted
		return failure("CodeMismatchException", "Invalid verification code provided, please try again.") // (observed)
	}
	u.attributes[u.code.attribute+"_verified"] = "true"
	u.status, u.code = statusConfirmed, nil
	return nil
}

func errExpiredCode() error {
	return failure("ExpiredCodeException", "Invalid code provided, please request a code again.") // (observed)
}

// signingUp finds client and user for the operations around sign-up. The user is
// nil for an unknown one who is not to be told from a known one.
func (p *Pool) signingUp(clientID, secretHash, name string) (*Client, *user, error) {
	c, err := p.client(clientID)
	if err != nil {
		return nil, nil, err
	}
	if err := checkName(name); err != nil {
		return nil, nil, err
	}
	if err := c.checkHash(secretHash, name); err != nil {
		return nil, nil, err
	}
	u := p.find(name)
	if u == nil && c.PreventUserExistenceErrors == existenceShown {
		return nil, nil, failure("UserNotFoundException", "Username/client id combination not found.") // (observed)
	}
	return c, u, nil
}

type resendIn struct {
	ClientId   string
	SecretHash string
	Username   string
}

func (p *Pool) opResendConfirmationCode(_ context.Context, in resendIn) (any, error) {
	_, u, err := p.signingUp(in.ClientId, in.SecretHash, in.Username)
	if err != nil {
		return nil, err
	}
	if u == nil { // a made-up destination, always the same
		end := binary.BigEndian.Uint16(p.derive("destination", fold(in.Username))) % 10_000
		fake := fmt.Sprintf("+0000000%04d", end)
		return map[string]any{"CodeDeliveryDetails": delivery("phone_number", fake)}, nil
	}
	var sent *user
	err = p.update(u.name, func(u *user) error {
		if u.status != statusUnconfirmed {
			return errParameter("User is already confirmed.") // (observed)
		}
		if u.code = newConfirmation(u); u.code == nil {
			return errParameter("cognitotest: the user has no phone_number and no email to send a code to")
		}
		sent = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"CodeDeliveryDetails": p.sendCode(sent)}, nil
}

type initiateAuthIn struct {
	AuthFlow       string
	AuthParameters map[string]string
	ClientId       string
	ClientMetadata map[string]string
}

func (p *Pool) opInitiateAuth(ctx context.Context, in initiateAuthIn) (any, error) {
	c, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	switch in.AuthFlow {
	case "":
		return nil, errNull("authFlow")
	case "CUSTOM_AUTH":
		if !c.allows("CUSTOM_AUTH") {
			return nil, errFlow(in.AuthFlow)
		}
		return p.signed(p.startCustom(ctx, c, in.AuthParameters, in.ClientMetadata))
	case "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN":
		if !c.allows("REFRESH_TOKEN_AUTH") || c.RotateRefreshTokens {
			return nil, errFlow("REFRESH_TOKEN_AUTH")
		}
		return p.signed(p.refreshAuth(ctx, c, in.AuthParameters, in.ClientMetadata))
	default:
		return nil, errParameter("cognitotest: the AuthFlow %q is not there", clip(in.AuthFlow))
	}
}

func errFlow(flow string) error {
	return errParameter("%s flow not enabled for this client", flow) // (observed)
}

func (p *Pool) refreshAuth(ctx context.Context, c *Client, parameters, clientMetadata map[string]string) (*authAnswer, error) {
	token := parameters["REFRESH_TOKEN"]
	if token == "" {
		return nil, errMissing("REFRESH_TOKEN")
	}
	o, err := p.openRefresh(token)
	if err != nil {
		return nil, err
	}
	names := []string{o.Name, o.Sub}
	if u := p.find(o.Name); u != nil {
		names = slices.AppendSeq(names, maps.Values(p.aliasesOf(u)))
	}
	if err := c.checkHash(parameters["SECRET_HASH"], names...); err != nil {
		return nil, err
	}
	g, err := p.refresh(ctx, c, token, false, clientMetadata)
	if err != nil {
		return nil, err
	}
	return &authAnswer{grant: g, ChallengeParameters: map[string]string{}}, nil
}

type respondIn struct {
	ChallengeName      string
	ChallengeResponses map[string]string
	ClientId           string
	ClientMetadata     map[string]string
	Session            string
}

func (p *Pool) opRespondToAuthChallenge(ctx context.Context, in respondIn) (any, error) {
	c, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	if in.ChallengeName == "" {
		return nil, errNull("challengeName")
	}
	return p.signed(p.respond(ctx, c, in.ChallengeName, in.Session, in.ChallengeResponses, in.ClientMetadata))
}

type refreshIn struct {
	ClientId       string
	ClientSecret   string
	ClientMetadata map[string]string
	RefreshToken   string
}

func (p *Pool) opGetTokensFromRefreshToken(ctx context.Context, in refreshIn) (any, error) {
	c, err := p.clientWithSecret(in.ClientId, in.ClientSecret)
	if err != nil {
		return nil, err
	}
	if in.RefreshToken == "" {
		return nil, errNull("refreshToken")
	}
	g, err := p.refresh(ctx, c, in.RefreshToken, c.RotateRefreshTokens, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	return &authAnswer{AuthenticationResult: p.sign(g)}, nil
}

// clientWithSecret is for the operations that take the secret itself.
func (p *Pool) clientWithSecret(id, secret string) (*Client, error) {
	c, err := p.client(id)
	if err != nil {
		return nil, err
	}
	if c.Secret != "" && !hmac.Equal([]byte(c.Secret), []byte(secret)) {
		return nil, errNotAuthorized("Client secret does not match for the client: " + c.ID)
	}
	return c, nil
}

type revokeIn struct{ ClientId, ClientSecret, Token string }

func (p *Pool) opRevokeToken(_ context.Context, in revokeIn) (any, error) {
	c, err := p.clientWithSecret(in.ClientId, in.ClientSecret)
	if err != nil {
		return nil, err
	}
	if in.Token == "" {
		return nil, errNull("token")
	}
	return done{}, p.revoke(c, in.Token)
}

type accessIn struct{ AccessToken string }

func (p *Pool) opGlobalSignOut(_ context.Context, in accessIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	return done{}, p.update(u.name, func(u *user) error {
		u.signOuts++
		u.signedOut = time.Now()
		return nil
	})
}

func (p *Pool) opGetUser(_ context.Context, in accessIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Username": u.name, "UserAttributes": attributeList(p.attributes(u))}, nil
}

func (p *Pool) opDeleteUser(_ context.Context, in accessIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	return done{}, p.remove(u.name)
}

type updateAttributesIn struct {
	AccessToken    string
	UserAttributes []attribute
}

// opUpdateUserAttributes sends no code for a changed address: there is no
// operation that would take it.
func (p *Pool) opUpdateUserAttributes(_ context.Context, in updateAttributesIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	attributes := attributeMap(in.UserAttributes)
	if err := checkWritable(attributes); err != nil {
		return nil, err
	}
	if err := p.setAttributes(u.name, attributes); err != nil {
		return nil, err
	}
	return map[string]any{"CodeDeliveryDetailsList": []deliveryDetails{}}, nil
}

// setAttributes changes attributes; an empty value removes one. An address that
// changes is no longer verified, unless the change says that it is.
func (p *Pool) setAttributes(name string, changes map[string]string) error {
	if _, ok := changes["sub"]; ok {
		return errParameter("user.sub: Attribute cannot be updated.") // (observed)
	}
	if err := checkAttributes(changes); err != nil {
		return err
	}
	return p.update(name, func(u *user) error {
		for _, address := range []string{"phone_number", "email"} {
			value, changed := changes[address]
			if changed && value != u.attributes[address] && u.attributes[address+"_verified"] != "" {
				u.attributes[address+"_verified"] = "false"
			}
		}
		for name, value := range changes {
			if value == "" {
				delete(u.attributes, name)
			} else {
				u.attributes[name] = value
			}
		}
		return nil
	})
}
