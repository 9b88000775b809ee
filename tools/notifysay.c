/*
 * notifysay.c - tell somebody: a command, a URL, a mailbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/file.h"
#include "tools/notify.h"
#include "tools/spool.h"
#include "transport/media.h"

#define CHILD_MS 600000 /* a command may take so long */

bool
notify_mail_ok(const char *address)
{
	if (*address != '\0' && *address != '-' && strlen(address) < 256 &&
	    address[strspn(address, SP_WORD ".%+@")] == '\0')
		return true;
	complain("--mail %s: give one address, of letters, digits and "
		 "._%%+-@",
	    address);
	return false;
}

/* Its exit status, -1: it had to be killed, or could not be waited for. */
static int
child_end(pid_t pid)
{
	int64_t until = sp_mono_ms() + CHILD_MS;
	int status = 0, pause = 5;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		if (sp_mono_ms() >= until) {
			(void)kill(-pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return -1;
		}
		(void)poll(NULL, 0, pause);
		pause = pause < 200 ? pause * 2 : 200;
	}
	return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
put_env(const char *key, const char *value)
{
	(void)setenv(key, value == NULL ? "" : value, 1);
}

static void
put_number(const char *key, size_t n)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%zu", n);
	put_env(key, text);
}

/* Its standard input is a file that nobody else can name. */
static int
child(char *const argv[], const char *other, const struct notify_said *said,
    const char *input)
{
	FILE *in = tmpfile();
	pid_t pid;

	if (in == NULL || fputs(input, in) == EOF || fflush(in) != 0) {
		complain("no temporary file: %s", strerror(errno));
		if (in != NULL)
			(void)fclose(in);
		return -1;
	}
	rewind(in);
	(void)fflush(stdout);
	if ((pid = fork()) == 0) {
		(void)setpgid(0, 0);
		(void)dup2(fileno(in), 0);
		put_env("SPOOL_EVENT", said->event);
		put_env("SPOOL_GROUP", said->group);
		put_env("SPOOL_SUBJECT", said->subject);
		put_number("SPOOL_ORDERS", said->orders);
		put_number("SPOOL_OVER", said->over);
		put_number("SPOOL_FAILED", said->failed);
		(void)execvp(argv[0], argv);
		if (other != NULL)
			(void)execv(other, argv);
		_exit(127);
	}
	(void)fclose(in);
	return pid == -1 ? -1 : child_end(pid);
}

static bool
by_command(const struct notify_ways *ways, const struct notify_said *said)
{
	char *command = strdup(ways->exec);
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, command, NULL };
	int rc = command == NULL ? -1 : child(argv, NULL, said, said->json);

	free(command);
	if (rc != 0)
		complain(
		    "--exec: it %s", rc == -1 ? "did not end" : "ended badly");
	return rc == 0;
}

static bool
by_mail(const struct notify_ways *ways, const struct notify_said *said)
{
	struct sp_buf text = SP_BUF_INIT(2 * 1024 * 1024);
	char *argv[] = { (char[]){ "sendmail" }, (char[]){ "-i" },
		(char[]){ "-t" }, NULL };
	char subject[sizeof said->subject];
	size_t i;
	int rc;

	/* A header is one line of ASCII. */
	(void)memcpy(subject, said->subject, sizeof subject);
	for (i = 0; subject[i] != '\0'; i++)
		if (subject[i] < ' ' || subject[i] > '~')
			subject[i] = '?';
	sp_buf_printf(&text,
	    "To: %s\nSubject: %s\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n\n%s\n\n%s",
	    ways->mail, subject, subject, said->words);
	rc = child(argv, "/usr/sbin/sendmail", said, sp_buf_text(&text));
	sp_buf_clear(&text);
	if (rc == 127)
		complain("--mail: sendmail is not installed");
	else if (rc != 0)
		complain("--mail: sendmail failed");
	return rc == 0;
}

static bool
by_url(const struct notify_ways *ways, const struct notify_said *said)
{
	struct sp_err err = { "" };
	enum sp_status st;
	int status = 0;

	if (tr_post == NULL) { /* no "://" in it, else we were another one */
		complain("--webhook %s: give a URL that begins with https:// "
			 "or http://",
		    ways->url);
		return false;
	}
	st = tr_post(ways->url, said->json, strlen(said->json), &status, &err);
	if (st == SP_OK && status >= 200 && status <= 299)
		return true;
	if (st == SP_OK)
		complain("--webhook %s: the answer was %d", ways->url, status);
	else
		complain("--webhook %s: %s", ways->url, err.text);
	return false;
}

int
notify_say(const struct notify_ways *ways, const struct notify_said *said)
{
	bool ok = true;

	if (ways->exec != NULL)
		ok = by_command(ways, said) && ok;
	if (ways->mail != NULL)
		ok = by_mail(ways, said) && ok;
	if (ways->url != NULL)
		ok = by_url(ways, said) && ok;
	return ok ? ANSWER_YES : ANSWER_LATER;
}
