/* server.mjs - where the page's data comes from when it is served: /v1, with a
 * token where one is needed.  saved.mjs is the same for a page that was
 * written to a file. */
import { Events } from "./stream.mjs";
import { pause } from "./dom.mjs";

const KEY = "spool-token";
const PAGE = 5000; /* rows of one answer: parsed in about a frame */

export class NeedToken extends Error {}
export class Refused extends Error {}

function storedToken() {
	try {
		return sessionStorage.getItem(KEY);
	} catch {
		return null;
	}
}

export class Server {
	constructor() {
		this.token = storedToken();
		this.live = true;
		this.roles = [];
	}
	setToken(token) {
		this.token = token;
		try {
			if (token)
				sessionStorage.setItem(KEY, token);
			else
				sessionStorage.removeItem(KEY);
		} catch {
			/* then it lasts as long as the page */
		}
	}
	/* Relative, so that /t/TOKEN/ in front of the page is in front of these. */
	async ask(path, options) {
		const o = { cache: "no-store", ...options, headers: { ...(options && options.headers) } };
		if (this.token)
			o.headers.Authorization = `Bearer ${this.token}`;
		const answer = await fetch(`v1${path}`, o);
		if (answer.status === 401)
			throw new NeedToken("a token is needed");
		return answer;
	}
	async json(path, options) {
		const answer = await this.ask(path, options);
		const said = await answer.json().catch(() => ({}));
		if (!answer.ok)
			throw new Refused(said.reason || said.error || `HTTP ${answer.status}`);
		return said;
	}
	async about() {
		const about = await this.json("");
		this.roles = about.roles || [];
		return about;
	}
	may(role) {
		return this.roles.includes(role) || this.roles.includes("admin");
	}

	/* ---- rows ---- */

	newest(n) {
		return this.json(`/table?last=${n}`);
	}
	/* All, a page at a time. */
	async *all() {
		let after = null;
		do {
			const got = await this.json(`/table?limit=${PAGE}${after === null ? "" : `&after=${after}`}`);
			yield got;
			after = got.next;
		} while (after);
	}
	these(ids) {
		return this.json(`/table?ids=${ids.join(",")}`);
	}
	async curves(ids, points, keys) {
		const k = keys ? `&keys=${encodeURIComponent(keys.join(","))}` : "";
		return (await this.json(`/curves?ids=${ids.join(",")}&points=${points}${k}`)).curves;
	}
	async workers() {
		return (await this.json("/workers")).workers;
	}

	/* ---- one run ---- */

	async maybe(path) {
		const answer = await this.ask(path);
		return answer.ok ? answer.json() : null;
	}
	job(id) {
		return this.maybe(`/orders/${id}/job`);
	}
	outcome(id) {
		return this.maybe(`/orders/${id}/outcome`);
	}
	async attempts(id) {
		const got = await this.maybe(`/orders/${id}/attempts`);
		return got === null ? [] : got.attempts;
	}
	async artifacts(id) {
		const got = await this.maybe(`/orders/${id}/out`);
		return got === null ? [] : got.files || [];
	}
	async artifact(id, path) {
		const answer = await this.ask(`/orders/${id}/out/${path.split("/").map(encodeURIComponent).join("/")}`);
		if (!answer.ok)
			throw new Refused(`HTTP ${answer.status}`);
		return answer.blob();
	}
	/* A log from a byte on (below 0: so many from its end):
	 * {text, next, attempt}; null: nothing new.  wait: seconds. */
	async log(id, from, wait, attempt, signal) {
		const q = new URLSearchParams();
		if (wait)
			q.set("wait", wait);
		if (attempt)
			q.set("attempt", attempt);
		const answer = await this.ask(`/orders/${id}/log?${q}`, {
			signal, headers: { Range: `bytes=${from < 0 ? from : `${from}-`}` },
		});
		if (answer.status !== 206 && answer.status !== 200)
			return null;
		const data = new Uint8Array(await answer.arrayBuffer());
		const range = /bytes (\d+)-(\d+)\/(\d+)/.exec(answer.headers.get("Content-Range") || "");
		return {
			data, whole: range === null || +range[2] + 1 >= +range[3], from: range ? +range[1] : 0, next: range ? +range[2] + 1 : data.length,
			attempt: answer.headers.get("Spool-Attempt"),
		};
	}

	/* ---- doing ---- */

	cancel(id) {
		return this.json(`/orders/${id}/cancel`, { method: "POST" });
	}
	hold(id, on) {
		return this.json(`/orders/${id}/hold`, { method: on ? "PUT" : "DELETE" });
	}
	retry(id) {
		return this.json(`/orders/${id}/retry`, { method: "POST" });
	}
	priority(id, n) {
		return this.json(`/orders/${id}/priority?priority=${n}`, { method: "PUT" });
	}
	marks() {
		return this.json("/marks");
	}
	submit(text, lines) {
		return this.json("/orders", {
			method: "POST", body: text,
			headers: { "Content-Type": lines ? "application/jsonl" : "application/json" },
		});
	}

	/* ---- news ---- */

	/* What happens, for ever: fn.order(data), fn.reset(), fn.state("live" |
	 * "polling").  Who cannot listen is told to look now and then. */
	async listen(fn) {
		let last = null, failed = 0;
		for (;;) {
			try {
				await this.hear(last, fn, (id) => {
					last = id;
					failed = 0;
				});
			} catch (e) {
				if (e instanceof NeedToken)
					throw e;
			}
			failed++;
			fn.state(failed > 1 ? "polling" : "live");
			fn.reset();
			await pause(Math.min(1000 * failed, 10000));
		}
	}
	async hear(last, fn, seen) {
		const answer = await this.ask("/events", last === null ? {} : { headers: { "Last-Event-ID": last } });
		if (!answer.ok || !answer.body)
			throw new Refused(`events: HTTP ${answer.status}`);
		const events = new Events(), text = new TextDecoder();
		const reader = answer.body.getReader();
		for (;;) {
			const { value, done } = await reader.read();
			if (done)
				return;
			for (const e of events.add(text.decode(value, { stream: true }))) {
				seen(events.id);
				fn.state("live");
				if (e.type === "order")
					fn.order(JSON.parse(e.data));
				else if (e.type === "reset")
					fn.reset();
			}
		}
	}
}
