/* columns.mjs - by which parameters runs differ: those are columns of the table
 * and axes of the plots.  Pure, and in slices, for there may be many runs. */
import { breathe } from "./dom.mjs";

const VALUES = 40; /* as many different ones are told apart */
const SLICE = 4000;

/* [{name, numeric, values, least, most, n}], the most different first.  alive:
 * is the answer still wanted? */
export async function differing(rows, alive) {
	const known = new Map();
	for (let i = 0; i < rows.length; i++) {
		if (i % SLICE === SLICE - 1) {
			await breathe();
			if (!alive())
				return null;
		}
		const params = rows[i].params;
		for (const name in params) {
			const v = params[name];
			let k = known.get(name);
			if (k === undefined)
				known.set(name, k = { name, n: 0, numbers: 0, least: Infinity, most: -Infinity, values: new Set() });
			k.n++;
			if (typeof v === "number") {
				k.numbers++;
				if (v < k.least)
					k.least = v;
				if (v > k.most)
					k.most = v;
			}
			if (k.values.size < VALUES)
				k.values.add(v);
		}
	}
	const out = [];
	for (const k of known.values())
		if (k.values.size > 1 || k.n < rows.length)
			out.push({ ...k, numeric: k.numbers === k.n && k.least < k.most });
	/* Those that all have come first; then as they stand in the job. */
	const rank = (k) => (k.n === rows.length ? 0 : 1);
	return out.sort((a, b) => rank(a) - rank(b));
}
