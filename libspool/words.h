/*
 * words.h - what a job's last words tell of its end.  Pure.
 *
 * An exit code of 1 says nothing; the traceback above it often does.  Only a
 * failed job is asked about: words alone make no failure.
 */
#ifndef SP_WORDS_H
#define SP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/job.h"

#define SP_WORDS_TAIL 16384 /* bytes of each stream that are read */
#define SP_WORDS_LINE 200

/* The ends of both streams, as they came: escapes, cut lines, any bytes. */
struct sp_last {
	const char *err, *out;
	size_t err_n, out_n;
	bool gpu; /* it was given one */
};

struct sp_words {
	enum sp_cause cause;      /* SP_CAUSE_EXIT: they do not say */
	char line[SP_WORDS_LINE]; /* the most telling one, "" for none */
	bool blind; /* it looked for a GPU and had not been given one */
};

void sp_words_read(const struct sp_last *last, struct sp_words *words_out);

/* Two ends that say the same but for numbers and places give the same. */
uint64_t sp_words_way(enum sp_cause cause, const char *line);

#endif
