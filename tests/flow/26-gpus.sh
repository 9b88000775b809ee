# GPUs, without any: a stand-in for NVIDIA's library (tests/shim/nvml.c) and one
# for nvidia-smi say what there is.
. "$TOP/tests/lib.sh"

unset CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES OMP_NUM_THREADS
A=GPU-aaaa0000 B=GPU-bbbb1111

# facts LINE...: what the driver says from now on
facts() {
	printf '%s\n' "$@" >"$T/facts.new"
	mv "$T/facts.new" "$T/facts"
}
g0="gpu 0 $A 40960 4 NVIDIA A100" g1="gpu 1 $B 40960 4 NVIDIA A100"

# Jobs that leave a mark on their GPUs, which no other may leave meanwhile, and
# that end when they may.
fixture() {
	mkdir "$T/on" "$T/locks"
	export SPOOL_GPU_LOCKS="$T/locks" FAKE_GPUS="$T/facts" ON="$T/on"
	export LD_LIBRARY_PATH="$BIN/shim"
	facts "$g0" "$g1"
	script gpu.sh <<-'SH'
	#!/bin/sh
	me=$(echo "$1" | sed 's/.*"n":"\([a-z0-9]*\)".*/\1/')
	env | grep -E '^(CUDA|NVIDIA|OMP)_' | sort >"$ON/$me.env"
	for g in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do
		for k in 1 $SHARES; do mkdir "$ON/$g.$k" 2>/dev/null && break || k=; done
		[ "$k" ] || { echo "$g has too many" >&2; exit 9; }
		mine="$mine $ON/$g.$k"
	done
	: >"$ON/$me"
	while [ ! -e "$ON/go" ] && [ ! -e "$ON/$me.go" ]; do sleep 0.1; done
	[ -z "$mine" ] || rmdir $mine
	echo '{"loss":1}'
	SH
}
# gpu NAME [members of order]: submit one
gpu() { spool submit - <<-J
	{"scriptName":"gpu.sh","n":"$1","order":{"name":"$1"${2:+,$2}}}
	J
}
children() { cat "/proc/$1/task/$1/children"; }
on() { [ -e "$T/on/$1" ]; }
env_of() { grep -q "^$2$" "$T/on/$1.env" || fail "$1 has no $2: $(cat "$T/on/$1.env")"; }
beats() { jq -s 'map(select(.role == "worker") | .beat) | add' "$S"/workers/*.json; }
beat() { jq -c "select(.role == \"worker\") | $1" "$S"/workers/*.json; }
beat_is() { [ "$(beat "$1")" = "$2" ]; }
good() { is "$(jq -s -c 'map(.status) | unique' "$S"/outcomes/2*.json)" '[200]'; }
# Published once and never given back: it was not claimed before it fitted.
untried() { ls "$S"/*/ "$S"/*/*/ | grep -q "\.t1a0.*\.$1\.json" || fail "$1 was claimed too soon"; }

# A library that cannot be loaded, also where there is a true one.
no_library() {
	mkdir "$T/nolib"
	: >"$T/nolib/libnvidia-ml.so.1"
	export LD_LIBRARY_PATH="$T/nolib"
}

t_no_driver() {
	fixture
	no_library
	PATH=$(dirname "$(command -v jq)"):$BIN:/usr/bin:/bin
	! command -v nvidia-smi || skip 'nvidia-smi is installed'
	gpu one '"gpus":1' >/dev/null
	gpu cpu >/dev/null
	touch "$T/on/go"
	drain
	has "$(cat "$T/worker.log")" 'gpus none: no driver'
	outcomes_are 1
	is "$(count new)" 1
	untried one
	exits 100 workerd $ROOTOK --gpus 0 --gpus x "$S"
	has "$(cat "$T/err")" '"x" is none of auto'
	exits 100 workerd $ROOTOK --gpu-share 0 "$S"
	exits 100 workerd $ROOTOK --gpus "" "$S"
	exits 0 workerd --gpu-facts
	has "$(cat "$T/out")" 'no driver'
}

# Four jobs, two GPUs, slots enough: two and two.
t_one_each() {
	fixture
	for n in a b c d; do gpu $n '"gpus":1'; done >/dev/null
	start_worker -j 4
	soon sh -c "[ -d $T/on/$A.1 ] && [ -d $T/on/$B.1 ]"
	soon beat_is '[.gpus, .free.gpus, .free.slots, [.gpu[].jobs]]' '[2,0,2,[1,1]]'
	is "$(count new)" 2
	is "$(spool workers | awk 'NR == 2 {print $7}')" 2/2
	# A CPU job goes past those that wait.
	gpu cpu >/dev/null
	soon on cpu
	# The next two start when these two end, and end after both have started.
	for n in a b c d; do ! on $n || touch "$T/on/$n.go"; done
	for n in a b c d; do soon on $n; done
	touch "$T/on/go"
	soon outcomes_are 5
	good
	untried d
	is "$(cat "$S"/outcomes/2*.json | jq -c '.run.gpus // empty | .[].uuid' | sort | uniq -c | tr -s ' "\n' ' ')" \
	    " 2 $A 2 $B "
	is "$(cat "$S"/outcomes/2*.json | jq -c '.run.gpus // empty | .[0] | [.name, (.index|type)]' | sort -u)" \
	    '["NVIDIA A100","number"]'
	promises
}

