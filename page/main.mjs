/* main.mjs - the page: where its data comes from, what is shown when, and that it
 * stays as it is there. */
import { $, announce, breathe, later, replace, setText, toast } from "./dom.mjs";
import { Counts } from "./counts.mjs";
import { Curves } from "./spark.mjs";
import { Grid } from "./grid.mjs";
import { NeedToken, Server } from "./server.mjs";
import { Overlay } from "./curves.mjs";
import { Parallel } from "./parallel.mjs";
import { Rows } from "./rows.mjs";
import { RunPage } from "./run.mjs";
import { Scatter } from "./scatter.mjs";
import { Workers } from "./workers.mjs";
import { count, moment } from "./format.mjs";
import { differing } from "./columns.mjs";
import { dropBegin } from "./drop.mjs";
import { login, loginBegin } from "./login.mjs";
import { onTheme, themeBegin } from "./theme.mjs";
import { savedData } from "./saved.mjs";
import { stateWord } from "./words.mjs";

const LOOK_MS = 2000; /* at workers, and at what runs */
const POLL_MS = 4000; /* at everything, when nobody tells of news */
const IDS = 100; /* rows that are asked for at once */
const ROWS_MOST = 300000;

class App {
	constructor(source) {
		this.source = source;
		this.rows = new Rows();
		this.curves = new Curves(source);
		this.skew = 0; /* the server's clock less ours */
		this.lease = 120;
		this.where = "SPOOL";
		this.dirty = new Set();
		this.counts = new Counts((s) => this.setFilter(`state:${stateWord(s)}`));
		this.workers = new Workers(this);
		this.grid = new Grid(this);
		this.overlay = new Overlay(this);
		this.scatter = new Scatter(this);
		this.parallel = new Parallel(this);
		this.runPage = new RunPage(this);
		this.rows.onChange(() => this.changed());
		onTheme(() => {
			this.scatter.show(this.scatter.params || []);
			this.parallel.show(this.parallel.params || []);
		});
		this.controls();
	}
	now() {
		return this.source.live ? Date.now() + this.skew : this.made;
	}

	/* ---- what people do ---- */

