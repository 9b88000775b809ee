# spool(1) in fish: what may follow says spool itself.
complete -c spool -a '(spool complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
