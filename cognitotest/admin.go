package cognitotest

// This file is the operations of administrators. No signature is checked.

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// checkPool checks the UserPoolId that every operation here has.
func (p *Pool) checkPool(id string) error {
	if id == "" {
		return errNull("userPoolId")
	}
	if id != p.config.ID {
		return failure("ResourceNotFoundException", "User pool %s does not exist.", clip(id)) // (observed)
	}
	return nil
}

// adminUser finds the user of an operation.
func (p *Pool) adminUser(poolID, name string) (*user, error) {
	if err := p.checkPool(poolID); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if u := p.find(name); u != nil {
		return u, nil
	}
	return nil, errUserNotFound()
}

type adminInitiateAuthIn struct {
	UserPoolId     string
	AuthFlow       string
	AuthParameters map[string]string
	ClientId       string
	ClientMetadata map[string]string
}

func (p *Pool) opAdminInitiateAuth(ctx context.Context, in adminInitiateAuthIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	return p.opInitiateAuth(ctx, initiateAuthIn{in.AuthFlow, in.AuthParameters, in.ClientId, in.ClientMetadata})
}

type adminRespondIn struct {
	UserPoolId         string
	ChallengeName      string
	ChallengeResponses map[string]string
	ClientId           string
	ClientMetadata     map[string]string
	Session            string
}

func (p *Pool) opAdminRespondToAuthChallenge(ctx context.Context, in adminRespondIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	return p.opRespondToAuthChallenge(ctx, respondIn{in.ChallengeName, in.ChallengeResponses, in.ClientId, in.ClientMetadata, in.Session})
}

type adminCreateUserIn struct {
	UserPoolId         string
	Username           string
	UserAttributes     []attribute
	ValidationData     []attribute
	ClientMetadata     map[string]string
	TemporaryPassword  string
	MessageAction      string
	ForceAliasCreation bool
}

