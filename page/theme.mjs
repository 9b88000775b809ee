/* theme.mjs - dark or light: as the system says, or as was chosen here. */
import { $ } from "./dom.mjs";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const listeners = [];

function stored() {
	try {
		const v = localStorage.getItem("spool-theme");
		return Object.hasOwn(NEXT, v || "") ? v : "auto";
	} catch {
		return "auto"; /* file:// in some browsers */
	}
}

let chosen = "auto";

function show() {
	const root = document.documentElement;
	if (chosen === "auto")
		delete root.dataset.theme;
	else
		root.dataset.theme = chosen;
	$("theme").textContent = `Theme: ${chosen}`;
	for (const fn of listeners)
		fn();
}

/* fn is called when colours have changed: what is drawn on a canvas must be
 * drawn anew. */
export const onTheme = (fn) => listeners.push(fn);

export function themeBegin() {
	chosen = stored();
	$("theme").addEventListener("click", () => {
		chosen = NEXT[chosen];
		try {
			localStorage.setItem("spool-theme", chosen);
		} catch {
			/* then it lasts as long as the page */
		}
		show();
	});
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
	show();
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