t_share() {
	fixture
	export SHARES=2
	for n in a b c d e; do gpu $n '"gpus":1'; done >/dev/null
	start_worker -j auto --gpu-share 2
	soon sh -c "[ -d $T/on/$A.2 ] && [ -d $T/on/$B.2 ]"
	soon beat_is '[.slots, .free.gpus, [.gpu[] | [.jobs, .share]]]' '[4,0,[[2,2],[2,2]]]'
	# Two are two different ones, though one has room for two.
	touch "$T/on/a.go" "$T/on/b.go" "$T/on/c.go" "$T/on/d.go"
	soon sh -c "[ -e $T/on/e ] && [ \$(ls $S/outcomes | grep -c '^2.*json') = 4 ]"
	f=$A,$B
	! grep -q "$A" "$T/on/e.env" || f=$B,$A
	gpu f '"gpus":2' >/dev/null
	soon on f
	env_of f "CUDA_VISIBLE_DEVICES=$f"
	touch "$T/on/go"
	soon outcomes_are 6
	good
}

t_two_at_once() {
	fixture
	gpu a '"gpus":1' >/dev/null
	start_worker -j 3
	soon on a
	gpu both '"gpus":2' >/dev/null
	gpu three '"gpus":3' >/dev/null
	gpu c >/dev/null
	soon on c # so the others have been looked at
	touch "$T/on/a.go"
	soon on both
	env_of both "CUDA_VISIBLE_DEVICES=$A,$B"
	env_of both "NVIDIA_VISIBLE_DEVICES=$A,$B"
	env_of both CUDA_DEVICE_ORDER=PCI_BUS_ID
	touch "$T/on/go"
	soon outcomes_are 3
	good
	untried both
	ls "$S/new" | grep -q t1a0.three
	has "$(cat "$T/worker.log")" 'needs 3 GPUs, has 2'
}

# Neither the user nor what workerd was started with gives a CPU job a GPU.
t_cpu_jobs() {
	fixture
	touch "$T/on/go"
	gpu plain '"env":{"CUDA_VISIBLE_DEVICES":"0","NVIDIA_VISIBLE_DEVICES":"all"}' >/dev/null
	gpu cpus '"cpus":1.5,"gpus":1' >/dev/null
	gpu own '"cpus":1,"env":{"OMP_NUM_THREADS":"7"}' >/dev/null
	OMP_NUM_THREADS=5 CUDA_VISIBLE_DEVICES=1 drain
	good
	env_of plain CUDA_VISIBLE_DEVICES=
	env_of plain NVIDIA_VISIBLE_DEVICES=
	env_of plain OMP_NUM_THREADS=5
	env_of cpus OMP_NUM_THREADS=1
	env_of own OMP_NUM_THREADS=7
	# What was set aside for workerd is what it hands out.
	env_of cpus "CUDA_VISIBLE_DEVICES=$B"
}

t_picked() {
	fixture
	touch "$T/on/go"
	for n in a b; do gpu $n '"gpus":1'; done >/dev/null
	drain -j 2 --gpus 1
	good
	env_of a "CUDA_VISIBLE_DEVICES=$B"
	env_of b "CUDA_VISIBLE_DEVICES=$B"
	gpu c '"gpus":1' >/dev/null
	drain --gpus none
	is "$(count new)" 1
	drain --gpus GPU-aaaa
	env_of c "CUDA_VISIBLE_DEVICES=$A"
}

t_stranger() {
	fixture
	facts "$g0" "proc $A $STORY 20312"
	start_worker
	soon beat_is '.gpu[0].blocked | [.pid, .user, .mib]' "[$STORY,\"$(id -un)\",20312]"
	gpu a '"gpus":1' >/dev/null
	gpu c >/dev/null
	soon on c
	touch "$T/on/c.go"
	has "$(spool workers)" "GPU 0: pid $STORY of $(id -un) has 20312 MiB"
	is "$(spool workers --json | jq -c '[.gpus, .free.gpus, .gpu[0].uuid, .gpu[0].memory, .gpu[0].used]')" \
	    "[1,0,\"$A\",40960,4]"
	soon outcomes_are 1
	is "$(ls "$S/new" | wc -l)" 1
	facts "$g0"
	soon on a
	soon beat_is '.gpu[0].blocked' null
	untried a
	has "$(cat "$T/worker.log")" "pid $STORY of $(id -un), 20312 MiB, is none of ours"
}

