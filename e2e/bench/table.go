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
	fmt.Fprintf(b, "Measured with %d cold sign-ins of each variant (JavaScript: %d) and %d warm ones, on %s, in %v. ",
		r.rounds, (r.rounds+3)/4, r.warm, machine(), r.took.Round(time.Second))
	fmt.Fprintf(b, "On average %s processes of this machine wanted a CPU in the minute before, and %s in the last one of the run, of which the benchmark itself is one or two. The system has %d roots.\n\n",
		r.load[0], r.load[1], r.systemRoots)
	for _, note := range r.notes {
		fmt.Fprintf(b, "%s\n\n", note)
	}
	floor := r.variants[0]

	b.WriteString("### A cold sign-in, with TLS\n\n")
	b.WriteString("| | CPU | × floor (8 in 10 rounds) | of it, init | elapsed | pages mapped | peak memory | instructions to the end of init | executables | zip |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, v := range r.variants {
		binary := "–"
		if v.binary > 0 {
			binary = megabytes(v.binary)
		}
		row(b, v.label, milliseconds(v.cold.cpu), v.ratio.String(), milliseconds(v.cold.initCPU), milliseconds(v.cold.wall),
			fmt.Sprint(v.cold.faults), mebibytes(v.cold.peak), millions(v.instructions), binary, megabytes(v.zipped))
	}

	b.WriteString("\n### One warm call, without TLS\n\n")
	b.WriteString("| | CPU of Define | × floor | of Create, with a text | × floor | of Verify | × floor | peak memory |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, v := range r.variants {
		if v.after {
			continue
		}
		cells := []string{v.label}
		for i := range triggers {
			cells = append(cells, fmt.Sprintf("%.0f µs", v.warm[i]/1e3), fmt.Sprintf("%.2f", v.warm[i]/max(floor.warm[i], 1)))
		}
		row(b, append(cells, mebibytes(v.warmPeak))...)
	}

	if len(r.inProcess) > 0 {
		b.WriteString("### In process\n\n")
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
		row(b, t.what, fmt.Sprintf("≤ %.4g%s", t.most, t.unit), fmt.Sprintf("%.2f%s", t.got, t.unit), verdict)
	}
	deployed := r.find("challenges").ratio.median + r.find("postauth").ratio.median
	fmt.Fprintf(b, "\nThe first sign-in of a deployed system starts both functions, and costs %.2f times what the empty one does; each further one starts neither.\n\n", deployed)
}

// A target is what should not be passed.
type target struct {
	what      string
	most, got float64
	unit      string
}

func (r *results) targets() []target {
	floor, one, bare := r.find("floor"), r.find("onelambda"), r.find("bare")
	challenges, after := r.find("challenges"), r.find("postauth")
	list := []target{
		{"CPU of a cold sign-in, as deployed, the challenges ÷ floor", 4.5, challenges.ratio.median, ""},
		{"the same, after the sign-in ÷ floor", 2.5, after.ratio.median, ""},
		{"zip of the challenges", 4.5, float64(challenges.zipped) / 1e6, " MB"},
		{"peak memory of the challenges", 15, float64(challenges.cold.peak) / (1 << 20), " MiB"},
	}
	if challenges.instructions > 0 {
		list = append(list, target{"instructions of the challenges' init", 9, float64(challenges.instructions) / 1e6, " M"})
	}
	list = append(list,
		target{"CPU of a cold sign-in, `onelambda` ÷ floor", 2.5, one.ratio.median, ""},
		target{"warm Define, `onelambda` ÷ floor", 1.15, one.warm[0] / max(floor.warm[0], 1), ""},
		target{"warm Create, `onelambda` ÷ hand-written Go", 1.2, one.warm[1] / max(bare.warm[1], 1), ""},
		target{"warm Verify, `onelambda` ÷ floor", 1.15, one.warm[2] / max(floor.warm[2], 1), ""})
	for _, p := range r.inProcess {
		if p.trigger != "create and send" { // aws-lambda-go's decoding sends nothing
			list = append(list, target{"in process, " + p.trigger + ": `NewHandler` ÷ aws-lambda-go", 0.55, p.metrics["raw/lambda"], ""})
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

func (s spread) String() string {
	if s.median == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median, s.low, s.high)
}

func millions(n int64) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f M", float64(n)/1e6)
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

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
