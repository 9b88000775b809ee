"""A stand-in of the original Boss, with the faults that were observed in it.

  boss.py --dialect 1|2 [--port N] [--port-file FILE] [--state FILE]
	  [--race SECONDS] [--deaf N] [--mute N] [--stall N]

Dialect 1 dies of an empty queue (exit 1, after dropping the connection), so it
wants a loop around it and --state, which it also goes on from.  What it is
never answered: a callback without status or id, with a status that is no number
(dialect 1), with a loss that is no number, or of an unknown order (dialect 2);
a job's number that is none; an id that cannot be one.

--race   seconds between looking for an order and saving that it is assigned:
	 whoever asks meanwhile gets the same one
--deaf   the first N callbacks are neither stored nor answered
--mute   the first N callbacks are stored and not answered
--stall  the first N requests of any kind are not answered
--state  {"jobs":[...],"orders":[...],"outcomes":[...],"nodes":[...],
	 "requests":[[method,path,body],...]}, written at each request
"""
import argparse, hashlib, json, os, re, socket, threading, time

A = argparse.ArgumentParser()
A.add_argument("--dialect", type=int, choices=(1, 2), required=True)
A.add_argument("--port", type=int, default=0)
A.add_argument("--port-file")
A.add_argument("--state")
A.add_argument("--prefix", default="")
A.add_argument("--race", type=float, default=0)
A.add_argument("--deaf", type=int, default=0)
A.add_argument("--mute", type=int, default=0)
A.add_argument("--stall", type=int, default=0)
A = A.parse_args()

LOCK = threading.RLock()
DB = {"jobs": [], "orders": [], "outcomes": [], "nodes": [], "requests": []}
COUNT = [int.from_bytes(os.urandom(3), "big")]
HOLD = []  # connections nobody will answer

TEXT = ("status assignedWorkerNode dataFileName scriptName root writePath "
        "projectName dataPath %s crossValidationCrossingType loss optimizer "
        "lastLayerActivator scalerType" %
        ("depedentVariable" if A.dialect == 1 else "dependentVariable")).split()
TRUTH = "crossValidateOnly saveWeightsOnlyAtEnd".split()
NUMBER = ("batchSize epochs patienceRate slowLearningRate pcaComponents "
          "extraTreesKeepThreshd learningRate l1 l2 minDependentVarValue "
          "maxDependentVarValue").split()


class Never(Exception):
    """A rejected promise that nobody catches: no answer, ever."""


class Dies(Exception):
    """An exception in a callback: the process ends."""


def new_id():
    COUNT[0] = (COUNT[0] + 1) & 0xffffff
    return "%08x%010x%06x" % (int(time.time()), os.getpid() & 0xffffffffff,
                              COUNT[0])


def now():
    t = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + \
        ".%03dZ" % int(t % 1 * 1000)


def number(v):
    if v is None or v == "":
        return None
    if v is True or v is False:
        return int(v)
    try:
        if isinstance(v, (dict, list)):
            raise ValueError
        n = float(v)
    except ValueError:
        raise Never("not a number: %r" % (v,))
    if n != n:
        raise Never("not a number: nan")
    return int(n) if n == int(n) else n


def text(v):
    if isinstance(v, (dict, list)):
        raise Never("not a text")
    if v is True or v is False:
        return "true" if v else "false"
    return v if v is None else str(v)


def object_id(v):
    if not re.fullmatch("[0-9a-fA-F]{24}", v) and len(v.encode()) != 12:
        raise Never("not an ObjectId: " + v)
    return v


def find(what, key, value):
    for one in DB[what]:
        if one.get(key) == value:
            return one


def job_create(body):
    job = {"hiddenLayers": [], "_id": new_id()}
    for k, v in body.items():
        if k in TEXT:
            job[k] = text(v)
        elif k in TRUTH:
            job[k] = bool(v)
        elif k in NUMBER:
            job[k] = number(v)
        elif k == "hiddenLayers":
            job[k] = v if isinstance(v, list) else [v]
    job["__v"] = 0
    order = {"_id": new_id(), "jobId": job["_id"]}
    if A.dialect == 2 and "projectName" in job:
        order["projectName"] = job["projectName"]
    order.update(createdDate=now(), status="unassigned", __v=0)
    DB["jobs"].append(job)
    DB["orders"].append(order)
    return order


