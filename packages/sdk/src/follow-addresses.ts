/** A node whose machine has got another address goes on under that one (P25). */
import { instantAfter } from '@weft/core'
import type { Agent } from '@weft/agent'
import { findAddresses } from './address-choice.ts'
import type { InterfaceIp } from './machine.ts'
import type { CompleteOptions } from './node-options.ts'
import type { NodeRecord } from './node-record.ts'
import type { RecordKeeper } from './record-keeper.ts'

/** How often the machine's addresses are looked at, in ms. */
export const ADDRESS_LOOK_MS = 2000

/**
 * The record with the addresses that the machine has now, by the rule that chose the ones in it;
 * the same object when they are there still, or nothing better is to be had. A manager keeps its
 * address: others have it in their lists.
 */
export function withPresentAddresses(
  record: NodeRecord,
  machine: readonly InterfaceIp[],
): NodeRecord {
  const { advertise, dataPathIp, identity, request, listen } = record
  const isPresent = [advertise.ip, dataPathIp].every((ip) => machine.some((one) => one.ip === ip))
  if (isPresent || identity.role === 'manager') return record
  const found = findAddresses({ ...request, listen }, machine)
  if (found === null) return record
  const isSame = found.advertise.ip === advertise.ip && found.dataPathIp === dataPathIp
  return isSame ? record : { ...record, ...found }
}

/** Look from time to time, and tell the agent; until disposed. */
export function followAddresses(
  keeper: RecordKeeper,
  agent: Agent,
  { runtime, machine, log }: CompleteOptions,
): Disposable {
  const { clock } = runtime
  let timer: Disposable | null = null
  let isDisposed = false
  const look = async (): Promise<void> => {
    const { advertise, dataPathIp } = withPresentAddresses(keeper.current, machine.addresses())
    const isNew = advertise !== keeper.current.advertise
    if (!isNew) return
    log.info('the node goes on under another address', { advertise, dataPathIp })
    await keeper.change({ advertise, dataPathIp })
    await agent.update({ advertiseIp: advertise.ip, dataPathIp })
  }
  const wait = (): void => {
    if (isDisposed) return
    timer = clock.schedule(instantAfter(clock.now(), ADDRESS_LOOK_MS), () => {
      look()
        .catch((error: unknown) => log.warn('the address could not be changed', { error }))
        .finally(wait)
    })
  }
  wait()
  return {
    [Symbol.dispose]: () => {
      isDisposed = true
      timer?.[Symbol.dispose]()
    },
  }
}
