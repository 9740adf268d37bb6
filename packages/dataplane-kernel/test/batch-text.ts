/** Batches of requests as lines, to be compared with what a reader expects to be programmed. */
import { MessageReader, MessageWriter, readNotice, type Notice } from '@weft/linux'

const REPLACE = 0x100
const CREATE = 0x400

/** One line per request, in order. */
export function batchText(writer: MessageWriter): string[] {
  const bytes = writer.view()
  const message = new MessageReader(bytes, 0, bytes.length)
  const lines: string[] = []
  while (message.next()) {
    const notice = readNotice(message)
    lines.push(notice === null ? `message ${message.type}` : lineOf(notice, message.flags))
  }
  return lines
}

function lineOf(notice: Notice, flags: number): string {
  const verb = notice.gone ? 'del' : (flags & REPLACE) !== 0 ? 'replace' : (flags & CREATE) !== 0 ? 'add' : 'set'
  switch (notice.about) {
    case 'forwarding': {
      const { destination, flags: bits, linkIndex, mac, port, state } = notice.entry
      const tables = `${(bits & 2) === 0 ? '' : ' self'}${(bits & 4) === 0 ? '' : ' master'}`
      const to = destination === null ? '' : ` dst ${destination}${port === null ? '' : ` port ${port}`}`
      return `fdb ${verb} ${mac} dev ${linkIndex}${tables}${to} nud ${state.toString(16)}`
    }
    case 'neighbour': {
      const { ip, linkIndex, mac, state } = notice.neighbour
      return `neigh ${verb} ${ip} lladdr ${mac ?? '-'} dev ${linkIndex} nud ${state.toString(16)}`
    }
    case 'link': {
      const { alias, index, mtuBytes, vxlan } = notice.link
      const local = vxlan?.local === undefined ? '' : ` local ${vxlan.local}`
      return `link ${verb} ${index}${mtuBytes === 0 ? '' : ` mtu ${mtuBytes}`}${alias === null ? '' : ` alias ${alias}`}${local}`
    }
    case 'address':
      return `addr ${verb} ${notice.address.address} dev ${notice.address.linkIndex}`
    default:
      return notice.about
  }
}
