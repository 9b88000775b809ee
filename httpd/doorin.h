/*
 * doorin.h - private to the door.
 */
#ifndef HTTPD_DOORIN_H
#define HTTPD_DOORIN_H

#include "httpd/http.h"

struct MHD_Connection;
struct MHD_Response;

/* What is to be sent; takes text, file or stream out of the answer.  NULL: no
 * memory. */
struct MHD_Response *
door_response(struct answer *a, struct MHD_Connection *mhd);

#endif
