package attack_test

// Several processes, as instances of a function on Lambda are: each has handlers of
// its own, and all they share is the table of a DynamoDB. This file has the attacks
// that try to get more out of that than out of one process.

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/internal/httpbody"
)

// TestMain makes this program one of several attackers if the environment says so.
func TestMain(m *testing.M) {
	if role := os.Getenv("ATTACK_ROLE"); role != "" {
		attacker(roles[role])
		return
	}
	os.Exit(m.Run())
}

const processes = 4

// A role is what a process does in each round, with a store of its own on the table
// that all share. It is told which of the processes it is.
type role func(store customauth.Store, process int) (ready, round func() report)

var roles = map[string]role{"race": racing, "guess": guessingHere, "pump": pumpingHere}

// A report is what a process did in a round.
type report struct{ Requests, Compared, Texts, Broken int }

func (r *report) add(o report) {
	r.Requests, r.Compared = r.Requests+o.Requests, r.Compared+o.Compared
	r.Texts, r.Broken = r.Texts+o.Texts, r.Broken+o.Broken
}

// attacker is the main function of an attacking process. Each line on its input is
// the time of the store's clock, in milliseconds since 1970: "ready" prepares a
// round, the next line begins it.
func attacker(as role) {
	var clock atomic.Int64
	clock.Store(time.Now().UnixMilli())
	store, err := dynamodbstore.New(dynamodbstore.Options{
		Table:  os.Getenv("ATTACK_TABLE"),
		Client: client(os.Getenv("ATTACK_URL")),
		Now:    func() time.Time { return time.UnixMilli(clock.Load()) },
	})
	check(err)
	check(store.Warm(context.Background()))
	var process int
	fmt.Sscan(os.Getenv("ATTACK_PROCESS"), &process)
	ready, round := as(store, process)
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var now int64
		if n, _ := fmt.Sscan(in.Text(), &now); n == 0 {
			out.Encode(ready())
			continue
		}
		clock.Store(now)
		out.Encode(round())
	}
}

// check ends an attacking process that cannot go on.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// client returns a client of the server at url.
func client(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-west-1",
		HTTPClient:   httpbody.Client(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })),
		BaseEndpoint: aws.String(url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// A gang is the processes as their parent sees them.
type gang []member

type member struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

func newGang(t *testing.T, as string) (g gang) {
	t.Helper()
	url, table := dynamotest.URL(t), dynamotest.Table(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range processes {
		cmd := exec.Command(self) // it ends when its input does
		cmd.Env = append(os.Environ(), "ATTACK_ROLE="+as, "ATTACK_URL="+url, "ATTACK_TABLE="+table, fmt.Sprint("ATTACK_PROCESS=", i))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := cmd.Wait(); err != nil && !t.Failed() {
				t.Errorf("process %d: %v", i, err)
			}
			if t.Failed() {
				t.Log(stderr.String())
			}
		})
		g = append(g, member{in, bufio.NewScanner(out)})
	}
	return g
}

// all tells every process the same, at the same time, and adds up what they did.
func (g gang) all(t *testing.T, line string) (sum report) {
	t.Helper()
	for _, m := range g {
		io.WriteString(m.in, line+"\n")
	}
	for i, m := range g {
		var r report
		if !m.out.Scan() {
			t.Fatalf("process %d is gone", i)
		}
		if err := json.Unmarshal(m.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		sum.add(r)
	}
	return sum
}

func (g gang) round(t *testing.T, now time.Time) report {
	t.Helper()
	return g.all(t, fmt.Sprint(now.UnixMilli()))
}

const (
	raceGuesses = 200
	raceLimit   = 10
)

// A word is a challenge that sends nothing and counts its comparisons.
type word struct{ compared *atomic.Int64 }

func (word) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{Answer: customauth.Hide("open sesame")}, nil
}

func (word) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }

func (w word) Check(_ context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	w.compared.Add(1)
	return customauth.Checked{Right: r.Matches(answer, customauth.Destination{})}, nil
}

// A race is answers to challenges of one account that are given all at once.
type race struct {
	create   func(context.Context, events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error)
	verify   func(context.Context, events.CognitoEventUserPoolsVerifyAuthChallenge) (events.CognitoEventUserPoolsVerifyAuthChallenge, error)
	answers  []events.CognitoEventUserPoolsVerifyAuthChallenge
	compared atomic.Int64
	broken   atomic.Int64 // answers that were not compared because the store did not answer
}

