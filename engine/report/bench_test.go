package report

import "testing"

// BenchmarkHTMLOfManyPods writes the page of a run that measured 5,000 pods, and
// opens it in Chromium: when it can be used, and when its charts are drawn, both
// since the page was asked for.
func BenchmarkHTMLOfManyPods(b *testing.B) {
	r := big(5000)
	chromium := browser(b)
	for b.Loop() {
		file := written(b, r)
		o := open(b, chromium, file, look{width: 1280})
		b.ReportMetric(eval[float64](o, `performance.getEntriesByType("navigation")[0].domInteractive`), "ms-interactive")
		b.ReportMetric(eval[float64](o, `performance.getEntriesByType("navigation")[0].loadEventEnd`), "ms-loaded")
		b.ReportMetric(eval[float64](o, `(async () => { await `+drawAll+`; return performance.now(); })()`), "ms-drawn")
		b.ReportMetric(float64(len(htmlOf(b, r)))/(1<<20), "MiB")
	}
}
