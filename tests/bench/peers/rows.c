/*
 * rows.c - what is measured, and how somebody else would run it.
 */
#include "tests/bench/peers/peers.h"

#define SERVE_BEANS "beanstalkd -l unix:SOCK"
#define CELERY                                                                 \
	"celery -A celeryrun worker -c 2 --without-gossip --without-mingle"    \
	" --without-heartbeat; "
#define REDIS  "redis-server --port 0 --unixsocket SOCK --save ''"
#define OURS   "workerd -j 2 --cold SPOOL; "
#define FUNC   "celeryrun.py: 500 times task.delay(JOB), then get() of each"
#define SUBMIT "spool submit jobs.jsonl"

const struct peer_row peer_rows[] = {
	{ PEER_TRUE, "spool", "spool, durable", &peer_ours, OURS_BUNDLE, 500,
	    OURS SUBMIT " (500 lines)" },
	{ PEER_TRUE, "spool", "spool, durable, submits one at a time",
	    &peer_ours, OURS_EACH, 500,
	    OURS "500 times sp_submit (libspool) of one job" },
	{ PEER_TRUE, "spool", "spool, \"durable\": false", &peer_ours, OURS_LAX,
	    500, OURS SUBMIT " (500 lines)" },
	{ PEER_TRUE, "beanstalkd", "beanstalkd, in memory", &peer_bean,
	    BEAN_MEMORY, 500,
	    SERVE_BEANS "; 2 workers in C: reserve, posix_spawn, waitpid,"
			" delete; 500 puts by one client" },
	{ PEER_TRUE, "beanstalkd", "beanstalkd -b -f0 (durable)", &peer_bean,
	    BEAN_DURABLE, 500, SERVE_BEANS " -b DIR -f0; the same" },
	{ PEER_TRUE, "nq", "nq", &peer_nq, 0, 400,
	    "400 times nq /bin/true, with 2 NQDIRs by turns; nq -w in each" },
	{ PEER_TRUE, "tsp", "task-spooler", &peer_tsp, 0, 400,
	    "tsp -S 2; 400 times tsp /bin/true; tsp -w of the last" },
	{ PEER_TRUE, "parallel", "GNU parallel", &peer_parallel, 0, 300,
	    "parallel -j 2 -N0 --joblog log -a list /bin/true (300 lines)" },
	{ PEER_TRUE, "celery", "celery, redis in memory", &peer_celery,
	    REDIS_MEMORY, 500, REDIS "; " CELERY FUNC },
	{ PEER_TRUE, "celery", "celery, redis that fsyncs", &peer_celery,
	    REDIS_DURABLE, 500,
	    REDIS " --appendonly yes --appendfsync always; the same" },
	{ PEER_TRUE, "rq", "rq, redis in memory", &peer_rq, REDIS_MEMORY, 200,
	    REDIS "; 2 times rqrun.py work; rqrun.py: 200 times enqueue" },
	{ PEER_TRUE, "at", "at, batch", &peer_at, 0, 1, "at now, batch" },

	{ PEER_PYTHON, "spool", "spool, durable, cold", &peer_ours, OURS_BUNDLE,
	    80, OURS SUBMIT " (80 lines)" },
	{ PEER_PYTHON, "spool", "spool, durable, warm, isolated", &peer_ours,
	    OURS_WARM, 1000,
	    "workerd -j 2 --warm json SPOOL; " SUBMIT " (1000 lines)" },
	{ PEER_PYTHON, "beanstalkd", "beanstalkd, in memory, cold", &peer_bean,
	    BEAN_MEMORY, 80, "as above, with python3 script.py JOB" },
	{ PEER_PYTHON, "nq", "nq, cold", &peer_nq, 0, 80,
	    "as above, with python3 script.py JOB" },
	{ PEER_PYTHON, "tsp", "task-spooler, cold", &peer_tsp, 0, 80,
	    "as above, with python3 script.py JOB" },
	{ PEER_PYTHON, "celery", "celery, function, no isolation", &peer_celery,
	    REDIS_MEMORY, 1000,
	    "as above; the script's lines as a function in the worker" },
	{ PEER_PYTHON, "rq", "rq, function, forks", &peer_rq, REDIS_MEMORY, 150,
	    "as above; the script's lines as a function in a fork" },

	{ PEER_START, "spool", "spool submit", &peer_ours, OURS_BUNDLE, 200,
	    OURS "spool submit job.json, the program" },
	{ PEER_START, "spool", "spool, by the library", &peer_ours, OURS_EACH,
	    200, OURS "sp_submit in a process that runs" },
	{ PEER_START, "spool", "spool, by cp", &peer_ours, OURS_CP, 200,
	    OURS "cp job.json SPOOL/new/" },
	{ PEER_START, "beanstalkd", "beanstalkd, in memory", &peer_bean,
	    BEAN_MEMORY, 200, "put by a client that runs" },
	{ PEER_START, "beanstalkd", "beanstalkd -b -f0", &peer_bean,
	    BEAN_DURABLE, 200, "put by a client that runs" },
	{ PEER_START, "nq", "nq", &peer_nq, 0, 200, "nq COMMAND" },
	{ PEER_START, "tsp", "task-spooler", &peer_tsp, 0, 200, "tsp COMMAND" },
	{ PEER_START, "celery", "celery, first line of a function",
	    &peer_celery, REDIS_MEMORY, 200,
	    "task.delay(JOB) by a client that runs" },
	{ PEER_START, "rq", "rq, first line of a function", &peer_rq,
	    REDIS_MEMORY, 100, "queue.enqueue(JOB) by a client that runs" },
};
const size_t peer_rows_n = sizeof peer_rows / sizeof *peer_rows;
