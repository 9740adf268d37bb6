/** Certificates on paper: the port's rules without its cryptography, so that time is virtual. */
import { createHash } from 'node:crypto'
import { valueError } from '@weft/core'
import {
  swarmError,
  type CertificateFacts,
  type CertificateRequest,
  type Certificates,
  type RootAuthority,
  type RootFacts,
} from '@weft/swarm'

const REQUEST = 'request '

/** Every request and root is another one; certificates say what they hold in JSON. */
export class PaperCertificates implements Certificates {
  #made = 0

  sha256(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHash('sha256').update(bytes).digest())
  }

  async createRequest(): Promise<CertificateRequest> {
    const number = ++this.#made
    return { keyPem: `key ${number}\n`, requestPem: `${REQUEST}${number}\n` }
  }

  async createRoot(notBefore: number): Promise<RootAuthority> {
    const number = ++this.#made
    return { rootPem: `root ${number} from ${notBefore}\n`, keyPem: `root key ${number}\n` }
  }

  async sign(
    { rootPem }: RootAuthority,
    requestPem: string,
    facts: CertificateFacts,
  ): Promise<string> {
    if (!requestPem.startsWith(REQUEST)) {
      throw swarmError('ERR_INVALID_ARGUMENT', 'CSR Decode failed', { subject: 'request' })
    }
    return `${JSON.stringify({ ...facts, rootPem })}\n`
  }

  async read(certificatePem: string, rootPem: string): Promise<CertificateFacts> {
    const { rootPem: issuer, ...facts } = JSON.parse(certificatePem) as CertificateFacts & {
      rootPem: string
    }
    if (issuer === rootPem) return facts
    const problem = 'another root issued it'
    throw swarmError('ERR_UNTRUSTED', 'not of our root', { subject: facts.nodeId, problem })
  }

  async readRoot(rootPem: string): Promise<RootFacts> {
    if (rootPem === '') {
      const facts = { kind: 'root', text: rootPem, expected: 'a root' }
      throw valueError('ERR_INVALID_VALUE', 'not a root', facts)
    }
    return { rootPem, issuerSubject: new Uint8Array(1), issuerPublicKey: new Uint8Array(1) }
  }
}
