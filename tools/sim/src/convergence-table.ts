/** `--table convergence`: how long until the last node knows. */
import {
  PERTURBATIONS,
  playConvergence,
  PROFILES,
  summarize,
  type Perturbation,
  type ProfileName,
} from '@weft/simulator'
import { columns, ms } from './columns.ts'
import type { TableRequest } from './print-table.ts'

const SIZES = [2, 3, 5, 10, 25]
const LOSSES = [0, 10, 30]
const PROFILE_NAMES: readonly ProfileName[] = ['docker', 'lan']

/** Trials of a cell unless said otherwise: as many node-trials in small rings as in large ones. */
const TRIALS = 100

/** What a cell came to; `--json` prints these. */
export interface ConvergenceRow {
  readonly profile: ProfileName
  readonly nodes: number
  readonly lossPercent: number
  readonly perturbation: Perturbation
  readonly trials: number
  /** Trials in which everybody knew within the ceiling. */
  readonly converged: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  readonly tellings: number
  readonly notByGossip: number
  readonly untold: number
}

/** Measure what was asked for. */
export function convergenceTable(request: TableRequest): readonly ConvergenceRow[] {
  const { options, seed, paper } = request
  const { nodes, lossPercent, perturbation, profileName, trials } = options.cells
  paper.out(HEADER)
  const rows: ConvergenceRow[] = []
  for (const size of nodes === null ? SIZES : [nodes]) {
    for (const loss of lossPercent === null ? LOSSES : [lossPercent]) {
      for (const one of perturbation === null ? PERTURBATIONS : [perturbation]) {
        for (const name of profileName === null ? PROFILE_NAMES : [profileName]) {
          const cell = { size, loss, one, name, trials: trials ?? TRIALS }
          const row = measure(seed, cell)
          rows.push(row)
          paper.out(line(row))
        }
      }
    }
  }
  return rows
}

interface Cell {
  readonly size: number
  readonly loss: number
  readonly one: Perturbation
  readonly name: ProfileName
  readonly trials: number
}

function measure(seed: string, { size, loss, one, name, trials }: Cell): ConvergenceRow {
  const { convergedMs, tellings, notByGossip, untold } = playConvergence({
    seed: `${seed}/${name}/${size}/${loss}/${one}`,
    perturbation: one,
    nodes: size,
    profile: PROFILES[name](),
    lossPercent: loss,
    trials,
  })
  const summary = summarize(convergedMs)
  return {
    profile: name,
    nodes: size,
    lossPercent: loss,
    perturbation: one,
    trials,
    converged: convergedMs.length,
    p50Ms: summary?.p50 ?? null,
    p99Ms: summary?.p99 ?? null,
    maxMs: summary?.max ?? null,
    tellings,
    notByGossip,
    untold,
  }
}

const HEADER = columns([
  ['nodes', 5],
  ['loss', 4],
  ['perturbation', 16],
  ['profile', 7],
  ['trials', 6],
  ['   p50', 6],
  ['   p99', 6],
  ['   max', 6],
  ['not by gossip', 15],
  ['untold', 8],
])

function line(row: ConvergenceRow): string {
  return columns([
    [row.nodes, 5],
    [`${row.lossPercent}%`.padStart(4), 4],
    [row.perturbation, 16],
    [row.profile, 7],
    [row.trials, 6],
    [ms(row.p50Ms, 6), 6],
    [ms(row.p99Ms, 6), 6],
    [ms(row.maxMs, 6), 6],
    [`${row.notByGossip} of ${row.tellings}`, 15],
    [row.untold, 6],
  ])
}
