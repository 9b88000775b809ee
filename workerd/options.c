/*
 * options.c - the words that workerd is started with: read, checked, explained.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/version.h"
#include "transport/means.h"
#include "workerd/options.h"
#include "workerd/python.h"
#include "workerd/worker.h"

#define GRACE_MOST 3600
#define SHARE_MOST 64

#define WARM_MOST 64 /* modules */

static const char usage[] =
    "usage: workerd [--name N] [-j SLOTS] [--drain] [--once] [--python PROG]\n"
    "               [--work DIR] [--cache DIR] [--cache-size SIZE] [--tag T]...\n"
    "               [--gpus WHICH] [--gpu-share N] [--preempt] [--grace TIME]\n"
    "               [--warm MODULES | --cold] [--origin URL] [--allow-root]\n"
    "               [-v] SPOOL\n"
    "       workerd --gpu-facts\n";

static const char help[] =
    "Take orders from a spool, run their scripts, hand the outcomes back.\n"
    "\n"
    "  SPOOL          the spool's directory (or dir:PATH), or where it is:\n"
    "                 sftp://USER@HOST[:PORT]/PATH or https://HOST:PORT\n"
    "  -j, --jobs N   run up to N jobs at once (1); auto: by GPUs, else "
    "CPUs\n"
    "  --drain        end when nothing claimable is left\n"
    "  --once         take one order, run it, end\n"
    "  --name N       the worker's name (this host's)\n"
    "  --python PROG  what runs scripts that end in .py (python3)\n"
    "  --work DIR     where jobs have their work directories ($TMPDIR or "
    "/tmp)\n"
    "  --cache DIR    where copies of scripts and data are kept "
    "(spool-cache.UID\n"
    "                 in the directory of --work)\n"
    "  --cache-size SIZE\n"
    "                 how much it may hold, as 500M (20G, a quarter of the "
    "disk)\n"
    "  --tag T        what order.requires may ask for; may be repeated\n"
    "  --gpus WHICH   GPUs to hand out: auto, none, 0,1,... or UUIDs (auto)\n"
    "  --gpu-share N  jobs on one GPU (1)\n"
    "  --gpu-facts    print what is known of this host's GPUs, and end\n"
    "  --preempt      the first SIGTERM stops what runs and gives it back\n"
    "  --grace TIME   between SIGTERM and SIGKILL of a job (5s)\n"
    "  --log-max SIZE keep so much of a job's output (1G)\n"
    "  --hash-time T  hash what a job left in out/ for so long (10m)\n"
    "  --disk-floor SIZE|P%  claim nothing when less is free (1G, at most "
    "2%)\n"
    "  --bad-host N   claim nothing when N in a row failed early here and do "
    "well\n"
    "                 elsewhere (5; 0: never mind)\n"
    "  --cgroup none  make no control groups (auto)\n"
    "  --warm M,M...  keep Pythons that have imported these, for all scripts in "
    "it\n"
    "  --cold         never, not for order.warm either\n"
    "  -i, --identity FILE  sftp: our private key, and no other (the agent's, "
    "then\n"
    "                 ~/.ssh/id_*)\n"
    "  --known-hosts FILE  sftp: the hosts that we trust "
    "(~/.ssh/known_hosts)\n"
    "  --accept-new   sftp: and note the key of one that is not in there\n"
    "  --token-file FILE  https: who we are (or $SPOOL_TOKEN_FILE, "
    "$SPOOL_TOKEN)\n"
    "  --cacert FILE  https: whom to trust (the system's CAs)\n"
    "  --cert FILE, --key FILE  https: our own certificate, if one is wanted\n"
    "  --origin URL   have orders from the original's Boss there, too; SPOOL is "
    "a\n"
    "                 directory with its scripts and data\n"
    "  --allow-root   run jobs as root, if that is what we are\n"
    "  -v             say more; -q: say less\n"
    "  --help, --version\n"
    "\n"
    "SIGTERM or ^C: claim no more, let running jobs end.  A second one: stop\n"
    "them and give their orders back.  SIGHUP: look again.\n"
    "Exit: 0 ended as asked, 100 cannot be as asked, 111 try again later.\n";

