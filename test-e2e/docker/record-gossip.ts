/**
 * `record-gossip FOLDER`: gossip of real engines as golden vectors. Two stock engines and a
 * listener of ours; containers come and go while keys are rotated. Run it as root inside a private
 * world.
 */
import { collect, eventually, startOn, type MachineProcess } from '@weft/lab'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockerSwarm, KEY_ROTATION_MS, NETWORK, type EngineContainer } from './docker-swarm.ts'
import type { ListenerLine, OpenedText } from './gossip-listener.ts'

const NAME = 'docker-swarm-20.10.24'
const ATTACHED_WITHIN_MS = 30_000
const PASSING_MS = 1_000
/** Shorter ones are probes and their answers, of which a few will do. */
const NEWS_CHARACTERS_MIN = 220
const PROBES = 24
const NEWS = 120
const STREAMS = 40

const [folder = '.'] = process.argv.slice(2)
await using swarm = await DockerSwarm.open()
const listener = await startListener()
const containers: (EngineContainer & { readonly gone: boolean })[] = []
for (const engine of [swarm.manager, swarm.worker]) {
  containers.push({ ...(await swarm.container(engine, `stays-${engine.name}`)), gone: false })
  const passing = await swarm.container(engine, `passes-${engine.name}`)
  containers.push({ ...passing, gone: true })
  await sleep(PASSING_MS)
  await engine.docker(['rm', '--force', passing.name])
}
await sleep(2 * KEY_ROTATION_MS)
containers.push({ ...(await swarm.container(swarm.worker, 'new-keys')), gone: false })
await sleep(KEY_ROTATION_MS)
listener.child.stdin.end()
await once(listener.child, 'close')
writeRecording(listener.lines())

/** A listener that is attached, and what it has told so far. */
async function startListener(): Promise<{
  readonly child: MachineProcess
  readonly lines: () => ListenerLine[]
}> {
  const script = join(import.meta.dirname, 'gossip-listener.ts')
  const { machine } = swarm.weft
  const words = [`${swarm.manager.ip}:2377`, await swarm.token(), NETWORK, machine.ip]
  const child = startOn(machine, ['node', '--conditions=@weft/source', script, ...words])
  const said = collect(child.stdout)
  const complaints = collect(child.stderr)
  const lines = (): ListenerLine[] =>
    said()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as ListenerLine)
  const check = (): void => {
    if (!lines().some(({ kind }) => kind === 'attached')) throw new Error(complaints())
  }
  await eventually(check, { withinMs: ATTACHED_WITHIN_MS, what: 'a listener' })
  return { child, lines }
}

function writeRecording(lines: readonly ListenerLine[]): void {
  const opened = lines.flatMap((line) => (line.kind === 'opened' ? [line.opened] : []))
  const peers = lines.flatMap((line) => (line.kind === 'peers' ? line.peers : []))
  const facts = containers.map(({ engine, gone, ip, mac, name }) => ({
    ...{ name, ip, mac },
    ...{ host: engine.ip, gone },
  }))
  const received = choose(opened).map((one) => JSON.stringify(one))
  const head = JSON.stringify({ engine: engineVersion(), peers, containers: facts }, null, 1)
  const json = `${head.slice(0, -2)},\n "received": [\n  ${received.join(',\n  ')}\n ]\n}\n`
  writeFileSync(join(folder, `${NAME}.json`), json)
  writeFileSync(join(folder, `${NAME}.md`), account(received.length))
}

/** All news up to a number, and some probes; in the order of their arrival. */
function choose(opened: readonly OpenedText[]): readonly OpenedText[] {
  const isNews = ({ plain, transport }: OpenedText): boolean =>
    transport === 'datagram' && plain.length >= NEWS_CHARACTERS_MIN
  const isProbe = (one: OpenedText): boolean => one.transport === 'datagram' && !isNews(one)
  const isStream = ({ transport }: OpenedText): boolean => transport === 'stream'
  const kept = new Set([
    ...opened.filter(isNews).slice(0, NEWS),
    ...opened.filter(isProbe).slice(0, PROBES),
    ...opened.filter(isStream).slice(0, STREAMS),
  ])
  return opened.filter((one) => kept.has(one))
}

function engineVersion(): string {
  return execFileSync('/usr/sbin/dockerd', ['--version'], { encoding: 'utf8' }).trim()
}

function account(count: number): string {
  const word = ['-W', '-f', '${Version}', 'docker.io']
  const debian = execFileSync('dpkg-query', word, { encoding: 'utf8' })
  const run = `docker run --detach --network ${NETWORK}`
  const runs = containers.map(({ name }) => `${run} --name ${name} busybox sleep 100000`)
  const node = 'node --conditions=@weft/source'
  return `# ${NAME}

${count} sealed texts that two stock engines sent to a worker of ours in their swarm, with the keys
that open them.

- Kernel: Linux ${release()}
- Engine: Debian \`docker.io\` ${debian}; the manager's rotates its keys
  every ${KEY_ROTATION_MS / 1000} s
- Date: ${new Date().toISOString().slice(0, 10)}
- Recorded by, as root: \`${node} tools/lab/src/enter.ts --
  ${node} test-e2e/docker/record-gossip.ts packages/gossip/vectors\`

## Commands

On the engines; every container sleeps, and those called \`passes-…\` are removed a second later:

\`\`\`sh
docker swarm init --advertise-addr ${swarm.manager.ip}
docker swarm join --token … ${swarm.manager.ip}:2377
docker network create -d overlay --attachable ${NETWORK}
${runs.join('\n')}
\`\`\`

The listener (\`test-e2e/docker/gossip-listener.ts\`) joined as a worker, attached an endpoint, and
wrote down what it could open. Keys and identifiers belong to a swarm that is gone.

## Fields

\`peers\` are the engines as the ring names them; \`containers\` what \`docker inspect\`
said of each, with the address of its host, and whether it was removed. Each of \`received\` is
hex: \`bytes\` a whole datagram, or one message of a stream with its header; \`key\` seals it;
\`plain\` was sealed.

## What reads it

\`test/docker-swarm.vectors.test.ts\`: everything opens and is understood, is written again to the
same bytes, and says of each container what \`docker inspect\` said.
`
}