	controls() {
		const typed = later(() => {
			this.rows.filter = $("filter").value;
			this.rows.look();
			announce($("shown").textContent);
		}, 120);
		$("filter").addEventListener("input", typed);
		$("metric").addEventListener("change", () => {
			this.rows.metric = $("metric").value;
			this.rows.brushes.delete("\u0000best");
			this.rows.look();
		});
		$("clear").addEventListener("click", () => {
			this.rows.brushes.clear();
			this.setFilter("");
		});
		document.addEventListener("keydown", (e) => {
			if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName) && !$("overview").hidden) {
				e.preventDefault();
				$("filter").focus();
			}
		});
		window.addEventListener("hashchange", () => this.route());
	}
	setFilter(text) {
		$("filter").value = text;
		this.rows.filter = text;
		this.rows.look();
	}
	chosen() {
		this.overlay.show();
	}
	brushed() {
		this.rows.look();
	}
	route() {
		const m = /^#\/run\/([0-9T]{18}-[0-9a-f]{8})$/.exec(location.hash);
		const was = !$("run").hidden;
		$("run").hidden = m === null;
		$("overview").hidden = m !== null;
		if (m !== null) {
			window.scrollTo(0, 0);
			this.runPage.open(m[1]);
			return;
		}
		this.runPage.close();
		document.title = "Spool";
		this.changed();
		if (was)
			this.grid.box.focus({ preventScroll: true });
	}

	/* ---- what is shown ---- */

	changed() {
		this.counts.show(this.rows, this.now());
		this.runPage.id !== null && this.runPage.showHead();
		if ($("overview").hidden)
			return;
		setText($("filter-wrong"), this.rows.wrong.join("; "));
		$("clear").hidden = this.rows.filter === "" && this.rows.brushes.size === 0;
		this.showMetrics();
		this.grid.show();
		this.overlay.show();
		this.showParams();
	}
	showMetrics() {
		const names = [...this.rows.metricNames.keys()], said = JSON.stringify([names, this.rows.metric]);
		if (said === this.metricsSaid)
			return;
		this.metricsSaid = said;
		replace($("metric"), names.map((n) => new Option(n, n, false, n === this.rows.metric)));
		$("metric-label").hidden = names.length < 2;
	}
	/* By which parameters the runs that the filter leaves differ. */
	async showParams() {
		const mine = this.rows.generation;
		const got = await differing(this.rows.matching || [], () => mine === this.rows.generation);
		if (got === null || mine !== this.rows.generation)
			return;
		this.grid.params = got;
		this.grid.soon();
		this.scatter.show(got);
		this.parallel.show(got);
	}
	trouble(e) {
		if (e instanceof NeedToken)
			login();
		else
			toast(e.message, "bad");
	}
	state(word) {
		setText($("live"), word);
		$("live").dataset.state = word.split(" ")[0];
	}

	/* ---- the data ---- */

	async begin() {
		const about = await this.source.about();
		this.made = about.now;
		this.skew = about.now - Date.now();
		this.lease = (about.policy && about.policy.lease) || this.lease;
		this.where = this.source.live ? location.origin : about.where || "SPOOL";
		setText($("where"), this.source.live ? location.host : about.where || "");
		$("submit").hidden = !this.source.may("submit");
		$("logout").hidden = !this.source.token;
		this.state(this.source.live ? "live" : `as of ${moment(about.now, Date.now())}`);
		await this.load();
		this.workers.put(await this.source.workers());
		this.route();
		this.rows.look();
		if (this.source.live)
			this.stay();
	}
	/* The newest first, so that there is something to see; then all. */
	async load() {
		const first = await this.source.newest(500);
		this.rows.total = first.counts || null;
		this.rows.take(first.columns, first.rows);
		const all = first.counts ? Object.values(first.counts).reduce((a, b) => a + b, 0) : 0;
		this.rows.whole = all <= first.rows.length;
		this.rows.look();
		if (this.rows.whole || !this.source.live)
			return;
		if (all > ROWS_MOST) {
			const more = await this.source.newest(10000);
			this.rows.take(more.columns, more.rows);
			toast(`The newest ${count(10000)} of ${count(all)} runs are shown.`);
			this.rows.look();
			return;
		}
		let n = 0;
		for await (const part of this.source.all()) {
			this.rows.take(part.columns, part.rows);
			n += part.rows.length;
			setText($("loading"), n < all ? `reading ${count(n)} of ${count(all)} runs` : "");
			if (n % 20000 < 5000)
				this.rows.look();
			await breathe();
		}
		setText($("loading"), "");
		this.rows.whole = true;
		this.rows.look();
	}
	async fetchOne(id) {
		const got = await this.source.these([id]);
		this.rows.take(got.columns, got.rows);
		return this.rows.byId.get(id);
	}
	/* Look at these soon. */
	look(ids) {
		for (const id of ids)
			this.dirty.add(id);
		this.pump();
	}
	async pump() {
		if (this.pumping)
			return;
		this.pumping = true;
		try {
			while (this.dirty.size > 0) {
				await new Promise((done) => setTimeout(done, 250));
				await this.fetchDirty();
			}
		} catch (e) {
			if (e instanceof NeedToken)
				login();
		}
		this.pumping = false;
	}
	async fetchDirty() {
		/* So much news that reading all of the newest is less. */
		if (this.dirty.size > 10 * IDS) {
			this.dirty.clear();
			const got = await this.source.newest(2000);
			this.rows.total = got.counts;
			this.rows.take(got.columns, got.rows);
		} else {
			const ids = [...this.dirty].slice(-IDS);
			for (const id of ids)
				this.dirty.delete(id);
			const got = await this.source.these(ids);
			this.rows.take(got.columns, got.rows);
			if (this.runPage.id !== null && ids.includes(this.runPage.id))
				this.runPage.refresh();
		}
		this.rows.look();
	}
	async stay() {
		this.tick();
		try {
			await this.source.listen({
				order: (e) => this.look([e.id]),
				reset: () => this.reload(),
				state: (word) => this.state(word),
			});
		} catch (e) {
			this.trouble(e);
		}
	}
	async reload() {
		if (!this.begun) {
			this.begun = true;
			return;
		}
		try {
			const got = await this.source.newest(2000);
			this.rows.total = got.counts;
			this.rows.take(got.columns, got.rows);
			this.rows.look();
		} catch {
			this.state("away");
		}
	}
	/* What nobody tells of: beats, and metrics that grow. */
	async tick() {
		for (let n = 0; ; n++) {
			await new Promise((done) => setTimeout(done, LOOK_MS));
			if (document.hidden)
				continue;
			try {
				const runs = this.rows.all.filter((r) => r.state === "assigned").slice(-IDS);
				if (runs.length > 0)
					this.look(runs.map((r) => r.id));
				this.workers.put(await this.source.workers());
				if ($("live").dataset.state !== "live" && n % (POLL_MS / LOOK_MS) === 0)
					await this.reload();
			} catch (e) {
				if (e instanceof NeedToken)
					login();
			}
		}
	}
}

async function main() {
	themeBegin();
	const source = savedData() || new Server();
	const app = new App(source);
	window.spoolPage = app; /* for who looks at it in a console */
	if (source.live)
		loginBegin(source, () => app.begin().catch((e) => app.trouble(e)));
	dropBegin(app);
	try {
		await app.begin();
	} catch (e) {
		app.trouble(e);
	}
	document.body.dataset.ready = "yes";
}

main();
