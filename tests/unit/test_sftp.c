/*
 * test_sftp.c - what an SFTP server may say, URLs, and lines of known_hosts.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suites.h"
#include "transport/knownhost.h"
#include "transport/sftppack.h"
#include "transport/ssh.h"

/* ---- lines for people ---- */

static const struct {
	const char *line;
	unsigned links;
} lines[] = {
	{ "-rw-r--r--    1 root     root            6 Nov 23 06:57 x", 1 },
	{ "-rw-r--r--    2 root     root            6 Nov 23 06:57 x", 2 },
	{ "drwxr-xr-x   12 0        0            4096 Nov 23 06:57 d", 12 },
	{ "-rw-rw-r--+ 1 a b 6 Nov 23 06:57 x", 1 },
	{ "lrwxrwxrwx    1 a b 6 Nov 23 06:57 x", 1 },
	{ "-rw-r--r--    ? a b 6 Nov 23 06:57 x", 0 },
	{ "-rw-r--r--    1", 0 },
	{ "-rw-r--r-- 12345678901 a b 6 Nov 23 06:57 x", 0 },
	{ "-rw-r--r-- 2x a b 6 Nov 23 06:57 x", 0 },
	{ "-rw-r--r-- -2 a b 6 Nov 23 06:57 x", 0 },
	{ "2 2 2 2 2 2 2 2 2 2 2 2", 0 },
	{ "11-23-26  06:57AM                 6 x", 0 },
	{ "x", 0 },
	{ "", 0 },
};

START_TEST(links)
{
	ck_assert_uint_eq(sftp_links(lines[_i].line, strlen(lines[_i].line)),
	    lines[_i].links);
}
END_TEST

/* ---- entries ---- */

static const struct {
	const char *name;
	size_t len;
	bool ok;
} names[] = {
	{ "job.json", 8, true },
	{ ".hidden", 7, true },
	{ "a\nb", 3, true },
	{ "", 0, false },
	{ ".", 1, false },
	{ "..", 2, false },
	{ "../etc", 6, false },
	{ "a/b", 3, false },
	{ "/", 1, false },
	{ "a\0b", 3, false },
};

static void
pack_entry(struct sp_buf *b, const char *name, size_t len, uint64_t size)
{
	sftp_pack_str(b, name, len);
	sftp_pack_text(b, "-rw-r--r--    2 root root 6 Nov 23 06:57 x");
	sftp_pack_u32(
	    b, SFTP_A_SIZE | SFTP_A_OWNER | SFTP_A_MODE | SFTP_A_TIMES);
	sftp_pack_u64(b, size);
	sftp_pack_u32(b, 7);
	sftp_pack_u32(b, 8);
	sftp_pack_u32(b, 0100644);
	sftp_pack_u32(b, 1000);
	sftp_pack_u32(b, 2000);
}

START_TEST(entry)
{
	struct sp_buf b = SP_BUF_INIT(10000);
	char name[NAME_MAX + 1] = "";
	struct sftp_in in;
	struct stat st;

	pack_entry(&b, names[_i].name, names[_i].len, 5);
	in = (struct sftp_in){ (const uint8_t *)b.data, b.len, false };
	ck_assert_int_eq(sftp_entry(&in, name, &st), names[_i].ok);
	/* A name that is none does not spoil those behind it. */
	ck_assert(!in.bad && in.left == 0);
	if (names[_i].ok) {
		ck_assert_str_eq(name, names[_i].name);
		ck_assert_uint_eq(st.st_nlink, 2);
		ck_assert_int_eq(st.st_size, 5);
		ck_assert_uint_eq(st.st_uid, 7);
		ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
		ck_assert(S_ISREG(st.st_mode));
	}
	sp_buf_clear(&b);
}
END_TEST

/* Cut anywhere, it is bad and nothing is read beyond. */
START_TEST(entry_cut)
{
	struct sp_buf b = SP_BUF_INIT(10000);
	char name[NAME_MAX + 1];
	struct stat st;

	pack_entry(&b, "job.json", 8, 5);
	for (size_t len = 0; len < b.len; len++) {
		/* Its own memory, so that a sanitizer sees one byte more. */
		uint8_t *part = malloc(len + 1);
		struct sftp_in in = { part, len, false };

		ck_assert(part != NULL);
		memcpy(part, b.data, len);
		ck_assert(!sftp_entry(&in, name, &st));
		ck_assert(in.bad);
		free(part);
	}
	sp_buf_clear(&b);
}
END_TEST

START_TEST(entry_huge)
{
	struct sp_buf b = SP_BUF_INIT(10000);
	char name[NAME_MAX + 1];
	struct sftp_in in;
	struct stat st;

	pack_entry(&b, "x", 1, (uint64_t)INT64_MAX + 1);
	in = (struct sftp_in){ (const uint8_t *)b.data, b.len, false };
	ck_assert(!sftp_entry(&in, name, &st));
	ck_assert(in.bad);
	sp_buf_clear(&b);
}
END_TEST

