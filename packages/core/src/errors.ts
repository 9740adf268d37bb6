/** One error class for every failed operation: match on `code`, read the facts in `details`. */

/** The facts that go with an error: plain values that log lines and JSON can carry. */
export type ErrorDetails = { readonly [name: string]: unknown }

/** Codes of one family with the shape of the facts each carries. */
export type ErrorTable = { readonly [code: string]: ErrorDetails }

const BRAND = Symbol.for('@weft/core/WeftError')

/**
 * A failed operation. `code` is stable and says which failure; `details` names what was wrong;
 * `cause` is kept. Bad packets are faults (returned), bugs are assertions; neither is this.
 */
export class WeftError<
  Code extends string = string,
  Details extends ErrorDetails = ErrorDetails,
> extends Error {
  override readonly name = 'WeftError'
  readonly code: Code
  readonly details: Details

  constructor(code: Code, message: string, details: Details, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** The shape that crosses process and log boundaries. */
  toJSON(): { code: Code; message: string; details: Details } {
    return { code: this.code, message: this.message, details: this.details }
  }

  /** Recognises errors of another copy of this package too, where prototypes differ. */
  static override [Symbol.hasInstance](value: unknown): value is WeftError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

/** The errors a family can produce, discriminated by `code`. */
export type ErrorsOf<Table extends ErrorTable> = {
  [Code in keyof Table & string]: WeftError<Code, Table[Code]>
}[keyof Table & string]

/** Makes errors of one family; the code decides which details must be given. */
export type ErrorFactory<Table extends ErrorTable> = <Code extends keyof Table & string>(
  code: Code,
  message: string,
  details: Table[Code],
  cause?: unknown,
) => WeftError<Code, Table[Code]>

/**
 * A factory for one family of errors. Messages are lower-case phrases without the data that is
 * already in `details`.
 */
export function defineErrors<Table extends ErrorTable>(): ErrorFactory<Table> {
  return (code, message, details, cause) => new WeftError(code, message, details, cause)
}

/** True when a caught value is a WeftError with this code. */
export function hasCode<Code extends string>(
  error: unknown,
  code: Code,
): error is WeftError<Code> {
  return error instanceof WeftError && error.code === code
}

/** One line for people: the message, then the facts. */
export function describeError(error: unknown): string {
  if (!(error instanceof WeftError)) return error instanceof Error ? error.message : String(error)
  const facts = Object.entries(error.details).map(([k, v]) => `${k}=${fact(v)}`)
  return facts.length === 0 ? error.message : `${error.message} (${facts.join(', ')})`
}

function fact(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? String(part) : part,
  )
}
