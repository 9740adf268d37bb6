/** What rtnetlink tells of its own accord, as plain values. */
import { readAddress, type LinkAddress } from './addresses.ts'
import { readForwarding, type ForwardingEntry } from './forwarding.ts'
import { readLink, type Link } from './link-reader.ts'
import { MessageReader } from './messages.ts'
import { readNamespaceId } from './namespace-ids.ts'
import { readNeighbour, type Neighbour } from './neighbours.ts'
import { readRoute, type Route } from './routes.ts'
import { RTM } from './rtnetlink-numbers.ts'

/** Something has appeared or changed (`gone` false), or has been deleted. */
export type Notice =
  | { readonly about: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly about: 'address'; readonly gone: boolean; readonly address: LinkAddress }
  | { readonly about: 'route'; readonly gone: boolean; readonly route: Route }
  | { readonly about: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour }
  | { readonly about: 'forwarding'; readonly gone: boolean; readonly entry: ForwardingEntry }
  | { readonly about: 'namespace-id'; readonly gone: boolean; readonly id: number }

/** The notice of a message; null for one that is malformed or of a type not listed above. */
export function readNotice(message: MessageReader): Notice | null {
  switch (message.type) {
    case RTM.NEWLINK:
    case RTM.DELLINK: {
      const link = readLink(message)
      return link && { about: 'link', gone: message.type === RTM.DELLINK, link }
    }
    case RTM.NEWADDR:
    case RTM.DELADDR: {
      const address = readAddress(message)
      return address && { about: 'address', gone: message.type === RTM.DELADDR, address }
    }
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const route = readRoute(message)
      return route && { about: 'route', gone: message.type === RTM.DELROUTE, route }
    }
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH:
      return readNeighbourNotice(message)
    case RTM.NEWNSID:
    case RTM.DELNSID: {
      const id = readNamespaceId(message)
      return id === null ? null : { about: 'namespace-id', gone: message.type === RTM.DELNSID, id }
    }
    default:
      return null
  }
}

/** One message type serves neighbours and forwarding entries; the family tells them apart. */
function readNeighbourNotice(message: MessageReader): Notice | null {
  const gone = message.type === RTM.DELNEIGH
  const entry = readForwarding(message)
  if (entry !== null) return { about: 'forwarding', gone, entry }
  const neighbour = readNeighbour(message)
  return neighbour && { about: 'neighbour', gone, neighbour }
}

/** All notices in received bytes. */
export function readNotices(bytes: Uint8Array): Notice[] {
  const notices: Notice[] = []
  const message = new MessageReader(bytes, 0, bytes.length)
  while (message.next()) {
    const notice = readNotice(message)
    if (notice !== null) notices.push(notice)
  }
  return notices
}
