/*
 * pagedata.h - what a spool's page shows, as one JSON object for a page that is
 * a file (page/saved.mjs reads it).
 */
#ifndef PAGEDATA_H
#define PAGEDATA_H

#include "tools/spool.h"

struct page_share {
	size_t rows;    /* the newest so many */
	size_t details; /* and of so many of these curves, logs and the like */
};

/* {"about","table","workers","curves","runs"}, appended to text_out. */
enum sp_status page_data(struct tool *tool, const struct page_share *share,
    struct sp_buf *text_out, struct sp_err *err);

#endif
