package cognitotest

// This file keeps the sign-ins that wait for an answer, and makes the session
// strings by which they are found.

import (
	"container/list"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"time"
)

const (
	// sessionLimit is the most that Session may have, and 20 the least, by the
	// API reference of RespondToAuthChallenge. The service's own error in
	// aws-amplify/amplify-js#14411 says 8,192.
	sessionLimit = 2048
	sessionLeast = 20

	// sessionOverhead is what sealing adds, in bytes. The service's sessions are
	// messages of the AWS Encryption SDK (they begin with AYAB: version 1, type
	// 128), with one data key under KMS, all of that before base64. The whole one
	// in the API reference's example of InitiateAuth has 634 bytes, of which the
	// header of its one frame says that 231 are content.
	sessionOverhead = 634 - 231

	// sessionsKept bounds the abandoned sign-ins that are remembered. The oldest
	// go first.
	sessionsKept = 200_000
)

// An attempt is a sign-in that waits for an answer. It is not changed once it is
// open; the next challenge is a new one.
type attempt struct {
	id       sessionID
	client   *Client
	userName string // the user's, or made up
	notFound bool
	entries  []challengeResult // the session that triggers see

	byPassword  bool   // Define has no part in it
	tokenSource string // of PreTokenGeneration, if not that of other sign-ins

	challenge string            // CUSTOM_CHALLENGE or PASSWORD_VERIFIER
	metadata  *string           // what Create returned
	private   map[string]string // likewise
	srp       *srpServer        // for PASSWORD_VERIFIER
	expires   time.Time
}

type sessionID [16]byte

// weight estimates how many characters the service's session string would have
// for this attempt: what it must carry, as JSON, sealed, in base64.
func (a *attempt) weight() int {
	carried, err := json.Marshal(struct {
		ChallengeMetadata          *string           `json:"challengeMetadata"`
		ChallengeName              string            `json:"challengeName"`
		ClientID                   string            `json:"clientId"`
		PrivateChallengeParameters map[string]string `json:"privateChallengeParameters"`
		Session                    []challengeResult `json:"session"`
		UserName                   string            `json:"username"`
	}{a.metadata, a.challenge, a.client.ID, a.private, a.entries, a.userName})
	if err != nil {
		panic(err) // strings and booleans cannot fail
	}
	return base64.RawURLEncoding.EncodedLen(sessionOverhead + len(carried))
}

// open keeps the attempt and returns its session string.
func (p *Pool) open(a *attempt) (session string, err error) {
	if n, limit := a.weight(), p.config.SessionLimit; limit > 0 && n > limit {
		return "", failure("InvalidLambdaResponseException",
			"cognitotest: Session would weigh %d characters, more than %d: challengeMetadata of all rounds and privateChallengeParameters are too large", n, limit)
	}
	now := p.now()
	a.id = sessionID(random(16))
	a.expires = now.Add(a.client.AuthSessionValidity)

	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.queue.Front(); e != nil; e = p.queue.Front() {
		if oldest := e.Value.(*attempt); now.Before(oldest.expires) && p.queue.Len() < sessionsKept {
			break
		}
		p.dropLocked(e)
	}
	p.sessions[a.id] = p.queue.PushBack(a)
	return base64.RawURLEncoding.EncodeToString(p.ticket("session", a.id, a.expires)), nil
}

func (p *Pool) dropLocked(e *list.Element) {
	delete(p.sessions, e.Value.(*attempt).id)
	p.queue.Remove(e)
}

// block is SECRET_BLOCK of the attempt: a second string by which it is found.
func (p *Pool) block(a *attempt) string {
	return base64.StdEncoding.EncodeToString(p.ticket("secret block", a.id, a.expires))
}

// A ticket is the ID of an attempt, when it expires, and a tag. By the tag the
// pool knows its own tickets without keeping those that are spent.
func (p *Pool) ticket(kind string, id sessionID, expires time.Time) []byte {
	t := binary.BigEndian.AppendUint64(id[:], uint64(expires.UnixNano()))
	return append(t, p.derive(kind, string(t))...)
}

// redeem returns the attempt of a ticket without ending it.
func (p *Pool) redeem(kind string, ticket []byte) (*attempt, error) {
	const plain = len(sessionID{}) + 8
	if len(ticket) < plain || !hmac.Equal(ticket[plain:], p.derive(kind, string(ticket[:plain]))) {
		return nil, errNotAuthorized("Invalid session for the user.") // (observed)
	}
	expires := time.Unix(0, int64(binary.BigEndian.Uint64(ticket[len(sessionID{}):])))
	if !p.now().Before(expires) {
		return nil, errNotAuthorized("Invalid session for the user, session is expired.") // (observed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.sessions[sessionID(ticket)]; e != nil {
		return e.Value.(*attempt), nil
	}
	return nil, errSpent()
}

func errSpent() error {
	return errNotAuthorized("Invalid session for the user, session can only be used once.") // (observed)
}

// end spends the attempt. Of several at once, one succeeds.
func (p *Pool) end(a *attempt) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.sessions[a.id]
	if e == nil {
		return errSpent()
	}
	p.dropLocked(e)
	return nil
}
