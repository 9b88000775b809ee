/* format.mjs - numbers, times and sizes as people read them.  Pure. */

/* Four digits, or a power of ten where that says more. */
export function number(value) {
	if (value === null || value === undefined || Number.isNaN(value))
		return "";
	if (typeof value !== "number")
		return String(value);
	if (!Number.isFinite(value))
		return value > 0 ? "∞" : "−∞";
	const size = Math.abs(value);
	let text;
	if (value !== 0 && (size < 1e-3 || size >= 1e7))
		text = value.toExponential(2).replace(/\.?0+e/, "e");
	else if (Number.isInteger(value))
		text = String(value);
	else
		text = String(Number(value.toPrecision(4)));
	return text.replace("-", "−").replace("e+", "e").replace("e-", "e−");
}

/* Whole numbers with thin spaces: 12 345. */
export function count(n) {
	return String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/* "0.3 s", "42 s", "3 min 05 s", "2 h 10 min", "4 d 3 h" */
export function span(seconds) {
	if (typeof seconds !== "number" || !(seconds >= 0))
		return "";
	if (seconds < 10)
		return `${Number(seconds.toFixed(1))} s`;
	const s = Math.round(seconds);
	if (s < 60)
		return `${s} s`;
	if (s < 3600)
		return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
	if (s < 86400)
		return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
	return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/* The same in one word, for narrow places. */
export function spanShort(seconds) {
	if (typeof seconds !== "number" || !(seconds >= 0))
		return "";
	const s = Math.round(seconds);
	if (s < 60)
		return `${s} s`;
	if (s < 3600)
		return `${Math.round(s / 60)} min`;
	if (s < 86400)
		return `${Math.round(s / 3600)} h`;
	return `${Math.round(s / 86400)} d`;
}

export function bytes(n) {
	if (!(n >= 0))
		return "";
	for (const unit of ["B", "KiB", "MiB", "GiB"]) {
		if (n < 1024)
			return `${n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
		n /= 1024;
	}
	return `${n.toFixed(1)} TiB`;
}

const two = (n) => String(n).padStart(2, "0");

/* Local time; the day only if it is another one than now. */
export function moment(ms, now) {
	if (!ms)
		return "";
	const d = new Date(ms), n = new Date(now);
	const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
	const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
	return d.toDateString() === n.toDateString() ? time : `${day} ${time}`;
}

export function ago(ms, now) {
	const s = (now - ms) / 1000;
	return s < 5 ? "just now" : `${spanShort(s)} ago`;
}

/* When an order was submitted, by its id. */
export function idTime(id) {
	const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})-/.exec(id);
	return m ? Date.UTC(+m[1], m[2] - 1, +m[3], +m[4], +m[5], +m[6], +m[7]) : 0;
}

export const percent = (part) => `${Math.round(part * 100)} %`;
