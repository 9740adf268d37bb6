/** `weft network rm`: networks that nothing uses any more. */
import { EXIT_FAILURE } from '../command-failure.ts'
import { someOperands, type CommandSpec, type Invocation } from '../command.ts'
import { failureText } from '../failure-text.ts'
import { confirms } from '../output/confirmation.ts'

const INGRESS_WARNING =
  'WARNING! Before removing the routing-mesh network, make sure all the nodes in your swarm run ' +
  'the same docker engine version. Otherwise, removal may not be effective and functionality of ' +
  'newly create ingress networks will be impaired.\nAre you sure you want to continue?'

/** `network rm`. */
export const networkRm: CommandSpec = {
  name: 'rm',
  aliases: ['remove'],
  summary: 'Remove one or more networks',
  operands: someOperands('NETWORK'),
  options: [],
  examples: ['network rm blue green'],
  run: async (invocation) => {
    const { operands, out, err, host } = invocation
    let failed = false
    for (const name of operands) {
      try {
        if (await removed(invocation, name)) out.write(`${name}\n`)
      } catch (error) {
        invocation.signal.throwIfAborted()
        err.write(`${failureText(error, host, { kind: 'network', name })}\n`)
        failed = true
      }
    }
    return failed ? EXIT_FAILURE : undefined
  },
}

/** False when the user would rather not. */
async function removed(invocation: Invocation, name: string): Promise<boolean> {
  const { client, signal } = invocation
  if ((await isIngress(invocation, name)) && !(await confirms(invocation, INGRESS_WARNING))) {
    return false
  }
  await client.networks.remove(name, { signal })
  return true
}

/** What cannot be looked at is no ingress network: its removal says why. */
async function isIngress({ client, signal }: Invocation, name: string): Promise<boolean> {
  try {
    return (await client.networks.inspect(name, {}, { signal })).Ingress
  } catch {
    return false
  }
}
