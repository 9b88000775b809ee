/*
 * prove.c - spool prove: tries out what the filesystem of a spool does, says
 * what of it a spool cannot live with, and writes that down for workers and
 * spoold (certificate.h).
 *
 * Nothing of the spool but tmp/ and index/certificate.json is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/proveroom.h"
#include "libspool/job.h"
#include "tools/provejoin.h"
#include "tools/spool.h"
#include "transport/reach.h"

volatile sig_atomic_t prove_ended;

static void
end(int sig)
{
	(void)sig;
	prove_ended = 1;
}

static void
heed_signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act;
	size_t i;

	memset(&act, 0, sizeof act);
	act.sa_handler = end; /* no SA_RESTART: what waits comes back */
	for (i = 0; i < sizeof sigs / sizeof *sigs; i++)
		(void)sigaction(sigs[i], &act, NULL);
	act.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &act, NULL); /* the room must go first */
}

/* ---- what the tests share ---- */

int
prove_dir(struct prove *p, const char *name)
{
	int fd;

	if (sp_fs_mkdir(p->fd, name, 0777) == 0 || errno == EEXIST) {
		fd = sp_fs_open(p->fd, name, O_RDONLY | O_DIRECTORY, 0);
		if (fd != -1)
			return fd;
	}
	prove_failed(p, name, errno);
	return -1;
}

int
prove_file(int dir, const char *name)
{
	int fd = sp_fs_open(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd == -1)
		return errno;
	if (sp_fs_write(fd, "x", 1) != 1) {
		(void)sp_fs_close(fd);
		return EIO;
	}
	return sp_fs_close(fd) == 0 ? 0 : errno;
}

void
prove_failed(struct prove *p, const char *what, int error)
{
	(void)sp_found(&p->found, SP_FOUND_BAD, what,
	    error == ENOSPC || error == EDQUOT
		? "make room, then prove it again"
		: error == EACCES || error == EPERM || error == EROFS
		? "run it as who runs the workers, and let him write there"
		: "mend the filesystem or use another, then prove it again",
	    "it cannot be tried: %s", strerror(error));
}

/* ---- printing ---- */

void
prove_print(const struct sp_finding *f, bool json)
{
	struct sp_buf line = SP_BUF_INIT(16384);
	struct sp_jw w;

	if (json) {
		sp_jw_init(&w, &line);
		sp_finding_print(&w, f);
		(void)puts(sp_buf_text(&line));
	} else {
		(void)printf("%s\t%s\t", sp_level_text(f->level), f->what);
		term_put(stdout, f->measured);
		(void)putchar('\t');
		term_put(stdout, f->mend);
		(void)putchar('\n');
	}
	sp_buf_clear(&line);
}

static void
say(struct prove *p)
{
	while (p->printed < p->found.n)
		prove_print(&p->found.one[p->printed++], p->json);
	(void)fflush(stdout);
}

/* ---- the certificate ---- */

static void
this_host(struct prove *p)
{
	struct sp_cert_host *host = &p->cert.host[0];
	struct sp_beat self;
	struct statfs fs;

	p->cert.hosts = 1;
	memset(&self, 0, sizeof self);
	sp_beat_self(&self);
	(void)snprintf(host->host, sizeof host->host, "%s", self.host);
	if (fstatfs(p->spool->root, &fs) == 0)
		host->magic = (uint64_t)fs.f_type;
}

static enum sp_status
certify(struct prove *p, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_CERT_MAX);
	enum sp_status st;

	p->cert.when = sp_wall_ms();
	p->cert.safe = sp_findings_count(&p->found, SP_FOUND_BAD) == 0;
	sp_certificate_print(&p->cert, &p->found, &text);
	st = text.failed || p->found.failed
	    ? sp_err_set(err, SP_RETRY, "no memory")
	    : sp_publish(p->spool, p->spool->dir[SP_DIR_INDEX], SP_CERT_FILE,
		  text.data, text.len, SP_PUB_REPLACE, err);
	sp_buf_clear(&text);
	return st;
}

/* ---- the verb ---- */

static void
try_all(struct prove *p)
{
	static void (*const tests[])(struct prove *) = { prove_mount,
		prove_races, prove_files, prove_costs };
	struct sp_err err = { "" };
	size_t i;

	for (i = 0; i < sizeof tests / sizeof *tests && !prove_ended; i++) {
		tests[i](p);
		if (prove_ended)
			break;
		say(p);
		(void)sp_prove_beat(p->spool, p->fd, &err);
	}
}

