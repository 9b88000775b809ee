/* curves.mjs - the metric of some runs over its steps, one upon the other: those
 * that were chosen, else the best. */
/* global d3 */
import { PALETTE, drawAxes, frame, scaleOf, short, spread } from "./axes.mjs";
import { $, h, replace, svg } from "./dom.mjs";
import { number } from "./format.mjs";

const OVERLAID = 8; /* colours */
const POINTS = 300;
const HIGH_PLOT = 300;

/* Exponential smoothing that does not begin at nought. */
export function smooth(y, weight) {
	if (weight === 0)
		return y;
	let sum = 0, all = 0;
	return y.map((v) => {
		sum = sum * weight + v;
		all = all * weight + 1;
		return sum / all;
	});
}

export class Overlay {
	constructor(app) {
		this.app = app;
		this.log = false;
		this.weight = 0;
		this.plot = h("div", { class: "plot-box" });
		this.readout = h("p", { class: "readout", "aria-live": "off" });
		this.logBox = h("input", { type: "checkbox", onchange: () => {
			this.log = this.logBox.checked;
			this.show();
		} });
		this.slider = h("input", { type: "range", min: "0", max: "0.98", step: "0.01", value: "0", oninput: () => {
			this.weight = Number(this.slider.value);
			this.show();
		} });
		replace($("curves"), h("div", { class: "controls" },
		    h("label", { class: "choice" }, this.logBox, h("span", null, "log axis")),
		    h("label", { class: "choice" }, h("span", null, "smoothing"), this.slider)), this.plot, this.readout);
		new ResizeObserver(() => this.show()).observe(this.plot);
		app.curves.onCurves(() => this.show());
	}
	runs() {
		const chosen = [...this.app.grid.chosen].map((id) => this.app.rows.byId.get(id)).filter(Boolean).slice(0, OVERLAID);
		return chosen.length > 0 ? chosen : this.app.rows.leaders(OVERLAID);
	}
	lines() {
		const out = [];
		this.runs().forEach((row, i) => {
			const c = this.app.curves.get(row, this.app.rows.metric, POINTS);
			if (c !== null && c.y.length > 0)
				out.push({ row, colour: PALETTE[i % PALETTE.length], x: c.x, y: smooth(c.y, this.weight) });
		});
		return out;
	}
	show() {
		const metric = this.app.rows.metric, lines = this.lines(), wide = Math.floor(this.plot.clientWidth);
		if (wide < 50)
			return;
		$("curves-title").textContent = metric === null ? "Curves" : `${metric} over its steps`;
		$("curves-which").textContent = this.app.grid.chosen.size > 0 ? "the runs that are ticked in the table" : "the best of the table; tick others there to compare them";
		const saw = JSON.stringify([metric, wide, this.log, this.weight, lines.map((l) => [l.row.id, l.x.length, l.y[l.y.length - 1]])]);
		if (saw === this.saw)
			return;
		this.saw = saw;
		if (lines.length === 0) {
			replace(this.plot, h("p", { class: "empty" }, "No curves yet: a script writes one JSON object a line to the file that SPOOL_METRICS names."));
			this.readout.textContent = "";
			return;
		}
		this.draw(lines, metric, wide);
	}
	draw(lines, metric, wide) {
		const narrow = wide < 480;
		const f = frame(wide, HIGH_PLOT, { left: 52, right: narrow ? 12 : 160, top: 22, bottom: 38 }, `${metric} of ${lines.length} runs`);
		const xs = d3.extent(lines.flatMap((l) => [l.x[0], l.x[l.x.length - 1], ...d3.extent(l.x)]));
		const ys = d3.extent(lines.flatMap((l) => d3.extent(l.y)));
		const x = scaleOf(xs[0], xs[1], false).domain(xs[0] === xs[1] ? [xs[0] - 1, xs[1] + 1] : xs).range([0, f.width]);
		const y = scaleOf(ys[0], ys[1], this.log).range([f.height, 0]);
		drawAxes(f, x, y, "step", metric + (y.base ? " (log)" : this.log ? " (not all above 0: no log axis)" : ""));
		for (const l of lines) {
			const at = d3.line().x((_, i) => x(l.x[i])).y((v) => y(v));
			f.inner.append(svg("path", { class: `line ${l.colour}`, d: at(l.y) }));
			if (l.y.length === 1)
				f.inner.append(svg("circle", { class: `dot ${l.colour}`, cx: x(l.x[0]), cy: y(l.y[0]), r: 3 }));
		}
		if (!narrow)
			this.labels(f, lines, x, y);
		this.hover(f, lines, x, y);
		replace(this.plot, f.root);
		this.legend(lines, narrow);
	}
	/* Names stand where lines end. */
	labels(f, lines, x, y) {
		const marks = spread(lines.map((l) => ({ l, y: y(l.y[l.y.length - 1]), x: x(l.x[l.x.length - 1]) })), 13, f.height);
		for (const m of marks)
			f.inner.append(
			    svg("path", { class: `leader ${m.l.colour}`, d: `M${m.x + 2},${m.y}L${f.width + 8},${m.at}` }),
			    svg("text", { class: `line-label ${m.l.colour}`, x: f.width + 11, y: m.at + 4 }, `${short(m.l.row.name || m.l.row.id.slice(-8), 13)} ${number(m.l.y[m.l.y.length - 1])}`));
	}
	/* For where there is no room for names beside the lines. */
	legend(lines, narrow) {
		if (!narrow) {
			replace(this.readout, "Point at the plot for the numbers of one step.");
			return;
		}
		replace(this.readout, lines.map((l) => h("span", { class: "key" }, h("i", { class: `swatch ${l.colour}`, "aria-hidden": "true" }),
		    `${short(l.row.name || l.row.id.slice(-8), 14)} `, h("b", null, number(l.y[l.y.length - 1])))));
	}
	/* A line at the pointer, and what each run had there. */
	hover(f, lines, x, y) {
		const rule = svg("line", { class: "rule", y1: 0, y2: f.height, visibility: "hidden" });
		const dots = lines.map((l) => svg("circle", { class: `dot ${l.colour}`, r: 3, visibility: "hidden" }));
		f.inner.append(rule, ...dots);
		const shield = svg("rect", { class: "shield", width: f.width, height: f.height });
		shield.addEventListener("pointermove", (e) => {
			const step = x.invert(e.clientX - shield.getBoundingClientRect().left);
			rule.setAttribute("x1", x(step));
			rule.setAttribute("x2", x(step));
			rule.setAttribute("visibility", "visible");
			replace(this.readout, h("span", { class: "key" }, `at step ${number(Math.round(step))}`), lines.map((l, i) => {
				const k = Math.min(d3.bisectLeft(l.x, step), l.x.length - 1);
				dots[i].setAttribute("cx", x(l.x[k]));
				dots[i].setAttribute("cy", y(l.y[k]));
				dots[i].setAttribute("visibility", "visible");
				return h("span", { class: "key" }, h("i", { class: `swatch ${l.colour}`, "aria-hidden": "true" }), `${short(l.row.name || l.row.id.slice(-8), 14)} `, h("b", null, number(l.y[k])));
			}));
		});
		shield.addEventListener("pointerleave", () => {
			for (const e of [rule, ...dots])
				e.setAttribute("visibility", "hidden");
			this.legend(lines, this.plot.clientWidth < 480);
		});
		f.inner.append(shield);
	}
}
