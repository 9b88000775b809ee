/*
 * fuzz_sftp.c - what an SFTP server sends, and what stands in known_hosts: the
 * first byte says which of them the rest is.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/knownhost.h"
#include "transport/sftppack.h"
#include "transport/ssh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every packet, as sftpcall.c takes them apart. */
static void
packets(const uint8_t *data, size_t size)
{
	size_t at = 0;
	ssize_t n;

	while ((n = sftp_packet_len(data + at, size - at)) > 0) {
		struct sftp_in in = { data + at + 4, (size_t)n - 4, false };

		assert(at + (size_t)n <= size && n >= 9);
		(void)sftp_u8(&in);
		(void)sftp_u32(&in);
		assert(!in.bad);
		at += (size_t)n;
	}
}

static void
listing(struct sftp_in *in)
{
	char name[NAME_MAX + 1];
	struct stat st;
	uint32_t n;

	for (n = sftp_u32(in); n > 0 && !in->bad; n--) {
		if (!sftp_entry(in, name, &st))
			continue;
		assert(name[0] != '\0' && strchr(name, '/') == NULL);
		assert(strlen(name) <= NAME_MAX);
		assert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
		assert(st.st_size >= 0);
		assert(st.st_nlink <= 999999999);
	}
}

static void
known(const char *text, size_t size)
{
	struct knownhost k;
	const char *end = text + size;

	knownhost_parse(text, size, &k);
	if (k.kind == KNOWNHOST_NONE)
		return;
	assert(k.hosts >= text && k.key + k.key_len <= end);
	assert(k.hosts_len > 0 && k.type_len > 0 && k.key_len > 0);
	(void)knownhost_names(&k, "[boss.example.com]:2222");
}

static void
url(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), path[PATH_MAX];
	struct ssh_site site;

	assert(text != NULL);
	if (size > 0)
		(void)memcpy(text, data, size);
	text[size] = '\0';
	if (sftp_url(text, &site, path, NULL) == SP_OK) {
		assert(path[0] == '/' && strlen(path) < PATH_MAX);
		assert(site.host[0] != '\0' && site.host[0] != '-');
		assert(site.port > 0 && site.port < 65536);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sftp_features features;
	struct sftp_in in;
	struct statvfs vfs;
	struct stat st;

	if (size == 0)
		return 0;
	in = (struct sftp_in){ data + 1, size - 1, false };
	switch (data[0]) {
	case 'p':
		packets(data + 1, size - 1);
		break;
	case 'n':
		listing(&in);
		break;
	case 'a':
		sftp_attrs(&in, &st);
		assert(st.st_size >= 0);
		break;
	case 'v':
		sftp_version(&in, &features);
		break;
	case 's':
		sftp_statvfs(&in, &vfs);
		break;
	case 'k':
		known((const char *)data + 1, size - 1);
		break;
	case 'u':
		url(data + 1, size - 1);
		break;
	case 'l':
		(void)sftp_links((const char *)data + 1, size - 1);
		break;
	default:
		break;
	}
	return 0;
}
