/** `weft swarm update`: settings of the cluster that may change while it runs. */
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { SETTINGS_OPTIONS, settingsOf } from '../options/swarm-settings.ts'

/** `swarm update`. */
export const swarmUpdate: CommandSpec = {
  name: 'update',
  summary: 'Update the swarm',
  operands: NO_OPERANDS,
  options: SETTINGS_OPTIONS,
  examples: ['swarm update --cert-expiry 720h', 'swarm update --dispatcher-heartbeat 10s'],
  showsHelpWithoutOptions: true,
  run: async ({ client, options, out, signal }) => {
    const { spec } = settingsOf(options)
    const { Version, Spec } = await client.swarm.inspect({ signal })
    const changed = {
      ...Spec,
      CAConfig: { ...Spec.CAConfig, ...spec.CAConfig },
      Dispatcher: { ...Spec.Dispatcher, ...spec.Dispatcher },
    }
    await client.swarm.update({ version: Version.Index, spec: changed }, { signal })
    out.write('Swarm updated.\n')
    return undefined
  },
}
