/*
 * probe.c - what an interpreter is: asked once, by a process of its own and on
 * a thread that waits for it, when a job first runs with it; and again when the
 * program or a directory that it imports from has changed.  What is installed
 * becomes a blob, once for all jobs that had the same.
 *
 * A job that ends sooner than the answer comes waits for it a little
 * (SLOT_COUNTS), and then goes without.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "workerd/probe.h"
#include "workerd/python.h"
#include "workerd/slot.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

#define ROWS       16
#define ANSWER_MS  20000 /* and then it is killed */
#define WAIT_MS    3000  /* of a job that has ended */
#define FAILED_MS  60000 /* until one that failed is asked again */
#define ANSWER_MAX (4 << 20)
#define DIRS_MAX   32

extern char **environ;

/* What stands after sys.path's first, which is where we are, is what a script
 * would import from.  Of two of a name the first one counts, as in Python.
 * importlib.metadata says the same, and takes several times as long for it. */
static const char question[] =
    "import sys\n"
    "sys.path[:1] = []\n"
    "import json, os\n"
    "def said(path):\n"
    "    for name in 'METADATA', 'PKG-INFO', '':\n"
    "        try:\n"
    "            lines = open(os.path.join(path, name) if name else path,\n"
    "                encoding='utf-8', errors='replace')\n"
    "        except OSError:\n"
    "            continue\n"
    "        with lines:\n"
    "            have = {}\n"
    "            for line in lines:\n"
    "                key, colon, text = line.partition(':')\n"
    "                if not line.strip() or len(have) == 2:\n"
    "                    break\n"
    "                if key.lower() in ('name', 'version'):\n"
    "                    have.setdefault(key.lower(), text.strip())\n"
    "            return have.get('name'), have.get('version')\n"
    "    return None, None\n"
    "freeze = None\n"
    "try:\n"
    "    seen = {}\n"
    "    for d in filter(os.path.isdir, sys.path):\n"
    "        for n in os.listdir(d):\n"
    "            if n.lower().endswith(('.dist-info', '.egg-info')):\n"
    "                name, version = said(os.path.join(d, n))\n"
    "                if name:\n"
    "                    seen.setdefault(name.lower().replace('_', '-'),\n"
    "                        '%s==%s' % (name, version))\n"
    "    freeze = sorted(seen.values(), key=str.lower)\n"
    "except Exception:\n"
    "    pass\n"
    "print('\\n' + json.dumps({'path': sys.executable,\n"
    "    'version': sys.version.split()[0], 'freeze': freeze,\n"
    "    'name': sys.implementation.name,\n"
    "    'dirs': [p for p in sys.path if os.path.isdir(p)]}))\n";

enum row_state {
	ROW_FREE,
	ROW_ASKS, /* a thread has it */
	ROW_SAID, /* its thread is done, and not joined */
	ROW_KNOWN,
	ROW_FAILED
};

struct row {
	struct worker *w; /* its ops, tr and null alone */
	atomic_int state;
	pthread_t thread;
	struct python python;
	struct stat was; /* the program, */
	struct {
		char path[512];
		struct timespec was;
	} dir[DIRS_MAX]; /* and where it imports from */
	size_t dirs;
	struct python_facts facts; /* path "": it failed */
	int64_t until;
};

struct probe {
	struct row row[ROWS];
	atomic_bool stop;
};

static bool
time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* ---- the thread ---- */

static bool
put_env(struct sp_names *env, const struct row *r)
{
	char pair[64 + SP_WORKER_MAX];
	size_t i;

	/* So the minder would find it. */
	(void)snprintf(
	    pair, sizeof pair, "SPOOL_WORKER=%s", r->w->ops->worker(r->w->tr));
	if (sp_names_add(env, pair) != SP_OK)
		return false;
	for (i = 0; environ[i] != NULL; i++)
		if (strncmp(environ[i], "SPOOL_", 6) != 0 &&
		    (r->python.kind == PYTHON_PLAIN ||
			strncmp(environ[i], "PYTHONHOME=", 11) != 0) &&
		    sp_names_add(env, environ[i]) != SP_OK)
			return false;
	return true;
}