func newRace(store customauth.Store) (*race, error) {
	r := new(race)
	o := customauth.Options{
		Keys:       keys,
		CounterKey: counterKey,
		Steps:      []customauth.Step{{Name: "word", Challenge: word{&r.compared}}},
		Limits:     customauth.Limits{Guesses: []customauth.Window{{Max: raceLimit, Per: time.Hour}, {Max: 20, Per: day}}},
		Store:      store,
		Logger:     discard,
	}
	var err error
	if r.create, err = customauth.NewCreate(o); err == nil {
		r.verify, err = customauth.NewVerify(o)
	}
	return r, err
}

// ready has challenges made, each in a sign-in of its own.
func (r *race) ready(account string, guesses int) error {
	var header events.CognitoEventUserPoolsHeader
	header.UserPoolID, header.UserName, header.CallerContext.ClientID = "eu-west-1_Ab1Cd2Ef3", account, "client"
	r.answers = nil
	for tries := 0; len(r.answers) < guesses; tries++ {
		c := events.CognitoEventUserPoolsCreateAuthChallenge{CognitoEventUserPoolsHeader: header}
		c.Request.ChallengeName = "CUSTOM_CHALLENGE"
		c, err := r.create(context.Background(), c)
		switch {
		case err == nil:
			v := events.CognitoEventUserPoolsVerifyAuthChallenge{CognitoEventUserPoolsHeader: header}
			v.Request.PrivateChallengeParameters = c.Response.PrivateChallengeParameters
			v.Request.ChallengeAnswer = "wrong"
			r.answers = append(r.answers, v)
		case tries == 5*guesses: // the table was too slow, again and again
			return err
		}
	}
	r.compared.Store(0)
	r.broken.Store(0)
	return nil
}

func (r *race) run() {
	var wg sync.WaitGroup
	for _, v := range r.answers {
		wg.Go(func() {
			if _, err := r.verify(context.Background(), v); err != nil {
				r.broken.Add(1)
			}
		})
	}
	wg.Wait()
}

// 200 guesses at once against one account with a limit of 10 an hour: exactly 10
// are compared. In one process, in memory, and in simulated time: no guess waits too long
// for a busy machine.
func TestParallelGuessesInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := newRace(customauth.NewMemoryStore())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.ready("alice", raceGuesses); err != nil {
			t.Fatal(err)
		}
		r.run()
		if n := r.compared.Load(); n != raceLimit {
			t.Errorf("%d guesses at once: %d were compared, want exactly %d", raceGuesses, n, raceLimit)
		}
	})
}

// The same from four processes that share a table in DynamoDB. On a busy machine
// the table may not answer a guess in time, which is then not compared although it
// may be counted. Such a race shows that there are not more than 10; it is run
// again, for one that shows that there are not fewer.
func TestParallelGuessesFromFourProcesses(t *testing.T) {
	g := newGang(t, "race")
	most := 0
	for try := range 8 {
		g.all(t, "ready")
		got := g.round(t, time.Now())
		t.Logf("race %d: %d guesses, %d compared, %d without an answer of the table", try+1, got.Requests, got.Compared, got.Broken)
		most = max(most, got.Compared)
		if got.Requests != raceGuesses || most > raceLimit {
			break
		}
		if got.Broken == 0 {
			most = got.Compared
			break
		}
	}
	if most != raceLimit {
		t.Errorf("%d guesses at once: %d were compared, want exactly %d", raceGuesses, most, raceLimit)
	}
}

// racing is a quarter of a race, each time for another account.
func racing(store customauth.Store, _ int) (ready, round func() report) {
	r, err := newRace(store)
	check(err)
	races := 0
	ready = func() report {
		var wg sync.WaitGroup
		for range raceGuesses / processes { // opens the connections; whether the table answers in time does not matter
			wg.Go(func() {
				store.Update(context.Background(), "warm:x", customauth.Op{Counter: "x", Windows: []customauth.Window{{Max: 1, Per: time.Hour}}})
			})
		}
		wg.Wait()
		races++
		check(r.ready(fmt.Sprint("alice", races), raceGuesses/processes))
		return report{}
	}
	round = func() report {
		r.run()
		return report{Requests: len(r.answers), Compared: int(r.compared.Load()), Broken: int(r.broken.Load())}
	}
	return ready, round
}

