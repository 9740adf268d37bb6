/** How many datagrams become one super-segment: what a TAP takes, and no more. */
import { expect, test } from 'vitest'
import { ByteSum } from '../src/engine/byte-sum.ts'
import { Coalescer, COALESCED_DATAGRAMS_MAX } from '../src/engine/coalescer.ts'
import { PORT_OFFLOAD } from '../src/engine/index.ts'
import { BURST, segmentsOf } from './naive-segments.ts'

test.each([
  ['udp', COALESCED_DATAGRAMS_MAX],
  ['tcp', COALESCED_DATAGRAMS_MAX + 10],
] as const)('of tiny %s segments %i are joined', (protocol, joined) => {
  const count = COALESCED_DATAGRAMS_MAX + 10
  const frames = segmentsOf({ ...BURST, protocol, payload: new Uint8Array(18 * count) }, 18)
  const bytes = Uint8Array.from(frames.flatMap((frame) => [...frame]))
  const length = bytes.length / count
  const coalescer = new Coalescer(new ByteSum())
  const { checksum, tcp4, udp } = PORT_OFFLOAD
  expect(coalescer.begin(bytes, 0, length, checksum | tcp4 | udp)).toBe(true)
  let parts = 1
  while (parts < count && coalescer.join(parts * length, (parts + 1) * length)) parts++
  expect(parts).toBe(joined)
})
