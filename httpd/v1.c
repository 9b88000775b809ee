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
	{ M_GET, "/v1/table", READ, BODY_NONE, 0, v1_table },
	{ M_GET, "/v1/curves", READ, BODY_NONE, 0, v1_curves },
	{ M_GET, "/v1/orders/{}", ANY, BODY_NONE, 0, v1_order },
	{ M_GET, "/v1/orders/{}/job", ANY, BODY_NONE, 0, v1_job },
	{ M_GET, "/v1/orders/{}/outcome", READ | SUBMIT, BODY_NONE, 0,
	    v1_outcome },
	{ M_GET, "/v1/orders/{}/attempts", READ, BODY_NONE, 0, v1_attempts },
	{ M_GET, "/v1/orders/{}/log", READ, BODY_NONE, 0, v1_log },
	{ M_GET, "/v1/orders/{}/metrics", READ, BODY_NONE, 0, v1_metrics },
	{ M_GET, "/v1/orders/{}/out", READ | WORK, BODY_NONE, 0, v1_out_list },
	{ M_GET, "/v1/orders/{}/out/{*}", READ | WORK, BODY_NONE, 0,
	    v1_out_get },
	{ M_GET, "/v1/orders/{}/pins", READ | WORK, BODY_NONE, 0, v1_pins },
	{ M_POST, "/v1/orders/{}/cancel", SUBMIT, BODY_NONE, 0, v1_cancel },
	{ M_POST, "/v1/orders/{}/retry", SUBMIT, BODY_NONE, 0, v1_retry },
	{ M_PUT, "/v1/orders/{}/priority", SUBMIT, BODY_NONE, 0, v1_priority },
	{ M_PUT, "/v1/orders/{}/hold", SUBMIT, BODY_NONE, 0, v1_hold },
	{ M_DELETE, "/v1/orders/{}/hold", SUBMIT, BODY_NONE, 0, v1_hold },
	{ M_GET, "/v1/outcomes", READ, BODY_NONE, 0, v1_outcomes },

	{ M_GET, "/v1/ready", WORK, BODY_NONE, 0, v1_ready },
	{ M_GET, "/v1/ready/{}", WORK, BODY_NONE, 0, v1_ready_text },
	{ M_POST, "/v1/ready/{}/refuse", WORK, BODY_JSON, JSON_MOST,
	    v1_refuse },
	{ M_POST, "/v1/claim", WORK, BODY_JSON, JSON_MOST, v1_claim },
	{ M_POST, "/v1/claims", WORK, BODY_JSON, JSON_MOST, v1_claims },
	{ M_GET, "/v1/claims/{}", WORK, BODY_NONE, 0, v1_claim_look },
	{ M_PUT, "/v1/claims/{}/log", WORK, BODY_ANY, LOG, v1_log_append },
	{ M_PUT, "/v1/claims/{}/metrics", WORK, BODY_ANY, LOG,
	    v1_metrics_append },
	{ M_PUT, "/v1/claims/{}/pins", WORK, BODY_JSON, JSON_MOST, v1_pin },
	{ M_PUT, "/v1/claims/{}/out/{*}", WORK, BODY_ANY, FILE_MOST,
	    v1_out_put },
	{ M_DELETE, "/v1/claims/{}/out/{*}", WORK, BODY_NONE, 0,
	    v1_out_remove },
	{ M_POST, "/v1/claims/{}/release", WORK, BODY_JSON, JSON_MOST,
	    v1_release },
	{ M_POST, "/v1/claims/{}/cancel", WORK, BODY_JSON, 2 * JSON_MOST,
	    v1_claim_cancel },
	{ M_POST, "/v1/commit", WORK, BODY_JSON, MANY, v1_commit },

	{ M_GET, "/v1/workers", READ, BODY_NONE, 0, v1_workers },
	{ M_PUT, "/v1/workers/{}", WORK, BODY_JSON, JSON_MOST, v1_beat },
	{ M_GET, "/v1/workers/{}", READ | WORK, BODY_NONE, 0, v1_worker },
	{ M_DELETE, "/v1/workers/{}", WORK, BODY_NONE, 0, v1_bye },
	{ M_GET, "/v1/workers/{}/held", WORK, BODY_NONE, 0, v1_held },
	{ M_DELETE, "/v1/workers/{}/wishes/resume", WORK, BODY_NONE, 0,
	    v1_resumed },
	{ M_GET, "/v1/marks", READ | SUBMIT, BODY_NONE, 0, v1_marks },
	{ M_GET, "/v1/wishes", READ, BODY_NONE, 0, v1_wishes },
	{ M_PUT, "/v1/wishes/{}/{}", ADMIN, BODY_NONE, 0, v1_wish },
	{ M_DELETE, "/v1/wishes/{}/{}", ADMIN, BODY_NONE, 0, v1_wish },
	{ M_POST, "/v1/peers", WORK, BODY_JSON, JSON_MOST, v1_peers },
	{ M_POST, "/v1/drained", WORK, BODY_JSON, 8 * JSON_MOST, v1_drained },

	{ M_GET, "/v1/scripts", ANY, BODY_NONE, 0, v1_names },
	{ M_GET, "/v1/scripts/{*}", ANY, BODY_NONE, 0, v1_file },
	{ M_PUT, "/v1/scripts/{*}", SUBMIT, BODY_ANY, FILE_MOST, v1_file_put },
	{ M_GET, "/v1/data", ANY, BODY_NONE, 0, v1_names },
	{ M_GET, "/v1/data/{*}", ANY, BODY_NONE, 0, v1_file },
	{ M_PUT, "/v1/data/{*}", SUBMIT, BODY_ANY, FILE_MOST, v1_file_put },
	{ M_GET, "/v1/blobs/{}", ANY, BODY_NONE, 0, v1_blob },
	{ M_PUT, "/v1/blobs/{}", WORK | SUBMIT, BODY_ANY, FILE_MOST,
	    v1_blob_put },
	{ M_POST, "/v1/imports", WORK | SUBMIT, BODY_ANY, JSON_MOST,
	    v1_imports },
	{ 0, NULL, 0, BODY_NONE, 0, NULL },
};
