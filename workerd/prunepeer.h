/*
 * prunepeer.h - the runs of a sweep, as their metrics tell (order.prune): what
 * is known of each is kept, and grows.  Only prune.c's thread is here.
 */
#ifndef WORKER_PRUNEPEER_H
#define WORKER_PRUNEPEER_H

#include "libspool/prune.h"
#include "transport/transport.h"

struct prune_peers;

struct prune_peers *prunepeer_new(const struct tr_ops *ops, struct tr *tr);
void prunepeer_free(struct prune_peers *peers);

/* Fold what came to one run, and say to how many rungs it has come. */
enum sp_status prunepeer_own(struct prune_peers *peers,
    const struct sp_sweep *sweep, const struct sp_prune *prune,
    const struct sp_id *id, size_t *come_out, struct sp_err *err);
/* The same of all others that had not come to this rung at the last look. */
enum sp_status
prunepeer_look(struct prune_peers *peers, const struct sp_sweep *sweep,
    const struct sp_prune *prune, const struct sp_id *id, size_t rung);
/* As they are known: does this one go on?  sp_prune_on. */
bool prunepeer_judge(struct prune_peers *peers, const struct sp_sweep *sweep,
    const struct sp_prune *prune, const struct sp_id *id, size_t rung,
    double *own_out, char words_out[SP_PRUNE_WORDS]);

#endif
