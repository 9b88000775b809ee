/* filter.mjs - what people type to choose runs:
 *
 *	project:wine learningRate<0.01 -state:failed "two words"
 *
 * All terms must hold.  KEY:TEXT contains (or one of a,b,c), KEY=VALUE is,
 * KEY!=VALUE is not, and < <= > >= compare numbers; a minus in front of a term
 * turns it round; a word alone is looked for in name, id, project, script,
 * worker, tags and error.  Pure. */
import { stateOf, stateWord } from "./words.mjs";

const TERM = /^(-?)([A-Za-z_][\w./-]*?)(<=|>=|!=|[:=<>])(.*)$/s;

/* Words of a text; quotes keep spaces. */
export function split(text) {
	const words = [];
	let word = "", any = false, quote = null;
	for (const c of text) {
		if (quote !== null) {
			if (c === quote)
				quote = null;
			else
				word += c;
		} else if (c === '"' || c === "'") {
			quote = c;
			any = true;
		} else if (/\s/.test(c)) {
			if (any)
				words.push(word);
			word = "";
			any = false;
		} else {
			word += c;
			any = true;
		}
	}
	if (any)
		words.push(word);
	return words;
}

/* What a row has under a name that is no parameter; undefined: no such name. */
const FIELDS = {
	id: (r) => r.id,
	name: (r) => r.name,
	state: (r) => stateWord(r.state),
	project: (r) => r.project,
	script: (r) => r.script,
	data: (r) => r.data,
	worker: (r) => r.worker,
	cause: (r) => r.cause,
	error: (r) => r.error,
	status: (r) => r.status,
	prio: (r) => r.prio,
	priority: (r) => r.prio,
	attempt: (r) => r.attempt,
	seconds: (r) => r.seconds,
	progress: (r) => r.progress,
	step: (r) => r.step,
	tag: (r) => r.tags,
	tags: (r) => r.tags,
	group: (r) => r.group,
	git: (r) => r.git,
	retryOf: (r) => r.retryOf,
};

export const fieldNames = () => Object.keys(FIELDS);

/* The value of a name: a field, a parameter, the last value of a metric. */
export function valueOf(row, key) {
	if (Object.hasOwn(FIELDS, key))
		return FIELDS[key](row);
	if (row.params && Object.hasOwn(row.params, key))
		return row.params[key];
	if (row.metrics && Object.hasOwn(row.metrics, key))
		return row.metrics[key][0];
	if (key === "loss" || key === "metric")
		return row[key];
	return undefined;
}

/* The spelling that is known: as it is, else whatever its case, else the only
 * one that ends so ("dropout" for "hiddenLayers.0.dropout"). */
export function spelled(key, known) {
	if (Object.hasOwn(FIELDS, key) || known.includes(key))
		return key;
	const low = key.toLowerCase();
	const same = [...Object.keys(FIELDS), ...known].find((k) => k.toLowerCase() === low);
	if (same !== undefined)
		return same;
	const ends = known.filter((k) => k.toLowerCase().endsWith(`.${low}`) || k.toLowerCase().endsWith(`/${low}`));
	return ends.length === 1 ? ends[0] : null;
}

/* How many changes lie between two words, at most `most`. */
function distance(a, b, most) {
	let last = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++)
			next[j] = Math.min(last[j] + 1, next[j - 1] + 1,
			    last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
		last = next;
	}
	return Math.min(last[b.length], most);
}

export function nearest(word, known) {
	let best = null, least = Math.max(2, Math.ceil(word.length / 3)) + 1;
	for (const k of known) {
		const d = distance(word.toLowerCase(), k.toLowerCase(), least);
		if (d < least) {
			least = d;
			best = k;
		}
	}
	return best;
}

const low = (v) => String(v).toLowerCase();
const each = (v) => (Array.isArray(v) ? v : [v]);
const is = (v, want) => low(v) === want || (typeof v === "number" && want !== "" && v === Number(want));

function compare(op, number) {
	switch (op) {
	case "<": return (v) => v < number;
	case "<=": return (v) => v <= number;
	case ">": return (v) => v > number;
	default: return (v) => v >= number;
	}
}

function termOf(key, op, value) {
	const want = value.toLowerCase();
	if (key === "state") {
		const states = want.split(",").map((w) => stateOf(w) || w);
		return (row) => states.includes(row.state) !== (op === "!=");
	}
	if (op === ":") {
		const any = want.split(",").filter((w) => w !== "");
		return (row) => {
			const v = valueOf(row, key);
			return v !== undefined && v !== null &&
			    each(v).some((one) => any.length === 0 || any.some((w) => low(one).includes(w)));
		};
	}
	if (op === "=" || op === "!=")
		return (row) => {
			const v = valueOf(row, key);
			const has = v !== undefined && v !== null && each(v).some((one) => is(one, want));
			return has === (op === "=");
		};
	const holds = compare(op, Number(value));
	return (row) => {
		const v = valueOf(row, key);
		return v !== undefined && v !== null && v !== "" && holds(Number(v));
	};
}

function wordOf(word) {
	const want = word.toLowerCase();
	return (row) => [row.name, row.id, row.project, row.script, row.worker, row.group, row.error, ...(row.tags || [])]
		.some((v) => v && low(v).includes(want));
}

/* {test, wrong}: does a row fit, and what could not be understood, in words
 * (such a term is passed over).  known: names of parameters and metrics. */
export function compile(text, known) {
	const tests = [], wrong = [];
	for (const word of split(text)) {
		const m = TERM.exec(word);
		if (m === null) {
			const not = word.length > 1 && word[0] === "-";
			const test = wordOf(not ? word.slice(1) : word);
			tests.push(not ? (row) => !test(row) : test);
			continue;
		}
		const [, minus, name, op, value] = m;
		const key = spelled(name, known);
		if (key === null) {
			const near = nearest(name, [...Object.keys(FIELDS), ...known]);
			wrong.push(`no run has “${name}”${near === null ? "" : `; is “${near}” meant?`}`);
		} else if (/[<>]/.test(op) && (value.trim() === "" || Number.isNaN(Number(value)))) {
			wrong.push(`${name}${op}: “${value}” is no number`);
		} else {
			const test = termOf(key, op, value);
			tests.push(minus ? (row) => !test(row) : test);
		}
	}
	return { test: (row) => tests.every((t) => t(row)), wrong };
}
