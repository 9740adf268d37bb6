/** Which fields certificates have, as ASN.1: what Docker's signer writes (docker-wire §7.3). */
import { createHash, randomBytes, type X509Certificate } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  type Certificate,
} from '@peculiar/asn1-x509'
import {
  CERTIFICATE_RULES,
  certificateDnsNames,
  certificateUnit,
  type CertificateFacts,
} from '@weft/swarm'

const ORGANISATION = '2.5.4.10'
const UNIT = '2.5.4.11'
const COMMON_NAME = '2.5.4.3'
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const SERIAL_BYTES = 20

/** ECDSA over P-256 with SHA-256: what roots of ours sign with. */
export function ecdsaWithSha256(): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
}

/** What is signed of a node's certificate. `subjectKey` is DER of a SubjectPublicKeyInfo. */
export function nodeFields(
  facts: CertificateFacts,
  subjectKey: Uint8Array,
  issuer: Certificate,
): TBSCertificate {
  const { role, nodeId, clusterId } = facts
  const names = certificateDnsNames(role, nodeId)
  const usage = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
  return signedFields(facts, subjectKey, {
    issuer: issuer.tbsCertificate.subject,
    subject: nameOf([
      [ORGANISATION, clusterId],
      [UNIT, certificateUnit(role)],
      [COMMON_NAME, nodeId],
    ]),
    extensions: [
      critical(id_ce_keyUsage, new KeyUsage(usage)),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
      critical(id_ce_basicConstraints, new BasicConstraints()),
      extension(id_ce_subjectKeyIdentifier, keyIdentifier(subjectKey)),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifierOf(issuer)) }),
      ),
      extension(
        id_ce_subjectAltName,
        new SubjectAlternativeName(names.map((dNSName) => new GeneralName({ dNSName }))),
      ),
    ],
  })
}

/** What is signed of a root that signs itself, from `notBefore` (epoch ms) on. */
export function rootFields(notBefore: number, key: Uint8Array): TBSCertificate {
  const name = nameOf([[COMMON_NAME, CERTIFICATE_RULES.rootName]])
  const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
  const validity = { notBefore, notAfter: notBefore + CERTIFICATE_RULES.rootValidityMs }
  return signedFields(validity, key, {
    issuer: name,
    subject: name,
    extensions: [
      critical(id_ce_keyUsage, new KeyUsage(usage)),
      critical(id_ce_basicConstraints, new BasicConstraints({ cA: true })),
      extension(id_ce_subjectKeyIdentifier, keyIdentifier(key)),
    ],
  })
}

/**
 * Organisation, unit and common name of a certificate; empty where it has none, several, or what
 * no name of ours needs: characters that have to be escaped, parts of more than one field.
 */
export function subjectOf(certificate: X509Certificate): {
  readonly organisation: string
  readonly unit: string
  readonly commonName: string
} {
  // No string for an empty one, whatever Node's types say.
  const subject: unknown = certificate.subject
  const isPlain = typeof subject === 'string' && !/[\\+]/.test(subject)
  const lines = isPlain ? subject.split('\n') : []
  const only = (type: string): string => {
    const [value = '', ...others] = lines.filter((line) => line.startsWith(`${type}=`))
    return others.length === 0 ? value.slice(type.length + 1) : ''
  }
  return { organisation: only('O'), unit: only('OU'), commonName: only('CN') }
}

interface SignedParts {
  readonly issuer: Name
  readonly subject: Name
  readonly extensions: Extension[]
}

function signedFields(
  validity: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  subjectKey: Uint8Array,
  parts: SignedParts,
): TBSCertificate {
  return new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: ecdsaWithSha256(),
    issuer: parts.issuer,
    validity: new Validity({
      notBefore: new Date(validity.notBefore),
      notAfter: new Date(validity.notAfter),
    }),
    subject: parts.subject,
    subjectPublicKeyInfo: AsnConvert.parse(subjectKey, SubjectPublicKeyInfo),
    extensions: new Extensions(parts.extensions),
  })
}

/** Positive, and never zero: RFC 5280 §4.1.2.2. */
function serialNumber(): ArrayBuffer {
  const bytes = new Uint8Array(randomBytes(SERIAL_BYTES))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.buffer
}

function nameOf(parts: readonly (readonly [type: string, text: string])[]): Name {
  return new Name(
    parts.map(([type, printableString]) => {
      const value = new AttributeValue({ printableString })
      return new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })])
    }),
  )
}

/** SHA-1 of the public key's bits: RFC 5280 §4.2.1.2, the first method. It proves nothing. */
function keyIdentifier(key: Uint8Array): SubjectKeyIdentifier {
  const { subjectPublicKey } = AsnConvert.parse(key, SubjectPublicKeyInfo)
  return new SubjectKeyIdentifier(sha1(subjectPublicKey))
}

/** What a root calls its key; made from the key where it says nothing. */
function identifierOf(issuer: Certificate): ArrayBuffer {
  const { extensions, subjectPublicKeyInfo } = issuer.tbsCertificate
  const own = extensions?.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier)
  if (own === undefined) return sha1(subjectPublicKeyInfo.subjectPublicKey)
  return AsnConvert.parse(own.extnValue, SubjectKeyIdentifier).buffer
}

function sha1(bytes: ArrayBuffer): ArrayBuffer {
  return new Uint8Array(createHash('sha1').update(new Uint8Array(bytes)).digest()).buffer
}

function extension(extnID: string, value: unknown): Extension {
  return new Extension({ extnID, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

function critical(extnID: string, value: unknown): Extension {
  const made = extension(extnID, value)
  made.critical = true
  return made
}
