/** Judging notices: echoes pass, losses are restored, the rest is looked at. */
import { parseInterfaceAddress, parseIp, parseMac } from '@weft/core'
import type { Notice } from '@weft/linux'
import { expect, test } from 'vitest'
import { judgeNotices } from '../src/notice-judge.ts'
import { readNetwork } from '../src/reading.ts'
import {
  entry,
  link,
  LOCAL_MAC,
  PEER,
  REMOTE_IP,
  REMOTE_MAC,
  SCOPE,
  SOUND,
} from './sound-network.ts'

const GATEWAY = parseInterfaceAddress('10.0.1.1/24')
const { endpoints, subnets } = readNetwork(SCOPE, SOUND)

function verdict(...notices: readonly Notice[]): string {
  const { entries, frame, lost, wrong } = judgeNotices({ subnets, endpoints }, notices, 1450)
  const restore = lost.map((each) => (each.kind === 'forwarding' ? each.mac : each.ip))
  const suspect = entries || wrong.length > 0
  return [...restore, ...(suspect ? ['entries'] : []), ...(frame ? ['frame'] : [])].join(' ')
}

const forwarding = (given: Parameters<typeof entry>[0], gone = false): Notice => ({
  about: 'forwarding',
  gone,
  entry: entry(given),
})
const neighbour = (state: number, gone = false, mac = REMOTE_MAC): Notice => ({
  about: 'neighbour',
  gone,
  neighbour: { linkIndex: 3, ip: REMOTE_IP, mac, state, flags: 0 },
})
const known = (index: number): NonNullable<(typeof SOUND.links)[number]> =>
  SOUND.links.find((each) => each.index === index) ?? link({})
const stranger = parseMac('02:00:00:00:00:99')
const self = { table: 'self', destination: PEER.ip } as const

test.each<[string, string, readonly Notice[]]>([
  ['an entry as we wrote it', '', [forwarding(self), forwarding({}), neighbour(0x80)]],
  ['an entry of ours is gone', REMOTE_MAC, [forwarding(self, true)]],
  ['both halves are gone', REMOTE_MAC, [forwarding(self, true), forwarding({}, true)]],
  ['an entry that is not wanted is gone', '', [forwarding({ ...self, mac: stranger }, true)]],
  ['an entry that nobody asked for', 'entries', [forwarding({ ...self, mac: stranger })]],
  ['the same in the bridge', 'entries', [forwarding({ mac: stranger })]],
  [
    'an entry that came and went',
    '',
    [forwarding({ ...self, mac: stranger }), forwarding({ ...self, mac: stranger }, true)],
  ],
  [
    'an entry that was elsewhere for a moment',
    '',
    [forwarding({ ...self, destination: parseIp('192.0.2.9') }), forwarding(self)],
  ],
  ['an entry elsewhere', 'entries', [forwarding({ ...self, destination: parseIp('192.0.2.9') })]],
  ['an entry to another port', 'entries', [forwarding({ ...self, port: 1 })]],
  ['a port’s own address', '', [forwarding({ mac: stranger, state: 0x80 })]],
  ['the endpoint’s entry', '', [forwarding({ linkIndex: 4, mac: LOCAL_MAC })]],
  ['the endpoint’s is gone', 'entries', [forwarding({ linkIndex: 4, mac: LOCAL_MAC }, true)]],
  ['another’s entry on a cable', 'entries', [forwarding({ linkIndex: 4, mac: stranger })]],
  ['an entry of a device we do not hold', '', [forwarding({ linkIndex: 9 })]],
  ['a neighbour of ours is gone', REMOTE_IP, [neighbour(0x20), neighbour(0x20, true)]],
  ['a neighbour with another MAC', 'entries', [neighbour(0x80, false, stranger)]],
  ['a neighbour that may be forgotten', 'entries', [neighbour(0x02)]],
  ['the bridge as it is', '', [{ about: 'link', gone: false, link: known(2) }]],
  ['a cable as it is', '', [{ about: 'link', gone: false, link: known(4) }]],
  ['the bridge is gone', 'frame', [{ about: 'link', gone: true, link: known(2) }]],
  ['a cable is gone', 'frame', [{ about: 'link', gone: true, link: known(4) }]],
  ['a cable is down', 'frame', [{ about: 'link', gone: false, link: { ...known(4), up: false } }]],
  [
    'an MTU changed',
    'frame',
    [{ about: 'link', gone: false, link: { ...known(3), mtuBytes: 1400 } }],
  ],
  [
    'the steps of making a device',
    '',
    [
      { about: 'link', gone: false, link: { ...known(4), up: false, masterIndex: null } },
      { about: 'link', gone: false, link: known(4) },
    ],
  ],
  ['a device we do not hold', '', [{ about: 'link', gone: true, link: link({ index: 9 }) }]],
  [
    'a gateway is gone',
    'frame',
    [
      {
        about: 'address',
        gone: true,
        address: { linkIndex: 2, address: GATEWAY, flags: 0, scope: 0 },
      },
    ],
  ],
])('%s: %j', (_, expected, notices) => {
  expect(verdict(...notices)).toBe(expected)
})

test('what comes and goes in one batch can be told from the next', () => {
  const judged = (...notices: readonly Notice[]): readonly (readonly string[])[] => {
    const { right, wrong } = judgeNotices({ subnets, endpoints }, notices, 1450)
    return [wrong, right]
  }
  const [came, none] = judged(forwarding({ ...self, mac: stranger }))
  expect(came).toHaveLength(1)
  expect(none).toEqual([])
  expect(judged(forwarding({ ...self, mac: stranger }, true))).toEqual([[], came])
  const [changed] = judged(neighbour(0x80, false, stranger))
  expect(judged(neighbour(0x80))).toEqual([[], changed])
})
