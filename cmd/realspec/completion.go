package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints the script by which a shell completes.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

// Help says what to do with the script.
func (completionCommand) Help() string {
	return "bash: echo 'source <(realspec completion bash)' >> ~/.bashrc\n\n" +
		"zsh:  realspec completion zsh > \"${fpath[1]}/_realspec\"\n\n" +
		"fish: realspec completion fish > ~/.config/fish/completions/realspec.fish"
}

// Run is the command.
func (c *completionCommand) Run(a *app) error {
	_, err := fmt.Fprint(a.stdout, map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell])
	return err
}

// programName is how people call this program: kubectl runs a program named
// kubectl-realspec as its own command.
func programName(arg0 string) string {
	if strings.TrimSuffix(filepath.Base(arg0), ".exe") == "kubectl-realspec" {
		return "kubectl realspec"
	}
	return "realspec"
}

// completeCommand answers the scripts: one candidate a line, with a tab and what
// it is where that is known. A last line ":files" lets the shell offer files.
type completeCommand struct {
	Words []string `arg:"" optional:"" help:"The words of the command line so far; the last one is being typed."`
}

// Run is the command. It never fails: an error would be shown inside the line
// that is being typed.
func (c *completeCommand) Run(a *app, parsed *kong.Context) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" { // between realspec __complete and the words
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	t := typed{node: parsed.Model.Node}
	for _, word := range words[:len(words)-1] {
		t.take(word)
	}
	found := t.complete(words[len(words)-1])
	for _, candidate := range found.list {
		fmt.Fprintln(a.stdout, candidate)
	}
	if found.files {
		fmt.Fprintln(a.stdout, ":files")
	}
	return nil
}

// The scripts hand the words to `realspec __complete`. Bash splits words at = and
// :, which __complete knows; it knows nothing of descriptions.
const bashCompletion = `# bash completion for realspec: source <(realspec completion bash)
_realspec() {
    local IFS=$'\n' line found=() cur=${COMP_WORDS[COMP_CWORD]}
    [[ $cur == '=' ]] && cur=
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            found+=($(compgen -f -- "$cur"))
            compopt -o filenames 2>/dev/null
        else
            found+=("${line%%$'\t'*}")
        fi
    done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    COMPREPLY=("${found[@]}")
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _realspec realspec
`

const zshCompletion = `#compdef realspec
# zsh completion for realspec: realspec completion zsh > "${fpath[1]}/_realspec"
_realspec() {
    local line value files=0
    local -a plain open
    for line in "${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        value=${line%%$'\t'*}
        if [[ $line == :files ]]; then
            files=1
        elif [[ $value == *[=/] ]]; then
            open+=("$value")
        elif [[ $line == *$'\t'* ]]; then
            plain+=("${value//:/\\:}:${line#*$'\t'}")
        elif [[ -n $value ]]; then
            plain+=("${value//:/\\:}")
        fi
    done
    (( ${#plain} )) && _describe realspec plain
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
    (( files )) && _files
}
if [[ $funcstack[1] == _realspec ]]; then
    _realspec "$@"
else
    compdef _realspec realspec
fi
`

const fishCompletion = `# fish completion for realspec: realspec completion fish > ~/.config/fish/completions/realspec.fish
function __realspec_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c realspec -f -a '(__realspec_complete)'
`
