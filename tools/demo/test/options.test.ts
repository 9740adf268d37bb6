import { describe, expect, test } from 'vitest'
import { DEMO_BACKENDS, HOSTS_MAX, HOSTS_MIN, parseOptions } from '../src/options.ts'

describe('the command line of the demo', () => {
  test('asks for the kernel and three hosts unless told otherwise', () => {
    expect(parseOptions([])).toEqual({
      kind: 'run',
      options: { backend: 'kernel', hosts: 3, json: false, keep: false, pcap: null },
    })
  })

  test('takes every option', () => {
    const words = ['--backend', 'sim', '--hosts', '5', '--json', '--pcap', 'x.pcapng']
    expect(parseOptions(words)).toEqual({
      kind: 'run',
      options: { backend: 'sim', hosts: 5, json: true, keep: false, pcap: 'x.pcapng' },
    })
  })

  test.each(DEMO_BACKENDS)('takes the backend %s', (backend) => {
    const parsed = parseOptions(['--backend', backend])
    expect(parsed).toMatchObject({ kind: 'run', options: { backend } })
  })

  test.each([
    [['--backend', 'magic'], 'no backend magic'],
    [['--hosts', String(HOSTS_MAX + 1)], `--hosts ${HOSTS_MAX + 1}`],
    [['--hosts', String(HOSTS_MIN - 1)], `--hosts ${HOSTS_MIN - 1}`],
    [['--hosts', '3.5'], '--hosts 3.5'],
    [['--hosts', ''], '--hosts'],
    [['--keep', '--backend', 'sim'], '--keep'],
    [['--colour'], '--colour'],
    [['stray'], 'stray'],
  ])('refuses %j and names it', (words, name) => {
    const parsed = parseOptions(words)
    expect(parsed).toMatchObject({ kind: 'wrong', problem: expect.stringContaining(name) })
  })

  test.each([HOSTS_MIN, HOSTS_MAX])('takes %i hosts', (hosts) => {
    const parsed = parseOptions(['--hosts', String(hosts)])
    expect(parsed).toMatchObject({ kind: 'run', options: { hosts } })
  })
})
