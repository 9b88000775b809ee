/* saved.mjs - where the data comes from in a page that was written to a file: a
 * block of JSON in it.  Nothing is asked of anybody. */
import { $ } from "./dom.mjs";

export class Saved {
	constructor(data) {
		this.data = data;
		this.live = false;
		this.roles = [];
	}
	async about() {
		return this.data.about;
	}
	may() {
		return false;
	}
	async newest() {
		return { ...this.data.table, next: null };
	}
	async *all() {
		yield this.data.table;
	}
	async these() {
		return { columns: this.data.table.columns, rows: [] };
	}
	async curves(ids, points, keys) {
		const out = {};
		for (const id of ids) {
			const all = this.data.curves[id] || {};
			out[id] = {};
			for (const key of keys || Object.keys(all))
				if (Object.hasOwn(all, key))
					out[id][key] = all[key];
		}
		return out;
	}
	async workers() {
		return this.data.workers;
	}
	run(id) {
		return Object.hasOwn(this.data.runs, id) ? this.data.runs[id] : {};
	}
	async job(id) {
		return this.run(id).job || null;
	}
	async outcome(id) {
		return this.run(id).outcome || null;
	}
	async attempts(id) {
		return this.run(id).attempts || [];
	}
	/* As its outcome names them. */
	async artifacts(id) {
		const { outcome } = this.run(id);
		const list = (outcome && outcome.run && outcome.run.artifacts) || [];
		return list.map((f) => ({ path: f.name, size: f.size }));
	}
	async log(id) {
		const log = this.run(id).log;
		if (log === undefined)
			return null;
		const data = new TextEncoder().encode(log);
		return { data, whole: true, from: 0, next: data.length, attempt: null };
	}
	async listen() {
		/* nothing more happens here */
	}
}

/* NULL in a page that is served. */
export function savedData() {
	const block = $("data");
	return block === null ? null : new Saved(JSON.parse(block.textContent));
}