// opAdminCreateUser makes a user who must change the password; a custom sign-in
// works without that.
func (p *Pool) opAdminCreateUser(ctx context.Context, in adminCreateUserIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	password := cmp.Or(in.TemporaryPassword, "Tmp-"+digits()+"-"+digits())
	if err := checkPassword(password); err != nil {
		return nil, err
	}
	if in.MessageAction == "RESEND" {
		return p.resendInvitation(in.Username, password)
	}

	attributes := attributeMap(in.UserAttributes)
	delete(attributes, "sub") // some tools send it back
	u, err := p.newUser(in.Username, uuid(random(16)), statusChangePassword, attributes)
	if err != nil {
		return nil, err
	}
	if err := p.free(u); err != nil {
		return nil, err
	}
	// No app client is involved, and the event says so (observed).
	_, err = p.preSignUp(ctx, "PreSignUp_AdminCreateUser", "CLIENT_ID_NOT_APPLICABLE", u, in.ValidationData, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	v := newVerifier(p.name(), u.name, password)
	u.password = &v
	if err := p.insert(u, in.ForceAliasCreation); err != nil {
		return nil, err
	}
	if in.MessageAction != "SUPPRESS" {
		p.invite(u, password)
	}
	return map[string]any{"User": p.listed(u)}, nil
}

func (p *Pool) resendInvitation(name, password string) (any, error) {
	u := p.find(name)
	if u == nil {
		return nil, errUserNotFound()
	}
	if u.status != statusChangePassword {
		return nil, failure("UnsupportedUserStateException", "Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.name)
	}
	if err := p.setPassword(u.name, password, false); err != nil {
		return nil, err
	}
	p.invite(u, password)
	return map[string]any{"User": p.listed(u)}, nil
}

// invite sends the temporary password to the phone number or e-mail address.
func (p *Pool) invite(u *user, password string) {
	for _, attribute := range []string{"phone_number", "email"} {
		if to := u.attributes[attribute]; to != "" {
			p.send(attribute, to, password, "Your username is "+u.name+" and temporary password is "+password+".")
			return
		}
	}
}

// A listedUser is UserType of the API.
type listedUser struct {
	Username             string
	Attributes           []attribute
	UserCreateDate       float64
	UserLastModifiedDate float64
	Enabled              bool
	UserStatus           string
}

func (p *Pool) listed(u *user) listedUser {
	return listedUser{u.name, attributeList(p.attributes(u)), epoch(u.created), epoch(u.modified), true, u.status}
}

// epoch is how the API writes times: seconds since 1970.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type adminUserIn struct {
	UserPoolId     string
	Username       string
	ClientMetadata map[string]string
}

func (p *Pool) opAdminGetUser(_ context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	l := p.listed(u)
	return map[string]any{
		"Username":             l.Username,
		"UserAttributes":       l.Attributes,
		"UserCreateDate":       l.UserCreateDate,
		"UserLastModifiedDate": l.UserLastModifiedDate,
		"Enabled":              l.Enabled,
		"UserStatus":           l.UserStatus,
	}, nil
}

type adminUpdateIn struct {
	UserPoolId     string
	Username       string
	UserAttributes []attribute
}

func (p *Pool) opAdminUpdateUserAttributes(_ context.Context, in adminUpdateIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.setAttributes(u.name, attributeMap(in.UserAttributes))
}

type adminPasswordIn struct {
	UserPoolId string
	Username   string
	Password   string
	Permanent  bool
}

func (p *Pool) opAdminSetUserPassword(_ context.Context, in adminPasswordIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.setPassword(u.name, in.Password, in.Permanent)
}

func (p *Pool) opAdminConfirmSignUp(ctx context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	err = p.update(u.name, func(u *user) error {
		if u.status != statusUnconfirmed {
			return errNotAuthorized("User cannot be confirmed. Current status is " + u.status)
		}
		u.status, u.code = statusConfirmed, nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done{}, p.postConfirmation(ctx, "CLIENT_ID_NOT_APPLICABLE", u.name, in.ClientMetadata)
}

func (p *Pool) opAdminDeleteUser(_ context.Context, in adminUserIn) (any, error) {
	u, err := p.adminUser(in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	return done{}, p.remove(u.name)
}

type listUsersIn struct {
	UserPoolId      string
	Filter          string
	Limit           int
	PaginationToken string
}

// userFilter is the one form of Filter: attribute = "value", or ^= for a prefix.
var userFilter = regexp.MustCompile(`^\s*"?([\w:]+)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$`)

// opListUsers lists by name. The pagination token is the last name of a page.
func (p *Pool) opListUsers(_ context.Context, in listUsersIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	const most = 60 // and the default (API reference, QueryLimitType)
	if in.Limit < 0 || in.Limit > most {
		return nil, errConstraint("limit", "Member must have value less than or equal to 60")
	}
	limit := cmp.Or(in.Limit, most)
	match := func(listedUser) bool { return true }
	if in.Filter != "" {
		parts := userFilter.FindStringSubmatch(in.Filter)
		if parts == nil {
			return nil, errParameter("Error while parsing filter.")
		}
		value := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(parts[3])
		match = func(u listedUser) bool {
			got := u.field(parts[1])
			return got == value || parts[2] == "^=" && strings.HasPrefix(got, value)
		}
	}

	p.mu.Lock()
	users := maps.Clone(p.users)
	p.mu.Unlock()
	answer := struct {
		Users           []listedUser
		PaginationToken string `json:",omitempty"`
	}{Users: []listedUser{}}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		u := p.listed(users[name])
		if name <= in.PaginationToken || !match(u) {
			continue
		}
		if len(answer.Users) == limit {
			answer.PaginationToken = fold(answer.Users[limit-1].Username)
			break
		}
		answer.Users = append(answer.Users, u)
	}
	return answer, nil
}

// field is what Filter can look at.
func (u listedUser) field(name string) string {
	switch name {
	case "username":
		return u.Username
	case "cognito:user_status":
		return u.UserStatus
	case "status":
		return "Enabled"
	}
	for _, a := range u.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

type describePoolIn struct{ UserPoolId string }

func (p *Pool) opDescribeUserPool(_ context.Context, in describePoolIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	functions := make(map[string]string)
	define, create, verify, _ := p.customAuth()
	t := p.config.Triggers
	for name, h := range map[string]lambda.Handler{
		"DefineAuthChallenge":         define.handler,
		"CreateAuthChallenge":         create.handler,
		"VerifyAuthChallengeResponse": verify.handler,
		"PreSignUp":                   t.PreSignUp,
		"PostConfirmation":            t.PostConfirmation,
		"PreAuthentication":           t.PreAuthentication,
		"PostAuthentication":          t.PostAuthentication,
		"PreTokenGeneration":          t.PreTokenGeneration,
	} {
		if h != nil {
			functions[name] = p.functionARN(name)
		}
	}
	p.mu.Lock()
	users := len(p.users)
	p.mu.Unlock()
	return map[string]any{"UserPool": map[string]any{
		"Id":                     p.config.ID,
		"Name":                   p.name(),
		"Arn":                    "arn:aws:cognito-idp:" + p.region + ":000000000000:userpool/" + p.config.ID,
		"UsernameAttributes":     slices.Concat([]string{}, p.config.UsernameAttributes),
		"AliasAttributes":        slices.Concat([]string{}, p.config.AliasAttributes),
		"LambdaConfig":           functions,
		"Policies":               map[string]any{"PasswordPolicy": map[string]any{"MinimumLength": 8}},
		"MfaConfiguration":       "OFF",
		"EstimatedNumberOfUsers": users,
		"CreationDate":           epoch(p.created),
		"LastModifiedDate":       epoch(p.created),
		"UsernameConfiguration":  map[string]bool{"CaseSensitive": false},
	}}, nil
}

type describeClientIn struct{ UserPoolId, ClientId string }

func (p *Pool) opDescribeUserPoolClient(_ context.Context, in describeClientIn) (any, error) {
	if err := p.checkPool(in.UserPoolId); err != nil {
		return nil, err
	}
	c, err := p.client(in.ClientId)
	if err != nil {
		return nil, err
	}
	d := map[string]any{
		"UserPoolId":                 p.config.ID,
		"ClientId":                   c.ID,
		"ClientName":                 c.Name,
		"ExplicitAuthFlows":          c.ExplicitAuthFlows,
		"PreventUserExistenceErrors": c.PreventUserExistenceErrors,
		"AuthSessionValidity":        int(c.AuthSessionValidity.Minutes()),
		"AccessTokenValidity":        int(c.AccessTokenValidity.Seconds()),
		"IdTokenValidity":            int(c.IDTokenValidity.Seconds()),
		"RefreshTokenValidity":       int(c.RefreshTokenValidity.Seconds()),
		"TokenValidityUnits":         map[string]string{"AccessToken": "seconds", "IdToken": "seconds", "RefreshToken": "seconds"},
		"EnableTokenRevocation":      true,
		"CreationDate":               epoch(p.created),
		"LastModifiedDate":           epoch(p.created),
	}
	if c.Secret != "" {
		d["ClientSecret"] = c.Secret
	}
	if c.RotateRefreshTokens {
		d["RefreshTokenRotation"] = map[string]any{"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
	}
	return map[string]any{"UserPoolClient": d}, nil
}