def bored():
    # find, then save: not one step.
    LOCK.acquire()
    order = find("orders", "status", "unassigned")
    LOCK.release()
    if order is None:
        if A.dialect == 1:
            raise Dies
        return {"error": "No Jobs or all are assigned."}
    time.sleep(A.race)
    LOCK.acquire()
    order["status"] = "assigned"
    got = dict(order)
    LOCK.release()
    return got


def callback(body):
    ref = "jobId" if A.dialect == 1 else "orderId"
    out = {"_id": new_id()}
    for k, v in body.items():
        if k == "status":
            out[k] = number(v) if A.dialect == 1 else text(v)
        elif k in (ref, "workerNodeName"):
            out[k] = text(v)
        elif k in ("loss", "metric"):
            out[k] = number(v)
    if out.get("status") is None or out.get(ref) is None:
        raise Never("Outcome validation failed")
    out["__v"] = 0
    DB["outcomes"].append(out)
    if A.dialect == 1:
        return out
    object_id(out["orderId"])
    order = find("orders", "_id", out["orderId"])
    if order is None:
        raise Never("Cannot read property '_id' of null")
    order["status"] = out["status"]
    return dict(order)


def node_create(body):
    want = {"address": "Must provide an IP address to reach the node.",
            "name": "Must provide a name.",
            "dataPath": "Must provide a dataPath.",
            "writePath": "Must provide a writePath."}
    bad = ["%s: %s" % (k, want[k]) for k in reversed(list(want))
           if not body.get(k)]
    if bad:
        return {"error": "WorkerNode validation failed: " + ", ".join(bad)}
    node = {"_id": new_id()}
    node.update((k, v) for k, v in body.items()
                if k in want or k in ("active", "busy"))
    node["__v"] = 0
    DB["nodes"].append(node)
    return node


SHAPE = {"error": "Error with request shape.", "err": {}}
MISSING = {"error": "Error with request shape.", "err": {"error": "Missing Id"}}
NOTHING = object()  # res.send(null)


def route(method, path, body):
    """What to send: a JSON value, NOTHING, or None for 404."""
    p = [x for x in path.split("?")[0].split("/") if x]
    if method == "POST":
        if p == ["job", "create"]:
            return job_create(body)
        if len(p) == 2 and p[0] == "job":
            return {"error": "No method selected."}
        if p == ["worker-node", "create"]:
            return node_create(body)
        if len(p) == 2 and p[0] == "worker-node":
            return SHAPE
        if len(p) == 2 and p[0] == "bored":
            return bored()
        if p == ["callback"]:
            return callback(body)
    if method == "GET" and p and p[0] == "retrieve" and 2 <= len(p) <= 4:
        if p[1] == "order":
            return DB["orders"]
        if p[1] == "latest-job":
            return DB["jobs"][-1] if DB["jobs"] else NOTHING
        if p[1] == "job" or (p[1] == "outcome" and A.dialect == 2):
            if len(p) < 3:
                return MISSING
            if p[1] == "job":
                return find("jobs", "_id", object_id(p[2])) or NOTHING
            return find("outcomes", "orderId", p[2]) or NOTHING
        return SHAPE
    return None


COMMON = ("X-Powered-By: Express\r\n"
          "Access-Control-Allow-Origin: *\r\n"
          "Access-Control-Allow-Headers: Origin, X-Requested-With, "
          "Content-Type, Accept\r\n"
          "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE, "
          "OPTIONS\r\n")


def send(sock, status, ctype, body, keep, more=""):
    head = "HTTP/1.1 " + status + "\r\n" + COMMON + more
    if ctype:
        tag = hashlib.sha1(body).hexdigest()[:27]
        head += "Content-Type: %s\r\nContent-Length: %d\r\n" \
            "ETag: W/\"%x-%s\"\r\n" % (ctype, len(body), len(body), tag)
    else:
        head += "Content-Length: %d\r\n" % len(body)
    head += time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime())
    head += "Connection: %s\r\n\r\n" % ("keep-alive" if keep else "close")
    sock.sendall(head.encode() + body)


