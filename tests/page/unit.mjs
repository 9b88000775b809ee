/* unit.mjs - the page's modules that need no browser, as tables.  node unit.mjs */
import assert from "node:assert/strict";
import { Events } from "../../page/stream.mjs";
import { Lines, line, strip } from "../../page/ansi.mjs";
import { Rows, rowOf } from "../../page/rows.mjs";
import { bytes, count, idTime, number, span } from "../../page/format.mjs";
import { compile, nearest, spelled, split } from "../../page/filter.mjs";
import { differing } from "../../page/columns.mjs";
import { attemptOf, quote, stateOf } from "../../page/words.mjs";
import { story } from "../../page/story.mjs";

let n = 0;
const is = (got, want, what) => {
	assert.deepEqual(got, want, what);
	n++;
};

/* ---- format ---- */
for (const [value, want] of [[null, ""], [0, "0"], [0.05, "0.05"], [123456, "123456"], [0.123456, "0.1235"], [-2, "−2"],
    [1e-5, "1e−5"], [1.25e-7, "1.25e−7"], [3e9, "3e9"], [NaN, ""], [Infinity, "∞"], ["relu", "relu"], [true, "true"]])
	is(number(value), want);
for (const [value, want] of [[0.31, "0.3 s"], [42, "42 s"], [185, "3 min 05 s"], [7800, "2 h 10 min"], [356400, "4 d 3 h"], [-1, ""], [null, ""]])
	is(span(value), want);
is(count(1234567), "1\u202f234\u202f567");
for (const [value, want] of [[0, "0 B"], [1023, "1023 B"], [1536, "1.5 KiB"], [50 * 1048576, "50 MiB"]])
	is(bytes(value), want);
is(idTime("20261122T190212345-9f3c21ab"), Date.UTC(2026, 10, 22, 19, 2, 12, 345));
is(idTime("x"), 0);

/* ---- words ---- */
is(stateOf("Running"), "assigned");
is(stateOf("new"), "new");
is(stateOf("nothing"), null);
is(quote("a b"), "'a b'");
is(quote("it's; rm -rf /"), "'it'\\''s; rm -rf /'");
is(quote("/srv/spool"), "/srv/spool");
is(attemptOf("t3a1@gpu07-3fa9c2"), { ticket: 3, attempt: 1, worker: "gpu07-3fa9c2" });
is(attemptOf("x"), null);

/* ---- logs ---- */
for (const [text, want] of [["plain", "plain"], ["\x1b[1;31mred\x1b[0m", "red"], ["\x1b]0;title\x07text", "text"],
    ["\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"], ["a\x1b(Bb", "ab"], ["bell\x07", "bell"], ["\u009b31mx", "x"],
    ["\u202eevil", "evil"], ["tab\tstays", "tab\tstays"], ["\x1bP1$r q\x1b\\y", "y"]])
	is(strip(text), want, JSON.stringify(text));
is(line("10%\r50%\r100%"), "100%");
is(line("10%\r"), "10%");
{
	const l = new Lines();
	is(l.add("one\ntw"), ["one"]);
	is(l.last(), "tw");
	is(l.add("o\n\x1b[32mthr"), ["two"]);
	is(l.add("ee\x1b[0m\n"), ["three"]);
	is(l.add("x".repeat(70000)).length, 1, "a line without an end is not kept for ever");
}

/* ---- the filter ---- */
is(split('a "b c" d:"e f"  \'g\''), ["a", "b c", "d:e f", "g"]);
const row = (o) => ({ id: "20261122T190212345-9f3c21ab", name: "wine-01", state: "done", project: "wine", tags: ["sweep", "big"],
	group: null, error: null, script: "nn.py", worker: "gpu07-3fa9c2", status: 200, prio: 50, seconds: 12, loss: 0.5, metric: null,
	params: { learningRate: 0.005, optimizer: "adam", "hiddenLayers.0.dropout": 0.2, deep: true }, metrics: { "val/loss": [0.4, 0.3, 7, 1] }, ...o });
