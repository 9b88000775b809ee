/*
 * test_mount.c - how mounts and exports are judged, by recorded lines; and what
 * follows from a certificate.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/certificate.h"
#include "libspool/mount.h"
#include "tests/unit/suites.h"

/* "bad option soft|warn ..." of all that is not ok: the first word of each. */
static void
words_of(const struct sp_findings *found, char *out, size_t size)
{
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < found->n; i++) {
		const struct sp_finding *f = &found->one[i];

		if (f->level == SP_FOUND_OK)
			continue;
		ck_assert_msg(f->mend[0] != '\0', "no mend: %s", f->measured);
		n += (size_t)snprintf(out + n, size - n, "%s%s %.*s",
		    n == 0 ? "" : "|", sp_level_text(f->level),
		    (int)strcspn(f->measured, ":, "), f->measured);
	}
}

#define AT "41 29 0:47 / /mnt/spool rw,relatime shared:22 - "

static const struct {
	const char *line, *words;
	bool net;
} mounts[] = {
	{ "29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw", "", false },
	{ "29 1 254:0 / / rw - ext4 /dev/vda rw,errors=remount-ro", "", false },
	{ "29 1 254:0 / / rw - ext4 /dev/vda rw,nobarrier", "bad nobarrier",
	    false },
	{ "29 1 254:0 / / rw - ext3 /dev/vda rw,barrier=0", "bad barrier=0",
	    false },
	{ "29 1 254:0 / / rw - ext3 /dev/vda rw,barrier=1", "", false },
	{ "29 1 254:0 /a /b ro,relatime - xfs /dev/sdb1 rw", "bad ro", false },
	{ "29 1 254:0 / / rw - btrfs /dev/sdb1 rw,space_cache=v2", "", false },
	{ "29 1 254:0 / / rw - ext2 /dev/sdb1 rw", "warn ext2", false },
	{ "25 29 0:22 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs "
	  "rw,size=65536k",
	    "bad tmpfs", false },
	{ "1 2 0:5 / / rw - overlay overlay "
	  "rw,lowerdir=/l,upperdir=/u,workdir=/w",
	    "warn overlay", false },
	{ "1 2 0:5 / / rw - overlay overlay rw,upperdir=/u,volatile",
	    "warn overlay|bad volatile", false },
	{ "1 2 8:1 / /usb rw - vfat /dev/sdc1 rw", "bad vfat", false },
	{ AT "nfs4 fs:/export "
	     "rw,vers=4.2,rsize=1048576,namlen=255,hard,proto=tcp,timeo=600,"
	     "retrans=2,sec=sys,local_lock=none",
	    "warn acdirmax=60", true },
	{ AT "nfs4 fs:/export "
	     "rw,vers=4.2,hard,proto=tcp,acregmin=1,acregmax=1,acdirmin=1,"
	     "acdirmax=1,lookupcache=pos",
	    "", true },
	{ AT "nfs4 fs:/export rw,vers=4.2,soft,proto=tcp,acdirmax=1",
	    "bad soft", true },
	{ AT "nfs4 fs:/export rw,vers=4.1,softerr,softreval,acdirmax=1",
	    "bad softerr", true },
	{ AT "nfs4 fs:/export rw,vers=4.2,hard,nocto,acdirmax=1", "bad nocto",
	    true },
	{ AT "nfs fs:/export "
	     "rw,vers=3,hard,nolock,proto=udp,acdirmin=30,acdirmax=1",
	    "warn proto=udp|warn nolock|warn acdirmax=30", true },
	{ AT "nfs fs:/export rw,vers=2,hard,noac", "bad vers=2|warn noac",
	    true },
	{ AT "nfs fs:/export rw,vers=3,hard,local_lock=all,acdirmax=3",
	    "warn local_lock=all", true },
	{ AT "fuse.sshfs u@h:/srv rw,user_id=0,group_id=0,allow_other",
	    "warn fuse.sshfs", true },
	{ AT "fuse.glusterfs h:/vol rw,user_id=0,max_read=131072",
	    "warn fuse.glusterfs", true },
	{ AT "ceph 10.0.0.1:6789:/ rw,name=admin,acl", "", true },
	{ AT "cifs //h/share rw,vers=3.1.1,cache=strict,soft",
	    "warn cifs|bad soft", true },
	{ AT "cifs //h/share rw,vers=3.1.1,cache=loose",
	    "warn cifs|bad cache=loose", true },
	{ AT "9p share rw,trans=virtio,cache=loose", "warn 9p|bad cache=loose",
	    true },
	{ AT "fuse.mergerfs a:b rw", "warn fuse.mergerfs", true },
	{ AT "zonefs /dev/x rw", "warn zonefs", false },
};

START_TEST(judges_mounts)
{
	struct sp_findings found = { 0 };
	static struct sp_mount mount;
	char words[400];

	ck_assert(sp_mount_parse(mounts[_i].line, &mount));
	ck_assert_int_eq(sp_mount_net_is(&mount), mounts[_i].net);
	sp_mount_judge(&mount, &found);
	words_of(&found, words, sizeof words);
	ck_assert_str_eq(words, mounts[_i].words);
	sp_findings_clear(&found);
}
END_TEST

