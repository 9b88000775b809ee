"""suite.py STORY ARGUMENT... - what the page does in a browser; told by
tests/labs/page.sh.  Every story ends by asking whether the browser has said
anything: a broken rule of the policy or an error of a script fails it."""
import json
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from driver import Browser  # noqa: E402

READY = "document.body.dataset.ready === 'yes'"
ROWS = "document.querySelectorAll('.grid-body .grid-row').length"
NAMES = "[...document.querySelectorAll('.grid-body .name a')].map(a => a.textContent)"
SHOWN = "document.getElementById('shown').textContent"
WIDE = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def opened(b, url):
    b.go(url)
    b.soon(READY)
    b.soon(ROWS)


def quiet(b, url, but=()):
    """Nothing broke, no rule of the policy either, and nobody else was asked."""
    for level, text in b.console():
        if "Failed to load resource" in text and re.search(r"/(log|outcome)\S* .*status of (404|416)", text):
            continue  # there is none, or no more of it
        if level in ("SEVERE", "WARNING") and not any(w in text for w in but):
            raise AssertionError("the console: " + text)
    for asked in b.asked():
        assert asked.startswith((url, "data:", "blob:", "chrome", "about:")), "a request elsewhere: " + asked


def count_of(b, state):
    return int(b.js("document.querySelector('.count.s-%s .n').textContent" % state))


