/** What a cluster's users wait for, against Docker's own overlay; and what a daemon costs. */
import { BUSYBOX_IMAGE, WEFT_SOCKET } from '@weft/lab'
import { setTimeout as sleep } from 'node:timers/promises'
import { timeAnswers } from './cluster-answers.ts'
import { ClusterStage, NETWORK } from './cluster-stage.ts'
import { processUse, timeCommands, timeStarts } from './cluster-timers.ts'
import { runAside } from './commands.ts'
import { goalRow } from './goal-row.ts'
import { median, percentile } from './statistics.ts'
import type { BenchRow, BenchSuite } from './suite.ts'

const RUNS = 20
const BURST = 50
/** Of `docker run` fifty times at once: rounds differ more than networks do. */
const ENGINE_ROUNDS = 3
/** Of one command for so many; the first ones find the daemons' code cold, as users do. */
const MANY_ROUNDS = 5
const STARTS = 20
const START_GOAL_MS = 500
const PEERS = 25
const IDLE_GOAL_PERCENT = 1
const SETTLE_MS = 15_000
const IDLE_MS = 30_000

/** See the package's README for what each row means. */
export const clusterSuite: BenchSuite = {
  name: 'cluster',
  describe: 'weft attach to its first ping, against docker run; what a daemon costs',
  needsKernel: true,
  async run(report, say) {
    say('building weft and weftd')
    await runAside(['nx', 'run-many', '--targets=build', '--projects=@weft/weft,@weft/weftd'])
    await using stage = await ClusterStage.open()
    say(`one at a time, ${RUNS} times`)
    await attachAlone(stage, report)
    say(`${BURST} at once`)
    await attachBurst(stage, report)
    await starts(stage, report)
    say(`${PEERS} peers, ${IDLE_MS / 1000} s of nothing to do`)
    await idle(stage, report, say)
  },
}

type Report = (row: BenchRow) => void

/** Docker's share of `docker run` on an overlay network: what is left without `--network none`. */
const AGAINST = 'docker run on an overlay network, without docker run on none'

async function attachAlone(stage: ClusterStage, report: Report): Promise<void> {
  // The first of each fills caches.
  await attach(stage, 1)
  await engineRuns(stage, 1)
  const ours: number[] = []
  const share: number[] = []
  for (let i = 0; i < RUNS; i++) {
    ours.push(...(await attach(stage, 1)))
    const { none, overlay } = await engineRuns(stage, 1)
    share.push(median(overlay) - median(none))
  }
  const runs = RUNS
  for (const [name, value] of [
    ['attach-to-first-ping', median],
    ['attach-to-first-ping-p99', (all: number[]) => percentile(all, 99)],
  ] as const) {
    const ratio = value(share) / value(ours)
    report({ name, median: value(ours), unit: 'ms', against: AGAINST, ratio, runs })
  }
}

/** Fifty commands at once, and fifty endpoints by one command; Docker has no such command. */
async function attachBurst(stage: ClusterStage, report: Report): Promise<void> {
  const ours = await attach(stage, BURST)
  const [overlay, none]: [number[], number[]] = [[], []]
  for (let i = 0; i < ENGINE_ROUNDS; i++) {
    const round = await engineRuns(stage, BURST)
    overlay.push(...round.overlay)
    none.push(...round.none)
  }
  const many: number[] = []
  for (let i = 0; i < MANY_ROUNDS; i++) many.push(...(await attachMany(stage, BURST)))
  for (const [kind, all] of [
    ['burst', ours],
    ['many', many],
  ] as const) {
    for (const percent of [50, 99]) {
      const value = percentile(all, percent)
      const ratio = (percentile(overlay, percent) - percentile(none, percent)) / value
      const name = `attach-${kind}${BURST}-p${percent}`
      report({ name, median: value, unit: 'ms', against: AGAINST, ratio, runs: all.length })
    }
  }
}

/** From one command to the first answer of each of its endpoints, ms each. */
async function attachMany(stage: ClusterStage, count: number): Promise<number[]> {
  const names = await stage.namespaces(count)
  const words = names.map((name) => `${name}=/run/netns/${name}`).join(' ')
  const command = `weft attach --network ${NETWORK} ${words}`
  const { target } = stage
  const ms = await timeAnswers(stage.worker.machine, command, { names, target })
  await stage.removeNamespaces(names)
  return ms
}

/** From the command to the first answer of an endpoint on the other host, ms each. */
async function attach(stage: ClusterStage, count: number): Promise<number[]> {
  const names = await stage.namespaces(count)
  const ms = await timeCommands(
    stage.worker.machine,
    names.map((name) => {
      const words = `--network ${NETWORK} --name ${name} --netns /run/netns/${name}`
      const ping = `ip netns exec ${name} ping -n -q -c 1 -W 0.1 ${stage.target}`
      return `{ weft attach ${words} && until ${ping}; do :; done; } >/dev/null`
    }),
  )
  await stage.removeNamespaces(names)
  return ms
}

/** From the command to its end, with the least there is to do inside. */
async function engineRuns({ engine }: ClusterStage, count: number) {
  const client = engine.client(['run', '--rm']).join(' ')
  const run = (network: string): Promise<number[]> => {
    const command = `${client} --network ${network} ${BUSYBOX_IMAGE} busybox true`
    return timeCommands(engine, Array.from({ length: count }, () => command))
  }
  return { overlay: await run(NETWORK), none: await run('none') }
}

/** Of a worker that has been one before. */
async function starts({ worker }: ClusterStage, report: Report): Promise<void> {
  await worker.stop('TERM')
  const daemon = { command: ['weftd'], socket: WEFT_SOCKET }
  const ms = await timeStarts(worker.machine, STARTS, daemon)
  await worker.start()
  const start = { value: median(ms), goal: START_GOAL_MS, runs: STARTS }
  report(goalRow({ name: 'daemon-start', unit: 'ms', ...start }))
}

async function idle(
  stage: ClusterStage,
  report: Report,
  say: (line: string) => void,
): Promise<void> {
  const { engine, manager, worker } = stage
  await stage.addPeers(PEERS)
  await sleep(SETTLE_MS)
  const [pid = 0, managerPid = 0] = [await worker.pid(), await manager.pid()].map(Number)
  const look = async () => ({
    worker: await processUse(worker.machine, pid),
    manager: await processUse(manager.machine, managerPid),
    atMs: performance.now(),
  })
  const before = await look()
  await sleep(IDLE_MS)
  const after = await look()
  const percentOf = (role: 'worker' | 'manager'): number =>
    (100 * (after[role].cpuMs - before[role].cpuMs)) / (after.atMs - before.atMs)
  const percent = percentOf('worker')
  const [megabytes, others] = [after.worker.residentBytes / 1e6, after.manager.residentBytes / 1e6]
  say(`the manager: ${percentOf('manager').toFixed(2)} percent, ${others.toFixed(0)} MB`)
  const cpu = { unit: 'percent', value: percent, goal: IDLE_GOAL_PERCENT }
  report(goalRow({ name: 'daemon-idle-cpu', ...cpu }))
  const theirs = (await processUse(engine, await engine.pid())).residentBytes / 1e6
  const rss = { name: 'daemon-rss', median: megabytes, unit: 'MB', runs: 1 }
  report({ ...rss, against: 'dockerd of the same run', ratio: theirs / megabytes })
}
