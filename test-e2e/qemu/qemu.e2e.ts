/** The kernel's IPsec, where there is a kernel that has it: Debian's, in a guest of QEMU. */
import { assert, parseMac } from '@weft/core'
import {
  Guest,
  GUEST_PACE,
  guestKernel,
  localEncryptedHost,
  openGuestHost,
  PAIR_IFNAME,
  runEncryptedPair,
  tierReport,
  type LocalEncryptedHost,
} from '@weft/lab'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'

/** What dataplanes need of it. A guest has no modprobe, so the kernel loads nothing by itself. */
const MODULES = [
  ...['gcm', 'ctr', 'ghash_generic', 'sha512_generic', 'hmac', 'drbg', 'seqiv', 'echainiv'],
  ...['esp4', 'esp6', 'xfrm_user', 'nf_tables', 'veth', 'bridge', 'vxlan', 'tun'],
]
const PAIR_MS = 180_000

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
      modules: MODULES,
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
