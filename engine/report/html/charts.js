// The charts of one measure: the distribution of all of its series in one, and a
// histogram of the series that the reader picks.
const charts = (() => {
  const colors = 6, dashes = [[], [8, 3], [3, 3]];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const color = (i) => css("c" + (i % colors));

  // reached are the values that came, in order, and how many did not: also those
  // that are only counted, unless some that came are only counted too.
  function reached(series) {
    const values = series.v.filter((x) => typeof x === "number").sort((a, b) => a - b);
    const never = series.v.reduce((n, x) => n + (x === null ? 1 : 0), 0);
    return {values: Float64Array.from(values), missing: values.length < series.count ? never : Math.max(never, series.missing)};
  }

  function element(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes || {})) {
      if (k === "class") e.className = v; else if (k in e && typeof v !== "string") e[k] = v; else e.setAttribute(k, v);
    }
    e.append(...children);
    return e;
  }

  // rank is how many of sorted are at most x.
  function rank(sorted, x) {
    let low = 0, high = sorted.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (sorted[mid] <= x) low = mid + 1; else high = mid;
    }
    return low;
  }

  // distribution has a column of values and one of percent for each series. A
  // curve has no more steps than a screen has pixels of height.
  function distribution(all, log) {
    const most = 500, xs = new Set();
    for (const {values} of all) {
      const steps = Math.min(most, values.length);
      for (let k = 1; k <= steps; k++) xs.add(values[Math.ceil(k * values.length / steps) - 1]);
    }
    let sorted = Float64Array.from(xs).sort();
    if (log) sorted = sorted.filter((x) => x > 0);
    const columns = all.map(({values, missing}) => {
      const n = values.length + missing;
      return Array.from(sorted, (x) => (n ? 100 * rank(values, x) / n : null));
    });
    return [Array.from(sorted), ...columns];
  }

  // from begins every curve at nothing, at the left edge.
  function from(low, [xs, ...columns]) {
    if (!xs.length || xs[0] <= low) return [xs, ...columns];
    return [[low, ...xs], ...columns.map((c) => [0, ...c])];
  }

  // span is the range of an axis of values, with limits that are not far away.
  function span(all, limits, log) {
    let low = Infinity, high = -Infinity;
    for (const {values} of all) {
      if (!values.length) continue;
      const first = log ? values.find((x) => x > 0) : values[0];
      low = Math.min(low, first === undefined ? Infinity : first);
      high = Math.max(high, values[values.length - 1]);
    }
    if (!isFinite(low) || !isFinite(high)) return [log ? 0.001 : 0, 1];
    if (!log && low > 0 && low < high / 2) low = 0;
    const reach = log ? high * 30 : low + (high - low) * 3;
    for (const l of limits) if (l.at > high && l.at <= reach) high = l.at * 1.02;
    if (high <= low) { high = low + (Math.abs(low) || 1) * 0.1; low -= log ? low * 0.1 : (Math.abs(low) || 1) * 0.1; }
    return log ? [low / 1.1, high * 1.1] : [low, high + (high - low) * 0.02];
  }

  // drawLimits draws thresholds as lines, with the zone around them in which the error
  // of measuring leaves no verdict. One beyond the axis is named at its edge.
  function drawLimits(u, measure, names, below) {
    const {ctx} = u, {left, top, width, height} = u.bbox, ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.font = 12 * ratio + "px system-ui, sans-serif";
    let line = 0;
    for (const l of measure.limits || []) {
      if (!names.includes(l.series)) continue;
      const at = u.valToPos(l.at, "x", true), mark = css(l.outcome) || css("text");
      const inside = at >= left && at <= left + width;
      ctx.strokeStyle = ctx.fillStyle = mark;
      if (inside) {
        if (measure.error) {
          const from = Math.max(left, u.valToPos(Math.max(l.at - measure.error, u.scales.x.min), "x", true));
          const to = Math.min(left + width, u.valToPos(l.at + measure.error, "x", true));
          ctx.globalAlpha = 0.25;
          ctx.fillRect(from, top, Math.max(to - from, 1), height);
          ctx.globalAlpha = 1;
        }
        ctx.lineWidth = 1.5 * ratio;
        ctx.setLineDash([6 * ratio, 4 * ratio]);
        ctx.beginPath();
        ctx.moveTo(at, top);
        ctx.lineTo(at, top + height);
        ctx.stroke();
      }
      const before = inside && at > left + width / 2 || at > left + width;
      const text = inside ? l.text : at > left + width ? l.text + " →" : "← " + l.text;
      const x = Math.min(Math.max(at, left), left + width) + (before ? -5 : 5) * ratio;
      const y = (below ? top + height - 8 * ratio : top + 14 * ratio) + (below ? -16 : 16) * line++ * ratio, wide = ctx.measureText(text).width;
      ctx.fillStyle = css("back");
      ctx.globalAlpha = 0.85;
      ctx.fillRect(before ? x - wide - 2 : x - 2, y - 11 * ratio, wide + 4, 15 * ratio);
      ctx.globalAlpha = 1;
      ctx.fillStyle = mark;
      ctx.textAlign = before ? "right" : "left";
      ctx.fillText(text, x, y);
    }
    ctx.restore();
  }

  // drawRecorded draws what earlier runs had, at the height of each quantile.
  function drawRecorded(u, measure, names) {
    const {ctx} = u, ratio = devicePixelRatio || 1;
    ctx.save();
    for (const r of measure.recorded || []) {
      const i = names.indexOf(r.series);
      if (i < 0) continue;
      const [from, median, to] = [r.low, r.median, r.high].map((x) => u.valToPos(x, "x", true)), y = u.valToPos(100 * r.share, "y", true);
      ctx.beginPath();
      ctx.rect(u.bbox.left, u.bbox.top - 8 * ratio, u.bbox.width, u.bbox.height + 16 * ratio);
      ctx.clip();
      ctx.fillStyle = color(i);
      ctx.globalAlpha = 0.35;
      ctx.fillRect(from, y - 4 * ratio, Math.max(to - from, 2 * ratio), 8 * ratio);
      ctx.globalAlpha = 1;
      ctx.fillStyle = css("text");
      ctx.fillRect(median - ratio, y - 6 * ratio, 2 * ratio, 12 * ratio);
    }
    ctx.restore();
  }

  function axes(unit, yValues, edge = Infinity) {
    const stroke = css("faint"), grid = {stroke: css("line"), width: 1}, ticks = {stroke: css("line"), width: 1};
    const font = "12px system-ui, sans-serif";
    return [
      {stroke, grid, ticks, font, space: 70, values: (u, at) => at.map((x) => (x === null || x > edge ? null : format.tick(x, unit)))},
      {stroke, grid, ticks, font, size: 52, values: yValues},
    ];
  }

  // whole makes the second axis count things, of which there are no halves.
  function whole(both) {
    both[1].incrs = [];
    for (let ten = 1; ten < 1e9; ten *= 10) both[1].incrs.push(ten, 2 * ten, 5 * ten);
    return both;
  }

  // plot makes a chart that can be read with the arrow keys too.
  function plot(figure, label, options, data) {
    const box = element("div", {class: "chart", tabindex: "0", role: "img", "aria-label": label});
    figure.append(box);
    const said = element("output", {"aria-live": "polite", class: "chart"});
    figure.append(said);
    const u = new uPlot({width: Math.max(figure.clientWidth, 240), height: 240, ...options}, data, box);
    box.addEventListener("keydown", (e) => {
      const last = data[0].length - 1, now = u.cursor.idx === null || u.cursor.idx === undefined ? -1 : u.cursor.idx;
      const to = {ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: last}[e.key];
      if (to === undefined) return;
      e.preventDefault();
      const at = Math.min(Math.max(to, 0), last);
      u.setCursor({left: u.valToPos(data[0][at], "x"), top: u.bbox.height / (devicePixelRatio || 1) / 2});
      said.textContent = u.series.map((s, i) => s.label + " " + s.value(u, data[i][at], i, at)).join(", ");
    });
    return {
      resize: () => u.setSize({width: Math.max(figure.clientWidth, 240), height: 240}),
      destroy: () => { u.destroy(); box.remove(); said.remove(); },
    };
  }

  function cdf(figure, measure, log) {
    const all = measure.series.map(reached);
    const names = measure.series.map((s) => s.name);
    const recorded = (measure.recorded || []).flatMap((r) => [{at: r.low}, {at: r.high}]);
    const [low, high] = span(all, [...(measure.limits || []), ...recorded], log);
    const label = figure.querySelector("svg.static");
    const percent = (x) => (x === null || x === undefined ? "–" : x.toFixed(1) + " %");
    return plot(figure, (label ? label.getAttribute("aria-label") : measure.name) + ". Arrow keys read it.", {
      scales: {x: {time: false, distr: log ? 3 : 1, range: [low, high]}, y: {range: [0, 102]}},
      axes: axes(measure.unit, (u, at) => at.map((x) => (x > 100 ? "" : x + " %"))),
      series: [{label: "at most", value: (u, x) => (x === null ? "–" : format.value(x, measure.unit))},
        ...measure.series.map((s, i) => ({
          label: (s.name || measure.name) + " (n=" + all[i].values.length + (all[i].missing ? " of " + (all[i].values.length + all[i].missing) : "") + ")",
          stroke: color(i), width: 2, dash: dashes[i % 3], points: {show: false}, paths: uPlot.paths.stepped({align: 1}), value: (u, y) => percent(y),
        }))],
      hooks: {draw: [(u) => drawLimits(u, measure, names, true), (u) => drawRecorded(u, measure, names)]},
    }, from(low, distribution(all, log)));
  }

  // bins has equal ones between the smallest and the largest value, by the rule of
  // Freedman and Diaconis, and one more at the end for what never came.
  function bins(values, missing) {
    const n = values.length, low = values[0], high = values[n - 1];
    const spread = values[Math.floor(n * 0.75)] - values[Math.floor(n * 0.25)];
    const ideal = spread > 0 ? (high - low) / (2 * spread / Math.cbrt(n)) : Math.sqrt(n);
    const many = high > low ? Math.min(60, Math.max(8, Math.ceil(ideal))) : 1;
    const width = high > low ? (high - low) / many : Math.abs(low) / 10 || 1;
    const from = high > low ? low : low - width / 2;
    const x = [], y = [], never = [];
    for (let i = 0; i < many; i++) { x.push(from + (i + 0.5) * width); y.push(0); never.push(null); }
    for (const v of values) y[Math.min(many - 1, Math.floor((v - from) / width))]++;
    if (missing) { x.push(from + (many + 1.5) * width); y.push(null); never.push(missing); }
    return {x, y, never, width, low: from, high: x[x.length - 1] + width / 2};
  }

  function histogram(figure, measure, at) {
    const one = measure.series[at], {values, missing} = reached(one);
    const n = values.length + missing, name = (measure.name + " " + one.name).trim();
    if (!values.length) {
      const text = element("p", {class: "never chart"}, "none of " + n + " was reached");
      figure.append(text);
      return {resize() {}, destroy: () => text.remove()};
    }
    const b = bins(values, missing), limits = (measure.limits || []).filter((l) => l.series === one.name);
    // Beyond the last bin of values the axis has no meaning: there is what never came.
    const edge = missing ? b.high - 1.5 * b.width : Infinity;
    let high = b.high;
    for (const l of limits) if (!missing && l.at > high && l.at <= b.low + (b.high - b.low) * 3) high = l.at * 1.02;
    const paths = (u, ...rest) => uPlot.paths.bars({size: [0.92, 200], align: 0})(u, ...rest);
    const series = [{label: "around", value: (u, x, s, i) => (i === null || i === undefined ? "–" : b.never[i] ? "never" : format.value(x, measure.unit))},
      {label: "samples (n=" + values.length + ")", stroke: color(at), fill: color(at), width: 0, paths, points: {show: false}, value: (u, y) => (y === null ? "–" : format.count(y))}];
    const data = [b.x, b.y];
    if (missing) {
      series.push({label: "not reached (" + missing + " of " + n + ")", stroke: css("failed"), fill: css("failed") + "80", width: 2, paths, points: {show: false}, value: (u, y) => (y === null ? "–" : format.count(y))});
      data.push(b.never);
    }
    const label = "Histogram of " + name + ", n=" + values.length + (missing ? ", " + missing + " not reached" : "") + ". Arrow keys read it.";
    return plot(figure, label, {
      scales: {x: {time: false, range: [b.low - b.width / 2, high + b.width / 2]}, y: {range: (u, low, top) => [0, (top || 1) * (1.08 + 0.12 * limits.length)]}},
      axes: whole(axes(measure.unit, (u, at) => at.map(format.count), edge)),
      series, hooks: {draw: [(u) => drawLimits(u, measure, [one.name])]},
    }, data);
  }

  // sequence has every call at its number, so that a stall or a slow start shows.
  function sequence(figure, measure) {
    const one = measure.series[0], order = measure.objects.map((name, i) => [Number(name), one.v[i]]).filter(([, v]) => v !== false).sort((a, b) => a[0] - b[0]);
    const top = order.reduce((most, [, v]) => (v !== null && v > most ? v : most), 0) || 1;
    const missing = order.filter(([, v]) => v === null).length;
    const dots = (stroke) => ({paths: () => null, points: {show: true, size: 3, stroke, fill: stroke}});
    const series = [{label: "call", value: (u, x) => (x === null ? "–" : format.count(x))},
      {label: one.name || measure.name, stroke: color(0), ...dots(color(0)), value: (u, y) => (y === null || y === undefined ? "–" : format.value(y, measure.unit))}];
    const data = [order.map(([x]) => x), order.map(([, v]) => v)];
    if (missing) {
      series.push({label: "not reached (" + missing + ")", stroke: css("failed"), ...dots(css("failed")), value: (u, y) => (y === null || y === undefined ? "–" : "never")});
      data.push(order.map(([, v]) => (v === null ? top * 1.05 : null)));
    }
    const plain = (u, at) => at.map((x) => (x === null ? null : format.tick(x, measure.unit)));
    const options = axes("", plain);
    options[0].values = (u, at) => at.map((x) => (Number.isInteger(x) ? format.count(x) : ""));
    options[1].size = 64;
    return plot(figure, measure.name + ": " + order.length + " calls in order" + (missing ? ", " + missing + " not reached" : "") + ". Arrow keys read it.", {
      scales: {x: {time: false}, y: {range: [0, top * 1.1]}}, axes: options, series,
    }, data);
  }

  // timeline has values of one unit over the time of the run.
  function timeline(figure, {unit, lines}) {
    const data = uPlot.join(lines.map((l) => [l.x, l.y]));
    const said = (u, y) => (y === null || y === undefined ? "–" : format.value(y, unit));
    const options = axes("s", (u, at) => at.map((x) => (x === null ? null : format.tick(x, unit))));
    options[1].size = 84;
    const label = figure.querySelector("svg.static").getAttribute("aria-label");
    return plot(figure, label + ". Arrow keys read it.", {
      scales: {x: {time: false}, y: {range: (u, low, high) => [Math.min(0, low), (high > 0 ? high : 1) * 1.06]}},
      axes: options,
      series: [{label: "at", value: (u, x) => (x === null ? "–" : format.value(x, "s"))},
        ...lines.map((l, i) => ({label: l.name, stroke: color(i), width: 1.5, dash: dashes[i % 3], spanGaps: true, points: {show: l.x.length < 40}, value: said}))],
    }, data);
  }

  // far tells whether the values of the series differ so much that only a
  // logarithmic axis shows them all.
  function far(measure) {
    const middles = measure.series.map(reached).filter((r) => r.values.length).map((r) => r.values[r.values.length >> 1]);
    const low = Math.min(...middles), high = Math.max(...middles);
    return low > 0 && high / low > 20;
  }

  return {cdf, histogram, sequence, timeline, far, element};
})();
