/* story.mjs - what happened to a run, as sentences.  Pure. */
import { bytes, idTime, moment, span } from "./format.mjs";
import { attemptOf, causeWord } from "./words.mjs";

const stamp = (text) => {
	const ms = Date.parse(text || "");
	return Number.isNaN(ms) ? null : ms;
};

/* [{at (ms or null), text, bad}] of an order: its row, what its attempts left,
 * and its outcome if it is over. */
export function story(row, attempts, outcome, held) {
	const out = [{ at: idTime(row.id), text: `submitted${row.retryOf ? ` as a retry of ${row.retryOf}` : ""}, with priority ${row.prio}` }];
	const list = attempts.map((a) => ({ ...a, is: attemptOf(a.attempt) })).filter((a) => a.is !== null);
	list.forEach((a, i) => {
		const last = i === list.length - 1;
		const left = [a.log ? `${bytes(a.log)} of log` : null, a.metrics ? `${bytes(a.metrics)} of metrics` : null].filter(Boolean).join(", ");
		if (a.note)
			out.push(ended(a, left));
		else if (!(last && (outcome || row.state === "assigned")))
			out.push({ at: null, text: `tried on ${a.is.worker}${left ? `, which left ${left}` : ""}`, bad: false });
	});
	const run = (outcome && outcome.run) || {};
	if (run.started)
		out.push({ at: stamp(run.started), text: `started on ${run.worker || row.worker || "a worker"}` });
	else if (row.state === "assigned")
		out.push({ at: row.started, text: `running on ${row.worker}${row.attempt > 0 ? `, attempt ${row.attempt + 1}` : ""}` });
	if (outcome)
		out.push(over(row, outcome, run));
	else if (row.state === "new")
		out.push({ at: null, text: "waits for a worker that fits" });
	else if (row.state === "waiting")
		out.push({ at: null, text: held ? "is held: it waits until that is released" : "waits: for a run before it, for its time, or after a failure" });
	return out;
}

function ended(a, left) {
	const n = a.note, run = n.run || {}, cause = n.cause || run.cause;
	const took = typeof run.seconds === "number" ? ` after ${span(run.seconds)}` : "";
	const why = n.why || n.error || (cause ? causeWord(cause) : "it ended without an outcome");
	return {
		at: stamp(n.when || run.finished), bad: cause !== "preempted",
		text: `attempt on ${a.is.worker} ended${took}: ${why}${left ? ` (${left})` : ""}; it went back to the queue`,
	};
}

function over(row, outcome, run) {
	const took = typeof run.seconds === "number" ? ` after ${span(run.seconds)}` : "";
	if (row.state === "done")
		return { at: stamp(run.finished) || row.finished, text: `done${took}${row.attempt > 0 ? `, at attempt ${row.attempt + 1}` : ""}` };
	const error = typeof outcome.error === "string" ? outcome.error : outcome.error ? JSON.stringify(outcome.error) : "";
	const why = run.cause && run.cause !== "ok" ? causeWord(run.cause) : "";
	return { at: stamp(run.finished) || row.finished, bad: true, text: `failed${took} with status ${outcome.status}${why ? `: ${why}` : ""}${error ? ` – ${error}` : ""}` };
}

/* One sentence as text. */
export const sentence = (s, now) => `${s.at ? `${moment(s.at, now)}  ` : ""}${s.text}`;
