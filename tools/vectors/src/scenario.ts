/** What a recording is: a small world of namespaces, and the traffic that crosses it. */

/** Commands run in order by `sh -c` as root; a recording's provenance shows them as they are. */
export interface Scenario {
  /** Names the files. */
  readonly name: string
  /** One sentence: what a reader finds in the capture. */
  readonly about: string
  /** Namespaces the scenario needs; made before and removed after it. */
  readonly namespaces: readonly string[]
  /** Links, addresses and routes. */
  readonly world: readonly string[]
  /** Where the capture is taken. */
  readonly capture: { readonly namespace: string; readonly link: string }
  /** Programs that must be listening before the traffic: each prints a line when it is. */
  readonly background?: readonly string[]
  /** What is recorded. Commands whose failure is the point end in `|| true`. */
  readonly traffic: readonly string[]
  /** Programs besides ip, ping and dumpcap. */
  readonly needs?: readonly string[]
  /** Preferences with which tshark decrypts it; its reading then is kept beside the other. */
  readonly decryption?: readonly string[]
}

/** All namespaces of recordings begin so. */
export const NAMESPACE_PREFIX = 'wirevec-'

/** A namespace of a recording. */
export function namespaceName(short: string): string {
  return NAMESPACE_PREFIX + short
}
