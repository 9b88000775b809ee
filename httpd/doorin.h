/*
 * doorin.h - private to the door.
 */
#ifndef HTTPD_DOORIN_H
#define HTTPD_DOORIN_H

#include <microhttpd.h>

#include "httpd/http.h"

/* What is to be sent; takes text, file or stream out of the answer.  NULL: no
 * memory. */
struct MHD_Response *
door_response(struct answer *a, struct MHD_Connection *mhd);

/* doorown.c: an answer of ours goes out. */
enum MHD_Result door_queue(
    struct MHD_Connection *mhd, unsigned status, struct MHD_Response *response);
void door_own_init(void); /* before the first connection */

#endif
