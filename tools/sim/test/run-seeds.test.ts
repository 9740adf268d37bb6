/** Runs as lines, and as a document. */
import { expect, it } from 'vitest'
import type { SimOptions } from '../src/options.ts'
import { printTable } from '../src/print-table.ts'
import { runCanaries } from '../src/run-canaries.ts'
import { runSeeds, type Paper } from '../src/run-seeds.ts'

const cells = {
  nodes: 3,
  profileName: null,
  lossPercent: 0,
  perturbation: 'create',
  trials: 2,
  seconds: null,
} as const

const options: SimOptions = {
  seed: '1',
  runs: 2,
  wishes: { nodes: 3, profileName: 'lan', durationMs: 3000 },
  canary: null,
  table: null,
  isJson: false,
  remembers: false,
  cells,
}

interface Page extends Paper {
  readonly lines: string[]
  readonly notes: string[]
}

function page(): Page {
  const lines: string[] = []
  const notes: string[] = []
  return {
    lines,
    notes,
    out: (line) => void lines.push(line),
    note: (note) => void notes.push(note),
  }
}

it('prints a line of fixed columns for each seed', () => {
  const paper = page()
  expect(runSeeds(options, '41', paper)).toBe(true)
  const [header = '', first = '', second = ''] = paper.lines
  expect(first).toMatch(/^ +41 {2} +3 {2}lan .* held$/u)
  expect(second).toMatch(/^ +42 /u)
  expect(first.indexOf('held')).toBe(header.indexOf('result'))
  expect(paper.notes).toEqual(['2 of 2 seeds held'])
})

it('gives names numbers, and prints one document when asked', () => {
  const paper = page()
  expect(runSeeds({ ...options, isJson: true }, 'x', paper)).toBe(true)
  const [document = ''] = paper.lines
  expect(JSON.parse(document)).toMatchObject([
    { seed: 'x', violation: null },
    { seed: 'x-1', violation: null },
  ])
})

it('plants canaries by name', () => {
  const paper = page()
  expect(runCanaries('ghost-member', options, paper)).toBe(true)
  expect(paper.lines[0]).toContain("caught by known-members (seed 'canary 1')")
  expect(runCanaries('a budgie', options, paper)).toBeNull()
})

it('prints tables as lines, and as a document', () => {
  const lines = page()
  printTable('convergence', { options, seed: '1', paper: lines })
  expect(lines.lines).toHaveLength(3)
  expect(lines.lines[1]).toMatch(/^ {4}3 {4}0% {2}create +docker +2 /u)
  const json = page()
  printTable('convergence', { options: { ...options, isJson: true }, seed: '1', paper: json })
  expect(JSON.parse(json.lines.join('\n'))).toMatchObject([
    { profile: 'docker', nodes: 3, trials: 2, converged: 2, untold: 0 },
    { profile: 'lan', nodes: 3, trials: 2, converged: 2, untold: 0 },
  ])
})
