"""openapi.py DOCUMENT URL TABLE... - hold the document of /v1 against the tables
of routes and against a server: each path and method there is in both, with the
same roles; each answers as the document says, in status, headers and schema;
and whatever is asked for wrongly gets an error that is documented too.

The spool at URL has six orders in new/, scripts/a.py, and no tokens."""
import http.client
import json
import re
import sys

document, url = sys.argv[1:3]
tables = sys.argv[3:]
DOC = json.load(open(document))
host = url.split("//")[1]
bad = []
seen = set()


def complain(*words):
    bad.append(" ".join(str(w) for w in words))


# ---- a schema, as far as the document uses them ----

def resolve(x):
    while isinstance(x, dict) and "$ref" in x:
        at = DOC
        for part in x["$ref"][2:].split("/"):
            at = at[part]
        x = at
    return x


KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def kind_ok(kind, value):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def check(schema, value, where):
    """What is wrong with value, or None."""
    schema = resolve(schema)
    if "anyOf" in schema:
        wrong = [check(s, value, where) for s in schema["anyOf"]]
        return None if None in wrong else wrong[0]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(kind_ok(k, value) for k in kinds):
        return "%s: %r is no %s" % (where, value, kinds)
    if "enum" in schema and value not in schema["enum"]:
        return "%s: %r is none of %s" % (where, value, schema["enum"])
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        return "%s: %r does not match" % (where, value)
    if isinstance(value, dict):
        for key in schema.get("required", []):
            if key not in value:
                return "%s: no %s in %s" % (where, key, list(value))
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                wrong = check(inner, value[key], where + "." + key)
                if wrong:
                    return wrong
    if isinstance(value, list) and "items" in schema:
        for one in value:
            wrong = check(schema["items"], one, where + "[]")
            if wrong:
                return wrong
    return None


# ---- asking ----

conn = http.client.HTTPConnection(host, timeout=100)


def ask(method, template, path, body=None, headers=None, expect=None):
    """One request, held against what the document says of the operation."""
    op = DOC["paths"][template].get(method.lower())
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    headers = dict(headers or {})
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    conn.request(method, path, body, headers)
    r = conn.getresponse()
    kind = (r.getheader("Content-Type") or "").split(";")[0]
    if kind == "text/event-stream":  # without an end
        text = r.readline()
        conn.close()
    else:
        text = r.read()
    what = "%s %s: %d" % (method, path, r.status)
    seen.add((method, template))
    if expect is not None and r.status != expect:
        complain(what, "wanted", expect, text[:300])
    said = resolve(op["responses"].get(str(r.status)))
    if said is None:
        complain(what, "is not in the document:", text[:300])
        return None
    for header in said.get("headers", {}):
        if r.getheader(header) is None:
            complain(what, "no header", header)
    if method == "HEAD" or r.status in (204, 304):
        if text:
            complain(what, "a body")
        return r
    content = said.get("content", {})
    if r.status >= 400 and r.getheader("Spool-Error") is None and r.status not in (422, 207):
        complain(what, "no Spool-Error")
    if kind not in content:
        # A directory among files is a list of paths.
        if not (kind == "application/json" and r.getheader("Spool-Kind") == "directory"):
            complain(what, "is", kind, "not", list(content))
        return text
    if kind != "application/json":
        return text
    value = json.loads(text)
    wrong = check(content[kind]["schema"], value, "answer")
    if wrong:
        complain(what, wrong)
    return value


# ---- the table and the document say the same ----

def rows():
    roles = {"SUBMIT": {"submit"}, "WORK": {"work"}, "READ": {"read"}, "ADMIN": {"admin"}}
    roles["ANY"] = {"submit", "work", "read"}
    text = "".join(open(table).read() for table in tables)
    for m in re.finditer(r'\{\s*M_(\w+),\s*"([^"]*)",\s*([A-Z0-9_ |]+),\s*BODY_(\w+)', text):
        who = set()
        for word in m.group(3).split("|"):
            who |= roles.get(word.strip().replace("SP_ROLE_", ""), set())
        yield m.group(1), m.group(2), who


plain = lambda path: re.sub(r"\{[^}]*\}", "{}", path)
documented = {}
for template, methods in DOC["paths"].items():
    for method, op in methods.items():
        documented[(method.upper(), plain(template))] = set(op["x-roles"]) - {"none"} - {"admin"} \
            if op["x-roles"] != ["admin"] else {"admin"}
