/*
 * memspool.c - a spool on a server in memory, and orders in it.
 */
#include <check.h>

#include "libspool/find.h"
#include "libspool/submit.h"
#include "tests/unit/memspool.h"

struct memfs *
memspool_new(void)
{
	struct memfs *server = memfs_new();
	struct sp_err err = { "" };

	ck_assert_msg(
	    sp_spool_make_at(memfs_client(server, 0), "mem", &err) == SP_OK,
	    "%s", err.text);
	return server;
}

struct sp_name
memspool_order(const struct sp_spool *sp)
{
	static const char text[] = "{\"scriptName\": \"a.py\"}";
	struct sp_submit s = {
		.text = text, .len = sizeof text - 1, .label = "a", .prio = -1
	};
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_state at;

	ck_assert_msg(sp_submit(sp, &s, 1, &err) == SP_OK, "%s", err.text);
	ck_assert_int_eq(sp_find(sp, &s.id, &at, &name, &err), SP_OK);
	ck_assert_int_eq(at, SP_NEW);
	return name;
}
