/** `weft node rm`: nodes that are gone for good. */
import { CommandFailure } from '../command-failure.ts'
import { someOperands, type CommandSpec } from '../command.ts'
import { failureText } from '../failure-text.ts'

/** `node rm`. */
export const nodeRm: CommandSpec = {
  name: 'rm',
  aliases: ['remove'],
  summary: 'Remove one or more nodes from the swarm',
  operands: someOperands('NODE'),
  options: [{ name: 'force', short: 'f', about: 'Force remove a node from the swarm' }],
  examples: ['node rm web-1', 'node rm --force web-1 web-2'],
  run: async ({ client, options, operands, out, signal, host }) => {
    const failures: string[] = []
    for (const name of operands) {
      try {
        await client.nodes.remove(name, { force: options.has('force') }, { signal })
        out.write(`${name}\n`)
      } catch (error) {
        signal.throwIfAborted()
        failures.push(failureText(error, host, { kind: 'node', name }))
      }
    }
    if (failures.length > 0) throw new CommandFailure(failures.join('\n'))
    return undefined
  },
}
