// An hour as areas, one upon the other, in SVG made element by element.
import { make, number } from "/page/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 200;
const EDGE = { left: 46, right: 10, top: 10, bottom: 24 };
const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const svg = (tag, attributes, text) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

// The least round number that is not less: 1, 2, 2.5 or 5 with noughts.
const round = (n) => {
  if (n <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 2.5, 5, 10].find((step) => step * power >= n) * power;
};

const label = (n) => (n >= 10000 ? `${number(Math.round(n / 100) / 10)}k` : number(Math.round(n * 100) / 100));

export class Plot {
  // `whole` says that counts are whole, so that no line is drawn between them.
  constructor(box, { seconds, span, whole, told }) {
    Object.assign(this, { box, seconds, span, whole, told });
    this.series = [];
    this.at = null;
    new ResizeObserver(() => this.draw()).observe(box);
    box.addEventListener("pointermove", (event) => this.point(event));
    box.addEventListener("pointerleave", () => { this.at = null; this.draw(); });
  }

  // `series`: name, class, values (oldest first), all as long; `until`: when the last ends.
  show(series, until, description) {
    Object.assign(this, { series, until, description });
    this.draw();
  }

  point(event) {
    const x = event.clientX - this.box.getBoundingClientRect().left;
    const length = this.series[0]?.values.length ?? 0;
    const back = Math.round((this.right - x) / this.step);
    this.at = back >= 0 && back < length ? length - 1 - back : null;
    this.draw();
  }

  draw() {
    const width = this.box.clientWidth;
    if (!width || this.until === undefined) return;
    this.right = width - EDGE.right;
    this.step = (this.right - EDGE.left) / (this.span / this.seconds);
    const length = this.series[0]?.values.length ?? 0;
    const sums = Array.from({ length }, (_, at) => this.series.reduce((sum, { values }) => sum + values[at], 0));
    const most = sums.reduce((a, b) => Math.max(a, b), 0);
    const tick = this.whole ? Math.max(1, Math.ceil(round(most / 4))) : round(most / 4 || 0.25);
    const top = Math.max(tick, Math.ceil(most / tick) * tick);
    const y = (n) => EDGE.top + (HEIGHT - EDGE.top - EDGE.bottom) * (1 - n / top);
    const x = (at) => this.right - (length - 1 - at) * this.step;
    const root = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": this.description });
    for (let n = 0; n <= top + tick / 2; n += tick) {
      root.append(svg("line", { class: "grid", x1: EDGE.left, x2: this.right, y1: y(n), y2: y(n) }));
      root.append(svg("text", { class: "axis", x: EDGE.left - 8, y: y(n) + 4, "text-anchor": "end" }, label(n)));
    }
    this.times(root, width);
    const below = new Array(length).fill(0);
    const lines = [];
    for (const { kind, values } of this.series) {
      if (values.every((n) => n === 0)) continue;
      const above = values.map((n, at) => below[at] + n);
      if (length > 1) {
        const upper = above.map((n, at) => `${x(at).toFixed(1)},${y(n).toFixed(1)}`);
        const lower = below.map((n, at) => `${x(at).toFixed(1)},${y(n).toFixed(1)}`).reverse();
        root.append(svg("polygon", { class: `area ${kind}`, points: [...upper, ...lower].join(" ") }));
        // The lowest comes last: where nothing lies upon it, it is what there is to see.
        lines.unshift(svg("polyline", { class: `line ${kind}`, points: upper.join(" ") }));
      }
      above.forEach((n, at) => { below[at] = n; });
    }
    root.append(...lines);
    this.cursor(root, x, sums, y);
    this.box.replaceChildren(root);
  }

  times(root, width) {
    const every = width < 420 ? 1200 : 600;
    const begin = this.until - this.span;
    for (let at = Math.ceil(begin / every) * every; at <= this.until; at += every) {
      const x = this.right - ((this.until - at) / this.seconds) * this.step;
      if (x < EDGE.left + 14 || x > this.right - 14) continue;
      root.append(svg("text", { class: "axis", x, y: HEIGHT - 6, "text-anchor": "middle" }, clock.format(new Date(at * 1000))));
    }
  }

  cursor(root, x, sums, y) {
    if (this.at === null || this.at >= sums.length) return this.told?.(null);
    const at = this.at;
    root.append(svg("line", { class: "cursor", x1: x(at), x2: x(at), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
    root.append(svg("circle", { class: "cursor", cx: x(at), cy: y(sums[at]), r: 4 }));
    const time = this.until - (sums.length - 1 - at) * this.seconds;
    this.told?.({ at, time: exact.format(new Date(time * 1000)), sum: sums[at] });
  }
}

// Names with their counts, and bars to compare them by: a table for who cannot see the bars.
export const bars = (name, shares, other, total, link) => {
  const row = ({ name: text, count, ...more }) => {
    const fill = make("i");
    fill.style.transform = `scaleX(${total > 0 ? Math.max(0.004, count / total) : 0})`;
    const first = make("th", { scope: "row" }, link ? link({ name: text, ...more }) : make("span", { text: text || "not told" }));
    const percent = total > 0 ? `${((100 * count) / total).toFixed(count / total < 0.1 ? 1 : 0)} %` : "";
    return make("tr", {}, first,
      make("td", { class: "gauge-cell" }, make("span", { class: "gauge", "aria-hidden": "true" }, fill)),
      make("td", { class: "n", text: number(count) }), make("td", { class: "n percent", text: percent }));
  };
  const rows = shares.map(row);
  if (other > 0) rows.push(row({ name: "all others", count: other }));
  if (rows.length === 0) return make("p", { class: "about", text: "None yet." });
  const heads = [make("th", { scope: "col", text: name }), make("td", {}), make("th", { scope: "col", text: "Registrations" }), make("th", { scope: "col", text: "Share" })];
  return make("table", { class: "bars" }, make("thead", { class: "unseen" }, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
};
