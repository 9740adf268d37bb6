/** The surroundings of a command line on Node. */
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { createEngineClient, socketFetch } from '@weft/engine-api/client'
import { CommandFailure } from './command-failure.ts'
import type { Surroundings, TextSink } from './surroundings.ts'

/** Signals that a command which runs others hands on (docker run --sig-proxy). */
const RELAYED: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGWINCH',
]

/** Signals that end a command otherwise, in order. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Streams, signals and environment of this process; `script` is what started it. */
export function nodeSurroundings(script: string): Surroundings {
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  for (const name of ENDING) process.on(name, interrupt)
  return {
    out: sink(process.stdout),
    err: sink(process.stderr),
    inputIsTerminal: process.stdin.isTTY,
    readLine: () => readLine(interruption.signal),
    readText,
    env: process.env,
    signal: interruption.signal,
    catchSignals: (listener) => {
      // In this order: a signal that nobody listens to ends the process.
      for (const name of RELAYED) process.on(name, listener)
      for (const name of ENDING) process.off(name, interrupt)
      return {
        [Symbol.dispose]: () => {
          for (const name of ENDING) process.on(name, interrupt)
          for (const name of RELAYED) process.off(name, listener)
        },
      }
    },
    pause: (durationMs) => setTimeout(durationMs, undefined, { signal: interruption.signal }),
    connect: (socketPath) => createEngineClient(socketFetch(socketPath)),
    contained: async () => {
      const { nodeContained } = await import('./run/node-contained.ts')
      return nodeContained([process.execPath, ...process.execArgv, script])
    },
  }
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  try {
    return await readFile(path === '-' ? '/dev/stdin' : path, 'utf8')
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${(error as Error).message}`)
  }
}

function sink(stream: NodeJS.WriteStream): TextSink {
  return {
    isTerminal: stream.isTTY,
    write: (text) => {
      stream.write(text)
    },
  }
}

async function readLine(signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, signal })
  try {
    for await (const line of lines) return line
    return ''
  } finally {
    lines.close()
    process.stdin.pause()
  }
}
