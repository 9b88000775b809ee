#!/bin/sh
# worker.sh SPOOL [NAME] - a whole worker in the shell, written from spool(5) alone.  It claims orders
# that ask for nothing but a script, runs them one by one, commits, and ends when a look at the queue
# claims nothing.  Keeping house (drops, the dead, waiting/) it leaves to spoold or workerd.
set -u
LC_ALL=C s=$(cd "$1" && pwd -P) && [ -e "$s/spool.json" ] || exit 100
w=$(printf %.40s "${2:-shell}" | tr -c 'A-Za-z0-9_-' -)-$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
every=$(jq '.beat // ([5, (.lease // 60) / 4] | min)' "$s/spool.json") && work=$(mktemp -d) || exit 111
plain='def file: test("^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$"); select((.scriptName | file) and
    (.dataFileName // "none" | file) and (.order // {} | .code // "sha256:" | startswith("sha256:")) and
    (.order // {} | keys - ["name", "priority", "tags", "scriptSha256", "dataSha256", "code", "git"] == []))
    | .scriptName, .dataFileName // "", (.order.code // "" | ltrimstr("sha256:")),
    ([.order.scriptSha256, .scriptName], [.order.dataSha256, .dataFileName] | select(.[0]) | join("  "))'
attempt() { # run the job in a directory of its own: .out, .err, .own and $code
    rm -rf "$work" && mkdir -p "$work" "$run/out" || exit 111
    tr '\n' ' ' <"$job" | sed "s/{/{\"_id\":\"$id\",\"assignmentId\":\"$id\",/" >"$work/.job"
    { read -r script; read -r data; read -r tree; cat >"$work/.pins"; code=0; } <<END
$want
END
    (cd "$work" && if [ "$tree" ]; then # what the order names by its hash: out of blobs/
        echo "$tree  .code" && jq -r '.files | to_entries[] | "\(.value)  \(.key)" | select(test("  [^./]") and
            (test("/[./]") | not))' "$s/blobs/sha256/$tree"
    fi >>.pins && while read -r hex file; do # and what was copied is what is hashed
        mkdir -p "$(dirname "$file")" && cp -f "$s/blobs/sha256/$hex" "$file" || exit
    done <.pins && if [ -s .pins ]; then sha256sum -c --strict --quiet .pins; fi &&
        for file in "scripts/$script" ${data:+"data/$data"}; do
            [ -e "${file##*/}" ] || cp "$s/$file" . || exit
        done &&
        SPOOL_ID=$id SPOOL_JOB=$work/.job SPOOL_OUT=$run/out exec python3 -u "$script" "$(cat .job)") \
        </dev/null >"$work/.out" 2>"$work/.err" || code=$?
    jq -cR 'fromjson? | objects' "$work/.out" | tail -n 1 >"$work/.own"
    cat "$work/.out" "$work/.err" >"$run/$try@$w.log"
}
outcome() { # the script's own words, and ours
    jq -cn --slurpfile own "$work/.own" --arg id "$id" --arg w "$w" --arg began "$began" \
        --argjson a "${try##*a}" --argjson code "$code" --arg last "$(tail -n 1 "$work/.err")" '
        ($own[0] // {}) as $own | ($code == 0 and ($own.error // "") == "" and ($own.status // 200
            | tostring | test("^(2..|ok|done|success|succeeded|completed)$"; "i"))) as $good
        | (if $good | not then 500 elif $own == {} then 204 else 200 end) as $status
        | $own + {_id: $id, jobId: $id, orderId: $id, status: $status}
        + (if $code == 0 or $own.error then {} else {error: "exit code \($code): \($last)"} end)
        + {run: {attempt: ($a + 1), worker: $w, started: $began, finished: (now | todate),
            exitCode: $code, cause: (if $good then "ok" else "exit" end)}}'
}
one() { # FILE in new/: claim, run, commit; false when it is not ours
    n=${1##*/} id=${1##*/??.} id=${id%%.*} day=${id%%T*} try=${n#*"$id".} try=${try%%.*}
    echo "$n" | grep -x '..\.[0-9T]*-[0-9a-f]*\.t[0-9]*a[0-9]*\(\.[A-Za-z0-9_-]*\)*\.json' || return
    if find "$s/hold" "$s/cancel" "$s/drain" -name "$id" -o -name "$w" -o -name "${w%-*}" | grep . ||
        [ ! -e "$1" ] || ! want=$(jq -er "$plain" "$1"); then return 1; fi
    mine=${n%%"$try"*}$try@$w${n#*"$try"} && job=$s/assigned/$mine run=$s/runs/$day/$id
    mv -n "$1" "$job" # whatever it says, the target decides: ours when there, plain, with one link
    [ "$(find "$job" -type f -links 1)" ] || return
    began=$(date -u +%Y-%m-%dT%H:%M:%SZ) && attempt
    prov=$s/outcomes/.$id.$try@$w && (set -C && outcome >"$prov") || exit 111 # last of all; O_EXCL
    if jq -e '.status < 300' "$prov"; then to=$s/done/$day; else to=$s/failed/$day; fi
    mkdir -p "$to" && sync "$prov" "$s/outcomes" "${to%/*}" || exit 111
    mv -n "$job" "$to/$mine"       # the commit
    [ -e "$to/$mine" ] || return 0 # it was taken from us: this outcome is nobody's
    sync "$to" "$s/assigned" && mv -n "$prov" "$s/outcomes/$id.json"
}
while n=$((${n:-0} + 1)) && kill -0 $$; do # a counter that changes is a beat; it must end with us
    printf '{"worker":"%s","role":"worker","beat":%d}\n' "$w" "$n" >"$s/tmp/$w"
    mv "$s/tmp/$w" "$s/workers/$w.json"
    sleep "$every"
done >/dev/null 2>&1 & beat=$!
trap 'kill $beat; wait $beat; rm -rf "$work" "$s/workers/$w.json"' EXIT
trap end=yes TERM INT HUP # a running job may end
while [ "${claimed-yes}" ]; do
    claimed=''
    for order in "$s"/new/[0-9][0-9].2*.json; do
        [ "${end-}" ] || ! one "$order" >/dev/null 2>&1 || claimed=yes
    done
done
