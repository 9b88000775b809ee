/* counts.mjs - how many runs are in which state: the strip at the top.  Each
 * number is a button that shows these. */
import { $, h, replace, setText } from "./dom.mjs";
import { count, span } from "./format.mjs";
import { STATES, stateWord } from "./words.mjs";

export class Counts {
	constructor(choose) {
		this.cell = {};
		this.bar = {};
		for (const s of STATES) {
			const n = h("span", { class: "n" }, "0");
			this.cell[s] = { n, button: h("button", {
				type: "button", class: `count s-${s}`, onclick: () => choose(s),
			}, n, h("span", { class: "what" }, h("i", { class: "mark", "aria-hidden": "true" }), stateWord(s))) };
			this.bar[s] = h("i", { class: `s-${s}` });
		}
		this.note = h("p", { class: "note" });
		replace($("counts"), h("div", { class: "strip" }, STATES.map((s) => this.cell[s].button)),
		    h("div", { class: "share", "aria-hidden": "true" }, STATES.slice().reverse().map((s) => this.bar[s])), this.note);
	}
	show(rows, now) {
		const n = rows.counts();
		const all = STATES.reduce((sum, s) => sum + n[s], 0);
		for (const s of STATES) {
			setText(this.cell[s].n, count(n[s]));
			this.bar[s].style.flexGrow = String(n[s]);
			this.bar[s].hidden = n[s] === 0;
		}
		setText(this.note, this.words(rows, all, n, now));
	}
	/* How fast they end, and when all will have. */
	words(rows, all, n, now) {
		if (all === 0)
			return "Nothing was submitted yet.";
		const hour = now - 3600000;
		let ended = 0, first = now;
		for (let i = rows.all.length - 1; i >= 0 && rows.all.length - i < 20000; i--) {
			const at = rows.all[i].finished;
			if (at && at > hour) {
				ended++;
				first = Math.min(first, at);
			}
		}
		const left = n.new + n.waiting + n.assigned;
		const pace = ended > 2 ? ended / Math.max(60, (now - first) / 1000) : 0;
		const words = [`${count(all)} in all`];
		if (ended > 0)
			words.push(`${count(ended)} ended in the last hour`);
		if (left > 0 && pace > 0)
			words.push(`at this pace the other ${count(left)} take ${span(left / pace)}`);
		return `${words.join(" · ")}.`;
	}
}
