/* log.mjs - the log of a run: followed while it runs, searched, as plain text. */
import { Lines } from "./ansi.mjs";
import { h, replace, setText } from "./dom.mjs";
import { bytes } from "./format.mjs";

const TAIL = 256 * 1024; /* bytes that are fetched at first */
const LINES_MOST = 5000; /* that are kept */
const WAIT = 25; /* seconds that the server waits for more */

export class Log {
	constructor(source, row, attempt) {
		this.source = source;
		this.id = row.id;
		this.attempt = attempt;
		this.over = () => row.state === "done" || row.state === "failed";
		this.lines = new Lines();
		this.n = 0;
		this.text = h("div", { class: "log-text", role: "log", "aria-label": "Log", tabindex: "0", "aria-live": "off" });
		this.tail = h("div", { class: "log-line part" });
		this.follow = h("input", { type: "checkbox", checked: true, onchange: () => this.down() });
		this.wrap = h("input", { type: "checkbox", checked: true, onchange: () => this.text.classList.toggle("nowrap", !this.wrap.checked) });
		this.find = h("input", { type: "search", placeholder: "search the log", "aria-label": "search the log", autocomplete: "off" });
		this.find.addEventListener("input", () => this.search());
		this.find.addEventListener("keydown", (e) => {
			if (e.key === "Enter") {
				e.preventDefault();
				this.next(e.shiftKey ? -1 : 1);
			}
		});
		this.found = h("span", { class: "muted", role: "status" });
		this.note = h("p", { class: "note" });
		this.stop = new AbortController();
		this.text.addEventListener("scroll", () => {
			const end = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 24;
			if (!end && this.follow.checked && this.came !== true)
				this.follow.checked = false;
			this.came = false;
		}, { passive: true });
		this.element = h("div", { class: "log" }, h("div", { class: "controls" }, this.find, this.found,
		    h("label", { class: "choice" }, this.follow, h("span", null, "follow")),
		    h("label", { class: "choice" }, this.wrap, h("span", null, "wrap"))), this.text, this.note);
		this.hit = -1;
	}
	end() {
		this.stop.abort();
	}
	async run() {
		let at = null, empty = 0;
		const text = new TextDecoder();
		while (!this.stop.signal.aborted) {
			let got = null;
			try {
				got = await this.source.log(this.id, at === null ? -TAIL : at, at === null || !this.source.live ? 0 : this.over() ? 0 : WAIT, this.attempt, this.stop.signal);
			} catch {
				if (this.stop.signal.aborted)
					return;
			}
			if (got !== null && got.data.length > 0) {
				this.begin(got, at);
				at = got.next;
				this.add(text.decode(got.data, { stream: true }));
				empty = 0;
			} else {
				if (at === null && empty === 0)
					setText(this.note, this.over() || !this.source.live ? "There is no log." : "Nothing was printed yet.");
				empty++;
			}
			if (!this.source.live || (this.over() && (empty > 0 || got.whole)))
				return;
			await new Promise((done) => setTimeout(done, got === null ? 1000 : 150));
		}
	}
	begin(got, at) {
		if (at === null)
			setText(this.note, got.from > 0 ? `Its last ${bytes(got.data.length)}; all of it: spool log ${this.id}` : "");
		/* What is cut at the front is no line. */
		this.cut = at === null && got.from > 0;
	}
	add(text) {
		let lines = this.lines.add(text);
		if (this.cut)
			lines = lines.slice(1);
		this.cut = false;
		if (lines.length > LINES_MOST)
			lines = lines.slice(-LINES_MOST);
		const want = this.find.value.toLowerCase();
		const fresh = lines.map((l) => this.mark(h("div", { class: "log-line" }, l === "" ? " " : l), want));
		setText(this.tail, this.lines.last());
		this.text.append(...fresh, this.tail);
		this.n += fresh.length;
		for (; this.n > LINES_MOST; this.n--)
			this.text.firstElementChild.remove();
		if (want !== "")
			this.tell();
		this.down();
	}
	down() {
		if (!this.follow.checked)
			return;
		this.came = true;
		this.text.scrollTop = this.text.scrollHeight;
	}

	/* ---- searching ---- */

	mark(e, want) {
		const text = e.textContent, low = text.toLowerCase();
		if (want === "" || !low.includes(want)) {
			if (e.firstElementChild !== null)
				e.textContent = text;
			return e;
		}
		const parts = [];
		for (let at = 0; ;) {
			const i = low.indexOf(want, at);
			if (i < 0) {
				parts.push(text.slice(at));
				break;
			}
			parts.push(text.slice(at, i), h("mark", null, text.slice(i, i + want.length)));
			at = i + want.length;
		}
		replace(e, parts);
		return e;
	}
	search() {
		const want = this.find.value.toLowerCase();
		for (const e of this.text.children)
			this.mark(e, want);
		this.hit = -1;
		this.tell();
		if (want !== "")
			this.next(1);
	}
	marks() {
		return this.text.querySelectorAll("mark");
	}
	tell() {
		const n = this.marks().length;
		setText(this.found, this.find.value === "" ? "" : n === 0 ? "not found" : `${this.hit >= 0 ? `${this.hit + 1} of ` : ""}${n}`);
	}
	next(step) {
		const all = this.marks();
		if (all.length === 0)
			return;
		this.follow.checked = false;
		if (this.hit >= 0 && all[this.hit])
			all[this.hit].classList.remove("here");
		this.hit = (this.hit + step + all.length) % all.length;
		all[this.hit].classList.add("here");
		all[this.hit].scrollIntoView({ block: "nearest" });
		this.tell();
	}
}
