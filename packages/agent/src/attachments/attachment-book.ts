/** The attachments of this node, and how they are found. */
import { swarmError, type AttachmentRequest } from '@weft/swarm'
import type { Attachment } from './attachment.ts'

/** Endpoints of one node; as many as a bridge has ports (the kernel's BR_MAX_PORTS). */
export const ATTACHMENTS_MAX = 1024

/** Interface names tried in one namespace, eth0 and on. */
export const IFNAMES_MAX = 64

/** All attachments, by endpoint ID, in the order in which they were asked for. */
export class AttachmentBook {
  readonly #attachments = new Map<string, Attachment>()

  get size(): number {
    return this.#attachments.size
  }

  all(): readonly Attachment[] {
    return [...this.#attachments.values()]
  }

  get(endpointId: string): Attachment | null {
    return this.#attachments.get(endpointId) ?? null
  }

  byTask(taskId: string): Attachment | null {
    for (const attachment of this.#attachments.values()) {
      if (attachment.grant?.taskId === taskId) return attachment
    }
    return null
  }

  /** Take it in. Throws ERR_EXHAUSTED, and ERR_ALREADY_EXISTS as `checkName` does. */
  add(attachment: Attachment): void {
    if (this.#attachments.size >= ATTACHMENTS_MAX) {
      const text = `this node has ${ATTACHMENTS_MAX} attachments, the most that it can have`
      throw swarmError('ERR_EXHAUSTED', text, { subject: attachment.request.name })
    }
    this.checkName(attachment)
    this.#attachments.set(attachment.endpointId, attachment)
  }

  /** False when it was gone already. */
  remove(attachment: Attachment): boolean {
    return this.#attachments.delete(attachment.endpointId)
  }

  /** Names are unique on a network of one node. Throws ERR_ALREADY_EXISTS with Docker's words. */
  checkName(attachment: Attachment): void {
    for (const other of this.#attachments.values()) {
      if (other === attachment || other.request.name !== attachment.request.name) continue
      if (!isSameNetwork(other, attachment)) continue
      const { name, network } = attachment.request
      const text = `endpoint with name ${name} already exists in network ${network}`
      throw swarmError('ERR_ALREADY_EXISTS', text, { subject: name, owner: other.endpointId })
    }
  }

  /**
   * By task ID, endpoint ID, a unique prefix of one of them, or `network/name`. Throws
   * ERR_NOT_FOUND; ERR_INVALID_ARGUMENT when several match.
   */
  find(id: string): Attachment {
    const exact = this.#attachments.get(id) ?? this.byTask(id)
    if (exact !== null) return exact
    const matching = this.all().filter((one) => id !== '' && isMeant(one, id))
    const [first, second] = matching
    if (first === undefined) {
      throw swarmError('ERR_NOT_FOUND', `attachment ${id} not found`, { subject: id })
    }
    if (second === undefined) return first
    const text = `attachment ${id} is ambiguous (${matching.length} matches found)`
    throw swarmError('ERR_INVALID_ARGUMENT', text, { subject: id })
  }

  /** The network's ID, if the text is a prefix of one that is known here; else the text itself. */
  resolveNetwork(text: string): string {
    const known = new Map<string, string>()
    for (const { grant } of this.#attachments.values()) {
      if (grant === null) continue
      if (grant.shape.name === text || grant.network.id === text) return grant.network.id
      if (text !== '' && grant.network.id.startsWith(text)) known.set(grant.network.id, text)
    }
    const [only] = known.keys()
    return known.size === 1 && only !== undefined ? only : text
  }

  /** The `attempt`th name of those that no attachment has in the same namespace; null: none. */
  freeIfname(attachment: Attachment, refused: ReadonlySet<string>): string | null {
    const { target } = attachment.request
    if (target.kind !== 'netns') return ''
    const taken = new Set(refused)
    for (const { request, ifname, endpointId } of this.#attachments.values()) {
      if (endpointId === attachment.endpointId || request.target.kind !== 'netns') continue
      if (request.target.path === target.path) taken.add(ifname)
    }
    for (let i = 0; i < IFNAMES_MAX; i++) if (!taken.has(`eth${i}`)) return `eth${i}`
    return null
  }
}

function isSameNetwork(a: Attachment, b: Attachment): boolean {
  if (a.grant !== null && b.grant !== null) return a.grant.network.id === b.grant.network.id
  return namesOf(a).some((name) => namesOf(b).includes(name))
}

/** What the network may be called by as long as nothing was granted. */
function namesOf({ grant, request }: Attachment): readonly (AttachmentRequest['network'])[] {
  return grant === null ? [request.network] : [grant.network.id, grant.shape.name]
}

function isMeant({ endpointId, grant, request }: Attachment, id: string): boolean {
  if (endpointId.startsWith(id) || grant?.taskId.startsWith(id) === true) return true
  if (grant === null) return false
  return [grant.network.id, grant.shape.name].some((name) => `${name}/${request.name}` === id)
}