# A job of ours on its GPU is no stranger, nor is what it has started; on
# another GPU it is one.
t_our_own() {
	fixture
	script mine.sh <<-'SH'
	#!/bin/sh
	setsid sleep 600 & echo "$$ $!" >"$ON/pids"
	while [ ! -e "$ON/go" ]; do sleep 0.1; done
	SH
	echo '{"scriptName":"mine.sh","order":{"gpus":1}}' | spool submit - >/dev/null
	export SHARES=2
	start_worker -j 3 --gpu-share 2
	soon test -s "$T/on/pids"
	read -r p1 p2 <"$T/on/pids"
	facts "$g0" "proc $A $p1 500" "proc $A $p2 ?"
	soon beat_is '[.gpu[] | [.index, .blocked == null, .jobs]]' '[[0,true,1],[1,false,0]]'
	gpu b '"gpus":1' >/dev/null
	soon on b
	env_of b "CUDA_VISIBLE_DEVICES=$A"
	facts "$g0" "$g1" "proc $B $p1 500"
	soon beat_is '.gpu[1].blocked.pid' "$p1"
	touch "$T/on/go"
}

t_lost() {
	fixture
	facts "gpu 0 $A 40960 lost x" "$g1" "gpu 2 GPU-cccc2222 40960 err NVIDIA T4"
	for n in a b; do gpu $n '"gpus":1'; done >/dev/null
	start_worker -j 3
	soon on a
	env_of a "CUDA_VISIBLE_DEVICES=$B"
	soon beat_is '[.gpus, .free.gpus, [.gpu[].blocked.why]]' '[1,0,["GPU is lost",null,"Unknown Error"]]'
	has "$(spool workers)" 'GPU 0: GPU is lost; GPU 2: Unknown Error'
	is "$(count new)" 1
	# It comes back; the one that has a job goes.
	facts "$g0"
	soon on b
	env_of b "CUDA_VISIBLE_DEVICES=$A"
	soon beat_is '[.gpu[1] | .jobs, .blocked.why]' '[1,"it is gone"]'
	touch "$T/on/go"
	soon outcomes_are 2
	good
}

# A driver that hangs takes nothing with it but its GPUs; and it may come back.
t_hangs() {
	fixture
	facts hang
	gpu a '"gpus":1' >/dev/null
	start_worker -j 2
	soon test -s "$T/worker.log"
	gpu c >/dev/null
	soon on c
	n=$(beats)
	soon sh -c "[ \$(jq -s 'map(.beat) | add' $S/workers/*.json) -gt $((n + 5)) ]"
	soon grep -q 'driver does not answer' "$T/worker.log"
	facts "$g0"
	soon on a
	facts hang
	soon beat_is '.gpu[0].blocked.why' '"the driver does not answer"'
	n=$(beats)
	soon sh -c "[ \$(jq -s 'map(.beat) | add' $S/workers/*.json) -gt $((n + 3)) ]"
	touch "$T/on/go"
	soon outcomes_are 2
	good
	stop "$WORKER"
}

# No library: nvidia-smi is asked, as it is.
smi() {
	no_library
	mkdir "$T/bin"
	cat >"$T/bin/nvidia-smi" <<-'SH'
	#!/bin/sh
	[ ! -e "$ON/hang" ] || exec sleep 600
	case $1 in
	--query-gpu=index*) cat "$ON/../smi.gpu" ;;
	--query-compute*) cat "$ON/../smi.apps" ;;
	-L) cat "$ON/../smi.list" ;;
	*) echo 'Field "mig.mode.current" is not a valid field to query.'; exit 2 ;;
	esac
	SH
	chmod +x "$T/bin/nvidia-smi"
	PATH=$T/bin:$PATH
	echo 'gpu_uuid, pid, used_gpu_memory [MiB]' >"$T/smi.apps"
	{
		echo 'index, uuid, name, memory.total [MiB], memory.used [MiB]'
		echo "0, $A, NVIDIA A100-SXM4-40GB, 40960, 20316"
		echo "1, $B, NVIDIA A100-SXM4-40GB, 40960, 4"
	} >"$T/smi.gpu"
}
# The one who asks, and whom it waits for.
asker_hangs() {
	for asker in $(children "$WORKER"); do
		grep -qz gpu-serve "/proc/$asker/cmdline" || continue
		hung=$(children "$asker")
		[ -z "$hung" ] || return 0
	done
	return 1
}
t_nvidia_smi() {
	fixture
	smi
	echo "$A, $STORY, 20312" >>"$T/smi.apps"
	gpu a '"gpus":1' >/dev/null
	start_worker -j 2
	soon on a
	env_of a "CUDA_VISIBLE_DEVICES=$B"
	soon beat_is '.gpu[0].blocked.pid' "$STORY"
	has "$(cat "$T/worker.log")" 'by=nvidia-smi'
	touch "$T/on/hang"
	soon beat_is '[.gpu[].blocked.why == "the driver does not answer"] | any' true
	n=$(beats)
	soon sh -c "[ \$(jq -s 'map(.beat) | add' $S/workers/*.json) -gt $((n + 5)) ]"
	gpu c >/dev/null
	soon on c
	touch "$T/on/go"
	soon outcomes_are 2
	good
	# When workerd is killed nothing of that is left.
	asker=
	soon asker_hangs
	kill -KILL "$WORKER"
	soon dead "$asker"
	for p in $hung; do soon dead "$p"; done
}
t_nvidia_smi_fails() {
	fixture
	smi
	cat "$TOP/tests/gpu/no-driver" >"$T/smi.gpu"
	gpu a '"gpus":1' >/dev/null
	drain
	has "$(cat "$T/worker.log")" "gpus none: NVIDIA-SMI has failed because it couldn't communicate"
	untried a
}

