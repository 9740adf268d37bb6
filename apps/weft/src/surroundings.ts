/** What a command line has around it: where it writes, whom it asks, what may stop it. */
import type { EngineClient } from '@weft/engine-api/client'
import type { ContainedProcesses } from './run/contained-process.ts'

/** Everything a command touches besides the daemon. */
export interface Surroundings {
  readonly out: TextSink
  readonly err: TextSink
  /** True when somebody may type answers. */
  readonly inputIsTerminal: boolean
  /** A line of the standard input, without its end; empty when there is none. */
  readonly readLine: () => Promise<string>
  /** A whole file, or the standard input for `-`. Throws CommandFailure. */
  readonly readText: (path: string) => Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts what the user interrupts. */
  readonly signal: AbortSignal
  /** Hands signals to the listener instead, until disposed. */
  readonly catchSignals: (listener: (name: NodeJS.Signals) => void) => Disposable
  /** Resolves after so many ms. */
  readonly pause: (durationMs: number) => Promise<void>
  /** A client for the daemon that listens at this path. */
  readonly connect: (socketPath: string) => EngineClient
  /** Processes in namespaces of their own; asked for by `run` only, which alone needs them. */
  readonly contained: () => Promise<ContainedProcesses>
}

/** Where text goes. */
export interface TextSink {
  readonly isTerminal: boolean
  write(text: string): void
}
