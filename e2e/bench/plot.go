package main

// This file draws the results.

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// Measures of the plot, in pixels.
const (
	plotWidth  = 860
	labelWidth = 270 // left of the bars
	rightSpace = 70  // right of them, for the figures
	topSpace   = 96
	barHeight  = 15
	rowHeight  = 30
)

// plot draws the CPU of cold sign-ins as bars from the floor, on a logarithmic scale.
func plot(r *results) []byte {
	most := 2.0
	for _, v := range r.variants {
		most = max(most, v.ratio.median)
	}
	least := 0.8 // the floor's own bar ends at 1 and should be seen
	x := func(value float64) float64 {
		return labelWidth + (plotWidth-labelWidth-rightSpace)*math.Log(max(value, least)/least)/math.Log(most/least)
	}

	height := topSpace + rowHeight*len(r.variants) + 34
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">`+"\n", plotWidth, height, plotWidth, height)
	b.WriteString(`<title id="t">CPU of a cold sign-in, in multiples of an empty function</title>` + "\n<desc id=\"d\">")
	for _, v := range r.variants {
		fmt.Fprintf(&b, "%s: %.2f. ", html.EscapeString(v.label), v.ratio.median)
	}
	b.WriteString("</desc>\n")
	b.WriteString(`<style>
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2933}
.h{font-weight:600;font-size:15px} .s{fill:#52606d} .n{font-variant-numeric:tabular-nums} .e{text-anchor:end} .m{text-anchor:middle}
.bg{fill:#fff} .g{stroke:#e1e7ed} .one{stroke:#7b8794;stroke-dasharray:4 3} .free{fill:#0b6e6e}
@media (prefers-color-scheme:dark){text{fill:#e6edf3} .s{fill:#9fb0c0} .bg{fill:#0d1117} .g{stroke:#222c37} .one{stroke:#9fb0c0} .free{fill:#4fd1c5}}
</style>
`)
	fmt.Fprintf(&b, `<rect class="bg" width="%d" height="%d" rx="10"/>`+"\n", plotWidth, height)
	b.WriteString(`<text class="h" x="20" y="30">CPU of a cold sign-in, in multiples of an empty function</text>` + "\n")
	b.WriteString(`<text class="s" x="20" y="54">with TLS and all roots of the system</text>` + "\n")
	bottom := topSpace + rowHeight*len(r.variants)
	for tick := 1.0; tick <= most; tick *= 2 {
		class := "g"
		if tick == 1 {
			class = "one"
		}
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/><text class="s n m" x="%.1f" y="%d">%g×</text>`+"\n",
			class, x(tick), topSpace-10, x(tick), bottom, x(tick), topSpace-16, tick)
	}
	for i, v := range r.variants {
		y := topSpace + rowHeight*i
		fmt.Fprintf(&b, `<text class="e" x="%d" y="%d">%s</text>`+"\n", labelWidth-12, y+14, html.EscapeString(v.label))
		fmt.Fprintf(&b, `<rect class="free" x="%d" y="%d" width="%.1f" height="%d" rx="3"/><text class="n" x="%.1f" y="%d">%s</text>`+"\n",
			labelWidth, y+2, x(v.ratio.median)-labelWidth, barHeight, x(v.ratio.median)+6, y+14, figure(v.ratio.median))
	}
	fmt.Fprintf(&b, `<text class="s" x="20" y="%d">Logarithmic scale: each line is twice the one before. Shorter is better.</text>`+"\n", bottom+20)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// figure has two digits that matter, at least.
func figure(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
