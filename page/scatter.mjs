/* scatter.mjs - a parameter against the metric, a dot a run. */
/* global d3 */
import { drawAxes, frame, logFits, scaleOf } from "./axes.mjs";
import { $, h, replace, select, svg } from "./dom.mjs";
import { number } from "./format.mjs";
import { colour } from "./theme.mjs";

const DOTS = 20000; /* more are thinned out */
const HIGH_SCATTER = 300;

export class Scatter {
	constructor(app) {
		this.app = app;
		this.param = null;
		this.controls = h("div", { class: "controls" });
		this.plot = h("div", { class: "plot-box" });
		this.words = h("p", { class: "readout" }, "");
		replace($("scatter"), this.controls, this.plot, this.words);
		new ResizeObserver(() => this.show(this.params || [])).observe(this.plot);
	}
	show(params) {
		this.params = params;
		const names = params.map((p) => p.name);
		if (!names.includes(this.param))
			this.param = (params.find((p) => p.numeric) || params[0] || { name: null }).name;
		const said = JSON.stringify([names, this.param]);
		if (said !== this.said)
			replace(this.controls, names.length === 0 ? null : select("parameter", names, this.param, (v) => {
				this.param = v;
				this.show(this.params);
			}));
		this.said = said;
		const metric = this.app.rows.metric, p = params.find((k) => k.name === this.param), wide = Math.floor(this.plot.clientWidth);
		$("scatter-title").textContent = p && metric ? `${metric} by ${p.name}` : "Parameter against metric";
		if (wide < 50)
			return;
		const points = !p || metric === null ? [] : this.app.rows.shown
			.map((row) => ({ row, x: row.params[p.name], y: this.app.rows.bestOf(row) }))
			.filter((d) => d.x !== undefined && d.y !== null);
		if (points.length === 0) {
			replace(this.plot, h("p", { class: "empty" }, "Nothing to compare: no parameter differs among these runs, or they have no metric."));
			this.words.textContent = "";
			return;
		}
		this.draw(points, p, metric, wide);
	}
	scaleX(points, p, wide) {
		if (!p.numeric)
			return d3.scalePoint().domain([...new Set(points.map((d) => String(d.x)))].sort().slice(0, 40)).range([0, wide]).padding(0.5);
		const [a, b] = d3.extent(points, (d) => d.x);
		const s = scaleOf(a, b, logFits(a, b)).range([8, wide - 8]);
		return s;
	}
	draw(points, p, metric, wide) {
		const all = points.length;
		if (all > DOTS)
			points = points.filter((_, i) => i % Math.ceil(all / DOTS) === 0);
		const f = frame(wide, HIGH_SCATTER, { left: 52, right: 14, top: 22, bottom: 38 }, `${metric} by ${p.name}, ${all} runs`);
		const x = this.scaleX(points, p, f.width);
		const [low, high] = d3.extent(points, (d) => d.y);
		const y = scaleOf(low, high, logFits(low, high)).range([f.height - 6, 6]);
		drawAxes(f, x, y, p.name + (x.base ? " (log)" : ""), `best ${metric}${y.base ? " (log)" : ""}`);
		const dots = h("canvas", { class: "dots", "aria-hidden": "true" });
		const seen = points.map((d) => ({ row: d.row, d, x: x(p.numeric ? d.x : String(d.x)), y: y(d.y) }))
			.filter((s) => Number.isFinite(s.x) && Number.isFinite(s.y));
		this.paint(dots, f, seen);
		const box = h("div", { class: "over" }, f.root, dots);
		const best = this.app.rows.best, star = seen.find((s) => best !== null && s.row.id === best.id);
		if (star)
			f.inner.append(svg("text", { class: "best-star", x: star.x, y: star.y + 5, "text-anchor": "middle" }, "★"));
		replace(this.plot, box);
		this.hover(box, f, seen, p, metric);
		this.words.textContent = all === points.length ? "Click a dot for its run." : `${points.length} of ${all} are drawn. Click a dot for its run.`;
	}
	paint(canvas, f, seen) {
		const scale = window.devicePixelRatio || 1;
		canvas.width = f.width * scale;
		canvas.height = f.height * scale;
		canvas.style.width = `${f.width}px`;
		canvas.style.height = `${f.height}px`;
		canvas.style.left = "52px";
		canvas.style.top = "22px";
		const c = canvas.getContext("2d");
		c.scale(scale, scale);
		c.fillStyle = colour("accent");
		c.globalAlpha = seen.length > 2000 ? 0.3 : 0.65;
		const r = seen.length > 2000 ? 2 : 3.5;
		for (const s of seen) {
			c.beginPath();
			c.arc(s.x, s.y, r, 0, 2 * Math.PI);
			c.fill();
		}
	}
	hover(box, f, seen, p, metric) {
		const near = (e) => {
			const at = box.getBoundingClientRect(), px = e.clientX - at.left - 52, py = e.clientY - at.top - 22;
			let best = null, least = 20 * 20;
			for (const s of seen) {
				const d = (s.x - px) ** 2 + (s.y - py) ** 2;
				if (d < least) {
					least = d;
					best = s;
				}
			}
			return best;
		};
		box.addEventListener("pointermove", (e) => {
			const s = near(e);
			box.classList.toggle("hit", s !== null);
			if (s !== null)
				this.words.textContent = `${s.row.name || s.row.id}: ${p.name} ${number(s.d.x)}, best ${metric} ${number(s.d.y)}`;
		});
		box.addEventListener("click", (e) => {
			const s = near(e);
			if (s !== null)
				location.hash = `#/run/${s.row.id}`;
		});
	}
}
