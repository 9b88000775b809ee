/* parallel.mjs - parameters side by side, a line a run; what is brushed there is
 * what the table shows. */
/* global d3 */
import { axis, frame, logFits, scaleOf, short } from "./axes.mjs";
import { $, h, replace, svg } from "./dom.mjs";
import { number } from "./format.mjs";
import { colour } from "./theme.mjs";

const LINES = 1500; /* more are thinned out */
const AXES = 8;
const HIGH_PARALLEL = 280;
const BEST_AXIS = "\u0000best";

export class Parallel {
	constructor(app) {
		this.app = app;
		this.plot = h("div", { class: "plot-box wide", tabindex: "0", role: "group", "aria-label": "Parallel coordinates" });
		this.chips = h("p", { class: "chips" });
		replace($("parallel"), this.chips, this.plot);
		new ResizeObserver(() => this.show(this.params || [])).observe(this.plot);
	}
	/* Of all that the filter leaves: the lines that a brush takes away are
	 * drawn still, but faintly. */
	show(params) {
		this.params = params;
		this.showChips();
		if (this.moving)
			return;
		const rows = this.app.rows, metric = rows.metric, wide = Math.max(Math.floor(this.plot.clientWidth), 0);
		if (wide < 50)
			return;
		const axes = params.filter((p) => p.numeric || p.values.size <= 40).slice(0, AXES)
			.map((p) => ({ name: p.name, title: p.name, numeric: p.numeric, of: (r) => r.params[p.name] }));
		if (metric !== null)
			axes.push({ name: BEST_AXIS, title: `best ${metric}`, numeric: true, of: (r) => rows.bestOf(r) });
		const runs = (rows.matching || []).filter((r) => metric === null || rows.bestOf(r) !== null);
		if (axes.length < 2 || runs.length < 2) {
			replace(this.plot, h("p", { class: "empty" }, "Two runs that differ are needed here."));
			return;
		}
		this.draw(axes, runs, Math.max(wide, axes.length * 92));
	}
	scale(a, runs, height) {
		const values = runs.map(a.of).filter((v) => v !== undefined && v !== null);
		if (a.numeric) {
			const [low, high] = d3.extent(values);
			return scaleOf(low, high, logFits(low, high)).range([height, 0]);
		}
		return d3.scalePoint().domain([...new Set(values.map(String))].sort((x, y) => x.localeCompare(y, "en", { numeric: true }))).range([height, 0]).padding(0.3);
	}
	draw(axes, runs, wide) {
		const all = runs.length;
		const f = frame(wide, HIGH_PARALLEL, { left: 58, right: 58, top: 34, bottom: 16 }, `${all} runs by ${axes.map((a) => a.title).join(", ")}`);
		f.root.removeAttribute("role");
		f.root.removeAttribute("aria-label");
		const x = d3.scalePoint().domain(axes.map((a) => a.name)).range([0, f.width]);
		for (const a of axes)
			a.scale = this.scale(a, runs, f.height);
		const some = all > LINES ? runs.filter((_, i) => i % Math.ceil(all / LINES) === 0) : runs;
		const lines = h("canvas", { class: "dots", "aria-hidden": "true" });
		this.state = { axes, some, f, x, lines };
		this.paint();
		axes.forEach((a, i) => this.axis(f, x, a, i === axes.length - 1));
		replace(this.plot, h("div", { class: "over" }, lines, f.root), some.length < all ? h("p", { class: "note" }, `${some.length} of ${all} runs are drawn.`) : null);
	}
	paint() {
		const { axes, some, f, x, lines } = this.state, scale = window.devicePixelRatio || 1, rows = this.app.rows;
		lines.width = f.width * scale;
		lines.height = (f.height + 4) * scale;
		lines.style.width = `${f.width}px`;
		lines.style.height = `${f.height + 4}px`;
		lines.style.left = "58px";
		lines.style.top = "34px";
		const c = lines.getContext("2d");
		c.scale(scale, scale);
		const at = d3.line().defined((d) => d !== null).x((d) => d[0]).y((d) => d[1]).context(c);
		const put = (r) => {
			c.beginPath();
			at(axes.map((a) => {
				const v = a.of(r), y = v === undefined || v === null ? NaN : a.scale(a.numeric ? v : String(v));
				return Number.isFinite(y) ? [x(a.name), y] : null;
			}));
			c.stroke();
		};
		const crowd = Math.max(0.12, Math.min(0.8, 30 / Math.sqrt(some.length + 1) / 6));
		c.lineWidth = 1;
		c.strokeStyle = colour("faint");
		c.globalAlpha = 0.5;
		for (const r of some)
			if (!rows.brushed(r))
				put(r);
		const fit = some.filter((r) => rows.brushed(r));
		const ramp = this.ramp(fit);
		c.globalAlpha = crowd;
		c.lineWidth = 1.4;
		for (const r of fit) {
			c.strokeStyle = ramp(rows.bestOf(r));
			put(r);
		}
		if (rows.best !== null && some.length > 1) {
			c.globalAlpha = 1;
			c.lineWidth = 2.6;
			c.strokeStyle = colour("star");
			put(rows.best);
		}
	}
	/* The better, the stronger. */
	ramp(fit) {
		const rows = this.app.rows, values = fit.map((r) => rows.bestOf(r)).filter((v) => v !== null).sort((a, b) => a - b);
		const up = rows.goal(rows.metric) === 2, n = Math.max(1, values.length - 1);
		const mix = d3.interpolateRgb(colour("weak"), colour("strong"));
		return (v) => {
			const rank = v === null ? 0 : d3.bisectLeft(values, v) / n;
			return mix((up ? rank : 1 - rank) ** 2);
		};
	}
	axis(f, x, a, last) {
		const g = svg("g", { class: "axis", transform: `translate(${x(a.name)},0)` });
		f.inner.append(g);
		const n = a.numeric ? null : a.scale.domain();
		const left = a.numeric ? axis("left", a.scale, 5) : d3.axisLeft(a.scale).tickSize(4)
			.tickValues(n.filter((_, i) => i % Math.ceil(n.length / 10) === 0)).tickFormat((v) => short(v, 9));
		d3.select(g).call(left);
		g.append(svg("text", { class: "axis-title", y: -14, "text-anchor": last ? "end" : "middle", x: last ? 24 : 0 }, short(a.title, 18), svg("title", null, a.title)));
		const brush = d3.brushY().extent([[-14, 0], [14, f.height]])
			.on("start", () => {
				this.moving = true;
			})
			.on("brush", () => this.brushed(a, d3.event.selection))
			.on("end", () => {
				this.moving = false;
				this.brushed(a, d3.event.selection);
			});
		const b = svg("g", { class: "brush", "data-axis": a.title });
		g.append(b);
		d3.select(b).call(brush);
		this.restore(a, b, brush);
	}
	restore(a, b, brush) {
		const was = this.app.rows.brushes.get(a.name);
		if (was && was.pixels) {
			this.quiet = true;
			d3.select(b).call(brush.move, was.pixels);
			this.quiet = false;
			this.moving = false;
		}
	}
	brushed(a, pixels) {
		if (this.quiet)
			return;
		const brushes = this.app.rows.brushes;
		if (pixels === null)
			brushes.delete(a.name);
		else if (a.numeric)
			brushes.set(a.name, { title: a.title, pixels, from: a.scale.invert(pixels[1]), to: a.scale.invert(pixels[0]) });
		else
			brushes.set(a.name, { title: a.title, pixels, values: a.scale.domain().filter((v) => a.scale(v) >= pixels[0] && a.scale(v) <= pixels[1]) });
		this.app.brushed();
		this.paint();
	}
	/* What is brushed, in words, and a way out that needs no mouse. */
	showChips() {
		const brushes = [...this.app.rows.brushes];
		if (brushes.length === 0) {
			replace(this.chips, "Drag along an axis to keep only the runs that pass there; the best one is the thick line.");
			return;
		}
		replace(this.chips, brushes.map(([name, b]) => h("button", {
			type: "button", class: "chip", onclick: () => {
				this.app.rows.brushes.delete(name);
				this.app.brushed();
				this.show(this.params);
			},
		}, `${b.title} ${b.values ? b.values.join(", ") : `${number(b.from)} to ${number(b.to)}`}`, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "unseen" }, ", remove"))));
	}
}
