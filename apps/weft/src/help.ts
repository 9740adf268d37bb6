/** Help in the form of Docker's client: usage, summary, options, examples. */
import type { CommandGroup, CommandSpec } from './command.ts'
import type { OptionSpec } from './option.ts'

/** Options before the first command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'host',
    short: 'H',
    value: 'list',
    about: 'Daemon socket to connect to (default unix:///run/weft/weft.sock)',
  },
  { name: 'version', short: 'v', about: 'Print version information and quit' },
]

const TAGLINE = "Overlay networks over many machines, with Docker's commands"

/** The line that says how a command is typed, with `weft` in front. */
export function usageLine(path: string, { operands, options }: CommandSpec): string {
  const parts = [path, options.length > 0 ? '[OPTIONS]' : '', operands.usage]
  return parts.filter((part) => part !== '').join(' ')
}

/** `weft network create --help`. */
export function commandHelp(path: string, command: CommandSpec): string {
  const { summary, aliases, options, examples } = command
  const names = [command.name, ...(aliases ?? [])].join(', ')
  return [
    `\nUsage:  ${usageLine(path, command)}\n\n${summary}\n`,
    aliases === undefined ? '' : `\nAliases:\n  ${names}\n`,
    options.length === 0 ? '' : `\nOptions:\n${optionLines(options)}`,
    `\nExamples:\n${examples.map((example) => `  weft ${example}\n`).join('')}`,
  ].join('')
}

/** `weft network --help`. */
export function groupHelp({ name, summary, commands }: CommandGroup): string {
  const more = `Run 'weft ${name} COMMAND --help' for more information on a command.`
  return [
    `\nUsage:  weft ${name} COMMAND\n\n${summary}\n`,
    `\nCommands:\n${commandLines(commands)}\n${more}\n`,
  ].join('')
}

/** `weft --help`. */
export function rootHelp(
  groups: readonly CommandGroup[],
  commands: readonly CommandSpec[],
): string {
  return [
    `\nUsage:  weft [OPTIONS] COMMAND\n\n${TAGLINE}\n`,
    `\nOptions:\n${optionLines(GLOBAL_OPTIONS)}`,
    `\nManagement Commands:\n${commandLines(groups)}`,
    `\nCommands:\n${commandLines(commands)}`,
    "\nRun 'weft COMMAND --help' for more information on a command.\n",
  ].join('')
}

function commandLines(
  commands: readonly { readonly name: string; readonly summary: string }[],
): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('')
}

function optionLines(options: readonly OptionSpec[]): string {
  const heads = options.map(({ name, short, value }) => {
    const letter = short === undefined ? '    ' : `-${short}, `
    return `  ${letter}--${name}${value === undefined ? '' : ` ${value}`}`
  })
  const width = Math.max(...heads.map((head) => head.length))
  return options
    .map(({ about }, index) => `${(heads[index] ?? '').padEnd(width)}   ${about}\n`)
    .join('')
}
