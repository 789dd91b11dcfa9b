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

// A result is what was measured of one variant. Figures of many rounds are medians.
type result struct {
	*variant
	rounds       []*cold    // by round; nil where it took no part
	cold         cold       // the median of each
	ratio        spread     // of its CPU to the floor's in the same round
	warm         [3]float64 // CPU of one call of each trigger, in nanoseconds
	warmPeak     int64      // largest resident set after all warm sign-ins, in bytes
	instructions int64      // until it asks for its first event; 0: not measured
}

// A cold is a cold sign-in.
type cold struct {
	cpu, initCPU time.Duration // of all processes
	wall         time.Duration // from the start of a process to its answer, of all
	faults       int64         // pages that were mapped
	peak         int64         // largest resident set of a process, in bytes
}

// A spread is a median, and between what 8 of 10 are.
type spread struct{ low, median, high float64 }

// results are those of a run.
type results struct {
	settings
	variants    []*result
	inProcess   []inProcess
	notes       []string // what could not be measured, and why
	took        time.Duration
	load        [2]string // of the machine, before and after
	systemRoots int
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
	aws, err := newAWS(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer aws.close()
	r.systemRoots = aws.nRoots

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
	r.load[0] = load()
	if s.benchtime > 0 {
		fmt.Fprintln(s.progress, "in process")
		if r.inProcess, err = benchmarks(ctx, filepath.Dir(s.e2e), dir, s.benchtime); err != nil {
			return nil, err
		}
	}
	env := environment()
	fmt.Fprintln(s.progress, "cold")
	if err := r.coldRounds(ctx, append(env, aws.env()...), aws.sns); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.progress, "warm")
	if err := r.warmRounds(ctx, append(env, aws.plainEnv()...), aws.sns); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.progress, "instructions")
	if err := r.count(append(env, aws.plainEnv()...)); err != nil {
		return nil, err
	}
	r.load[1] = load()
	return r, nil
}

// load is how many processes wanted a CPU, on average, in the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
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
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
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
	for _, v := range r.variants {
		v.rounds = make([]*cold, r.rounds)
	}
	err := r.turns(ctx, r.rounds, true, func(round, i int, v *result) (err error) {
		s := newSignIn()
		if v.rounds[round], err = v.coldSignIn(s, triggers, env, sns); err != nil {
			return err
		}
		if i+1 < len(r.variants) && r.variants[i+1].after {
			v = r.variants[i+1]
			v.rounds[round], err = v.coldSignIn(s, []string{"post authentication"}, env, sns)
		}
		return err
	})
	for _, v := range r.variants {
		v.summarize(r.variants[0])
	}
	return err
}

// summarize finds the medians.
func (v *result) summarize(floor *result) {
	of := func(f func(*cold) int64) int64 {
		var list []int64
		for _, c := range v.rounds {
			if c != nil {
				list = append(list, f(c))
			}
		}
		return median(list)
	}
	v.cold = cold{
		cpu:     time.Duration(of(func(c *cold) int64 { return int64(c.cpu) })),
		initCPU: time.Duration(of(func(c *cold) int64 { return int64(c.initCPU) })),
		wall:    time.Duration(of(func(c *cold) int64 { return int64(c.wall) })),
		faults:  of(func(c *cold) int64 { return c.faults }),
		peak:    of(func(c *cold) int64 { return c.peak }),
	}
	var ratios []float64
	for i, c := range v.rounds {
		if c != nil && floor.rounds[i] != nil {
			ratios = append(ratios, ratio(c.cpu, floor.rounds[i].cpu))
		}
	}
	if slices.Sort(ratios); len(ratios) > 0 {
		v.ratio = spread{ratios[len(ratios)/10], ratios[len(ratios)/2], ratios[len(ratios)-1-len(ratios)/10]}
	}
}

