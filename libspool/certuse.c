/*
 * certuse.c - the one place where what `spool prove` wrote down changes what a
 * program does: the times of its policy, when it opens a spool.
 */
#include <string.h>
#include <sys/statfs.h>

#include "libspool/certificate.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/spool.h"

void
sp_certificate_use(struct sp_spool *spool)
{
	struct sp_buf text = SP_BUF_INIT(SP_CERT_MAX + 2);
	struct sp_err err = { "" };
	char why[160] = "", words[200], when[25];
	struct sp_certificate cert;
	enum sp_status st;
	struct statfs fs;
	struct stat sb;

	if (sp_fs_far(spool->root))
		return;
	st = sp_read(spool->dir[SP_DIR_INDEX], SP_CERT_FILE, SP_CERT_MAX, &text,
	    &sb, &err);
	if (st == SP_OK)
		st = sp_certificate_parse(
		    sp_buf_text(&text), text.len, &cert, &err);
	sp_buf_clear(&text);
	if (st == SP_GONE)
		return;
	if (st != SP_OK || fstatfs(spool->root, &fs) == -1 ||
	    !sp_certificate_good(
		&cert, sp_wall_ms(), (uint64_t)fs.f_type, why)) {
		sp_warn("ignore index/" SP_CERT_FILE
			": %.200s; make it anew with: spool prove",
		    st != SP_OK ? err.text : why);
		return;
	}
	sp_time_print(cert.when, when);
	if (!cert.safe)
		sp_warn("the filesystem was found unsafe by spool prove at %s:"
			" see index/" SP_CERT_FILE,
		    when);
	if (sp_certificate_times(&cert, &spool->policy, words))
		sp_info("certificate of %s: %s", when, words);
}