def clicks(url):
    with Browser() as b:
        opened(b, url)
        b.soon("document.querySelectorAll('#curves path.line').length === 6")
        assert count_of(b, "done") == 6 and count_of(b, "failed") == 0
        assert sorted(b.js(NAMES)) == sorted("wine-%s-%s" % (r, h) for r in ("002", "01", "05") for h in (4, 16))
        head = b.js("[...document.querySelectorAll('.grid-head .cell')].map(c => c.textContent)")
        assert "learningRate" in head and "hidden" in head, head
        assert "optimizer" not in head and "epochs" not in head, "they do not differ"
        b.soon("document.querySelectorAll('.grid-body .spark path').length === 6")
        # One star, on the least loss.
        best = b.js("spoolPage.rows.leaders(1)[0].name")
        assert b.js("[...document.querySelectorAll('.star')].map(s => s.nextSibling.textContent)") == [best]
        # Sorting.
        b.js("[...document.querySelectorAll('.grid-head button')].find(x => x.textContent.startsWith('Best')).click(); return 1")
        b.soon(NAMES + "[0] === arguments[0]", best)
        assert b.js("document.querySelector('[aria-sort=ascending]') !== null")
        b.js("[...document.querySelectorAll('.grid-head button')].find(x => x.textContent.startsWith('Best')).click(); return 1")
        b.soon("%s[5] === arguments[0]" % NAMES, best)
        # The filter, its mistakes, and the buttons of the strip.
        b.type("#filter", "project:wine learningRate<0.02 hidden=4")
        b.soon(ROWS + " === 2")
        assert b.js(SHOWN).startswith("2 of 6")
        b.type("#filter", "learnigRate<1")
        b.soon("document.getElementById('filter-wrong').textContent.includes('learningRate')")
        b.click(".count.s-failed")
        b.soon("document.querySelector('.grid .empty') !== null")
        b.click("#clear")
        b.soon(ROWS + " === 6")
        # What is ticked is drawn.
        b.js("document.querySelectorAll('.grid-body input')[0].click(); return 1")
        b.soon("document.querySelectorAll('#curves path.line').length === 1")
        b.js("document.querySelectorAll('.grid-body input')[0].click(); return 1")
        before = b.soon("(p => p.length === 6 && p[0].getAttribute('d'))([...document.querySelectorAll('#curves path.line')])")
        b.click("#curves input[type=checkbox]")
        after = b.soon("(p => p.length === 6 && p[0].getAttribute('d') !== arguments[0] && p[0].getAttribute('d'))([...document.querySelectorAll('#curves path.line')])", before)
        b.js("const s = document.querySelector('#curves input[type=range]'); s.value = 0.9; s.dispatchEvent(new Event('input')); return 1")
        b.soon("document.querySelector('#curves path.line').getAttribute('d') !== arguments[0]", after)
        # The scatter plot.
        b.soon("document.querySelector('#scatter canvas') !== null")
        b.js("const s = document.querySelector('#scatter select'); s.value = 'hidden'; s.dispatchEvent(new Event('change')); return 1")
        b.soon("document.getElementById('scatter-title').textContent.endsWith('by hidden')")
        # A brush filters the table; its chip takes it away.
        b.js("document.getElementById('parallel').scrollIntoView(); return 1")
        r = b.js("(r => [r.x + r.width / 2, r.y, r.height])(document.querySelector('[data-axis=learningRate] .overlay').getBoundingClientRect())")
        b.drag(r[0], r[1] + r[2] * 0.4, r[0], r[1] - 12)
        b.soon("document.querySelectorAll('#parallel .chip').length === 1")
        b.soon(ROWS + " === 2")
        assert all(n.startswith("wine-05") for n in b.js(NAMES)), b.js(NAMES)
        b.click("#parallel .chip")
        b.soon(ROWS + " === 6")
        # A run's own page.
        b.js("[...document.querySelectorAll('.grid-body .name a')].find(a => a.textContent === 'wine-002-4').click(); return 1")
        b.soon("document.querySelectorAll('.small-plots svg').length === 3")
        b.soon("document.querySelector('.log-text').textContent.includes('epoch  20')")
        assert "\x1b" not in b.js("document.querySelector('.log-text').textContent")
        story = b.js("document.querySelector('.story').textContent")
        assert "submitted" in story and "started on" in story and "done after" in story, story
        assert b.js("[...document.querySelectorAll('tr.differs th')].map(t => t.textContent)"), "it differs from the best"
        b.type(".log input[type=search]", "epoch  1")
        b.soon("document.querySelectorAll('.log mark').length > 5")
        assert b.js("[...document.querySelectorAll('.files button')].map(x => x.textContent)") == ["summary.json", "weights.npz"]
        run = b.js("spoolPage.runPage.id")
        assert b.js("document.querySelector('.command code').textContent") == "spool -s %s retry %s" % (url, run)
        # Doing: again, and it is there.
        b.js("[...document.querySelectorAll('.run-actions button')].find(x => x.textContent === 'Retry').click(); return 1")
        b.soon("document.querySelector('.toast') !== null && document.querySelector('.toast').textContent.includes('submitted again')")
        b.js("location.hash = ''; return 1")
        b.soon(ROWS + " === 7")
        assert count_of(b, "new") == 1
        new = b.js("spoolPage.rows.all.find(r => r.state === 'new').id")
        b.js("location.hash = '#/run/' + arguments[0]; return 1", new)
        press = "const x = [...document.querySelectorAll('.run-actions button')].find(x => x.textContent === '%s'); if (x) x.click(); return Boolean(x)"
        b.soon("document.querySelector('input.prio') !== null")
        b.js("const i = document.querySelector('input.prio'); i.value = 7; i.dispatchEvent(new Event('change')); return 1")
        b.soon("spoolPage.rows.byId.get(arguments[0]).prio === 7", new)
        b.soon(press % "Hold")
        b.soon("spoolPage.rows.byId.get(arguments[0]).state === 'waiting'", new)
        b.soon(press % "Release hold")
        b.soon("spoolPage.rows.byId.get(arguments[0]).state === 'new'", new)
        b.js("window.confirm = () => true; return 1")
        b.soon(press % "Cancel")
        b.soon("spoolPage.rows.byId.get(arguments[0]).state === 'failed'", new)
        b.soon("document.querySelector('.story').textContent.includes('cancelled')")
        # A file that is dropped.
        b.js("""location.hash = '';
        const d = new DataTransfer();
        d.items.add(new File([JSON.stringify({scriptName: 'train.py', order: {name: 'dropped'}})], 'job.json'));
        document.dispatchEvent(new DragEvent('drop', {dataTransfer: d, bubbles: true, cancelable: true})); return 1""")
        b.soon("spoolPage.rows.all.some(r => r.name === 'dropped')")
        # Themes.
        ground = b.js("getComputedStyle(document.body).backgroundColor")
        b.click("#theme")
        b.click("#theme")
        assert b.js("getComputedStyle(document.body).backgroundColor") != ground
        quiet(b, url)


def live(url, worker, job):
    with Browser() as b:
        opened(b, url)
        b.soon("document.getElementById('live').textContent === 'live'")
        b.soon("document.querySelector('.worker .running') !== null")
        b.soon("document.querySelector('.worker .running .bar') !== null")
        b.soon("document.querySelector('.worker .running .spark path') !== null")
        # The log of one that runs, followed.
        b.js("location.hash = '#/run/' + spoolPage.rows.all.find(r => r.state === 'assigned').id; return 1")
        first = b.soon("(n => n > 1 && n)(document.querySelectorAll('.log-line').length)")
        b.soon("document.querySelectorAll('.log-line').length > arguments[0]", first)
        b.soon("document.querySelector('.run-title .state').textContent === 'done'")
        b.soon("document.querySelector('.story').textContent.includes('done after')")
        b.js("location.hash = ''; return 1")
        b.soon("document.querySelector('.count.s-done .n').textContent === '6'")
        # One that comes in while we look.
        said = b.js_async("""const done = arguments[0];
        fetch('v1/orders', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(
            {scriptName: 'train.py', epochs: 400, nap: 0.05, order: {name: 'later'}})}).then(r => r.json()).then(done)""")
        b.soon("spoolPage.rows.byId.has(arguments[0]) && spoolPage.rows.byId.get(arguments[0]).state === 'assigned'", said["id"])
        # Its worker falls silent, and the page says what that means.
        os.kill(int(worker), signal.SIGSTOP)
        try:
            words = b.soon("(e => e !== null && e.textContent)(document.querySelector('.worker.gone .alarm'))")
            assert words.startswith("silent") and "back" in words, words
            b.soon("document.querySelector('.worker.gone .alarm').textContent.endsWith('its job is back in the queue')")
        finally:
            os.kill(int(worker), signal.SIGCONT)
        quiet(b, url, but=("416",))


