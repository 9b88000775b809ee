"""A stand-in of the original Worker: the bytes it sends, what it hands its
script, and how it goes wrong.

  worker.py --boss URL [--name dl] [--scripts python-scripts] [--every 60]
	    [--close] [--polls N] [--python PYTHON]

It polls /bored/NAME while it is bored, asks for the job, runs its script as
`python -u SCRIPTS/scriptName JSON` in its own directory, and posts the last
line of its output to /callback.  It never times out and never tries again: a
request that is not answered leaves it busy for ever.  A script that exits with
an error takes the worker with it.

Header order and spelling are those of axios 0.18 on Node 20, as recorded from
the program itself; --close is Node before 19, which kept no connection alive.
One line of log for each thing that happens; no time in it.
"""
import argparse, json, os, re, socket, subprocess, threading, time
from urllib.parse import urlsplit

A = argparse.ArgumentParser()
A.add_argument("--boss", required=True)
A.add_argument("--name", default="dl")
A.add_argument("--scripts", default="python-scripts")
A.add_argument("--every", type=float, default=60)
A.add_argument("--close", action="store_true")
A.add_argument("--polls", type=int, default=0, help="end after so many")
A.add_argument("--python", default="python3")
A = A.parse_args()

STATUS = "bored"
IDLE = []  # kept-alive connections
LOCK = threading.Lock()


def say(*words):
    with LOCK:
        print(*words, flush=True)


def js(value):
    """JSON.stringify: no spaces, 2.0 is 2, no escapes that need not be."""
    if isinstance(value, dict):
        return "{" + ",".join(js(k) + ":" + js(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(js(v) for v in value) + "]"
    if isinstance(value, float):
        if value == int(value) and abs(value) < 1e21:
            return str(int(value))
        return re.sub(r"e([+-])0+", r"e\1", repr(value))
    return json.dumps(value, ensure_ascii=False)


def parse(text):
    """JSON.parse: NaN and Infinity are errors."""
    def no(word):
        raise ValueError(word)
    return json.loads(text, parse_constant=no)




def answer(sock):
    """Status and body, or an error; waits for ever."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = sock.recv(65536)
        if not more:
            raise ConnectionError("socket hang up")
        got += more
    head, body = got.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    head = {}
    for line in lines[1:]:
        k, v = line.split(":", 1)
        head[k.strip().lower()] = v.strip()

    def need(n):
        nonlocal body
        while len(body) < n:
            more = sock.recv(65536)
            if not more:
                raise ConnectionError("aborted")
            body += more

    keep = "close" not in head.get("connection", "").lower()
    if head.get("transfer-encoding", "").lower() == "chunked":
        text = b""
        while True:
            while b"\r\n" not in body:
                need(len(body) + 1)
            size, body = body.split(b"\r\n", 1)
            size = int(size.split(b";")[0], 16)
            need(size + 2)
            text, body = text + body[:size], body[size + 2:]
            if size == 0:
                break
    elif "content-length" in head:
        need(int(head["content-length"]))
        text = body[:int(head["content-length"])]
    elif status in (204, 304):
        text = b""
    else:
        keep = False
        text = body
        while True:
            more = sock.recv(65536)
            if not more:
                break
            text += more
    return status, text, keep


def kept():
    """A connection that is still open, as Node's agent keeps them."""
    while True:
        with LOCK:
            if not IDLE:
                return None
            sock = IDLE.pop()
        try:
            sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return sock
        except OSError:
            pass
        sock.close()


def ask(method, path, ctype=None, body=None):
    """One request, byte for byte.  (status, data) as axios has them."""
    url = urlsplit(A.boss + path)
    port = url.port or 80
    host = url.hostname + ("" if port == 80 else ":%d" % port)
    lines = ["%s %s HTTP/1.1" % (method, url.path),
             "Accept: application/json, text/plain, */*"]
    if ctype:
        lines.append("Content-Type: " + ctype)
    lines.append("User-Agent: axios/0.18.0")
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    lines += ["Host: " + host,
              "Connection: " + ("close" if A.close else "keep-alive")]
    if method == "POST" and body is None:
        lines.append("Content-Length: 0")
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + (body or b"")
    sock = kept() or socket.create_connection((url.hostname, port))
    try:
        sock.sendall(raw)
        status, text, keep = answer(sock)
    except OSError:
        sock.close()
        raise
    if keep and not A.close:
        with LOCK:
            IDLE.append(sock)
    else:
        sock.close()
    text = text.decode("utf-8", "replace")
    try:
        return status, parse(text)
    except ValueError:
        return status, text


def run(job):
    global STATUS
    STATUS = "busy"
    name = job.get("scriptName") if isinstance(job, dict) else None
    if not isinstance(name, str):
        say("no script in", js(job)[:200])
        STATUS = "bored"
        return
    say("runs", name)
    child = subprocess.run([A.python, "-u", A.scripts + "/" + name, js(job)],
                           stdout=subprocess.PIPE)
    if child.returncode != 0:
        say("dies of", name)  # an exception that nobody catches
        os._exit(1)
    lines = child.stdout.decode("utf-8", "replace").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    try:
        result = parse(lines[-1])
    except (IndexError, ValueError):
        result = None
    if not result:
        say("nothing to say")
        STATUS = "bored"
        return
    say("callback", js(result))
    try:
        status, data = ask("POST", "/callback",
                           "application/json;charset=utf-8",
                           js(result).encode("utf-8"))
        say("answered", status, js(data))
    except OSError as e:
        say("callback failed:", e)
    STATUS = "bored"


def poll():
    try:
        status, order = ask("POST", "/bored/" + A.name,
                            "application/x-www-form-urlencoded")
        if not 200 <= status < 300 or order is None:
            say("no job:", status)
            return
        get = order.get if isinstance(order, dict) else lambda k, d: d
        job_id = get("jobId", "undefined")
        say("got job", job_id)
        try:
            status, job = ask("GET", "/retrieve/job/%s" % job_id)
        except OSError as e:
            say("no such job:", e)
            return
        if not 200 <= status < 300 or job is None:
            say("no such job:", status)
            return
        if isinstance(job, dict):
            job["callbackAddress"] = A.boss
            if get("_id", None) is not None:
                job["assignmentId"] = get("_id", None)
        run(job)
    except OSError as e:
        say("no job:", e)


polls = 0
while True:
    if STATUS == "bored":
        polls += 1
        if A.polls and polls > A.polls:
            break
        threading.Thread(target=poll, daemon=True).start()
    time.sleep(A.every)
