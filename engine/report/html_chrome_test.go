package report

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/realspec/realspec/engine/event"
)

// tab is a page of a report in a real browser, and what went wrong in it.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// look says how a tab shows its page.
type look struct {
	width    int64
	dark     bool
	noScript bool
}

// browser starts a headless Chromium for a test, which is skipped without one.
func browser(t testing.TB) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium on this machine: the page is not tested in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// open shows a file in a tab of its own.
func open(t testing.TB, browser context.Context, file string, how look) *tab {
	t.Helper()
	one := &tab{t: t}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(one.listen))
	t.Cleanup(cancel)
	one.ctx = ctx
	scheme := "light"
	if how.dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	one.do(call(network.Enable, network.EnableParams{}), call(cdplog.Enable, cdp.Empty{}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: how.noScript}),
		call(emulation.SetEmulatedMedia, media), chromedp.EmulateViewport(how.width, 900), chromedp.Navigate("file://"+file))
	return one
}

// call is a command of the protocol as an action.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, command, params)
		return err
	})
}

// listen notes every error, and every request but that for the page itself.
func (o *tab) listen(ev any) {
	problem := ""
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		problem = "exception: " + e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description
	case *runtime.EventConsoleAPICalled:
		problem = fmt.Sprintf("console: %s of %d values", e.Type, len(e.Args))
	case *cdplog.EventEntryAdded:
		problem = "log: " + e.Entry.Text
	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeDocument && !strings.HasPrefix(e.Request.URL, "data:") {
			problem = "request: " + e.Request.URL
		}
	}
	if problem != "" {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.problems = append(o.problems, problem)
	}
}

func (o *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	o.t.Helper()
	if err := chromedp.Do(o.ctx, actions...); err != nil {
		o.clean()
		o.t.Fatal(err)
	}
}

// get is the value of an action.
func get[T any](o *tab, a chromedp.Action[T]) T {
	o.t.Helper()
	value, err := chromedp.Run(o.ctx, a)
	if err != nil {
		o.clean()
		o.t.Fatal(err)
	}
	return value
}

// eval is the value of an expression of JavaScript. It also works in a page whose
// own scripts do not run.
func eval[T any](o *tab, js string) T {
	o.t.Helper()
	return get(o, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
}

func (o *tab) clean() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.problems {
		o.t.Error(p)
	}
}

// shot keeps pictures for people in the folder that REALSPEC_SCREENSHOTS names,
// one for each window's height.
func (o *tab) shot(name string) {
	folder := os.Getenv("REALSPEC_SCREENSHOTS")
	if folder == "" {
		return
	}
	o.t.Helper()
	for i := range 20 {
		if eval[bool](o, fmt.Sprintf(`scrollTo({top: %d, behavior: "instant"}), %d > 0 && %d >= document.documentElement.scrollHeight`, i*900, i, i*900)) {
			return
		}
		o.do(chromedp.Sleep(200 * time.Millisecond))
		png := get(o, chromedp.CaptureScreenshot())
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%02d.png", name, i)), png, 0o644); err != nil {
			o.t.Fatal(err)
		}
	}
}

// written is the file of a report.
func written(t testing.TB, r *event.Result) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(htmlOf(t, r)), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func htmlOf(t testing.TB, r *event.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := HTML(&out, r, "."); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// drawAll brings every measure into view, so that its charts are drawn.
const drawAll = `(async () => {
	for (const d of document.querySelectorAll("details")) d.open = true;
	for (const m of document.querySelectorAll(".measure")) {
		m.scrollIntoView({behavior: "instant", block: "center"});
		for (let i = 0; i < 50 && m.querySelector(".cdf, .timeline") && !m.querySelector("canvas, p.never"); i++) {
			await new Promise((done) => setTimeout(done, 20));
		}
	}
	scrollTo(0, 0);
	return document.querySelectorAll(".u-wrap canvas").length;
})()`

func (o *tab) drawAll() int {
	o.t.Helper()
	return eval[int](o, drawAll)
}
