/*
 * suites.h - every suite there is: one line here, one in main.c.
 */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *buf_suite(void);
Suite *bundle_suite(void);
Suite *err_suite(void);
Suite *facts_suite(void);
Suite *log_suite(void);
Suite *id_suite(void);
Suite *name_suite(void);
Suite *state_suite(void);
Suite *policy_suite(void);
Suite *lease_suite(void);
Suite *fit_suite(void);
Suite *gputext_suite(void);
Suite *json_suite(void);
Suite *jsonout_suite(void);
Suite *time_suite(void);
Suite *job_suite(void);
Suite *order_suite(void);
Suite *prune_suite(void);
Suite *sweep_suite(void);
Suite *jobedit_suite(void);
Suite *units_suite(void);
Suite *outcome_suite(void);
Suite *ends_suite(void);
Suite *beat_suite(void);
Suite *row_suite(void);
Suite *metric_suite(void);
Suite *sha256_suite(void);
Suite *manifest_suite(void);
Suite *reason_suite(void);
Suite *blob_suite(void);
Suite *fs_suite(void);
Suite *handles_suite(void);
Suite *claim_suite(void);
Suite *far_suite(void);
Suite *imports_suite(void);
Suite *words_suite(void);
Suite *wish_suite(void);
Suite *streak_suite(void);
Suite *answer_suite(void);
Suite *answerlist_suite(void);
Suite *origin_suite(void);
Suite *sftp_suite(void);
Suite *token_suite(void);
Suite *http_suite(void);
Suite *scan_suite(void);
Suite *mount_suite(void);
Suite *where_suite(void);

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
/* A test that runs once for each row of a table, with the row's number in _i.
 */
#define ADD_TABLE(tcase, test, table)                                          \
	tcase_add_loop_test(tcase, test, 0, (int)COUNT(table))

#endif
