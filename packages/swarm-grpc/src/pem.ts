/** PEM (RFC 7468): DER between lines that say what it is. */

/** Bytes of a text that is looked at; one certificate has about 1,000. */
export const PEM_BYTES_MAX = 64 << 10

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z0-9+/=\s]*?)-----END \1-----/g

/** DER of every block with this label, in order; none when the text is too long. */
export function pemBlocks(text: string, label: string): readonly Uint8Array[] {
  if (text.length > PEM_BYTES_MAX) return []
  return [...text.matchAll(BLOCK)]
    .filter(([, found]) => found === label)
    .map(([, , body]) => new Uint8Array(Buffer.from(body ?? '', 'base64')))
}

/** One block: lines of 64 characters, a newline at the end, as Docker's. */
export function pemBlock(der: Uint8Array, label: string): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
