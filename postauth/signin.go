package postauth

// This file is one sign-in: what it proved, whom it shuts out, and what is written
// down.

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/cyber-eternal/customauth"
)

type signIn struct {
	*marker
	pool, client, user string
	attributes         map[string]string
}

// media are those that a message to an attribute goes by.
var media = map[string][]string{"phone_number": {"SMS", "VOICE"}, "email": {"EMAIL"}}

// recent is how long ago a code may have been answered that this sign-in proved: the
// time of the steps after it.
const recent = 2 * time.Minute

// unmarked are the attributes that could be proved and do not say so yet.
func (s *signIn) unmarked() []string {
	if strings.EqualFold(s.attributes["cognito:user_status"], "EXTERNAL_PROVIDER") {
		return nil
	}
	var missing []string
	for _, name := range s.Attributes {
		if s.attributes[name] != "" && !strings.EqualFold(s.attributes[name+"_verified"], "true") {
			missing = append(missing, name)
		}
	}
	return missing
}

// byCode reports whether nobody signs in by this app client without a code.
func (s *signIn) byCode(ctx context.Context) (bool, error) {
	if slices.Contains(s.ClientIDs, s.client) {
		return true, nil
	}
	m, err := s.flows.of(ctx, s.pool, s.client)
	return m == byCode, err
}

// proved are those of the attributes that this sign-in proved.
func (s *signIn) proved(ctx context.Context, missing []string) ([]string, error) {
	if s.Proved == nil {
		return missing, nil
	}
	var proved []string
	for _, name := range missing {
		for _, medium := range media[name] {
			to := customauth.Destination{Medium: medium, Address: customauth.Hide(s.attributes[name])}
			age, err := s.Proved(ctx, s.pool, s.user, to)
			if err != nil {
				return nil, &plugged{"Proved", err}
			}
			if age >= 0 && age <= recent {
				proved = append(proved, name)
				break
			}
		}
	}
	return proved, nil
}

// shutsOut reports whether a first proof does anything to others.
func (m *marker) shutsOut() bool {
	return !m.InsecureKeepPassword || !m.InsecureKeepSessions || m.Removed != nil
}

// shutOut takes the account from everybody who was in it before its address was
// proved: first what one could come in by, and then who is in.
func (s *signIn) shutOut(ctx context.Context) error {
	if err := s.replacePassword(ctx); err != nil {
		return err
	}
	if s.Removed != nil {
		if err := s.Removed(ctx, s.pool, s.user); err != nil {
			return &plugged{"Removed", err}
		}
	}
	if s.InsecureKeepSessions {
		return nil
	}
	_, err := s.Client.AdminUserGlobalSignOut(ctx, &cognitoidentityprovider.AdminUserGlobalSignOutInput{
		UserPoolId: aws.String(s.pool),
		Username:   aws.String(s.user),
	}, quickly)
	return err
}

// replacePassword makes the password one that nobody knows, where one is a way in.
func (s *signIn) replacePassword(ctx context.Context) error {
	if s.InsecureKeepPassword {
		return nil
	}
	if any, err := s.flows.anyOtherwise(ctx, s.pool); err != nil || !any {
		return err
	}
	_, err := s.Client.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: aws.String(s.pool),
		Username:   aws.String(s.user),
		Password:   aws.String(randomPassword()),
		Permanent:  true,
	}, quickly)
	return err
}

// randomPassword meets every policy that a pool can have: characters of all four
// classes, and 99 of them at least (API reference, PasswordPolicyType).
func randomPassword() string {
	return "aA1-" + rand.Text() + rand.Text() + rand.Text() + rand.Text()
}

// mark writes the attributes and that they are verified. With its mark beside it, a
// value is set at once and without a message to the user, also where a pool verifies
// before it updates (API reference, AdminUpdateUserAttributes).
func (s *signIn) mark(ctx context.Context, proved []string) error {
	in := &cognitoidentityprovider.AdminUpdateUserAttributesInput{
		UserPoolId: aws.String(s.pool),
		Username:   aws.String(s.user),
	}
	for _, name := range proved {
		in.UserAttributes = append(in.UserAttributes,
			types.AttributeType{Name: aws.String(name), Value: aws.String(s.attributes[name])},
			types.AttributeType{Name: aws.String(name + "_verified"), Value: aws.String("true")})
	}
	_, err := s.Client.AdminUpdateUserAttributes(ctx, in, quickly)
	return err
}