/* ---- packets ---- */

static const struct {
	uint8_t data[8];
	size_t len;
	int want;
} packets[] = {
	{ { 0 }, 0, 0 },
	{ { 0, 0, 0 }, 3, 0 },
	{ { 0, 0, 0, 5, 101, 0, 0, 0 }, 8, 0 },
	{ { 0, 0, 0, 4, 101, 0, 0, 0 }, 8, -1 },
	{ { 0, 0, 0, 0 }, 4, -1 },
	{ { 0, 4, 0, 0 }, 4, 0 },
	{ { 0, 4, 0, 1 }, 4, -1 },
	{ { 255, 255, 255, 255 }, 4, -1 },
};

START_TEST(packet)
{
	ck_assert_int_eq(sftp_packet_len(packets[_i].data, packets[_i].len),
	    packets[_i].want);
}
END_TEST

START_TEST(packed)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	size_t begun;

	sp_buf_puts(&b, "what was before");
	begun = sftp_pack(&b, SFTP_RENAME);
	sftp_pack_text(&b, "a");
	sftp_pack_text(&b, "bc");
	sftp_pack_end(&b, begun);
	sftp_pack_id(b.data + begun, 0x01020304);
	ck_assert_uint_eq(b.len - begun, 20);
	ck_assert(memcmp(b.data + begun,
		      "\0\0\0\x10\x12\1\2\3\4\0\0\0\1a\0\0\0\2bc", 20) == 0);
	ck_assert_int_eq(
	    sftp_packet_len((uint8_t *)b.data + begun, b.len - begun), 20);
	sp_buf_clear(&b);
}
END_TEST

START_TEST(version)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct sftp_features f;
	struct sftp_in in;

	sftp_pack_u32(&b, 3);
	sftp_pack_text(&b, "posix-rename@openssh.com");
	sftp_pack_text(&b, "1");
	sftp_pack_text(&b, "fsync@openssh.com");
	sftp_pack_text(&b, "2"); /* another one than we know */
	sftp_pack_text(&b, "statvfs@openssh.com");
	sftp_pack_text(&b, "2");
	sftp_pack_text(&b, "what-comes@example.com");
	sftp_pack_text(&b, "");
	in = (struct sftp_in){ (const uint8_t *)b.data, b.len, false };
	sftp_version(&in, &f);
	ck_assert(!in.bad && f.version == 3);
	ck_assert(f.posix_rename && f.statvfs);
	ck_assert(!f.fsync && !f.hardlink && !f.limits);
	in = (struct sftp_in){ (const uint8_t *)b.data, b.len - 1, false };
	sftp_version(&in, &f);
	ck_assert(in.bad);
	sp_buf_clear(&b);
}
END_TEST

/* ---- URLs ---- */

static const struct {
	const char *url, *user, *host;
	unsigned port;
	const char *path;
} urls[] = {
	{ "sftp://w1@boss/spool", "w1", "boss", 22, "/spool" },
	{ "sftp://w1@boss:2222/srv/spool/", "w1", "boss", 2222, "/srv/spool" },
	{ "sftp://boss.example.com/s", "", "boss.example.com", 22, "/s" },
	{ "sftp://w@[2001:db8::1]:2022/s", "w", "2001:db8::1", 2022, "/s" },
	{ "sftp://w@boss/a%20b", "w", "boss", 22, "/a b" },
	{ "sftp://w@boss/", "w", "boss", 22, "/" },
	{ "sftp://w:secret@boss/s", NULL, NULL, 0, NULL },
	{ "sftp://boss", NULL, NULL, 0, NULL },
	{ "sftp://@boss/s", NULL, NULL, 0, NULL },
	{ "sftp:///s", NULL, NULL, 0, NULL },
	{ "sftp://w@-oProxyCommand=x/s", NULL, NULL, 0, NULL },
	{ "sftp://w@-x/s", NULL, NULL, 0, NULL },
	{ "sftp://-w@boss/s", NULL, NULL, 0, NULL },
	{ "sftp://w@boss:0/s", NULL, NULL, 0, NULL },
	{ "sftp://w@boss:65536/s", NULL, NULL, 0, NULL },
	{ "sftp://w@boss:x/s", NULL, NULL, 0, NULL },
	{ "sftp://w@boss:/s", NULL, NULL, 0, NULL },
	{ "sftp://w@[::1/s", NULL, NULL, 0, NULL },
	{ "sftp://w@bo ss/s", NULL, NULL, 0, NULL },
	{ "sftp://w@boss/a%00b", NULL, NULL, 0, NULL },
	{ "sftp://w@boss/a%2", NULL, NULL, 0, NULL },
	{ "scp://w@boss/s", NULL, NULL, 0, NULL },
};

