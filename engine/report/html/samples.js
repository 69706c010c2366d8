// The list of every sample of a measure, with its phases as bars. Only the rows
// that can be seen are in the page, so that thousands scroll as ten do.
const samples = (() => {
  const height = 24, {element} = charts;

  function table(measure) {
    const rows = measure.series[0].v.length, phases = measure.series;
    const longest = phases.reduce((most, s) => s.v.reduce((m, x) => (typeof x === "number" && x > m ? x : m), most), 0);
    const ends = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      let end = -Infinity;
      for (const s of phases) end = Math.max(end, s.v[i] === null ? Infinity : s.v[i] === false ? -Infinity : s.v[i]);
      ends[i] = end;
    }
    const object = (i) => (measure.objects ? measure.objects[i] : "") || "#" + (i + 1);
    return {
      rows, longest, ends,
      name: (i) => object(i) + (measure.runs && measure.runs[i] ? " (repetition " + measure.runs[i] + ")" : ""),
      node: (i) => (measure.nodes ? measure.nodes[measure.node[i]] : ""),
    };
  }

  // describe says all that is known of a row.
  function describe(measure, t, i) {
    const parts = measure.series.map((s) => {
      if (s.v[i] === false) return "";
      let text = (s.name + " " + format.value(s.v[i], measure.unit)).trim();
      const bound = (c) => (c && typeof c[i] === "number" ? format.value(c[i], measure.unit) : "?");
      if (s.low && (typeof s.low[i] === "number" || typeof s.high[i] === "number")) text += " (between " + bound(s.low) + " and " + bound(s.high) + ")";
      if (s.server && typeof s.server[i] === "number") text += " (server: " + format.value(s.server[i], measure.unit) + ")";
      return text;
    }).filter(Boolean);
    return [t.name(i), t.node(i), ...parts].filter(Boolean).join(", ");
  }

  function bars(measure, t, i) {
    const track = element("div", {class: "track"});
    let at = 0;
    measure.series.forEach((s, k) => {
      const v = s.v[i];
      if (typeof v !== "number") return;
      const to = Math.max(v, at), bar = element("span", {class: "f" + (k % 6)});
      bar.style.left = 100 * at / t.longest + "%";
      bar.style.width = 100 * (to - at) / t.longest + "%";
      track.append(bar);
      at = to;
    });
    if (t.ends[i] === Infinity) {
      const waits = element("span", {class: "waits"});
      waits.style.left = (t.longest ? 100 * at / t.longest : 0) + "%";
      waits.style.right = "0";
      track.append(waits);
    }
    return track;
  }

  function row(measure, t, i, place) {
    const never = t.ends[i] === Infinity, end = never ? "not reached" : isFinite(t.ends[i]) ? format.value(t.ends[i], measure.unit) : "–";
    const cells = [element("div", {role: "rowheader", class: "object"}, t.name(i))];
    if (measure.nodes) cells.push(element("div", {role: "cell", class: "node"}, t.node(i) || "–"));
    cells.push(element("div", {role: "cell"}, bars(measure, t, i)), element("div", {role: "cell", class: "n" + (never ? " never" : "")}, end));
    const text = describe(measure, t, i);
    cells[cells.length - 2].setAttribute("aria-label", text);
    return element("div", {class: "row", role: "row", "aria-rowindex": String(place + 2), title: text}, ...cells);
  }

  const orders = [
    ["slowest", "slowest first", (t) => (a, b) => t.ends[b] - t.ends[a] || (t.ends[a] === t.ends[b] ? a - b : 0)],
    ["name", "by name", (t) => (a, b) => (t.name(a) < t.name(b) ? -1 : t.name(a) > t.name(b) ? 1 : a - b)],
    ["node", "by node", (t) => (a, b) => (t.node(a) < t.node(b) ? -1 : t.node(a) > t.node(b) ? 1 : a - b)],
    ["recorded", "as recorded", () => (a, b) => a - b],
  ];

  function compare(order) {
    // Infinity - Infinity is no number.
    return (a, b) => { const n = order(a, b); return Number.isNaN(n) ? a - b : n; };
  }

  function head(measure, t) {
    const ticks = element("div", {role: "columnheader", class: "ticks", "aria-label": "phases, from 0 to " + format.value(t.longest, measure.unit)},
      element("span", {}, "0"), element("span", {}, format.value(t.longest / 2, measure.unit)), element("span", {}, format.value(t.longest, measure.unit)));
    const cells = [element("div", {role: "columnheader"}, "object")];
    if (measure.nodes) cells.push(element("div", {role: "columnheader", class: "node"}, "node"));
    cells.push(ticks, element("div", {role: "columnheader", class: "n"}, "end"));
    return element("div", {class: "row head", role: "row", "aria-rowindex": "1"}, ...cells);
  }

  // mount puts the list into a place, and answers once there is something to see.
  function mount(place, measure) {
    const t = table(measure);
    const find = element("input", {type: "search", autocomplete: "off", spellcheck: "false"});
    const order = element("select", {}, ...orders.filter(([id]) => id !== "node" || measure.nodes).map(([id, text]) => element("option", {value: id}, text)));
    const said = element("output", {"aria-live": "polite"});
    const tools = element("div", {class: "tools"}, element("label", {}, "Find ", find), element("label", {}, "Order ", order), said);
    const window_ = element("div", {class: "window", role: "presentation"}), space = element("div", {class: "space", role: "presentation"}, window_);
    const rows = element("div", {class: "rows", tabindex: "0", role: "rowgroup", "aria-label": "Rows of " + measure.name + ", scroll with the arrow keys"}, space);
    const all = element("div", {class: "all" + (measure.nodes ? "" : " nonodes"), role: "table", "aria-label": "Every sample of " + measure.name},
      head(measure, t), rows);
    let shown = [], first = -1;
    function draw(force) {
      const from = Math.max(0, Math.floor(rows.scrollTop / height) - 5), to = Math.min(shown.length, from + Math.ceil(312 / height) + 10);
      if (!force && from === first) return;
      first = from;
      window_.style.transform = "translateY(" + from * height + "px)";
      window_.replaceChildren(...shown.slice(from, to).map((i, k) => row(measure, t, i, from + k)));
    }
    function pick() {
      const text = find.value.trim().toLowerCase();
      shown = [];
      for (let i = 0; i < t.rows; i++) {
        if (!text || t.name(i).toLowerCase().includes(text) || t.node(i).toLowerCase().includes(text)) shown.push(i);
      }
      shown.sort(compare(orders.find(([id]) => id === order.value)[2](t)));
      space.style.height = shown.length * height + "px";
      rows.style.height = Math.min(312, Math.max(1, shown.length) * height) + "px";
      rows.scrollTop = 0;
      all.setAttribute("aria-rowcount", String(shown.length + 1));
      const never = shown.reduce((n, i) => n + (t.ends[i] === Infinity ? 1 : 0), 0);
      said.textContent = format.count(shown.length) + " of " + format.count(t.rows) + (never ? ", " + format.count(never) + " not reached" : "");
      draw(true);
    }
    rows.addEventListener("scroll", () => draw(false), {passive: true});
    find.addEventListener("input", pick);
    order.addEventListener("change", pick);
    place.append(tools, all);
    pick();
  }

  return {mount};
})();
