/** `weft node update`: availability, role and labels of a node. */
import type { NodeSpecJson } from '@weft/engine-api/client'
import { CommandFailure } from '../command-failure.ts'
import { oneOperand, type CommandSpec } from '../command.ts'
import { changeNodes } from '../node-change.ts'
import type { Options } from '../option.ts'

/** `node update`. */
export const nodeUpdate: CommandSpec = {
  name: 'update',
  summary: 'Update a node',
  operands: oneOperand('NODE'),
  options: [
    {
      name: 'availability',
      value: 'string',
      about: 'Availability of the node ("active"|"pause"|"drain")',
    },
    { name: 'label-add', value: 'list', about: 'Add or update a node label (key=value)' },
    { name: 'label-rm', value: 'list', about: 'Remove a node label if exists' },
    { name: 'role', value: 'string', about: 'Role of the node ("worker"|"manager")' },
  ],
  examples: ['node update --availability drain web-1', 'node update --label-add rack=7 web-1'],
  run: async (invocation) => {
    const { operands, options, out } = invocation
    await changeNodes(invocation, operands, {
      change: ({ Spec }) => changed(Spec, options),
      done: (name) => out.write(`${name}\n`),
    })
    return undefined
  },
}

/** What is not among the known words is the daemon's to refuse. */
function changed(spec: NodeSpecJson, options: Options): NodeSpecJson {
  const labels = { ...spec.Labels, ...options.pairs('label-add') }
  for (const key of options.list('label-rm')) {
    if (!Object.hasOwn(labels, key)) {
      throw new CommandFailure(`key ${key} doesn't exist in node's labels`)
    }
    Reflect.deleteProperty(labels, key)
  }
  const role = options.textOrNull('role') ?? spec.Role
  const availability = options.textOrNull('availability') ?? spec.Availability
  return {
    ...spec,
    Labels: labels,
    Role: role as NodeSpecJson['Role'],
    Availability: availability as NodeSpecJson['Availability'],
  }
}