static bool
start(struct row *r, int *fd_out, pid_t *pid_out)
{
	const char *argv[] = { r->python.program, "-c", question, NULL };
	struct sp_names strings = { 0 };
	struct spawn how = { .program = r->python.program,
		.argv = argv,
		.dir = "/",
		.in = r->w->null,
		.err = r->w->null,
		.group = -1 };
	int p[2], why = ENOMEM;
	size_t i;

	if (pipe2(p, O_CLOEXEC) == -1)
		return false;
	if (put_env(&strings, r) &&
	    (how.envp = calloc(strings.n + 1, sizeof *how.envp)) != NULL) {
		for (i = 0; i < strings.n; i++)
			((char **)(uintptr_t)how.envp)[i] =
			    strings.text + strings.at[i];
		how.out = p[1];
		why = spawn(&how, pid_out);
	}
	free((void *)(uintptr_t)how.envp);
	sp_names_clear(&strings);
	(void)close(p[1]);
	*fd_out = p[0];
	if (why != 0)
		(void)close(p[0]);
	return why == 0;
}

/* Until it has said all; the main thread reaps it. */
static bool
listen_to(struct row *r, int fd, struct sp_buf *text)
{
	int64_t until = sp_mono_ms() + ANSWER_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *at;
	ssize_t n;

	while (sp_mono_ms() < until && !atomic_load(&r->w->probe->stop)) {
		if (poll(&p, 1, 100) <= 0)
			continue;
		if ((at = sp_buf_room(text, 65536)) == NULL)
			return false;
		if ((n = read(fd, at, 65536)) <= 0)
			return n == 0;
		text->len += (size_t)n;
	}
	return false;
}

static void
take_dirs(struct row *r, const struct json_t *dirs)
{
	size_t i, n = sp_json_count(dirs);
	const char *path;
	struct stat st;

	r->dirs = 0;
	for (i = 0; i < n && r->dirs < DIRS_MAX; i++) {
		path = sp_json_text(sp_json_at(dirs, i));
		if (path == NULL || strlen(path) >= sizeof r->dir[0].path ||
		    stat(path, &st) == -1)
			continue;
		(void)strcpy(r->dir[r->dirs].path, path);
		r->dir[r->dirs++].was = st.st_mtim;
	}
}

