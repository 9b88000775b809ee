"""pictures.py URL DIR - the pictures of the page, for the README: by day, by
night, and one run."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from driver import Browser  # noqa: E402

url, to = sys.argv[1:]
with Browser(1240, 860) as b:
    b.go(url)
    b.soon("document.body.dataset.ready === 'yes'")
    b.soon("document.querySelectorAll('#curves path.line').length >= 8")
    b.soon("document.querySelector('.running .bar') !== null")
    b.soon("document.querySelector('.running .spark path') !== null")
    b.js("spoolPage.grid.sort('\\u0000best'); return 1")
    b.soon("document.querySelectorAll('.grid-body .spark path').length > 10")
    b.js("document.querySelector('.grid').style.height = '300px'; return 1")
    b.picture(to + "/page.webp")
    b.dark(True)
    b.js("location.hash = '#/run/' + spoolPage.rows.shown[3].id; return 1")
    b.soon("document.querySelectorAll('.small-plots svg').length === 3")
    b.soon("document.querySelectorAll('.log-line').length > 50")
    b.picture(to + "/run.webp")
