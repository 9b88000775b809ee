/*
 * doctor.c - spool doctor: is what is installed here, and the spool that it is
 * to work on, in order?  Looks and says; changes nothing.  Whether the orders
 * keep the protocol `spool check` says, what the filesystem is worth `spool
 * prove`.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libspool/certificate.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/version.h"
#include "tools/prove.h"
#include "tools/spool.h"
#include "transport/reach.h"

#define MIB   (1024.0 * 1024.0)
#define AHEAD 2000 /* ms between two clocks that nobody need mind */

struct doctor {
	struct tool *tool;
	struct sp_findings found;
	struct fleet fleet;
	bool far;
};

/* ---- what is installed here ---- */

static bool
in_path(const char *name, char out[PATH_MAX])
{
	const char *at = getenv("PATH");
	size_t n;

	for (; at != NULL; at = at[n] == ':' ? at + n + 1 : NULL) {
		n = strcspn(at, ":");
		(void)snprintf(out, PATH_MAX, "%.*s/%s", n == 0 ? 1 : (int)n,
		    n == 0 ? "." : at, name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return false;
}

/* Beside this program, else in PATH. */
static bool
program(const char *name, char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 64);
	char *slash;

	out[n < 0 ? 0 : n] = '\0';
	if ((slash = strrchr(out, '/')) != NULL) {
		(void)snprintf(slash + 1, 64, "%s", name);
		if (access(out, X_OK) == 0)
			return true;
		/* What knows networks lies one below. */
		(void)snprintf(slash + 1, 64, "../%s", name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return in_path(name, out);
}

/* The first line that it prints, "" if it does not. */
static void
first_line(const char *path, const char *option, char line[128])
{
	char command[PATH_MAX + 64];
	FILE *f;

	line[0] = '\0';
	if (strchr(path, '\'') != NULL)
		return;
	(void)snprintf(command, sizeof command,
	    "timeout 10 '%s' %s 2>&1 </dev/null", path, option);
	if ((f = popen(command, "re")) == NULL)
		return;
	if (fgets(line, 128, f) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	while (fgetc(f) != EOF)
		continue;
	if (pclose(f) != 0)
		line[0] = '\0';
}

static void
programs(struct doctor *d)
{
	static const char *const names[] = { "workerd", "spoold",
		"spool-httpd" };
	char path[PATH_MAX], line[128];
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		if (!program(names[i], path)) {
			(void)sp_found(&d->found, SP_FOUND_WARN, "program",
			    "make install puts all of them in one place",
			    "no %s beside spool or in PATH", names[i]);
			continue;
		}
		first_line(path, "--version", line);
		if (strstr(line, SP_VERSION) != NULL)
			(void)sp_found(&d->found, SP_FOUND_OK, "program", NULL,
			    "%s", line);
		else
			(void)sp_found(&d->found, SP_FOUND_WARN, "program",
			    "install all programs from one version",
			    "%.100s: is not spool's " SP_VERSION " but '%s'",
			    path, line);
	}
}

static void
python(struct doctor *d)
{
	char path[PATH_MAX], line[128] = "";

	if (in_path("python3", path))
		first_line(path, "--version", line);
	if (line[0] != '\0')
		(void)sp_found(&d->found, SP_FOUND_OK, "python", NULL,
		    "%s, %.150s", line, path);
	else
		(void)sp_found(&d->found, SP_FOUND_WARN, "python",
		    "install python3, or start workerd with --python",
		    "no python3 in PATH that runs: scripts in Python need one");
}

/* What the workers say of theirs; and is a card here that nobody can ask? */
static void
gpus(struct doctor *d)
{
	char path[PATH_MAX], line[128] = "";
	size_t i, j;
	unsigned n = 0, blocked = 0;

	for (i = 0; i < d->fleet.n; i++) {
		const struct fleet_one *one = &d->fleet.one[i];

		if (!fleet_works_is(&d->fleet, one))
			continue;
		n += (unsigned)one->beat.gpu_n;
		for (j = 0; j < one->beat.gpu_n; j++)
			blocked += one->beat.gpu[j].blocked.why[0] != '\0';
	}
	if (blocked > 0)
		(void)sp_found(&d->found, SP_FOUND_WARN, "gpus",
		    "spool workers says why",
		    "workers have %u, and %u are not handed out", n, blocked);
	else
		(void)sp_found(
		    &d->found, SP_FOUND_OK, "gpus", NULL, "workers have %u", n);
	if (access("/dev/nvidia0", F_OK) == -1)
		return;
	if (in_path("nvidia-smi", path))
		first_line(path, "-L", line);
	(void)sp_found(&d->found, line[0] == '\0' ? SP_FOUND_WARN : SP_FOUND_OK,
	    "driver",
	    line[0] == '\0' ? "mend the driver, until nvidia-smi answers"
			    : NULL,
	    "%s",
	    line[0] == '\0' ? "there is a GPU here, and nvidia-smi does "
			      "not answer"
			    : line);
}

/* ---- the spool ---- */

static void
layout(struct doctor *d)
{
	const struct sp_spool *sp = &d->tool->spool;
	struct stat st;
	int i, closed = 0;
	bool drops = !d->far && shared_look(sp, &d->found);

	for (i = 0; i < SP_DIRS && !d->far; i++)
		if (drops && i == SP_DIR_NEW &&
		    faccessat(sp->root, "new", W_OK, AT_EACCESS) == -1) {
			(void)sp_found(&d->found, SP_FOUND_OK, "layout", NULL,
			    "%.200s: you may drop into incoming/ alone",
			    sp->path);
			return;
		} else if (faccessat(sp->root, sp_dir_text((enum sp_dir)i),
			       R_OK | W_OK | X_OK, AT_EACCESS) == -1) {
			closed++;
			(void)sp_found(&d->found, SP_FOUND_BAD, "layout",
			    errno == ENOENT
				? "spool init makes what is missing"
				: "give the group of all users the spool: "
				  "chgrp -R, chmod -R g+rwX, g+s on directories",
			    "%s/: %s", sp_dir_text((enum sp_dir)i),
			    strerror(errno));
		}
	if (closed == 0)
		(void)sp_found(&d->found, SP_FOUND_OK, "layout", NULL,
		    "%.200s is whole", sp->path);
	if (d->far)
		return;
	if (sp_fs_lstat(sp->root, "tokens", &st) == 0 &&
	    (st.st_mode & 077) != 0)
		(void)sp_found(&d->found, SP_FOUND_BAD, "tokens",
		    "chmod 600 tokens", "tokens can be read by others");
	if (sp_fs_lstat(sp->root, "scripts", &st) == 0 &&
	    (st.st_mode & 002) != 0)
		(void)sp_found(&d->found, SP_FOUND_WARN, "scripts",
		    "chmod o-w scripts, unless all of this machine are trusted",
		    "anybody may change what workers run");
}

static void
fleet(struct doctor *d)
{
	unsigned n = 0, silent = 0, stopped = 0;
	bool spoold = false;
	size_t i;

	for (i = 0; i < d->fleet.n; i++) {
		const struct fleet_one *one = &d->fleet.one[i];

		if (one->silent > d->fleet.lease) {
			silent++;
			continue;
		}
		if (strcmp(one->beat.role, "spoold") == 0)
			spoold = true;
		if (!fleet_works_is(&d->fleet, one))
			continue;
		n++;
		stopped += strcmp(one->beat.state, "idle") != 0 &&
		    strcmp(one->beat.state, "busy") != 0;
	}
	(void)sp_found(&d->found, SP_FOUND_OK, "spoold", NULL, "%s",
	    spoold ? "runs" : "does not run; that is fine, workers keep house");
	(void)sp_found(&d->found, n == 0 ? SP_FOUND_WARN : SP_FOUND_OK,
	    "workers", n == 0 ? "start one: workerd DIR" : NULL,
	    "%u at work or waiting for it", n - stopped);
	if (stopped > 0)
		(void)sp_found(&d->found, SP_FOUND_WARN, "workers",
		    "spool workers says why; spool resume starts them anew",
		    "%u claim nothing", stopped);
	if (silent > 0)
		(void)sp_found(&d->found, SP_FOUND_WARN, "workers",
		    "see whether their hosts live; a keeper gives back what "
		    "they held",
		    "%u not heard of for a lease", silent);
}

static void
clocks(struct doctor *d)
{
	int64_t server, took, ours = sp_wall_ms(), off;
	struct sp_err err = { "" };

	if (sp_server_now(&d->tool->spool, &server, &took, &err) != SP_OK) {
		(void)sp_found(&d->found, SP_FOUND_BAD, "write",
		    "make room, or see who may write there",
		    "nothing can be written: %.200s", err.text);
		return;
	}
	off = server - ours - took / 2;
	(void)sp_found(&d->found,
	    off > AHEAD || off < -AHEAD ? SP_FOUND_WARN : SP_FOUND_OK, "clock",
	    off > AHEAD || off < -AHEAD ? "run an NTP client on both" : NULL,
	    "the file server's and ours differ by %.1f s", (double)off / 1000);
}

static void
room(struct doctor *d)
{
	struct statvfs fs;
	enum sp_level level = SP_FOUND_OK;
	double bytes, inodes;

	if (sp_fs_statvfs(d->tool->spool.root, &fs) == -1)
		return;
	bytes = (double)fs.f_bavail * (double)fs.f_frsize / MIB;
	inodes = (double)fs.f_favail;
	if (bytes < 100 || (fs.f_files > 0 && inodes < 1000))
		level = SP_FOUND_BAD;
	else if (bytes < 1024 || (fs.f_files > 0 && inodes < 20000))
		level = SP_FOUND_WARN;
	(void)sp_found(&d->found, level, "room",
	    level == SP_FOUND_OK ? NULL
				 : "remove old days (spool(5)), or give the "
				   "spool a larger disk",
	    "%.0f MiB and %.0f files are left", bytes, inodes);
}

static int
count_stale(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct doctor *d = arg;
	size_t i;

	(void)state;
	for (i = 0; i < d->fleet.n; i++)
		if (strcmp(d->fleet.one[i].beat.worker, name->worker) == 0 &&
		    d->fleet.one[i].silent <= d->fleet.lease)
			return 0;
	(void)sp_found(&d->found, SP_FOUND_WARN, "claim",
	    "a keeper gives it back after a lease: see that spoold or a "
	    "workerd runs",
	    "%s is held by %s, which is not heard of", name->id.text,
	    name->worker);
	return d->found.n > 64;
}

static void
quarantine(struct doctor *d)
{
	static const enum sp_dir dirs[] = { SP_DIR_BAD, SP_DIR_REPAIR };
	struct sp_names names = { 0 };
	size_t i;

	for (i = 0; i < 2; i++) {
		if (sp_list(d->tool->spool.dir[dirs[i]], false, &names, NULL) ==
		    SP_OK)
			(void)sp_found(&d->found,
			    names.n > 0 ? SP_FOUND_WARN : SP_FOUND_OK,
			    sp_dir_text(dirs[i]),
			    names.n == 0 ? NULL
				: i == 0 ? "read the .why files; mended, move "
					   "them back to new/"
					 : "look at them, then remove them",
			    "%zu files", names.n);
		sp_names_clear(&names);
	}
}

static void
certificate(struct doctor *d)
{
	struct sp_buf text = SP_BUF_INIT(SP_CERT_MAX + 2);
	struct sp_certificate cert;
	struct sp_err err = { "" };
	enum sp_status st;
	struct stat sb;
	int64_t days;

	st = sp_read(d->tool->spool.dir[SP_DIR_INDEX], SP_CERT_FILE,
	    SP_CERT_MAX, &text, &sb, &err);
	if (st == SP_OK)
		st = sp_certificate_parse(
		    sp_buf_text(&text), text.len, &cert, &err);
	sp_buf_clear(&text);
	if (st != SP_OK) {
		(void)sp_found(&d->found,
		    st == SP_GONE && d->tool->spool.local ? SP_FOUND_OK
							  : SP_FOUND_WARN,
		    "certificate", "spool prove DIR, on two hosts with --join",
		    "%.200s",
		    st == SP_GONE ? "the filesystem was never proven"
				  : err.text);
		return;
	}
	days = (sp_wall_ms() - cert.when) / 86400000;
	(void)sp_found(&d->found,
	    !cert.safe                ? SP_FOUND_BAD
		: days > SP_CERT_DAYS ? SP_FOUND_WARN
				      : SP_FOUND_OK,
	    "certificate",
	    cert.safe && days <= SP_CERT_DAYS
		? NULL
		: "mend what spool prove says, and prove it again",
	    "the filesystem was proven %s %lld days ago, by %zu host%s",
	    cert.safe ? "safe" : "unsafe", (long long)days, cert.hosts,
	    cert.hosts == 1 ? "" : "s");
}

/* ---- the verb ---- */

static void
spool(struct doctor *d)
{
	struct sp_err err = { "" };

	layout(d);
	clocks(d);
	room(d);
	if (fleet_read(d->tool, &d->fleet, &err) != SP_OK) {
		(void)sp_found(&d->found, SP_FOUND_BAD, "workers",
		    "see who may read workers/", "%.200s", err.text);
		return;
	}
	fleet(d);
	(void)sp_walk(&d->tool->spool, SP_ASSIGNED, count_stale, NULL, d, NULL);
	quarantine(d);
	certificate(d);
}

static int
doctor_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct doctor d = { .tool = tool };
	struct sp_err err = { "" };
	bool json = false;
	enum sp_status st;
	size_t i;
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o != 'j')
			return usage_wrong();
		json = true;
	}
	if (argc - optind > 1)
		return usage_wrong();
	if (optind < argc)
		tool->where = argv[optind];
	if (tool->where == NULL)
		tool->where = "spool";
	programs(&d);
	python(&d);
	st = tr_spool_open(tool->where, "spool", &tool->spool, &err);
	tool->open = st == SP_OK;
	if (tool->open) {
		d.far = sp_fs_far(tool->spool.root);
		spool(&d);
	} else
		(void)sp_found(&d.found, SP_FOUND_BAD, "spool",
		    "mend what it says; spool init makes one where there is "
		    "none",
		    "%.230s", err.text);
	gpus(&d);
	fleet_clear(&d.fleet);
	for (i = 0; i < d.found.n; i++)
		prove_print(&d.found.one[i], json);
	o = sp_findings_count(&d.found, SP_FOUND_BAD) > 0 ? ANSWER_NO
							  : ANSWER_YES;
	sp_findings_clear(&d.found);
	return o;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.usage = "[--json] [DIR]",
	.help = "is what is installed here, and its spool, in order?",
	.page =
	    "One line a finding: LEVEL WHAT SEEN MEND, by tabs; LEVEL is ok, "
	    "warn or bad.\nExit 0 when nothing is bad, 1 when something is.  "
	    "DIR may be a URL.\n\n"
	    "  --json   one object a line: level, what, measured, mend\n\n"
	    "  spool doctor /srv/spool\n",
	.bare = true,
	.run = doctor_run,
};
