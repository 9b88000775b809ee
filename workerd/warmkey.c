/*
 * warmkey.c - which jobs one server can serve: those with the same interpreter,
 * the same modules, and the same of those variables that Python or a library
 * reads while it starts.  The rest of the environment each fork gets for
 * itself.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workerd/warm.h"

#define KEY_MOST (1 << 20)

/* Of variables that are read at start-up or import; those that begin so, and
 * those that begin with the name of a module in capitals. */
static const char *const starts[] = { "PYTHON", "LD_", "LC_", "LANG", "TZ",
	"TMP", "TEMP", "HOME=", "PATH=", "USER=", "LOGNAME=", "XDG_",
	"VIRTUAL_ENV", "CONDA_", "MALLOC_", "GLIBC_",
	"GCONV_PATH=", "LOCPATH=", "NLSPATH=", "OMP_", "KMP_", "GOMP_", "MKL_",
	"OPENBLAS_", "BLIS_", "GOTO_", "VECLIB_", "NUMEXPR_", "NPY_", "CUDA_",
	"CUBLAS_", "CUDNN_", "NCCL_", "NVIDIA_", "NVTE_", "HIP_", "ROCR_",
	"TORCH", "PYTORCH_", "TF_", "XLA_", "JAX_", "MPL",
	"DISPLAY=", "SKLEARN_", "HF_", "OPENSSL_", "SSL_", NULL };

/* SPOOL_DATA is another in each job, and no library's; the GPUs are chosen
 * when one is first used, and then a server is none. */
static bool
never_is(const char *pair)
{
	return (strncmp(pair, "SPOOL_", 6) == 0 &&
		   strncmp(pair, "SPOOL_DIR=", 10) != 0) ||
	    strncmp(pair, "CUDA_VISIBLE_DEVICES=", 21) == 0;
}

static bool
module_is(const char *pair, const char *module)
{
	size_t n = strcspn(module, "."), i;

	for (i = 0; i < n; i++)
		if (pair[i] != toupper((unsigned char)module[i]))
			return false;
	return pair[n] == '_';
}

static bool
keyed_is(const struct warm_want *want, const char *pair)
{
	size_t i;

	if (never_is(pair))
		return false;
	if (strstr(pair, "_NUM_THREADS=") != NULL)
		return true;
	for (i = 0; starts[i] != NULL; i++)
		if (pair[0] == starts[i][0] &&
		    strncmp(pair, starts[i], strlen(starts[i])) == 0)
			return true;
	for (i = 0; i < want->module_n; i++)
		if (module_is(pair, want->module[i]))
			return true;
	return false;
}

static bool
same_name_is(const char *a, const char *b)
{
	size_t n = strcspn(a, "=") + 1;

	return strncmp(a, b, n) == 0;
}

static const char *
of_order(const struct warm_want *want, const char *pair)
{
	size_t i;

	for (i = 0; i < want->job->env_n; i++)
		if (same_name_is(pair, want->job->env[i]))
			return want->job->env[i];
	return NULL;
}

static void
label(struct warm_want *want)
{
	size_t i, len;

	(void)snprintf(
	    want->label, sizeof want->label, "%.100s", want->call->program);
	for (i = 0; i < want->module_n; i++) {
		len = strlen(want->label);
		(void)snprintf(want->label + len, sizeof want->label - len,
		    "%s%s", i == 0 ? " " : ",", want->module[i]);
	}
}

bool
warm_want(const struct worker *w, const struct slot *s, const struct call *call,
    struct warm_want *want)
{
	const char *pair;
	size_t i;

	*want = (struct warm_want){ .call = call,
		.job = &s->job,
		.module = s->job.warm_n > 0 ? s->job.warm : w->opt.warm,
		.module_n = s->job.warm_n > 0 ? s->job.warm_n : w->opt.warm_n };
	sp_buf_init(&want->key, KEY_MOST);
	if (w->opt.cold || (s->job.warm_n == 0 && !w->opt.warm_all) ||
	    call->argv[1] == NULL || strcmp(call->argv[1], "-u") != 0)
		return false;
	sp_buf_put(&want->key, call->program, strlen(call->program) + 1);
	for (i = 0; i < want->module_n; i++)
		sp_buf_put(
		    &want->key, want->module[i], strlen(want->module[i]) + 1);
	sp_buf_put(&want->key, "", 1);
	for (i = 0; (pair = call->envp[i]) != NULL; i++)
		if (keyed_is(want, pair)) {
			sp_buf_put(&want->key, pair, strlen(pair) + 1);
			want->own = want->own || of_order(want, pair) != NULL;
		}
	label(want);
	return !want->key.failed;
}

bool
warm_mark_is(const char *id)
{
	return id[0] != '\0' && id[strspn(id, "0")] == '\0';
}

/* What stands there in a job without this order's own variables. */
static const char *
inherited(const struct warm_want *want, const char *pair)
{
	const char *own = of_order(want, pair);
	extern char **environ;
	size_t i;

	if (own == NULL || keyed_is(want, pair))
		return pair;
	for (i = 0; environ[i] != NULL; i++)
		if (same_name_is(pair, environ[i]))
			return environ[i];
	return NULL;
}

bool
warm_env(const struct worker *w, const struct warm_want *want, const char *dir,
    struct sp_names *env)
{
	const char *pair, *path = NULL;
	char text[PATH_MAX];
	bool ok;
	size_t i;

	/* These two stand first: warm.py puts a job's id where the noughts
	 * are, for kin.c to see; and the minder knows us by the other. */
	(void)snprintf(
	    text, sizeof text, "SPOOL_WORKER=%s", w->ops->worker(w->tr));
	ok = sp_names_add(env, text) == SP_OK;
	(void)snprintf(text, sizeof text, "SPOOL_ID=%0*d", SP_ID_LEN, 0);
	ok = ok && sp_names_add(env, text) == SP_OK;
	for (i = 0; ok && (pair = want->call->envp[i]) != NULL; i++) {
		if (strncmp(pair, "PYTHONPATH=", 11) == 0)
			path = pair + 11;
		else if (!never_is(pair) &&
		    (pair = inherited(want, pair)) != NULL)
			ok = sp_names_add(env, pair) == SP_OK;
	}
	ok = ok && sp_names_add(env, "CUDA_VISIBLE_DEVICES=") == SP_OK;
	(void)snprintf(text, sizeof text, "PYTHONPATH=%s%s%s", dir,
	    path != NULL && *path != '\0' ? ":" : "", path != NULL ? path : "");
	return ok && strlen(text) < sizeof text - 1 &&
	    sp_names_add(env, text) == SP_OK;
}
