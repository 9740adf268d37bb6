/** What a command is: its name, what it takes, and what it does. */
import type { Options, OptionSpec } from './option.ts'
import type { Surroundings } from './surroundings.ts'
import type { EngineClient } from '@weft/engine-api/client'

/** A command as data and one function; the program makes help and errors from the data. */
export interface CommandSpec {
  readonly name: string
  readonly aliases?: readonly string[]
  /** One line, without a full stop. */
  readonly summary: string
  readonly operands: OperandSpec
  readonly options: readonly OptionSpec[]
  /** Lines a user may type, without the `weft` in front. */
  readonly examples: readonly string[]
  /** Without any option help is printed: there would be nothing to do. */
  readonly showsHelpWithoutOptions?: boolean
  /** Words after the first operand are not ours, whatever they look like. */
  readonly passesThrough?: boolean
  /** Resolves with an exit status, 0 when undefined; rejects with CommandFailure or WeftError. */
  readonly run: (invocation: Invocation) => Promise<number | undefined>
}

/** What a command takes besides options. */
export interface OperandSpec {
  /** As the usage line shows them. */
  readonly usage: string
  readonly countMin: number
  readonly countMax: number
}

/** No operands. */
export const NO_OPERANDS: OperandSpec = { usage: '', countMin: 0, countMax: 0 }

/** Exactly one operand. */
export function oneOperand(usage: string): OperandSpec {
  return { usage, countMin: 1, countMax: 1 }
}

/** One operand or more. */
export function someOperands(usage: string): OperandSpec {
  const more = `[${usage.split('|').at(-1) ?? ''}...]`
  return { usage: `${usage} ${more}`, countMin: 1, countMax: Infinity }
}

/** Commands under one name. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly commands: readonly CommandSpec[]
}

/** One call of a command. */
export interface Invocation extends Surroundings {
  readonly client: EngineClient
  /** Where the daemon is, as the user said it. */
  readonly host: string
  readonly operands: readonly string[]
  readonly options: Options
}

/** The first operand; its presence was checked before the command ran. */
export function operandOf({ operands }: Invocation): string {
  return operands[0] ?? ''
}
