/** `weft detach`: endpoints end. */
import { CommandFailure, EXIT_USAGE } from '../command-failure.ts'
import type { CommandSpec, Invocation } from '../command.ts'
import { eachSettled } from '../each-settled.ts'
import { failureText } from '../failure-text.ts'

/** `detach`. */
export const detach: CommandSpec = {
  name: 'detach',
  summary: 'Detach endpoints from their networks',
  operands: { usage: '[ENDPOINT...]', countMin: 0, countMax: Infinity },
  options: [
    { name: 'name', value: 'string', about: 'Name of the endpoint' },
    { name: 'network', value: 'string', about: 'Network of the endpoint, by name or ID' },
  ],
  examples: ['detach blue/c1', 'detach blue/c1 blue/c2 red/c1', 'detach --network blue --name c1'],
  run: async (invocation) => {
    const { client, out, signal, host } = invocation
    const failures: string[] = []
    const remove = (id: string): Promise<void> => client.attachments.remove(id, { signal })
    for await (const { item: id, error } of eachSettled(endpointsOf(invocation), remove)) {
      signal.throwIfAborted()
      if (error === null) out.write(`${id}\n`)
      else failures.push(failureText(error, host))
    }
    if (failures.length > 0) throw new CommandFailure(failures.join('\n'))
    return undefined
  },
}

function endpointsOf({ operands, options }: Invocation): readonly string[] {
  const [network, name] = [options.text('network'), options.text('name')]
  if (operands.length > 0 && network === '' && name === '') return operands
  if (operands.length === 0 && network !== '' && name !== '') return [`${network}/${name}`]
  const problem = 'say endpoints (ID or NETWORK/NAME), or --network and --name'
  throw new CommandFailure(problem, EXIT_USAGE)
}
