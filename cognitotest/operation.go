package cognitotest

// This file is the operations that apps call. Fields are named as in the API
// reference; those that only the real service can use are left out and ignored.

import (
	"cmp"
	"context"
	"crypto/hmac"
	"maps"
	"slices"
	"strings"
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
	"SignUp":                           public((*Pool).opSignUp),
	"ConfirmSignUp":                    public((*Pool).opConfirmSignUp),
	"ResendConfirmationCode":           public((*Pool).opResendConfirmationCode),
	"InitiateAuth":                     public((*Pool).opInitiateAuth),
	"RespondToAuthChallenge":           public((*Pool).opRespondToAuthChallenge),
	"GetTokensFromRefreshToken":        public((*Pool).opGetTokensFromRefreshToken),
	"RevokeToken":                      public((*Pool).opRevokeToken),
	"GlobalSignOut":                    public((*Pool).opGlobalSignOut),
	"ForgotPassword":                   public((*Pool).opForgotPassword),
	"ConfirmForgotPassword":            public((*Pool).opConfirmForgotPassword),
	"ChangePassword":                   public((*Pool).opChangePassword),
	"GetUser":                          public((*Pool).opGetUser),
	"DeleteUser":                       public((*Pool).opDeleteUser),
	"UpdateUserAttributes":             public((*Pool).opUpdateUserAttributes),
	"DeleteUserAttributes":             public((*Pool).opDeleteUserAttributes),
	"GetUserAttributeVerificationCode": public((*Pool).opGetUserAttributeVerificationCode),
	"VerifyUserAttribute":              public((*Pool).opVerifyUserAttribute),

	"AdminInitiateAuth":           admin((*Pool).opAdminInitiateAuth),
	"AdminRespondToAuthChallenge": admin((*Pool).opAdminRespondToAuthChallenge),
	"AdminCreateUser":             admin((*Pool).opAdminCreateUser),
	"AdminGetUser":                admin((*Pool).opAdminGetUser),
	"AdminUpdateUserAttributes":   admin((*Pool).opAdminUpdateUserAttributes),
	"AdminDeleteUserAttributes":   admin((*Pool).opAdminDeleteUserAttributes),
	"AdminSetUserPassword":        admin((*Pool).opAdminSetUserPassword),
	"AdminResetUserPassword":      admin((*Pool).opAdminResetUserPassword),
	"AdminConfirmSignUp":          admin((*Pool).opAdminConfirmSignUp),
	"AdminDeleteUser":             admin((*Pool).opAdminDeleteUser),
	"AdminDisableUser":            admin((*Pool).opAdminDisableUser),
	"AdminEnableUser":             admin((*Pool).opAdminEnableUser),
	"AdminUserGlobalSignOut":      admin((*Pool).opAdminUserGlobalSignOut),
	"ListUsers":                   admin((*Pool).opListUsers),

	"CreateGroup":              admin((*Pool).opCreateGroup),
	"GetGroup":                 admin((*Pool).opGetGroup),
	"UpdateGroup":              admin((*Pool).opUpdateGroup),
	"DeleteGroup":              admin((*Pool).opDeleteGroup),
	"ListGroups":               admin((*Pool).opListGroups),
	"ListUsersInGroup":         admin((*Pool).opListUsersInGroup),
	"AdminAddUserToGroup":      admin((*Pool).opAdminAddUserToGroup),
	"AdminRemoveUserFromGroup": admin((*Pool).opAdminRemoveUserFromGroup),
	"AdminListGroupsForUser":   admin((*Pool).opAdminListGroupsForUser),

	"CreateUserPool":         admin((*Pool).opCreateUserPool),
	"UpdateUserPool":         admin((*Pool).opUpdateUserPool),
	"DeleteUserPool":         admin((*Pool).opDeleteUserPool),
	"DescribeUserPool":       admin((*Pool).opDescribeUserPool),
	"ListUserPools":          admin((*Pool).opListUserPools),
	"AddCustomAttributes":    admin((*Pool).opAddCustomAttributes),
	"CreateUserPoolClient":   admin((*Pool).opCreateUserPoolClient),
	"UpdateUserPoolClient":   admin((*Pool).opUpdateUserPoolClient),
	"DeleteUserPoolClient":   admin((*Pool).opDeleteUserPoolClient),
	"DescribeUserPoolClient": admin((*Pool).opDescribeUserPoolClient),
	"ListUserPoolClients":    admin((*Pool).opListUserPoolClients),
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
func (c *Client) checkWritable(attributes map[string]string) error {
	for name := range attributes {
		if strings.HasSuffix(name, "_verified") || c.WriteAttributes != nil && !slices.Contains(c.WriteAttributes, name) {
			return errNotAuthorized("A client attempted to write unauthorized attribute") // (observed)
		}
	}
	return nil
}

// reads reports whether the client is told the attribute.
func (c *Client) reads(name string) bool {
	return c.ReadAttributes == nil || slices.Contains(c.ReadAttributes, name)
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
	if p.settings().adminOnly {
		return nil, errNotAuthorized("SignUp is not permitted for this user pool") // (observed)
	}
	if err := c.checkHash(in.SecretHash, in.Username); err != nil {
		return nil, err
	}
	attributes := attributeMap(in.UserAttributes)
	if err := c.checkWritable(attributes); err != nil {
		return nil, err
	}
	u, err := p.newUser(in.Username, uuid(random(16)), statusUnconfirmed, attributes)
	if err != nil {
		return nil, err
	}
	policy := p.settings().passwords
	if in.Password != "" {
		if err := policy.check(in.Password); err != nil {
			return nil, err
		}
	}
	if err := cmp.Or(p.settings().schema.required(u.attributes), p.free(u)); err != nil {
		return nil, err
	}

	r, err := p.preSignUp(ctx, "PreSignUp_SignUp", c.ID, u, in.ValidationData, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	unverified(u.attributes)
	if in.Password != "" {
		u.takePassword(newVerifier(p.name(), u.name, in.Password), policy)
	}
	if r.AutoConfirmUser {
		u.status = statusConfirmed
	} else if code := p.signUpCode(u); code != nil {
		u.setCode(codeSignUp, code)
	}
	if err := p.insert(u, r.AutoVerifyEmail || r.AutoVerifyPhone); err != nil {
		return nil, err
	}

	answer := map[string]any{"UserConfirmed": r.AutoConfirmUser, "UserSub": u.sub}
	if r.AutoConfirmUser {
		return answer, p.postConfirmation(ctx, c.ID, u.name, in.ClientMetadata)
	}
	if u.codes[codeSignUp] == nil {
		return answer, nil
	}
	answer["CodeDeliveryDetails"], err = p.sendSignUpCode(ctx, u, "CustomMessage_SignUp", c.ID, in.ClientMetadata)
	return answer, err
}

// preSignUp runs the trigger for a user who is not in the pool yet, and marks
// what it says is verified.
func (p *Pool) preSignUp(ctx context.Context, source, clientID string, u *user, validation []attribute, clientMetadata map[string]string) (signUpResponse, error) {
	var r signUpResponse
	request := signUpRequest{UserAttributes: u.attributes, ClientMetadata: clientMetadata}
	if len(validation) > 0 {
		request.ValidationData = attributeMap(validation)
	}
	t := trigger{name: "PreSignUp", source: source, handler: p.settings().triggers.PreSignUp}
	if err := p.invoke(ctx, t, u.name, clientID, request, &r); err != nil {
		return r, err
	}
	if source == "PreSignUp_SignUp" && !r.AutoConfirmUser && (r.AutoVerifyEmail || r.AutoVerifyPhone) {
		// (observed) aws/aws-sdk-java#1049; the type of the error is not known.
		return r, failure("InvalidLambdaResponseException", "Phone or email cannot be auto verified, when user is not being auto confirmed.")
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
	return p.confirmed(ctx, "PostConfirmation_ConfirmSignUp", clientID, name, clientMetadata)
}

func (p *Pool) confirmed(ctx context.Context, source, clientID, name string, clientMetadata map[string]string) error {
	u := p.find(name)
	if u == nil {
		return errUserNotFound()
	}
	t := trigger{name: "PostConfirmation", source: source, handler: p.settings().triggers.PostConfirmation}
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
	if p.users[p.fold(u.name)] != nil {
		return failure("UsernameExistsException", "User already exists")
	}
	for _, a := range p.config.UsernameAttributes {
		if _, taken := p.aliases[p.aliasKey(a, u.attributes[a])]; taken {
			return failure("UsernameExistsException", "An account with the given %s already exists.", a)
		}
	}
	return nil
}

// signUpCode makes the code that confirms a sign-up, for the address that the
// pool verifies, or nil.
func (p *Pool) signUpCode(u *user) *code {
	for _, a := range addresses {
		if u.attributes[a] != "" && slices.Contains(p.settings().autoVerified, a) {
			return p.newCode(a, u.attributes[a])
		}
	}
	return nil
}

// sendSignUpCode sends the code that confirms a sign-up.
func (p *Pool) sendSignUpCode(ctx context.Context, u *user, source, clientID string, clientMetadata map[string]string) (deliveryDetails, error) {
	c := u.codes[codeSignUp]
	return p.deliver(ctx, u, message{
		source:         source,
		clientID:       clientID,
		clientMetadata: clientMetadata,
		attribute:      c.attribute,
		to:             c.address,
		code:           c.digits,
		text:           codeText,
	})
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
	if u == nil {
		return nil, errExpiredCode()
	}
	if u.status != statusUnconfirmed {
		return nil, errNotUnconfirmed(u)
	}
	err = p.spendCode(u.name, codeSignUp, in.ConfirmationCode, in.ForceAliasCreation, func(u *user, c *code) error {
		if u.status != statusUnconfirmed {
			return errNotUnconfirmed(u)
		}
		if u.attributes[c.attribute] == c.address {
			u.attributes[c.attribute+"_verified"] = "true"
		}
		u.status = statusConfirmed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done{}, p.postConfirmation(ctx, c.ID, u.name, in.ClientMetadata)
}

func errNotUnconfirmed(u *user) error {
	return errNotAuthorized("User cannot be confirmed. Current status is " + u.status) // (observed)
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
	ClientId       string
	SecretHash     string
	Username       string
	ClientMetadata map[string]string
}

func (p *Pool) opResendConfirmationCode(ctx context.Context, in resendIn) (any, error) {
	c, u, err := p.signingUp(in.ClientId, in.SecretHash, in.Username)
	if err != nil {
		return nil, err
	}
	if len(p.settings().autoVerified) == 0 {
		return nil, errParameter("Cannot resend codes. Auto verification not turned on.") // (observed)
	}
	if u == nil {
		return map[string]any{"CodeDeliveryDetails": p.fakeDelivery(in.Username)}, nil
	}
	var sent *user
	err = p.update(u.name, func(u *user) error {
		if u.status != statusUnconfirmed {
			return errParameter("User is already confirmed.") // (observed)
		}
		c := p.signUpCode(u)
		if c == nil {
			return errParameter("cognitotest: the user has no phone_number and no email that the pool verifies")
		}
		u.setCode(codeSignUp, c)
		sent = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	d, err := p.sendSignUpCode(ctx, sent, "CustomMessage_ResendCode", c.ID, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	return map[string]any{"CodeDeliveryDetails": d}, nil
}

type initiateAuthIn struct {
	AuthFlow       string
	AuthParameters map[string]string
	ClientId       string
	ClientMetadata map[string]string
}

func (p *Pool) opInitiateAuth(ctx context.Context, in initiateAuthIn) (any, error) {
	return p.initiate(ctx, in, false)
}

// initiate begins a sign-in. Some flows are for administrators alone, one is for
// everybody else.
func (p *Pool) initiate(ctx context.Context, in initiateAuthIn, admin bool) (any, error) {
	c, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	switch in.AuthFlow {
	case "CUSTOM_AUTH":
		if !c.allows("CUSTOM_AUTH") {
			return nil, errFlow(in.AuthFlow)
		}
		return p.signed(p.startCustom(ctx, c, in.AuthParameters, in.ClientMetadata))
	case "USER_SRP_AUTH":
		if !c.allows("USER_SRP_AUTH") {
			return nil, errParameter("USER_SRP_AUTH is not enabled for the client.") // (observed)
		}
		return p.signed(p.startSRP(ctx, c, in.AuthParameters, in.ClientMetadata))
	case "USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH":
		switch {
		case admin == (in.AuthFlow == "USER_PASSWORD_AUTH"):
			return nil, errParameter("Initiate Auth method not supported.") // (observed)
		case admin && !c.allows("ADMIN_USER_PASSWORD_AUTH"):
			return nil, errParameter("Auth flow not enabled for this client") // (observed)
		case !admin && !c.allows("USER_PASSWORD_AUTH"):
			return nil, errFlow("USER_PASSWORD_AUTH")
		}
		return p.signed(p.startPassword(ctx, c, in.AuthParameters, in.ClientMetadata))
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
	return done{}, p.revoke(c, in.Token)
}

type accessIn struct{ AccessToken string }

func (p *Pool) opGlobalSignOut(_ context.Context, in accessIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	return done{}, p.update(u.name, func(u *user) error {
		u.signOut(p.now())
		return nil
	})
}

func (p *Pool) opGetUser(_ context.Context, in accessIn) (any, error) {
	u, client, err := p.authorizeClient(in.AccessToken)
	if err != nil {
		return nil, err
	}
	c, err := p.client(client)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(attributeList(p.attributes(u)), func(a attribute) bool { return a.Name != "sub" && !c.reads(a.Name) })
	return map[string]any{"Username": u.name, "UserAttributes": list}, nil
}

func (p *Pool) opDeleteUser(_ context.Context, in accessIn) (any, error) {
	u, err := p.authorize(in.AccessToken)
	if err != nil {
		return nil, err
	}
	return done{}, p.remove(u.name)
}
