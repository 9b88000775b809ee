/*
 * top.c - spool top: workers, queue and logs while they change, and keys that
 * do what the verbs do.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/served.h"
#include "tools/top.h"

#define EVERY_MS 2000

static volatile sig_atomic_t ended;

static void
on_signal(int number)
{
	ended = number;
}

/* What a verb prints would spoil the picture: its first line goes below. */
static void
act(struct top *top, const struct verb *verb, char *more, const char *id)
{
	char name[40], word[SP_ID_LEN + 1], said[SP_ERR_MAX] = "";
	char *argv[] = { name, more == NULL ? word : more, word, NULL };
	int old[2] = { dup(1), dup(2) }, fd, i;
	FILE *to = tmpfile();

	if (to == NULL || old[0] == -1 || old[1] == -1)
		goto out;
	(void)snprintf(name, sizeof name, "spool %s", verb->name);
	(void)snprintf(word, sizeof word, "%s", id);
	(void)fflush(stdout);
	(void)fflush(stderr);
	fd = fileno(to);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	optind = 0;
	(void)verb->run(top->tool, more == NULL ? 2 : 3, argv);
	(void)fflush(stdout);
	(void)fflush(stderr);
	for (i = 0; i < 2; i++)
		(void)dup2(old[i], i + 1);
	rewind(to);
	if (fgets(said, sizeof said, to) != NULL)
		said[strcspn(said, "\n")] = '\0';
	(void)snprintf(top->words, sizeof top->words, "%s", said);
out:
	for (i = 0; i < 2; i++)
		if (old[i] != -1)
			(void)close(old[i]);
	if (to != NULL)
		(void)fclose(to);
}

static void
urge(struct top *top, const struct sp_row *row, int by)
{
	char text[16];
	int prio = row->name.prio + by;

	prio = prio < 0 ? 0 : prio > SP_PRIO_MAX ? SP_PRIO_MAX : prio;
	(void)snprintf(text, sizeof text, "%d", prio);
	if (served_is(&top->tool->spool))
		(void)strcpy(top->words, "the server changes no priorities");
	else
		act(top, &verb_prio, text, row->name.id.text);
}

/* false: the end. */
static bool
obey(struct top *top, enum top_key key)
{
	const struct sp_row *row = top_chosen(top);
	char ask[128];

	if (key == TOP_END)
		return false;
	if (key == TOP_UP || key == TOP_PAGE_UP)
		top->at -= key == TOP_UP ? top->at > 0
		    : top->at < 10       ? top->at
					 : 10;
	else if (key == TOP_DOWN || key == TOP_PAGE_DOWN)
		top->at += key == TOP_DOWN ? 1 : 10;
	else if (key == TOP_LOG)
		top->shows_log = !top->shows_log;
	if (top->at >= top->n)
		top->at = top->n == 0 ? 0 : top->n - 1;
	if (row == NULL || key <= TOP_PAGE_DOWN || key == TOP_LOG) {
		top_log(top);
		return true;
	}
	(void)snprintf(
	    ask, sizeof ask, "cancel %s?  y or n", row->name.id.text);
	if (key == TOP_CANCEL && top_ask(ask))
		act(top, &verb_cancel, NULL, row->name.id.text);
	else if (key == TOP_HOLD)
		act(top, &verb_hold, NULL, row->name.id.text);
	else if (key == TOP_UNHOLD)
		act(top, &verb_unhold, NULL, row->name.id.text);
	else if (key == TOP_MORE || key == TOP_LESS)
		urge(top, row, key == TOP_MORE ? -1 : 1);
	top_read(top);
	return true;
}

static int
top_run(struct tool *tool, int argc, char **argv)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	static struct top top;
	int64_t due = 0;
	enum top_key key;
	size_t i;

	if (argc != 1) {
		(void)argv;
		return usage_wrong();
	}
	top.tool = tool;
	sp_buf_init(&top.log, 1024 * 1024);
	if (!top_open())
		return ANSWER_WRONG;
	for (i = 0; i < sizeof ends / sizeof *ends; i++)
		(void)signal(ends[i], on_signal);
	while (!ended) {
		if (sp_mono_ms() >= due) {
			top_read(&top);
			due = sp_mono_ms() + EVERY_MS;
		}
		top_draw(&top);
		key = top_key(200);
		if (key != TOP_NOTHING)
			top.words[0] = '\0';
		if (!ended && key != TOP_NOTHING && !obey(&top, key))
			break;
	}
	top_close();
	top_clear(&top);
	return ANSWER_YES;
}

const struct verb verb_top = {
	.far = true,
	.name = "top",
	.usage = "",
	.help = "workers, queue and logs while they change",
	.page =
	    "Running orders first, then the queue in its order, then what is "
	    "over; anew every two\nseconds.\n\n"
	    "  up down j k   choose an order\n"
	    "  l, return     the end of its log\n"
	    "  c             cancel it (asks)\n"
	    "  h, u          hold it, let it go\n"
	    "  + -           more urgent, less urgent\n"
	    "  q             quit\n\n"
	    "  spool -s sftp://boss/srv/spool top\n",
	.run = top_run,
};
