/** What an agent cannot learn again without a manager: endpoints, keys, its name in the ring. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { parseInterfaceAddress, parseMac } from '@weft/core'
import { NetworkSchema } from '@weft/swarm'
import type { Attachment, NamespaceHolder } from '../attachments/attachment.ts'
import { overlayShape } from '../desired/overlay-shape.ts'
import type { SessionKey } from '../gossip/session-keys.ts'
import { bytesText, type Json, type JsonFields } from './json-fields.ts'

/** Everything that is written at each change of it. */
export interface NodeSnapshot {
  /** In the ring; empty: none yet. */
  readonly ringName: string
  /** Where that name was; another address needs another name. */
  readonly ringAddress: string
  /** The cluster's VXLAN port; 0: Docker's. */
  readonly vxlanPort: number
  readonly managers: readonly string[]
  readonly keys: readonly SessionKey[]
  readonly attachments: readonly Attachment[]
  /** Tasks whose end the manager has not heard of. */
  readonly releases: readonly string[]
}

/** As JSON. Ports of programs are left out: they end with the process. */
export function nodeSnapshotJson(snapshot: NodeSnapshot): Json {
  const { ringName, ringAddress, vxlanPort, managers, keys, attachments, releases } = snapshot
  return {
    ringName,
    ringAddress,
    vxlanPort,
    managers,
    releases,
    keys: keys.map(({ subsystem, lamportTime, bytes, since }) => ({
      subsystem,
      lamportTime,
      bytes: bytesText(bytes),
      since,
    })),
    attachments: attachments.flatMap((attachment) => attachmentJson(attachment) ?? []),
  }
}

function attachmentJson(attachment: Attachment): Json | null {
  const { endpointId, rowKey, request, grant, ifname, holder } = attachment
  if (grant === null || attachment.state === 'pending' || request.target.kind !== 'netns') {
    return null
  }
  return {
    endpointId,
    rowKey,
    name: request.name,
    aliases: request.aliases,
    netns: request.target.path,
    ifname,
    process: holder?.process ?? '',
    identity: holder?.identity ?? '',
    taskId: grant.taskId,
    network: bytesText(toBinary(NetworkSchema, grant.network)),
    addresses: grant.addresses,
    mac: grant.mac,
  }
}

/** Read what `nodeSnapshotJson` made. Throws when it is anything else. */
export function readNodeSnapshot(fields: JsonFields): NodeSnapshot {
  return {
    ringName: fields.text('ringName'),
    ringAddress: fields.text('ringAddress'),
    vxlanPort: fields.number('vxlanPort'),
    managers: fields.texts('managers'),
    releases: fields.texts('releases'),
    keys: fields.objects('keys', (key) => ({
      subsystem: key.text('subsystem') === 'gossip' ? 'gossip' : 'ipsec',
      lamportTime: key.digits('lamportTime'),
      bytes: key.bytes('bytes'),
      since: key.number('since'),
    })),
    attachments: fields.objects('attachments', readAttachment),
  }
}

function readHolder(fields: JsonFields): NamespaceHolder | null {
  const process = fields.textOrEmpty('process')
  return process === '' ? null : { process, identity: fields.textOrEmpty('identity') }
}

function readAttachment(fields: JsonFields): Attachment {
  const network = fromBinary(NetworkSchema, fields.bytes('network'))
  const shape = overlayShape(network)
  const ifname = fields.text('ifname')
  return {
    endpointId: fields.text('endpointId'),
    rowKey: fields.text('rowKey'),
    request: {
      network: shape.name,
      name: fields.text('name'),
      aliases: fields.texts('aliases'),
      target: { kind: 'netns', path: fields.text('netns'), ifname },
      address: null,
    },
    grant: {
      taskId: fields.text('taskId'),
      network,
      shape,
      addresses: fields.texts('addresses').map(parseInterfaceAddress),
      mac: parseMac(fields.text('mac')),
    },
    ifname,
    holder: readHolder(fields),
    state: 'running',
    error: '',
    isDue: true,
    isAnnounced: true,
    misses: 0,
  }
}
