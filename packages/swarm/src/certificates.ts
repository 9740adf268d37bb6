/** X.509 as a port, and the identity of a node (docker-wire §7.3). */

/** What a node proves itself with. Never logged, never in `inspect`; PEM throughout. */
export interface NodeIdentity {
  readonly nodeId: string
  /** The organisation of the certificate: the cluster's ID. */
  readonly clusterId: string
  readonly role: CertificateRole
  /** The node's certificate, then intermediates. */
  readonly certificatePem: string
  readonly keyPem: string
  /** The cluster's root, exactly as it is served: the join token's digest is over these bytes. */
  readonly rootPem: string
}

/** Which services a certificate opens; the OU is `swarm-` and this. */
export type CertificateRole = 'worker' | 'manager'

/** A key with a request for its certificate. */
export interface CertificateRequest {
  readonly keyPem: string
  readonly requestPem: string
}

/** What a root signs into a node's certificate. Wall times in epoch ms. */
export interface CertificateFacts {
  readonly nodeId: string
  readonly clusterId: string
  readonly role: CertificateRole
  readonly notBefore: number
  readonly notAfter: number
}

/** A root with its key. */
export interface RootAuthority {
  readonly rootPem: string
  readonly keyPem: string
}

/** What Docker shows of a root in NodeDescription.tls_info and GET /swarm. */
export interface RootFacts {
  readonly rootPem: string
  /** DER of the issuer's subject. */
  readonly issuerSubject: Uint8Array
  /** DER of the issuer's SubjectPublicKeyInfo. */
  readonly issuerPublicKey: Uint8Array
}

/** Makes and reads certificates with the rules of docker-wire §7.3. */
export interface Certificates {
  /** SHA-256 over bytes, for the digest of a join token. */
  sha256(bytes: Uint8Array): Uint8Array
  /** A fresh P-256 key and a CSR with an empty subject. */
  createRequest(): Promise<CertificateRequest>
  /** A self-signed P-256 root, CN `swarm-ca`, from `notBefore` for 7,300 days. */
  createRoot(notBefore: number): Promise<RootAuthority>
  /**
   * Sign the public key of a request. Throws ERR_INVALID_ARGUMENT when the request is none, or its
   * own signature does not fit. Returns the PEM of one certificate.
   */
  sign(authority: RootAuthority, requestPem: string, facts: CertificateFacts): Promise<string>
  /**
   * Read the first certificate of a chain and check that `rootPem` issued it. Throws ERR_UNTRUSTED.
   * Validity is returned, not checked: that needs a clock.
   */
  read(certificatePem: string, rootPem: string): Promise<CertificateFacts>
  /** Read a root. Throws ERR_UNTRUSTED when it is none. */
  readRoot(rootPem: string): Promise<RootFacts>
}
