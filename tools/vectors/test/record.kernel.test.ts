/** Recording works on this machine, and leaves no namespace behind. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dissect, layerOf, readPcapng } from '@weft/wire'
import { expect, it } from 'vitest'
import { missingPrograms, record } from '../src/recorder.ts'
import { namespaceName, type Scenario } from '../src/scenario.ts'

const A = namespaceName('test-a')
const B = namespaceName('test-b')

const SCENARIO: Scenario = {
  name: 'test',
  about: 'A ping.',
  namespaces: [A, B],
  world: [
    `ip link add eth0 netns ${A} type veth peer name eth0 netns ${B}`,
    `ip -n ${A} addr add 10.0.1.2/24 dev eth0`,
    `ip -n ${B} addr add 10.0.1.3/24 dev eth0`,
    `ip -n ${A} link set eth0 up`,
    `ip -n ${B} link set eth0 up`,
  ],
  capture: { namespace: A, link: 'eth0' },
  traffic: [`ip netns exec ${A} ping -qc1 -W1 10.0.1.3`],
}

const missing = missingPrograms(SCENARIO)
const needs = missing.length === 0 ? '' : ` (this machine has no ${missing.join(', ')})`

it.skipIf(missing.length > 0)(`records a ping and cleans up${needs}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-vectors-'))
  try {
    const path = join(folder, 'test.pcapng')
    await record(SCENARIO, path)
    const packets = readPcapng(new Uint8Array(readFileSync(path))).sections[0]?.packets ?? []
    const kinds = packets.map(({ bytes }) => layerOf(dissect(bytes), 'icmp')?.header.kind)
    expect(kinds).toContain('echo-request')
    expect(kinds).toContain('echo-reply')
    const left = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    expect(left).not.toContain(A)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
