/** Records golden vectors: `node --conditions=@weft/source tools/vectors/src/main.ts [NAME…]`. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { MEMBERLIST, MEMBERLIST_ABOUT, recordMemberlist } from './memberlist.ts'
import { provenanceOf } from './provenance.ts'
import { missingPrograms, record } from './recorder.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import { dissectWithTshark, tsharkVersion } from './tshark-dissection.ts'

const USAGE = `Records golden vectors: for packages/wire from this machine's kernel, which needs
root, and for packages/gossip from HashiCorp's memberlist, which needs Go.

usage: node --conditions=@weft/source tools/vectors/src/main.ts [NAME...] [options]

  NAME             recordings to make; all of them unless given
  --list           print their names and what they hold
  --redissect      keep the captures, renew tshark's dissection only
  --into DIR       where the captures go; packages/wire/vectors unless given

examples:
  node --conditions=@weft/source tools/vectors/src/main.ts --list
  node --conditions=@weft/source tools/vectors/src/main.ts arp tcp
  node --conditions=@weft/source tools/vectors/src/main.ts --redissect
`

interface Choice {
  readonly scenarios: readonly Scenario[]
  readonly memberlist: boolean
  readonly redissect: boolean
  readonly folder: string
}

function choose(): Choice | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      list: { type: 'boolean' },
      redissect: { type: 'boolean' },
      into: { type: 'string' },
    },
  })
  const known = [...SCENARIOS.map(({ name }) => name), MEMBERLIST]
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) process.stderr.write(`no such recording: ${unknown.join(', ')}\n\n`)
  if (values.help === true || unknown.length > 0) {
    process.stderr.write(USAGE)
    if (unknown.length > 0) process.exitCode = 2
    return null
  }
  const all = positionals.length === 0
  const chosen = SCENARIOS.filter(({ name }) => all || positionals.includes(name))
  const memberlist = all || positionals.includes(MEMBERLIST)
  if (values.list === true) {
    const others = memberlist ? [{ name: MEMBERLIST, about: MEMBERLIST_ABOUT }] : []
    for (const { name, about } of [...chosen, ...others]) {
      process.stdout.write(`${name.padEnd(22)} ${about}\n`)
    }
    return null
  }
  const folder = resolve(values.into ?? join(import.meta.dirname, '../../../packages/wire/vectors'))
  const redissect = values.redissect === true
  return { scenarios: chosen, memberlist: memberlist && !redissect, redissect, folder }
}

/** One line per frame: small to review, and a changed frame is a changed line. */
function dissectionText(path: string, decryption: readonly string[] = []): string {
  const version = tsharkVersion()
  const lines = dissectWithTshark(path, decryption).map((frame) => `    ${JSON.stringify(frame)}`)
  const head = `{\n  "version": ${JSON.stringify(version)},\n  "frames": [\n`
  return `${head}${lines.join(',\n')}\n  ]\n}\n`
}

async function make(scenario: Scenario, { redissect, folder }: Choice): Promise<boolean> {
  const missing = missingPrograms(scenario)
  if (missing.length > 0) {
    process.stderr.write(`${scenario.name}: left out, this machine has no ${missing.join(', ')}\n`)
    return false
  }
  const path = join(folder, `${scenario.name}.pcapng`)
  if (!redissect) {
    rmSync(path, { force: true })
    await record(scenario, path)
    // dumpcap keeps captures to itself; these are for everyone.
    chmodSync(path, 0o644)
    writeFileSync(join(folder, `${scenario.name}.md`), provenanceOf(scenario, path))
  }
  writeFileSync(join(folder, `${scenario.name}.tshark.json`), dissectionText(path))
  if (scenario.decryption !== undefined) {
    const text = dissectionText(path, scenario.decryption)
    writeFileSync(join(folder, `${scenario.name}.decrypted.tshark.json`), text)
  }
  process.stdout.write(`${scenario.name}: written\n`)
  return true
}

const choice = choose()
if (choice !== null) {
  mkdirSync(choice.folder, { recursive: true })
  for (const scenario of choice.scenarios) {
    if (!(await make(scenario, choice))) process.exitCode = 1
  }
  if (choice.memberlist) {
    const recorded = await recordMemberlist((line) => process.stderr.write(`${line}\n`))
    if (recorded) process.stdout.write(`${MEMBERLIST}: written\n`)
    else process.exitCode = 1
  }
}
