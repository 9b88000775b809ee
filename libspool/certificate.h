/*
 * certificate.h - index/certificate.json: what `spool prove` has found of the
 * filesystem that a spool lies on, and what follows from it for the times in
 * which one host may believe what it sees of another.  Printing, reading and
 * reckoning are pure; sp_certificate_use reads the disk.
 *
 * It is derived, and may be missing, old, or wrong: then the policy's own times
 * hold.  It only ever makes a time longer, so what it says can make a spool
 * slower, not less safe.
 */
#ifndef SP_CERTIFICATE_H
#define SP_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/finding.h"
#include "libspool/policy.h"

#define SP_CERT_FILE  "certificate.json" /* in index/ */
#define SP_CERT_MAX   65536
#define SP_CERT_HOSTS 16
#define SP_CERT_DAYS  90 /* then it is too old to be believed */

struct sp_cert_host {
	char host[65];
	char type[64];  /* of the filesystem there: "nfs4" */
	uint64_t magic; /* statfs's f_type there */
	double clock;   /* s that the file server's clock is ahead of its own */
};

struct sp_certificate {
	int64_t when; /* ms since 1970, by the clock of who wrote it */
	bool safe;
	struct sp_cert_host host[SP_CERT_HOSTS];
	size_t hosts;
	bool joined;  /* more than one host: the next three were measured */
	double usual; /* s until another host sees a change: half of them do */
	double most;  /* s until the last one did */
	double skew;  /* s between the times that hosts give to files */
};

/* One line; findings NULL: none. */
void sp_certificate_print(const struct sp_certificate *cert,
    const struct sp_findings *findings, struct sp_buf *text_out);
/* SP_BAD with words; unknown members are passed over. */
enum sp_status sp_certificate_parse(const char *text, size_t len,
    struct sp_certificate *cert_out, struct sp_err *err);

/* May it be believed now, on a filesystem of that kind?  Else why not. */
bool sp_certificate_good(const struct sp_certificate *cert, int64_t now,
    uint64_t magic, char why_out[160]);

/* Lengthen the times of `policy` that are too short for what was measured.
 * True when any was; words_out: which, "poll 2 -> 4.5 s, ...". */
bool sp_certificate_times(const struct sp_certificate *cert,
    struct sp_policy *policy, char words_out[200]);

/* certuse.c: read that of an open spool, if there is one, and lengthen its
 * times; one that may not be believed is passed over.  Says in the log what it
 * did.  Not of a far spool, whose times are those of its link. */
struct sp_spool;
void sp_certificate_use(struct sp_spool *spool);

#endif
