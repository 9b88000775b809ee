# spool(1) in bash: what may follow says spool itself.
_spool() {
	local word IFS=$'\n'
	COMPREPLY=()
	for word in $(spool complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
		COMPREPLY+=("$word")
	done
}
complete -o default -F _spool spool
