/** `weft network inspect`: all that is known of networks. */
import { CommandFailure } from '../command-failure.ts'
import { someOperands, type CommandSpec } from '../command.ts'
import { networkShape } from '../docker-shapes.ts'
import { failureText } from '../failure-text.ts'
import { inspectAll } from '../output/inspection.ts'

/** `network inspect`. */
export const networkInspect: CommandSpec = {
  name: 'inspect',
  summary: 'Display detailed information on one or more networks',
  operands: someOperands('NETWORK'),
  options: [
    {
      name: 'format',
      short: 'f',
      value: 'string',
      about: 'Format the output using the given Go template',
    },
    { name: 'verbose', short: 'v', about: 'Verbose output for diagnostics' },
  ],
  examples: [
    'network inspect -v blue',
    "network inspect --format '{{range .IPAM.Config}}{{.Subnet}}{{end}}' blue",
  ],
  run: async ({ client, options, operands, out, signal, host }) => {
    const query = { verbose: options.has('verbose') }
    const { text, failures } = await inspectAll(
      {
        names: operands,
        format: options.text('format'),
        fetch: (name) => client.networks.inspect(name, query, { signal }),
        shape: networkShape,
        rawFallback: true,
      },
      (error, name) => failureText(error, host, { kind: 'network', name }),
    )
    out.write(text)
    if (failures.length > 0) throw new CommandFailure(failures.join('\n'))
    return undefined
  },
}
