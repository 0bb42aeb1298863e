// Rows of a long list: only those that can be seen are there. A row's element stays with its entry
// for as long as it can be seen or has the focus, so that a button never comes to mean another phone.
import { duration, make, say } from "/page/dom.js";

// Beyond what can be seen, so that scrolling has something to show at once.
const BEYOND = 8;

export class Rows {
  constructor(scroller, columns, store, act) {
    Object.assign(this, { scroller, columns, store, act });
    this.sizer = make("div", { class: "sizer", role: "presentation" });
    scroller.append(this.sizer);
    this.rows = new Map();
    this.spare = [];
    this.frame = 0;
    this.height = 54;
    scroller.addEventListener("scroll", () => this.soon(), { passive: true });
    scroller.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => {
      // Another width may have rows of another height.
      this.height = parseFloat(getComputedStyle(scroller).getPropertyValue("--row"));
      this.soon();
    }).observe(scroller);
    this.sizer.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const row = button?.closest(".row");
      if (row) this.act(button.dataset.do, row.entry);
    });
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  make() {
    const cells = this.columns.map(({ id }) => {
      if (id !== "user") return make("div", { role: "cell", class: `cell ${id}` });
      return make("div", { role: "cell", class: "cell user" });
    });
    const row = make("div", { role: "row", class: "row" }, ...cells);
    row.cells = Object.fromEntries(this.columns.map(({ id }, at) => [id, cells[at]]));
    const { user, agent, proxy, remaining, flush, address } = row.cells;
    row.name = make("button", { type: "button", class: "name", "data-do": "details" });
    row.realm = make("span", { class: "minor" });
    user.append(row.name, row.realm);
    row.parts = {};
    for (const [name, cell] of Object.entries({ agent, proxy, address })) {
      row.parts[name] = [make("span", { class: "main" }), make("span", { class: "minor" })];
      cell.append(...row.parts[name]);
    }
    row.left = make("span", { class: "left" });
    row.fill = make("i");
    remaining.append(row.left, make("span", { class: "gauge", "aria-hidden": "true" }, row.fill));
    row.flush = make("button", { type: "button", class: "act", "data-do": "flush" });
    flush.append(row.flush);
    return row;
  }

  fill(row, e) {
    if (row.entry === e) return;
    const { cells, parts } = row;
    row.entry = e;
    say(row.name, e.username);
    say(row.realm, `@${e.realm}`);
    say(cells.device, e.device);
    say(parts.agent[0], e.agent || "–");
    say(parts.agent[1], "");
    say(parts.address[0], e.address || "–");
    say(parts.address[1], "");
    say(parts.proxy[0], e.proxy || "–");
    say(parts.proxy[1], e.node === e.proxy ? "" : e.node);
    say(cells.zone, e.zone || "–");
    cells.device.title = e.device;
    cells.agent.title = e.agent;
    cells.address.title = e.contact;
    say(row.flush, "Flush");
    row.flush.setAttribute("aria-label", `Flush ${e.username}@${e.realm}`);
    row.classList.toggle("fresh", performance.now() - e.fresh < 2500 && e.fresh > 0);
  }

  // Once a second, and whenever a row comes into sight.
  tick(row) {
    const left = this.store.remaining(row.entry);
    say(row.left, duration(left));
    const share = row.entry.expires > 0 ? Math.min(1, left / row.entry.expires) : 0;
    row.fill.style.transform = `scaleX(${share.toFixed(4)})`;
    row.dataset.left = share > 0.4 ? "much" : share > 0.15 ? "some" : "little";
  }

  tickAll() {
    for (const row of this.rows.values()) this.tick(row);
  }

  draw() {
    const { view } = this.store;
    const { height } = this;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / height) - BEYOND);
    const last = Math.min(view.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / height) + BEYOND);
    const tall = `${view.length * height}px`;
    if (this.sizer.style.height !== tall) this.sizer.style.height = tall;
    const wanted = new Map();
    for (let at = first; at < last; at++) wanted.set(view[at].key, at);
    for (const [key, row] of this.rows) {
      // Gone from sight, but a person's hand is on it: it stays until they let go.
      const held = row.contains(document.activeElement) && this.store.all.has(key);
      if (wanted.has(key)) continue;
      if (held) {
        this.fill(row, this.store.all.get(key));
        row.style.visibility = "hidden";
        continue;
      }
      if (row.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      this.rows.delete(key);
      row.remove();
      this.spare.push(row);
    }
    const born = [];
    for (const [key, at] of wanted) {
      let row = this.rows.get(key);
      if (!row) {
        row = this.spare.pop() ?? this.make();
        this.rows.set(key, row);
        born.push(row);
      }
      this.fill(row, view[at]);
      this.tick(row);
      const top = `translateY(${at * height}px)`;
      if (row.style.transform !== top) row.style.transform = top;
      if (row.style.visibility) row.style.visibility = "";
      // The row of names is the first.
      row.setAttribute("aria-rowindex", at + 2);
      row.at = at;
    }
    if (born.length) this.sizer.append(...born);
    this.spare.length = Math.min(this.spare.length, 60);
  }

  // Up and down go from row to row, to the same button.
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = document.activeElement?.closest?.(".row");
    if (!step || !row || row.at === undefined) return;
    const at = row.at + step;
    if (at < 0 || at >= this.store.view.length) return;
    event.preventDefault();
    const { height } = this;
    const { scrollTop, clientHeight } = this.scroller;
    if (at * height < scrollTop) this.scroller.scrollTop = at * height;
    else if ((at + 1) * height > scrollTop + clientHeight) this.scroller.scrollTop = (at + 1) * height - clientHeight;
    this.draw();
    const next = this.rows.get(this.store.view[at].key);
    next?.querySelector(`[data-do="${document.activeElement.dataset.do}"]`)?.focus({ preventScroll: true });
  }

  top() { this.scroller.scrollTop = 0; }
}
