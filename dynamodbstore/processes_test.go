package dynamodbstore_test

import (
	"bufio"
	"context"
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

// TestMain makes this program one of several guessers if the environment says so.
func TestMain(m *testing.M) {
	if url := os.Getenv("GUESS_URL"); url != "" {
		if err := guess(url, os.Getenv("GUESS_TABLE")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	processes  = 4
	guesses    = 200
	maxGuesses = 10
)

// guess waits for a line on its input, makes its part of the guesses at once, and
// prints how many were counted.
func guess(url, table string) error {
	s, err := dynamodbstore.New(dynamodbstore.Options{Table: table, Client: client(url)})
	if err != nil {
		return err
	}
	if err := s.Patient().Warm(context.Background()); err != nil {
		return err
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')

	var (
		mu      sync.Mutex
		counted int
		failed  error
		wg      sync.WaitGroup
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
	fmt.Println(counted)
	return failed
}

// 200 guesses at once from four processes against one account with a limit of 10:
// exactly 10 are counted.
func TestFourProcesses(t *testing.T) {
	url, table := dynamotest.URL(t), dynamotest.Table(t)
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
		cmd.Env = append(os.Environ(), "GUESS_URL="+url, "GUESS_TABLE="+table)
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
	total := 0
	for i, p := range all {
		var n int
		if p.out.Scan() {
			fmt.Sscan(p.out.Text(), &n)
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
		t.Logf("process %d: %d of %d guesses counted", i, n, guesses/processes)
		total += n
	}
	if total != maxGuesses {
		t.Errorf("%d guesses from %d processes: %d were counted, want exactly %d", guesses, processes, total, maxGuesses)
	}
}
