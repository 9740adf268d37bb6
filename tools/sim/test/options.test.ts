/** The command line. */
import { expect, it } from 'vitest'
import { parseOptions } from '../src/options.ts'

it('reads what a run needs', () => {
  const words = '--seed 7 --nodes 12 --profile lan --loss 30 --seconds 5 --seeds 3 --json'
  expect(parseOptions(words.split(' '))).toMatchObject({
    kind: 'run',
    options: {
      seed: '7',
      runs: 3,
      isJson: true,
      remembers: true,
      wishes: { nodes: 12, profileName: 'lan', lossPercent: 30, durationMs: 5000 },
    },
  })
  expect(parseOptions([])).toMatchObject({ options: { seed: null, runs: 1, table: null } })
  expect(parseOptions(['--forget'])).toMatchObject({ options: { remembers: false } })
  expect(parseOptions(['-h'])).toEqual({ kind: 'help' })
})

it('reads which cells of a table', () => {
  const words = '--table convergence --nodes 25 --loss 30 --trials 200 --perturbation leave'
  expect(parseOptions(words.split(' '))).toMatchObject({
    options: {
      table: 'convergence',
      cells: { nodes: 25, lossPercent: 30, trials: 200, perturbation: 'leave', seconds: null },
    },
  })
})

it.each([
  '--nodes 0',
  '--nodes many',
  '--loss 101',
  '--seconds 0.5',
  '--seeds 0',
  '--trials 0',
  '--profile man',
  '--table chairs',
  '--perturbation peace',
  '--what',
  'what',
])('says what is wrong with %s', (words) => {
  expect(parseOptions(words.split(' ')).kind).toBe('wrong')
})
