/*
 * test_words.c - the last words of jobs, as libraries and shells print them,
 * and what they must not be taken for.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/words.h"
#include "tests/unit/suites.h"

#define TB "Traceback (most recent call last):\n"
#define AT(n)                                                                  \
	"  File \"/tmp/w/train.py\", line " #n ", in <module>\n    run()\n"

#define NO  false
#define GPU true

static const struct {
	const char *err, *out;
	bool gpu;
	enum sp_cause cause;
	const char *line; /* a part of it */
} ends[] = {
	{ "", "", NO, SP_CAUSE_EXIT, "" },
	{ "\n \r\n\033[0m\n", "", NO, SP_CAUSE_EXIT, "" },
	{ "it went wrong\n", "", NO, SP_CAUSE_EXIT, "it went wrong" },

	/* ---- GPU memory ---- */
	{ TB AT(7) AT(
	      99) "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to "
		  "allocate 2.00 GiB (GPU 0; 10.76 GiB total capacity; 9.02 GiB "
		  "already allocated; 1.01 GiB free; 9.10 GiB reserved in total by "
		  "PyTorch) If reserved memory is >> allocated memory try setting "
		  "max_split_size_mb to avoid fragmentation.\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "torch.cuda.OutOfMemoryError" },
	/* others have the last word */
	{ TB AT(7) "torch.OutOfMemoryError: CUDA out of memory. Tried to "
		   "allocate 20.00 MiB. GPU 0 has a total capacity of 79.15 "
		   "GiB of which 1.25 MiB is free.\n"
		   "wandb: \n"
		   "wandb: \033[33mYou can sync this run to the cloud by "
		   "running:\033[0m\n"
		   "wandb: Find logs at: ./wandb/offline-run-1/logs\n"
		   "[rank0]:[W1123 10:01:02.34 ProcessGroupNCCL.cpp:1250] "
		   "Warning: WARNING: process group has NOT been destroyed "
		   "before we destruct ProcessGroupNCCL.\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "torch.OutOfMemoryError" },
	/* torchrun: the parent says only that a child has failed */
	{ "[rank0]: " TB "[rank0]:   File \"/w/train.py\", line 3, in main\n"
	  "[rank0]:     loss.backward()\n"
	  "[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to "
	  "allocate 20.00 MiB.\n"
	  "E1123 10:01:02.345000 140 torch/distributed/elastic/"
	  "multiprocessing/api.py:826] failed (exitcode: 1) local_rank: 0 "
	  "(pid: 141) of binary: /usr/bin/python3\n" TB
	  "  File \"/usr/bin/torchrun\", line 8, in <module>\n"
	  "    sys.exit(main())\n"
	  "torch.distributed.elastic.multiprocessing.errors."
	  "ChildFailedError: \n"
	  "============================================================\n"
	  "train.py FAILED\n"
	  "------------------------------------------------------------\n"
	  "Failures:\n  <NO_OTHER_FAILURES>\n"
	  "------------------------------------------------------------\n"
	  "Root Cause (first observed failure):\n"
	  "[0]:\n  time      : 2026-11-23_10:01:02\n  host      : gpu07\n"
	  "  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: 141)\n"
	  "  error_file: <N/A>\n"
	  "  traceback : To enable traceback see: https://pytorch.org/docs/\n"
	  "============================================================\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "CUDA out of memory" },
	{ "2026-11-23 10:01:02.123456: W tensorflow/core/common_runtime/"
	  "bfc_allocator.cc:497] ****____****\n" TB AT(
	      3) "tensorflow.python.framework.errors_impl."
		 "ResourceExhaustedError: {{function_node "
		 "__wrapped__Mul_device_/job:localhost/replica:0/task:0/"
		 "device:GPU:0}} OOM when allocating tensor with "
		 "shape[100000,100000] and type float on /job:localhost/"
		 "replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc\n"
		 "Hint: If you want to see a list of allocated tensors when OOM "
		 "happens, add report_tensor_allocations_upon_oom to RunOptions "
		 "for current allocation info.\n [Op:Mul]\n",
	    "", NO, SP_CAUSE_CUDA_OOM, "ResourceExhaustedError" },
	{ TB AT(3) "tensorflow.python.framework.errors_impl."
		   "ResourceExhaustedError: OOM when allocating tensor with "
		   "shape[9] and type float on /job:localhost/replica:0/task:0/"
		   "device:CPU:0 by allocator cpu [Op:Fill]\n",
	    "", GPU, SP_CAUSE_OOM, "ResourceExhaustedError" },
	{ "jax._src.traceback_util.UnfilteredStackTrace: jaxlib.xla_extension."
	  "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to "
	  "allocate 17179869184 bytes.\n\nThe stack trace below excludes "
	  "JAX-internal frames.\nThe preceding is the original exception that "
	  "occurred, unmodified.\n\n--------------------\n\nThe above "
	  "exception was the direct cause of the following exception:\n\n" TB AT(
	      1) "jaxlib.xla_extension.XlaRuntimeError: "
		 "RESOURCE_EXHAUSTED: Out of memory while trying to "
		 "allocate 17179869184 bytes.\n--------------------\nFor "
		 "simplicity, JAX has removed its internal frames from the "
		 "traceback of the following exception. Set "
		 "JAX_TRACEBACK_FILTERING=off to include these.\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "RESOURCE_EXHAUSTED" },
	{ TB AT(1) "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: "
		   "Out of memory allocating 80000000000 bytes.\n",
	    "", NO, SP_CAUSE_OOM, "RESOURCE_EXHAUSTED" },
	{ TB AT(1) "cupy.cuda.memory.OutOfMemoryError: Out of memory "
		   "allocating 8,000,000,000 bytes (allocated so far: 0 "
		   "bytes).\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "cupy" },
	{ TB AT(1) "RuntimeError: CUDA error: out of memory\nCUDA kernel "
		   "errors might be asynchronously reported at some other API "
		   "call, so the stacktrace below might be incorrect.\nFor "
		   "debugging consider passing CUDA_LAUNCH_BLOCKING=1.\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "CUDA error: out of memory" },
	{ TB AT(1) "MemoryError: std::bad_alloc: out_of_memory: CUDA error at: "
		   "/opt/include/rmm/mr/device/cuda_memory_resource.hpp:62: "
		   "cudaErrorMemoryAllocation out of memory\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "rmm" },
	{ "terminate called after throwing an instance of "
	  "'thrust::system::detail::bad_alloc'\n  what():  std::bad_alloc: "
	  "cudaErrorMemoryAllocation: out of memory\nAborted (core dumped)\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "cudaErrorMemoryAllocation" },
	/* raised from what happened */
	{ TB AT(1) "torch.OutOfMemoryError: CUDA out of memory. Tried to "
		   "allocate 2.00 GiB.\n\nThe above exception was the direct "
		   "cause of the following exception:\n\n" TB AT(
		       2) "TrainError: epoch 3 failed\n",
	    "", GPU, SP_CAUSE_CUDA_OOM, "CUDA out of memory" },

	/* ---- memory ---- */
	{ TB AT(1) "MemoryError\n", "", NO, SP_CAUSE_OOM, "MemoryError" },
	{ TB AT(1) "numpy._core._exceptions._ArrayMemoryError: Unable to "
		   "allocate 745. GiB for an array with shape (100000, "
		   "1000000) and data type float64\n",
	    "", NO, SP_CAUSE_OOM, "745. GiB" },
	/* caught, printed, given up */
	{ "Unable to allocate 745. GiB for an array with shape (9, 9) and data "
	  "type float64\n",
	    "", NO, SP_CAUSE_OOM, "745. GiB" },
	{ TB AT(1) "RuntimeError: [enforce fail at alloc_cpu.cpp:75] err == 0. "
		   "DefaultCPUAllocator: can't allocate memory: you tried to "
		   "allocate 400000000000 bytes. Error code 12 (Cannot "
		   "allocate memory)\n",
	    "", GPU, SP_CAUSE_OOM, "DefaultCPUAllocator" },
	{ TB AT(1) "RuntimeError: DataLoader worker (pid 4711) is killed by "
		   "signal: Killed. \n",
	    "", GPU, SP_CAUSE_OOM, "DataLoader" },
	{ "Error: cannot allocate vector of size 7450.6 Gb\nExecution "
	  "halted\n",
	    "", NO, SP_CAUSE_OOM, "7450.6 Gb" },
	{ "terminate called after throwing an instance of 'std::bad_alloc'\n"
	  "  what():  std::bad_alloc\nAborted (core dumped)\n",
	    "", NO, SP_CAUSE_OOM, "std::bad_alloc" },
	{ "libc++abi: terminating due to uncaught exception of type "
	  "std::bad_alloc: std::bad_alloc\n",
	    "", NO, SP_CAUSE_OOM, "bad_alloc" },
	{ "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap "
	  "space\n\tat A.main(A.java:3)\n\tat B.x(B.java:9)\n",
	    "", NO, SP_CAUSE_OOM, "Java heap space" },
	{ "memory allocation of 8589934592 bytes failed\n", "", NO,
	    SP_CAUSE_OOM, "8589934592" },
	{ "fatal error: runtime: out of memory\n\nruntime stack:\n"
	  "runtime.throw({0x49})\n\t/usr/lib/go/src/panic.go:1047 +0x5d\n",
	    "", NO, SP_CAUSE_OOM, "runtime: out of memory" },
	{ "  + Exception Group " TB "  |   File \"/w/a.py\", line 3\n"
	  "  | ExceptionGroup: several (1 sub-exception)\n"
	  "  +-+---------------- 1 ----------------\n    | " TB
	  "    |   File \"/w/a.py\", line 1\n    | MemoryError\n"
	  "    +------------------------------------\n",
	    "", NO, SP_CAUSE_OOM, "MemoryError" },

	/* ---- disks ---- */
	{ TB AT(1) "OSError: [Errno 28] No space left on device\n", "", NO,
	    SP_CAUSE_DISK_FULL, "[Errno 28]" },
	{ TB AT(1) "OSError: [Errno 122] Disk quota exceeded: "
		   "'/home/u/out.npz'\n",
	    "", NO, SP_CAUSE_DISK_FULL, "quota" },
	{ "cp: error writing 'b': No space left on device\n", "", NO,
	    SP_CAUSE_DISK_FULL, "error writing" },
	{ TB AT(1) "sqlite3.OperationalError: database or disk is full\n", "",
	    NO, SP_CAUSE_DISK_FULL, "disk is full" },
	{ TB AT(1) "RuntimeError: unable to write to file </torch_123_45>: No "
		   "space left on device (28)\n",
	    "", GPU, SP_CAUSE_DISK_FULL, "torch_123_45" },
	/* all that was said was said to stdout */
	{ "", TB AT(1) "OSError: [Errno 28] No space left on device\n", NO,
	    SP_CAUSE_DISK_FULL, "[Errno 28]" },
	{ "some plain words\n",
	    "step 1\nError: disk: No space left on device\n", NO,
	    SP_CAUSE_DISK_FULL, "Error: disk" },

	/* ---- the host ---- */
	{ TB AT(1) "RuntimeError: CUDA error: no kernel image is available for "
		   "execution on the device\nCUDA kernel errors might be "
		   "asynchronously reported at some other API call.\n"
		   "Compile with `TORCH_USE_CUDA_DSA` to enable device-side "
		   "assertions.\n\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "no kernel image" },
	{ TB AT(1) "RuntimeError: The NVIDIA driver on your system is too old "
		   "(found version 11040). Please update your GPU driver by "
		   "downloading and installing a new version\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "11040" },
	{ TB AT(1) "RuntimeError: Found no NVIDIA driver on your system. "
		   "Please check that you have an NVIDIA GPU\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "no NVIDIA driver" },
	{ "/v/torch/cuda/__init__.py:129: UserWarning: CUDA initialization: "
	  "CUDA unknown error\n" TB AT(
	      1) "RuntimeError: No CUDA GPUs are available\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "No CUDA GPUs" },
	{ "cudaGetDeviceCount failed: CUDA driver version is insufficient for "
	  "CUDA runtime version\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "insufficient" },
	{ TB AT(1) "ImportError: libcudnn.so.8: cannot open shared object "
		   "file: No such file or directory\n",
	    "", NO, SP_CAUSE_BAD_HOST, "libcudnn.so.8" },
	{ "python3: error while loading shared libraries: libpython3.11.so.1.0: "
	  "cannot open shared object file: No such file or directory\n",
	    "", NO, SP_CAUSE_BAD_HOST, "libpython3.11" },
	{ "./prog: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not "
	  "found (required by ./prog)\n",
	    "", NO, SP_CAUSE_BAD_HOST, "GLIBC_2.38" },
	{ TB AT(1) "RuntimeError: CUDA error: uncorrectable ECC error "
		   "encountered\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "ECC" },
	{ "Unable to determine the device handle for GPU 0000:65:00.0: GPU is "
	  "lost.  Reboot the system to recover this GPU\n",
	    "", GPU, SP_CAUSE_BAD_HOST, "GPU is lost" },
	{ TB AT(1) "pynvml.NVMLError_GpuIsLost: GPU is lost\n", "", GPU,
	    SP_CAUSE_BAD_HOST, "GPU is lost" },
	{ TB AT(1) "OSError: [Errno 116] Stale file handle: '/data/x'\n", "",
	    NO, SP_CAUSE_BAD_HOST, "Stale" },
	{ TB AT(1) "OSError: [Errno 5] Input/output error\n", "", NO,
	    SP_CAUSE_BAD_HOST, "[Errno 5]" },
	{ "x.sh: line 3: ./tool: cannot execute binary file: Exec format "
	  "error\n",
	    "", NO, SP_CAUSE_BAD_HOST, "./tool" },

	/* ---- and what is none of these ---- */
	{ TB AT(1) "ValueError: no such column\n", "", NO, SP_CAUSE_EXIT,
	    "ValueError: no such column" },
	/* handled: it failed of something else later */
	{ "WARNING: CUDA out of memory, reducing the batch size to 8\n"
	  "epoch 1 loss 0.3\n" TB AT(1) "KeyError: 'alpha'\n",
	    "", GPU, SP_CAUSE_EXIT, "KeyError: 'alpha'" },
	{ "CUDA out of memory. Trying again with 8\nepoch 1\n"
	  "error: config.toml: no section [eval]\n",
	    "", GPU, SP_CAUSE_EXIT, "config.toml" },
	{ TB AT(1) "MemoryError\n\nDuring handling of the above exception, "
		   "another exception occurred:\n\n" TB AT(
		       2) "FileNotFoundError: [Errno 2] No such file or "
			  "directory: 'spare.npz'\n",
	    "", NO, SP_CAUSE_EXIT, "FileNotFoundError" },
	{ "ERROR:root:batch 7 failed\n" TB AT(
	      1) "torch.cuda.OutOfMemoryError: CUDA out of memory.\n"
		 "epoch 2\nepoch 3\n" TB AT(9) "AssertionError: loss is nan\n",
	    "", GPU, SP_CAUSE_EXIT, "AssertionError" },
	{ "I went on after: W retry: No space left on device\nno model\n", "",
	    NO, SP_CAUSE_EXIT, "no model" },
	{ "2026-11-23 10:01:02.1: W tensorflow/stream_executor/platform/"
	  "default/dso_loader.cc:64] Could not load dynamic library "
	  "'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open "
	  "shared object file: No such file or directory\n" TB AT(
	      1) "ValueError: shapes do not match\n",
	    "", NO, SP_CAUSE_EXIT, "ValueError" },
	{ "2026-11-23 10:01:02.1: W tensorflow/stream_executor/platform/"
	  "default/dso_loader.cc:64] Could not load dynamic library "
	  "'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open "
	  "shared object file: No such file or directory\n",
	    "", NO, SP_CAUSE_EXIT, "" },
	{ TB AT(1) "RuntimeError: boom\nException ignored in: <function "
		   "F.__del__ at 0x7f>\n" TB AT(
		       8) "OSError: [Errno 28] No space left on device\n",
	    "", NO, SP_CAUSE_EXIT, "boom" },
	{ "--- Logging error ---\n" TB AT(
	      8) "OSError: [Errno 5] Input/output error\nCall stack:\n"
		 "  File \"a.py\", line 1\nMessage: 'x'\nArguments: ()\n"
		 "gave up\n",
	    "", NO, SP_CAUSE_EXIT, "gave up" },
	{ TB AT(1) "OSError: ./mine.so: cannot open shared object file: No "
		   "such file or directory\n",
	    "", NO, SP_CAUSE_EXIT, "./mine.so" },
	{ TB AT(1) "OSError: [Errno 28] inotify watch limit reached\n", "", NO,
	    SP_CAUSE_EXIT, "inotify" },
	{ TB AT(1) "MyMemoryErrorHandler: not configured\n", "", NO,
	    SP_CAUSE_EXIT, "MyMemoryErrorHandler" },
	{ TB AT(1) "RuntimeError: CUDA error: unspecified launch failure\n", "",
	    GPU, SP_CAUSE_EXIT, "unspecified" },
	{ TB AT(1) "ModuleNotFoundError: No module named 'torch'\n", "", NO,
	    SP_CAUSE_EXIT, "'torch'" },
	/* it was given none, and that is its own wish */
	{ TB AT(1) "RuntimeError: No CUDA GPUs are available\n", "", NO,
	    SP_CAUSE_EXIT, "No CUDA GPUs" },
	{ "/w/a.sh: line 3:  4711 Killed                  python3 t.py\n", "",
	    NO, SP_CAUSE_EXIT, "Killed" },
	/* what stdout says does not outdo what stderr says */
	{ TB AT(1) "KeyError: 'x'\n", "MemoryError\n", NO, SP_CAUSE_EXIT,
	    "KeyError" },
	{ "a plain word\n", "{\"loss\": 1}\n", NO, SP_CAUSE_EXIT,
	    "a plain word" },

	/* ---- looks ---- */
	{ "\033[1;31m\033[K" TB "\033[0m  File \033[35m\"a.py\"\033[0m\n"
	  "\033[1;35mMemory\033[0m\033[1;35mError\033[0m: "
	  "\033[35mno\033[0m\n",
	    "", NO, SP_CAUSE_OOM, "MemoryError: no" },
	{ "\033]0;title\aOSError: [Errno 28] No space left on device\r\n", "",
	    NO, SP_CAUSE_DISK_FULL, "OSError" },
	{ TB AT(1) "MemoryError\n 10%|#         | 1/10\r 20%|##        | "
		   "2/10\r",
	    "", NO, SP_CAUSE_OOM, "MemoryError" },
	{ "\033[", "", NO, SP_CAUSE_EXIT, "" },
	{ "\033", "", NO, SP_CAUSE_EXIT, "" },
	{ TB, "", NO, SP_CAUSE_EXIT, "" },
	{ TB "  File \"a\"\n", "\xff\xfe", NO, SP_CAUSE_EXIT, "" },
};

static void
words_of(const char *err, size_t err_n, const char *out, bool gpu,
    struct sp_words *words)
{
	struct sp_last last = { .err = err,
		.err_n = err_n,
		.out = out,
		.out_n = out == NULL ? 0 : strlen(out),
		.gpu = gpu };

	sp_words_read(&last, words);
}

START_TEST(says)
{
	struct sp_words w;

	words_of(
	    ends[_i].err, strlen(ends[_i].err), ends[_i].out, ends[_i].gpu, &w);
	ck_assert_msg(w.cause == ends[_i].cause, "row %d: %s, wanted %s: %s",
	    _i, sp_cause_text(w.cause), sp_cause_text(ends[_i].cause), w.line);
	ck_assert_msg(strstr(w.line, ends[_i].line) != NULL,
	    "row %d: \"%s\", wanted \"%s\"", _i, w.line, ends[_i].line);
	ck_assert_ptr_null(strpbrk(w.line, "\033\n\r"));
}
END_TEST

/* A flood before and after: only the end is read, from a whole line on. */
START_TEST(long_tails)
{
	static char text[3 * SP_WORDS_TAIL];
	struct sp_words w;
	size_t n;

	(void)memset(text, 'x', sizeof text);
	(void)strcpy(text + sizeof text - 13, "\nMemoryError");
	words_of(text, sizeof text - 1, NULL, false, &w);
	ck_assert_int_eq(w.cause, SP_CAUSE_OOM);
	for (n = 0; n < sizeof text; n++)
		text[n] = "ab\n"[n % 3];
	(void)memcpy(text + sizeof text - 400, "\nMemoryError\n", 13);
	words_of(text, sizeof text, NULL, false, &w);
	ck_assert_int_eq(w.cause, SP_CAUSE_EXIT); /* too long ago */
	(void)memset(text, 'y', sizeof text);
	words_of(text, sizeof text, NULL, false, &w);
	ck_assert_int_eq(w.cause, SP_CAUSE_EXIT);
	ck_assert_uint_lt(strlen(w.line), SP_WORDS_LINE);
	(void)memset(text, 0, sizeof text);
	words_of(text, sizeof text, NULL, false, &w);
	ck_assert_str_eq(w.line, "");
	(void)memset(text, '\n', sizeof text - 1);
	words_of(text, sizeof text, text, false, &w);
	ck_assert_str_eq(w.line, "");
}
END_TEST

START_TEST(blind)
{
	static const char text[] =
	    TB AT(1) "RuntimeError: No CUDA GPUs are available\n";
	struct sp_words w;

	words_of(text, strlen(text), NULL, false, &w);
	ck_assert(w.blind);
	words_of(text, strlen(text), NULL, true, &w);
	ck_assert(!w.blind);
	words_of("MemoryError", 11, NULL, false, &w);
	ck_assert(!w.blind);
}
END_TEST

static const struct {
	const char *a, *b;
	bool same;
} ways[] = {
	{ "", "", true },
	{ "No module named 'torch'", "No module named 'torch'", true },
	{ "No module named 'torch'", "No module named 'numpy'", false },
	{ "pid 4711 died at 0x7f3a", "pid 12 died at 0x90bb", true },
	{ "/tmp/spool-a-3fa9c2/1/x.py: no", "/w/spool-b-99/2/x.py: no", true },
	{ "/tmp/a/x.py: no", "/tmp/a/y.py: no", false },
	{ "it took 3.5 s", "it  took 12 s ", true },
	{ "a b", "b a", false },
};

START_TEST(way)
{
	ck_assert_int_eq(sp_words_way(SP_CAUSE_EXIT, ways[_i].a) ==
		sp_words_way(SP_CAUSE_EXIT, ways[_i].b),
	    ways[_i].same);
	ck_assert_uint_ne(sp_words_way(SP_CAUSE_EXIT, ways[_i].a),
	    sp_words_way(SP_CAUSE_OOM, ways[_i].a));
}
END_TEST

Suite *
words_suite(void)
{
	Suite *s = suite_create("words");
	TCase *t = tcase_create("words");

	ADD_TABLE(t, says, ends);
	tcase_add_test(t, long_tails);
	tcase_add_test(t, blind);
	ADD_TABLE(t, way, ways);
	suite_add_tcase(s, t);
	return s;
}
