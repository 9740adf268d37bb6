/**
 * The process that owns a host's dataplane: opens a backend through the public API, does what its
 * parent says, and exits when the parent is gone. It may be killed at any time.
 */
import { assert } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import { damage, forgetKeys } from '@weft/dataplane-userspace/testing'
import { readdirSync, readlinkSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import {
  arrivedState,
  recordFailures,
  type Call,
  type CallTable,
  type Message,
  type Method,
} from './dataplane-calls.ts'
import { recordError } from './error-record.ts'
import { openHostDataplane } from './host-dataplane.ts'
import { STAY_VARIABLE } from './stay-variable.ts'

type Handlers = {
  readonly [name in Method]: (
    argument: CallTable[name]['argument'],
  ) => Promise<CallTable[name]['answer']>
}

let dataplane: Dataplane | null = null

function open(): Dataplane {
  assert(dataplane !== null, 'a dataplane is opened before it is used')
  return dataplane
}

const handlers: Handlers = {
  open: async (options) => {
    const opened = await openHostDataplane(options)
    opened.events.on('drift', ({ items, failures }) =>
      say({ kind: 'drift', items, failures: recordFailures(failures) }),
    )
    opened.events.on('failed', ({ error }) => say({ kind: 'failed', error: recordError(error) }))
    dataplane = opened
    return { backend: opened.backend, capabilities: opened.capabilities }
  },
  apply: async (state) => {
    const report = await open().apply(arrivedState(state))
    return { ...report, failures: recordFailures(report.failures) }
  },
  observe: () => open().observe(),
  counters: () => open().counters(),
  close: async (mode) => {
    await open().close(mode)
    // We are killed, not ended: where Node keeps compiled code, it has to be told now.
    flushCompileCache()
    return null
  },
  dispose: async () => {
    await open()[Symbol.asyncDispose]()
    return null
  },
  damage: async (wound) => {
    if ('network' in wound) await damage(open(), wound)
    // The tables of a switch are its guards: there is nothing beside them to be taken away.
    else if (wound.kind === 'delete-associations') await forgetKeys(open())
    return null
  },
  descriptors: async () => descriptors(),
}

/** What our open descriptors are, without the one that reads the list. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`]
    } catch {
      return []
    }
  })
}

async function answer(call: Call): Promise<Message> {
  try {
    // The parent's types and ours are the same table; the wire between them is not typed.
    const handler = handlers[call.method] as (argument: unknown) => Promise<unknown>
    return { kind: 'answer', id: call.id, value: await handler(call.argument) }
  } catch (error) {
    return { kind: 'refusal', id: call.id, error: recordError(error) }
  }
}

function say(message: Message): void {
  if (process.connected) process.send?.(message)
}

process.on('message', (calls: readonly Call[]) => {
  for (const call of calls) void answer(call).then(say)
})
// Not process.exit: it waits for worker threads, and nobody is left to see an orderly end.
process.on('disconnect', () => {
  if (process.env[STAY_VARIABLE] !== '1') process.kill(process.pid, 'SIGKILL')
})
