# fish completion for proxyctl: load it with  proxyctl completion fish | source
function __proxyctl_complete
    set -lx _PROXYCTL_COMPLETE 1
    set -l words (commandline -opc) (commandline -ct)
    $words[1] $words[2..] 2>/dev/null
end
complete --command proxyctl --no-files --keep-order --arguments '(__proxyctl_complete)'
complete --command proxyctl --condition 'test (commandline -opc)[-1] = --config' --force-files
