/* workers.mjs - a card for each worker: its GPUs, what it runs and how far that
 * is, and what becomes of its jobs when it is silent. */
import { $, h, replace } from "./dom.mjs";
import { bytes, percent, span, spanShort } from "./format.mjs";
import { spark } from "./spark.mjs";
import { plural } from "./words.mjs";

const CARDS = 12; /* the others on request */

/* The id in an order's name. */
const idOf = (name) => (/^\d\d\.([0-9T]{18}-[0-9a-f]{8})\./.exec(name) || [null, null])[1];

function bar(part, label, text) {
	const full = Math.max(0, Math.min(1, part || 0));
	const inner = h("i");
	inner.style.width = `${full * 100}%`;
	return h("div", { class: "meter" }, h("div", { class: "meter-words" }, h("span", null, label), h("span", null, text)),
	    h("div", { class: "bar", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(full * 100), "aria-valuetext": text }, inner));
}

function gpus(beat) {
	return (beat.gpu || []).slice(0, 16).map((g, i) => {
		const name = `GPU ${g.index ?? i} ${g.name || ""}`;
		if (g.blocked)
			return h("p", { class: "blocked" }, `${name}: ${g.blocked.why || "not handed out"}${g.blocked.user ? ` (${g.blocked.user})` : ""}`);
		const used = g.memory > 0 ? g.used / g.memory : 0;
		return bar(used, name, g.memory > 0 ? `${bytes(g.used * 1048576)} of ${bytes(g.memory * 1048576)}` : plural(g.jobs || 0, "job", "jobs"));
	});
}

function running(row, app) {
	const left = row.eta ? (row.eta - app.now()) / 1000 : null;
	return h("li", { class: "running" },
	    h("a", { href: `#/run/${row.id}` }, row.name || row.id.slice(-8)),
	    spark(app.curves.get(row, app.rows.metric, 40), 90, 22, `${app.rows.metric || "metric"} so far`),
	    row.progress === null ? h("span", { class: "muted" }, row.step === null ? "running" : `step ${row.step}`)
		: bar(row.progress, percent(row.progress), left > 0 ? `${span(left)} left` : ""));
}

/* What silence means, in words. */
function silence(w, app) {
	const mine = app.rows.all.length < 50000
		? app.rows.all.filter((r) => r.state === "assigned" && r.worker === w.worker) : [];
	const ran = (w.running || []).length;
	const words = `silent ${spanShort(w.silent)}`;
	if (ran === 0 && mine.length === 0)
		return words;
	if (mine.length > 0)
		return `${words} → ${mine.length === 1 ? "its job goes" : "its jobs go"} back to the queue`;
	return `${words} → ${ran === 1 ? "its job is" : "its jobs are"} back in the queue`;
}

function card(w, app) {
	const gone = w.silent > app.lease;
	const jobs = (w.running || []).map((n) => app.rows.byId.get(idOf(n)))
		.filter((r) => r && r.state === "assigned" && r.worker === w.worker);
	const slots = w.slots ? `${jobs.length} of ${plural(w.slots, "slot", "slots")}` : "";
	const facts = [slots, w.cpus ? plural(w.cpus, "CPU", "CPUs") : "", w.memory ? bytes(w.memory) : ""].filter((t) => t !== "");
	return h("article", { class: `card worker${gone ? " gone" : ""}`, "aria-label": `worker ${w.worker}` },
	    h("header", null, h("h3", null, w.worker), h("span", { class: `tag st-${gone ? "silent" : w.state}` }, gone ? "silent" : w.state || "")),
	    h("p", { class: "muted" }, [w.host && !w.worker.startsWith(w.host) ? w.host : null, ...facts].filter(Boolean).join(" · ")),
	    gone ? h("p", { class: "alarm" }, silence(w, app)) : null,
	    w.note ? h("p", { class: "alarm" }, w.note) : null,
	    gone ? null : gpus(w),
	    gone || jobs.length === 0 ? null : h("ul", { class: "plain" }, jobs.slice(0, 8).map((r) => running(r, app))),
	    jobs.length > 8 ? h("p", { class: "muted" }, `and ${jobs.length - 8} more`) : null);
}

export class Workers {
	constructor(app) {
		this.app = app;
		this.list = [];
		this.every = false;
	}
	put(list) {
		this.list = list.filter((w) => w.role === undefined || w.role === "worker" || w.role === "origin")
			.sort((a, b) => (a.worker < b.worker ? -1 : 1));
		this.show();
	}
	show() {
		const all = this.list, some = this.every ? all : all.slice(0, CARDS);
		$("workers-title").textContent = all.length === 0 ? "Workers" : `Workers (${all.length})`;
		if (all.length === 0) {
			replace($("workers"), h("p", { class: "muted" }, "No worker is here: what is queued waits until one comes (workerd)."));
			return;
		}
		replace($("workers"), some.map((w) => card(w, this.app)));
		const more = $("workers-more");
		more.hidden = all.length <= CARDS;
		more.textContent = this.every ? "Fewer" : `All ${all.length}`;
		more.onclick = () => {
			this.every = !this.every;
			this.show();
		};
	}
}
