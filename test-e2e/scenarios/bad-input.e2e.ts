/** What is refused, in Docker's words where Docker has any, and that nothing is half-made by it. */
import { runOn, tierReport, type Client } from '@weft/lab'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster } from './cluster.ts'
import { REFUSALS } from './refusals.ts'

const usable = new Map((await tierReport()).map(({ tier, usable: is }) => [tier, is]))
const lacking = usable.get('netns') === true ? '' : ' (no namespaces here)'
const CLIENTS: readonly Client[] = usable.get('docker') === true ? ['weft', 'docker'] : ['weft']

const CREATE = ['network', 'create', '-d', 'overlay'] as const
const OTHER_IP = '172.31.1.99'

describe.skipIf(lacking !== '')(`what is refused${lacking}`, () => {
  let cluster: Cluster
  const filled = new Map<string, string>()
  const fill = (text: string): string => {
    let result = text
    for (const [word, value] of filled) result = result.replaceAll(word, value)
    return result
  }

  beforeAll(async () => {
    cluster = await Cluster.open('weft')
    const manager = cluster.host(1).machine.ip
    await cluster.type(1, 'swarm', 'init', '--advertise-addr', manager)
    const rotated = await cluster.type(1, 'swarm', 'join-token', '-q', 'worker')
    await cluster.type(1, 'swarm', 'join-token', '--rotate', '-q', 'worker')
    const token = await cluster.type(1, 'swarm', 'join-token', '-q', 'worker')
    await cluster.join(2)
    await cluster.type(1, ...CREATE, '--attachable', '--subnet', '10.40.0.0/24', 'blue')
    await cluster.type(1, ...CREATE, 'closed')
    await cluster.type(1, ...CREATE, '--attachable', '--subnet', '10.41.0.0/30', 'tiny')
    const { ip: taken } = await cluster.endpoints.attach(cluster.host(1), 'blue')
    await cluster.endpoints.attach(cluster.host(1), 'tiny')
    await runOn(cluster.host(2).machine, ['ip', 'netns', 'add', 'spare'])
    await runOn(cluster.host(3).machine, ['ip', 'addr', 'add', `${OTHER_IP}/24`, 'dev', 'eth0'])
    const option = '{{index .Options "com.docker.network.driver.overlay.vxlanid_list"}}'
    filled
      .set('WRONG-SECRET', changed(token, token.length - 1))
      .set('WRONG-DIGEST', changed(token, 'SWMTKN-1-'.length + 20))
      .set('ROTATED', rotated)
      .set('TOKEN', token)
      .set('TAKEN', taken)
      .set('OTHER', OTHER_IP)
      .set('VNI', await cluster.type(1, 'network', 'inspect', '-f', option, 'blue'))
      .set('MANAGER', `${manager}:2377`)
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  describe.each(CLIENTS)('by %s', (client) => {
    const mine = REFUSALS.filter(({ only = client }) => only === client)
    test.each(mine)('$what', async ({ code: wanted = 1, on, says, words }) => {
      const { machine, weft } = cluster.host(on)
      filled.set('OWN', machine.ip).set('CLIENT', client)
      const { code, stderr, stdout } = await weft.try(client, words.map(fill))
      if (typeof says === 'string') expect(stderr.trimEnd()).toBe(fill(says))
      else expect(stderr.trimEnd()).toMatch(new RegExp(fill(says.source), says.flags))
      expect(stdout.replace(/^\[\]\n$/, '')).toBe('')
      expect(code).toBe(wanted)
    })
  })

  test('has left nothing behind', async () => {
    await cluster.holds()
    const names = await cluster.type(1, 'network', 'ls', '--format', '{{.Name}}')
    const ours = names.split('\n').filter((name) => !['bridge', 'host', 'none'].includes(name))
    expect(ours.filter((name) => name !== 'ingress').sort()).toEqual(['blue', 'closed', 'tiny'])
    expect([...(await cluster.nodes()).keys()].sort()).toEqual(['host-1', 'host-2'])
    const state = await cluster.type(3, 'info', '--format', '{{.Swarm.LocalNodeState}}')
    expect(state).toBe('inactive')
  })
})

/** The same with another character at a place. */
function changed(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1)
}
