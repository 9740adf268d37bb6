/** Hosts of the underlay as machines: files and processes of their own, which end with them. */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../src/eventually.ts'
import { OUTPUT_CHARACTERS_MAX, runOn, startOn, tryOn } from '../src/machine.ts'
import { NamespaceMachine } from '../src/namespace-machine.ts'
import { Underlay } from '../src/underlay.ts'

describe('a machine in namespaces', () => {
  const underlay = Underlay.open({ hosts: 2, prefix: 'machine-' })
  const machines: NamespaceMachine[] = []
  const machine = (i: number): NamespaceMachine => {
    const found = machines[i]
    if (found === undefined) throw new Error(`no machine ${i}`)
    return found
  }

  beforeAll(async () => {
    for (const host of underlay.hosts) machines.push(await NamespaceMachine.open(host))
  })
  afterAll(async () => {
    for (const one of machines) await one.close()
    underlay.close()
  })

  it('has a name, the network of its host, and our programs', async () => {
    const script = 'hostname; ls /sys/class/net; command -v weftd'
    const lines = (await runOn(machine(0), ['sh', '-c', script])).split('\n')
    expect(lines.slice(0, 3)).toEqual(['host-1', 'eth0', 'lo'])
    expect(lines[3]).toMatch(/\/weftd$/)
    expect(await runOn(machine(0), ['ping', '-c', '1', machine(1).ip])).toContain('1 received')
  })

  it('has files in /run and /var/lib that no other machine sees', async () => {
    await runOn(machine(0), ['ip', 'netns', 'add', 'private'])
    await runOn(machine(0), ['sh', '-c', 'cat >/var/lib/weft/file'], { input: 'mine' })
    expect(await runOn(machine(0), ['cat', '/var/lib/weft/file'])).toBe('mine')
    expect(await runOn(machine(1), ['sh', '-c', 'ls /var/lib/weft /run/netns'])).toBe(
      '/run/netns:\n\n/var/lib/weft:',
    )
    expect(existsSync(machine(0).path('/run/netns/private'))).toBe(true)
  })

  it('tells how a program ended', async () => {
    expect(await tryOn(machine(0), ['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    const cut = await tryOn(machine(0), ['sleep', '100'], { withinMs: 50 })
    expect(cut.code).toBeNull()
    await expect(runOn(machine(0), ['false'])).rejects.toMatchObject({
      code: 'ERR_COMMAND',
      details: { machine: 'host-1', command: 'false', code: 1 },
    })
  })

  it('keeps so much of what a program prints', async () => {
    const words = ['head', '-c', String(OUTPUT_CHARACTERS_MAX + 1), '/dev/zero'] as const
    expect((await tryOn(machine(0), [...words])).stdout).toHaveLength(OUTPUT_CHARACTERS_MAX)
  })

  it('ends its processes when it is closed, also those that left their parents', async () => {
    const orphan = startOn(machine(1), ['sh', '-c', 'setsid sleep 1000 & echo $!'])
    const pid = await new Promise<string>((resolve) => {
      orphan.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString().trim()))
    })
    expect(existsSync(`/proc/${pid}`)).toBe(true)
    await machine(1).close()
    await machine(1).close()
    await eventually(() => expect(existsSync(`/proc/${pid}`)).toBe(false), { withinMs: 5_000 })
  })
})
