/** A daemon: a node, and the Engine API over it on a socket. */
import { rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Logger } from '@weft/core'
import { engineApi, machineFacts } from '@weft/engine-api'
import { dockerProfile, lanProfile, wanProfile } from '@weft/gossip'
import { nodeRuntime } from '@weft/runtime-node'
import { createNode, nodeTunables, removeForwarding, type NodeOptions } from '@weft/sdk'
import { nodeCertificates } from '@weft/swarm-grpc'
import type { DaemonOptions } from './daemon-options.ts'
import { chooseDataplane } from './open-dataplane.ts'
import { refuse } from './option-values.ts'
import { listenAt } from './unix-socket.ts'

/** A daemon at work. */
export interface Daemon extends AsyncDisposable {
  /** Stop serving, and leave forwarding as it is. Closing again does nothing. */
  close(): Promise<void>
}

/** What a daemon is beside its options. */
export interface DaemonFacts {
  readonly version: string
  readonly log: Logger
}

/**
 * Take up the state and serve. Throws SdkErrors, StoreErrors, DaemonErrors, bind errors; state
 * and forwarding of before are left as they were then.
 */
export async function openDaemon(options: DaemonOptions, facts: DaemonFacts): Promise<Daemon> {
  // Who comes early waits. And only one daemon can be here: state is not touched by another.
  const opened = Promise.withResolvers<RequestListener>()
  const server = createServer((request, response) => {
    void opened.promise.then((answer) => answer(request, response))
  })
  await listenAt(server, options.socket, options.group)
  const stopServing = async (): Promise<void> => {
    await closeServer(server)
    await rm(options.socket, { force: true })
  }
  try {
    const { answer, close } = await openApi(options, facts)
    opened.resolve(answer)
    const closeAll = once(() => close(stopServing))
    return { close: closeAll, [Symbol.asyncDispose]: closeAll }
  } catch (error) {
    await stopServing()
    throw error
  }
}

/** What answers, and how it ends: streams first, then `stopServing`, then the node. */
interface Api {
  readonly answer: RequestListener
  readonly close: (stopServing: () => Promise<void>) => Promise<void>
}

async function openApi(options: DaemonOptions, { version, log }: DaemonFacts): Promise<Api> {
  const nodeOptions = await nodeOptionsOf(options, { version, log })
  const node = await createNode(nodeOptions)
  const api = engineApi(node.cluster, {
    version,
    machine: machineFacts(),
    certificates: nodeCertificates,
    clock: nodeOptions.runtime.clock,
    log: log.child({ part: 'api' }),
  })
  const answer = getRequestListener(api, { overrideGlobalObjects: false })
  return {
    answer: (request, response) => void answer(request, response),
    close: async (stopServing) => {
      // Streams of events end, and with them their connections.
      api[Symbol.dispose]()
      await stopServing()
      await node.close('detach')
    },
  }
}

/** Remove what a daemon left in the kernel; its state stays. Throws as `openDaemon`. */
export async function tearDown(options: DaemonOptions, facts: DaemonFacts): Promise<void> {
  await removeForwarding(await nodeOptionsOf(options, facts))
}

const PROFILES = { lan: lanProfile, wan: wanProfile, docker: dockerProfile } as const

async function nodeOptionsOf(options: DaemonOptions, { version, log }: DaemonFacts) {
  checkTunables(options)
  const runtime = nodeRuntime({ log })
  return {
    stateDirectory: options.state,
    dataplane: await chooseDataplane(options, runtime),
    log,
    gossip: PROFILES[options.gossipProfile](),
    tunables: options.tunables,
    version,
    labels: Object.fromEntries(options.label.map(labelOf)),
    defaultAdvertiseAddress: options.defaultAdvertiseAddr,
    runtime,
  } satisfies NodeOptions<never>
}

function checkTunables({ tunables }: DaemonOptions): void {
  const known = nodeTunables()
  for (const name of Object.keys(tunables)) {
    if (Object.hasOwn(known, name)) continue
    const problem = `there is no ${name}; there are ${Object.keys(known).join(', ')}`
    throw refuse('file of options', 'tunables', problem)
  }
}

function labelOf(label: string): [name: string, value: string] {
  const at = label.indexOf('=')
  return [label.slice(0, at), label.slice(at + 1)]
}

function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  return promise
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null
  return () => (done ??= act())
}