START_TEST(url)
{
	struct sp_err err = { "" };
	char path[PATH_MAX] = "";
	struct ssh_site site;
	enum sp_status st = sftp_url(urls[_i].url, &site, path, &err);

	if (urls[_i].host == NULL) {
		ck_assert_int_eq(st, SP_FATAL);
		ck_assert_str_ne(err.text, "");
		return;
	}
	ck_assert_msg(st == SP_OK, "%s: %s", urls[_i].url, err.text);
	ck_assert_str_eq(site.user, urls[_i].user);
	ck_assert_str_eq(site.host, urls[_i].host);
	ck_assert_uint_eq(site.port, urls[_i].port);
	ck_assert_str_eq(path, urls[_i].path);
}
END_TEST

/* ---- known_hosts ---- */

static const struct {
	const char *line, *name;
	enum knownhost_kind kind;
	bool is;
} hosts[] = {
	{ "boss ssh-ed25519 AAAA", "boss", KNOWNHOST_KEY, true },
	{ "  boss\tssh-ed25519\tAAAA a comment", "boss", KNOWNHOST_KEY, true },
	{ "boss ssh-ed25519 AAAA", "bos", KNOWNHOST_KEY, false },
	{ "boss ssh-ed25519 AAAA", "bosss", KNOWNHOST_KEY, false },
	{ "boss ssh-ed25519 AAAA", "[boss]:2222", KNOWNHOST_KEY, false },
	{ "[boss]:2222 ssh-rsa AAAA", "[boss]:2222", KNOWNHOST_KEY, true },
	{ "[boss]:2222 ssh-rsa AAAA", "boss", KNOWNHOST_KEY, false },
	{ "a,boss,10.0.0.1 ssh-rsa AAAA", "10.0.0.1", KNOWNHOST_KEY, true },
	{ "*.example.com ssh-rsa A", "b.example.com", KNOWNHOST_KEY, true },
	{ "*.example.com ssh-rsa A", "example.com", KNOWNHOST_KEY, false },
	{ "!b.x,*.x ssh-rsa A", "b.x", KNOWNHOST_KEY, false },
	{ "*.x,!b.x ssh-rsa A", "b.x", KNOWNHOST_KEY, false },
	{ "b?ss ssh-rsa A", "boss", KNOWNHOST_KEY, true },
	{ "* ssh-rsa A", "whoever", KNOWNHOST_KEY, true },
	{ "a*b*c ssh-rsa A", "aXbYbZc", KNOWNHOST_KEY, true },
	{ "a*b*c ssh-rsa A", "aXbYbZ", KNOWNHOST_KEY, false },
	{ "@revoked * ssh-rsa A", "boss", KNOWNHOST_REVOKED, true },
	{ "@cert-authority *.x ssh-rsa A", "b.x", KNOWNHOST_CA, true },
	{ "@what boss ssh-rsa A", "boss", KNOWNHOST_NONE, false },
	{ "# boss ssh-rsa A", "boss", KNOWNHOST_NONE, false },
	{ "boss ssh-rsa", "boss", KNOWNHOST_NONE, false },
	{ "", "boss", KNOWNHOST_NONE, false },
	{ "|1|AAAA|BBBB ssh-rsa A", "boss", KNOWNHOST_KEY, false },
};

START_TEST(known)
{
	const char *line = hosts[_i].line;
	struct knownhost k;

	knownhost_parse(line, strlen(line), &k);
	ck_assert_int_eq(k.kind, hosts[_i].kind);
	ck_assert_int_eq(
	    k.kind != KNOWNHOST_NONE && knownhost_names(&k, hosts[_i].name),
	    hosts[_i].is);
}
END_TEST

static const struct {
	const char *in, *out;
} base64s[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
	{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfd", "//79" } };

START_TEST(base64)
{
	char out[32];

	knownhost_base64(base64s[_i].in, strlen(base64s[_i].in), out);
	ck_assert_str_eq(out, base64s[_i].out);
}
END_TEST

Suite *
sftp_suite(void)
{
	Suite *s = suite_create("sftp");
	TCase *tc = tcase_create("sftp");

	ADD_TABLE(tc, links, lines);
	ADD_TABLE(tc, entry, names);
	tcase_add_test(tc, entry_cut);
	tcase_add_test(tc, entry_huge);
	ADD_TABLE(tc, packet, packets);
	tcase_add_test(tc, packed);
	tcase_add_test(tc, version);
	ADD_TABLE(tc, url, urls);
	ADD_TABLE(tc, known, hosts);
	ADD_TABLE(tc, base64, base64s);
	suite_add_tcase(s, tc);
	return s;
}
