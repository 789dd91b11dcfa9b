package secretskeys

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// Freeze is what a snapshot does to a handler: d of wall time pass, and the monotonic
// clock stands still. Whatever has a reading of that clock is compared by it, and gets
// no older.
func Freeze(h lambda.Handler, d time.Duration) {
	if h := h.(*handler); h.asked == h.asked.Round(0) { // without such a reading
		h.asked = h.asked.Add(-d)
	}
}
