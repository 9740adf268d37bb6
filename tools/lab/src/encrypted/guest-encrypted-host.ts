/** A host of an encrypted pair in a guest: the part that runs there, and the part that asks. */
import { readdirSync } from 'node:fs'
import { assert } from '@weft/core'
import { Kernel } from '@weft/linux'
import type { Guest } from '../guest.ts'
import {
  ENCRYPTED_HOST_METHODS,
  type EncryptedHost,
  type EncryptedHostSpec,
} from './encrypted-host.ts'
import { localEncryptedHost, PAIR_IFNAME, type LocalEncryptedHost } from './local-encrypted-host.ts'

/** Where a guest finds the functions that it exports. */
const MODULE = '@weft/lab/src/encrypted/guest-encrypted-host.js'

/** The host of this guest: a guest is one machine, and one host. */
let host: LocalEncryptedHost | null = null

/** In the guest: make its host, and give it the guest's network card. */
export function makeGuestHost(spec: EncryptedHostSpec): void {
  host = localEncryptedHost(spec, 'guest')
  using kernel = Kernel.open()
  const namespaceFd = host.underlay.kernel.namespace.fd
  kernel.links.change(cardName(), { namespaceFd, name: PAIR_IFNAME })
  host.connect()
}

/** In the guest: call a method of its host. */
export async function callGuestHost(
  method: keyof EncryptedHost,
  args: readonly unknown[],
): Promise<unknown> {
  assert(host !== null, 'the host is made first')
  // The types on the other side are the same; the wire between is not typed.
  const call = host[method] as (...all: readonly unknown[]) => Promise<unknown>
  return call(...args)
}

/** The only link with a device behind it. */
function cardName(): string {
  const name = readdirSync('/sys/class/net').find((each) => each !== 'lo')
  assert(name !== undefined, 'the guest has a network card')
  return name
}

/** Out here: make the guest's host. Rejects with what went wrong there. */
export async function openGuestHost(guest: Guest, spec: EncryptedHostSpec): Promise<EncryptedHost> {
  await guest.call({ module: MODULE, name: 'makeGuestHost' }, spec)
  const call = (method: string) => (...args: readonly unknown[]) =>
    guest.call({ module: MODULE, name: 'callGuestHost' }, method, args)
  const methods = ENCRYPTED_HOST_METHODS.map((method) => [method, call(method)])
  const all: unknown = Object.fromEntries(methods)
  return all as EncryptedHost
}
