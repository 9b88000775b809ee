/* stream.mjs - server-sent events, taken apart.  Not by EventSource, which can
 * send no token.  Pure. */

export class Events {
	constructor() {
		this.rest = "";
		this.id = null; /* of the last one that was whole */
	}
	/* The events that are whole with this piece: [{type, data}]. */
	add(text) {
		const blocks = (this.rest + text).split("\n\n");
		this.rest = blocks.pop();
		return blocks.map((b) => this.one(b)).filter((e) => e !== null);
	}
	one(block) {
		const event = { type: "message", data: "" };
		let any = false;
		for (const line of block.split("\n")) {
			const at = line.indexOf(":");
			if (at <= 0)
				continue;
			const value = line.slice(at + 1).replace(/^ /, "");
			switch (line.slice(0, at)) {
			case "id": this.id = value; break;
			case "event": event.type = value; any = true; break;
			case "data": event.data += value; any = true; break;
			}
		}
		return any ? event : null;
	}
}
