/*
 * media.c - all media that there are (media.h).
 */
#include <stddef.h>

#include "transport/dir.h"
#include "transport/http.h"
#include "transport/httptree.h"
#include "transport/media.h"
#include "transport/origin.h"
#include "transport/post.h"
#include "transport/sftpfs.h"

const struct tr_medium tr_media[] = {
	/* Files on another machine are the same transport as files here. */
	{ "sftp", &dir_ops, sftp_reach },
	{ "https", &http_ops, http_tree_root },
	{ "http", &http_ops, http_tree_root },
	{ NULL, NULL, NULL },
};

const struct tr_origin_ops *const tr_origin = &tr_origin_ops;
const struct tr_server *const tr_server = &http_tree_server;
tr_post_fn *const tr_post = post_json;

enum sp_status
tr_begin(char **argv, struct sp_err *err)
{
	(void)argv;
	(void)err;
	return SP_OK;
}

enum sp_status
tr_far(struct sp_err *err)
{
	(void)err;
	return SP_OK;
}
