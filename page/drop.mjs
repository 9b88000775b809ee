/* drop.mjs - jobs submitted by dropping their files on the page, or choosing
 * them. */
import { $, toast } from "./dom.mjs";

const FILE_MOST = 64 * 1024 * 1024;

async function submit(app, files) {
	const ids = [];
	for (const f of files) {
		try {
			if (f.size > FILE_MOST)
				throw new Error("it is longer than 64 MiB");
			const said = await app.source.submit(await f.text(), /\.(jsonl|ndjson)$/i.test(f.name));
			const made = said.id ? [said.id] : (said.orders || said.accepted || []).map((o) => o.id).filter(Boolean);
			ids.push(...made);
			toast(`${f.name}: ${made.length === 1 ? `submitted as ${made[0]}` : `${made.length} jobs submitted`}.`);
		} catch (e) {
			toast(`${f.name}: ${e.message}`, "bad");
		}
	}
	app.look(ids.slice(0, 100));
}

export function dropBegin(app) {
	const box = $("submit"), input = $("submit-file");
	const may = () => app.source.may("submit");
	box.addEventListener("click", () => input.click());
	input.addEventListener("change", () => {
		submit(app, [...input.files]);
		input.value = "";
	});
	let inside = 0;
	const files = (e) => may() && e.dataTransfer && [...e.dataTransfer.types].includes("Files");
	document.addEventListener("dragenter", (e) => {
		if (files(e) && ++inside === 1)
			document.body.classList.add("dropping");
	});
	document.addEventListener("dragleave", (e) => {
		if (files(e) && --inside <= 0) {
			inside = 0;
			document.body.classList.remove("dropping");
		}
	});
	document.addEventListener("dragover", (e) => {
		if (files(e))
			e.preventDefault();
	});
	document.addEventListener("drop", (e) => {
		if (!files(e))
			return;
		e.preventDefault();
		inside = 0;
		document.body.classList.remove("dropping");
		submit(app, [...e.dataTransfer.files]);
	});
}
