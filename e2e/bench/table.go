package main

// This file writes the results as Markdown.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	beginMark = "<!-- results: written by e2e/bench -->"
	endMark   = "<!-- end of the results -->"
)

// writeTable replaces the results in a file.
func writeTable(path string, r *results) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(beginMark))
	_, after, ok2 := bytes.Cut(rest, []byte(endMark))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %s … %s", path, beginMark, endMark)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(beginMark + "\n\n")
	r.markdown(&b)
	b.WriteString(endMark)
	b.Write(after)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func (r *results) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "Measured with %d cold sign-ins of each variant in each setting (JavaScript: %d) and %d warm ones, on %s, in %v.\n\n",
		r.rounds, (r.rounds+3)/4, r.warm, machine(), r.took.Round(time.Second))
	for _, note := range r.notes {
		fmt.Fprintf(b, "%s\n\n", note)
	}
	floor := r.variants[0]

	b.WriteString("### A cold sign-in, memory and size\n\n")
	b.WriteString("| | cold sign-in | × floor | of it, init | 128 MB and TLS | × floor | peak memory, cold | × floor | peak memory, warm | × floor | executables | zip |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, v := range r.variants {
		binary := "–"
		if v.binary > 0 {
			binary = megabytes(v.binary)
		}
		row(b, v.label, milliseconds(v.cold), times(v.cold, floor.cold), milliseconds(v.init),
			milliseconds(v.limited), times(v.limited, floor.limited),
			megabytes(v.coldPeak), times(v.coldPeak, floor.coldPeak),
			megabytes(v.warmPeak), times(v.warmPeak, floor.warmPeak), binary, megabytes(v.zipped))
	}

	b.WriteString("\n### One warm call\n\n")
	b.WriteString("| | Define | × floor | Create, with a text | × floor | Verify | × floor |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, v := range r.variants {
		cells := []string{v.label}
		for i := range triggers {
			cells = append(cells, microseconds(v.warm[i]), times(v.warm[i], floor.warm[i]))
		}
		row(b, cells...)
	}

	if len(r.inProcess) > 0 {
		b.WriteString("\n### In process\n\n")
		b.WriteString("| | `NewHandler`, JSON to JSON | allocations | typed handler, no JSON | allocations | typed handler in `lambda.Start` | aws-lambda-go decoding and encoding alone | allocations | `NewHandler` ÷ aws-lambda-go |\n")
		b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
		for _, p := range r.inProcess {
			ns := func(way string) string { return fmt.Sprintf("%.1f µs", p.metrics[way+"-ns"]/1000) }
			allocs := func(way string) string { return fmt.Sprintf("%.0f", p.metrics[way+"-allocs"]) }
			row(b, p.trigger, ns("raw"), allocs("raw"), ns("typed"), allocs("typed"), ns("started"), ns("lambda"), allocs("lambda"),
				fmt.Sprintf("%.2f", p.metrics["raw/lambda"]))
		}
	}

	b.WriteString("\n### Targets\n\n| | target | measured | |\n|---|--:|--:|---|\n")
	for _, t := range r.targets() {
		verdict := "met"
		if t.got > t.most {
			verdict = "**missed**"
		}
		row(b, t.what, fmt.Sprintf("≤ %.2f", t.most), fmt.Sprintf("%.2f", t.got), verdict)
	}
	b.WriteString("\n")
}

// A target is a ratio that should not be passed.
type target struct {
	what      string
	most, got float64
}

func (r *results) targets() []target {
	floor, one, bare := r.find("floor"), r.find("onelambda"), r.find("bare")
	list := []target{{"cold sign-in, `onelambda` ÷ floor", 1.25, ratio(one.cold, floor.cold)}}
	if floor.limited > 0 {
		list = append(list, target{"the same with the CPU of 128 MB and TLS", 1.35, ratio(one.limited, floor.limited)})
	}
	list = append(list,
		target{"warm Define ÷ floor", 1.15, ratio(one.warm[0], floor.warm[0])},
		target{"warm Create ÷ hand-written Go", 1, ratio(one.warm[1], bare.warm[1])},
		target{"warm Verify ÷ floor", 1.15, ratio(one.warm[2], floor.warm[2])},
		target{"peak memory after a cold sign-in ÷ floor", 1.35, ratio(one.coldPeak, floor.coldPeak)},
		target{"peak memory after the warm sign-ins ÷ floor", 1.35, ratio(one.warmPeak, floor.warmPeak)})
	for _, p := range r.inProcess {
		if p.trigger != "create and send" { // aws-lambda-go's decoding sends nothing
			list = append(list, target{"in process, " + p.trigger + ": `NewHandler` ÷ aws-lambda-go", 0.55, p.metrics["raw/lambda"]})
		}
	}
	return list
}

func (r *results) find(name string) *result {
	for _, v := range r.variants {
		if v.name == name {
			return v
		}
	}
	return &result{variant: &variant{name: name}}
}

func row(b *bytes.Buffer, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func ratio[N ~int64](n, floor N) float64 { return float64(n) / float64(max(floor, 1)) }

func times[N ~int64](n, floor N) string {
	if n == 0 || floor == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", ratio(n, floor))
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}

func microseconds(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3) }
func megabytes(n int64) string            { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// machine says what this is: processor, cores, kernel, Go and Node.
func machine() string {
	list := []string{fmt.Sprintf("%s/%s with %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			list[0] += " (" + strings.TrimLeft(line, "\t :") + ")"
		}
	}
	if out, err := exec.Command("uname", "-r").Output(); err == nil {
		list = append(list, "Linux "+strings.TrimSpace(string(out)))
	}
	list = append(list, runtime.Version())
	if out, err := exec.Command("node", "--version").Output(); err == nil {
		list = append(list, "Node "+strings.TrimSpace(string(out)))
	}
	return strings.Join(list, ", ")
}
