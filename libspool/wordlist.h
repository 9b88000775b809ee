/*
 * wordlist.h - sentences that other programs die with, and what they mean.
 * Private to words.c.  Pure.
 */
#ifndef SP_WORDLIST_H
#define SP_WORDLIST_H

#include "libspool/words.h"

/* Does the line name a cause other than exit? */
bool sp_wordlist_cause(const char *line, bool gpu, enum sp_cause *cause_out);
/* A warning, or words of somebody who goes on. */
bool sp_wordlist_tame_is(const char *line);
/* Plainly an error, though we do not know which. */
bool sp_wordlist_error_is(const char *line);
/* An exception that only says that another process has failed. */
bool sp_wordlist_passed_is(const char *line);

#endif
