/** A program that is an endpoint itself: an attachment with an IP stack behind it. */
import { parseInterfaceAddress, type Cancellable, type Ip } from '@weft/core'
import { NetStack, type StackPorts } from '@weft/netstack'
import type { AttachmentHandle, NetworkHandle } from './networks.ts'

/** Who enters a network. */
export interface NewProgram {
  /** The endpoint's name. */
  readonly name: string
  readonly aliases?: readonly string[]
  /** The network's choice unless given. */
  readonly address?: Ip
}

/** A program on a network. Disposing detaches it, and closes its stack. */
export interface ProgramHandle extends AttachmentHandle {
  /** ARP, neighbour discovery, ping and UDP under the endpoint's MAC and addresses. */
  readonly stack: NetStack
}

/** What entering stands on. */
export interface ProgramGround {
  readonly ports: StackPorts
  readonly attach: NetworkHandle['attach']
  /** Call `wake` after what may have changed an attachment, until disposed. */
  readonly follow: (wake: () => void) => Disposable
}

/** Resolves when frames pass. Throws as NetworkHandle.attach; then nothing is left. */
export async function enterNetwork(
  { attach, follow, ports }: ProgramGround,
  program: NewProgram,
  options?: Cancellable,
): Promise<ProgramHandle> {
  const { clock, random } = ports
  const stack = new NetStack({ clock, random: random.fork(`program ${program.name}`) })
  let attachment: AttachmentHandle | null = null
  try {
    attachment = await attach({ ...program, port: stack }, options)
    configure(stack, attachment, attachment.mtuBytes)
    return handleOf(attachment, stack, follow)
  } catch (error) {
    stack[Symbol.dispose]()
    await attachment?.detach()
    throw error
  }
}

function configure(stack: NetStack, attachment: AttachmentHandle, mtuBytes: number): void {
  const { addresses, gateways, mac } = attachment
  stack.configure({ mac, addresses: addresses.map(parseInterfaceAddress), gateways, mtuBytes })
}

function handleOf(
  attachment: AttachmentHandle,
  stack: NetStack,
  follow: ProgramGround['follow'],
): ProgramHandle {
  // The MTU follows the underlay's, which can become another while we are here.
  let mtuBytes = attachment.mtuBytes
  const following = follow(() => {
    const now = attachment.view()?.mtuBytes ?? 0
    if (now === 0 || now === mtuBytes || !stack.present) return
    mtuBytes = now
    configure(stack, attachment, now)
  })
  const detach = async (options?: Cancellable): Promise<void> => {
    following[Symbol.dispose]()
    stack[Symbol.dispose]()
    await attachment.detach(options)
  }
  return { ...attachment, stack, detach, [Symbol.asyncDispose]: () => detach() }
}
