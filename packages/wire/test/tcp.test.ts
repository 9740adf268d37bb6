import { describe, expect, it } from 'vitest'
import { tcp, TCP_FLAG, TCP_HEADER_BYTES_MAX, type TcpHeader } from '../src/index.ts'
import { tcpHeaders } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

// vectors/tcp, frame 3
const SYN = '9b5e1388ce7857b300000000a002faf058090000020405b40402080ac8c94122000000000103030a'
const SYN_HEADER: TcpHeader = {
  sourcePort: 39_774,
  destinationPort: 5000,
  sequence: 3_463_993_267,
  acknowledgement: 0,
  flags: TCP_FLAG.syn,
  window: 64_240,
  checksum: 0x5809,
  urgent: 0,
  options: [
    { kind: 'mss', bytes: 1460 },
    { kind: 'sack-permitted' },
    { kind: 'timestamps', value: 3_368_632_610, echo: 0 },
    { kind: 'other', type: 1, body: new Uint8Array(0) },
    { kind: 'window-scale', shift: 10 },
  ],
}
const FIXED = '9b5e1388ce7857b300000000'

describeCodecLaws({
  codec: tcp,
  headers: tcpHeaders,
  samples: [{ hex: SYN, header: SYN_HEADER }],
  refusals: [
    { hex: `${FIXED}4002faf058090000`, fault: 'bad-length' },
    { hex: `${FIXED}6002faf058090000`, fault: 'short' },
    // An option of no length, one over the end, one without room for its length.
    { hex: `${FIXED}6002faf05809000008000000`, fault: 'bad-option' },
    { hex: `${FIXED}6002faf05809000008050000`, fault: 'bad-option' },
    { hex: `${FIXED}6002faf05809000001010108`, fault: 'bad-option' },
  ],
})

describe('tcp', () => {
  it('reads ports and flags without a record', () => {
    const bytes = hex(SYN)
    expect(tcp.sourcePort(bytes, 0)).toBe(39_774)
    expect(tcp.destinationPort(bytes, 0)).toBe(5000)
    expect(tcp.flags(bytes, 0)).toBe(TCP_FLAG.syn)
    expect(tcp.payloadStart(bytes, 0)).toBe(40)
  })

  it('keeps known options of unusual length as bytes', () => {
    const bytes = hex(`${FIXED}6002faf0580900000203aa00`)
    const options = [{ kind: 'other', type: 2, body: hex('aa') }]
    expect(tcp.decode(bytes, 0).options).toEqual(options)
  })

  it('keeps what stands behind the end of the options', () => {
    const bytes = hex(`${FIXED}7002faf0580900000101000011223344`)
    expect(tcp.check(bytes, 0, bytes.length)).toBe(null)
    const [, , end] = tcp.decode(bytes, 0).options
    expect(end).toEqual({ kind: 'other', type: 0, body: hex('0011223344') })
  })

  it('has room for the longest header and no longer', () => {
    const longest = Array.from({ length: 4 }, () => ({
      kind: 'timestamps' as const,
      value: 1,
      echo: 2,
    }))
    const header = { ...SYN_HEADER, options: longest }
    expect(tcp.lengthOf(header)).toBe(TCP_HEADER_BYTES_MAX)
    const over = { ...header, options: [...longest, { kind: 'mss' as const, bytes: 1 }] }
    expect(() => tcp.write(new Uint8Array(100), 0, over)).toThrow('bug:')
  })

  it('names its flags', () => {
    const flags = TCP_FLAG.syn | TCP_FLAG.ack
    expect(tcp.describe({ ...SYN_HEADER, flags })).toContain('39774 > 5000 syn,ack sequence')
  })
})
