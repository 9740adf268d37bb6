/** `weft node inspect`: all that is known of nodes. */
import type { NodeJson } from '@weft/engine-api/client'
import { CommandFailure } from '../command-failure.ts'
import { someOperands, type CommandSpec } from '../command.ts'
import { nodeShape } from '../docker-shapes.ts'
import { failureText } from '../failure-text.ts'
import { inspectAll } from '../output/inspection.ts'
import { prettyNode } from '../output/pretty-node.ts'
import { inspectNode } from '../node-lookup.ts'

/** `node inspect`. */
export const nodeInspect: CommandSpec = {
  name: 'inspect',
  summary: 'Display detailed information on one or more nodes',
  operands: someOperands('self|NODE'),
  options: [
    {
      name: 'format',
      short: 'f',
      value: 'string',
      about: 'Format the output using the given Go template',
    },
    { name: 'pretty', about: 'Print the information in a human friendly format' },
  ],
  examples: ['node inspect --pretty self', "node inspect -f '{{.Status.Addr}}' web-1"],
  run: async (invocation) => {
    const { options, operands, out, host } = invocation
    const fetch = (name: string): Promise<NodeJson> => inspectNode(invocation, name)
    const format = options.has('pretty') ? 'pretty' : options.text('format')
    if (format === 'pretty') {
      for (const name of operands) out.write(`${prettyNode(await fetch(name))}\n`)
      return undefined
    }
    if (format.startsWith('pretty')) {
      throw new CommandFailure('Cannot supply extra formatting options to the pretty template')
    }
    const { text, failures } = await inspectAll(
      { names: operands, format, fetch, shape: nodeShape, rawFallback: false },
      (error) => failureText(error, host),
    )
    out.write(text)
    if (failures.length > 0) throw new CommandFailure(failures.join('\n'))
    return undefined
  },
}
