# nfs-stories.sh - sourced by nfs.sh: what happens in each story, and which
# there are.
# shellcheck shell=sh disable=SC2034,SC2046

# Else it was no race.
both_ran() {
	for _h in c1 c2; do
		[ -n "$(find "$R/ran" -name "*.$_h")" ] || broken "$_h ran nothing"
	done
}

# Each of them ran, and once.
ran_once() {
	_twice=$(find "$R/ran" -type f -exec basename {} \; |
	    cut -d. -f1 | sort | uniq -d | wc -l)
	[ "$_twice" = 0 ] || broken "$_twice ran more than once"
}

# said WHERE WHAT: it stands in a log; else the story proves little
said() { grep -qE "$2" "$R/$1.log" || broken "$1 never said: $2"; }
never_said() {
	_no=$(grep -hE "$2" "$R/$1.log" | head -n 1)
	[ -z "$_no" ] || broken "$1 said: $_no"
}

# Both at work; half of the orders are there, the others are still coming, so
# that faults meet submits as well.
race() { # DAEMON
	daemon "$1"
	orders c1 $((ORDERS / 2))
	trickle c1 $((ORDERS / 10))
	worker c1
	worker c2
	under_way
}
raced() {
	trickled
	all_over
	both_ran
}

# Nothing goes wrong.
claims() {
	race srv
	raced
}

# Submitted on one host, run on another; the daemon sits with who submits.
elsewhere() {
	daemon c1
	worker c2
	orders c1 "$ORDERS"
	all_over
	[ "$(find "$R/ran" -name '*.c2' | wc -l)" = "$ORDERS" ] || broken 'c2 did not run them'
}

# The server loses power, and what it had not written.
server_cut() {
	NAP=0.3
	race c2
	power_off srv
	nfs_server || broken 'the server did not come back'
	_t=$(now)
	recovered "$_t" $(held)
	raced
}

# It does what it is asked for and its answers are lost; then it loses power,
# and with it the memory of what it had answered.
answers_lost() {
	NAP=0.3
	race c2
	for _part in 6 4 3 2; do
		under_way $((ORDERS / _part))
		on srv 'tc qdisc replace dev vec0 root netem loss 100%'
		sleep 0.3
		power_off srv
		nfs_server || broken 'the server did not come back'
		_t=$(now)
		recovered "$_t" $(held)
	done
	raced
	end c1 c2
	# A claim that was told to have failed was known for what it was.
	for _h in c1 c2; do never_said $_h 'we hold it and do not run'; done
}

# A client loses power with orders in its hands.
client_cut() { # DAEMON
	DEAD=c1
	NAP=0.5
	race "$1"
	_held=$(held c1)
	holding $_held
	power_off c1
	_t=$(now)
	# What it was submitting then, it never said to be accepted.
	FEWER=1
	recovered "$_t" $_held
	all_over
	nfs_client c1 11 && nfs_mount c1 "$VERSION" || broken 'c1 did not come back'
}

# A client is cut off for longer than a lease, then back, with all that it
# believes.
zombie() {
	NAP=2
	orders c2 "$ORDERS"
	daemon srv
	worker c1
	worker c2
	under_way 4
	_held=$(held c1)
	holding $_held
	unplug c1
	recovered "$(now)" $_held
	plug c1
	all_over
	end c1
	said c1 '(discard|stop) order='
}

# The server stands still for ten leases while jobs run.  A daemon that stands
# still with it wakes up to beats that are all old.
stall() { # DAEMON
	NAP=20
	daemon "$1"
	orders c1 "$ORDERS"
	worker c1
	worker c2
	wait_for 60 eight || broken 'not all slots are busy'
	freeze srv
	sleep $((LEASE * 10))
	thaw srv
	recovered "$(now)" $(held)
	all_over
	end c1 c2
	ran_once
	for _h in c1 c2; do never_said $_h '(stop|kill|release|give) order='; done
	never_said spoold revoke
}
eight() { [ "$(find "$R/ran" -type f | wc -l)" -ge 8 ]; }

# Hosts two hours apart, the server between them, and one is lost.
skew() {
	on c1 'date -s "1 hour ago"' >/dev/null
	on c2 'date -s "1 hour"' >/dev/null
	client_cut c2
	end c2
	on c2 "date -s @$(date +%s)" >/dev/null
}

# PERCENT of the packets are lost each way, and an answer takes 20 ms.
lossy() {
	for _h in srv c1 c2; do
		on $_h "tc qdisc replace dev vec0 root netem delay 10ms loss $1%"
	done
	claims
	end c1 c2
	for _h in srv c1 c2; do on $_h 'tc qdisc del dev vec0 root'; done
}

mounted() { # VERSION [OPTIONS]
	VERSION=$1
	nfs_mount c1 "$1" "${2:-}" && nfs_mount c2 "$1" "${2:-}" && return
	echo "FAIL nfs: no mount vers=$1 ${2:-}"
	FAILED=1
	return 1
}

# some N COMMAND...: a story of N orders
some() {
	ORDERS=$1
	shift
	"$@"
	ORDERS=$MANY
}

tell_all() {
	MANY=$ORDERS
	few=$((ORDERS / 5))
	for v in 4.2 3; do
		mounted $v || continue
		story claims-$v "$RUNS" claims
		story elsewhere-$v "$RUNS" some $few elsewhere
		story server-cut-$v "$RUNS" server_cut
		story answers-lost-$v "$RUNS" answers_lost
		story client-cut-$v "$RUNS" client_cut srv
		story zombie-$v "$RUNS" some $few zombie
		story stall-$v 1 some 16 stall srv
		story loss-1-$v 1 some $few lossy 1
		story loss-5-$v 1 some $few lossy 5
	done
	mounted 4.2 && story skew 1 skew && story stall-daemon-off 1 some 16 stall c2
	for o in nocto actimeo=1 actimeo=1,lookupcache=positive; do
		mounted 4.2 $o && story "claims-$o" 1 claims
	done
}
