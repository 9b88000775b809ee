/*
 * sftpreach.c - from sftp://... and what the user said of keys and hosts to a
 * handle on the root of the tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/means.h"
#include "transport/sftpfs.h"

/* What an option says, or a variable of the environment. */
static enum sp_status
wanted(const char *option, const char *variable, char out[PATH_MAX],
    struct sp_err *err)
{
	const char *text = option != NULL ? option : getenv(variable);

	if (text == NULL)
		text = "";
	if (strlen(text) >= PATH_MAX)
		return sp_err_set(err, SP_FATAL, "%s: too long", variable);
	(void)snprintf(out, PATH_MAX, "%s", text);
	return SP_OK;
}

enum sp_status
sftp_reach(const char *url, int *root_out, struct sp_err *err)
{
	struct ssh_site site;
	char path[PATH_MAX];
	enum sp_status st;

	if ((st = sftp_url(url, &site, path, err)) != SP_OK ||
	    (st = wanted(tr_means.identity, "SPOOL_IDENTITY",
		 site.wants.identity, err)) != SP_OK ||
	    (st = wanted(tr_means.known_hosts, "SPOOL_KNOWN_HOSTS",
		 site.wants.known_hosts, err)) != SP_OK)
		return st;
	site.wants.accept_new = tr_means.accept_new;
	return sftp_fs_root(&site, path, root_out, err);
}
