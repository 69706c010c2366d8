package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// HTML writes the result as one page that needs nothing else: no network, no
// server and, for all that is said in words and tables, no JavaScript. Scripts
// add charts, filters and the list of every sample. The same result is the same
// bytes.
//
// Every text of the result is escaped, and the page's own policy forbids its
// browser to load anything or to run a script that realspec did not write.
//
// dir is the folder that the page will lie in: links to evidence lead there from it.
func HTML(w io.Writer, r *event.Result, dir string) error {
	page, err := newHTMLPage(r, dir)
	if err == nil {
		err = writeHTML(w, page)
	}
	if err != nil {
		return fmt.Errorf("the HTML report could not be written: %w", err)
	}
	return nil
}

// The page, its style and its script. The charts are drawn by uPlot, which is
// under the MIT licence: https://github.com/leeoniya/uPlot
//
//go:embed html
var htmlAssets embed.FS

// htmlPage is everything that the template shows.
type htmlPage struct {
	Policy string
	Style  template.CSS
	Script template.JS
	Data   template.JS // the samples, for the script

	Title        string
	Verdict      string
	Tone         string
	Why          string // why a run is not green when no scenario says so
	Facts        []htmlFact
	Counts       []htmlCount
	Notices      []string
	NotPassed    []htmlLink
	Requirements []htmlRequirement
	Scenarios    []htmlScenario
	Clusters     []htmlCluster
	Cost         []htmlFact
	Doubt        string // of the run's own stamps
}

func newHTMLPage(r *event.Result, dir string) (*htmlPage, error) {
	style, err := htmlText("html/uplot/uPlot.min.css", "html/style.css")
	if err != nil {
		return nil, err
	}
	script, err := htmlScript()
	if err != nil {
		return nil, err
	}
	b := &htmlBuilder{dir: dir}
	page := b.page(r)
	data, err := b.data()
	if err != nil {
		return nil, err
	}
	page.Style, page.Script, page.Data = template.CSS(style), template.JS(script), template.JS(data)
	page.Policy = "default-src 'none'; style-src " + htmlHash(style) + "; script-src " + htmlHash(script) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	return page, nil
}

// htmlScript is the library, with its licence as that asks for, and the page's own.
func htmlScript() (string, error) {
	licence, err := htmlText("html/uplot/LICENSE")
	if err != nil {
		return "", err
	}
	scripts, err := htmlText("html/uplot/uPlot.iife.min.js", "html/format.js", "html/charts.js", "html/samples.js", "html/page.js")
	if err != nil {
		return "", err
	}
	return "/* uPlot:\n" + licence + "*/\n" + scripts, nil
}

func htmlText(names ...string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		text, err := htmlAssets.ReadFile(name)
		if err != nil {
			return "", err
		}
		b.Write(bytes.TrimSpace(text))
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// htmlHash is how a policy names an inline style or script that it allows.
func htmlHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func writeHTML(w io.Writer, page *htmlPage) error {
	t, err := template.New("page").Funcs(template.FuncMap{"line": func(i int) int { return i % 6 }}).ParseFS(htmlAssets, "html/*.gohtml")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "page.gohtml", page); err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}
