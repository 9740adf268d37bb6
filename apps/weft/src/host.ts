/** Where the daemon listens: `-H`, WEFT_HOST, DOCKER_HOST, or the usual place. */
import { CommandFailure } from './command-failure.ts'

/** Where weftd listens unless it was told otherwise. */
export const HOST_DEFAULT = 'unix:///run/weft/weft.sock'

/** Longest path of a Unix socket in bytes, `sun_path` without its end (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107

/** A daemon's address. */
export interface Host {
  /** As messages name it. */
  readonly url: string
  readonly socketPath: string
}

/** The first that was given. Throws CommandFailure for what is no Unix socket. */
export function hostOf(
  option: string | null,
  env: Readonly<Record<string, string | undefined>>,
): Host {
  const given = [option, env['WEFT_HOST'], env['DOCKER_HOST']]
  const text = given.find((one) => one !== null && one !== undefined && one !== '') ?? HOST_DEFAULT
  const path = /^unix:\/\/(\/.*)$/.exec(text)?.[1]
  if (path === undefined) {
    const problem = 'weft speaks over Unix sockets only: unix:///path/of/the.sock'
    throw new CommandFailure(`unable to parse docker host \`${text}\`: ${problem}`)
  }
  if (new TextEncoder().encode(path).length > SOCKET_PATH_BYTES_MAX) {
    throw new CommandFailure(`socket path longer than ${SOCKET_PATH_BYTES_MAX} bytes: ${path}`)
  }
  return { url: text, socketPath: path }
}