def hostile(url, saved, run):
    for at in (url, "file://" + saved):
        with Browser() as b:
            opened(b, at)
            b.soon("document.querySelectorAll('.worker').length > 0")
            b.soon("document.querySelectorAll('#curves path.line').length > 0")
            b.js("const m = document.getElementById('metric'); m.value = [...m.options].find(o => o.value.includes('<')).value; m.dispatchEvent(new Event('change')); return 1")
            time.sleep(1)
            b.js("location.hash = '#/run/' + arguments[0]; return 1", run)
            b.soon("document.querySelector('.log-text').textContent.includes('onerror')")
            b.soon("document.querySelectorAll('.files li').length === 1")
            b.type(".log input[type=search]", "<img")
            b.soon("document.querySelectorAll('.log mark').length > 0")
            b.js("document.querySelector('details').open = true; return 1")
            assert "\u202e" not in b.js("document.querySelector('.log-text').textContent")
            assert b.js("window.owned") is None
            assert b.js("document.querySelectorAll('img').length") == 0
            assert b.js("[...document.querySelectorAll('script')].every(s => s.src !== '' || s.id === 'data' || s.textContent.startsWith('/*'))")
            quiet(b, at if at == url else "file://" + saved, but=("frame-ancestors",))


def many(url):
    with Browser() as b:
        b.go(url)
        began = time.monotonic()
        b.soon(ROWS, seconds=120)
        print("the first rows after %.1f s" % (time.monotonic() - began))
        b.js("window.tasks = []; new PerformanceObserver(l => l.getEntries().forEach(e => tasks.push(Math.round(e.duration)))).observe({type: 'longtask', buffered: true}); return 1")
        b.soon("spoolPage.rows.whole", seconds=300)
        print("all of them after %.1f s" % (time.monotonic() - began))
        assert b.js("spoolPage.rows.all.length") == 100000
        assert "100" in b.js("document.querySelector('.count.s-done .n').textContent")
        print("long tasks while it was read, ms:", b.js("tasks.sort((a, b) => b - a).slice(0, 5)"))
        b.js("tasks.length = 0; return 1")
        # From end to end, a page at a time: what is in the document stays small.
        most = b.js_async("""const done = arguments[0], g = document.querySelector('.grid'); let n = 0, most = 0;
        const step = () => { most = Math.max(most, document.querySelectorAll('.grid-body .grid-row').length);
            if (n++ === 120) return done(most);
            g.scrollTop = g.scrollHeight * n / 120; requestAnimationFrame(step); };
        step();""")
        assert most < 60, "%d rows in the document" % most
        print("long tasks of 120 jumps, ms:", b.js("tasks.sort((a, b) => b - a).slice(0, 5)"))
        b.soon("%s.includes('run0')" % NAMES)
        b.js("tasks.length = 0; return 1")
        b.type("#filter", "project:iris learningRate<0.001 hidden=32")
        b.soon("(n => n > 100 && n < 50000)(spoolPage.rows.shown.length)")
        b.js("document.querySelector('.grid').scrollTop = 0; spoolPage.grid.sort('learningRate'); return 1")
        values = b.js("spoolPage.rows.shown.map(r => r.params.learningRate)")
        assert values == sorted(values) and values[-1] < 0.001
        print("long tasks of a filter and a sort, ms:", b.js("tasks.sort((a, b) => b - a).slice(0, 5)"))
        b.soon("document.querySelector('#scatter canvas') !== null")
        b.soon("document.querySelector('#parallel canvas') !== null")
        quiet(b, url)


def saved(path):
    with Browser() as b:
        opened(b, "file://" + path)
        b.soon("document.querySelectorAll('#curves path.line').length === 6")
        assert b.js("document.getElementById('live').textContent").startswith("as of")
        assert b.js("document.getElementById('submit').hidden")
        b.type("#filter", "hidden>10")
        b.soon(ROWS + " === 3")
        b.js("document.querySelector('.grid-body .name a').click(); return 1")
        b.soon("document.querySelectorAll('.small-plots svg').length === 3")
        b.soon("document.querySelector('.log-text').textContent.includes('epoch  20')")
        b.soon("document.querySelectorAll('.files li').length === 2")
        assert b.js("document.querySelectorAll('.run-actions button').length") == 0
        quiet(b, "file://" + path)


