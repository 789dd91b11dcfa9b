package dynamodbstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// parts are what one of several processes does, by name. The result is a number.
var parts = map[string]func(*dynamodbstore.Store) (int, error){"guess": guess, "budget": spend}

// TestMain makes this program one of several processes if the environment says so.
func TestMain(m *testing.M) {
	if part := parts[os.Getenv("PART")]; part != nil {
		if err := play(part, os.Getenv("PART_URL"), os.Getenv("PART_TABLE")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// play waits for a line on its input, does its part, and prints the result.
func play(part func(*dynamodbstore.Store) (int, error), url, table string) error {
	s, err := dynamodbstore.New(dynamodbstore.Options{Table: table, Client: client(url)})
	if err != nil {
		return err
	}
	if err := s.Patient().Warm(context.Background()); err != nil {
		return err
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	n, err := part(s)
	fmt.Println(n)
	return err
}

const (
	processes  = 4
	guesses    = 200
	maxGuesses = 10
)

// guess makes its part of the guesses at once. The result is how many were counted.
func guess(s *dynamodbstore.Store) (counted int, failed error) {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for range guesses / processes {
		wg.Go(func() {
			found, err := s.Update(context.Background(), "account:a",
				customauth.Op{Verb: customauth.Count, Counter: "guess", Windows: []customauth.Window{atMost(maxGuesses, time.Hour), atMost(20, 24*time.Hour)}},
				customauth.Op{Verb: customauth.Count, Counter: "failures", InARow: 100})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = err
			case found[0].Wait == 0:
				counted++
			}
		})
	}
	wg.Wait()
	return counted, failed
}

// 200 guesses at once from four processes against one account with a limit of 10:
// exactly 10 are counted.
func TestFourProcesses(t *testing.T) {
	if total := fourProcesses(t, "guess", dynamotest.Table(t)); total != maxGuesses {
		t.Errorf("%d guesses from %d processes: %d were counted, want exactly %d", guesses, processes, total, maxGuesses)
	}
}

// spent is a budget whose one window has new buckets all the time, and never has more
// events than the other.
var spent = []customauth.Window{atMost(150, time.Hour), atMost(200, 600*time.Millisecond)}

// spend counts and returns at once, in several places, never more than was counted in the
// same place, and at last counts until there is no room. The result is how many are
// counted then.
func spend(s *dynamodbstore.Store) (total int, failed error) {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	place := func(i int) (own int, err error) {
		for step := range 1_000 {
			n := 1 + (step+i)%3
			found, err := s.Update(context.Background(), "budget", op(n, spent...))
			if err != nil {
				return own, err
			}
			if found[0].Wait == 0 {
				own += n
			} else if step > 40 && n == 1 {
				return own, nil
			}
			if n = min(1+step%4, own); step <= 40 && n > 0 {
				if _, err := s.Update(context.Background(), "budget", op(-n, spent...)); err != nil {
					return own, err
				}
				own -= n
			}
		}
		return own, fmt.Errorf("there is room without end")
	}
	for i := range 4 {
		wg.Go(func() {
			own, err := place(i)
			mu.Lock()
			defer mu.Unlock()
			total += own
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	return total, failed
}

// Four processes count and return at once, until the budget is used up: then exactly Max
// are counted, of those that were not returned.
func TestFourProcessesReturn(t *testing.T) {
	table := dynamotest.Table(t)
	if total := fourProcesses(t, "budget", table); total != spent[0].Max {
		t.Errorf("a Max of %d is used up by %d that were not returned", spent[0].Max, total)
	}
	if got := counted(t, open(t, dynamodbstore.Options{Table: table}), "budget", spent[0]); got != spent[0].Max {
		t.Errorf("%d are counted, want %d", got, spent[0].Max)
	}
}

// fourProcesses lets four processes do their part at once. The result is the sum of
// theirs.
func fourProcesses(t *testing.T, part, table string) (total int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type process struct {
		in  io.Writer
		out *bufio.Scanner
		cmd *exec.Cmd
	}
	var all []process
	for range processes {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), "PART="+part, "PART_URL="+dynamotest.URL(t), "PART_TABLE="+table)
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
			if t.Failed() {
				t.Log(stderr.String())
			}
		})
		all = append(all, process{in, bufio.NewScanner(out), cmd})
	}
	for _, p := range all {
		if !p.out.Scan() || p.out.Text() != "ready" {
			t.Fatal("a process did not start")
		}
	}
	for _, p := range all {
		io.WriteString(p.in, "go\n")
	}
	for i, p := range all {
		var n int
		if p.out.Scan() {
			fmt.Sscan(p.out.Text(), &n)
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
		t.Logf("process %d: %d", i, n)
		total += n
	}
	return total
}
