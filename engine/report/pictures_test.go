package report

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/realspec/realspec/engine/event"
)

// TestPictures makes the pictures of the README from a run that was recorded:
// make pictures. They are of its console and of its report, as they were.
func TestPictures(t *testing.T) {
	run, folder := os.Getenv("REALSPEC_PICTURES_OF"), os.Getenv("REALSPEC_PICTURES_IN")
	if run == "" || folder == "" {
		t.Skip("REALSPEC_PICTURES_OF names no run and REALSPEC_PICTURES_IN no folder: make pictures")
	}
	file, err := os.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	events, err := event.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	b := browser(t)
	console := filepath.Join(t.TempDir(), "console.html")
	if err := os.WriteFile(console, []byte(terminalPage(onTerminal(events))), 0o600); err != nil {
		t.Fatal(err)
	}
	o := open(t, b, console, look{width: 880, dark: true})
	o.picture(filepath.Join(folder, "console.png"), 880, eval[int64](o, `Math.ceil(document.querySelector("pre").getBoundingClientRect().height)`))
	o = open(t, b, written(t, event.Fold(events)), look{width: 1100})
	o.drawAll()
	eval[bool](o, `(document.querySelectorAll("details.step, details.waterfall, details.values, details.groups").forEach((d) => { d.open = false; }),
		document.querySelector(".measure .cdf").closest(".step").open = true)`)
	eval[bool](o, `(document.querySelector(".measure .cdf").closest(".scenario").scrollIntoView({behavior: "instant"}), true)`)
	o.picture(filepath.Join(folder, "report.png"), 1100, 1250)
}

// mostPicture is how large a picture may be, in bytes: it is part of the repository.
const mostPicture = 150 << 10

// picture keeps what the window shows.
func (o *tab) picture(file string, width, height int64) {
	o.t.Helper()
	o.do(chromedp.EmulateViewport(width, height), chromedp.Sleep(500_000_000))
	picture := fewColours(o.t, get(o, chromedp.CaptureScreenshot()))
	o.clean()
	if len(picture) > mostPicture {
		o.t.Errorf("%s has %d bytes, at most %d are allowed", file, len(picture), mostPicture)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		o.t.Fatal(err)
	}
}

// fewColours is a picture in 256 colours, each other one being taken for the
// nearest: a third of the size, and nobody sees it in text. They are the most
// frequent ones, but each unlike the others, or the shades of grey would leave no
// place for a red mark.
func fewColours(t testing.TB, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	frequent := map[color.Color]int{}
	at := full.Bounds()
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			frequent[full.At(x, y)]++ // few: a page has flat colours
		}
	}
	colours := slices.SortedFunc(maps.Keys(frequent), func(a, b color.Color) int { return cmp.Compare(frequent[b], frequent[a]) })
	taken := map[[3]uint32]bool{}
	colours = slices.DeleteFunc(colours, func(c color.Color) bool {
		r, g, b, _ := c.RGBA()
		box := [3]uint32{r >> 12, g >> 12, b >> 12}
		was := taken[box]
		taken[box] = true
		return was
	})
	few := image.NewPaletted(at, color.Palette(colours[:min(len(colours), 256)]))
	draw.Draw(few, at, full, at.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// onTerminal is what a terminal of 100 columns shows of the run.
func onTerminal(events []event.Stamped) string {
	var out bytes.Buffer
	c := NewConsole(Options{Out: &out, Color: true, Width: 100})
	for _, s := range events {
		c.Handle(s)
	}
	c.Summary(event.Fold(events))
	return out.String()
}

// colour is how a console paints: select graphic rendition, and nothing else.
var colour = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// terminalPage shows a console's output in the colours of a dark terminal.
func terminalPage(text string) string {
	style := map[string]string{"1": "font-weight:bold;color:#fff", "2": "color:#8b949e", "31": "color:#ff7b72", "32": "color:#56d364",
		"33": "color:#e3b341", "36": "color:#6cb6ff"}
	text = html.EscapeString(text)
	open := false
	text = colour.ReplaceAllStringFunc(text, func(code string) string {
		end := ""
		if open {
			end = "</span>"
		}
		var styles []string
		for one := range strings.SplitSeq(colour.FindStringSubmatch(code)[1], ";") {
			if s, ok := style[one]; ok {
				styles = append(styles, s)
			}
		}
		open = len(styles) > 0
		if !open {
			return end
		}
		return end + fmt.Sprintf(`<span style="%s">`, strings.Join(styles, ";"))
	})
	return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><style>body{margin:0;background:#0f1318}
pre{margin:0;padding:14px 18px;color:#d0d7de;font:14px/1.35 "DejaVu Sans Mono",monospace}</style><pre>` + text + `</pre>`
}

// The page has each text once, and closes what it opens.
func TestTerminalPage(t *testing.T) {
	page := terminalPage("\x1b[1mhead\x1b[m \x1b[32m✓\x1b[0m <b> \x1b[1;31mbad\x1b[m")
	if strings.Count(page, "<span") != 3 || strings.Count(page, "</span>") != 3 || !strings.Contains(page, "&lt;b&gt;") || strings.Contains(page, "\x1b") {
		t.Error(page)
	}
}
