/** Runs a scenario in namespaces of its own and captures what crosses it. */
import { spawn, execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Scenario } from './scenario.ts'

/** Long enough for the last answers to arrive and for dumpcap to take them from the kernel. */
const SETTLE_MS = 1_500

function sh(command: string): void {
  execFileSync('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Programs of a scenario that this machine does not have. */
export function missingPrograms(scenario: Scenario): readonly string[] {
  const needed = ['ip', 'ping', 'ethtool', 'sysctl', 'dumpcap', 'tshark', ...(scenario.needs ?? [])]
  return needed.filter((program) => {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
}

/** Start a program and wait until it says something that matches. */
async function startProgram(command: string, ready: RegExp): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'pipe', 'pipe'] })
  let heard = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      heard += text
    })
  }
  for (let tries = 0; !ready.test(heard); tries++) {
    if (tries === 100 || child.exitCode !== null) throw new Error(`${command}: ${heard}`)
    await delay(50)
  }
  return child
}

async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGINT')
  await once(child, 'exit')
}

/** Record one scenario into a pcapng file. Its namespaces are gone afterwards, come what may. */
export async function record(scenario: Scenario, path: string): Promise<void> {
  const running: ChildProcess[] = []
  const { namespace, link } = scenario.capture
  for (const name of scenario.namespaces) sh(`ip netns add ${name}`)
  try {
    for (const command of scenario.world) sh(command)
    const capture = `ip netns exec ${namespace} dumpcap -q -i ${link} -w ${path}`
    running.push(await startProgram(capture, /File: /))
    for (const command of scenario.background ?? []) {
      running.push(await startProgram(command, /listening/))
    }
    for (const command of scenario.traffic) sh(command)
    await delay(SETTLE_MS)
  } finally {
    for (const child of running) await stopProgram(child)
    for (const name of scenario.namespaces) sh(`ip netns del ${name}`)
  }
}
