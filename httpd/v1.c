/*
 * v1.c - the table of /v1: method, path, who may, which body, and the handler.
 * openapi.json says the same to others; the tests hold the two together.
 */
#include "httpd/v1.h"
#include "libspool/token.h"

#define SUBMIT SP_ROLE_SUBMIT
#define WORK   SP_ROLE_WORK
#define READ   SP_ROLE_READ
#define ADMIN  SP_ROLE_ADMIN
#define ANY    (SUBMIT | WORK | READ)

#define MANY (80 << 20) /* outcomes of a group, jobs of a bundle */
#define LOG  (16 << 20) /* of a log at once */

const struct route v1_routes[] = {
	{ M_GET, "/v1", ANY, BODY_NONE, 0, v1_about },
	{ M_GET, "/v1/openapi.json", 0, BODY_NONE, 0, v1_document },
	{ M_GET, "/v1/room", WORK | READ, BODY_NONE, 0, v1_room },
	{ M_POST, "/v1/orders", SUBMIT, BODY_ANY, MANY, v1_submit },
	{ M_GET, "/v1/orders", READ, BODY_NONE, 0, v1_orders },
	{ M_GET, "/v1/orders/{}", ANY, BODY_NONE, 0, v1_order },
	{ M_GET, "/v1/orders/{}/job", ANY, BODY_NONE, 0, v1_job },
	{ M_GET, "/v1/orders/{}/outcome", READ | SUBMIT, BODY_NONE, 0,
	    v1_outcome },
	{ M_POST, "/v1/orders/{}/cancel", SUBMIT, BODY_NONE, 0, v1_cancel },
	{ M_PUT, "/v1/orders/{}/hold", SUBMIT, BODY_NONE, 0, v1_hold },
	{ M_DELETE, "/v1/orders/{}/hold", SUBMIT, BODY_NONE, 0, v1_hold },
	{ M_GET, "/v1/outcomes", READ, BODY_NONE, 0, v1_outcomes },
	{ 0, NULL, 0, BODY_NONE, 0, NULL },
};
