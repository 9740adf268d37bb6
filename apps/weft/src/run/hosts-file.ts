/** /etc/hosts as Docker writes it for a container. */

/** Longest host name in bytes (HOST_NAME_MAX, limits.h). */
export const HOSTNAME_LENGTH_MAX = 64

const STANDARD = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff00::0\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
]

/** The file for a host with these addresses, given in CIDR form or bare. */
export function hostsFile(hostname: string, addresses: readonly string[]): string {
  const own = addresses.map((address) => `${address.replace(/\/.*$/, '')}\t${hostname}`)
  return [...STANDARD, ...own].map((line) => `${line}\n`).join('')
}
