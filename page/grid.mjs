/* grid.mjs - the table of runs.  Of however many there are only the rows in
 * sight are in the document: a hundred thousand scroll as ten do. */
import { $, h, later, replace, setText } from "./dom.mjs";
import { ago, count, idTime, number, percent, span } from "./format.mjs";
import { spark } from "./spark.mjs";
import { stateWord } from "./words.mjs";

const HIGH = 34; /* pixels of a row, as in page.css */
const SPARE = 4; /* rows above and below */
const ROWS_HIGH = 900000; /* rows that a browser can be as high as */
const PARAMS = 8;

const BEST = "\u0000best", LAST = "\u0000last";

export class Grid {
	constructor(app) {
		this.app = app;
		this.rows = app.rows;
		this.params = [];
		this.chosen = new Set();
		this.active = 0;
		this.body = h("div", { class: "grid-body", role: "rowgroup" });
		this.head = h("div", { class: "grid-head", role: "rowgroup" });
		this.inner = h("div", { class: "grid-inner" }, this.head, this.body);
		this.box = h("div", { class: "grid", role: "grid", tabindex: "0", "aria-label": "Runs", "aria-multiselectable": "true" }, this.inner);
		replace($("grid"), this.box);
		this.box.addEventListener("scroll", () => this.soon(), { passive: true });
		this.box.addEventListener("keydown", (e) => this.key(e));
		this.box.addEventListener("focus", () => this.draw());
		this.box.addEventListener("blur", () => this.draw());
		new ResizeObserver(() => this.soon()).observe(this.box);
		app.curves.onCurves(() => this.soon());
		this.sparks = later(() => this.soon(true), 120);
	}

	/* ---- columns ---- */

	columns() {
		const metric = this.rows.metric, narrow = this.box.clientWidth < 520;
		const out = [
			{ key: "", title: "", wide: [30, 0], cell: (r) => this.box_(r) },
			{ key: "state", title: "State", wide: [narrow ? 84 : 122, 0], cell: (r) => this.state(r, narrow) },
			{ key: "name", title: "Run", wide: [narrow ? 104 : 140, 1.4], cell: (r) => this.name(r) },
		];
		if (metric !== null) {
			out.push({ key: BEST, title: "Best", of: ` ${metric}`, wide: [narrow ? 68 : 78, 0.3], right: true, cell: (r) => number(this.rows.bestOf(r)) },
			    { key: LAST, title: "Last", of: ` ${metric}`, wide: [narrow ? 68 : 78, 0.3], right: true, cell: (r) => number(this.rows.lastOf(r)) },
			    { key: "", title: "Curve", wide: [108, 0], cell: (r) => this.spark(r) });
		}
		for (const p of this.params.slice(0, PARAMS))
			out.push({ key: p.name, title: p.name, wide: [p.numeric ? 76 : 84, 0.7], right: p.numeric, cell: (r) => this.value(r, p.name) });
		out.push({ key: "project", title: "Project", wide: [76, 0.7], cell: (r) => r.project || "" },
		    { key: "seconds", title: "Took", wide: [88, 0.2], right: true, cell: (r) => this.took(r) },
		    { key: "worker", title: "Worker", wide: [112, 0.8], cell: (r) => r.worker || "" },
		    { key: "id", title: "Submitted", wide: [96, 0.2], right: true, cell: (r) => ago(idTime(r.id), this.app.now()) });
		return out;
	}
	box_(r) {
		const c = h("input", { type: "checkbox", tabindex: "-1", "aria-label": `draw ${r.name || r.id}`, checked: this.chosen.has(r.id) });
		c.checked = this.chosen.has(r.id);
		c.addEventListener("change", () => this.choose(r));
		return c;
	}
	state(r, narrow) {
		return h("span", { class: `state s-${r.state}` }, h("i", { class: "mark", "aria-hidden": "true" }),
		    r.state === "assigned" && r.progress !== null && !narrow ? `${stateWord(r.state)} ${percent(r.progress)}` : stateWord(r.state));
	}
	name(r) {
		const best = this.rows.best !== null && this.rows.best.id === r.id;
		return h("span", { class: "name" }, best ? h("span", { class: "star", role: "img", "aria-label": "best", title: "the best of those shown" }, "★") : null,
		    h("a", { href: `#/run/${r.id}`, tabindex: "-1", title: r.error || r.id }, r.name || r.id));
	}
	value(r, name) {
		const v = r.params[name];
		return v === undefined ? "" : number(v);
	}
	took(r) {
		if (r.seconds !== null)
			return span(r.seconds);
		return r.state === "assigned" && r.eta ? `${span((r.eta - this.app.now()) / 1000)} left` : "";
	}
	spark(r) {
		return spark(this.drawSparks ? this.app.curves.get(r, this.rows.metric, 40) : this.kept(r), 92, 24, `${this.rows.metric} of ${r.name || r.id}`);
	}
	/* While it scrolls nothing is asked for. */
	kept(r) {
		const has = this.app.curves.kept.get(this.app.curves.key(r.id, this.rows.metric, 40));
		return has === undefined ? null : has.curve;
	}

	/* ---- drawing ---- */

