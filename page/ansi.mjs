/* ansi.mjs - logs as plain lines: terminals' control sequences taken out, and
 * what a carriage return has overwritten.  Pure. */

/* CSI, OSC and the like (a string ends at BEL or ST), and two-byte escapes. */
// eslint-disable-next-line no-control-regex
const SEQUENCE = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|[\u202a-\u202e\u2066-\u2069]/g;

export const strip = (text) => text.replace(SEQUENCE, "").replace(CONTROL, "");

/* One line as a terminal would leave it: "10%\r20%\r" shows 20%. */
export function line(text) {
	let plain = strip(text);
	while (plain.endsWith("\r"))
		plain = plain.slice(0, -1);
	return plain.slice(plain.lastIndexOf("\r") + 1);
}

/* Lines of a text that comes in pieces: the last one may not be whole yet. */
export class Lines {
	constructor() {
		this.rest = "";
	}
	/* The lines that are whole now. */
	add(text) {
		const parts = (this.rest + text).split("\n");
		this.rest = parts.pop();
		if (this.rest.length > 65536) { /* no line: do not keep it for ever */
			parts.push(this.rest);
			this.rest = "";
		}
		return parts.map(line);
	}
	/* What there is of the last one. */
	last() {
		return line(this.rest);
	}
}