served = {(m, plain(p)): who for m, p, who in rows()}
for key, who in served.items():
    if key not in documented:
        complain("served and not in the document:", *key)
    elif documented[key] != who:
        complain(*key, "roles", who, "but in the document", documented[key])
for method, path in documented:
    if method != "HEAD" and (method, path) not in served:
        complain("in the document and not served:", method, path)
if len(served) < 50:
    complain("the table was not understood:", len(served))

# ---- each of them, as it should be ----

W = "box-0a1b2c"
NOID = "20260101T000000000-00000010"
NONAME = "50.%s.t1a0@%s.json" % (NOID, W)
HEX = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
C = "/v1/claims/{name}"


def claimed():
    return ask("POST", "/v1/claim", "/v1/claim", {"worker": W, "offer": {}}, expect=200)


ask("GET", "/v1", "/v1", expect=200)
ask("GET", "/v1/openapi.json", "/v1/openapi.json", expect=200)
ask("GET", "/healthz", "/healthz")
ask("GET", "/metrics", "/metrics", expect=200)
ask("GET", "/v1/events", "/v1/events", expect=200)
ask("GET", "/v1/room", "/v1/room", expect=200)
ask("POST", "/v1/orders", "/v1/orders", {"scriptName": "a.py"}, expect=201)
ask("POST", "/v1/orders", "/v1/orders", '{"scriptName":"a.py"}\n{}\n', {"Content-Type": "application/jsonl"}, 207)
ask("POST", "/v1/orders", "/v1/orders", "{}\n", {"Content-Type": "application/jsonl"}, 422)
ask("POST", "/v1/orders", "/v1/orders", {}, expect=422)
ask("POST", "/v1/orders", "/v1/orders", "x", {"Content-Type": "text/plain"}, 415)
row = ask("GET", "/v1/orders", "/v1/orders?limit=1", expect=200)["orders"][0]
ask("GET", "/v1/table", "/v1/table", expect=200)
two = ask("GET", "/v1/table", "/v1/table?limit=2", expect=200)
assert len(two["rows"]) == 2 and two["next"] == two["rows"][1][0] and sum(two["counts"].values()) > 2, two
rest = ask("GET", "/v1/table", "/v1/table?limit=1&after=" + two["next"], expect=200)
assert rest["rows"][0][0] > two["next"] and "counts" not in rest, rest
last = ask("GET", "/v1/table", "/v1/table?last=1", expect=200)["rows"]
assert last[-1][0] >= max(r[0] for r in last), last
these = ask("GET", "/v1/table", "/v1/table?ids=%s,20260101T000000000-00000010" % row["id"], expect=200)["rows"]
assert [r[0] for r in these] == [row["id"]] and len(these[0]) == len(two["columns"]), these
ask("GET", "/v1/table", "/v1/table?ids=x", expect=400)
ask("GET", "/v1/table", "/v1/table?ids=" + ",".join([row["id"]] * 101), expect=400)
ask("GET", "/v1/curves", "/v1/curves?ids=" + row["id"], expect=200)
ask("GET", "/v1/curves", "/v1/curves?points=1", expect=400)
one = "/v1/orders/{id}"
at = "/v1/orders/" + row["id"]
ask("GET", one, at, expect=200)
ask("GET", one, "/v1/orders/" + NOID, expect=404)
ask("GET", one + "/job", at + "/job", expect=200)
ask("GET", one + "/outcome", at + "/outcome", expect=404)
ask("GET", one + "/attempts", at + "/attempts", expect=200)
ask("GET", one + "/log", at + "/log", expect=404)
ask("GET", one + "/metrics", at + "/metrics", expect=404)
ask("GET", one + "/out", at + "/out", expect=200)
ask("GET", one + "/out/{path}", at + "/out/x", expect=404)
ask("HEAD", one + "/out/{path}", at + "/out/x", expect=404)
ask("GET", one + "/pins", at + "/pins", expect=404)
ask("PUT", one + "/priority", at + "/priority?priority=7", expect=200)
assert ask("GET", one, at, expect=200)["prio"] == 7
ask("PUT", one + "/priority", at + "/priority?priority=100", expect=400)
ask("PUT", one + "/hold", at + "/hold", expect=200)
ask("DELETE", one + "/hold", at + "/hold", expect=200)
ask("GET", "/v1/marks", "/v1/marks", expect=200)
ask("POST", one + "/cancel", at + "/cancel", expect=200)
ask("GET", one + "/outcome", at + "/outcome", expect=200)
again = ask("POST", one + "/retry", at + "/retry", expect=201)
assert again["retryOf"] == row["id"] != again["id"], again
ask("POST", one + "/retry", "/v1/orders/%s/retry" % again["id"], expect=409)
ask("PUT", one + "/priority", at + "/priority", expect=409)
ask("PUT", one + "/priority", "/v1/orders/%s/priority" % NOID, expect=404)
ask("POST", one + "/retry", "/v1/orders/%s/retry" % NOID, expect=404)
ask("GET", "/v1/outcomes", "/v1/outcomes", expect=200)
ask("GET", "/v1/outcomes", "/v1/outcomes", headers={"Range": "bytes=0-0"}, expect=206)
ask("GET", "/v1/outcomes", "/v1/outcomes", headers={"Range": "bytes=999-"}, expect=416)

