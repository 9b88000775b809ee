/*
 * fuzz_metric.c - whatever a script writes as its metrics: the same summary in
 * whatever pieces it comes; it prints, reads back, and goes on from there; and
 * what is shown of it is finite.
 */
#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "libspool/metric.h"
#include "libspool/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fold(struct sp_metrics *m, const char *text, size_t len, size_t piece)
{
	size_t at = 0, have = 0, took = 1;

	while (at + have < len || took > 0) {
		have += len - at - have < piece ? len - at - have : piece;
		took = sp_metrics_add(m, text + at, have);
		assert(took <= have && have - took <= SP_METRIC_LINE);
		at += took;
		have -= took;
	}
}

static void
same(const struct sp_metrics *a, const struct sp_metrics *b)
{
	struct sp_buf one = SP_BUF_INIT(SP_METRIC_TEXT),
		      two = SP_BUF_INIT(SP_METRIC_TEXT);

	sp_metrics_print(a, &one);
	sp_metrics_print(b, &two);
	assert(!one.failed && one.len == two.len &&
	    memcmp(one.data, two.data, one.len) == 0);
	sp_buf_clear(&one);
	sp_buf_clear(&two);
}

static void
shown(const struct sp_metrics *m)
{
	struct sp_row row = { .state = SP_ASSIGNED,
		.length = { .epochs = 10 } };

	sp_row_metrics(&row, m);
	assert(isfinite(row.step) && isfinite(row.loss) &&
	    isfinite(row.metric) && row.progress >= 0 && row.progress <= 1 &&
	    row.eta >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_buf text = SP_BUF_INIT(SP_METRIC_TEXT);
	const char *lines = (const char *)data;
	struct sp_metrics whole, pieces, back;
	size_t half = size / 2, took;

	sp_metrics_init(&whole);
	fold(&whole, lines, size, SIZE_MAX);
	sp_metrics_init(&pieces);
	fold(&pieces, lines, size, 1 + size / 37);
	same(&whole, &pieces);
	shown(&whole);

	/* stopped, written down, gone on */
	sp_metrics_init(&pieces);
	took = sp_metrics_add(&pieces, lines, half);
	sp_metrics_print(&pieces, &text);
	assert(!text.failed);
	assert(sp_metrics_parse(text.data, text.len, &back) == SP_OK);
	fold(&back, lines + took, size - took, SIZE_MAX);
	same(&whole, &back);

	/* and what is no text of ours */
	if (sp_metrics_parse(lines, size, &back) == SP_OK)
		shown(&back);
	sp_buf_clear(&text);
	return 0;
}
