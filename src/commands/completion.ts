/**
 * `completion`: a script for a shell that asks the program itself what may come next, so that it is never behind. Owns the scripts
 * and the answer; the commands and their options are the program's.
 */
import type { Command } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

export const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

/** The hidden command that the scripts call. */
export const completeWord = '__complete';

const scripts: Readonly<Record<Shell, string>> = {
  bash: `_mandate() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(mandate ${completeWord} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _mandate mandate`,
  zsh: `#compdef mandate
_mandate() {
  local -a candidates
  candidates=("\${(@f)$(mandate ${completeWord} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a candidates
}
if [ "$funcstack[1]" = _mandate ]; then _mandate "$@"; else compdef _mandate mandate; fi`,
  fish: `complete -c mandate -f -a '(mandate ${completeWord} -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
};

/** Writes the script for a shell. Pure. */
export const completionScript = (shell: Shell): string => scripts[shell];

/**
 * Lists what may stand in the place of the last word. Pure.
 * @param words what was typed after the program's name, the word that is being typed last
 */
export function candidatesFor(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? '';
  let command = program;
  for (const word of words.slice(0, -1)) {
    command = command.commands.find((one) => one.name() === word) ?? command;
  }
  const before = words.at(-2) ?? '';
  const waiting = command.options.find(({ long }) => long === before);
  if (waiting?.required) return (waiting.argChoices ?? []).filter((choice) => choice.startsWith(typed));
  const names = typed.startsWith('-')
    ? [...command.options.flatMap(({ long }) => long ?? []), '--help']
    : command.commands.map((one) => one.name()).filter((name) => name !== completeWord);
  return names.filter((name) => name.startsWith(typed)).sort();
}