const KNOWN = ["learningRate", "optimizer", "hiddenLayers.0.dropout", "deep", "val/loss"];
for (const [text, want] of [["", true], ["wine", true], ["Wine-01", true], ["nowhere", false], ["-nowhere", true], ["project:wine learningRate<0.01", true],
    ["learningRate<0.005", false], ["learningRate<=0.005", true], ["learningrate=0.005", true], ["learningRate=5e-3", true], ["learningRate!=0.005", false],
    ["optimizer:sgd,adam", true], ["optimizer:ad", true], ["optimizer=ad", false], ["-optimizer=adam", false], ["state:done", true], ["state:running", false],
    ["state!=failed", true], ["state:failed,done", true], ["tag:sweep", true], ["tag=swee", false], ["dropout>0.1", true], ["val/loss<0.45", true],
    ["val/loss<0.35", false], ["seconds>10", true], ["status:200", true], ["deep=true", true], ["group:", false], ["group=x", false], ['"wine-01"', true],
    ["worker:gpu07", true], ["constructor:x", true], ["prio>=50 prio<51", true], ["error<1", false]])
	is(compile(text, KNOWN).test(row()), want, text);
is(compile("learnigRate<1", KNOWN).wrong, ["no run has “learnigRate”; is “learningRate” meant?"]);
is(compile("learningRate<many", KNOWN).wrong.length, 1);
is(compile("learningRate<", KNOWN).wrong.length, 1);
is(compile("zzzzzzzz:1", KNOWN).wrong, ["no run has “zzzzzzzz”"]);
is(spelled("LOSS", ["loss"]), "loss");
is(spelled("dropout", ["a.dropout", "b.dropout"]), null);
is(nearest("stat", ["state", "status"]), "state");

/* ---- events ---- */
{
	const e = new Events();
	is(e.add("id: 1-1\nevent: hello\nda"), []);
	is(e.add("ta: {}\n\n: still here\n\nid: 1-2\nevent: order\ndata: {\"id\":1}\n\n"),
	    [{ type: "hello", data: "{}" }, { type: "order", data: "{\"id\":1}" }]);
	is(e.id, "1-2");
}

/* ---- rows ---- */
{
	const columns = ["id", "state", "name", "loss", "metric", "facts", "metrics"];
	const list = (i, best, extra) => [`20261122T19021234${i}-9f3c21ab`, "done", `r${i}`, null, null, { params: { rate: i, ...extra } }, { loss: [best + 1, best, i, 1] }];
	const rows = new Rows();
	rows.take(columns, [list(2, 0.5), list(1, 0.25), list(3, 0.75)]);
	is(rows.all.map((r) => r.name), ["r1", "r2", "r3"], "by id, however they come");
	rows.look();
	is(rows.metric, "loss");
	is(rows.best.name, "r1");
	is(rows.shown.map((r) => r.name), ["r3", "r2", "r1"], "the newest first");
	is(rows.bestOf(rows.best), 0.25);
	is(rows.lastOf(rows.best), 1.25);
	rows.sort = { key: "\u0000best", down: true };
	rows.look();
	is(rows.shown.map((r) => r.name), ["r3", "r2", "r1"]);
	rows.filter = "rate>1";
	rows.look();
	is(rows.best.name, "r2", "the best of those that are shown");
	rows.brushes.set("rate", { from: 2.5, to: 9 });
	rows.look();
	is(rows.shown.map((r) => r.name), ["r3"]);
	rows.brushes.clear();
	rows.filter = "";
	const failed = list(4, 0.01);
	failed[1] = "failed";
	rows.take(columns, [failed]);
	rows.look();
	is(rows.best.name, "r1", "a failure is not the best");
	is(rows.counts(), { new: 0, waiting: 0, assigned: 0, done: 3, failed: 1 });
	is(rowOf(["id", "facts"], ["x", null]).params, {});
	is((await differing(rows.all, () => true)).map((p) => [p.name, p.numeric, p.least, p.most]), [["rate", true, 1, 4]]);
	rows.take(columns, [list(5, 9, { only: "here" })]);
	is((await differing(rows.all, () => true)).map((p) => p.name), ["rate", "only"]);
	is(await differing(Array(5000).fill(rows.all[0]), () => false), null, "nobody waits for it");
}

/* ---- the story ---- */
{
	const r = { ...row(), attempt: 1, retryOf: null, finished: 5, started: 4 };
	const told = story(r, [{ attempt: "t1a0@gpu01-000000", log: 2048, note: { cause: "lost", when: "2026-11-22T19:05:00Z" } }, { attempt: "t2a1@gpu07-3fa9c2", log: 10 }],
	    { status: 200, run: { started: "2026-11-22T19:06:00Z", finished: "2026-11-22T19:07:00Z", seconds: 60, worker: "gpu07-3fa9c2" } }, false);
	is(told.map((s) => s.text), ["submitted, with priority 50", "attempt on gpu01-000000 ended: its worker fell silent (2.0 KiB of log); it went back to the queue",
		"started on gpu07-3fa9c2", "done after 1 min 00 s, at attempt 2"]);
}
console.log(`${n} checks`);