static int
sum_up(struct prove *p)
{
	size_t bad = sp_findings_count(&p->found, SP_FOUND_BAD);
	size_t warn = sp_findings_count(&p->found, SP_FOUND_WARN);
	struct sp_err err = { "" };
	enum sp_status st;
	int answer;

	st = certify(p, &err);
	if (bad > 0)
		(void)fprintf(stderr,
		    "unsafe: %zu of %zu findings are bad; mend them and prove "
		    "it again\n",
		    bad, p->found.n);
	else if (warn > 0)
		(void)fprintf(stderr, "safe, with %zu warning%s\n", warn,
		    warn == 1 ? "" : "s");
	else
		(void)fputs("safe\n", stderr);
	answer = complain_of(st, &err, "index/" SP_CERT_FILE);
	return bad > 0 ? ANSWER_NO : answer;
}

/* With the other hosts.  The leader writes down what came of it. */
static int
together(struct prove *p)
{
	bool guest, safe;

	if (!prove_join(p, p->hosts, p->wait_ms, &guest, &safe))
		return ANSWER_LATER;
	say(p);
	if (!guest)
		return sum_up(p);
	safe = safe && sp_findings_count(&p->found, SP_FOUND_BAD) == 0;
	(void)fprintf(stderr, "%s; the other host has written it down\n",
	    safe ? "safe" : "unsafe");
	return safe ? ANSWER_YES : ANSWER_NO;
}

static int
prove_it(struct prove *p)
{
	struct sp_err err = { "" };
	enum sp_status st;
	int answer = ANSWER_LATER;

	heed_signals();
	(void)sp_prove_sweep(p->spool);
	this_host(p);
	st = sp_prove_make(p->spool, p->room, &p->fd, &err);
	if (st != SP_OK)
		return complain_of(st, &err, p->spool->path);
	try_all(p);
	if (p->hosts > 1 && !prove_ended)
		answer = together(p);
	(void)sp_fs_close(p->fd);
	if (!sp_prove_wipe(p->spool, p->room))
		complain("tmp/%s is left; it goes by itself later", p->room);
	if (prove_ended)
		complain("stopped; nothing was written down");
	else if (p->hosts < 2)
		answer = sum_up(p);
	sp_findings_clear(&p->found);
	return answer;
}

static int
prove_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "join", no_argument, NULL, 'o' },
		{ "hosts", required_argument, NULL, 'h' },
		{ "timeout", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	static struct prove p;
	double seconds = 300;
	char scheme[16] = "";
	bool join = false;
	long hosts = 2;
	int o, answer;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o == 'j')
			p.json = true;
		else if (o == 'o')
			join = true;
		else if (o == 'h' &&
		    number_parse(optarg, 2, SP_CERT_HOSTS, &hosts))
			join = true;
		else if (o == 't' && sp_seconds_parse(optarg, &seconds))
			join = true;
		else
			return usage_wrong();
	}
	p.hosts = join ? (unsigned)hosts : 1;
	p.wait_ms = (int64_t)(seconds * 1000);
	if (argc - optind > 1)
		return usage_wrong();
	if (optind < argc)
		tool->where = argv[optind];
	if (tool->where != NULL)
		tr_scheme(tool->where, scheme, NULL);
	if (scheme[0] != '\0') {
		complain("what is mounted is proven where it is mounted: run "
			 "it there, with the directory");
		return ANSWER_WRONG;
	}
	if ((answer = tool_open(tool)) != ANSWER_YES)
		return answer;
	p.spool = &tool->spool;
	return prove_it(&p);
}

const struct verb verb_prove = {
	.name = "prove",
	.usage = "[--json] [--join] [--hosts N] [--timeout TIME] [DIR]",
	.help = "try out whether a filesystem is fit for a spool",
	.page =
	    "One line a finding: LEVEL WHAT MEASURED MEND, by tabs; LEVEL is "
	    "ok, warn or bad.\nExit 0 when nothing is bad, 1 when something is."
	    "  Workers may run meanwhile; all\nis done in a directory of its "
	    "own in tmp/, and index/certificate.json has it\nafterwards.\n\n"
	    "  --json           one object a line: level, what, measured, mend\n"
	    "  --join           together with another host that does the same\n"
	    "  --hosts N        with N of them\n"
	    "  --timeout TIME   wait so long for them; 5m\n\n"
	    "  spool prove /mnt/spool\n",
	.bare = true,
	.run = prove_run,
};
