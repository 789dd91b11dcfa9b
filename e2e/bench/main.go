// Command bench measures what a sign-in costs with this library and with what
// people would use instead, as whole processes over the Lambda Runtime API, and
// writes the results and their plot into the documentation:
//
//	cd e2e && go run ./bench
//
// All variants take turns in one run (A B C, B A C, …), every figure is a median,
// and what counts is its ratio to the empty function of the same run. Nothing
// leaves this machine: the Runtime API and AWS are stubs on 127.0.0.1.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// settings say how thoroughly to measure.
type settings struct {
	rounds    int           // cold sign-ins of each variant
	warm      int           // warm sign-ins of each variant
	benchtime time.Duration // how long each in-process benchmark takes; 0: none
	e2e       string        // this module's folder
	progress  io.Writer
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	out := flag.String("out", "../docs", "folder with benchmarks.md, whose results are replaced; images/benchmarks.svg is written below it")
	short := flag.Bool("short", false, "measure next to nothing: only to see that everything works")
	s := settings{e2e: ".", progress: os.Stderr}
	flag.IntVar(&s.rounds, "rounds", 31, "cold sign-ins of each variant")
	flag.IntVar(&s.warm, "warm", 300, "warm sign-ins of each variant")
	flag.DurationVar(&s.benchtime, "benchtime", time.Second, "time for each in-process benchmark")
	flag.Parse()
	if *short {
		s.rounds, s.warm, s.benchtime = 1, 2, 10*time.Millisecond
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s, *out); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, s settings, out string) error {
	began := time.Now()
	e2e, err := filepath.Abs(s.e2e)
	if err != nil {
		return err
	}
	s.e2e = e2e
	r, err := measure(ctx, s)
	if err != nil {
		return err
	}
	r.took = time.Since(began)
	if err := writeTable(filepath.Join(out, "benchmarks.md"), r); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(out, "images"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "images", "benchmarks.svg"), plot(r), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(s.progress, "wrote %s in %v\n", out, r.took.Round(time.Second))
	return nil
}
