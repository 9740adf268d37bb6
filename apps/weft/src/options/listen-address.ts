/** `--listen-addr`, of `swarm init` and `swarm join`: an address or interface, with a port. */
import { OptionFailure, type Options, type OptionSpec } from '../option.ts'

const HOST_DEFAULT = '0.0.0.0'
const PORT_DEFAULT = '2377'

/** The option as it is declared. */
export const LISTEN_OPTION: OptionSpec = {
  name: 'listen-addr',
  value: 'node-addr',
  about: 'Listen address (format: <ip|interface>[:port]) (default 0.0.0.0:2377)',
}

/** `host:port`, with Docker's defaults for what is left out. Throws CommandFailure. */
export function listenAddressOf(options: Options): string {
  const text = options.text('listen-addr')
  const parts = /^(?:tcp:\/\/)?(\[[^\]]*\]|[^:[\]/]*)(?::(\d*))?$/.exec(text)
  if (parts === null) {
    throw new OptionFailure('listen-addr', text, `Invalid bind address format: ${text}`)
  }
  const [, host = '', port = ''] = parts
  return `${host === '' ? HOST_DEFAULT : host}:${port === '' ? PORT_DEFAULT : port}`
}
