/* run.mjs - the page of one run. */
/* global d3 */
import { buttons } from "./actions.mjs";
import { drawAxes, frame, scaleOf } from "./axes.mjs";
import { $, announce, h, replace, svg, toast } from "./dom.mjs";
import { bytes, moment, number, percent, span } from "./format.mjs";
import { Log } from "./log.mjs";
import { story } from "./story.mjs";
import { quote, stateWord } from "./words.mjs";

const CURVE_POINTS = 400;
const CURVES_MOST = 12;

export class RunPage {
	constructor(app) {
		this.app = app;
		this.id = null;
	}
	close() {
		if (this.log)
			this.log.end();
		this.log = null;
		this.id = null;
	}
	async open(id) {
		this.close();
		this.id = id;
		let row = this.app.rows.byId.get(id);
		if (row === undefined && this.app.source.live)
			row = await this.app.fetchOne(id);
		if (this.id !== id)
			return;
		if (row === undefined) {
			replace($("run"), h("p", { class: "empty" }, `There is no run ${id} here. `, h("a", { href: "#/" }, "All runs")));
			return;
		}
		this.row = row;
		this.build(row);
		await this.refresh();
	}
	build(row) {
		this.head = h("div", { class: "run-head" });
		this.facts = h("dl", { class: "facts" });
		this.story = h("ol", { class: "story" });
		this.plots = h("div", { class: "small-plots" });
		this.params = h("div");
		this.files = h("div");
		this.again = h("div");
		const part = (title, ...inside) => h("section", { class: "panel", "aria-label": title }, h("h2", null, title), ...inside);
		const logPart = part("Log");
		const columns = h("div", { class: "two" },
		    part("What happened", this.story), part("Parameters", this.params));
		replace($("run"), h("p", { class: "back" }, h("a", { href: "#/" }, "← All runs")), this.head, this.facts,
		    columns, part("Curves", this.plots), logPart,
		    h("div", { class: "two" }, part("Files in out/", this.files), part("How to repeat it", this.again)));
		this.log = new Log(this.app.source, row, null);
		logPart.append(this.log.element);
		this.log.run();
		this.title = h("h1", { tabindex: "-1" }, row.name || row.id);
		document.title = `${row.name || row.id} – Spool`;
		this.headShown = "";
		this.showHead();
		this.title.focus();
		announce(`Run ${row.name || row.id}, ${stateWord(row.state)}`);
	}
	/* What moves with the row. */
	showHead() {
		const r = this.row, said = JSON.stringify([r, this.app.source.roles]);
		if (said === this.headShown)
			return;
		this.headShown = said;
		const rows = this.app.rows, metric = rows.metric;
		replace(this.head, h("div", { class: "run-title" }, this.title, h("span", { class: `state s-${r.state}` }, h("i", { class: "mark", "aria-hidden": "true" }), stateWord(r.state))),
		    h("div", { class: "run-actions" }, buttons(this.app.source, r, (ids) => this.app.look(ids))));
		const facts = [
			["id", r.id], ["project", r.project], ["script", r.script], ["data", r.data], ["worker", r.worker],
			[`best ${metric}`, metric === null ? "" : number(rows.bestOf(r))], [`last ${metric}`, metric === null ? "" : number(rows.lastOf(r))],
			["progress", r.progress === null ? "" : percent(r.progress)], ["step", number(r.step)],
			["took", span(r.seconds === null ? -1 : r.seconds)], ["ready in", r.eta ? span((r.eta - this.app.now()) / 1000) : ""],
			["priority", r.prio], ["group", r.group], ["tags", r.tags && r.tags.join(", ")], ["git", r.git],
		].filter(([, v]) => v !== null && v !== undefined && v !== "" && v !== false);
		replace(this.facts, facts.map(([k, v]) => h("div", null, h("dt", null, k), h("dd", null, v))));
	}
	/* What has to be asked for. */
	async refresh() {
		const id = this.id, s = this.app.source, r = this.row;
		try {
			const over = r.state === "done" || r.state === "failed";
			const [job, outcome, attempts, files, curves, marks] = await Promise.all([
				s.job(id), over ? s.outcome(id) : null, s.attempts(id), s.artifacts(id), s.curves([id], CURVE_POINTS),
				r.state === "waiting" && s.live ? s.marks().catch(() => null) : null]);
			if (this.id !== id)
				return;
			this.showHead();
			this.showStory(attempts, outcome, marks !== null && marks.hold.includes(id));
			this.showParams(job);
			this.showCurves(curves[id] || {});
			this.showFiles(files);
			this.showAgain(job);
		} catch (e) {
			this.app.trouble(e);
		}
	}
	showStory(attempts, outcome, held) {
		const now = this.app.now();
		replace(this.story, story(this.row, attempts, outcome, held).map((s) => h("li", { class: s.bad ? "bad" : "" },
		    s.at ? h("time", { datetime: new Date(s.at).toISOString() }, moment(s.at, now)) : null, " ", s.text)));
	}
	showParams(job) {
		const best = this.app.rows.best, r = this.row;
		const other = best !== null && best.id !== r.id ? best : null;
		const names = [...new Set([...Object.keys(r.params), ...(other ? Object.keys(other.params) : [])])];
		if (names.length === 0) {
			replace(this.params, h("p", { class: "muted" }, job === null ? "Not in this file." : "It has none."));
			return;
		}
		const text = (o, n) => (Object.hasOwn(o.params, n) ? number(o.params[n]) : "–");
		const differ = (n) => other !== null && JSON.stringify(r.params[n]) !== JSON.stringify(other.params[n]);
		names.sort((a, b) => Number(differ(b)) - Number(differ(a)));
		replace(this.params, h("table", null,
		    h("thead", null, h("tr", null, h("th", { scope: "col" }, "parameter"), h("th", { scope: "col" }, "this run"),
		        other ? h("th", { scope: "col" }, "best: ", h("a", { href: `#/run/${other.id}` }, other.name || other.id)) : null)),
		    h("tbody", null, names.map((n) => h("tr", { class: differ(n) ? "differs" : "" }, h("th", { scope: "row" }, n),
		        h("td", null, text(r, n)), other ? h("td", null, text(other, n), differ(n) ? h("span", { class: "unseen" }, " (differs)") : null) : null)))),
		    best !== null && best.id === r.id ? h("p", { class: "muted" }, "★ This is the best run of those that the table shows.") : null);
	}
	showCurves(curves) {
		const names = Object.keys(curves).filter((k) => curves[k].y.length > 0).slice(0, CURVES_MOST);
		if (names.length === 0) {
			replace(this.plots, h("p", { class: "muted" }, "It has no metrics."));
			return;
		}
		const wide = Math.min(420, Math.max(230, this.plots.clientWidth - 2));
		replace(this.plots, names.map((name) => this.curve(name, curves[name], wide)));
	}
	curve(name, c, wide) {
		const f = frame(wide, 190, { left: 48, right: 14, top: 24, bottom: 36 }, `${name}: last ${number(c.y[c.y.length - 1])}`);
		const [a, b] = d3.extent(c.x), [low, high] = d3.extent(c.y);
		const x = d3.scaleLinear().domain(a === b ? [a - 1, b + 1] : [a, b]).range([0, f.width]);
		const y = scaleOf(low, high, false).range([f.height, 0]);
		drawAxes(f, x, y, "step", name);
		f.inner.append(svg("path", { class: "line c0", d: d3.line().x((_, i) => x(c.x[i])).y((v) => y(v))(c.y) }));
		const k = c.y.length - 1;
		f.inner.append(svg("circle", { class: "dot c0", cx: x(c.x[k]), cy: y(c.y[k]), r: 3 }));
		return h("figure", null, f.root);
	}
	showFiles(files) {
		const s = this.app.source;
		if (files.length === 0) {
			replace(this.files, h("p", { class: "muted" }, "None."));
			return;
		}
		replace(this.files, h("ul", { class: "plain files" }, files.slice(0, 500).map((f) => h("li", null,
		    s.live ? h("button", { type: "button", class: "link", onclick: () => this.download(f.path) }, f.path) : h("span", null, f.path),
		    h("span", { class: "muted" }, ` ${bytes(f.size)}`)))), files.length > 500 ? h("p", { class: "muted" }, `and ${files.length - 500} more`) : null);
	}
	/* By way of memory: a link could not carry the token. */
	async download(path) {
		try {
			const url = URL.createObjectURL(await this.app.source.artifact(this.id, path));
			h("a", { href: url, download: path.split("/").pop() }).click();
			setTimeout(() => URL.revokeObjectURL(url), 60000);
		} catch (e) {
			toast(`${path}: ${e.message}`, "bad");
		}
	}
	showAgain(job) {
		const r = this.row, order = (job && job.order) || {}, git = order.git || null;
		const command = `spool -s ${quote(this.app.where)} retry ${r.id}`;
		const copy = h("button", { type: "button", onclick: async () => {
			try {
				await navigator.clipboard.writeText(command);
				toast("Copied.");
			} catch {
				toast("The browser does not let this page copy; mark the text instead.", "bad");
			}
		} }, "Copy");
		const made = [
			git && git.commit ? `commit ${git.commit}${git.branch ? ` on ${git.branch}` : ""}${git.dirty ? ", with changes that were not committed" : ""}` : null,
			order.scriptSha256 ? `script ${String(order.scriptSha256).slice(0, 12)}` : null,
			order.dataSha256 ? `data ${String(order.dataSha256).slice(0, 12)}` : null,
		].filter(Boolean);
		replace(this.again, h("div", { class: "command" }, h("code", null, command), copy),
		    h("p", { class: "muted" }, made.length > 0 ? `Made of ${made.join("; ")}.` : job === null ? "" : "It is pinned to no content: it takes what scripts/ and data/ have then."),
		    job === null ? null : h("details", null, h("summary", null, "The job as it was submitted"), h("pre", { tabindex: "0" }, JSON.stringify(job, null, 2))));
	}
}