// turns calls f for each variant in turn, a number of times, each time in another
// order: what ran just before leaves its traces in the processor's caches. In cold
// rounds JavaScript takes part in every fourth: it takes longer than all others
// together. What comes after a sign-in has no turn of its own.
func (r *results) turns(ctx context.Context, rounds int, cold bool, f func(round, i int, v *result) error) error {
	for round := range rounds {
		for _, i := range mathrand.Perm(len(r.variants)) {
			v := r.variants[i]
			if v.after || cold && v.node && round%4 != 0 {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := f(round, i, v); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	return nil
}

// coldSignIn signs a user in. A process is started when its first event is due, as
// on Lambda, and its start counts as part of that.
func (v *result) coldSignIn(s *signIn, triggers, env []string, sns *fakesns.Server) (*cold, error) {
	c := new(cold)
	var processes []*process
	defer func() {
		for _, p := range processes {
			p.stop()
		}
	}()
	_, err := s.run(triggers, func(trigger int, payload []byte) ([]byte, float64, error) {
		began := time.Now()
		if trigger < len(v.commands) {
			command := v.commands[trigger]
			command.env = env
			p, err := start(command)
			if err != nil {
				return nil, 0, err
			}
			processes = append(processes, p)
			if err := p.wait(); err != nil {
				return nil, 0, err
			}
			used, err := p.cpu()
			if err != nil {
				return nil, 0, err
			}
			c.initCPU += used
		}
		out, err := processes[len(processes)-1].invoke(payload)
		c.wall += time.Since(began)
		return out, 0, err
	}, sns, v.name != "floor")
	if err != nil {
		return nil, err
	}
	for _, p := range processes {
		used, err := p.cpu()
		if err != nil {
			return nil, err
		}
		peak, err := p.peak()
		if err != nil {
			return nil, err
		}
		faults, err := p.faults()
		if err != nil {
			return nil, err
		}
		c.cpu, c.peak, c.faults = c.cpu+used, max(c.peak, peak), c.faults+faults
	}
	return c, nil
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
		if v.after {
			continue
		}
		for _, command := range v.commands {
			command.env = env
			p, err := start(command)
			if err != nil {
				return err
			}
			processes[i] = append(processes[i], p)
			if err := p.wait(); err != nil {
				return err
			}
		}
	}
	samples := make([][3][]float64, len(r.variants))
	err := r.turns(ctx, before+r.warm, false, func(_, i int, v *result) error {
		took, err := newSignIn().run(triggers, func(trigger int, payload []byte) ([]byte, float64, error) {
			p := processes[i][trigger%len(processes[i])]
			began, err := p.cpu()
			if err != nil {
				return nil, 0, err
			}
			out, err := p.invoke(payload)
			if err != nil {
				return nil, 0, err
			}
			ended, err := p.cpu()
			return out, float64(ended - began), err
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
			if !v.after {
				v.warm[trigger] = median(samples[i][trigger][before:])
			}
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

var collected = regexp.MustCompile(`Collected : ([0-9]+)`)

// count counts the instructions of the init phase by callgrind, of the variants in one
// function. Their number is the same in each run but for a few in a hundred.
func (r *results) count(env []string) error {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		r.notes = append(r.notes, "Instructions were not counted: valgrind is not installed.")
		return nil
	}
	for _, v := range r.variants {
		if v.node || len(v.commands) != 1 || r.rounds == 1 {
			continue
		}
		command := v.commands[0]
		command.env, command.log = env, command.log+"-callgrind"
		command.args = append([]string{valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"}, command.args...)
		p, err := start(command)
		if err != nil {
			return err
		}
		err = p.wait()
		p.cmd.Process.Signal(os.Interrupt)
		p.stopWithin(patience)
		text, _ := os.ReadFile(command.log)
		found := collected.FindSubmatch(text)
		if err != nil || found == nil {
			return fmt.Errorf("%s: callgrind counted nothing: %v\n%s", v.name, err, text)
		}
		if v.instructions, err = strconv.ParseInt(string(found[1]), 10, 64); err != nil {
			return err
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
func median[N ~int64 | ~float64](list []N) N {
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
