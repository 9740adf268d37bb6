/** Places that lack something: the backend opens with what is left, and says what it lacks. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mayRaiseThreads } from './may-raise-threads.ts'

const PROGRAM = join(import.meta.dirname, 'probe-program.ts')

interface Found {
  readonly usable: boolean
  readonly fallbacks: readonly string[]
  readonly sealing: { readonly paths: readonly string[]; readonly suites: readonly string[] }
  readonly attachments: readonly string[]
  readonly encapsulations: readonly string[]
}

const TURNS = 'the switch takes turns with others'

/** Privileges over time are those over the whole machine, which a private world does not give. */
const everywhere = mayRaiseThreads() ? [] : [expect.stringContaining(TURNS)]

/** Run the program by way of another one. */
function foundBy(command: string, ...args: readonly string[]): Found {
  const node = [process.execPath, '--conditions=@weft/source', PROGRAM]
  const output = execFileSync(command, [...args, ...node], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return JSON.parse(output) as Found
}

test('a sound place lacks nothing', () => {
  const found = foundBy('env')
  expect(found).toMatchObject({ usable: true, attachments: ['netns', 'port'] })
  expect(found.fallbacks).toEqual(everywhere)
  expect(found.encapsulations).toEqual(['vxlan', 'vxlan-esp'])
  expect(found.sealing).toEqual({
    suites: ['aes-128-gcm-8', 'aes-128-gcm-16'],
    paths: ['ip', 'udp'],
    by: 'libcrypto',
  })
})

test('without /dev/net/tun there are cards only, and encryption all the same', () => {
  const script = 'mount -t tmpfs none /dev/net && exec "$@"'
  const found = foundBy('unshare', '--mount', 'sh', '-c', script, 'sh')
  expect(found).toMatchObject({ usable: true, attachments: ['port'] })
  const cards = expect.stringContaining('no TAPs, in-process cards only')
  expect(found.fallbacks).toEqual([cards, ...everywhere])
  expect(found.encapsulations).toEqual(['vxlan', 'vxlan-esp'])
})

test('without raw sockets there is no ESP over IP, and nothing is encrypted by it', () => {
  const found = foundBy('setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw')
  expect(found).toMatchObject({ usable: true, encapsulations: ['vxlan'] })
  expect(found.sealing.paths).toEqual(['udp'])
  const noRaw = expect.stringContaining('no ESP over IP: IPv4: EPERM')
  expect(found.fallbacks).toEqual([noRaw, ...everywhere])
})

test('without privilege over time the thread takes its turn, and all else is there', () => {
  const found = foundBy('setpriv', '--bounding-set=-sys_nice', '--inh-caps=-sys_nice')
  expect(found).toMatchObject({ usable: true, attachments: ['netns', 'port'] })
  expect(found.encapsulations).toEqual(['vxlan', 'vxlan-esp'])
  expect(found.fallbacks).toEqual([expect.stringMatching(`${TURNS}: .*EACCES`)])
})

const without = 'on processors whose SIMD WebAssembly cannot use, plain code sums (a flag of x64)'
test.skipIf(process.arch !== 'x64')(without, () => {
  const script = 'node=$1; shift; exec "$node" --no-enable-sse4-1 "$@"'
  const found = foundBy('sh', '-c', script, 'sh')
  expect(found).toMatchObject({ usable: true, encapsulations: ['vxlan', 'vxlan-esp'] })
  const plain = expect.stringContaining('checksums by plain code')
  expect(found.fallbacks).toEqual([plain, ...everywhere])
})
