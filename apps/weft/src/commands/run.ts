/** `weft run`: a command in namespaces of its own, on a network, for as long as it runs. */
import type { AttachmentJson } from '@weft/engine-api/client'
import { CommandFailure, EXIT_USAGE } from '../command-failure.ts'
import type { CommandSpec, Invocation } from '../command.ts'
import { failureText, isUnreachable } from '../failure-text.ts'
import { OptionFailure } from '../option.ts'
import { showProgress } from '../output/progress.ts'
import type { Custodian, RunningProcess } from '../run/contained-process.ts'
import { findExecutable } from '../run/executable.ts'
import { hostsFile, HOSTNAME_LENGTH_MAX } from '../run/hosts-file.ts'
import { relaySignals } from '../run/signal-relay.ts'
import { ENDPOINT_OPTIONS, endpointOf } from './attach.ts'

/** How often a daemon that does not answer is asked to detach, a second apart. */
export const DETACH_ATTEMPTS_MAX = 10

/** `run`. */
export const run: CommandSpec = {
  name: 'run',
  summary: 'Run a command in its own namespaces, attached to a network',
  operands: { usage: '-- COMMAND [ARG...]', countMin: 1, countMax: Infinity },
  options: [
    ...ENDPOINT_OPTIONS,
    { name: 'env', short: 'e', value: 'list', about: 'Set environment variables' },
    {
      name: 'hostname',
      value: 'string',
      about: 'Host name inside (default: the name of the endpoint)',
    },
    { name: 'rm', about: 'Nothing is ever left behind; here so that scripts go on working' },
  ],
  examples: [
    'run --network blue --name c1 -- ping 10.0.1.7',
    'run --network blue --name web --ip 10.0.1.80 --rm -- python3 -m http.server 80',
  ],
  passesThrough: true,
  run: async (invocation) => {
    try {
      return await contained(invocation)
    } catch (error) {
      if (error instanceof CommandFailure || error instanceof OptionFailure) throw error
      invocation.signal.throwIfAborted()
      throw new CommandFailure(`weft: ${failureText(error, invocation.host)}.`, EXIT_USAGE)
    }
  },
}

/** Resolves with the command's status, after everything was cleaned up. */
async function contained(invocation: Invocation): Promise<number> {
  const { client, options, operands, err, signal, host } = invocation
  const endpoint = endpointOf(options)
  const hostname = hostnameOf(options.textOrNull('hostname') ?? endpoint.name)
  const env = { ...invocation.env, ...environmentOf(invocation) }
  findExecutable(operands[0] ?? '', env)
  const processes = await invocation.contained()
  using namespace = processes.openNamespace()
  const custodian = processes.appointCustodian(host)
  try {
    const request = { ...endpoint, netns: namespace.path }
    const what = `attaching ${endpoint.name} to ${endpoint.network}`
    const attachment = await showProgress(err, what, client.attachments.create(request, { signal }))
    try {
      custodian.guardEndpoint(attachment.endpointId)
      const hosts = hostsFile(hostname, attachment.addresses)
      const running = namespace.start({ words: operands, hostname, hosts, env })
      return await untilEnded(invocation, running, custodian)
    } finally {
      await detached(invocation, attachment)
    }
  } finally {
    custodian.dismiss()
  }
}

async function untilEnded(
  invocation: Invocation,
  running: RunningProcess,
  custodian: Custodian,
): Promise<number> {
  custodian.guardProcess(running.pid)
  using relay = relaySignals(invocation, running)
  const status = await running.ended
  relay[Symbol.dispose]()
  return status
}

/** A daemon that restarts is waited for; one that does not come back finds the endpoint dead. */
async function detached(
  { client, err, host, pause }: Invocation,
  { endpointId, name }: AttachmentJson,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.attachments.remove(endpointId)
      return
    } catch (error) {
      if (!isUnreachable(error) || attempt === DETACH_ATTEMPTS_MAX) {
        err.write(`weft: ${name} is not detached: ${failureText(error, host)}\n`)
        return
      }
      await pause(1000)
    }
  }
}

function hostnameOf(text: string): string {
  if (text.length <= HOSTNAME_LENGTH_MAX && !/[\s/\0]/.test(text)) return text
  throw new OptionFailure('hostname', text, `no host name of at most ${HOSTNAME_LENGTH_MAX} bytes`)
}

/** `-e KEY=value`; a key alone takes its value from here. */
function environmentOf({ options, env }: Invocation): Record<string, string | undefined> {
  const pairs = options.list('env').map((text) => {
    const at = text.indexOf('=')
    return at < 0 ? [text, env[text]] : [text.slice(0, at), text.slice(at + 1)]
  })
  return Object.fromEntries(pairs) as Record<string, string | undefined>
}
