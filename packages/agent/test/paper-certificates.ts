/** Certificates on paper: the port's rules without cryptography, so that time is virtual. */
import { createHash } from 'node:crypto'
import {
  swarmError,
  type CertificateFacts,
  type CertificateRequest,
  type Certificates,
  type RootAuthority,
  type RootFacts,
} from '@weft/swarm'

/** Certificates say what they hold in JSON. */
export class PaperCertificates implements Certificates {
  #made = 0

  sha256(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHash('sha256').update(bytes).digest())
  }

  async createRequest(): Promise<CertificateRequest> {
    const number = ++this.#made
    return { keyPem: `key ${number}\n`, requestPem: `request ${number}\n` }
  }

  async createRoot(notBefore: number): Promise<RootAuthority> {
    const number = ++this.#made
    return { rootPem: `root ${number} from ${notBefore}\n`, keyPem: `root key ${number}\n` }
  }

  async sign(
    { rootPem }: RootAuthority,
    _requestPem: string,
    facts: CertificateFacts,
  ): Promise<string> {
    return `${JSON.stringify({ ...facts, rootPem })}\n`
  }

  async read(certificatePem: string, rootPem: string): Promise<CertificateFacts> {
    const parsed = JSON.parse(certificatePem) as CertificateFacts & { rootPem: string }
    const { rootPem: issuer, ...facts } = parsed
    if (issuer === rootPem) return facts
    const problem = 'another root issued it'
    throw swarmError('ERR_UNTRUSTED', problem, { subject: facts.nodeId, problem })
  }

  async readRoot(rootPem: string): Promise<RootFacts> {
    if (!rootPem.startsWith('root ')) {
      throw swarmError('ERR_UNTRUSTED', 'no root', { subject: 'root', problem: 'no root' })
    }
    return { rootPem, issuerSubject: new Uint8Array(1), issuerPublicKey: new Uint8Array(1) }
  }
}
