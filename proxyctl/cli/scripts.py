"""The completion scripts of the three shells. They know no command: each asks `proxyctl` itself (see `completing.py`).

The files under `completions/` are these texts; a test compares them.
"""

from __future__ import annotations

_BASH = r"""# bash completion for proxyctl: load it with  source <(proxyctl completion bash)
_proxyctl() {
    local -a words=()
    local word glue="" line current
    # bash cuts words at colons and equal signs, and models are called groq:llama: put them together again.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ ${#words[@]} -gt 0 && ( $word == [:=] || -n $glue ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        [[ $word == [:=] ]] && glue=1 || glue=""
    done
    [[ ${#words[@]} -eq 0 ]] && words=("")
    current=${words[-1]}
    local head=""
    [[ $current == *[:=]* ]] && head=${current%"${current##*[:=]}"}
    COMPREPLY=()
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$head"}")
    done < <(_PROXYCTL_COMPLETE=1 "$1" "${words[@]}" 2>/dev/null)
}
complete -o default -F _proxyctl proxyctl
"""

_ZSH = r"""#compdef proxyctl
# zsh completion for proxyctl: load it with  source <(proxyctl completion zsh)
_proxyctl() {
    local -a described
    local line value
    for line in "${(@f)$(_PROXYCTL_COMPLETE=1 ${words[1]} "${(@)words[2,$CURRENT]}" 2>/dev/null)}"; do
        [[ -z $line ]] && continue
        value=${line%%$'\t'*}
        if [[ $line == *$'\t'* ]]; then
            described+=("${value//:/\\:}:${line#*$'\t'}")
        else
            described+=("${value//:/\\:}")
        fi
    done
    if (( ${#described} )); then
        _describe -V proxyctl described
    else
        _files
    fi
}
if [[ ${funcstack[1]} == _proxyctl ]]; then
    _proxyctl "$@"
else
    compdef _proxyctl proxyctl
fi
"""

_FISH = r"""# fish completion for proxyctl: load it with  proxyctl completion fish | source
function __proxyctl_complete
    set -lx _PROXYCTL_COMPLETE 1
    set -l words (commandline -opc) (commandline -ct)
    $words[1] $words[2..] 2>/dev/null
end
complete --command proxyctl --no-files --keep-order --arguments '(__proxyctl_complete)'
complete --command proxyctl --condition 'test (commandline -opc)[-1] = --config' --force-files
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
