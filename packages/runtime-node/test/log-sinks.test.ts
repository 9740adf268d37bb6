import { describe, expect, test } from 'vitest'
import { createLogger, WeftError, type LogSink } from '@weft/core'
import {
  atLeast,
  jsonLines,
  LOG_BUFFER_BYTES_MAX,
  readableLines,
  type LineTarget,
} from '../src/index.ts'

/** A stream in memory that can pretend to be stuck. */
class Page implements LineTarget {
  readonly lines: string[] = []
  writableLength = 0

  write(text: string): void {
    this.lines.push(text)
  }
}

const wall = (): number => Date.UTC(2026, 10, 20, 20, 0, 0, 123)
const sinks: readonly [string, (target: LineTarget) => LogSink][] = [
  ['json', (target) => jsonLines({ target, wall })],
  ['readable', (target) => readableLines({ target, wall })],
]

test('JSON lines carry time, level, message, and fields apart from them', () => {
  const page = new Page()
  const log = createLogger(jsonLines({ target: page, wall })).child({ node: 'n1' })
  log.warn('peer suspected', { peer: 'n2', level: 'forged', at: 1n })
  expect(page.lines).toHaveLength(1)
  expect(JSON.parse(page.lines.join(''))).toEqual({
    time: '2026-11-20T20:00:00.123Z',
    level: 'warn',
    message: 'peer suspected',
    fields: { node: 'n1', peer: 'n2', level: 'forged', at: '1' },
  })
})

test('readable lines are one line each, whatever stands in them', () => {
  const page = new Page()
  const log = createLogger(readableLines({ target: page, wall }))
  const error = new WeftError('ERR_FULL', 'no address left', { pool: 'blue' })
  log.info('started', { port: 4789, error })
  log.error('two\nlines', { text: 'a\nb' })
  expect(page.lines).toEqual([
    '2026-11-20T20:00:00.123Z info  started port=4789 ' +
      'error={"message":"no address left","code":"ERR_FULL","details":{"pool":"blue"}}\n',
    '2026-11-20T20:00:00.123Z error "two\\nlines" text="a\\nb"\n',
  ])
})

describe.each(sinks)('a %s sink', (_name, sink) => {
  test('never writes raw bytes', () => {
    const page = new Page()
    const key = Uint8Array.of(0xde, 0xad, 0xbe, 0xef)
    createLogger(sink(page)).info('rotated', { key, keys: { primary: key }, all: [key] })
    expect(page.lines.join('')).not.toMatch(/222|dead|173/)
    expect(page.lines.join('')).toContain('[4 bytes]')
  })

  test('drops lines while its reader is stuck, and says how many', () => {
    const page = new Page()
    const log = createLogger(sink(page))
    log.info('before')
    page.writableLength = LOG_BUFFER_BYTES_MAX + 1
    log.info('lost')
    log.info('lost')
    page.writableLength = LOG_BUFFER_BYTES_MAX
    log.info('after')
    expect(page.lines.map((line) => /before|lost|dropped|after/.exec(line)?.[0])).toEqual([
      'before',
      'dropped',
      'after',
    ])
    expect(page.lines[1]).toMatch(/dropped"?[=:]2/)
  })
})

test('a level filter passes its level and above', () => {
  const seen: string[] = []
  const log = createLogger(atLeast('warn', (level) => void seen.push(level)))
  log.debug('x')
  log.info('x')
  log.warn('x')
  log.error('x')
  expect(seen).toEqual(['warn', 'error'])
})
