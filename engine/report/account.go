package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// accountLine is what realspec itself cost the cluster and this machine.
func accountLine(a event.Account, verbose bool) string {
	var requests int64
	var verbs []string
	for _, verb := range slices.Sorted(maps.Keys(a.Requests)) {
		requests += a.Requests[verb]
		verbs = append(verbs, fmt.Sprintf("%s %d", verb, a.Requests[verb]))
	}
	var parts []string
	if requests > 0 {
		parts = append(parts, count(int(requests), "API request")+" ("+strings.Join(verbs, ", ")+")")
	}
	for _, what := range slices.Sorted(maps.Keys(a.Retries)) {
		parts = append(parts, fmt.Sprintf("%d retried after %s", a.Retries[what], what))
	}
	if a.Relists > 0 {
		parts = append(parts, count(int(a.Relists), "watch relist"))
	}
	if a.Reconnects > 0 {
		parts = append(parts, count(int(a.Reconnects), "watch reconnect"))
	}
	if a.BytesIn+a.BytesOut > 0 {
		parts = append(parts, mebibytes(a.BytesIn)+" in", mebibytes(a.BytesOut)+" out")
	}
	if a.CPUSeconds > 0 {
		parts = append(parts, measuredTime(a.CPUSeconds)+" CPU")
	}
	if a.PeakRSSBytes > 0 {
		parts = append(parts, fmt.Sprintf("%d MiB memory", (a.PeakRSSBytes+1<<19)>>20))
	}
	if verbose && a.Events > 0 {
		parts = append(parts, fmt.Sprintf("%s (at most %d waiting)", count(int(a.Events), "watch event"), a.QueueHigh))
	}
	if verbose && a.GCPauses > 0 {
		parts = append(parts, fmt.Sprintf("%s (max %s, together %s)", count(int(a.GCPauses), "GC pause"),
			measuredTime(a.GCPauseMax), measuredTime(a.GCPauseTotal)))
	}
	return strings.Join(parts, ", ")
}

func mebibytes(n int64) string { return digits(float64(n)/(1<<20)) + " MiB" }

// queueRow says that realspec itself was too slow to stamp events on receipt,
// which puts every measure of the run in doubt.
func queueRow(r *event.Result) row {
	if r.Account.QueueFull == 0 {
		return row{}
	}
	return row{name: "doubt", role: doubt,
		text: "the event queue was full " + count(int(r.Account.QueueFull), "time") + ": stamps were late"}
}
