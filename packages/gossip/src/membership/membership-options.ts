/** Who a node is, and the ports it draws on. */
import type { Aead, Entropy, Logger, Random, SocketAddress } from '@weft/core'
import type { KeyRing } from '../memberlist/key-ring.ts'
import type { MembershipProfile } from '../profile.ts'
import type { KnownMember } from './member.ts'

/** Who a node is and how it behaves. Complete: nothing is defaulted inside. */
export interface MembershipOptions {
  /** 1 to NAME_BYTES_MAX bytes. */
  readonly name: string
  /** Where others reach it, for datagrams and streams alike. */
  readonly advertise: SocketAddress
  readonly meta: Uint8Array
  readonly label: string
  readonly keys: KeyRing | null
  readonly profile: MembershipProfile
  /**
   * Members to start with, taken for alive until proven otherwise. An entry of our own name is what
   * we were in a life before: we begin with a higher incarnation.
   */
  readonly known: readonly KnownMember[]
}

/** What the core draws on. All of it synchronous. */
export interface GossipPorts {
  readonly random: Random
  readonly entropy: Entropy
  readonly aead: Aead
  readonly log: Logger
}