def phone(url, room):
    with Browser(360, 740) as b:
        opened(b, url)
        b.soon("document.querySelectorAll('#curves path.line').length === 6")
        assert b.js(WIDE), b.js("document.documentElement.scrollWidth")
        for dark in (False, True):
            b.dark(dark)
            b.picture("%s/phone-%s.png" % (room, dark))
        # State, name and the best value are in sight.
        edge = b.js("document.querySelector('.grid').getBoundingClientRect().right")
        assert b.js("[...document.querySelectorAll('.grid-head .cell')].slice(0, 4).every(c => c.getBoundingClientRect().right <= arguments[0] + 1)", edge)
        b.js("document.querySelector('.grid-body .name a').click(); return 1")
        b.soon("document.querySelectorAll('.small-plots svg').length === 3")
        assert b.js(WIDE), b.js("document.documentElement.scrollWidth")
        quiet(b, url)


def keys(url):
    with Browser() as b:
        opened(b, url)
        b.key("/")
        b.soon("document.activeElement.id === 'filter'")
        for c in "hidden=16":
            b.key(c)
        b.soon(ROWS + " === 3")
        for _ in range(30):
            b.key("Tab")
            if b.js("document.activeElement.className === 'grid'"):
                break
        b.soon("document.activeElement.className === 'grid'")
        names = b.js(NAMES)
        b.key("ArrowDown")
        b.soon("document.querySelector('.grid-row.active .name a').textContent === arguments[0]", names[1])
        assert b.js("document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).className").endswith("active")
        b.key("Space")
        b.soon("document.querySelectorAll('#curves path.line').length === 1")
        b.key("End")
        b.soon("document.querySelector('.grid-row.active .name a').textContent === arguments[0]", names[-1])
        b.key("Enter")
        b.soon("location.hash.startsWith('#/run/') && document.activeElement.tagName === 'H1'")
        for _ in range(60):
            b.key("Tab")
            if b.js("document.activeElement.textContent === 'Retry'"):
                break
        b.key("Shift", "Tab")
        seen = b.js("document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle !== 'none'")
        assert seen, "the focus is not to be seen"
        quiet(b, url)


def token(url, reader, writer):
    with Browser() as b:
        b.go(url)
        b.soon("document.getElementById('login').open")
        b.type("#token", "nonsense")
        b.click("#login-form button")
        b.soon("document.getElementById('login-wrong').textContent.includes('not known')")
        b.type("#token", reader)
        b.click("#login-form button")
        b.soon(ROWS + " === 6")
        assert not b.js("document.getElementById('login').open") and b.js("document.getElementById('submit').hidden")
        assert b.js("sessionStorage.length") == 1 and b.js("localStorage.length") == 0
        b.go(url + "/#")
        b.soon(ROWS + " === 6")
        b.js("document.querySelector('.grid-body .name a').click(); return 1")
        b.soon("document.querySelector('.story li') !== null")
        assert b.js("document.querySelectorAll('.run-actions button').length") == 0
        b.js("location.hash = ''; return 1")
        b.click("#logout")
        b.soon("document.getElementById('login').open")
        b.type("#token", writer)
        b.click("#login-form button")
        b.soon("!document.getElementById('submit').hidden && %s === 6" % ROWS)
        quiet(b, url, but=("401",))


def axe(url, script):
    text = open(script).read()
    with Browser() as b:
        for dark in (False, True):
            for width in (1280, 360):
                b.dark(dark)
                b.size(width, 900)
                for where in ("#/", "#/run/"):
                    opened(b, url + "/")
                    b.soon("document.querySelectorAll('#curves path.line').length === 6")
                    if where != "#/":
                        b.js("location.hash = '#/run/' + spoolPage.rows.all[0].id; return 1")
                        b.soon("document.querySelectorAll('.small-plots svg').length === 3")
                        b.js("document.querySelector('details').open = true; return 1")
                    b.cdp("Runtime.evaluate", expression=text)
                    said = b.js_async("const done = arguments[0]; axe.run(document).then(done)")
                    for v in said["violations"]:
                        print(v["id"], v["impact"], v["help"], [n["html"][:160] for n in v["nodes"][:4]],
                              [n.get("any", [{}])[0].get("message") for n in v["nodes"][:2] if n.get("any")])
                    assert not said["violations"], (where, width, dark)
                    print("axe %s: %d rules passed on %s at %d, %s" % (
                        said["testEngine"]["version"], len(said["passes"]), where, width, "dark" if dark else "light"))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
