package cognitotest

// This file lets the tests, which are outside of the package, see what is
// random or kept inside.

import (
	"maps"
	"math/big"
	"reflect"
	"slices"
	"time"
)

// SRPClient is the client's side of SRP with an exponent of the test's choice,
// or a random one for nil.
type SRPClient struct{ c srpClient }

func NewSRPClient(private *big.Int) SRPClient {
	if private == nil {
		return SRPClient{newSRPClient()}
	}
	return SRPClient{srpClient{private, new(big.Int).Exp(srpG, private, srpN)}}
}

func (s SRPClient) A() string { return s.c.a.Text(16) }

func (s SRPClient) Answer(parameters map[string]string, poolID, password, timestamp string) (map[string]string, error) {
	return s.c.answer(parameters, poolID, password, timestamp)
}

// SRPModulus is N.
func SRPModulus() *big.Int { return new(big.Int).Set(srpN) }

// OpenSessions opens n sessions for nobody and returns the first and the last
// one's session string.
func OpenSessions(p *Pool, n int) (first, last string, err error) {
	for i := range n {
		session, err := p.open(&attempt{
			client:    &p.config.Clients[0],
			userName:  "nobody",
			challenge: customChallenge,
		})
		if err != nil {
			return "", "", err
		}
		if i == 0 {
			first = session
		}
		last = session
	}
	return first, last, nil
}

// Sessions counts the sign-ins that wait for an answer.
func Sessions(p *Pool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sessions) != p.queue.Len() {
		panic("map and queue differ")
	}
	return len(p.sessions)
}

// Revocations is the memory of tokens that were taken back.
type Revocations struct{ r revocations }

func (r *Revocations) Add(id string, expires time.Time) bool { return r.r.add(id, expires) }
func (r *Revocations) Has(id string) bool                    { return r.r.has(id) }
func (r *Revocations) Len() int                              { return len(r.r.ids) }

// UserFields counts what a pool keeps of a user, and what it saves of that.
func UserFields() (kept, saved int) {
	return reflect.TypeFor[user]().NumField() + reflect.TypeFor[code]().NumField() + reflect.TypeFor[revocation]().NumField() + reflect.TypeFor[group]().NumField() - 1, // members are kept by the users
		reflect.TypeFor[savedUser]().NumField() + reflect.TypeFor[savedCode]().NumField() + reflect.TypeFor[savedRevocation]().NumField() + reflect.TypeFor[savedGroup]().NumField()
}

// Operations are the names of all operations that the pool has.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

// Index is the index of the lists that come in pages.
type Index struct{ x index }

func (i *Index) Add(key string)    { i.x.add(key) }
func (i *Index) Remove(key string) { i.x.remove(key) }

// From returns the keys that are not less than start.
func (i *Index) From(start string) []string {
	var keys []string
	i.x.from(start, func(key string) bool {
		keys = append(keys, key)
		return true
	})
	return keys
}