ready = ask("GET", "/v1/ready", "/v1/ready", expect=200)["orders"][0]["name"]
ask("GET", "/v1/ready/{name}", "/v1/ready/" + ready, expect=200)
ask("GET", "/v1/ready/{name}", "/v1/ready/50.%s.t1a0.json" % NOID, expect=404)
ask("POST", "/v1/ready/{name}/refuse", "/v1/ready/%s/refuse" % ready, {"worker": W, "why": "x"}, expect=409)
ask("POST", "/v1/claim", "/v1/claim", {"worker": W, "name": ready}, expect=200)
ask("POST", "/v1/claim", "/v1/claim", {"worker": "other-000000", "name": ready}, expect=409)
ask("POST", "/v1/claim", "/v1/claim", {"worker": W, "offer": {"gpus": 1}, "holds": [], "wait": 1}, expect=200)
ask("POST", "/v1/claims", "/v1/claims", {"worker": W, "names": []}, expect=400)
some = ask("POST", "/v1/claims", "/v1/claims", {"worker": W, "names": [ready, "50.%s.t1a0.json" % NOID]}, expect=200)
assert [c["status"] for c in some["claims"]] == ["ok", "lost"], some
assert some["claims"][0]["claim"]["again"] is True, some
mine = claimed()
name, order = mine["name"], "/v1/orders/" + mine["id"]
c = "/v1/claims/" + name
ask("GET", C, c, expect=200)
ask("GET", C, "/v1/claims/" + NONAME, expect=404)
for kind in ("log", "metrics"):
    ask("PUT", C + "/" + kind, c + "/%s?at=0" % kind, '{"step":1}\n', expect=200)
    ask("PUT", C + "/" + kind, c + "/%s?at=99" % kind, "x", expect=409)
    ask("GET", one + "/" + kind, order + "/" + kind, expect=200)
    if kind == "metrics":
        drawn = ask("GET", "/v1/curves", "/v1/curves?points=9&ids=" + mine["id"], expect=200)
        assert drawn == {"curves": {mine["id"]: {}}}, drawn
    ask("GET", one + "/" + kind, order + "/" + kind, headers={"Range": "bytes=1-2"}, expect=206)
    ask("GET", one + "/" + kind, order + "/" + kind, headers={"Range": "bytes=99-"}, expect=416)
ask("PUT", C + "/pins", c + "/pins", {}, expect=201)
ask("PUT", C + "/pins", c + "/pins", {}, expect=409)
ask("GET", one + "/pins", order + "/pins", expect=200)
ask("PUT", C + "/out/{path}", c + "/out/a/b", "hello", expect=201)
ask("PUT", C + "/out/{path}", c + "/out/c?total=9", "hello", expect=202)
ask("PUT", C + "/out/{path}", c + "/out/c?total=9&at=8", "x", expect=409)
ask("GET", one + "/out", order + "/out", expect=200)
ask("GET", one + "/out/{path}", order + "/out/a/b", expect=200)
ask("HEAD", one + "/out/{path}", order + "/out/a/b", expect=200)
ask("DELETE", C + "/out/{path}", c + "/out/a/b", expect=204)
ask("POST", C + "/release", c + "/release", {"how": "back"}, expect=200)
ask("POST", C + "/release", c + "/release", {"how": "away"}, expect=400)
mine = claimed()
c = "/v1/claims/" + mine["name"]
ask("POST", "/v1/orders/{id}/cancel", "/v1/orders/%s/cancel" % mine["id"], expect=202)
ask("POST", C + "/cancel", c + "/cancel", {"why": "asked to"}, expect=200)
ask("POST", C + "/cancel", "/v1/claims/%s/cancel" % NONAME, {}, expect=409)
mine = claimed()
done = {"name": mine["name"], "text": json.dumps({"_id": mine["id"], "status": 200})}
lost = {"name": NONAME, "text": '{"status":200}'}
ask("POST", "/v1/commit", "/v1/commit", {"ended": [done, lost, dict(done, text="{}")]}, expect=200)