	soon(sparks) {
		if (sparks !== true)
			this.sparks();
		this.drawSparks = sparks === true;
		if (this.frame === undefined)
			this.frame = requestAnimationFrame(() => {
				this.frame = undefined;
				this.draw();
			});
	}
	drawHead() {
		const s = this.rows.sort;
		const cells = this.cols.map((c, i) => {
			const on = c.key !== "" && s.key === c.key;
			const inside = c.key === "" ? c.title || h("span", { class: "unseen" }, "Drawn")
				: h("button", { type: "button", onclick: () => this.sort(c.key), title: `sort by ${c.title}${c.of || ""}` }, c.title, c.of ? h("span", { class: "unseen" }, c.of) : null, on ? h("span", { "aria-hidden": "true" }, s.down ? " ↓" : " ↑") : null);
			return h("div", { class: `cell${c.right ? " right" : ""}`, role: "columnheader", "aria-colindex": i + 1, "aria-sort": on ? (s.down ? "descending" : "ascending") : null }, inside);
		});
		const said = JSON.stringify([this.cols.map((c) => c.key + c.title + c.wide + (c.of || "")), s]);
		if (said === this.headSaid)
			return;
		this.headSaid = said;
		/* The button that was pressed goes with the old head. */
		const held = this.head.contains(document.activeElement) ? [...this.head.querySelectorAll("button")].indexOf(document.activeElement) : -1;
		replace(this.head, h("div", { class: "grid-row", role: "row", "aria-rowindex": 1 }, cells));
		if (held >= 0 && this.head.querySelectorAll("button")[held])
			this.head.querySelectorAll("button")[held].focus();
		this.inner.style.setProperty("--columns", this.cols.map(({ wide: [px, part] }) => (part === 0 ? `${px}px` : `minmax(${px}px,${part}fr)`)).join(" "));
		this.inner.style.minWidth = `${this.cols.reduce((sum, c) => sum + c.wide[0], 0)}px`;
	}
	row(r, i) {
		const here = document.activeElement === this.box && i === this.active;
		const e = h("div", {
			class: `grid-row${here ? " active" : ""}${this.chosen.has(r.id) ? " chosen" : ""}`, role: "row",
			id: `row-${i}`, "aria-rowindex": i + 2, "aria-selected": this.chosen.has(r.id) ? "true" : "false",
		}, this.cols.map((c, k) => h("div", { class: `cell${c.right ? " right" : ""}`, role: "gridcell", "aria-colindex": k + 1 }, c.cell(r))));
		e.style.top = `${i * HIGH}px`;
		return e;
	}
	draw() {
		const shown = this.rows.shown, n = Math.min(shown.length, ROWS_HIGH);
		this.cols = this.columns();
		this.drawHead();
		this.box.setAttribute("aria-rowcount", String(n + 1));
		this.box.setAttribute("aria-colcount", String(this.cols.length));
		this.body.style.height = `${Math.max(n, 1) * HIGH}px`;
		const first = Math.max(0, Math.floor(this.box.scrollTop / HIGH) - SPARE);
		const last = Math.min(n, Math.ceil((this.box.scrollTop + this.box.clientHeight) / HIGH) + SPARE);
		const rows = [];
		for (let i = first; i < last; i++)
			rows.push(this.row(shown[i], i));
		if (n === 0)
			rows.push(h("div", { role: "row", class: "empty" }, h("div", { role: "gridcell" },
			    this.rows.all.length === 0 ? "No runs yet." : "No run fits the filter.")));
		this.body.replaceChildren(...rows);
		if (document.activeElement === this.box && n > 0 && this.active >= first && this.active < last)
			this.box.setAttribute("aria-activedescendant", `row-${this.active}`);
		else
			this.box.removeAttribute("aria-activedescendant");
	}
	show() {
		this.active = Math.min(this.active, Math.max(0, this.rows.shown.length - 1));
		const n = this.rows.shown.length, all = this.rows.all.length;
		setText($("shown"), n === all ? `${count(all)} runs` : `${count(n)} of ${count(all)} runs`);
		this.soon();
	}

	/* ---- doing ---- */

	sort(key) {
		const s = this.rows.sort, up = this.rows.goal(this.rows.metric) === 1;
		const first = key === BEST || key === LAST ? !up : key === "id" || key === "seconds";
		this.rows.sort = { key, down: s.key === key ? !s.down : first };
		this.box.scrollTop = 0;
		this.rows.look();
	}
	choose(r) {
		if (!this.chosen.delete(r.id))
			this.chosen.add(r.id);
		this.soon();
		this.app.chosen();
	}
	move(to) {
		const n = this.rows.shown.length;
		this.active = Math.max(0, Math.min(n - 1, to));
		const top = this.active * HIGH, page = this.box.clientHeight - HIGH - 4;
		if (top < this.box.scrollTop)
			this.box.scrollTop = top;
		else if (top + HIGH > this.box.scrollTop + page)
			this.box.scrollTop = top + HIGH - page;
		this.draw();
		this.soon();
	}
	key(e) {
		if (e.target !== this.box || this.rows.shown.length === 0)
			return;
		const page = Math.max(1, Math.floor(this.box.clientHeight / HIGH) - 2);
		const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: Infinity }[e.key];
		const r = this.rows.shown[this.active];
		if (to !== undefined)
			this.move(to);
		else if (e.key === "Enter")
			location.hash = `#/run/${r.id}`;
		else if (e.key === " ")
			this.choose(r);
		else
			return;
		e.preventDefault();
	}
}
