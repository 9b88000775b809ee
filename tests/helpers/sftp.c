/*
 * sftp.c - calls on files over SFTP, for the stories of 75-sftp.sh:
 *
 *	sftp [-i KEY] [-k KNOWN_HOSTS] [-a] URL STEP...
 *
 * Steps, done one after another; each prints one line, "no: WORDS" for an
 * error:
 *
 *	facts			what the server can
 *	get PATH		its text
 *	put PATH TEXT		excl PATH TEXT: not over an older one
 *	mv FROM TO		rm PATH, rmdir PATH, mkdir PATH, ln FROM TO
 *	stat PATH		type and size
 *	links PATH		how many it has
 *	ls PATH			names, sorted
 *	sync PATH		a directory, to the disk
 *	up FILE PATH		a local file's bytes to there
 *	down PATH FILE		and back
 *	away			a request fails at once, not after a deadline
 *	back			wait until one is answered again
 *	open PATH		keep it open, ...
 *	more			... and read of it
 *	many N			N claims at once, from a/ to b/, with their
 *texts until FILE		wait until there is a local file of that name
 *	busy N			N threads, each a small request 50 times, while
 *				another reads PATH "big"; the slowest, in ms
 *	bench N			N renames, by groups; how many a second
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/scan.h"
#include "libspool/spool.h"
#include "transport/means.h"
#include "transport/sftpfs.h"

#define TEXT_MAX 1000000

static int root, kept = -1;

static void
say(int rc, const char *words)
{
	if (rc == -1)
		(void)printf("no: %s\n", strerror(errno));
	else
		(void)printf("%s\n", words);
}

static void
facts(void)
{
	unsigned f = sp_fs_facts(root);

	(void)printf("rename=%s durable=%s\n",
	    (f & SP_FS_REAL_RENAME) != 0 ? "yes" : "no",
	    (f & SP_FS_DURABLE) != 0 ? "yes" : "unknown");
}

static void
get(const char *path)
{
	struct sp_buf text = SP_BUF_INIT(TEXT_MAX + 2);
	struct stat st;
	int rc = sp_fs_get(root, path, TEXT_MAX, &text, &st);

	if (rc == 0 && text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[text.len - 1] = '\0';
	say(rc, rc == 0 ? sp_buf_text(&text) : "");
	sp_buf_clear(&text);
}

static void
look(const char *path, bool links)
{
	char text[64] = "";
	struct stat st;
	int rc =
	    links ? sp_fs_links(root, path, &st) : sp_fs_lstat(root, path, &st);

	if (rc == 0 && links)
		(void)snprintf(text, sizeof text, "%u", (unsigned)st.st_nlink);
	else if (rc == 0)
		(void)snprintf(text, sizeof text, "%s %lld",
		    S_ISREG(st.st_mode)       ? "file"
			: S_ISDIR(st.st_mode) ? "directory"
					      : "other",
		    (long long)st.st_size);
	say(rc, text);
}

static void
list(const char *path)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	int dir = sp_fs_open(root, path, O_DIRECTORY, 0);
	size_t i;

	if (dir == -1 || sp_list(dir, true, &names, &err) != SP_OK) {
		say(-1, "");
		return;
	}
	for (i = 0; i < names.n; i++)
		(void)printf("%s%s", i == 0 ? "" : " ", sp_names_at(&names, i));
	say(0, "");
	sp_names_clear(&names);
	(void)sp_fs_close(dir);
}

static void
sync_dir(const char *path)
{
	int dir = sp_fs_open(root, path, O_DIRECTORY, 0);

	say(dir == -1 ? -1 : sp_fs_fsync(dir), "synced");
	if (dir != -1)
		(void)sp_fs_close(dir);
}

/* ---- bytes ---- */

static char *
slurp(int fd, size_t size)
{
	char *data = malloc(size + 1);

	if (data == NULL || pread(fd, data, size, 0) != (ssize_t)size)
		abort();
	return data;
}

