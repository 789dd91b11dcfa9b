package main

// This file is the run: build, cold sign-ins, warm sign-ins, in-process.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

// A result is what was measured of one variant. Times are medians.
type result struct {
	*variant
	cold     time.Duration    // start of the process to the answer of Verify, of all processes
	init     time.Duration    // of that, until the processes ask for their first event
	limited  time.Duration    // the same under the CPU share, over TLS; 0 if not measured
	warm     [3]time.Duration // one call of each trigger
	coldPeak int64            // largest resident set of a process after one sign-in, in bytes
	warmPeak int64            // the same after all warm ones
}

// results are those of a run.
type results struct {
	settings
	variants  []*result
	inProcess []inProcess
	notes     []string // what could not be measured, and why
	took      time.Duration
}

// An inProcess is one line of the root module's benchmark.
type inProcess struct {
	trigger string
	metrics map[string]float64
}

func measure(ctx context.Context, s settings) (*results, error) {
	r := &results{settings: s}
	dir, err := os.MkdirTemp("", "customauth-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)

	plain := fakesns.New()
	defer plain.Close()
	secure, err := newTLS(dir)
	if err != nil {
		return nil, err
	}
	defer secure.close()

	for _, v := range variants {
		v := *v
		fmt.Fprintf(s.progress, "build %s\n", v.name)
		if err := v.build(s.e2e, dir, nil); err != nil {
			if !v.node {
				return nil, err
			}
			r.notes = append(r.notes, "The JavaScript functions were not measured: "+firstLine(err)+".")
			continue
		}
		r.variants = append(r.variants, &result{variant: &v})
	}
	if s.benchtime > 0 {
		fmt.Fprintln(s.progress, "in process")
		if r.inProcess, err = benchmarks(ctx, filepath.Dir(s.e2e), dir, s.benchtime); err != nil {
			return nil, err
		}
	}
	env := environment()
	fmt.Fprintln(s.progress, "cold")
	if err := r.coldRounds(ctx, append(env, "AWS_ENDPOINT_URL_SNS="+plain.URL), plain); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.progress, "warm")
	if err := r.warmRounds(ctx, append(env, "AWS_ENDPOINT_URL_SNS="+plain.URL), plain); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.progress, "cold, with the CPU of 128 MB")
	if err := r.limitedRounds(ctx, append(env, secure.env()...), secure.sns); err != nil {
		return nil, err
	}
	return r, nil
}

// environment is what every process sees: what Lambda sets, with made-up
// credentials.
func environment() []string {
	key := make([]byte, 32)
	rand.Read(key)
	return []string{
		"GOMAXPROCS=1",
		"CUSTOMAUTH_KEYS=" + base64.StdEncoding.EncodeToString(key),
		"AWS_LAMBDA_FUNCTION_NAME=bench",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=made-up",
		"AWS_SECRET_ACCESS_KEY=made-up",
		"AWS_SESSION_TOKEN=made-up",
		"TZ=:UTC",
		"PATH=" + os.Getenv("PATH"),
	}
}

// coldRounds lets every variant sign one user in with fresh processes, in turns.
func (r *results) coldRounds(ctx context.Context, env []string, sns *fakesns.Server) error {
	samples := make([]struct {
		cold, init []time.Duration
		peak       []int64
	}, len(r.variants))
	err := r.turns(ctx, r.rounds, true, func(i int, v *result) error {
		one, err := v.coldSignIn(env, sns, nil)
		if err != nil {
			return err
		}
		samples[i].cold = append(samples[i].cold, one.total)
		samples[i].init = append(samples[i].init, one.init)
		samples[i].peak = append(samples[i].peak, one.peak)
		return nil
	})
	for i, v := range r.variants {
		v.cold, v.init, v.coldPeak = median(samples[i].cold), median(samples[i].init), median(samples[i].peak)
	}
	return err
}

// limitedRounds does the same with the CPU share of 128 MB once the init phase is
// over.
func (r *results) limitedRounds(ctx context.Context, env []string, sns *fakesns.Server) error {
	share, err := newShare(cores128MB, r.period)
	if err != nil {
		r.notes = append(r.notes, "The CPU share of 128 MB was not measured: "+firstLine(err)+".")
		return nil
	}
	defer share.close()
	samples := make([][]time.Duration, len(r.variants))
	err = r.turns(ctx, r.rounds, true, func(i int, v *result) error {
		one, err := v.coldSignIn(env, sns, share)
		if err != nil {
			return err
		}
		samples[i] = append(samples[i], one.total)
		return nil
	})
	for i, v := range r.variants {
		v.limited = median(samples[i])
	}
	return err
}