# Two layouts go by one name.
t_process_lists() {
	fixture
	facts "$g0" "proc $A $STORY 300" "proc $A 4000001 301" "proc $A 4000002 ?"
	workerd --gpu-facts >"$T/f1"
	FAKE_535=1 workerd --gpu-facts >"$T/f2"
	for f in f1 f2; do
		is "$(grep "^$A" "$T/$f" | tr '\n' ';')" \
		    "$A, $STORY, 300;$A, 4000001, 301;$A, 4000002, [N/A];"
		is "$(sed -n '/^pid, user/,$p' "$T/$f" | tail -n +2)" "$STORY, $(id -un)"
	done
}

# Only the parts of a GPU in parts; and which, for CUDA.
t_mig() {
	fixture
	facts "gpu 0 $A 40960 48 NVIDIA A100" \
	    "mig 0 MIG-1111aaaa 19968 12 NVIDIA A100 MIG 3g.20gb" \
	    "mig 0 MIG-2222bbbb 4864 12 NVIDIA A100 MIG 1g.5gb" "proc MIG-1111aaaa $STORY 9"
	gpu a '"gpus":1' >/dev/null
	start_worker
	soon on a
	env_of a CUDA_VISIBLE_DEVICES=MIG-2222bbbb
	soon beat_is '[.gpus, [.gpu[] | [.index, .uuid, .blocked.pid]]]' \
	    "[2,[[0,\"MIG-1111aaaa\",$STORY],[0,\"MIG-2222bbbb\",null]]]"
	touch "$T/on/go"
}

# Where it cannot be seen who is there, memory tells that somebody is.
t_hidden() {
	fixture
	facts "gpu 0 $A 40960 9000 NVIDIA A100" "hidden $A" "$g1" "hidden $B"
	gpu a '"gpus":1' >/dev/null
	start_worker
	soon on a
	env_of a "CUDA_VISIBLE_DEVICES=$B"
	soon sh -c "spool workers | grep -q 'GPU 0: more than 1024 MiB are in use'"
	touch "$T/on/go"
}

# What an order asks for is looked at before it is claimed: none of these is
# ever in assigned/.
t_before_the_claim() {
	fixture
	gpu a '"gpus":2' >/dev/null
	start_worker -j 4
	soon on a
	gpu g '"gpus":1' >/dev/null
	gpu t '"requires":"h100"' >/dev/null
	gpu p '"cpus":4096' >/dev/null
	gpu m '"memory":"1000000G"' >/dev/null
	gpu c >/dev/null
	soon on c
	for n in g t p m; do ls "$S/new" | grep -q "t1a0.$n.json" || fail "$n is not in new/"; done
	is "$(ls "$S/assigned" | wc -l)" 2
	touch "$T/on/go"
	soon outcomes_are 3
	untried g
	hasnt "$(cat "$T/worker.log")" release
	is "$(spool workers --json | jq -c .tags)" '[]'
	start_worker --tag h100
	soon outcomes_are 4
	untried t
	is "$(spool workers --json | jq -c 'select(.tags != []) | .tags')" '["h100"]'
}

# Two workers of one host, before the driver knows of any process.
t_two_workers() {
	fixture
	facts "$g0"
	start_worker --name one
	soon sh -c "grep -q gpus=1 $T/worker.log"
	gpu a '"gpus":1' >/dev/null
	soon on a
	start_worker --name two
	gpu b '"gpus":1' >/dev/null
	soon sh -c "spool workers | grep '^two' | grep -q 'GPU 0: another worker of this host has it'"
	! on b || fail 'both have it'
	touch "$T/on/a.go"
	soon on b
	touch "$T/on/go"
	soon outcomes_are 2
	good
	untried a
}

run_stories "$@"
