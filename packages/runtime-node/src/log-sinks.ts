/** Where log lines end up: JSON lines for machines, readable lines for people. */
import { formatFields, plainFields, quoteText, type LogLevel, type LogSink } from '@weft/core'

/** Text that waits for a slow reader, in bytes; lines beyond are dropped and counted. */
export const LOG_BUFFER_BYTES_MAX = 4 * 1024 * 1024

/** The part of a writable stream that a sink needs. */
export interface LineTarget {
  readonly writableLength: number
  write(text: string): unknown
}

/** Where lines go and what time they carry. */
export interface LineSinkOptions {
  readonly target: LineTarget
  /** Epoch milliseconds: a clock's `wall`. */
  readonly wall: () => number
}

/**
 * One JSON object a line: `time` (ISO 8601), `level`, `message`, `fields`. Fields stand apart, so
 * that none can pass for a level or a message.
 */
export function jsonLines(options: LineSinkOptions): LogSink {
  return boundedSink(options, (time, [level, message, fields]) => {
    return JSON.stringify({ time, level, message, fields: plainFields(fields) })
  })
}

/** One line for people: time, level, message, `name=value` for each field. */
export function readableLines(options: LineSinkOptions): LogSink {
  return boundedSink(options, (time, [level, message, fields]) => {
    // A message is a constant, but one with a line break in it would still forge a line.
    const text = /\p{Cc}/u.test(message) ? quoteText(message) : message
    return `${time} ${level.padEnd(5)} ${text}${formatFields(fields)}`
  })
}

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Only lines of this level and above. */
export function atLeast(level: LogLevel, sink: LogSink): LogSink {
  const least = ORDER.indexOf(level)
  return (lineLevel, message, fields) => {
    if (ORDER.indexOf(lineLevel) >= least) sink(lineLevel, message, fields)
  }
}

/** A stuck reader must not make the process grow: drop lines, and say how many later. */
function boundedSink(
  { target, wall }: LineSinkOptions,
  render: (time: string, line: Parameters<LogSink>) => string,
): LogSink {
  let dropped = 0
  const write = (...line: Parameters<LogSink>): void => {
    target.write(`${render(new Date(wall()).toISOString(), line)}\n`)
  }
  return (...line) => {
    if (target.writableLength > LOG_BUFFER_BYTES_MAX) dropped++
    else {
      if (dropped > 0) write('warn', 'log lines dropped', { dropped })
      dropped = 0
      write(...line)
    }
  }
}
