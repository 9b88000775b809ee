/* spark.mjs - curves as they are fetched and kept, and the small ones. */
/* global d3 */
import { svg } from "./dom.mjs";

const AT_ONCE = 24;
const FRESH_MS = 2500; /* a running one has grown since */
const KEPT = 4000;

export class Curves {
	constructor(source) {
		this.source = source;
		this.kept = new Map();
		this.wanted = new Map();
		this.busy = false;
		this.listeners = [];
	}
	onCurves(fn) {
		this.listeners.push(fn);
	}
	key(id, metric, points) {
		return `${id} ${points} ${metric}`;
	}
	/* {x, y}, or null: it is asked for, and listeners are told.  Of one that
	 * runs what is old is given, and asked for anew. */
	get(row, metric, points) {
		if (metric === null || row.bundle || !Object.hasOwn(row.metrics, metric))
			return null;
		const key = this.key(row.id, metric, points), has = this.kept.get(key);
		if (has === undefined || (row.state === "assigned" || has.state === "assigned") && Date.now() - has.at > FRESH_MS)
			this.want(row, metric, points);
		return has === undefined ? null : has.curve;
	}
	want(row, metric, points) {
		const key = this.key(row.id, metric, points);
		if (this.wanted.has(key))
			return;
		this.wanted.set(key, { row, metric, points });
		this.pump();
	}
	async pump() {
		if (this.busy)
			return;
		this.busy = true;
		await new Promise((done) => setTimeout(done, 60));
		while (this.wanted.size > 0) {
			const [first] = this.wanted.values();
			const batch = [...this.wanted].filter(([, w]) => w.metric === first.metric && w.points === first.points).slice(-AT_ONCE);
			for (const [key] of batch)
				this.wanted.delete(key);
			await this.fetch(batch, first);
		}
		this.busy = false;
	}
	async fetch(batch, { metric, points }) {
		let got = {};
		try {
			got = await this.source.curves(batch.map(([, w]) => w.row.id), points, [metric]);
		} catch {
			/* they stay as they were; asked for when they are seen again */
		}
		for (const [key, w] of batch) {
			const all = got[w.row.id] || {};
			this.kept.delete(key);
			this.kept.set(key, { curve: all[metric] || null, at: Date.now(), state: w.row.state });
		}
		for (const key of this.kept.keys()) {
			if (this.kept.size <= KEPT)
				break;
			this.kept.delete(key);
		}
		for (const fn of this.listeners)
			fn();
	}
}

/* A small curve without axes. */
export function spark(curve, width, height, label) {
	const root = svg("svg", { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
	if (curve === null || curve.y.length < 2)
		return root;
	const x = d3.scaleLinear().domain(d3.extent(curve.x)).range([1.5, width - 3]);
	const y = d3.scaleLinear().domain(d3.extent(curve.y)).range([height - 2.5, 2.5]);
	const at = d3.line().x((_, i) => x(curve.x[i])).y((v) => y(v));
	const last = curve.y.length - 1;
	root.append(svg("path", { d: at(curve.y) }), svg("circle", { cx: x(curve.x[last]), cy: y(curve.y[last]), r: 1.8 }));
	return root;
}
