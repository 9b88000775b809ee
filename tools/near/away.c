/*
 * away.c - in place of topdraw.c and yaml.c in the `spool` without their
 * libraries, whose loading costs each start a quarter of a millisecond.  The
 * verbs that call them say so (struct verb.far), and run in far/spool.
 */
#include "tools/top.h"
#include "tools/yaml.h"

bool
top_open(void)
{
	complain("this program draws no screen");
	return false;
}

void
top_close(void)
{
}

void
top_draw(struct top *top)
{
	(void)top;
}

enum top_key
top_key(int ms)
{
	(void)ms;
	return TOP_END;
}

bool
top_ask(const char *what)
{
	(void)what;
	return false;
}

enum sp_status
yaml_read(const char *text, size_t len, struct sp_buf *json_out,
    struct yaml_places *places_out, struct sp_err *err)
{
	(void)text, (void)len, (void)json_out, (void)places_out;
	return sp_err_set(err, SP_FATAL, "this program reads no YAML");
}

size_t
yaml_line(const struct yaml_places *places, const char *path)
{
	(void)places, (void)path;
	return 0;
}

void
yaml_clear(struct yaml_places *places)
{
	(void)places;
}
