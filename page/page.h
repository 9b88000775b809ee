/*
 * page.h - the page that people look at, as part of the programs: its files,
 * and orders as it reads them.  spool-httpd(8) serves it, `spool page` writes
 * it as one file.
 *
 *	index.html, page.css	what is seen
 *	*.mjs			what it does: modules, page.js in one
 *	d3.js			the library that draws, from Debian's packages
 *	table.c			orders as the page reads them
 */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/row.h"

/* Its files, up to one without a name; the first is index.html, and names the
 * others as their names are.  Made by the Makefile. */
struct page_file {
	const char *name, *type;
	const unsigned char *text;
	size_t size;
};
extern const struct page_file page_files[];

#define PAGE_METRICS 24  /* of an order, as many as a table shows */
#define PAGE_ERROR   200 /* bytes of its error */

/* The names of what page_row_print puts, as a JSON list. */
extern const char page_columns[];
/* One JSON list: an order with its facts and its metrics, if the row has them
 * (INDEX_FACTS, INDEX_METRICS). */
void page_row_print(const struct sp_row *row, struct sp_buf *text_out);

#endif
