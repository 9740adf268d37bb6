/** Prints what the backend finds here, and what comes of opening it, as JSON; for bad places. */
import { silentLogger } from '@weft/core'
import { nodeRuntime } from '@weft/runtime-node'
import { userspaceBackend, userspaceOptions } from '../src/index.ts'

const options = userspaceOptions({ instance: `probe-${process.pid}` })
const probed = await userspaceBackend.probe(options)
const dataplane = await userspaceBackend.open({ ...nodeRuntime(), log: silentLogger }, options)
const { attachments, encapsulations } = dataplane.capabilities
await dataplane.close('teardown')
const found = {
  usable: probed.usable,
  fallbacks: probed.fallbacks,
  sealing: probed.sealing,
  attachments: [...attachments],
  encapsulations: [...encapsulations],
}
process.stdout.write(JSON.stringify(found))