enum {
	OPT_DRAIN = 256,
	OPT_ONCE,
	OPT_NAME,
	OPT_PYTHON,
	OPT_WORK,
	OPT_CACHE,
	OPT_CACHE_SIZE,
	OPT_TAG,
	OPT_GPUS,
	OPT_SHARE,
	OPT_FACTS,
	OPT_SERVE,
	OPT_PREEMPT,
	OPT_GRACE,
	OPT_WARM,
	OPT_COLD,
	OPT_ROOT,
	OPT_ORIGIN,
	OPT_LOG_MAX,
	OPT_HASH_TIME,
	OPT_FLOOR,
	OPT_BAD_HOST,
	OPT_CGROUP,
	OPT_ACCEPT,
	OPT_KNOWN,
	OPT_CACERT,
	OPT_CERT,
	OPT_KEY,
	OPT_TOKEN,
	OPT_HELP,
	OPT_VERSION
};

static const struct option longs[] = {
	{ "jobs", required_argument, NULL, 'j' },
	{ "drain", no_argument, NULL, OPT_DRAIN },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "python", required_argument, NULL, OPT_PYTHON },
	{ "work", required_argument, NULL, OPT_WORK },
	{ "cache", required_argument, NULL, OPT_CACHE },
	{ "cache-size", required_argument, NULL, OPT_CACHE_SIZE },
	{ "tag", required_argument, NULL, OPT_TAG },
	{ "gpus", required_argument, NULL, OPT_GPUS },
	{ "gpu-share", required_argument, NULL, OPT_SHARE },
	{ "gpu-facts", no_argument, NULL, OPT_FACTS },
	{ &GPUPROBE_ARG[2], no_argument, NULL, OPT_SERVE },
	{ "preempt", no_argument, NULL, OPT_PREEMPT },
	{ "warm", required_argument, NULL, OPT_WARM },
	{ "cold", no_argument, NULL, OPT_COLD },
	{ "grace", required_argument, NULL, OPT_GRACE },
	{ "allow-root", no_argument, NULL, OPT_ROOT },
	{ "origin", required_argument, NULL, OPT_ORIGIN },
	{ "log-max", required_argument, NULL, OPT_LOG_MAX },
	{ "hash-time", required_argument, NULL, OPT_HASH_TIME },
	{ "disk-floor", required_argument, NULL, OPT_FLOOR },
	{ "bad-host", required_argument, NULL, OPT_BAD_HOST },
	{ "cgroup", required_argument, NULL, OPT_CGROUP },
	{ "identity", required_argument, NULL, 'i' },
	{ "known-hosts", required_argument, NULL, OPT_KNOWN },
	{ "accept-new", no_argument, NULL, OPT_ACCEPT },
	{ "cacert", required_argument, NULL, OPT_CACERT },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "token-file", required_argument, NULL, OPT_TOKEN },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static bool
wrong(const char *fmt, const char *what)
{
	(void)fprintf(stderr, "workerd: ");
	(void)fprintf(stderr, fmt, what);
	(void)fprintf(stderr, "\n%s", usage);
	return false;
}

static bool
take_slots(const char *text, int *slots_out)
{
	char *end;
	long n;

	if (strcmp(text, "auto") == 0) {
		*slots_out = 0;
		return true;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 ||
	    n > SLOTS_MOST)
		return wrong(
		    "-j %s: a whole number from 1 to 1024, or auto", text);
	*slots_out = (int)n;
	return true;
}

static bool
take_bad_host(const char *text, int *n_out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 ||
	    n > SP_STREAK_MOST)
		return wrong(
		    "--bad-host %s: a whole number from 0 to 100", text);
	*n_out = (int)n;
	return true;
}

static bool
take_gpus(const char *text, struct options *opt)
{
	char why[128];

	if (!sp_gpu_list_ok(text, why))
		return wrong("--gpus: %s", why);
	opt->gpus = text;
	return true;
}

