/*
 * listen.h - a listening TCP socket from ADDR:PORT, as people write it.
 */
#ifndef SP_LISTEN_H
#define SP_LISTEN_H

#include <stdbool.h>

#include "libspool/err.h"

#define SP_WHERE_MAX 80

/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (all addresses);
 * port 0: any that is free.  SP_BAD: it is no such text, or that address is
 * not ours; SP_RETRY: somebody else has it. */
enum sp_status sp_listen(const char *where, int *fd_out, struct sp_err *err);
/* Where an open one listens, with its port; and can only this host reach it?
 * SP_BAD: it does not listen. */
enum sp_status sp_listens(int fd, char where_out[SP_WHERE_MAX],
    bool *loopback_out, struct sp_err *err);

#endif
