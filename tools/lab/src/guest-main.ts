/**
 * The program of a guest: does what whoever started the guest says, line by line, and ends with the
 * guest. It runs on the guest's kernel as its only process.
 */
import { createReadStream, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { recordError } from './error-record.ts'
import { GUEST_PORT, type GuestCall, type GuestWord } from './guest-calls.ts'

/** Ports by their number; each names itself. */
const PORTS = '/sys/class/virtio-ports'

type Callable = (...args: readonly unknown[]) => unknown

/** The device of the port that calls come by. Throws when the guest was started without it. */
function portPath(): string {
  const isOurs = (name: string): boolean =>
    readFileSync(join(PORTS, name, 'name'), 'utf8').trim() === GUEST_PORT
  const found = readdirSync(PORTS).find(isOurs)
  if (found === undefined) throw new Error(`no port called ${GUEST_PORT}`)
  return join('/dev', found)
}

async function answer({ args, id, module, name }: GuestCall): Promise<GuestWord> {
  try {
    const loaded = (await import(join(process.cwd(), 'node_modules', module))) as object
    const found = (loaded as Readonly<Record<string, Callable>>)[name]
    if (found === undefined) throw new Error(`${module} has no ${name}`)
    return { kind: 'answer', id, value: await found(...args) }
  } catch (error) {
    return { kind: 'refusal', id, error: recordError(error) }
  }
}

const port = openSync(portPath(), 'r+')

function say(word: GuestWord): void {
  const bytes = Buffer.from(`${JSON.stringify(word)}\n`)
  for (let at = 0; at < bytes.length; ) at += writeSync(port, bytes, at)
}

createInterface({ input: createReadStream('', { fd: port, autoClose: false }) }).on(
  'line',
  (line) => void answer(JSON.parse(line) as GuestCall).then(say),
)
say({ kind: 'ready', release: release() })
