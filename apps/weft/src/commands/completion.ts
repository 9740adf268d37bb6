/** `weft completion`: what a shell needs to complete commands and options. */
import { CommandFailure } from '../command-failure.ts'
import { oneOperand, operandOf, type CommandGroup, type CommandSpec } from '../command.ts'

/** `completion`, for these groups and commands. */
export function completionOf(
  groups: readonly CommandGroup[],
  commands: readonly CommandSpec[],
): CommandSpec {
  return {
    name: 'completion',
    summary: 'Print a script that completes commands and options',
    operands: oneOperand('(bash|zsh)'),
    options: [],
    examples: ['completion bash > /etc/bash_completion.d/weft'],
    run: (invocation) => {
      const shell = operandOf(invocation)
      if (shell !== 'bash' && shell !== 'zsh') {
        return Promise.reject(new CommandFailure(`unknown shell ${shell}`))
      }
      invocation.out.write(scriptOf(shell, wordsOf(groups, commands)))
      return Promise.resolve(undefined)
    },
  }
}

/** What may follow each path of commands. */
function wordsOf(
  groups: readonly CommandGroup[],
  commands: readonly CommandSpec[],
): readonly (readonly [path: string, words: string])[] {
  const names = [...groups, ...commands].map(({ name }) => name)
  return [
    ['', `${names.sort().join(' ')} completion --host --help --version`],
    ['completion', 'bash zsh'],
    ...commands.map((one) => [one.name, optionWords(one)] as const),
    ...groups.flatMap((group) => [
      [group.name, group.commands.map(({ name }) => name).join(' ')] as const,
      ...group.commands.map((one) => [`${group.name} ${one.name}`, optionWords(one)] as const),
    ]),
  ]
}

function optionWords({ options }: CommandSpec): string {
  return [...options.map(({ name }) => `--${name}`), '--help'].join(' ')
}

/** Zsh runs Bash's completion through its own `bashcompinit`. */
function scriptOf(shell: 'bash' | 'zsh', words: ReturnType<typeof wordsOf>): string {
  const cases = words.map(([path, known]) => `    '${path}') known='${known}' ;;\n`).join('')
  const start =
    shell === 'zsh' ? '#compdef weft\nautoload -U +X bashcompinit && bashcompinit\n' : ''
  return `${start}_weft() {
  local path='' word known=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case $path in
${cases}  esac
  COMPREPLY=( $(compgen -W "$known" -- "\${COMP_WORDS[COMP_CWORD]}") )
}
complete -o default -F _weft weft
`
}