START_TEST(reads_mountinfo)
{
	static struct sp_mount m;

	ck_assert(sp_mount_parse("36 35 98:0 /m\\040nt1 /m\\0402 rw,noatime "
				 "master:1 shared:3 - nfs4 h:/a\\134b "
				 "rw,vers=4.2,errors=continue",
	    &m));
	ck_assert_int_eq(m.id, 36);
	ck_assert_str_eq(m.root, "/m nt1");
	ck_assert_str_eq(m.point, "/m 2");
	ck_assert_str_eq(m.source, "h:/a\\b");
	ck_assert_str_eq(sp_mount_option(&m, "vers"), "4.2");
	ck_assert_str_eq(sp_mount_option(&m, "noatime"), "");
	ck_assert_ptr_null(sp_mount_option(&m, "ver"));
	ck_assert_ptr_null(sp_mount_option(&m, "continue"));
	ck_assert(!sp_mount_parse("", &m));
	ck_assert(!sp_mount_parse("36 35 98:0 / /mnt rw", &m));
	ck_assert(!sp_mount_parse("36 35 98:0 / /mnt rw - ext4", &m));
	ck_assert(!sp_mount_parse("x y z / /mnt rw - ext4 /dev/x rw", &m));
}
END_TEST

static const struct {
	const char *text, *path, *words;
	size_t n; /* findings at all */
} exports[] = {
	{ "/srv 10.0.0.0/8(rw,sync)\n", "/srv/spool", "", 1 },
	{ "/srv 10.0.0.0/8(rw,async)\n", "/srv/spool", "bad /srv", 1 },
	{ "/srv\t*(async,rw) h2(rw)\n", "/srv", "bad /srv", 2 },
	{ "/srv *(rw,async)\n", "/srv2/spool", "", 0 },
	{ "# /srv *(async)\n/other *(async)\n", "/srv/spool", "", 0 },
	{ "/srv \\\n  *(rw,async)", "/srv/spool", "bad /srv", 1 },
	{ "\"/srv/my disk\" *(async)\n", "/srv/my disk/spool", "bad /srv/my",
	    1 },
	{ "/srv/my\\040disk *(async)\n", "/srv/my disk/spool", "bad /srv/my",
	    1 },
	{ "/ *(async)\n", "/srv/spool", "bad /", 1 },
	{ "/srv *(no_wdelay,asynchron)\n", "/srv/spool", "", 1 },
	{ "/srv *(rw,async", "/srv/spool", "bad /srv", 1 },
	{ "/srv", "/srv", "", 0 },
	{ "", "/srv", "", 0 },
};

START_TEST(judges_exports)
{
	struct sp_findings found = { 0 };
	char words[400];

	sp_exports_judge(exports[_i].text, exports[_i].path, &found);
	words_of(&found, words, sizeof words);
	ck_assert_str_eq(words, exports[_i].words);
	ck_assert_uint_eq(found.n, exports[_i].n);
	sp_findings_clear(&found);
}
END_TEST

/* ---- certificates ---- */

#define HEAD "{\"format\":1,\"when\":\"2026-11-23T12:00:00.000Z\","
#define HOST                                                                   \
	"\"hosts\":[{\"host\":\"a\",\"filesystem\":\"nfs4\",\"magic\":26985,"  \
	"\"clock\":0.5}]"

static const struct {
	const char *text, *why; /* NULL: it is one */
} texts[] = {
	{ HEAD "\"safe\":true," HOST "}", NULL },
	{ HEAD "\"safe\":false," HOST
	       ",\"lag\":{\"usual\":1,\"most\":2.5},\"skew\":0,\"more\":1}",
	    NULL },
	{ "", "" },
	{ "{}", "format" },
	{ "{\"format\":2}", "format" },
	{ "{\"format\":1,\"when\":7}", "when" },
	{ HEAD HOST "}", "safe" },
	{ HEAD "\"safe\":true}", "hosts" },
	{ HEAD "\"safe\":true,\"hosts\":[]}", "hosts" },
	{ HEAD "\"safe\":true,\"hosts\":[{\"host\":\"a\"}]}", "magic" },
	{ HEAD "\"safe\":true," HOST ",\"lag\":{\"most\":1}}", "usual" },
	{ HEAD "\"safe\":true," HOST
	       ",\"lag\":{\"usual\":3,\"most\":2},\"skew\":0}",
	    "usual" },
	{ HEAD "\"safe\":true," HOST
	       ",\"lag\":{\"usual\":1,\"most\":1e9},\"skew\":0}",
	    "most" },
	{ HEAD "\"safe\":true," HOST
	       ",\"lag\":{\"usual\":1,\"most\":2},\"skew\":-1}",
	    "skew" },
};