static bool
take_share(const char *text, struct options *opt)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 ||
	    n > SHARE_MOST)
		return wrong(
		    "--gpu-share %s: a whole number from 1 to 64", text);
	opt->gpu_share = (int)n;
	return true;
}

static bool
take_python(const char *program, struct options *opt)
{
	struct python python;
	char why[256];

	/* Said by name, so it must be there. */
	if (!python_find(program, "--python", &python, why))
		return wrong("%s", why);
	(void)strcpy(opt->python, python.program);
	return true;
}

/* "numpy,sklearn.svm"; "" or "none": nothing but Python itself. */
static bool
take_warm(char *list, struct options *opt)
{
	char *name, *rest = NULL, *c;
	char **more;

	opt->warm_all = true;
	opt->warm_n = 0;
	if (strcmp(list, "none") == 0)
		return true;
	for (name = strtok_r(list, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest)) {
		for (c = name; isalnum((unsigned char)*c) || *c == '_' ||
		     (*c == '.' && c > name && c[-1] != '.');
		     c++)
			;
		if (*c != '\0' || isdigit((unsigned char)*name) ||
		    c[-1] == '.' || opt->warm_n == WARM_MOST)
			return wrong("--warm %s: modules with commas between "
				     "them, as numpy,sklearn.svm",
			    name);
		more = realloc(opt->warm, (opt->warm_n + 1) * sizeof *more);
		if (more == NULL)
			return wrong("%s", strerror(errno));
		opt->warm = more;
		opt->warm[opt->warm_n++] = name;
	}
	return true;
}

static bool
take_tag(const char *tag, struct options *opt)
{
	const char **tags =
	    realloc(opt->tags, (opt->tags_n + 1) * sizeof *tags);

	if (tags == NULL)
		return wrong("%s", strerror(errno));
	opt->tags = tags;
	opt->tags[opt->tags_n++] = tag;
	return true;
}

static bool
take_log_max(const char *text, struct options *opt)
{
	int64_t n;

	if (!sp_bytes_parse(text, &n) || n < 1)
		return wrong("--log-max %s: a size, as 64M or 1G", text);
	opt->log_max = (uint64_t)n;
	return true;
}

static bool
take_floor(const char *text, struct options *opt)
{
	char *end;
	double p;

	opt->floor_percent = 0;
	if (sp_bytes_parse(text, &opt->floor_bytes))
		return true;
	p = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0 || !(p >= 0 && p < 100))
		return wrong(
		    "--disk-floor %s: a size, as 10G, or a share, as 2%%",
		    text);
	opt->floor_percent = p;
	opt->floor_bytes = p > 0 ? -1 : 0;
	return true;
}

static bool
take_cgroup(const char *text, struct options *opt)
{
	opt->no_cgroup = strcmp(text, "none") == 0;
	if (!opt->no_cgroup && strcmp(text, "auto") != 0)
		return wrong("--cgroup %s: auto or none", text);
	return true;
}

static bool
take_cache_size(const char *text, struct options *opt)
{
	if (!sp_bytes_parse(text, &opt->cache_size) || opt->cache_size < 0)
		return wrong(
		    "--cache-size %s: bytes, or a size as 500M, 20G", text);
	return true;
}

static bool
take_grace(const char *text, struct options *opt)
{
	if (!sp_seconds_parse(text, &opt->grace) || opt->grace > GRACE_MOST)
		return wrong(
		    "--grace %s: a time as 30, 30s or 2m, at most 1h", text);
	return true;
}

static bool
take_hash_time(const char *text, struct options *opt)
{
	if (!sp_seconds_parse(text, &opt->hash_time))
		return wrong("--hash-time %s: a time, as 90s or 10m", text);
	return true;
}