// turns calls f for each variant in turn, a number of times, each time in another
// order: what ran just before leaves its traces in the processor's caches. In cold
// rounds JavaScript takes part in every fourth: it takes longer than all others
// together.
func (r *results) turns(ctx context.Context, rounds int, cold bool, f func(i int, v *result) error) error {
	for round := range rounds {
		for _, i := range mathrand.Perm(len(r.variants)) {
			v := r.variants[i]
			if cold && v.node && round%4 != 0 {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := f(i, v); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	return nil
}

// A cold is a cold sign-in.
type cold struct {
	total, init time.Duration
	peak        int64
}

// coldSignIn signs a user in. A process is started when its first event is due, as
// on Lambda, and its start counts as part of that.
func (v *result) coldSignIn(env []string, sns *fakesns.Server, share *share) (c cold, err error) {
	var p *process // for the current trigger
	var clean []func()
	defer func() {
		for _, f := range clean {
			f()
		}
	}()
	launch := func(trigger int) (time.Duration, error) {
		var limit func(int) error
		if share != nil {
			g, err := share.group()
			if err != nil {
				return 0, err
			}
			limit = g.limit
			defer func() { clean = append(clean, g.remove) }()
			clean = append(clean, g.lift)
		}
		command := v.commands[trigger]
		command.env = env
		began := time.Now()
		if p, err = start(command, limit); err != nil {
			return 0, err
		}
		clean = append(clean, p.stop)
		err := p.wait()
		return time.Since(began), err
	}
	_, err = newSignIn().run(func(trigger int, payload []byte) ([]byte, time.Duration, error) {
		var starting time.Duration
		if trigger < len(v.commands) {
			var err error
			if starting, err = launch(trigger); err != nil {
				return nil, 0, err
			}
		}
		out, took, err := p.invoke(payload)
		if err != nil {
			return nil, 0, err
		}
		c.init += starting
		c.total += starting + took
		peak, err := p.peak()
		c.peak = max(c.peak, peak)
		return out, starting + took, err
	}, sns, v.name != "floor")
	return c, err
}

// warmRounds keeps the processes of all variants and lets them sign users in, in
// turns.
func (r *results) warmRounds(ctx context.Context, env []string, sns *fakesns.Server) error {
	const before = 20 // sign-ins that are not counted
	processes := make([][]*process, len(r.variants))
	defer func() {
		for _, list := range processes {
			for _, p := range list {
				p.stop()
			}
		}
	}()
	for i, v := range r.variants {
		for _, command := range v.commands {
			command.env = env
			p, err := start(command, nil)
			if err != nil {
				return err
			}
			processes[i] = append(processes[i], p)
			if err := p.wait(); err != nil {
				return err
			}
		}
	}
	samples := make([][3][]time.Duration, len(r.variants))
	err := r.turns(ctx, before+r.warm, false, func(i int, v *result) error {
		took, err := newSignIn().run(func(trigger int, payload []byte) ([]byte, time.Duration, error) {
			return processes[i][trigger%len(processes[i])].invoke(payload)
		}, sns, v.name != "floor")
		for trigger := range triggers {
			samples[i][trigger] = append(samples[i][trigger], took[trigger])
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, v := range r.variants {
		for trigger := range triggers {
			v.warm[trigger] = median(samples[i][trigger][before:])
		}
		for _, p := range processes[i] {
			peak, err := p.peak()
			if err != nil {
				return err
			}
			v.warmPeak = max(v.warmPeak, peak)
		}
	}
	return nil
}

var benchmarkLine = regexp.MustCompile(`^BenchmarkTriggers/(\S+?)(?:-[0-9]+)?\s+[0-9]+\s+(.*)$`)

// benchmarks runs the root module's benchmark. It is compiled first, so that
// nothing else is measured.
func benchmarks(ctx context.Context, root, dir string, d time.Duration) ([]inProcess, error) {
	binary := filepath.Join(dir, "customauth.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench=Triggers", "-test.benchtime="+d.String())
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	var list []inProcess
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		m := benchmarkLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		p := inProcess{trigger: strings.ReplaceAll(m[1], "_", " "), metrics: map[string]float64{}}
		fields := strings.Fields(m[2])
		for i := 0; i+1 < len(fields); i += 2 {
			if p.metrics[fields[i+1]], err = strconv.ParseFloat(fields[i], 64); err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil, errors.New("the benchmark printed nothing: " + string(out))
	}
	return list, nil
}

// median is the middle one, 0 of none.
func median[N ~int64](list []N) N {
	if len(list) == 0 {
		return 0
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
