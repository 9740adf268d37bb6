/** X.509 with Docker's fields (docker-wire §7.3), made and read with Node's cryptography. */
import { createHash } from 'node:crypto'
import type { Certificates } from '@weft/swarm'

const follows = async (): Promise<never> => {
  throw new Error('certificates follow')
}

/** The port Certificates on Node. */
export const nodeCertificates: Certificates = {
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  createRequest: follows,
  createRoot: follows,
  sign: follows,
  read: follows,
  readRoot: follows,
}