ask("PUT", "/v1/workers/{worker}", "/v1/workers/" + W, {"worker": W, "beat": 1}, expect=200)
ask("PUT", "/v1/workers/{worker}", "/v1/workers/" + W, {"worker": "x-000000", "beat": 1}, expect=422)
ask("GET", "/v1/workers", "/v1/workers", expect=200)
ask("GET", "/v1/workers/{worker}", "/v1/workers/" + W, expect=200)
ask("GET", "/v1/workers/{worker}", "/v1/workers/other-000000", expect=404)
ask("GET", "/v1/workers/{worker}/held", "/v1/workers/%s/held" % W, expect=200)
ask("PUT", "/v1/wishes/{who}/{wish}", "/v1/wishes/%s/resume" % W, expect=200)
ask("GET", "/v1/wishes", "/v1/wishes", expect=200)
ask("DELETE", "/v1/workers/{worker}/wishes/resume", "/v1/workers/%s/wishes/resume" % W, expect=204)
ask("DELETE", "/v1/wishes/{who}/{wish}", "/v1/wishes/box/drain", expect=204)
ask("POST", "/v1/peers", "/v1/peers", {"worker": W, "scripts": ["a.py"]}, expect=200)
ask("POST", "/v1/drained", "/v1/drained", {"unfit": []}, expect=200)
ask("DELETE", "/v1/workers/{worker}", "/v1/workers/" + W, expect=204)

for d in ("/v1/scripts", "/v1/data"):
    ask("PUT", d + "/{path}", d + "/sub/x.py", "hello", expect=201)
    ask("PUT", d + "/{path}", d + "/sub/x.py", "hello", {"If-None-Match": "*"}, 412)
    ask("PUT", d + "/{path}", d + "/big?total=9", "hello", expect=202)
    ask("PUT", d + "/{path}", d + "/sub/x.py?sha256=" + HEX, "other", expect=422)
    ask("GET", d, d, expect=200)
    ask("HEAD", d, d, expect=200)
    ask("GET", d + "/{path}", d + "/sub/x.py", expect=200)
    ask("GET", d + "/{path}", d + "/sub", expect=200)
    ask("GET", d + "/{path}", d + "/sub/x.py", headers={"Range": "bytes=1-2"}, expect=206)
    ask("GET", d + "/{path}", d + "/none", expect=404)
    tag = ask("HEAD", d + "/{path}", d + "/sub/x.py", expect=200).getheader("ETag")
    ask("GET", d + "/{path}", d + "/sub/x.py", headers={"If-None-Match": tag}, expect=304)
    ask("HEAD", d + "/{path}", d + "/none", expect=404)
B = "/v1/blobs/{hex}"
b = "/v1/blobs/" + HEX
ask("HEAD", B, b, expect=404)
ask("GET", B, b, expect=404)
ask("PUT", B, b, "other", expect=422)
ask("PUT", B, b + "?total=5", "hel", expect=202)
ask("PUT", B, b + "?total=5&at=3", "lo", expect=201)
ask("GET", B, b, expect=200)
ask("HEAD", B, b, expect=200)
ask("POST", "/v1/imports", "/v1/imports", "import sub.x", {"Content-Type": "text/x-python"}, 200)

# ---- and wrongly ----

for template, methods in DOC["paths"].items():
    for method, op in methods.items():
        method = method.upper()
        if (method, template) not in seen:
            complain("never asked for:", method, template)
        path = re.sub(r"\{[^}]*\}", "x!", template)
        body = "{" if "requestBody" in op else None
        ask(method, template, path + "?no=1", body)

print("\n".join(bad) if bad else "%d operations answer as documented" % len(documented))
sys.exit(1 if bad else 0)