static void
upload(const char *file, const char *path)
{
	int from = open(file, O_RDONLY), to;
	int64_t began = sp_mono_ms();
	struct stat st;
	char *data;
	ssize_t n = -1;

	if (from == -1 || fstat(from, &st) == -1)
		abort();
	data = slurp(from, (size_t)st.st_size);
	to = sp_fs_open(root, path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (to != -1)
		n = sp_fs_write(to, data, (size_t)st.st_size);
	if (to != -1 && (sp_fs_fsync(to) == -1 || sp_fs_close(to) == -1))
		n = -1;
	say(n == -1 ? -1 : 0, "there");
	(void)fprintf(stderr, "up: %lld bytes in %lld ms\n", (long long)n,
	    (long long)(sp_mono_ms() - began));
	free(data);
	(void)close(from);
}

static void
download(const char *path, const char *file)
{
	int from, to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	int64_t began = sp_mono_ms();
	struct stat st;
	ssize_t n = -1;
	char *data;

	from = sp_fs_open_stat(root, path, O_RDONLY, 0, &st);
	if (from == -1) {
		say(-1, "");
		return;
	}
	data = malloc((size_t)st.st_size + 2);
	/* One more than there is: the end must be found. */
	n = sp_fs_read(from, data, (size_t)st.st_size + 1);
	if (n > 0 && write(to, data, (size_t)n) != n)
		abort();
	(void)sp_fs_close(from);
	(void)close(to);
	say(n == -1 ? -1 : 0, "here");
	(void)fprintf(stderr, "down: %lld bytes in %lld ms\n", (long long)n,
	    (long long)(sp_mono_ms() - began));
	free(data);
}

static void
more(void)
{
	char text[100];
	ssize_t n = sp_fs_read(kept, text, sizeof text - 1);

	text[n < 0 ? 0 : n] = '\0';
	say(n == -1 ? -1 : 0, text);
}

/* ---- groups ---- */

static void
many(size_t n)
{
	struct sp_fs_op *ops = calloc(2 * n, sizeof *ops);
	struct sp_buf *text = calloc(n, sizeof *text);
	char(*from)[32] = calloc(n, sizeof *from);
	char(*to)[32] = calloc(n, sizeof *to);
	size_t i, good = 0;

	for (i = 0; i < n; i++) {
		(void)snprintf(from[i], sizeof from[i], "a/%zu", i);
		(void)snprintf(to[i], sizeof to[i], "b/%zu", i);
		sp_buf_init(&text[i], 1002);
		ops[2 * i] = (struct sp_fs_op){ .what = SP_FS_RENAME,
			.dir = root,
			.path = from[i],
			.todir = root,
			.to = to[i] };
		ops[2 * i + 1] = (struct sp_fs_op){ .what = SP_FS_GET,
			.dir = root,
			.path = to[i],
			.max = 1000,
			.text = &text[i] };
	}
	sp_fs_many(ops, 2 * n);
	for (i = 0; i < n; i++) {
		if (ops[2 * i].error == 0 && ops[2 * i + 1].error == 0 &&
		    atoi(sp_buf_text(&text[i])) == (int)i)
			good++;
		sp_buf_clear(&text[i]);
	}
	(void)printf("%zu\n", good);
	free(ops);
	free(text);
	free(from);
	free(to);
}

static void *
small_ones(void *arg)
{
	int64_t *worst = arg, began, took;
	struct stat st;
	int i;

	for (i = 0; i < 50; i++) {
		began = sp_mono_ms();
		if (sp_fs_lstat(root, "big", &st) == -1)
			*worst = 1 << 30;
		took = sp_mono_ms() - began;
		if (took > *worst)
			*worst = took;
	}
	return NULL;
}

static void *
big_one(void *arg)
{
	(void)arg;
	download("big", "/dev/null");
	return NULL;
}

static void
busy(int n)
{
	int64_t worst[64] = { 0 }, most = 0;
	pthread_t t[64], big;
	int i;

	(void)pthread_create(&big, NULL, big_one, NULL);
	for (i = 0; i < n; i++)
		(void)pthread_create(&t[i], NULL, small_ones, &worst[i]);
	for (i = 0; i < n; i++) {
		(void)pthread_join(t[i], NULL);
		if (worst[i] > most)
			most = worst[i];
	}
	(void)pthread_join(big, NULL);
	(void)printf("%s\n", most < 1 << 30 ? "all answered" : "no");
	(void)fprintf(stderr, "busy: slowest %lld ms\n", (long long)most);
}

static void
bench(int n)
{
	char from[32], to[32];
	int64_t began = sp_mono_ms();
	int i, bad = 0;

	for (i = 0; i < n; i++) {
		(void)snprintf(from, sizeof from, "a/%d", i);
		(void)snprintf(to, sizeof to, "b/%d", i);
		bad += sp_fs_rename(root, from, root, to, 0) != 0;
	}
	(void)fprintf(stderr, "bench: %d renames, one at a time, %lld ms\n", n,
	    (long long)(sp_mono_ms() - began));
	(void)printf("%d\n", n - bad);
}

/* ---- a link that comes and goes ---- */

static void
away(void)
{
	int64_t began = sp_mono_ms();
	struct stat st;
	int rc = sp_fs_lstat(root, "tmp", &st);

	if (rc == 0)
		(void)printf("here\n");
	else
		(void)printf("%s, %s\n", strerror(errno),
		    sp_mono_ms() - began < 100 ? "at once" : "slowly");
}

static void
back(void)
{
	struct stat st;

	while (sp_fs_lstat(root, "tmp", &st) == -1)
		(void)usleep(20000);
	say(0, "back");
}

/* ---- steps ---- */

static int
one(char **a)
{
	const char *s = a[0];

	if (strcmp(s, "get") == 0)
		get(a[1]);
	else if (strcmp(s, "rm") == 0)
		say(sp_fs_unlink(root, a[1]), "gone");
	else if (strcmp(s, "rmdir") == 0)
		say(sp_fs_rmdir(root, a[1]), "gone");
	else if (strcmp(s, "mkdir") == 0)
		say(sp_fs_mkdir(root, a[1], 0777), "made");
	else if (strcmp(s, "stat") == 0 || strcmp(s, "links") == 0)
		look(a[1], s[0] == 'l');
	else if (strcmp(s, "ls") == 0)
		list(a[1]);
	else if (strcmp(s, "sync") == 0)
		sync_dir(a[1]);
	else if (strcmp(s, "open") == 0)
		say(kept = sp_fs_open(root, a[1], O_RDONLY, 0), "open");
	else if (strcmp(s, "many") == 0)
		many((size_t)atoi(a[1]));
	else if (strcmp(s, "busy") == 0)
		busy(atoi(a[1]));
	else if (strcmp(s, "bench") == 0)
		bench(atoi(a[1]));
	else if (strcmp(s, "until") == 0)
		while (access(a[1], F_OK) == -1)
			(void)usleep(10000);
	else
		return 0;
	return 2;
}

static int
two(char **a)
{
	const char *s = a[0];
	bool excl = strcmp(s, "excl") == 0;

	if (excl || strcmp(s, "put") == 0)
		say(sp_fs_put(root, a[1], a[2], strlen(a[2]),
			SP_PUT_SYNC | (excl ? (unsigned)SP_PUT_EXCL : 0u)),
		    "put");
	else if (strcmp(s, "mv") == 0)
		say(sp_fs_rename(root, a[1], root, a[2], 0), "moved");
	else if (strcmp(s, "ln") == 0)
		say(sp_fs_link(root, a[1], root, a[2]), "linked");
	else if (strcmp(s, "up") == 0)
		upload(a[1], a[2]);
	else if (strcmp(s, "down") == 0)
		download(a[1], a[2]);
	else
		return 0;
	return 3;
}

static int
step(int n, char **a)
{
	int used = 0;

	if (strcmp(a[0], "facts") == 0) {
		facts();
		return 1;
	}
	if (strcmp(a[0], "more") == 0) {
		more();
		return 1;
	}
	if (strcmp(a[0], "away") == 0) {
		away();
		return 1;
	}
	if (strcmp(a[0], "back") == 0) {
		back();
		return 1;
	}
	if (n > 1)
		used = one(a);
	if (used == 0 && n > 2)
		used = two(a);
	if (used == 0)
		abort();
	return used;
}

int
main(int argc, char **argv)
{
	struct sp_err err = { "" };
	int c;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);

	while ((c = getopt(argc, argv, "i:k:a")) != -1)
		switch (c) {
		case 'i':
			tr_means.identity = optarg;
			break;
		case 'k':
			tr_means.known_hosts = optarg;
			break;
		default:
			tr_means.accept_new = true;
		}
	switch (sftp_reach(argv[optind], &root, &err)) {
	case SP_OK:
		break;
	case SP_RETRY:
		(void)printf("later: %s\n", err.text);
		return 2;
	default:
		(void)printf("never: %s\n", err.text);
		return 1;
	}
	for (c = optind + 1; c < argc;)
		c += step(argc - c, argv + c);
	if (kept != -1)
		(void)sp_fs_close(kept);
	(void)sp_fs_close(root);
	return 0;
}
