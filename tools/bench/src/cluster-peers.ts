/**
 * Nodes of a cluster in one process, each at an address of this machine and with one endpoint:
 * `cluster-peers MANAGER TOKEN NETWORK ADDRESS…`. Their frames go nowhere; all else is as it is on
 * machines of their own. Says `ready` when all are attached, and stays.
 */
import { parseIp } from '@weft/core'
import { SimMachine, simBackend, simOptions } from '@weft/dataplane-sim'
import { nodeRuntime } from '@weft/runtime-node'
import { createNode } from '@weft/sdk'

const MTU_BYTES = 1500

const [manager = '', token = '', network = '', ...addresses] = process.argv.slice(2)
for (const [i, address] of addresses.entries()) {
  const runtime = nodeRuntime()
  const mtuBytes = new Map([[parseIp(address), MTU_BYTES]])
  const machine = new SimMachine({ underlay: runtime.underlay, mtuBytes })
  const dataplane = { backend: simBackend, options: simOptions(machine) }
  const node = await createNode({ stateDirectory: null, dataplane, runtime })
  const at = { listenAddress: address, advertiseAddress: address }
  await node.join({ ...at, remoteAddresses: [manager], token })
  const port = { present: true, deliver: () => undefined, connect: () => undefined }
  await node.networks.use(network).attach({ name: `peer-${i}`, port })
}
process.stdout.write('ready\n')
