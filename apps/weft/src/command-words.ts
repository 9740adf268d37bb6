/** What was typed after a command, taken apart by commander, with the errors of Go's pflag. */
import { Command, CommanderError } from 'commander'
import { CommandFailure, EXIT_USAGE } from './command-failure.ts'
import { didYouMean } from './nearest.ts'
import { OptionFailure, Options, type OptionSpec } from './option.ts'

/** Options and operands. */
export interface Words {
  readonly options: Options
  readonly operands: readonly string[]
}

/** What a command takes. */
export interface WordSpec {
  /** The command as it was typed. */
  readonly path: string
  readonly options: readonly OptionSpec[]
  /** What follows the first operand belongs to somebody else. */
  readonly passesThrough: boolean
}

/** Thrown once help was shown: there is nothing more to do. */
export class HelpWanted extends Error {
  override readonly name = 'HelpWanted'
}

/** Take words apart. Throws CommandFailure, or HelpWanted after `help` was called. */
export function readWords(
  spec: WordSpec,
  words: readonly string[],
  { help }: { readonly help: () => void },
): Words {
  const given = new Map<string, string[]>()
  const operands: string[] = []
  const command = new Command(spec.path)
    .argument('[words...]')
    .helpOption(false)
    .option('-h, --help')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
    .showSuggestionAfterError(false)
    .passThroughOptions(spec.passesThrough)
    .action((rest: string[]) => {
      operands.push(...rest)
    })
  for (const { name, short, value } of spec.options) {
    const letter = short === undefined ? '' : `-${short}, `
    command.option(`${letter}--${name}${value === undefined ? '' : ` <${value}>`}`)
    command.on(`option:${name}`, (text: string | undefined) => {
      given.set(name, [...(given.get(name) ?? []), text ?? ''])
    })
  }
  try {
    command.parse(withoutSwitchValues(spec, words), { from: 'user' })
  } catch (error) {
    throw error instanceof CommanderError ? translated(error, spec) : error
  }
  if (command.getOptionValue('help') === true) {
    help()
    throw new HelpWanted()
  }
  return { options: new Options(given), operands }
}

const TRUE = /^(1|t|T|TRUE|true|True)$/
const FALSE = /^(0|f|F|FALSE|false|False)$/

/** Go's switches may be told their value (`--attachable=false`), which commander does not know. */
function withoutSwitchValues(
  { options, passesThrough, path }: WordSpec,
  words: readonly string[],
): string[] {
  const kept: string[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const isOperand = word === '--' || word === '-' || !word.startsWith('-')
    if (word === '--' || (isOperand && passesThrough)) return [...kept, ...words.slice(index)]
    const option = isOperand ? undefined : optionOf(options, word)
    const value = /^--[^=]*=([\s\S]*)$/.exec(word)?.[1]
    if (option === undefined || (option.value === undefined) === (value === undefined)) {
      kept.push(word)
    } else if (option.value !== undefined) {
      kept.push(...words.slice(index, index + 2))
      index += 1
    } else if (TRUE.test(value ?? '')) kept.push(`--${option.name}`)
    else if (!FALSE.test(value ?? '')) throw switchFailure(option, value ?? '').at(path, options)
  }
  return kept
}

/** The option that a word ends with: of `-qf` it is `-f`; undefined for one that has its value. */
function optionOf(options: readonly OptionSpec[], word: string): OptionSpec | undefined {
  if (word.startsWith('--')) {
    return options.find(({ name }) => word === `--${name}` || word.startsWith(`--${name}=`))
  }
  for (const [at, letter] of Array.from(word.slice(1)).entries()) {
    const option = options.find(({ short }) => short === letter)
    if (option?.value !== undefined) return at === word.length - 2 ? option : undefined
  }
  return undefined
}

function switchFailure({ name }: OptionSpec, text: string): OptionFailure {
  const problem = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`
  return new OptionFailure(name, text, problem)
}

function translated({ code, message }: CommanderError, spec: WordSpec): CommandFailure {
  const problem = problemOf(code, message, spec.options)
  return new CommandFailure(`${problem}\nSee '${spec.path} --help'.`, EXIT_USAGE)
}

function problemOf(code: string, message: string, options: readonly OptionSpec[]): string {
  const quoted = /'([^']*)'/.exec(message)?.[1] ?? ''
  if (code === 'commander.unknownOption') {
    if (quoted.startsWith('--')) return unknownFlag(quoted.replace(/=.*$/s, ''), options)
    return `unknown shorthand flag: '${quoted.slice(1, 2)}' in ${quoted}`
  }
  if (code === 'commander.optionMissingArgument') {
    const name = quoted.split(' ').find((word) => word.startsWith('--')) ?? quoted
    return `flag needs an argument: ${name}`
  }
  return message.replace(/^error: /, '')
}

function unknownFlag(flag: string, options: readonly OptionSpec[]): string {
  const hint = didYouMean(flag, options.map(({ name }) => `--${name}`))
  return `unknown flag: ${flag}${hint === '' ? '' : `.${hint}`}`
}
