/** A node as the tables know it: its attachments, however many, and what digests say of it. */
import { describe, expect, test } from 'vitest'
import type { Member } from '../src/membership/member.ts'
import { Attachment } from '../src/tables/attachment.ts'
import { weftMeta } from '../src/tables/capability.ts'
import { NodeRecord } from '../src/tables/node-record.ts'
import { addressOf } from './gossip-world.ts'

const member: Member = {
  name: 'n1',
  address: addressOf('n1'),
  meta: new Uint8Array(0),
  vsn: [1, 5, 2, 0, 0, 0],
  state: 'alive',
  incarnation: 3,
  stateSince: 0 as Member['stateSince'],
}

const attachment = (networkId: string, lTime: number): Attachment =>
  Attachment.of({ networkId, nodeName: 'n1', lTime, leaving: false })

describe('a node', () => {
  test('keeps the newest attachment to each network, be they few or many', () => {
    const node = new NodeRecord(member)
    const model = new Map<string, Attachment>()
    const expectAll = (): void => {
      expect(node.attachmentCount).toBe(model.size)
      expect(new Set(node.attachments)).toEqual(new Set(model.values()))
      for (let i = 0; i < 20; i++) {
        expect(node.attachmentTo(`net-${i}`)).toBe(model.get(`net-${i}`) ?? null)
      }
    }
    for (let i = 0; i < 60; i++) {
      const one = attachment(`net-${i % 20}`, i)
      node.putAttachment(one)
      model.set(one.networkId, one)
      expectAll()
    }
    for (let i = 0; i < 20; i++) {
      expect(node.forgetAttachment(`net-${i}`)).toBe(true)
      expect(node.forgetAttachment(`net-${i}`)).toBe(false)
      model.delete(`net-${i}`)
      expectAll()
    }
  })

  test('forgets a few as it does many', () => {
    for (const count of [0, 1, 8, 9]) {
      const node = new NodeRecord(member)
      for (let i = 0; i < count; i++) node.putAttachment(attachment(`net-${i}`, 1))
      expect(node.attachmentCount).toBe(count)
      expect(node.forgetAttachment('other')).toBe(false)
      if (count > 0) expect(node.forgetAttachment('net-0')).toBe(true)
      node.forgetAttachments()
      expect([...node.attachments]).toEqual([])
      expect(node.attachmentTo('net-1')).toBeNull()
    }
  })

  test('is what its member says by now', () => {
    const node = new NodeRecord(member)
    expect([node.name, node.isWeft, node.version, node.isLive]).toEqual(['n1', false, 6, true])
    node.member = { ...member, meta: weftMeta(member.meta) }
    expect(node.isWeft).toBe(true)
  })
})

test('an attachment is made once and passed on', () => {
  const entry = { networkId: 'blue', nodeName: 'n1', lTime: 4, leaving: true }
  const one = Attachment.of(entry)
  expect(Attachment.of(one)).toBe(one)
  expect(Attachment.of(entry)).not.toBe(one)
  expect(one).toMatchObject(entry)
  expect([one.version, one.isLive]).toEqual([9, false])
})
