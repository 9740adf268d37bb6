/** X.509 with Docker's fields (docker-wire §7.3), made and read with Node's cryptography. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  verify,
  X509Certificate,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr'
import { AsnConvert } from '@peculiar/asn1-schema'
import { Certificate, SubjectPublicKeyInfo, type TBSCertificate } from '@peculiar/asn1-x509'
import {
  roleOfUnit,
  swarmError,
  type CertificateFacts,
  type CertificateRequest,
  type Certificates,
  type RootAuthority,
  type RootFacts,
} from '@weft/swarm'
import { ecdsaWithSha256, nodeFields, rootFields, subjectOf } from './certificate-fields.ts'
import { pemBlock, pemBlocks } from './pem.ts'

const CERTIFICATE = 'CERTIFICATE'
const REQUEST = 'CERTIFICATE REQUEST'
/** What a request may be signed with (RFC 5758 §3.2), and over which curves. */
const ECDSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
])
const P256 = 'prime256v1'
const CURVES: ReadonlySet<string> = new Set([P256, 'secp384r1', 'secp521r1'])

const generate = promisify(generateKeyPair)
const signBytes = promisify(sign)

/** The port Certificates on Node. Keys are PKCS #8; ECDSA over P-256 and SHA-256 throughout. */
export const nodeCertificates: Certificates = {
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  createRequest,
  createRoot,
  sign: signNode,
  read,
  readRoot,
}

/** What the certificate of an open TLS connection says; null when it is not one of a node. */
export function readPeer(der: Uint8Array): CertificateFacts | null {
  try {
    return factsOf(new X509Certificate(der))
  } catch {
    return null
  }
}

async function createRequest(): Promise<CertificateRequest> {
  const { privateKey, publicKey } = await generate('ec', { namedCurve: 'P-256' })
  const info = new CertificationRequestInfo({
    subjectPKInfo: AsnConvert.parse(spki(publicKey), SubjectPublicKeyInfo),
  })
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: ecdsaWithSha256(),
    signature: await signature(AsnConvert.serialize(info), privateKey),
  })
  const requestPem = pemBlock(new Uint8Array(AsnConvert.serialize(request)), REQUEST)
  return { keyPem: keyPemOf(privateKey), requestPem }
}

async function createRoot(notBefore: number): Promise<RootAuthority> {
  const { privateKey, publicKey } = await generate('ec', { namedCurve: 'P-256' })
  const rootPem = await certificatePem(rootFields(notBefore, spki(publicKey)), privateKey)
  return { rootPem, keyPem: keyPemOf(privateKey) }
}

async function signNode(
  authority: RootAuthority,
  requestPem: string,
  facts: CertificateFacts,
): Promise<string> {
  const subjectKey = await requestedKey(requestPem)
  const [root] = rootsOf(authority.rootPem)
  const key = privateKeyOf(authority.keyPem)
  if (root?.checkPrivateKey(key) !== true) throw untrusted('root', 'its key is not its own')
  if (key.asymmetricKeyDetails?.namedCurve !== P256) throw untrusted('root', 'it is not over P-256')
  return certificatePem(nodeFields(facts, subjectKey, parsed(root)), key)
}

async function read(certificatePem: string, rootPem: string): Promise<CertificateFacts> {
  const chain = pemBlocks(certificatePem, CERTIFICATE).map(openCertificate)
  const [own, ...intermediates] = chain
  if (own === undefined) throw untrusted('certificate', 'there is no certificate in it')
  const facts = factsOf(own)
  if (facts === null) throw untrusted('certificate', 'its subject is not that of a node')
  if (!isIssued(own, intermediates, rootsOf(rootPem))) {
    throw untrusted(facts.nodeId, 'the cluster’s root did not issue it')
  }
  return facts
}

async function readRoot(rootPem: string): Promise<RootFacts> {
  const root = rootsOf(rootPem)[0]
  if (root === undefined) throw untrusted('root', 'there is no certificate in it')
  return {
    rootPem,
    issuerSubject: new Uint8Array(AsnConvert.serialize(parsed(root).tbsCertificate.subject)),
    issuerPublicKey: spki(root.publicKey),
  }
}

