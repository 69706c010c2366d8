"use strict";
// Numbers as the rest of the page has them: three digits that count, and a unit.
const format = (() => {
  const digits = (x) => x.toFixed(x < 0.9995 ? 3 : x < 9.995 ? 2 : x < 99.95 ? 1 : 0);
  const pad = (x, n) => String(x).padStart(n, "0");
  function seconds(x) {
    const size = Math.abs(x), sign = x < 0 ? "-" : "";
    if (size === 0) return "0s";
    if (size < 0.9995) return sign + digits(size * 1e3) + "ms";
    if (size < 59.995) return sign + digits(size) + "s";
    const tenths = Math.round(size * 10);
    if (tenths < 36000) return sign + Math.floor(tenths / 600) + "m" + pad(((tenths % 600) / 10).toFixed(1), 4) + "s";
    const whole = Math.round(size);
    return sign + Math.floor(whole / 3600) + "h" + pad(Math.floor(whole / 60) % 60, 2) + "m" + pad(whole % 60, 2) + "s";
  }
  function plain(x) {
    const size = Math.abs(x);
    if (size >= 1000 && size < 1e15) return String(Math.round(x));
    if (size && (size < 1e-4 || size >= 1e15)) {
      const [digits, power] = x.toExponential(3).split("e");
      return Number(digits) + "e" + power[0] + pad(power.slice(1), 2);
    }
    return String(Number(x.toPrecision(4)));
  }
  const scales = {
    "bit/s": [1000, "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"],
    "bytes": [1024, "bytes", "KiB", "MiB", "GiB", "TiB"],
    "bytes/s": [1024, "bytes/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"],
  };
  function scaled(x, [step, ...units]) {
    let i = 0;
    for (; Math.abs(x) >= step && i < units.length - 1; i++) x /= step;
    return (i ? digits(x) : plain(x)) + " " + units[i];
  }
  function value(x, unit) {
    if (x === null || x === undefined) return "not reached";
    if (unit === "s") return seconds(x);
    if (scales[unit]) return scaled(x, scales[unit]);
    if (unit === "cores") return digits(x) + " cores";
    if (unit === "share") return x === 0 ? "0 %" : digits(x * 100) + " %";
    return plain(x) + (unit ? " " + unit : "");
  }
  // tick leaves out zeros that say nothing: axes have no room for them.
  function tick(x, unit) {
    const text = value(x, unit);
    return text.replace(/^(-?\d+)\.0+(\D*)$/, "$1$2").replace(/^(-?\d+\.\d*?[1-9])0+(\D*)$/, "$1$2");
  }
  return {value, tick, count: (n) => n.toLocaleString("en")};
})();
