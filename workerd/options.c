/*
 * options.c - the words that workerd is started with: which there are and what
 * they do.  What stands behind them is read in optiontake.c.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/version.h"
#include "transport/means.h"
#include "workerd/options.h"
#include "workerd/optiontake.h"
#include "workerd/worker.h"

const char options_usage[] =
    "usage: workerd [--name N] [-j SLOTS] [--drain] [--once] [--python PROG]\n"
    "               [--work DIR] [--cache DIR] [--cache-size SIZE] [--tag T]...\n"
    "               [--gpus WHICH] [--gpu-share N] [--preempt] [--grace TIME]\n"
    "               [--warm MODULES | --cold] [--origin URL]\n"
    "               [--allow-root | --as-owner]\n"
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
    "  --patience T   with data that are being written to (10m)\n"
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
    "  --as-owner     as root: run each job as the user who dropped it into\n"
    "                 incoming/, and no others\n"
    "  -v             say more; -q: say less\n"
    "  --help, --version\n"
    "\n"
    "SIGTERM or ^C: claim no more, let running jobs end.  A second one: stop\n"
    "them and give their orders back.  SIGHUP: look again.\n"
    "Exit: 0 ended as asked, 100 cannot be as asked, 111 try again later.\n";

/* What a word of the command line does. */
enum does {
	FLAG,       /* sets a bool of the options, */
	TEXT,       /* or a text; */
	MEANS_FLAG, /* the same of what a spool is reached by; */
	MEANS_TEXT,
	TAKE, /* has what is behind it read; */
	NAME,
	VERBOSE,
	QUIET,
	FACTS,
	SERVE,
	HELP,
	VERSION
};

struct word {
	const char *name;
	int letter; /* 0: none; or the letter alone, without a name */
	enum does does;
	size_t at;   /* FLAG, TEXT: in struct options */
	void *means; /* MEANS_: in tr_means */
	bool (*take)(char *text, struct options *opt);
};

#define IN(member) .at = offsetof(struct options, member)

static const struct word words[] = {
	{ "jobs", 'j', TAKE, .take = option_slots },
	{ "drain", 0, FLAG, IN(drain) },
	{ "once", 0, FLAG, IN(once) },
	{ .name = "name", .does = NAME },
	{ "python", 0, TAKE, .take = option_python },
	{ "work", 0, TEXT, IN(work) },
	{ "cache", 0, TEXT, IN(cache) },
	{ "cache-size", 0, TAKE, .take = option_cache_size },
	{ "tag", 0, TAKE, .take = option_tag },
	{ "gpus", 0, TAKE, .take = option_gpus },
	{ "gpu-share", 0, TAKE, .take = option_share },
	{ .name = "gpu-facts", .does = FACTS },
	{ .name = &GPUPROBE_ARG[2],
	    .does = SERVE }, /* said by workerd itself */
	{ "preempt", 0, FLAG, IN(preempt) },
	{ "warm", 0, TAKE, .take = option_warm },
	{ "cold", 0, FLAG, IN(cold) },
	{ "grace", 0, TAKE, .take = option_grace },
	{ "allow-root", 0, FLAG, IN(allow_root) },
	{ "as-owner", 0, FLAG, IN(as_owner) },
	{ "origin", 0, TEXT, IN(origin) },
	{ "log-max", 0, TAKE, .take = option_log_max },
	{ "hash-time", 0, TAKE, .take = option_hash_time },
	{ "patience", 0, TAKE, .take = option_patience },
	{ "disk-floor", 0, TAKE, .take = option_floor },
	{ "bad-host", 0, TAKE, .take = option_bad_host },
	{ "cgroup", 0, TAKE, .take = option_cgroup },
	{ "identity", 'i', MEANS_TEXT, .means = &tr_means.identity },
	{ "known-hosts", 0, MEANS_TEXT, .means = &tr_means.known_hosts },
	{ "accept-new", 0, MEANS_FLAG, .means = &tr_means.accept_new },
	{ "cacert", 0, MEANS_TEXT, .means = &tr_means.cacert },
	{ "cert", 0, MEANS_TEXT, .means = &tr_means.cert },
	{ "key", 0, MEANS_TEXT, .means = &tr_means.key },
	{ "token-file", 0, MEANS_TEXT, .means = &tr_means.token_file },
	{ .letter = 'v', .does = VERBOSE },
	{ .letter = 'q', .does = QUIET },
	{ .name = "help", .does = HELP },
	{ .name = "version", .does = VERSION },
};

