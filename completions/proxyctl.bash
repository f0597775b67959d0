# bash completion for proxyctl: load it with  source <(proxyctl completion bash)
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
