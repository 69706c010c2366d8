// The page works without any of this: what follows makes it better.
(() => {
  const measures = JSON.parse(document.getElementById("data").textContent) || [];
  const {element} = charts;
  const drawn = new Map(); // the charts of each section that was seen

  function draw(section) {
    const measure = measures[Number(section.dataset.measure)], series = measure.series || [];
    const shape = drawn.get(section) || {log: series.length > 0 && charts.far(measure), at: series.length - 1};
    (shape.charts || []).forEach((c) => c.destroy());
    shape.charts = [];
    drawn.set(section, shape);
    section.querySelectorAll(".timeline").forEach((figure, i) => {
      figure.querySelector("svg.static").setAttribute("hidden", "");
      shape.charts.push(charts.timeline(figure, measure.timelines[i]));
    });
    if (!section.querySelector(".cdf")) return;
    const cdf = section.querySelector(".cdf"), histogram = section.querySelector(".histogram");
    cdf.querySelectorAll(".static").forEach((e) => e.setAttribute("hidden", ""));
    histogram.hidden = false;
    shape.charts.push(charts.cdf(cdf, measure, shape.log), charts.histogram(histogram, measure, shape.at));
    const sequence = section.querySelector(".sequence");
    if (sequence) {
      sequence.hidden = false;
      shape.charts.push(charts.sequence(sequence, measure));
    }
  }

  // controls are the scale of the distribution and the series of the histogram.
  function controls(section) {
    const measure = measures[Number(section.dataset.measure)], shape = drawn.get(section);
    if (!section.querySelector(".cdf")) return;
    const log = element("input", {type: "checkbox"});
    log.checked = shape.log;
    log.addEventListener("change", () => { shape.log = log.checked; draw(section); });
    section.querySelector(".cdf figcaption").append(element("label", {}, log, " logarithmic"));
    if (measure.series.length < 2) return;
    const pick = element("select", {}, ...measure.series.map((s, i) => element("option", {value: String(i)}, s.name)));
    pick.value = String(shape.at);
    pick.addEventListener("change", () => { shape.at = Number(pick.value); draw(section); });
    section.querySelector(".histogram figcaption").append(element("label", {}, "of ", pick));
  }

  function list(section) {
    const place = section.querySelector("details.waterfall");
    if (!place) return;
    place.querySelector(".static").setAttribute("hidden", "");
    samples.mount(place, measures[Number(section.dataset.measure)]);
  }

  // A section is drawn when it comes into view, so that a long page opens at once.
  const seen = new IntersectionObserver((entries) => {
    for (const {isIntersecting, target} of entries) {
      if (!isIntersecting || drawn.has(target)) continue;
      seen.unobserve(target);
      draw(target);
      controls(target);
      list(target);
    }
  }, {rootMargin: "400px"});
  for (const section of document.querySelectorAll(".measure")) {
    if (section.querySelector(".cdf, .timeline")) seen.observe(section);
  }

  const again = () => drawn.forEach((shape, section) => draw(section));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach((shape) => shape.charts.forEach((c) => c.resize())), 150);
  });

  // Paper shows what is folded away.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((d) => { d.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((d) => { d.open = false; }));

  // A link into the page opens what it leads to.
  function follow() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.hidden = false;
    if (target.matches("details")) { target.open = true; target.querySelector("summary").focus({preventScroll: true}); }
    const scenario = target.closest(".scenario");
    if (scenario) scenario.hidden = false;
    target.scrollIntoView();
  }
  addEventListener("hashchange", follow);
  if (location.hash) follow();

  const form = document.querySelector(".filters");
  if (!form) return;
  form.hidden = false;
  const scenarios = [...document.querySelectorAll(".scenario")].map((e) => ({
    e, outcome: e.dataset.outcome, text: [...e.children].filter((c) => !c.matches(".step")).map((c) => c.textContent).join(" ").toLowerCase(),
    steps: [...e.querySelectorAll(":scope > .step")].map((s) => ({e: s, outcome: s.dataset.outcome, text: s.textContent.toLowerCase()})),
  }));

  // A scenario is shown when it fits itself, or one of its steps does; when its
  // own text was found, all of its steps with a wanted outcome are shown.
  function filter() {
    const text = form.elements.text.value.trim().toLowerCase();
    const unwanted = new Set([...form.querySelectorAll("[name=outcome]:not(:checked)")].map((c) => c.value));
    let steps = 0, shown = 0;
    for (const s of scenarios) {
      const found = s.text.includes(text);
      let some = false;
      for (const step of s.steps) {
        const fits = !unwanted.has(step.outcome) && (found || step.text.includes(text));
        step.e.hidden = !fits;
        some = some || fits;
        steps += fits ? 1 : 0;
      }
      s.e.hidden = !(some || found && !unwanted.has(s.outcome));
      shown += s.e.hidden ? 0 : 1;
    }
    form.querySelector("output").textContent = shown + " of " + scenarios.length + (scenarios.length === 1 ? " scenario, " : " scenarios, ") + steps + (steps === 1 ? " step" : " steps");
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (e) => e.preventDefault());
  const open = (to) => () => document.querySelectorAll(".scenario details").forEach((d) => { d.open = to; });
  form.elements.open.addEventListener("click", open(true));
  form.elements.close.addEventListener("click", open(false));
  filter();
})();
