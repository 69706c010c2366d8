package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

func TestHTMLInABrowser(t *testing.T) {
	b := browser(t)
	for _, name := range []string{"everything", "measured", "doubtful", "real", "empty", "invalid", "nasty"} {
		r := event.Fold(fixtures()[name])
		file := written(t, r)
		for _, how := range []look{{width: 1280}, {width: 400, dark: true}, {width: 400, noScript: true}} {
			t.Run(fmt.Sprintf("%s at %d dark %v without script %v", name, how.width, how.dark, how.noScript), func(t *testing.T) {
				g := NewWithT(t)
				o := open(t, b, file, how)
				g.Expect(eval[string](o, `document.querySelector("h1").textContent`)).To(Equal(verdictLine(r)))
				if !how.noScript {
					sections := eval[int](o, `document.querySelectorAll(".measure .cdf").length`)
					g.Expect(o.drawAll()).To(BeNumerically(">=", 2*sections), "every distribution and histogram is drawn")
				}
				g.Expect(eval[int](o, `document.documentElement.scrollWidth - innerWidth`)).To(BeNumerically("<=", 0), "nothing is wider than the window")
				o.shot(strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestHTMLInABrowser/"), " ", "_"))
				o.clean()
			})
		}
	}
}

// Without scripts what went wrong can be seen, the drawings are there, and what
// would do nothing is not.
func TestHTMLInABrowserWithoutScripts(t *testing.T) {
	g := NewWithT(t)
	o := open(t, browser(t), written(t, event.Fold(fixtures()["everything"])), look{width: 1280, noScript: true})
	text := eval[string](o, `document.body.innerText`)
	g.Expect(text).To(ContainSubstring("at least three nodes carry a replica"))
	g.Expect(text).To(ContainSubstring("No preemption victims found"))
	g.Expect(text).To(ContainSubstring("3 not reached"))
	g.Expect(text).NotTo(ContainSubstring("Open all"))
	g.Expect(eval[bool](o, `[...document.querySelectorAll("svg.static")].every((s) => s.checkVisibility() && s.getBoundingClientRect().height > 50)`)).To(BeTrue())
	g.Expect(eval[int](o, `document.querySelectorAll("canvas").length`)).To(BeZero())
	o.clean()
}

func TestHTMLInABrowserIsFiltered(t *testing.T) {
	g := NewWithT(t)
	o := open(t, browser(t), written(t, event.Fold(fixtures()["everything"])), look{width: 1280})
	shown := func() string {
		return eval[string](o, `[...document.querySelectorAll(".scenario:not([hidden]) h3")].map((h) => h.firstChild.data.trim()).join(" ")`)
	}
	said := func() string { return eval[string](o, `document.querySelector(".filters output").textContent`) }
	all := shown()
	g.Expect(strings.Fields(all)).To(HaveLen(12))
	o.do(chromedp.SendKeys(chromedp.CSS("input[name=text]"), "Replica"))
	g.Expect(shown()).To(Equal("high-load wrong"))
	g.Expect(said()).To(HavePrefix("2 of 12 scenarios, "))
	eval[bool](o, `document.querySelector("input[name=text]").value = "", true`)
	o.do(chromedp.Click(chromedp.CSS("input[value=passed]")),
		chromedp.Click(chromedp.CSS("input[value=skipped]")), chromedp.Click(chromedp.CSS("input[value=failed]")))
	g.Expect(shown()).To(Equal("few lost shaky litter broken"))
	// A link to what is filtered out shows it.
	o.do(chromedp.Click(chromedp.CSS(`.links a[href="#s1-2"]`)))
	g.Eventually(func() bool { return eval[bool](o, `document.getElementById("s1-2").checkVisibility()`) }).Should(BeTrue())
	o.clean()
}

// All that the page does can be done with the keyboard.
func TestHTMLInABrowserByKeyboard(t *testing.T) {
	g := NewWithT(t)
	o := open(t, browser(t), written(t, event.Fold(fixtures()["measured"])), look{width: 1280})
	o.do(chromedp.KeyEvent("\t"))
	g.Expect(eval[string](o, `document.activeElement.className`)).To(Equal("skip"))
	g.Expect(eval[bool](o, `document.activeElement.getBoundingClientRect().left >= 0`)).To(BeTrue(), "it can be seen when it has the focus")
	open := `document.getElementById("s1-2").open`
	was := eval[bool](o, open)
	eval[bool](o, `document.querySelector("#s1-2 > summary").focus(), true`)
	g.Expect(eval[string](o, `getComputedStyle(document.activeElement).outlineStyle`)).To(Equal("solid"), "the focus is shown")
	o.do(chromedp.KeyEvent("\r"))
	g.Expect(eval[bool](o, open)).To(Equal(!was))
	o.drawAll()
	eval[bool](o, `document.querySelector(".cdf .chart").focus(), true`)
	o.do(chromedp.KeyEvent(kb.End))
	g.Expect(eval[string](o, `document.querySelector(".cdf output").textContent`)).To(MatchRegexp(`at most 48\.4ms, scheduled .* 100\.0 %`))
	eval[bool](o, `document.querySelector(".all .rows").focus(), true`)
	g.Expect(eval[string](o, `document.activeElement.getAttribute("aria-label")`)).To(ContainSubstring("startup"))
	o.clean()
}

// Paper is white, has the drawings of those without scripts, and all that was
// folded away.
func TestHTMLInABrowserOnPaper(t *testing.T) {
	g := NewWithT(t)
	o := open(t, browser(t), written(t, event.Fold(fixtures()["measured"])), look{width: 1280, dark: true})
	canvases := o.drawAll()
	o.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	eval[bool](o, `document.querySelector(".step").open = false, dispatchEvent(new Event("beforeprint"))`)
	g.Expect(eval[string](o, `getComputedStyle(document.body).backgroundColor`)).To(Equal("rgb(255, 255, 255)"))
	g.Expect(eval[bool](o, `[...document.querySelectorAll("details")].every((d) => d.open)`)).To(BeTrue())
	g.Expect(eval[bool](o, `[...document.querySelectorAll("svg.static")].every((s) => s.checkVisibility())`)).To(BeTrue())
	g.Expect(eval[bool](o, `[...document.querySelectorAll("canvas, .filters")].some((s) => s.checkVisibility())`)).To(BeFalse())
	o.shot("paper")
	eval[bool](o, `dispatchEvent(new Event("afterprint"))`)
	g.Expect(eval[bool](o, `document.querySelector(".step").open`)).To(BeFalse(), "what was folded is folded again")
	g.Expect(eval[int](o, `document.querySelectorAll(".u-wrap canvas").length`)).To(Equal(canvases))
	o.clean()
}

// The charts write a number as the tables do. (But for one that lies exactly between
// two, which the browser rounds up and Go to even.)
func TestHTMLInABrowserWritesTheSameNumbers(t *testing.T) {
	o := open(t, browser(t), written(t, &event.Result{}), look{width: 400})
	for _, unit := range []string{"s", "", "bytes", "bytes/s", "bit/s", "cores", "share", "things"} {
		for _, x := range []float64{0, 1e-7, 1.2346e-5, 3e16, 0.00052, 0.0041, 0.0121, 0.9994, 0.9996, 1.31, 9.994, 9.996, 12.346, 59.99, 59.996, 60,
			75.26, 3599.94, 3599.96, 7384, 0.061237, 999.96, 1234567, 1e14} {
			got := eval[string](o, fmt.Sprintf(`format.value(%v, %q)`, x, unit))
			if want := quantity(x, unit); got != want {
				t.Errorf("%v %s: the charts have %s, the tables %s", x, unit, got, want)
			}
		}
	}
	o.clean()
}

// A change of the colour scheme draws the charts again, in colours that fit.
func TestHTMLInABrowserFollowsTheColours(t *testing.T) {
	g := NewWithT(t)
	o := open(t, browser(t), written(t, event.Fold(fixtures()["green"])), look{width: 1280})
	o.drawAll()
	picture := `document.querySelector(".cdf canvas").toDataURL()`
	light := eval[string](o, picture)
	o.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
	g.Eventually(func() string { return eval[string](o, picture) }).ShouldNot(Equal(light))
	o.clean()
}

// Thousands of pods are listed by the few rows that can be seen.
func TestHTMLInABrowserOfManyPods(t *testing.T) {
	g := NewWithT(t)
	r := big(5000)
	r.Scenarios[0].Steps[0].Measures[0].Series[3].Samples[4321].Value = nil
	o := open(t, browser(t), written(t, r), look{width: 1280})
	o.drawAll()
	t.Logf("interactive after %.0f ms", eval[float64](o, `performance.getEntriesByType("navigation")[0].domInteractive`))
	g.Expect(eval[int](o, `document.querySelectorAll("*").length`)).To(BeNumerically("<", 1500))
	first := func() string { return eval[string](o, `document.querySelector(".window .row").textContent`) }
	g.Expect(first()).To(HavePrefix("web-7d4b9c-04321"), "what never came is the slowest")
	g.Expect(first()).To(HaveSuffix("not reached"))
	g.Expect(eval[string](o, `document.querySelector(".tools output").textContent`)).To(Equal("5,000 of 5,000, 1 not reached"))
	slowest := eval[float64](o, `(async () => {
		const rows = document.querySelector(".all .rows"), frame = () => new Promise((done) => requestAnimationFrame(done));
		let worst = 0;
		for (let i = 0; i < 60; i++) {
			rows.scrollTop = i * 2000;
			await frame();
			const from = performance.now();
			await frame();
			worst = Math.max(worst, performance.now() - from);
		}
		return worst;
	})()`)
	t.Logf("slowest frame of scrolling: %.0f ms", slowest)
	g.Expect(eval[int](o, `document.querySelectorAll(".window .row").length`)).To(BeNumerically("<", 40))
	g.Expect(eval[string](o, `document.querySelector(".window .row").textContent`)).NotTo(HavePrefix("web-7d4b9c-04321"))
	o.do(chromedp.SendKeys(chromedp.CSS(".tools input"), "-00077"))
	g.Expect(first()).To(HavePrefix("web-7d4b9c-00077"))
	g.Expect(eval[string](o, `document.querySelector(".tools output").textContent`)).To(Equal("1 of 5,000"))
	o.shot("many")
	o.clean()
}

// Hostile names do nothing in a real browser, in the page and in its charts.
func TestHTMLInABrowserIsNotFooled(t *testing.T) {
	b := browser(t)
	r := hostile(strings.Join(attacks, " "))
	o := open(t, b, written(t, r), look{width: 1280})
	o.drawAll()
	g := NewWithT(t)
	g.Expect(eval[string](o, `document.title`)).To(HavePrefix(verdictLine(r)))
	g.Expect(eval[int](o, `document.querySelectorAll("img, iframe").length`)).To(BeZero())
	g.Expect(eval[string](o, `document.querySelector(".all .object").textContent`)).To(ContainSubstring("<img src=x"))
	o.clean()
}

// A result of `run --json` that REALSPEC_RESULT names is shown for people to look
// at.
func TestHTMLOfAResultAtHand(t *testing.T) {
	path := os.Getenv("REALSPEC_RESULT")
	if path == "" {
		t.Skip("REALSPEC_RESULT names no result to look at")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r event.Result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	file := written(t, &r)
	b := browser(t)
	for _, how := range []look{{width: 1280}, {width: 1280, dark: true}, {width: 400, dark: true}, {width: 1280, noScript: true}} {
		o := open(t, b, file, how)
		if !how.noScript {
			o.drawAll()
		}
		o.shot(fmt.Sprintf("hand-%d-%v-%v", how.width, how.dark, how.noScript))
		if folder := os.Getenv("REALSPEC_SCREENSHOTS"); folder != "" && how.dark {
			if err := os.WriteFile(filepath.Join(folder, "hand.pdf"), get(o, chromedp.PrintToPDF()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		o.clean()
	}
}