function openCertificate(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (error) {
    throw untrusted('certificate', 'it is not a certificate', error)
  }
}

/** Field by field, which takes ten times as long: for what Node does not tell of one. */
function parsed({ raw }: X509Certificate): Certificate {
  try {
    return AsnConvert.parse(raw, Certificate)
  } catch (error) {
    throw untrusted('certificate', 'it is not a certificate', error)
  }
}

/** Certificates of authorities that signed themselves. */
function rootsOf(rootPem: string): readonly X509Certificate[] {
  const roots = pemBlocks(rootPem, CERTIFICATE).map(openCertificate)
  for (const root of roots) {
    if (!root.ca) throw untrusted('root', 'it is not the certificate of an authority')
    if (!root.verify(root.publicKey)) throw untrusted('root', 'it did not sign itself')
  }
  return roots
}

function isIssued(
  own: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  let subject = own
  for (const next of [...intermediates, null]) {
    if (roots.some((root) => issues(root, subject))) return true
    if (next === null || !next.ca || !issues(next, subject)) return false
    subject = next
  }
  return false
}

function issues(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}

function factsOf(certificate: X509Certificate): CertificateFacts | null {
  const { organisation, unit, commonName } = subjectOf(certificate)
  const role = roleOfUnit(unit)
  if (role === null || organisation === '' || commonName === '') return null
  return {
    nodeId: commonName,
    clusterId: organisation,
    role,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  }
}

function privateKeyOf(keyPem: string): KeyObject {
  try {
    return createPrivateKey(keyPem)
  } catch (error) {
    throw untrusted('root', 'its key cannot be read', error)
  }
}

/** DER of the public key that a request asks a certificate for, and proves to own. */
async function requestedKey(requestPem: string): Promise<Uint8Array> {
  const [der] = pemBlocks(requestPem, REQUEST)
  if (der === undefined) throw badRequest('CSR Decode failed')
  const { request, key } = parseRequest(der)
  const hash = ECDSA_HASHES.get(request.signatureAlgorithm.algorithm)
  if (key.asymmetricKeyType !== 'ec' || hash === undefined) throw badRequest('it is not ECDSA')
  if (!CURVES.has(key.asymmetricKeyDetails?.namedCurve ?? '')) throw badRequest('unknown curve')
  const info = new Uint8Array(request.certificationRequestInfoRaw ?? new ArrayBuffer(0))
  if (!verify(hash, info, key, new Uint8Array(request.signature))) {
    throw badRequest('its signature does not fit its key')
  }
  return spki(key)
}

function parseRequest(der: Uint8Array): { request: CertificationRequest; key: KeyObject } {
  try {
    const request = AsnConvert.parse(der, CertificationRequest)
    const info = AsnConvert.serialize(request.certificationRequestInfo.subjectPKInfo)
    const key = createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' })
    return { request, key }
  } catch (error) {
    throw badRequest('CSR Decode failed', error)
  }
}

async function certificatePem(tbsCertificate: TBSCertificate, key: KeyObject): Promise<string> {
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: ecdsaWithSha256(),
    signatureValue: await signature(AsnConvert.serialize(tbsCertificate), key),
  })
  return pemBlock(new Uint8Array(AsnConvert.serialize(certificate)), CERTIFICATE)
}

async function signature(bytes: ArrayBuffer, key: KeyObject): Promise<ArrayBuffer> {
  return new Uint8Array(await signBytes('sha256', Buffer.from(bytes), key)).buffer
}

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }))
}

function keyPemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' })
}

function badRequest(problem: string, cause?: unknown): Error {
  const message = `failed to sign node certificate: ${problem}`
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'CSR' }, cause)
}

function untrusted(subject: string, problem: string, cause?: unknown): Error {
  const details = { subject, problem }
  return swarmError('ERR_UNTRUSTED', 'a certificate cannot be trusted', details, cause)
}
