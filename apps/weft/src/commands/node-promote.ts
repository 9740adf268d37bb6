/** `weft node promote` and `weft node demote`: who is a manager. */
import { someOperands, type CommandSpec } from '../command.ts'
import { changeNodes } from '../node-change.ts'

/** `node promote`. */
export const nodePromote: CommandSpec = {
  name: 'promote',
  summary: 'Promote one or more nodes to manager in the swarm',
  operands: someOperands('NODE'),
  options: [],
  examples: ['node promote web-1'],
  run: async (invocation) => {
    const { operands, out } = invocation
    await changeNodes(invocation, operands, {
      change: ({ ID, Spec }) => {
        if (Spec.Role !== 'manager') return { ...Spec, Role: 'manager' }
        out.write(`Node ${ID} is already a manager.\n`)
        return null
      },
      done: (name) => out.write(`Node ${name} promoted to a manager in the swarm.\n`),
    })
    return undefined
  },
}

/** `node demote`. */
export const nodeDemote: CommandSpec = {
  name: 'demote',
  summary: 'Demote one or more nodes from manager in the swarm',
  operands: someOperands('NODE'),
  options: [],
  examples: ['node demote web-1'],
  run: async (invocation) => {
    const { operands, out } = invocation
    await changeNodes(invocation, operands, {
      change: ({ ID, Spec }) => {
        if (Spec.Role !== 'worker') return { ...Spec, Role: 'worker' }
        out.write(`Node ${ID} is already a worker.\n`)
        return null
      },
      done: (name) => out.write(`Manager ${name} demoted in the swarm.\n`),
    })
    return undefined
  },
}
