/** Certificates have Docker's fields, in the eyes of OpenSSL, and are read back with distrust. */
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCode } from '@weft/core'
import { certificateValidity, type RootAuthority } from '@weft/swarm'
import { nodeCertificates, PEM_BYTES_MAX } from '../src/index.ts'
import { CLUSTER_ID, DAY_MS, identity } from './manager-world.ts'

const lacking = hasOpenssl() ? '' : ' (this machine has no openssl: package openssl)'
const NOW = 1_800_000_000_000
const folder = mkdtempSync(join(tmpdir(), 'weft-certificates-'))
let root: RootAuthority
let other: RootAuthority

beforeAll(async () => {
  root = await nodeCertificates.createRoot(NOW)
  other = await nodeCertificates.createRoot(NOW)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
}

function openssl(words: readonly string[], options: ExecFileSyncOptions = {}): string {
  return String(execFileSync('openssl', words, { stdio: 'pipe', ...options }))
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe.skipIf(lacking !== '')(`certificates, for OpenSSL${lacking}`, () => {
  const text = (pem: string): string => {
    return openssl(['x509', '-noout', '-text'], { input: pem }).replace(/\n\s+/g, '\n')
  }

  it('of workers have the rows of docker-wire §7.3', async () => {
    const worker = await identity(root, { nodeId: 'n'.repeat(25), from: NOW })
    const shown = text(worker.certificatePem)
    expect(shown).toContain(`Subject: O = ${CLUSTER_ID}, OU = swarm-worker, CN = ${'n'.repeat(25)}`)
    expect(shown).toContain('Issuer: CN = swarm-ca')
    expect(shown).toContain('Signature Algorithm: ecdsa-with-SHA256')
    expect(shown).toContain('NIST CURVE: P-256')
    expect(shown).toContain('Key Usage: critical\nDigital Signature, Key Encipherment\n')
    expect(shown).toContain(
      'Extended Key Usage: \nTLS Web Server Authentication, TLS Web Client Authentication\n',
    )
    expect(shown).toContain('Basic Constraints: critical\nCA:FALSE\n')
    expect(shown).toContain(
      `Subject Alternative Name: \nDNS:swarm-worker, DNS:${'n'.repeat(25)}\n`,
    )
    expect(shown).toContain('Not Before: Jan 15 07:00:00 2027 GMT')
    expect(shown).toContain('Not After : Apr 15 08:00:00 2027 GMT')
  })

  it('of managers are swarm-ca as well', async () => {
    const manager = await identity(root, { role: 'manager', nodeId: 'm'.repeat(25), from: NOW })
    const shown = text(manager.certificatePem)
    expect(shown).toContain('OU = swarm-manager')
    expect(shown).toContain(`DNS:swarm-manager, DNS:${'m'.repeat(25)}, DNS:swarm-ca\n`)
  })

  it('of roots last 7,300 days, and sign certificates alone', () => {
    const shown = text(root.rootPem)
    expect(shown).toContain('Subject: CN = swarm-ca\n')
    expect(shown).toContain('Issuer: CN = swarm-ca\n')
    expect(shown).toContain('Key Usage: critical\nCertificate Sign, CRL Sign\n')
    expect(shown).toContain('Basic Constraints: critical\nCA:TRUE\n')
    expect(shown).not.toContain('pathlen')
    const { validFromDate, validToDate } = new X509Certificate(root.rootPem)
    expect(validFromDate.getTime()).toBe(NOW)
    expect(validToDate.getTime()).toBe(NOW + 7300 * DAY_MS)
  })

  it('that end after 2049 say so in the long form', async () => {
    const from = Date.UTC(2049, 11, 1)
    const worker = await identity(root, { from })
    expect(new X509Certificate(worker.certificatePem).validToDate.getUTCFullYear()).toBe(2050)
    const parsed = openssl(['asn1parse'], { input: worker.certificatePem })
    expect(parsed).toMatch(/UTCTIME +:49/)
    expect(parsed).toMatch(/GENERALIZEDTIME +:2050/)
  })

  it('stand the strict verification, for servers and clients', async () => {
    const worker = await identity(root, { from: NOW })
    const [own, ca] = [
      fileOf('own.pem', worker.certificatePem),
      fileOf('root.pem', root.rootPem),
    ]
    const at = String(NOW / 1000)
    for (const purpose of ['sslserver', 'sslclient']) {
      const rules = ['-x509_strict', '-attime', at, '-purpose', purpose]
      expect(openssl(['verify', ...rules, '-CAfile', ca, own])).toContain('OK')
    }
  })

  it('are asked for by requests with an empty subject, which it verifies', async () => {
    const { requestPem, keyPem } = await nodeCertificates.createRequest()
    const path = fileOf('request.pem', requestPem)
    const shown = openssl(['req', '-in', path, '-noout', '-text'])
    expect(shown).toMatch(/Subject: *\n/)
    expect(openssl(['req', '-in', path, '-noout', '-verify', '-pubkey'])).toContain('PUBLIC KEY')
    expect(createPrivateKey(keyPem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    // Go refuses a request whose attributes are left out instead of empty.
    expect(openssl(['asn1parse'], { input: requestPem })).toContain('l=   0 cons: cont [ 0 ]')
  })

  it.each([
    ['/O=cluster/OU=swarm-worker/CN=node', true],
    ['/', false],
    ['/O=cluster/OU=swarm-worker', false],
    ['/O=cluster/OU=swarm-worker/OU=swarm-manager/CN=node', false],
    ['/O=cluster+OU=swarm-worker/CN=node', false],
    ['/O=cluster/OU=swarm-worker/CN=node\\+more', false],
    ['/O=cluster/OU=swarm-worker/CN=node\nOU=swarm-manager', false],
  ])('have one organisation, unit and name, plainly written: %j', async (subject, isOfNode) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const made = openssl(['req', '-x509', ...key, '-keyout', '/dev/null', '-subj', subject])
    const read = nodeCertificates.read(made, made)
    if (isOfNode) expect(await read).toMatchObject({ nodeId: 'node', clusterId: 'cluster' })
    else await expect(read).rejects.toSatisfy((error) => hasCode(error, 'ERR_UNTRUSTED'))
  })

  it('are signed for requests that OpenSSL made, over any of the three curves', async () => {
    for (const curve of ['prime256v1', 'secp384r1', 'secp521r1']) {
      const kind = ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`]
      const requestPem = openssl(requestWords(kind))
      const facts = { ...workerFacts(), nodeId: curve }
      const pem = await nodeCertificates.sign(root, requestPem, facts)
      expect(await nodeCertificates.read(pem, root.rootPem)).toEqual(facts)
    }
  })

  it('are not signed for RSA keys, nor for curves that nobody uses', async () => {
    for (const kind of [
      ['-newkey', 'rsa:2048'],
      ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
      ['-newkey', 'ed25519'],
    ]) {
      const requestPem = openssl(requestWords(kind))
      const signed = nodeCertificates.sign(root, requestPem, workerFacts())
      await expectError(signed, 'ERR_INVALID_ARGUMENT')
    }
  })
})

describe('sign', () => {
  it('refuses what is no request, in Docker’s words', async () => {
    for (const pem of ['', 'nonsense', root.rootPem, block('AAAA'), block('MAA=')]) {
      const signed = nodeCertificates.sign(root, pem, workerFacts())
      await expect(signed).rejects.toThrow('failed to sign node certificate: CSR Decode failed')
      await expectError(signed, 'ERR_INVALID_ARGUMENT')
    }
  })

  it('refuses a request with bytes missing, or any byte of what was signed changed', async () => {
    const { requestPem, keyPem } = await nodeCertificates.createRequest()
    const der = Buffer.from(requestPem.split('-----')[2] ?? '', 'base64')
    const key = createPublicKey(keyPem)
    for (let at = 0; at < der.length; at++) {
      const cut = block(der.subarray(0, at).toString('base64'))
      await expectError(nodeCertificates.sign(root, cut, workerFacts()), 'ERR_INVALID_ARGUMENT')
      der[at] = (der[at] ?? 0) ^ 1
      const changed = nodeCertificates.sign(root, block(der.toString('base64')), workerFacts())
      der[at] = (der[at] ?? 0) ^ 1
      // Around what was signed there are bytes that mean nothing; the key is the same, then.
      const pem = await changed.catch(() => null)
      if (pem === null) await expectError(changed, 'ERR_INVALID_ARGUMENT')
      else expect(new X509Certificate(pem).publicKey.equals(key), String(at)).toBe(true)
    }
  })

  it('refuses a request that is longer than any', async () => {
    const { requestPem } = await nodeCertificates.createRequest()
    const longest = requestPem + '\n'.repeat(PEM_BYTES_MAX - requestPem.length)
    await nodeCertificates.sign(root, longest, workerFacts())
    const signed = nodeCertificates.sign(root, `${longest}\n`, workerFacts())
    await expectError(signed, 'ERR_INVALID_ARGUMENT')
  })

  it('refuses a root whose key is another’s, or no ECDSA key over P-256', async () => {
    const { requestPem } = await nodeCertificates.createRequest()
    const mixed = { rootPem: root.rootPem, keyPem: other.keyPem }
    await expectError(nodeCertificates.sign(mixed, requestPem, workerFacts()), 'ERR_UNTRUSTED')
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const keyPem = rsa.export({ format: 'pem', type: 'pkcs8' })
    const withRsa = { rootPem: root.rootPem, keyPem }
    await expectError(nodeCertificates.sign(withRsa, requestPem, workerFacts()), 'ERR_UNTRUSTED')
    const withNone = { rootPem: root.rootPem, keyPem: 'nonsense' }
    await expectError(nodeCertificates.sign(withNone, requestPem, workerFacts()), 'ERR_UNTRUSTED')
  })

  it('gives each certificate a serial number of its own, positive and 20 bytes long', async () => {
    const serials = new Set<string>()
    for (let i = 0; i < 50; i++) {
      const { certificatePem } = await identity(root)
      serials.add(new X509Certificate(certificatePem).serialNumber)
    }
    expect(serials.size).toBe(50)
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{39}$/)
  })
})

describe('read', () => {
  it('gives what was signed', async () => {
    const manager = await identity(root, { role: 'manager', nodeId: 'm1', from: NOW })
    const facts = { ...workerFacts(), role: 'manager', nodeId: 'm1' }
    expect(await nodeCertificates.read(manager.certificatePem, root.rootPem)).toEqual(facts)
  })

  it('takes any root of a bundle', async () => {
    const worker = await identity(other)
    const bundle = root.rootPem + other.rootPem
    await nodeCertificates.read(worker.certificatePem, bundle)
  })

  it('distrusts what another root of the same name issued', async () => {
    const worker = await identity(other)
    await expectError(nodeCertificates.read(worker.certificatePem, root.rootPem), 'ERR_UNTRUSTED')
  })

  it('distrusts a certificate that a node issued, whatever its chain', async () => {
    const worker = await identity(root)
    const forger = { rootPem: worker.certificatePem, keyPem: worker.keyPem }
    const { requestPem } = await nodeCertificates.createRequest()
    await expectError(nodeCertificates.sign(forger, requestPem, workerFacts()), 'ERR_UNTRUSTED')
    const stray = await identity(other)
    const chain = stray.certificatePem + worker.certificatePem
    await expectError(nodeCertificates.read(chain, root.rootPem), 'ERR_UNTRUSTED')
  })

  it('distrusts roots that are none, and certificates that are not of nodes', async () => {
    const worker = await identity(root)
    const { certificatePem } = worker
    for (const rootPem of ['', certificatePem, block('AAAA', 'CERTIFICATE')]) {
      await expectError(nodeCertificates.read(certificatePem, rootPem), 'ERR_UNTRUSTED')
    }
    for (const pem of ['', root.rootPem, block('AAAA', 'CERTIFICATE')]) {
      await expectError(nodeCertificates.read(pem, root.rootPem), 'ERR_UNTRUSTED')
    }
  })
})

describe('readRoot', () => {
  it('gives what Docker shows of it', async () => {
    const facts = await nodeCertificates.readRoot(root.rootPem)
    const { issuerSubject, issuerPublicKey, rootPem } = facts
    expect(rootPem).toBe(root.rootPem)
    // SEQUENCE { SET { SEQUENCE { commonName, PrintableString "swarm-ca" } } }
    expect(Buffer.from(issuerSubject).toString('hex')).toBe(
      `30133111300f06035504031308${Buffer.from('swarm-ca').toString('hex')}`,
    )
    const key = new X509Certificate(root.rootPem).publicKey
    const spki = key.export({ format: 'der', type: 'spki' })
    expect(Buffer.from(issuerPublicKey).equals(spki)).toBe(true)
  })

  it('distrusts what is no root', async () => {
    await expectError(nodeCertificates.readRoot(''), 'ERR_UNTRUSTED')
    const { certificatePem } = await identity(root)
    await expectError(nodeCertificates.readRoot(certificatePem), 'ERR_UNTRUSTED')
  })
})

it('hashes', () => {
  const hash = nodeCertificates.sha256(new Uint8Array(0))
  expect(Buffer.from(hash).toString('hex')).toMatch(/^e3b0c44298fc1c149afbf4c8996fb924/)
})

function workerFacts(): {
  nodeId: string
  clusterId: string
  role: 'worker'
  notBefore: number
  notAfter: number
} {
  const validity = certificateValidity(NOW, 90 * DAY_MS)
  return { nodeId: 'n1', clusterId: CLUSTER_ID, role: 'worker', ...validity }
}

function requestWords(kind: readonly string[]): readonly string[] {
  const keyPath = join(folder, 'key.pem')
  return ['req', '-new', ...kind, '-nodes', '-subj', '/CN=ignored', '-keyout', keyPath]
}

function block(base64: string, label = 'CERTIFICATE REQUEST'): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`
}

async function expectError(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await promise.then(
    () => 'no error',
    (thrown: unknown) => thrown,
  )
  expect(hasCode(error, code), String(error)).toBe(true)
}
