/** `--table bandwidth`: what a quiet ring costs each node. */
import {
  measureBandwidth,
  PROFILES,
  quietWindowMs,
  type BandwidthResult,
  type ProfileName,
} from '@weft/simulator'
import { columns } from './columns.ts'
import type { TableRequest } from './print-table.ts'

const SIZES = [25, 1000]
const PROFILE_NAMES: readonly ProfileName[] = ['docker', 'lan']

/** What a cell came to; `--json` prints these. */
export interface BandwidthRow extends BandwidthResult {
  readonly profile: ProfileName
  readonly nodes: number
  readonly seconds: number
  /** Over Docker's profile at this size; null where that was not measured. */
  readonly ratio: number | null
}

/** Measure what was asked for. */
export function bandwidthTable({ options, seed, paper }: TableRequest): readonly BandwidthRow[] {
  const { nodes, profileName } = options.cells
  paper.out(HEADER)
  const rows: BandwidthRow[] = []
  for (const size of nodes === null ? SIZES : [nodes]) {
    let docker: number | null = null
    for (const name of profileName === null ? PROFILE_NAMES : [profileName]) {
      const profile = PROFILES[name]()
      const seconds = options.cells.seconds ?? quietWindowMs(size, profile) / 1000
      paper.note(`${size} nodes, ${name}: filling a ring, then ${seconds} s of quiet`)
      const cell = { seed, nodes: size, profile, windowMs: 1000 * seconds }
      const result = measureBandwidth(cell)
      if (name === 'docker') docker = result.totalBytes
      const ratio = docker === null ? null : result.totalBytes / docker
      const row = { profile: name, nodes: size, seconds, ratio, ...result }
      rows.push(row)
      paper.out(line(row))
    }
  }
  return rows
}

const HEADER = columns([
  ['nodes', 5],
  ['profile', 7],
  ['  UDP B/s', 9],
  ['  TCP B/s', 9],
  ['total B/s', 9],
  ['ratio', 5],
  ['datagrams/s', 11],
  ['streams/s', 9],
  ['incomplete', 10],
])

function line(row: BandwidthRow): string {
  return columns([
    [row.nodes, 5],
    [row.profile, 7],
    [Math.round(row.datagramBytes), 9],
    [Math.round(row.streamBytes), 9],
    [Math.round(row.totalBytes), 9],
    [(row.ratio === null ? '-' : row.ratio.toFixed(2)).padStart(5), 5],
    [row.datagrams.toFixed(2).padStart(11), 11],
    [row.streams.toFixed(3).padStart(9), 9],
    [row.incomplete, 10],
  ])
}