START_TEST(reads_certificates)
{
	struct sp_certificate cert;
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_certificate_parse(
	    texts[_i].text, strlen(texts[_i].text), &cert, &err);
	if (texts[_i].why == NULL)
		ck_assert_msg(st == SP_OK, "%s", err.text);
	else {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_msg(
		    strstr(err.text, texts[_i].why) != NULL, "%s", err.text);
	}
}
END_TEST

START_TEST(prints_certificates)
{
	struct sp_certificate cert = { .when = 1795000000123,
		.hosts = 1,
		.joined = true,
		.usual = 0.25,
		.most = 3.5,
		.skew = 0.125 },
			      back;
	struct sp_findings found = { 0 };
	struct sp_buf text = SP_BUF_INIT(SP_CERT_MAX);

	(void)snprintf(cert.host[0].host, 65, "a\"b");
	(void)snprintf(cert.host[0].type, 64, "nfs4");
	cert.host[0].magic = 0xff534d42;
	(void)sp_found(&found, SP_FOUND_BAD, "x", "do", "so");
	sp_certificate_print(&cert, &found, &text);
	ck_assert_int_eq(
	    sp_certificate_parse(text.data, text.len, &back, NULL), SP_OK);
	ck_assert_int_eq(back.when, cert.when);
	ck_assert(!back.safe && back.joined);
	ck_assert_str_eq(back.host[0].host, "a\"b");
	ck_assert(back.host[0].magic == 0xff534d42);
	ck_assert(back.most > 3.4 && back.most < 3.6);
	ck_assert_ptr_nonnull(strstr(text.data, "\"mend\":\"do\""));
	sp_findings_clear(&found);
	sp_buf_clear(&text);
}
END_TEST

/* usual, most, skew -> what is said; lease 60, beat 5, settle 10, poll 2 */
static const struct {
	double usual, most, skew;
	const char *words;
} times[] = {
	{ 0, 0, 0, "" },
	{ 0.001, 0.02, 0.001, "" },
	{ 2, 5, 0, "" },
	{ 3, 4, 0, "poll 2 -> 3.001 s" },
	{ 1, 6, 0, "settle 10 -> 12.001 s" },
	{ 30, 30, 0,
	    "poll 2 -> 30.001 s, settle 10 -> 60.001 s, lease 60 -> 100.001 "
	    "s" },
	{ 0, 0, 2, "settle 10 -> 12.001 s, halfRename 120 -> 122.001 s" },
};

START_TEST(reckons_times)
{
	struct sp_certificate cert = { .joined = true,
		.usual = times[_i].usual,
		.most = times[_i].most,
		.skew = times[_i].skew };
	struct sp_policy policy, was;
	char words[200];
	bool any;

	sp_policy_init(&policy);
	was = policy;
	any = sp_certificate_times(&cert, &policy, words);
	ck_assert_str_eq(words, times[_i].words);
	ck_assert_int_eq(any, words[0] != '\0');
	ck_assert(policy.poll >= was.poll && policy.settle >= was.settle &&
	    policy.lease >= was.lease && policy.half_rename >= was.half_rename);
	/* Of one host nothing is known that could change a time. */
	policy = was;
	cert.joined = false;
	ck_assert(!sp_certificate_times(&cert, &policy, words));
	ck_assert(memcmp(&policy, &was, sizeof was) == 0);
}
END_TEST

START_TEST(believes_certificates)
{
	struct sp_certificate cert = { .when = 1000000000000, .hosts = 2 };
	int64_t day = 86400000;
	char why[160];

	cert.host[0].magic = 1;
	cert.host[1].magic = 2;
	(void)snprintf(cert.host[0].type, 64, "nfs4");
	ck_assert(sp_certificate_good(&cert, cert.when, 2, why));
	ck_assert(sp_certificate_good(&cert, cert.when + 90 * day, 1, why));
	ck_assert(!sp_certificate_good(&cert, cert.when + 91 * day, 1, why));
	ck_assert_ptr_nonnull(strstr(why, "90 days"));
	ck_assert(sp_certificate_good(&cert, cert.when - day / 2, 1, why));
	ck_assert(!sp_certificate_good(&cert, cert.when - 2 * day, 1, why));
	ck_assert_ptr_nonnull(strstr(why, "future"));
	ck_assert(!sp_certificate_good(&cert, cert.when, 3, why));
	ck_assert_ptr_nonnull(strstr(why, "nfs4"));
}
END_TEST

Suite *
mount_suite(void)
{
	Suite *suite = suite_create("mount");
	TCase *tcase = tcase_create("mount");

	ADD_TABLE(tcase, judges_mounts, mounts);
	tcase_add_test(tcase, reads_mountinfo);
	ADD_TABLE(tcase, judges_exports, exports);
	ADD_TABLE(tcase, reads_certificates, texts);
	tcase_add_test(tcase, prints_certificates);
	ADD_TABLE(tcase, reckons_times, times);
	tcase_add_test(tcase, believes_certificates);
	suite_add_tcase(suite, tcase);
	return suite;
}
