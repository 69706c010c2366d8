package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/report"
)

// outputs are flags for what is written or sent besides the reports.
type outputs struct {
	Metrics  string `help:"Write the results as OpenMetrics text, for Prometheus." placeholder:"FILE"`
	Push     string `help:"Push the results to a Prometheus Pushgateway. A push that fails is said, and changes neither verdict nor exit code." placeholder:"URL"`
	Evidence string `help:"Write a text file into this folder for every step that did not pass; the reports link to them." placeholder:"DIR"`
}

// check refuses, before anything runs, two outputs in one file and an address that
// is none. files are those of the other outputs.
func (o *outputs) check(files ...string) error {
	seen := map[string]bool{}
	for _, path := range append(files, o.Metrics) {
		file := filepath.Clean(path)
		if path == "" || path == "-" || strings.HasPrefix(file, "/dev/") {
			continue // a terminal or a pipe takes several
		}
		if seen[file] {
			return usage("%s is named twice: give each output a file of its own", path)
		}
		seen[file] = true
	}
	if o.Push == "" {
		return nil
	}
	to, err := url.Parse(o.Push)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return usage("--push takes the address of a Pushgateway, such as http://pushgateway:9091")
	}
	if strings.HasSuffix(strings.TrimRight(to.Path, "/"), "/api/v1/write") {
		return usage("--push takes the address of a Pushgateway; %s takes remote writes, which realspec does not send\n"+
			"  a Pushgateway in front of it does, or --metrics FILE and a node exporter that reads the file", to.Redacted())
	}
	return nil
}

// reports are the reports that a run can write, each with its path or "".
func (o *outputs) reports(junit, json, html, md string) []reportFile {
	return []reportFile{
		{path: junit, render: report.JUnit}, {path: json, render: report.JSON},
		{path: html, render: func(w io.Writer, r *event.Result) error { return report.HTML(w, r, filepath.Dir(html)) }},
		{path: md, render: markdown}, {path: o.Metrics, render: report.OpenMetrics},
	}
}

// writeEvidence writes the folder of evidence, before the reports that link to it.
func (o *outputs) writeEvidence(r *event.Result) error {
	if o.Evidence == "" {
		return nil
	}
	_, err := report.WriteEvidence(o.Evidence, r)
	return err
}

// pushTime is how long a push may take: whoever waits for a verdict does not wait
// for a dashboard.
const pushTime = 10 * time.Second

// push sends the results to a Pushgateway. It replaces those of the last run on
// this machine: /metrics/job/realspec/instance/HOST. The run is what it is,
// whatever becomes of the push.
func (o *outputs) push(a *app, r *event.Result) {
	if o.Push == "" {
		return
	}
	to, err := url.Parse(o.Push)
	if err == nil {
		err = pushTo(to, r)
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "error: the results were not pushed: %v\n", err)
	}
}

func pushTo(to *url.URL, r *event.Result) error {
	password, _ := to.User.Password()
	user := to.User.Username()
	bare := *to
	bare.User = nil // or it would stand in the message of an error
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	p := push.New(strings.TrimRight(bare.String(), "/"), "realspec").Grouping("instance", host).
		Client(&http.Client{Timeout: pushTime}).
		Format(expfmt.NewFormat(expfmt.TypeTextPlain)).
		Gatherer(prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return report.Metrics(r), nil }))
	if user != "" {
		p = p.BasicAuth(user, password)
	}
	ctx, cancel := context.WithTimeout(context.Background(), pushTime)
	defer cancel()
	return p.PushContext(ctx)
}
