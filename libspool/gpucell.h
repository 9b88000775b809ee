/*
 * gpucell.h - the cells of the tables of gputext.h; private to it.  Pure.
 *
 * A driver that is unwell prints words where numbers should be.  "[N/A]" and
 * the like say that this one number is not to be had; anything else in their
 * place, "[GPU is lost]", "ERR!", says that the GPU is not.
 */
#ifndef SP_GPUCELL_H
#define SP_GPUCELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_GPU_CELLS 16

enum sp_gpu_col {
	SP_COL_OTHER,
	SP_COL_INDEX,
	SP_COL_UUID,
	SP_COL_NAME,
	SP_COL_TOTAL,
	SP_COL_USED,
	SP_COL_MIG,
	SP_COL_PARENT,
	SP_COL_GPU,
	SP_COL_PID,
	SP_COL_MIB,
	SP_COL_USER
};

/* Cut a line at ", ", in place, into `most` cells at the most; the last takes
 * the rest.  Returns how many. */
size_t sp_gpu_cells(char *line, size_t most, char *cell_out[SP_GPU_CELLS]);

/* The column that a cell of a heading names. */
enum sp_gpu_col sp_gpu_column(const char *cell, bool *known_out);

/* A number from 0; else -1, and whether the words in its place are harmless. */
int64_t sp_gpu_number(const char *cell, bool *harmless_out);

/* Why a GPU is not to be had, "[GPU is lost]" without its brackets; the first
 * such word stays. */
void sp_gpu_word(char *word_out, size_t size, const char *cell);

#endif
