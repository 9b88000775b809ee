/* rows.mjs - all runs that the page knows, and which of them are looked at: what
 * the filter and the brushes leave, sorted.  No element in sight. */
import { compile, valueOf } from "./filter.mjs";
import { STATES } from "./words.mjs";

/* What a list of the table says, as an object. */
export function rowOf(columns, list) {
	const row = {};
	columns.forEach((name, i) => {
		row[name] = list[i];
	});
	const facts = row.facts || {};
	delete row.facts;
	row.params = facts.params || {};
	row.tags = facts.tags || null;
	row.group = facts.group || null;
	row.git = facts.git || null;
	row.metrics = row.metrics || {};
	return row;
}

const better = (a, b, goal) => (goal === 2 ? a > b : a < b);

export class Rows {
	constructor() {
		this.byId = new Map();
		this.all = []; /* by id */
		this.whole = false; /* all that there are? */
		this.total = null; /* how many there are, as the server counts */
		this.metricNames = new Map(); /* name: {goal, runs} */
		this.paramNames = new Map(); /* name: runs */
		this.filter = "";
		this.brushes = new Map(); /* name: {from, to} or {values} */
		this.sort = { key: "id", down: true };
		this.metric = null;
		this.shown = [];
		this.best = null;
		this.wrong = [];
		this.listeners = [];
		this.generation = 0;
	}
	onChange(fn) {
		this.listeners.push(fn);
	}

	/* ---- coming in ---- */

	put(row) {
		const was = this.byId.get(row.id);
		if (was === undefined) {
			this.byId.set(row.id, row);
			const last = this.all[this.all.length - 1];
			if (last === undefined || last.id < row.id)
				this.all.push(row);
			else
				this.unsorted = this.all.push(row) > 0;
			for (const k of Object.keys(row.params))
				this.paramNames.set(k, (this.paramNames.get(k) || 0) + 1);
			this.noteMetrics(row, {});
		} else {
			this.noteMetrics(row, was.metrics);
			Object.assign(was, row);
		}
	}
	noteMetrics(row, had) {
		for (const [k, v] of Object.entries(row.metrics))
			if (!Object.hasOwn(had, k)) {
				const known = this.metricNames.get(k);
				if (known === undefined)
					this.metricNames.set(k, { goal: v[3], runs: 1 });
				else
					known.runs++;
			}
		if (row.loss !== null && !Object.hasOwn(row.metrics, "loss"))
			this.noteOutcome("loss", 1, row);
		if (row.metric !== null && !Object.hasOwn(row.metrics, "metric"))
			this.noteOutcome("metric", 2, row);
	}
	/* What only an outcome has said is a metric too. */
	noteOutcome(name, goal, row) {
		const known = this.metricNames.get(name) || { goal, runs: 0 };
		known.runs++;
		this.metricNames.set(name, known);
		row.metrics[name] = [row[name], row[name], null, goal];
	}
	take(columns, lists) {
		for (const list of lists)
			this.put(rowOf(columns, list));
		if (this.unsorted)
			this.all.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
		this.unsorted = false;
	}
	counts() {
		if (!this.whole && this.total !== null)
			return this.total;
		const n = Object.fromEntries(STATES.map((s) => [s, 0]));
		for (const row of this.all)
			n[row.state]++;
		return n;
	}

	/* ---- metrics ---- */

	/* The one that most runs have, and of those one that can be ranked. */
	usualMetric() {
		let best = null, most = -1;
		for (const [name, { goal, runs }] of this.metricNames) {
			const score = runs * 4 + (goal ? 2 : 0) + (/^(val|valid|test|eval)/i.test(name) ? 1 : 0);
			if (score > most) {
				most = score;
				best = name;
			}
		}
		return best;
	}
	goal(name) {
		const known = this.metricNames.get(name);
		return known && known.goal === 2 ? 2 : 1;
	}
	bestOf(row, name = this.metric) {
		const m = name !== null && Object.hasOwn(row.metrics, name) ? row.metrics[name] : null;
		return m === null ? null : m[1] === null ? m[0] : m[1];
	}
	lastOf(row, name = this.metric) {
		return name !== null && Object.hasOwn(row.metrics, name) ? row.metrics[name][0] : null;
	}
	knownNames() {
		return [...this.paramNames.keys(), ...this.metricNames.keys()];
	}

	/* ---- choosing ---- */

	brushed(row) {
		for (const [name, b] of this.brushes) {
			const v = name === "\u0000best" ? this.bestOf(row) : valueOf(row, name);
			if (b.values ? !b.values.includes(String(v)) : !(typeof v === "number" && v >= b.from && v <= b.to))
				return false;
		}
		return true;
	}
	sortValue(row) {
		switch (this.sort.key) {
		case "\u0000best": return this.bestOf(row);
		case "\u0000last": return this.lastOf(row);
		case "state": return STATES.indexOf(row.state);
		case "finished": return row.finished || (row.state === "assigned" ? Infinity : null);
		default: return valueOf(row, this.sort.key);
		}
	}
	/* Numbers before texts, what is missing always last. */
	sorted(list) {
		const down = this.sort.down ? -1 : 1;
		if (this.sort.key === "id")
			return this.sort.down ? list.slice().reverse() : list;
		const keyed = list.map((row) => [this.sortValue(row), row]);
		const rank = (v) => (v === null || v === undefined || v === "" ? 2 : typeof v === "number" ? 0 : 1);
		keyed.sort(([a, x], [b, y]) => {
			const ra = rank(a), rb = rank(b);
			if (ra !== rb)
				return ra - rb;
			const c = ra === 2 ? 0 : ra === 0 ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
			return c !== 0 ? c * down : x.id < y.id ? 1 : -1;
		});
		return keyed.map((k) => k[1]);
	}
	look() {
		if (this.metric === null || !this.metricNames.has(this.metric))
			this.metric = this.usualMetric();
		const { test, wrong } = compile(this.filter, this.knownNames());
		this.wrong = wrong;
		this.matching = this.filter.trim() === "" ? this.all : this.all.filter(test);
		const left = this.brushes.size === 0 ? this.matching : this.matching.filter((r) => this.brushed(r));
		this.shown = this.sorted(left);
		this.best = null;
		const goal = this.goal(this.metric);
		for (const row of left) {
			const v = row.state === "failed" ? null : this.bestOf(row);
			if (v !== null && (this.best === null || better(v, this.bestOf(this.best), goal)))
				this.best = row;
		}
		this.generation++;
		for (const fn of this.listeners)
			fn(this);
	}
	/* The best n of those that are shown, and have the metric. */
	leaders(n) {
		const goal = this.goal(this.metric) === 2 ? -1 : 1;
		const some = this.shown.filter((r) => this.bestOf(r) !== null), good = some.filter((r) => r.state !== "failed");
		return (good.length > 0 ? good : some)
			.sort((a, b) => (this.bestOf(a) - this.bestOf(b)) * goal).slice(0, n);
	}
}
