/** Records what Docker's own client prints; vectors/docker-20.10.24-output.md has the command. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { SCENARIOS } from './docker-scenarios.ts'
import { recordedAnswer, recordedEngine, type Printed } from './recorded-engine.ts'

/** The client that is recorded; it is in Debian's package docker.io. */
const DOCKER = '/usr/bin/docker'

/** Run Docker's client against a socket. */
async function runDocker(words: readonly string[], socketPath: string): Promise<Printed> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', TZ: 'UTC' }
  const child = spawn(DOCKER, ['-H', `unix://${socketPath}`, ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { out: '', err: '' }
  child.stdout.on('data', (piece: Buffer) => (printed.out += piece.toString()))
  child.stderr.on('data', (piece: Buffer) => (printed.err += piece.toString()))
  const status = await new Promise<number>((resolve) => {
    child.on('close', (code) => resolve(code ?? -1))
  })
  return { ...printed, status }
}

const recordings = []
for (const { words, answers: names } of SCENARIOS) {
  const answers = names.map(recordedAnswer)
  await using engine = await recordedEngine(answers)
  recordings.push({ words, answers, ...(await runDocker(words, engine.socketPath)) })
}
const path = new URL('../vectors/docker-20.10.24-output.json', import.meta.url)
writeFileSync(path, `${JSON.stringify(recordings, null, 1)}\n`)
