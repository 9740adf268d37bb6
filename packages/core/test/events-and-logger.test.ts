import { describe, expect, test } from 'vitest'
import { createLogger, Emitter, silentLogger } from '../src/index.ts'

type Events = { drift: { readonly items: number }; closed: null }

describe('events', () => {
  test('reach listeners at once and in subscription order, and only theirs', () => {
    const events = new Emitter<Events>()
    const seen: string[] = []
    events.on('drift', ({ items }) => void seen.push(`first ${items}`))
    events.on('closed', () => void seen.push('closed'))
    events.on('drift', ({ items }) => void seen.push(`second ${items}`))
    events.emit('drift', { items: 3 })
    expect(seen).toEqual(['first 3', 'second 3'])
  })

  test('stop when disposed; the same function subscribed twice is two subscriptions', () => {
    const events = new Emitter<Events>()
    let count = 0
    const listener = (): void => {
      count++
    }
    const first = events.on('closed', listener)
    events.on('closed', listener)
    events.emit('closed', null)
    expect(count).toBe(2)
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    events.emit('closed', null)
    expect(count).toBe(3)
  })

  test('a listener disposed by an earlier one is silent already; one added waits', () => {
    const events = new Emitter<Events>()
    const seen: string[] = []
    events.on('closed', () => {
      seen.push('first')
      second[Symbol.dispose]()
      events.on('closed', () => void seen.push('added'))
    })
    const second = events.on('closed', () => void seen.push('second'))
    events.emit('closed', null)
    expect(seen).toEqual(['first'])
    events.emit('closed', null)
    expect(seen).toEqual(['first', 'first', 'added'])
  })

  test('what a listener throws reaches the emitter: a bug is not swallowed', () => {
    const events = new Emitter<Events>()
    events.on('closed', () => {
      throw new Error('bug: planted')
    })
    expect(() => events.emit('closed', null)).toThrow('planted')
  })
})

describe('a logger', () => {
  test('hands level, message and merged fields to its sink; inner fields win', () => {
    const lines: unknown[] = []
    const log = createLogger((...line) => void lines.push(line), { node: 'n1' })
    log.debug('started')
    const child = log.child({ part: 'gossip', peer: 'n2' })
    child.warn('peer suspected', { peer: 'n3' })
    child.child({ deep: true }).error('failed')
    log.info('done')
    expect(lines).toEqual([
      ['debug', 'started', { node: 'n1' }],
      ['warn', 'peer suspected', { node: 'n1', part: 'gossip', peer: 'n3' }],
      ['error', 'failed', { node: 'n1', part: 'gossip', peer: 'n2', deep: true }],
      ['info', 'done', { node: 'n1' }],
    ])
  })

  test('that is silent says nothing, nor do its children', () => {
    expect(() => silentLogger.child({ a: 1 }).error('nobody hears this')).not.toThrow()
  })
})
