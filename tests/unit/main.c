/*
 * main.c - runs all suites.  Failures come first and the summary last, so that
 * one look at the last line is enough.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/suites.h"

static Suite *(*const suites[])(void) = {
	buf_suite,
	bundle_suite,
	err_suite,
	log_suite,
	id_suite,
	name_suite,
	state_suite,
	policy_suite,
	lease_suite,
	fit_suite,
	gputext_suite,
	json_suite,
	jsonout_suite,
	time_suite,
	job_suite,
	order_suite,
	prune_suite,
	sweep_suite,
	jobedit_suite,
	units_suite,
	outcome_suite,
	ends_suite,
	beat_suite,
	row_suite,
	metric_suite,
	sha256_suite,
	manifest_suite,
	reason_suite,
	blob_suite,
	fs_suite,
	handles_suite,
	claim_suite,
	far_suite,
	imports_suite,
	facts_suite,
	words_suite,
	wish_suite,
	streak_suite,
	answer_suite,
	answerlist_suite,
	origin_suite,
	sftp_suite,
	token_suite,
	http_suite,
	scan_suite,
	mount_suite,
	where_suite,
};

static void
failures_print(SRunner *runner, int n)
{
	TestResult **result = srunner_failures(runner);

	for (int i = 0; i < n; i++)
		printf("%s:%d: %s: %s\n", tr_lfile(result[i]),
		    tr_lno(result[i]), tr_tcname(result[i]), tr_msg(result[i]));
	free(result);
}

int
main(void)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < COUNT(suites); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	failures_print(runner, failed);
	srunner_print(runner, CK_MINIMAL);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