/* The text is a requirements.txt: pip can read it. */
static void
take_freeze(struct row *r, const struct json_t *json)
{
	const struct json_t *freeze = sp_json_get(json, "freeze");
	const char *name = sp_json_text(sp_json_get(json, "name"));
	struct sp_buf text = SP_BUF_INIT(ANSWER_MAX);
	char hex[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	const char *line;
	size_t i;
	int fd;

	if (sp_json_kind(freeze) != SP_JSON_LIST)
		return;
	sp_buf_printf(&text, "# %.60s %s\n", name != NULL ? name : "python",
	    r->facts.version);
	for (i = 0; i < sp_json_count(freeze); i++)
		if ((line = sp_json_text(sp_json_at(freeze, i))) != NULL &&
		    strpbrk(line, "\r\n") == NULL)
			sp_buf_printf(&text, "%s\n", line);
	fd = memfd_create("spool-freeze", MFD_CLOEXEC);
	if (!text.failed && fd != -1 &&
	    sp_write_all(fd, text.data, text.len) == SP_OK) {
		sp_sha_text(text.data, text.len, hex);
		if (r->w->direct->keep_blob(r->w->tr, fd, hex, &err) == SP_OK)
			(void)strcpy(r->facts.environment, hex);
		else
			sp_warn("keep environment: %s", err.text);
	}
	if (fd != -1)
		(void)close(fd);
	sp_buf_clear(&text);
}

static void
take_answer(struct row *r, const struct sp_buf *text)
{
	const char *line, *path, *version;
	struct json_t *json;
	size_t len;

	line = sp_outcome_find(sp_buf_text(text), text->len, &len);
	if (line == NULL || sp_json_parse(line, len, &json, NULL) != SP_OK)
		return;
	path = sp_json_text(sp_json_get(json, "path"));
	version = sp_json_text(sp_json_get(json, "version"));
	if (path != NULL && version != NULL) {
		sp_text_cut(r->facts.version, sizeof r->facts.version, version);
		take_freeze(r, json);
		take_dirs(r, sp_json_get(json, "dirs"));
		sp_text_cut(r->facts.path, sizeof r->facts.path,
		    *path != '\0' ? path : r->python.program);
	}
	sp_json_free(json);
}

static void *
ask(void *arg)
{
	struct sp_buf text = SP_BUF_INIT(ANSWER_MAX);
	const uint64_t one = 1;
	struct row *r = arg;
	pid_t pid;
	int fd;

	(void)memset(&r->facts, 0, sizeof r->facts);
	if (start(r, &fd, &pid)) {
		if (listen_to(r, fd, &text))
			take_answer(r, &text);
		else
			(void)kill(-pid, SIGKILL);
		(void)close(fd);
	}
	sp_buf_clear(&text);
	atomic_store(&r->state, ROW_SAID);
	(void)!write(r->w->bringing.event, &one, sizeof one);
	return NULL;
}

/* ---- the main thread's side ---- */

/* What was said, to those that wait for it. */
static void
settle(struct worker *w, struct row *r, int64_t now)
{
	int i, at = (int)(r - w->probe->row);

	if (atomic_load(&r->state) != ROW_SAID)
		return;
	(void)pthread_join(r->thread, NULL);
	atomic_store(
	    &r->state, r->facts.path[0] != '\0' ? ROW_KNOWN : ROW_FAILED);
	r->until = now + FAILED_MS;
	if (r->facts.path[0] != '\0')
		sp_info("python=%s version=%s environment=%.16s", r->facts.path,
		    r->facts.version, r->facts.environment);
	else if (!atomic_load(&w->probe->stop))
		sp_warn("python=%s does not say what it is", r->python.program);
	for (i = 0; i < w->opt.slots; i++)
		if (w->slot[i].asked == at + 1) {
			w->slot[i].facts = r->facts;
			w->slot[i].asked = 0;
		}
}

static bool
same_still(const struct row *r, const struct stat *now)
{
	struct stat st;
	size_t i;

	if (r->was.st_ino != now->st_ino || r->was.st_dev != now->st_dev ||
	    !time_same(&r->was.st_mtim, &now->st_mtim))
		return false;
	for (i = 0; i < r->dirs; i++)
		if (stat(r->dir[i].path, &st) == -1 ||
		    !time_same(&st.st_mtim, &r->dir[i].was))
			return false;
	return true;
}

/* The row of this program, else one that nobody needs now. */
static struct row *
row_of(struct worker *w, const struct python *p)
{
	struct row *r, *spare = NULL;
	int i, state;

	for (i = 0; i < ROWS; i++) {
		r = &w->probe->row[i];
		state = atomic_load(&r->state);
		if (state != ROW_FREE &&
		    strcmp(r->python.program, p->program) == 0)
			return r;
		if (state != ROW_ASKS && state != ROW_SAID &&
		    (spare == NULL || r->until < spare->until))
			spare = r;
	}
	return spare;
}

void
probe_want(struct worker *w, struct slot *s, const struct python *p)
{
	int64_t now = sp_mono_ms();
	struct stat st;
	struct row *r;
	int state;

	if (w->probe == NULL &&
	    (w->probe = calloc(1, sizeof *w->probe)) == NULL)
		return;
	if (stat(p->program, &st) == -1 || (r = row_of(w, p)) == NULL)
		return;
	settle(w, r, now);
	state = atomic_load(&r->state);
	if (state == ROW_ASKS) {
		s->asked = (int)(r - w->probe->row) + 1;
		return;
	}
	if (state != ROW_FREE && strcmp(r->python.program, p->program) == 0) {
		if (state == ROW_FAILED && now < r->until)
			return;
		if (state == ROW_KNOWN && same_still(r, &st)) {
			r->until = now;
			s->facts = r->facts;
			return;
		}
	}
	r->w = w;
	r->python = *p;
	r->was = st;
	r->dirs = 0;
	atomic_store(&r->state, ROW_ASKS);
	if (pthread_create(&r->thread, NULL, ask, r) == 0)
		s->asked = (int)(r - w->probe->row) + 1;
	else
		atomic_store(&r->state, ROW_FREE);
}

bool
probe_ready(struct worker *w, struct slot *s, int64_t now, int64_t *next_out)
{
	if (s->asked == 0)
		return true;
	settle(w, &w->probe->row[s->asked - 1], now);
	if (s->asked == 0)
		return true;
	if (now < s->ended + WAIT_MS && s->stop != STOP_QUIT &&
	    s->stop != STOP_GONE && s->stop != STOP_CANCEL) {
		*next_out = s->ended + WAIT_MS;
		return false;
	}
	s->asked = 0;
	return true;
}

void
probe_close(struct worker *w)
{
	int i;

	if (w->probe == NULL)
		return;
	atomic_store(&w->probe->stop, true);
	for (i = 0; i < ROWS; i++)
		if (atomic_load(&w->probe->row[i].state) == ROW_ASKS ||
		    atomic_load(&w->probe->row[i].state) == ROW_SAID)
			(void)pthread_join(w->probe->row[i].thread, NULL);
	free(w->probe);
	w->probe = NULL;
}
