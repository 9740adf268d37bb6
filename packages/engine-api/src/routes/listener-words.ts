/** What a manager's listener meets, in Docker's words. */
import { WeftError } from '@weft/core'

/** What Go says for the system's reasons. */
const GO_WORDS: { readonly [code: string]: string } = {
  ERR_ADDRESS_IN_USE: 'bind: address already in use',
  ERR_ADDRESS_NOT_LOCAL: 'bind: cannot assign requested address',
}

/** Where nodes gossip: who cannot have that port has no manager that stopped (docker-wire §1.2). */
const GOSSIP_PORT = ':7946'

/** Run what opens a manager. That its address cannot be had is told as dockerd tells it. */
export async function inListenersWords<Result>(open: () => Promise<Result>): Promise<Result> {
  try {
    return await open()
  } catch (error) {
    throw toldByListener(error) ?? error
  }
}

/** The same error, its facts being in the text. */
function toldByListener(error: unknown): WeftError | null {
  if (!(error instanceof WeftError)) return null
  const [words, address] = [GO_WORDS[error.code], error.details['address']]
  if (words === undefined || typeof address !== 'string' || address.endsWith(GOSSIP_PORT)) {
    return null
  }
  const failed = 'manager stopped: failed to listen on remote API address'
  return new WeftError(error.code, `${failed}: listen tcp ${address}: ${words}`, {}, error)
}
