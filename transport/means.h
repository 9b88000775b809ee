/*
 * means.h - with what a far spool is reached: keys, tokens, whom to trust.
 * Said once by a program's options, before it opens anything, and only read
 * from then on.  Borrowed texts.
 */
#ifndef TR_MEANS_H
#define TR_MEANS_H

#include <stdbool.h>

struct tr_means {
	/* sftp:// */
	const char *identity;    /* a private key, and no other; NULL:
	                          * $SPOOL_IDENTITY, or the agent's keys and
	                          * then ~/.ssh/id_* */
	const char *known_hosts; /* NULL: $SPOOL_KNOWN_HOSTS, or
	                          * ~/.ssh/known_hosts and the system's */
	bool accept_new;         /* note an unknown host's key and go on */
	/* https:// */
	const char *cacert;     /* file of CAs; NULL: the system's */
	const char *cert, *key; /* files of a client's own, NULL: none */
	const char *token_file; /* NULL: $SPOOL_TOKEN_FILE, $SPOOL_TOKEN */
};

extern struct tr_means tr_means;

#endif