// Two simulated days of guessing one account from four processes: what counts is
// the table's clock.
func TestGuessingFromFourProcesses(t *testing.T) {
	const days = 2
	g := newGang(t, "guess")
	now := time.Now()
	var sum report
	for today := range days {
		var got report
		for range 24 * 60 / size(30, 10) {
			got.add(g.round(t, now))
			now = now.Add(time.Duration(size(30, 10)) * time.Minute)
		}
		t.Logf("day %d: %d requests, %d comparisons, %d texts, %d without an answer of the table", today+1, got.Requests, got.Compared, got.Texts, got.Broken)
		if got.Compared > 3*unproved || got.Texts > unproved {
			t.Errorf("day %d: %d comparisons and %d texts, want at most %d and %d", today+1, got.Compared, got.Texts, 3*unproved, unproved)
		}
		if got.Broken == 0 && got.Compared < 2*unproved {
			t.Errorf("day %d: only %d comparisons: the attack was too weak to show anything", today+1, got.Compared)
		}
		sum.add(got)
	}
	if sum.Compared == 0 {
		t.Error("nothing was compared: the attack shows nothing")
	}
}

// unproved is how many texts a day go to a number that nobody has proved, and each is
// good for three guesses.
const unproved = 5

// guessingHere is a process with two sessions at a time.
func guessingHere(store customauth.Store, _ int) (ready, round func() report) {
	var broken atomic.Int64
	sc, err := setup{store: store, see: countBroken(&broken)}.scene()
	check(err)
	check(sc.add(victim))
	return nil, func() report {
		texts, compared := sc.phones.all(), sc.compared.all()
		broken.Store(0)
		var wg sync.WaitGroup
		var requests atomic.Int64
		for range 2 {
			wg.Go(func() {
				requests.Add(int64(sc.guess(context.Background(), victim, 3)))
			})
		}
		wg.Wait()
		return report{int(requests.Load()), sc.compared.all() - compared, sc.phones.all() - texts, int(broken.Load())}
	}
}

// Half a simulated day of pumping one country from four processes: the budgets
// hold for all of them together.
func TestPumpingFromFourProcesses(t *testing.T) {
	g := newGang(t, "pump")
	now := time.Now()
	var sum report
	for hour := range 8 {
		got := g.round(t, now)
		if got.Texts > countryHour {
			t.Errorf("hour %d: %d texts, want at most %d", hour+1, got.Texts, countryHour)
		}
		if got.Broken == 0 && hour == 0 && got.Texts != countryHour {
			t.Errorf("%d texts in the first hour, want %d", got.Texts, countryHour)
		}
		sum.add(got)
		now = now.Add(time.Hour)
	}
	t.Logf("%d requests, %d texts, %d without an answer of the table", sum.Requests, sum.Texts, sum.Broken)
	if sum.Texts > countryDay || sum.Broken == 0 && sum.Texts != countryDay {
		t.Errorf("%d texts, want %d", sum.Texts, countryDay)
	}
	if sum.Texts == 0 {
		t.Error("nothing was sent: the attack shows nothing")
	}
}

// pumpingHere asks for codes for ten accounts more in each round.
func pumpingHere(store customauth.Store, process int) (ready, round func() report) {
	var broken atomic.Int64
	sc, err := setup{store: store, guard: served(), see: countBroken(&broken)}.scene()
	check(err)
	n := process * 100_000
	return nil, func() report {
		texts := sc.phones.all()
		broken.Store(0)
		for range 10 {
			check(sc.add(srilankan(n)))
			sc.guess(context.Background(), srilankan(n), 0)
			n++
		}
		return report{Requests: 10, Texts: sc.phones.all() - texts, Broken: int(broken.Load())}
	}
}

// countBroken counts what the store did not answer, and what the guard refused
// because of that.
func countBroken(n *atomic.Int64) func(context.Context, customauth.Event) {
	return func(_ context.Context, e customauth.Event) {
		if e.Outcome == customauth.Broken || e.Reason == customauth.ReasonGuard && strings.Contains(e.Err.Error(), "store_failed") {
			n.Add(1)
		}
	}
}
