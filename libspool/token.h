/*
 * token.h - who may ask the HTTP server for what: a file of tokens, each with
 * its roles and, if it is bound to one, the NAME of the workers it may act for.
 *
 * A token's text is ID.SECRET, 8 and 64 hexadecimal digits, which may stand in
 * a header or in a path.  The file has the hash of the secret, salted: the
 * secret has 256 bits of chance, so one round of SHA-256 is enough.  One JSON
 * object a line:
 *
 *	{"id":"5e0b...","roles":["work"],"worker":"gpu07","note":"rack 3",
 *	 "made":"2026-11-23T07:00:00.000Z","salt":"...","sha256":"..."}
 *
 * Pure, but for the dice of a new one.
 */
#ifndef SP_TOKEN_H
#define SP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"

#define SP_TOKEN_FILE   "tokens"      /* in the spool, unless said otherwise */
#define SP_TOKENS_MAX   (1024 * 1024) /* bytes of the file */
#define SP_TOKEN_ID     8
#define SP_TOKEN_SECRET 64
#define SP_TOKEN_LEN    (SP_TOKEN_ID + 1 + SP_TOKEN_SECRET)
#define SP_TOKEN_SALT   32
#define SP_TOKEN_NOTE   64

enum sp_role {
	SP_ROLE_SUBMIT = 1, /* submit, cancel, hold; put scripts and data */
	SP_ROLE_WORK = 2,   /* claim, beat, commit */
	SP_ROLE_READ = 4,   /* look at everything */
	SP_ROLE_ADMIN = 8   /* all of that, and drain workers */
};

#define SP_ROLES 4

struct sp_token {
	char id[SP_TOKEN_ID + 1];
	unsigned roles;               /* enum sp_role */
	char worker[SP_BASE_MAX + 1]; /* "": any */
	char note[SP_TOKEN_NOTE + 1]; /* for people */
	int64_t made;                 /* ms since 1970 */
	char salt[SP_TOKEN_SALT + 1];
	char sha[SP_SHA_LEN + 1];
};

struct sp_tokens {
	struct sp_token *at;
	size_t n;
};

/* "submit", "work", "read", "admin". */
const char *sp_role_text(enum sp_role role);
/* Words with commas between them, as roles; 0: one of them is none. */
unsigned sp_roles_parse(const char *text);

/* Give a token whose roles, worker and note are set an id, a secret and what
 * goes with it.  The text is not kept anywhere.  false: no dice. */
bool sp_token_make(struct sp_token *token, char text_out[SP_TOKEN_LEN + 1]);

/* One line with its newline. */
void sp_token_print(const struct sp_token *token, struct sp_buf *text_out);
/* A whole file.  SP_BAD names the line and what is wrong with it: a file that
 * is not understood lets nobody in.  It can be cleared whatever came back. */
enum sp_status sp_tokens_parse(const char *text, size_t len,
    struct sp_tokens *tokens_out, struct sp_err *err);
void sp_tokens_clear(struct sp_tokens *tokens);

/* The token of this text, NULL when it is none.  How long that takes tells
 * nothing of a secret. */
const struct sp_token *
sp_tokens_find(const struct sp_tokens *tokens, const char *text, size_t len);

/* May a token that is bound to `name` ("": to none) act for the worker W? */
bool sp_token_worker_ok(const char *name, const char *worker);

#endif