#define WORDS (sizeof words / sizeof words[0])
#define LONG  256 /* and its row, is what getopt_long says */

static bool
text_has(enum does does)
{
	return does == TEXT || does == MEANS_TEXT || does == TAKE ||
	    does == NAME;
}

/* As getopt wants them. */
static void
spell(struct option longs_out[WORDS + 1], char letters_out[2 * WORDS + 1])
{
	size_t i, n = 0;
	char *c = letters_out;

	for (i = 0; i < WORDS; i++) {
		if (words[i].name != NULL)
			longs_out[n++] = (struct option){ words[i].name,
				text_has(words[i].does) ? required_argument
							: no_argument,
				NULL, LONG + (int)i };
		if (words[i].letter == 0)
			continue;
		*c++ = (char)words[i].letter;
		if (text_has(words[i].does))
			*c++ = ':';
	}
	longs_out[n] = (struct option){ NULL, 0, NULL, 0 };
	*c = '\0';
}

static const struct word *
word_of(int said)
{
	size_t i;

	if (said >= LONG)
		return &words[said - LONG];
	for (i = 0; i < WORDS; i++)
		if (words[i].letter == said)
			return &words[i];
	return NULL;
}

static bool
take(const struct word *word, char *text, struct options *opt)
{
	char *in = (char *)opt + word->at;

	switch (word->does) {
	case FLAG:
		*(bool *)(void *)in = true;
		return true;
	case TEXT:
		*(const char **)(void *)in = text;
		return true;
	case MEANS_FLAG:
		*(bool *)word->means = true;
		return true;
	case MEANS_TEXT:
		*(const char **)word->means = text;
		return true;
	case TAKE:
		return word->take(text, opt);
	case NAME:
		(void)snprintf(opt->name, sizeof opt->name, "%s", text);
		return true;
	case VERBOSE:
		opt->verbose++;
		return true;
	case QUIET:
		opt->verbose--;
		return true;
	case FACTS:
		exit(gpuprobe_once());
	case SERVE:
		exit(gpuprobe_serve());
	case HELP:
		(void)printf("%s\n%s", options_usage, help);
		exit(0);
	case VERSION:
		(void)printf("workerd %s\n", SP_VERSION);
		exit(0);
	}
	return false;
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
		return option_wrong(
		    "--work %s: there is no such directory", opt->work);
	opt->work = path;
	return true;
}

bool
options_parse(int argc, char **argv, struct options *opt)
{
	struct option longs[WORDS + 1];
	char letters[2 * WORDS + 1];
	const struct word *word;
	int c;

	(void)memset(opt, 0, sizeof *opt);
	opt->slots = opt->gpu_share = 1;
	opt->cache_size = -1;
	opt->grace = 5;
	opt->hash_time = opt->patience = 600;
	opt->log_max = UINT64_C(1) << 30;
	opt->floor_bytes = -1;
	opt->bad_host = 5;
	(void)strcpy(opt->python, "python3");
	(void)gethostname(opt->name, sizeof opt->name - 1);
	opt->name[strcspn(opt->name, ".")] = '\0';
	spell(longs, letters);
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if ((word = word_of(c)) == NULL) {
			(void)fprintf(stderr, "%s", options_usage);
			return false;
		}
		if (!take(word, optarg, opt))
			return false;
	}
	if (optind + 1 != argc)
		return option_wrong("%s",
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