def html(title):
    return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
            "<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n"
            "<pre>%s</pre>\n</body>\n</html>\n" % title).encode()


def save():
    if A.state:
        with LOCK:
            with open(A.state + ".new", "w") as f:
                json.dump(DB, f)
            os.replace(A.state + ".new", A.state)


def one(sock, method, path, head, body):
    """Answer a request; false: close the connection."""
    keep = "close" not in head.get("connection", "").lower()
    page = "text/html; charset=utf-8"
    if not path.startswith(A.prefix):
        send(sock, "404 Not Found", page, html("Cannot %s %s" % (method, path)),
             keep)
        return keep
    path = path[len(A.prefix):]
    with LOCK:
        DB["requests"].append([method, path, body.decode("utf-8", "replace")])
    save()
    if A.stall > 0:
        A.stall -= 1
        raise Never("stalled")
    if method == "OPTIONS":
        send(sock, "200 OK", page, b"POST", keep, "Allow: POST\r\n")
        return keep
    if len(body) > 100 * 1024:
        send(sock, "413 Payload Too Large", page,
             html("PayloadTooLargeError: request entity too large"), keep)
        return keep
    data = {}
    if "application/json" in head.get("content-type", "") and body:
        try:
            data = json.loads(body.decode("utf-8"), parse_constant=int)
            if not isinstance(data, (dict, list)):
                raise ValueError
        except ValueError:
            send(sock, "400 Bad Request", page,
                 html("SyntaxError: Unexpected token in JSON<br> &nbsp; "
                      "&nbsp;at JSON.parse (&lt;anonymous&gt;)"), keep)
            return keep
    if not isinstance(data, dict):
        data = {}
    if path.split("?")[0] == "/callback" and method == "POST":
        if A.deaf > 0:
            A.deaf -= 1
            raise Never("deaf")
        if A.mute > 0:
            A.mute -= 1
            route(method, path, data)
            save()
            raise Never("mute")
    got = route(method, path, data)
    save()
    if got is None:
        send(sock, "404 Not Found", page, html("Cannot %s %s" % (method, path)),
             keep)
    elif got is NOTHING:
        send(sock, "200 OK", None, b"", keep)
    else:
        send(sock, "200 OK", "application/json; charset=utf-8",
             json.dumps(got, separators=(",", ":"),
                        ensure_ascii=False).encode(), keep)
    return keep


def serve(sock):
    got = b""
    try:
        while True:
            sock.settimeout(5)  # Node's, between two requests
            while b"\r\n\r\n" not in got:
                more = sock.recv(65536)
                if not more:
                    return
                got += more
            sock.settimeout(None)
            head, got = got.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ", 2)
            head = {}
            for line in lines[1:]:
                k, _, v = line.partition(":")
                head[k.strip().lower()] = v.strip()
            n = int(head.get("content-length", 0))
            if "expect" in head:
                sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            while len(got) < n:
                more = sock.recv(65536)
                if not more:
                    return
                got += more
            body, got = got[:n], got[n:]
            if not one(sock, method, path, head, body):
                return
    except Never as e:
        print("never answered:", e, flush=True)
        HOLD.append(sock)
        sock = None
    except Dies:
        print("TypeError: Cannot read property '_id' of null", flush=True)
        save()
        os._exit(1)
    except (OSError, ValueError):
        pass
    finally:
        if sock is not None:
            sock.close()


if A.state and os.path.exists(A.state):
    with open(A.state) as f:
        DB.update(json.load(f))
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", A.port))
door.listen(64)
if A.port_file:
    with open(A.port_file + ".new", "w") as f:
        f.write(str(door.getsockname()[1]))
    os.replace(A.port_file + ".new", A.port_file)
while True:
    sock, _ = door.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=serve, args=(sock,), daemon=True).start()