static bool
take(int c, struct options *opt)
{
	switch (c) {
	case 'j':
		return take_slots(optarg, &opt->slots);
	case 'v':
		opt->verbose++;
		break;
	case 'q':
		opt->verbose--;
		break;
	case OPT_DRAIN:
		opt->drain = true;
		break;
	case OPT_ONCE:
		opt->once = true;
		break;
	case OPT_NAME:
		(void)snprintf(opt->name, sizeof opt->name, "%s", optarg);
		break;
	case OPT_PYTHON:
		return take_python(optarg, opt);
	case OPT_WORK:
		opt->work = optarg;
		break;
	case OPT_CACHE:
		opt->cache = optarg;
		break;
	case OPT_CACHE_SIZE:
		return take_cache_size(optarg, opt);
	case OPT_TAG:
		return take_tag(optarg, opt);
	case OPT_PREEMPT:
		opt->preempt = true;
		break;
	case OPT_GRACE:
		return take_grace(optarg, opt);
	case OPT_LOG_MAX:
		return take_log_max(optarg, opt);
	case OPT_HASH_TIME:
		return take_hash_time(optarg, opt);
	case OPT_FLOOR:
		return take_floor(optarg, opt);
	case OPT_BAD_HOST:
		return take_bad_host(optarg, &opt->bad_host);
	case OPT_CGROUP:
		return take_cgroup(optarg, opt);
	case 'i':
		tr_means.identity = optarg;
		break;
	case OPT_KNOWN:
		tr_means.known_hosts = optarg;
		break;
	case OPT_ACCEPT:
		tr_means.accept_new = true;
		break;
	case OPT_CACERT:
		tr_means.cacert = optarg;
		break;
	case OPT_CERT:
		tr_means.cert = optarg;
		break;
	case OPT_KEY:
		tr_means.key = optarg;
		break;
	case OPT_TOKEN:
		tr_means.token_file = optarg;
		break;
	case OPT_WARM:
		return take_warm(optarg, opt);
	case OPT_COLD:
		opt->cold = true;
		break;
	case OPT_ORIGIN:
		opt->origin = optarg;
		break;
	case OPT_ROOT:
		opt->allow_root = true;
		break;
	case OPT_GPUS:
		return take_gpus(optarg, opt);
	case OPT_SHARE:
		return take_share(optarg, opt);
	case OPT_FACTS:
		exit(gpuprobe_once());
	case OPT_SERVE: /* said by workerd itself */
		exit(gpuprobe_serve());
	case OPT_HELP:
		(void)printf("%s\n%s", usage, help);
		exit(0);
	case OPT_VERSION:
		(void)printf("workerd %s\n", SP_VERSION);
		exit(0);
	default:
		(void)fprintf(stderr, "%s", usage);
		return false;
	}
	return true;
}

/* The work directory goes into what scripts are told: it must stay true where
 * they stand. */
static bool
work_ok(struct options *opt)
{
	static char path[PATH_MAX];
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	if (opt->work == NULL) {
		opt->work = tmp != NULL && *tmp == '/' ? tmp : "/tmp";
		return true;
	}
	if (realpath(opt->work, path) == NULL || stat(path, &st) == -1 ||
	    !S_ISDIR(st.st_mode))
		return wrong(
		    "--work %s: there is no such directory", opt->work);
	opt->work = path;
	return true;
}

bool
options_parse(int argc, char **argv, struct options *opt)
{
	int c;

	(void)memset(opt, 0, sizeof *opt);
	opt->slots = opt->gpu_share = 1;
	opt->cache_size = -1;
	opt->grace = 5;
	opt->hash_time = 600;
	opt->log_max = UINT64_C(1) << 30;
	opt->floor_bytes = -1;
	opt->bad_host = 5;
	(void)strcpy(opt->python, "python3");
	(void)gethostname(opt->name, sizeof opt->name - 1);
	opt->name[strcspn(opt->name, ".")] = '\0';
	while ((c = getopt_long(argc, argv, "j:i:vq", longs, NULL)) != -1)
		if (!take(c, opt))
			return false;
	if (optind + 1 != argc)
		return wrong("%s",
		    optind == argc ? "which spool? give its directory"
				   : "one spool at a time");
	opt->url = argv[optind];
	return work_ok(opt);
}

void
options_clear(struct options *opt)
{
	free(opt->tags);
	free(opt->warm);
	opt->warm = NULL;
	opt->tags = NULL;
}
