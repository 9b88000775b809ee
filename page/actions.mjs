/* actions.mjs - what can be done to a run by who may. */
import { h, toast } from "./dom.mjs";

const DO = {
	cancel: { text: "Cancel", fn: (s, id) => s.cancel(id), said: "is being cancelled", ask: true },
	hold: { text: "Hold", fn: (s, id) => s.hold(id, true), said: "is held" },
	unhold: { text: "Release hold", fn: (s, id) => s.hold(id, false), said: "is no longer held" },
	retry: { text: "Retry", fn: (s, id) => s.retry(id), said: "was submitted again" },
};

export function possible(row) {
	switch (row.state) {
	case "new": return ["hold", "cancel"];
	case "waiting": return ["unhold", "hold", "cancel"];
	case "assigned": return ["cancel"];
	default: return row.bundle ? [] : ["retry"];
	}
}

async function act(source, row, what, changed) {
	const a = DO[what];
	if (a.ask && !window.confirm(`${a.text} ${row.name || row.id}?`))
		return;
	try {
		const said = await a.fn(source, row.id);
		toast(`${row.name || row.id} ${a.said}${said.id && said.id !== row.id ? `: ${said.id}` : ""}.`);
		changed(said.id && said.id !== row.id ? [row.id, said.id] : [row.id]);
	} catch (e) {
		toast(`${a.text}: ${e.message}`, "bad");
	}
}

/* 0 goes first. */
function priority(source, row, changed) {
	const input = h("input", { type: "number", min: 0, max: 99, value: row.prio, class: "prio", onchange: async () => {
		try {
			await source.priority(row.id, Number(input.value));
			toast(`${row.name || row.id} has priority ${input.value}.`);
		} catch (e) {
			toast(`Priority: ${e.message}`, "bad");
		}
		changed([row.id]);
	} });
	return h("label", { class: "choice" }, h("span", null, "priority"), input);
}

export function buttons(source, row, changed) {
	if (!source.may("submit"))
		return [];
	const urge = row.state === "new" || row.state === "waiting" ? [priority(source, row, changed)] : [];
	return urge.concat(possible(row).map((what) => h("button", {
		type: "button", class: what === "cancel" ? "danger" : "",
		onclick: () => act(source, row, what, changed),
	}, DO[what].text)));
}
