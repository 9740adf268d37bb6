/** The kernel's IPsec, where there is a kernel that has it: Debian's, in a guest of QEMU. */
import { assert, parseMac } from '@weft/core'
import {
  ESP_GUEST_MODULES,
  Guest,
  GUEST_PACE,
  GUEST_SLOWNESS,
  guestKernel,
  localEncryptedHost,
  openGuestHost,
  PAIR_IFNAME,
  runEncryptedPair,
  runGuestSuite,
  tierReport,
  type Backends,
  type LocalEncryptedHost,
} from '@weft/lab'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'

const PAIR_MS = 180_000
const SUITE_MS = 900_000

/**
 * Of the compliance suite, what encryption makes different on a kernel; beside another backend,
 * what both must understand alike. Every case takes seconds in here, and the tier minutes: all of
 * them are run by `npm run compliance`, for docs/compliance.md.
 */
const SUITES: readonly { readonly backends: Backends; readonly cases: RegExp }[] = [
  {
    backends: ['kernel'],
    cases: /^(seal\/|(forward\/(outer-headers-ipv6|mtu-edge)|adopt\/unchanged|close\/teardown)$)/,
  },
  {
    backends: ['kernel', 'userspace'],
    cases: /^(seal\/(rotation|another-key|replayed|nothing-readable)|forward\/mtu-edge)$/,
  },
]

const tier = (await tierReport()).find((one) => one.tier === 'qemu')
const lacking = tier?.usable === true ? '' : ` (this machine has no ${tier?.missing.join(', ')})`

function say(line: string): void {
  process.stdout.write(`  qemu: ${line}\n`)
}

describe.skipIf(lacking !== '')(`a guest with Debian’s kernel${lacking}`, () => {
  const made = new AsyncDisposableStack()
  let outside: LocalEncryptedHost
  let guest: Guest

  beforeAll(async () => {
    const kernel = guestKernel()
    assert(kernel !== null, 'the tier says that there is a kernel')
    outside = localEncryptedHost({ number: 2, backend: 'userspace' }, 'qemu')
    made.defer(() => outside.dispose())
    guest = await Guest.open({
      kernel,
      modules: ESP_GUEST_MODULES,
      packages: [{ name: '@weft/linux', files: ['test/encrypted-path.ts'] }],
      card: {
        namespace: outside.underlay.path,
        ifname: PAIR_IFNAME,
        mac: parseMac('02:00:00:00:00:01'),
      },
    })
    made.use(guest)
    say(`${kernel.name} (${guest.release}) runs under ${tier?.usable === true ? tier.by : ''}`)
  })

  afterAll(() => made.disposeAsync())

  /** What the guest said, where a test fails that depends on it. */
  function showConsole(): void {
    onTestFailed(() => say(`the guest’s console:\n${guest.console()}`))
  }

  test('programs ESP by netlink: sealed, rotated, limited, never clear', async () => {
    showConsole()
    const module = '@weft/linux/test/encrypted-path.js'
    await guest.call({ module, name: 'runEncryptedPath', withinMs: PAIR_MS })
  })

  test('has two kernel dataplanes that keep an encrypted network', async () => {
    showConsole()
    const module = '@weft/lab/src/encrypted/run-local-pair.js'
    const name = 'runLocalPair'
    const target = { module, name, withinMs: PAIR_MS }
    const held = await guest.call(target, ['kernel', 'kernel'], GUEST_PACE)
    for (const what of held as readonly string[]) say(`kernel and kernel: ${what}`)
    expect(held).toContain('all of it goes')
  })

  test.each(SUITES)('keeps promises of encrypted networks: $backends', async (suite) => {
    showConsole()
    const { backends, cases } = suite
    const failed: string[] = []
    let passed = 0
    const labs = { backends, sealing: 'ip', slowness: GUEST_SLOWNESS } as const
    await runGuestSuite(guest, labs, {
      cases,
      // Every host has a process of its own, which takes long to start: two at once stand still.
      atOnce: 1,
      tell: (name, outcome, ms) => {
        const { result } = outcome
        if (result === 'passed') passed++
        say(`${backends.join(' beside ')}: ${name}: ${result} (${Math.round(ms / 100) / 10} s)`)
        if (outcome.result === 'failed') failed.push(`${name}: ${outcome.reason}`)
      },
    })
    expect(failed).toEqual([])
    expect(passed).toBeGreaterThanOrEqual(4)
  }, SUITE_MS)

  test('has a kernel dataplane that shares one with a userspace dataplane out here', async () => {
    showConsole()
    const inside = await openGuestHost(guest, { number: 1, backend: 'kernel' })
    outside.connect()
    await runEncryptedPair(
      [
        { host: inside, backend: 'kernel' },
        { host: outside, backend: 'userspace' },
      ],
      GUEST_PACE,
      (what) => say(`kernel in the guest and userspace out here: ${what}`),
    )
  })
})
