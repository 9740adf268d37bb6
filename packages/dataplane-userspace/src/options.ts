/** What a userspace dataplane is told when it is opened: a complete value from one function. */
import { CIPHER_SUITES, valueError } from '@weft/core'
import { hostOptions, type GivenOptions, type HostOptions } from '@weft/dataplane'
import { ESP_IN_UDP_PORT, udp } from '@weft/wire'

/** Suites that encrypted networks can have, whose keys are managers' (docker-wire §5.1). */
export const ESP_SUITES = ['aes-128-gcm-8', 'aes-128-gcm-16'] as const

/** How packets of encrypted networks travel: as IP protocol 50, or in UDP (RFC 3948). */
export const ESP_PATHS = ['ip', 'udp'] as const

/** How the datagrams of encrypted networks are sealed and carried: alike on all nodes. */
export interface EspOptions {
  /** The number is the length of the tag in bytes; Docker and the kernel backend have 8. */
  readonly suite: (typeof ESP_SUITES)[number]
  /** `udp` for paths that carry no other protocol; neither Docker nor the kernel backend has it. */
  readonly path: (typeof ESP_PATHS)[number]
  /** The UDP port of every node, where the path is UDP. */
  readonly port: number
}

/** Options of the userspace backend. Complete: nothing is filled in later. */
export interface UserspaceOptions extends HostOptions {
  readonly esp: EspOptions
}

/** As Docker has it on the wire. */
export const DOCKER_ESP: EspOptions = Object.freeze({
  suite: 'aes-128-gcm-8',
  path: 'ip',
  port: ESP_IN_UDP_PORT,
})

/** Bytes that a packet takes more than Docker's, which is what MTUs are reckoned with. */
export function sealExtraBytes({ path, suite }: EspOptions): number {
  const tagBytes = CIPHER_SUITES[suite].tagBytes - CIPHER_SUITES[DOCKER_ESP.suite].tagBytes
  return tagBytes + (path === 'udp' ? udp.headerLength : 0)
}

/** What is given to `userspaceOptions`. */
export type GivenUserspaceOptions = Omit<GivenOptions<UserspaceOptions>, 'esp'> & {
  readonly esp?: Partial<EspOptions>
}

/**
 * Options for a host; see `hostOptions` for what is usual, and for what it throws. Throws
 * ERR_INVALID_VALUE for a suite, path or port that ESP cannot have.
 */
export function userspaceOptions(given: GivenUserspaceOptions): UserspaceOptions {
  const esp = Object.freeze({ ...DOCKER_ESP, ...given.esp })
  checkEsp(esp)
  return hostOptions({ ...given, esp }, { esp })
}

function checkEsp({ path, port, suite }: EspOptions): void {
  checkOneOf('esp.suite', suite, ESP_SUITES)
  checkOneOf('esp.path', path, ESP_PATHS)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return
  throw valueError('ERR_INVALID_VALUE', 'not a port', {
    kind: 'esp.port',
    text: String(port),
    expected: '1 to 65535',
  })
}

function checkOneOf(kind: string, text: string, names: readonly string[]): void {
  if (names.includes(text)) return
  const expected = names.join(', ')
  throw valueError('ERR_INVALID_VALUE', 'not known here', { kind, text, expected })
}
