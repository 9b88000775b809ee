/* dom.mjs - elements.  Whatever jobs say comes in as text nodes and as values of
 * attributes that mean nothing to a browser; nothing is ever parsed. */

const SVG = "http://www.w3.org/2000/svg";

function fill(e, props, children) {
	for (const [key, value] of Object.entries(props || {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (key.startsWith("on"))
			e.addEventListener(key.slice(2), value);
		else
			e.setAttribute(key, value === true ? "" : String(value));
	}
	for (const child of children.flat())
		if (child !== null && child !== undefined && child !== false)
			e.append(child instanceof Node ? child : document.createTextNode(String(child)));
	return e;
}

/* h("p", {class: "x", onclick: f}, "text", element...) */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
export const $ = (id) => document.getElementById(id);

export function replace(parent, ...children) {
	parent.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false)
		.map((c) => (c instanceof Node ? c : document.createTextNode(String(c)))));
}

/* Set it only if it is another one: what has not changed is not drawn anew. */
export function setText(e, text) {
	if (e.textContent !== text)
		e.textContent = text;
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
/* Let the browser draw and listen before going on. */
export const breathe = () => new Promise((done) => {
	const c = new MessageChannel();
	c.port1.onmessage = () => {
		c.port1.close();
		done();
	};
	c.port2.postMessage(0);
});

/* The last call of many, a little later. */
export function later(fn, ms) {
	let timer = null;
	return (...args) => {
		clearTimeout(timer);
		timer = setTimeout(() => fn(...args), ms);
	};
}

/* Said to who listens instead of looking. */
export function announce(text) {
	setText($("said"), text);
}

/* A short note at the bottom that goes by itself. */
export function toast(text, kind) {
	const note = h("p", { class: `toast ${kind || ""}` }, text);
	$("toasts").append(note);
	setTimeout(() => note.remove(), kind === "bad" ? 12000 : 5000);
}

export function select(label, options, value, onchange) {
	const s = h("select", { onchange: () => onchange(s.value) },
	    options.map((o) => h("option", { value: o, selected: o === value }, o)));
	return h("label", { class: "choice" }, h("span", null, label), s);
}
