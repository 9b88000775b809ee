/* axes.mjs - scales and axes that all plots share; D3 does the work. */
/* global d3 */
import { svg } from "./dom.mjs";
import { number } from "./format.mjs";

/* Told apart also by who does not see all colours; --c0 to --c7 in page.css. */
export const PALETTE = Array.from({ length: 8 }, (_, i) => `c${i}`);

/* A linear scale, or one of powers where the numbers ask for it. */
export function scaleOf(least, most, log) {
	if (least === most) {
		const d = Math.abs(least) * 0.1 || 1;
		least -= log ? 0 : d;
		most += d;
	}
	return log && least > 0 ? d3.scaleLog().domain([least, most])
		: d3.scaleLinear().domain([least, most]).nice(5);
}

/* Would nobody see the small ones otherwise? */
export const logFits = (least, most) => least > 0 && most / least >= 50;

export function ticksOf(scale, n) {
	if (!scale.base)
		return scale.ticks(n);
	/* Powers of ten; where there are hardly any, a few between them. */
	const all = scale.ticks(n), powers = all.filter((t) => Number.isInteger(Math.round(Math.log10(t) * 1e6) / 1e6));
	if (powers.length >= 2) {
		const step = Math.ceil(powers.length / n);
		return powers.filter((_, i) => i % step === 0);
	}
	const step = Math.ceil(all.length / n);
	return all.filter((_, i) => i % step === 0);
}

export function axis(side, scale, n) {
	const make = { left: d3.axisLeft, bottom: d3.axisBottom }[side](scale).tickSize(4).tickPadding(5);
	return scale.ticks ? make.tickValues(ticksOf(scale, n)).tickFormat(number) : make;
}

/* An <svg> of a plot with room at its sides. */
export function frame(width, height, room, label) {
	const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "plot" });
	const inner = svg("g", { transform: `translate(${room.left},${room.top})` });
	root.append(inner);
	return { root, inner, width: width - room.left - room.right, height: height - room.top - room.bottom };
}

export function gridLines(f, y, n) {
	const g = svg("g", { class: "gridlines", "aria-hidden": "true" });
	for (const t of ticksOf(y, n))
		g.append(svg("line", { x1: 0, x2: f.width, y1: y(t), y2: y(t) }));
	f.inner.append(g);
}

export function drawAxes(f, x, y, xLabel, yLabel) {
	gridLines(f, y, 5);
	const bottom = svg("g", { class: "axis", transform: `translate(0,${f.height})` }), left = svg("g", { class: "axis" });
	f.inner.append(bottom, left);
	d3.select(bottom).call(axis("bottom", x, Math.max(2, Math.floor(f.width / 80))));
	d3.select(left).call(axis("left", y, 5));
	f.inner.append(
	    svg("text", { class: "axis-label", x: f.width, y: f.height + 32, "text-anchor": "end" }, xLabel),
	    svg("text", { class: "axis-label", x: -f.left || 0, y: -8, "text-anchor": "start" }, yLabel));
}

/* Labels at the ends of lines, moved apart: [{y, ...}] in place, within 0..height. */
export function spread(labels, gap, height) {
	labels.sort((a, b) => a.y - b.y);
	let floor = -Infinity;
	for (const l of labels) {
		l.at = Math.max(l.y, floor + gap);
		floor = l.at;
	}
	let ceiling = height;
	for (const l of labels.slice().reverse()) {
		l.at = Math.min(l.at, ceiling);
		ceiling = l.at - gap;
	}
	return labels;
}

export function short(text, n) {
	const t = String(text);
	return t.length <= n ? t : `${t.slice(0, n - 1)}…`;
}
