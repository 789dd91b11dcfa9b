package deploytest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCosts does the sums of the table of costs again, of the prices that its rows name,
// with the alarms and rules that there are.
func TestCosts(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "cdk", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	production := expected(profile{production: true})
	rules, alarms := float64(len(production.Firewall)-1), float64(len(production.Alarms))
	const million = 1e6
	sums := []struct {
		row string
		of  func(signIns float64) float64
	}{
		{"| Lambda (5 calls each at 0.20 a million, and 0.2 s of 512 MB in all at 0.0000133334 a GB-second", func(n float64) float64 {
			return n*5*0.20/million + n*0.2*0.5*0.0000133334
		}},
		{"| DynamoDB (5 writes each at 0.625 a million, 5 reads at 0.125)", func(n float64) float64 { return n * 5 * (0.625 + 0.125) / million }},
		// A month has 8,640 times 5 minutes; one instance, two and four are taken to be there.
		{"| Secrets Manager (2 secrets at 0.40;", func(n float64) float64 {
			return 2*0.40 + 8640*math.Max(1, 2*math.Log10(n/1e4))*0.05/1e4
		}},
		{"| logs (4 KB each at 0.50 a GB)", func(n float64) float64 { return n * 4 * 0.50 / million }},
		{"| Cognito Essentials (10,000 users a month free, then 0.015 each)", func(n float64) float64 { return math.Max(0, n/10-10000) * 0.015 }},
		{"| texts, to the United States at about 0.008", func(n float64) float64 { return n * 0.008 }},
		{"| **an example, together**", nil},
		{fmt.Sprintf("| production: WAF (5 for the list, 1 for each of %v rules, and 2 requests each at 0.60 a million)", rules), func(n float64) float64 {
			return 5 + rules + n*2*0.60/million
		}},
		{fmt.Sprintf("| production: %v alarms at 0.10, some 30 metrics at 0.30 in hours with sign-ins, a dashboard at 3", alarms), func(float64) float64 {
			return alarms*0.10 + 30*0.30 + 3
		}},
		{"| production: 2 KB more of logs", func(n float64) float64 { return n * 2 * 0.50 / million }},
		{"| **production, together**", nil},
		{"| `plan=plus` instead of Essentials (0.02 for each user, none free)", func(n float64) float64 { return n / 10 * 0.02 }},
	}
	for i, n := range []float64{1e3, 1e5, 1e6} {
		together := 0.0
		for _, s := range sums {
			cells := cellsOf(t, string(page), s.row)
			got, err := strconv.ParseFloat(strings.NewReplacer("*", "", ",", "").Replace(cells[i]), 64)
			if err != nil {
				t.Fatal(err)
			}
			want := together
			up := 1.0 // to a whole dollar
			if s.of != nil {
				want, up = s.of(n), 100
				together += want
			}
			// Rounded up to a cent, or to 5 where it is a guess.
			if want = math.Ceil(want*up-1e-6) / up; got < want || got > want+0.05*math.Max(1, want/1000) {
				t.Errorf("%v sign-ins, %s: %v, want %v", n, s.row, got, want)
			}
		}
	}
}

// cellsOf are the numbers of a row.
func cellsOf(t *testing.T, page, row string) []string {
	t.Helper()
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, row) {
			cells := strings.Split(strings.TrimSpace(line), " | ")
			cells[len(cells)-1] = strings.TrimSuffix(cells[len(cells)-1], " |")
			return cells[len(cells)-3:]
		}
	}
	t.Fatalf("no row %q", row)
	return nil
}
