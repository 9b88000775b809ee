/*
 * means.h - with what a far spool is reached: keys, tokens, whom to trust.
 * Said once by a program's options, before it opens anything, and only read
 * from then on.  Borrowed texts.
 */
#ifndef TR_MEANS_H
#define TR_MEANS_H

struct tr_means {
	/* https:// */
	const char *cacert;     /* file of CAs; NULL: the system's */
	const char *cert, *key; /* files of a client's own, NULL: none */
	const char *token_file; /* NULL: $SPOOL_TOKEN_FILE, $SPOOL_TOKEN */
};

extern struct tr_means tr_means;

#endif
