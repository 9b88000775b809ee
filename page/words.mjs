/* words.mjs - what states and causes are called, and shell quoting.  Pure. */

/* In the order of the strip. */
export const STATES = ["new", "waiting", "assigned", "done", "failed"];

const STATE_WORDS = {
	new: "queued", waiting: "waiting", assigned: "running", done: "done",
	failed: "failed",
};

export const stateWord = (state) => STATE_WORDS[state] || String(state);

/* And back, from what people type. */
export function stateOf(word) {
	const w = word.toLowerCase();
	for (const [state, text] of Object.entries(STATE_WORDS))
		if (w === state || w === text)
			return state;
	return null;
}

const CAUSE_WORDS = {
	exit: "the script failed", signal: "it was killed by a signal",
	timeout: "it took longer than its timeout", oom: "it ran out of memory",
	"cuda-oom": "the GPU ran out of memory",
	"no-outcome": "it ended without an outcome",
	invalid: "the job is not valid", cancelled: "it was cancelled",
	preempted: "it was preempted", lost: "its worker fell silent",
	"disk-full": "the disk was full", "bad-host": "the host is to blame",
	dependency: "what it depends on has failed",
};

export const causeWord = (cause) => CAUSE_WORDS[cause] || String(cause);

/* As one word of a shell. */
export function quote(text) {
	const t = String(text);
	return /^[A-Za-z0-9_./:=@%+,-]+$/.test(t) ? t : `'${t.replaceAll("'", "'\\''")}'`;
}

/* "tTaA@W" taken apart. */
export function attemptOf(text) {
	const m = /^t(\d+)a(\d+)@(.+)$/.exec(text);
	return m ? { ticket: +m[1], attempt: +m[2], worker: m[3] } : null;
}

export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
