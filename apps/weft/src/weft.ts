/** The command line: reads what was typed, runs the command, says what went wrong. */
import { CommandFailure, EXIT_FAILURE } from './command-failure.ts'
import type { CommandGroup, CommandSpec } from './command.ts'
import { failureStatus, failureText } from './failure-text.ts'
import { commandHelp, GLOBAL_OPTIONS, groupHelp, rootHelp, usageLine } from './help.ts'
import { hostOf } from './host.ts'
import { OptionFailure } from './option.ts'
import { HelpWanted, readWords, type Words } from './command-words.ts'
import { didYouMean } from './nearest.ts'
import { COMMANDS, GROUPS } from './program.ts'
import { RELEASE } from './release.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * Run one command line, without the program's own name, and resolve with the exit status: 0, 1
 * when it failed, 125 when options are wrong, and for `run` what the command it ran ended with.
 */
export async function weft(
  words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const at = { host: '' }
  try {
    return await dispatch(words, surroundings, at)
  } catch (error) {
    if (error instanceof HelpWanted) return 0
    const text = failureText(error, at.host)
    if (text !== '') surroundings.err.write(`${text}\n`)
    return failureStatus(error)
  }
}

async function dispatch(
  words: readonly string[],
  surroundings: Surroundings,
  at: { host: string },
): Promise<number> {
  const root = readWords({ path: 'weft', options: GLOBAL_OPTIONS, passesThrough: true }, words, {
    help: () => surroundings.out.write(rootHelp(GROUPS, COMMANDS)),
  })
  if (root.options.has('version')) {
    surroundings.out.write(`Weft version ${RELEASE}\n`)
    return 0
  }
  const host = hostOf(root.options.textOrNull('host'), surroundings.env)
  at.host = host.url
  const found = find(root.operands, surroundings)
  if (found === null) return 0
  const { command, path, rest } = found
  const { operands, options } = commandWords(command, path, { rest, surroundings })
  const client = surroundings.connect(host.socketPath)
  const invocation = { ...surroundings, client, host: host.url, operands, options }
  try {
    return (await command.run(invocation)) ?? 0
  } catch (error) {
    throw error instanceof OptionFailure ? error.at(path, command.options) : error
  }
}

interface Found {
  readonly command: CommandSpec
  readonly path: string
  readonly rest: readonly string[]
}

/** Null when only help was to be shown. */
function find(words: readonly string[], { out }: Surroundings): Found | null {
  const [first, second, ...others] = words
  if (first === undefined || (first === 'help' && second === undefined)) {
    out.write(rootHelp(GROUPS, COMMANDS))
    return null
  }
  if (first === 'help') return find([second ?? '', ...others, '--help'], { out } as Surroundings)
  const command = named(COMMANDS, first)
  if (command !== undefined) {
    return { command, path: `weft ${command.name}`, rest: words.slice(1) }
  }
  const group = GROUPS.find(({ name }) => name === first)
  if (group === undefined) {
    const hint = didYouMean(first, [...namesOf(COMMANDS), ...GROUPS.map(({ name }) => name)])
    throw new CommandFailure(`weft: '${first}' is not a weft command.${hint}\nSee 'weft --help'`)
  }
  return findInGroup(group, words.slice(1), out)
}

function findInGroup(
  group: CommandGroup,
  words: readonly string[],
  out: Surroundings['out'],
): Found | null {
  const path = `weft ${group.name}`
  const { operands } = readWords({ path, options: [], passesThrough: true }, words, {
    help: () => out.write(groupHelp(group)),
  })
  const [name] = operands
  if (name === undefined) {
    out.write(groupHelp(group))
    return null
  }
  const command = named(group.commands, name)
  if (command === undefined) {
    const problem = `weft: '${name}' is not a command of '${path}'.`
    const hint = didYouMean(name, namesOf(group.commands))
    throw new CommandFailure(`${problem}${hint}\n${groupHelp(group).trimEnd()}`)
  }
  return { command, path: `${path} ${command.name}`, rest: operands.slice(1) }
}

function named(commands: readonly CommandSpec[], name: string): CommandSpec | undefined {
  return commands.find((one) => one.name === name || one.aliases?.includes(name) === true)
}

function namesOf(commands: readonly CommandSpec[]): string[] {
  return commands.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])])
}

/** The options and operands of a command; throws what Docker says of too few or too many. */
function commandWords(
  command: CommandSpec,
  path: string,
  { rest, surroundings }: { readonly rest: readonly string[]; readonly surroundings: Surroundings },
): Words {
  const help = (): void => surroundings.out.write(commandHelp(path, command))
  const { options, passesThrough = false } = command
  const read = readWords({ path, options, passesThrough }, rest, { help })
  if (command.showsHelpWithoutOptions === true && !read.options.hasAny()) {
    help()
    throw new HelpWanted()
  }
  const problem = countProblem(command, read.operands.length)
  if (problem === '') return read
  const usage = `Usage:  ${usageLine(path, command)}\n\n${command.summary}`
  const message = `"${path}" ${problem}.\nSee '${path} --help'.\n\n${usage}`
  throw new CommandFailure(message, EXIT_FAILURE)
}

function countProblem({ operands: { countMin, countMax } }: CommandSpec, count: number): string {
  if (count >= countMin && count <= countMax) return ''
  if (countMax === 0) return 'accepts no arguments'
  const [bound, number] =
    countMin === countMax
      ? ['exactly', countMin]
      : count < countMin
        ? ['at least', countMin]
        : ['at most', countMax]
  return `requires ${bound} ${number} ${number === 1 ? 'argument' : 'arguments'}`
}
