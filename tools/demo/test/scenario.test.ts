/** The scenario on the model: all checks hold on the true one, and each can fail on a false one. */
import { macFromBytes } from '@weft/core'
import { forwardingRules, type ForwardingRules } from '@weft/dataplane-sim'
import type { SimLabVariant } from '@weft/dataplane-sim/lab'
import { ethernet } from '@weft/wire'
import { describe, expect, test } from 'vitest'
import type { CheckResult } from '../src/report.ts'
import { playScenario } from '../src/scenario.ts'
import { openSimWorld } from '../src/sim-world.ts'

const TRANSFER_BYTES = 256 * 1024

async function play(variant: SimLabVariant = {}): Promise<readonly CheckResult[]> {
  const world = await openSimWorld(3, { record: false, variant })
  const { signal } = new AbortController()
  const quiet = (): undefined => undefined
  const options = { say: quiet, progress: quiet, signal, transferBytes: TRANSFER_BYTES }
  const checks = await playScenario(world, options)
  await world.close()
  return checks
}

function failedOf(checks: readonly CheckResult[]): string[] {
  return checks.filter((check) => !check.ok).map((check) => check.name)
}

function lie(rules: Partial<ForwardingRules>): SimLabVariant {
  return { rules: { ...forwardingRules, ...rules } }
}

test('every check holds on the true model', async () => {
  const checks = await play()
  expect(failedOf(checks)).toEqual([])
  expect(checks.length).toBe(14)
})

describe('a false model fails the check that is made for it:', () => {
  test('one that carries no IP fails reachability and transfers', async () => {
    const dropping = lie({ fromTunnel: () => ({ kind: 'drop', reason: 'frame-malformed' }) })
    const failed = failedOf(await play(dropping))
    expect(failed).toEqual(expect.arrayContaining(['icmp-blue', 'icmp-green', 'isolation', 'move']))
    expect(failed).toEqual(expect.arrayContaining(['tcp-blue', 'tcp-green', 'kill-owner']))
  })

  test('one that sends broadcasts out fails the silence of the underlay', async () => {
    const flooding = lie({
      fromEndpoint: (passage, sender) => {
        const [peer] = passage.subnet.forwarding.values()
        const isGroup = ethernet.isGroup(passage.frame, 0)
        if (isGroup && peer !== undefined) return { kind: 'tunnel', to: peer }
        return forwardingRules.fromEndpoint(passage, sender)
      },
    })
    expect(failedOf(await play(flooding))).toContain('no-arp-on-underlay')
  })

  test('one that sends to the wrong host fails the headers', async () => {
    const misdirecting = lie({
      fromEndpoint: (passage, sender) => {
        const honest = forwardingRules.fromEndpoint(passage, sender)
        const others = [...passage.subnet.forwarding.values()]
        const wrong = others.find((to) => honest.kind === 'tunnel' && to.ip !== honest.to.ip)
        return honest.kind === 'tunnel' && wrong ? { kind: 'tunnel', to: wrong } : honest
      },
    })
    expect(failedOf(await play(misdirecting))).toContain('vxlan-headers')
  })

  test('one that lets networks meet fails isolation', async () => {
    expect(failedOf(await play(lie({ fromTunnel: meeting() })))).toContain('isolation')
  })

  test('one that loses the largest packets fails the edge of the MTU', async () => {
    const narrow = lie({
      fromEndpoint: (passage, sender) => {
        const { mtuBytes } = passage
        return forwardingRules.fromEndpoint({ ...passage, mtuBytes: mtuBytes - 1 }, sender)
      },
    })
    expect(failedOf(await play(narrow))).toContain('mtu-largest')
  })

  test('one that does not look after its entries fails repair', async () => {
    expect(failedOf(await play({ auditIntervalMs: 3_600_000 }))).toContain('repair')
  })

  test('one whose forwarding dies with its owner fails survival', async () => {
    const failed = failedOf(await play({ capabilities: { persistent: false } }))
    expect(failed).toEqual(expect.arrayContaining(['kill-owner', 'adopt']))
  })
})

/** Delivers what comes out of a tunnel to endpoints of any network that have the MAC. */
function meeting(): ForwardingRules['fromTunnel'] {
  const seen = new Map<number, Parameters<ForwardingRules['fromTunnel']>[0]['plugs']>()
  return (passage) => {
    seen.set(passage.subnet.vni, passage.plugs)
    const mac = macFromBytes(passage.frame, 0)
    const to = [...seen.values()].flatMap((plugs) => plugs.get(mac) ?? [])
    return { kind: 'deliver', to }
  }
}
