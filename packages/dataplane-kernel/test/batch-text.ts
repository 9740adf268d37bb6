/** Batches of requests as lines, to be compared with what a reader expects to be programmed. */
import { MessageReader, readNotice, type MessageWriter, type Notice } from '@weft/linux'

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

function verbOf(flags: number): string {
  if ((flags & REPLACE) !== 0) return 'replace'
  return (flags & CREATE) !== 0 ? 'add' : 'set'
}

function lineOf(notice: Notice, flags: number): string {
  const verb = notice.gone ? 'del' : verbOf(flags)
  switch (notice.about) {
    case 'forwarding': {
      const { destination, flags: bits, linkIndex, mac, port, state } = notice.entry
      const tables = `${(bits & 2) === 0 ? '' : ' self'}${(bits & 4) === 0 ? '' : ' master'}`
      const at = port === null ? '' : ` port ${port}`
      const to = destination === null ? '' : ` dst ${destination}${at}`
      return `fdb ${verb} ${mac} dev ${linkIndex}${tables}${to} nud ${state.toString(16)}`
    }
    case 'neighbour': {
      const { ip, linkIndex, mac, state } = notice.neighbour
      return `neigh ${verb} ${ip} lladdr ${mac ?? '-'} dev ${linkIndex} nud ${state.toString(16)}`
    }
    case 'link': {
      const { alias, index, mtuBytes, vxlan } = notice.link
      const local = vxlan?.local === undefined ? '' : ` local ${vxlan.local}`
      const mtu = mtuBytes === 0 ? '' : ` mtu ${mtuBytes}`
      const mark = alias === null ? '' : ` alias ${alias}`
      return `link ${verb} ${index}${mtu}${mark}${local}`
    }
    case 'address':
      return `addr ${verb} ${notice.address.address} dev ${notice.address.linkIndex}`
    default:
      return notice.about
  }
}
