/** Several endpoints in one command: words of the form NAME=NETNS, and lists in JSON. */
import { resolve } from 'node:path'
import type { AttachJson } from '@weft/engine-api/client'
import { CommandFailure, EXIT_USAGE } from '../command-failure.ts'
import { didYouMean } from '../nearest.ts'

/** The highest process number that Linux gives (PID_MAX_LIMIT). */
export const PID_MAX = 4_194_304

/** What an endpoint takes from the command unless it says otherwise itself. */
export interface ForAll {
  /** Empty when the command names none. */
  readonly network: string
  readonly ifname: string | null
}

/** The path of a process's namespace; null for what is no process number. */
export function processNamespace(text: string): string | null {
  return isProcess(text) ? `/proc/${text}/ns/net` : null
}

/** `c1=/run/netns/c1` or `c1=4711`. Throws CommandFailure. */
export function endpointOfWord(word: string, forAll: ForAll): AttachJson {
  const at = word.indexOf('=')
  const [name, place] = [word.slice(0, Math.max(0, at)), word.slice(at + 1)]
  if (name === '' || place === '') {
    throw wrong(`invalid argument ${JSON.stringify(word)}: say NAME=NETNS, a path or a process`)
  }
  const { network, ifname } = forAll
  if (network === '') throw wrong('required flag(s) "network" not set')
  return { network, name, aliases: [], netns: namespaceOf(place), ifname, address: null }
}

/**
 * Endpoints as a list in JSON. Fields are called as the options of one endpoint are: `network`,
 * `name`, `netns` or `pid`, `ip`, `alias`, `ifname`. Throws CommandFailure, which says where.
 */
export function endpointsOfJson(text: string, source: string, forAll: ForAll): AttachJson[] {
  const list = parse(text, source)
  if (!Array.isArray(list)) throw wrong(`${source}: not a list of endpoints: […]`)
  return list.map((one: unknown, index) => {
    try {
      return endpointOf(one, forAll)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      throw wrong(`${source}: endpoint ${index + 1}${nameOf(one)}: ${error.message}`)
    }
  })
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw wrong(`${source}: no JSON: ${(error as Error).message}`)
  }
}

const FIELDS = ['network', 'name', 'netns', 'pid', 'ip', 'alias', 'ifname'] as const
type Field = (typeof FIELDS)[number]

function endpointOf(value: unknown, forAll: ForAll): AttachJson {
  if (!isObject(value)) throw wrong('not an object: {"name": …, "netns": …}')
  for (const field of Object.keys(value)) {
    if (FIELDS.some((known) => known === field)) continue
    throw wrong(`there is no field ${JSON.stringify(field)}.${didYouMean(field, FIELDS)}`)
  }
  const [name, network] = [textOf(value, 'name'), textOf(value, 'network') || forAll.network]
  if (name === '') throw wrong('it has no name')
  if (network === '') throw wrong('it has no network, and --network is not set')
  return {
    network,
    name,
    aliases: aliasesOf(value.alias),
    netns: placeOf(value),
    ifname: textOf(value, 'ifname') || forAll.ifname,
    address: textOf(value, 'ip') || null,
  }
}

type Fields = { readonly [field in Field]?: unknown }

function textOf(fields: Fields, field: Field): string {
  const value = fields[field] ?? ''
  if (typeof value === 'string') return value
  throw wrong(`${field} is not a text: ${JSON.stringify(value)}`)
}

function placeOf(fields: Fields): string {
  const [path, pid] = [textOf(fields, 'netns'), fields.pid ?? null]
  if ((path === '') === (pid === null)) throw wrong('say either netns or pid')
  if (pid === null) return resolve(path)
  const known = typeof pid === 'number' || typeof pid === 'string' ? String(pid) : ''
  const namespace = processNamespace(known)
  if (namespace !== null) return namespace
  throw wrong(`pid is not a process number: ${JSON.stringify(pid)}`)
}

/** One, or several. */
function aliasesOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value ?? []].flat()
  if (list.every((one) => typeof one === 'string')) return list
  throw wrong(`alias is neither a text nor a list of texts: ${JSON.stringify(value)}`)
}

/** Digits alone are a process; a file of such a name is `./4711`. */
function namespaceOf(place: string): string {
  return processNamespace(place) ?? resolve(place)
}

function isProcess(text: string): boolean {
  return /^[1-9]\d*$/.test(text) && Number(text) <= PID_MAX
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameOf(value: unknown): string {
  return isObject(value) && typeof value.name === 'string' ? ` (${value.name})` : ''
}

function wrong(problem: string): CommandFailure {
  return new CommandFailure(problem, EXIT_USAGE)
}
