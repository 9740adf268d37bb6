/** Log lines as a port: a constant message and structured fields, for people. */

/** Facts beside a message: plain values, never secrets. */
export type LogFields = { readonly [name: string]: unknown }

/** How much a line matters, from `debug` to `error`. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where log lines go. Messages are constants; what varies stands in `fields`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger whose lines all carry these fields too. */
  child(fields: LogFields): Logger
}

/** What a logger does with a finished line. */
export type LogSink = (level: LogLevel, message: string, fields: LogFields) => void

/** A logger that hands each line, with inherited fields merged in, to one function. */
export function createLogger(sink: LogSink, inherited: LogFields = {}): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      sink(level, message, { ...inherited, ...fields })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => createLogger(sink, { ...inherited, ...fields }),
  }
}

/** A logger that says nothing. */
export const silentLogger: Logger = createLogger(() => undefined)
