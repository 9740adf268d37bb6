/** `npm run fuzz`: feeds hostile bytes to every decoder for a while. */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fromHex, toHex } from '@weft/core'
import { runCampaign, type Budget, type Campaign } from './campaign.ts'
import { canaries } from './canaries.ts'
import { judge } from './judge.ts'
import type { FuzzTarget } from './target.ts'
import { findTargets, TARGETS } from './targets.ts'

const SECONDS_DEFAULT = 60
const SEEDS = 2 ** 31

const USAGE = `Feeds hostile bytes to every decoder: none may throw, hang or read outside
its window.

usage: npm run fuzz -- [options]

  --seconds N      how long in all, shared by the targets; ${SECONDS_DEFAULT} unless given
  --cases N        so many cases of each target instead, however long they take
  --target NAME    only this target, or this group (wire, linux, gossip,
                   encryption, userspace, sealed, netstack); several are fine
  --seed S         repeat a run; drawn at random unless given
  --replay HEX     judge one input against the one target named by --target
  --list           print the targets
  --help           this text

The canaries, decoders with a planted bug, run first and must be caught.
Exits 0 when all held, 1 when a target failed, 2 when the command or the rig is wrong.

examples:
  npm run fuzz
  npm run fuzz -- --seconds 600
  npm run fuzz -- --target sealed/world --cases 10000 --seed 1
  npm run fuzz -- --target wire/ipv6 --seconds 30 --seed 7
  npm run fuzz -- --target wire/dissect --replay ffffffffffff02420a0001020806
  npm run fuzz -- --target canary
`

function out(text: string): void {
  process.stdout.write(`${text}\n`)
}

function wrongUse(text: string): number {
  process.stderr.write(`${text}\n\n${USAGE}`)
  return 2
}

function printResult(target: FuzzTarget, seed: number, campaign: Campaign): void {
  const { cases, ms, failure } = campaign
  const rate = Math.round(cases / Math.max(ms / 1000, 0.001))
  const state = failure === null ? 'held' : 'FAILED'
  out(`${target.name.padEnd(26)} ${state.padEnd(6)} ${cases} cases, ${rate} a second`)
  if (failure === null) return
  const hex = toHex(failure.input)
  out(`  case ${failure.index} of seed ${seed}: ${failure.verdict}`)
  out(`  input, made small (${failure.input.length} bytes): ${hex}`)
  out(`  replay: npm run fuzz -- --target ${target.name} --replay ${hex || "''"}`)
}

/** True when every planted bug is found within a second. */
function canariesSing(seed: number): boolean {
  const silent = canaries.filter(({ name }) => {
    const target = findTargets(name)[0]
    return target === undefined || runCampaign(target, seed, { ms: 1_000 }).failure === null
  })
  for (const { name } of silent) process.stderr.write(`${name}: not caught, the rig is blind\n`)
  if (silent.length === 0) out(`canaries: ${canaries.length} planted bugs caught`)
  return silent.length === 0
}

function fuzz(targets: readonly FuzzTarget[], seed: number, budget: Budget): number {
  out(`seed ${seed}`)
  if (!canariesSing(seed)) return 2
  let failed = 0
  for (const target of targets) {
    const campaign = runCampaign(target, seed, budget)
    printResult(target, seed, campaign)
    if (campaign.failure !== null) failed++
  }
  return failed === 0 ? 0 : 1
}

function replay(targets: readonly FuzzTarget[], hex: string): number {
  const [target] = targets
  const input = fromHex(hex)
  if (target === undefined || targets.length !== 1) return wrongUse('--replay wants one --target')
  if (input === null) return wrongUse('--replay wants hexadecimal')
  const verdict = judge(target, input)
  out(verdict === null ? `${target.name} held: ${input.length} bytes` : `FAILED: ${verdict}`)
  return verdict === null ? 0 : 1
}

function list(): number {
  for (const { name, about } of [...TARGETS, ...canaries]) out(`${name.padEnd(26)} ${about}`)
  return 0
}

function main(): number {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      cases: { type: 'string' },
      target: { type: 'string', multiple: true },
      seed: { type: 'string' },
      replay: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) {
    process.stdout.write(USAGE)
    return 0
  }
  if (values.list === true) return list()
  const names = values.target ?? []
  const unknown = names.filter((name) => findTargets(name).length === 0)
  if (unknown.length > 0) return wrongUse(`no such target: ${unknown.join(', ')}`)
  const targets = names.length === 0 ? TARGETS : names.flatMap(findTargets)
  if (values.replay !== undefined) return replay(targets, values.replay)
  const seconds = Number(values.seconds ?? SECONDS_DEFAULT)
  const seed = Number(values.seed ?? randomInt(SEEDS))
  if (!(seconds > 0)) return wrongUse('--seconds wants a number above 0')
  if (!Number.isInteger(seed)) return wrongUse('--seed wants a whole number')
  const cases = Number(values.cases ?? 1)
  if (!Number.isInteger(cases) || cases < 1) return wrongUse('--cases wants a number above 0')
  const isCounted = values.cases !== undefined
  return fuzz(targets, seed, isCounted ? { cases } : { ms: (1000 * seconds) / targets.length })
}

process.exitCode = main()
