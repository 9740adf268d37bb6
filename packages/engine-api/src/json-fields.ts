/** The body of a request, read field by field as Go would: absent is zero, wrong is named. */
import { swarmError } from '@weft/swarm'
import { boundedText } from './bounded-text.ts'

/** Bytes of a request's body: the largest thing that people send is a set of labels. */
export const BODY_BYTES_MAX = 1024 * 1024

/** Fields of one object. Every reader throws ERR_INVALID_ARGUMENT when the kind is another. */
export class JsonFields {
  readonly #struct: string
  readonly #values: ReadonlyMap<string, unknown>

  /** `struct` names the object in errors. Names are found whatever their case, as Go finds them. */
  constructor(struct: string, value: object) {
    this.#struct = struct
    this.#values = new Map(Object.entries(value).map(([name, one]) => [name.toLowerCase(), one]))
  }

  /** What stands there, null when nothing does. */
  raw(name: string): unknown {
    return this.#values.get(name.toLowerCase()) ?? null
  }

  text(name: string): string {
    const value = this.raw(name) ?? ''
    return typeof value === 'string' ? value : this.#refuse(name, value, 'string')
  }

  /** Null where the text is absent or empty. */
  textOrNull(name: string): string | null {
    const value = this.text(name)
    return value === '' ? null : value
  }

  flag(name: string): boolean {
    const value = this.raw(name) ?? false
    return typeof value === 'boolean' ? value : this.#refuse(name, value, 'bool')
  }

  /** A whole number that is not negative. */
  count(name: string): number {
    const value = this.raw(name) ?? 0
    const isCount = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    return isCount ? value : this.#refuse(name, value, 'uint32')
  }

  texts(name: string): readonly string[] {
    const value = this.raw(name) ?? []
    const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
    return isList ? value : this.#refuse(name, value, '[]string')
  }

  textMap(name: string): { [key: string]: string } {
    const value = this.raw(name) ?? {}
    const isMap = isObject(value) && Object.values(value).every((one) => typeof one === 'string')
    if (isMap) return value as { [key: string]: string }
    return this.#refuse(name, value, 'map[string]string')
  }

  /** An object inside; one without fields when there is none. */
  fields(name: string): JsonFields {
    const value = this.raw(name) ?? {}
    const struct = `${this.#struct}.${name}`
    return isObject(value) ? new JsonFields(struct, value) : this.#refuse(name, value, 'object')
  }

  list(name: string): readonly JsonFields[] {
    const value = this.raw(name) ?? []
    if (!Array.isArray(value) || !value.every(isObject)) return this.#refuse(name, value, 'array')
    return value.map((one) => new JsonFields(`${this.#struct}.${name}`, one))
  }

  #refuse(name: string, value: unknown, kind: string): never {
    const found = kindOf(value)
    const field = `${this.#struct}.${name}`
    const message = `json: cannot unmarshal ${found} into Go struct field ${field} of type ${kind}`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: field })
  }
}

/** JSON's kinds as Go calls them. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The body of a request. Throws ERR_INVALID_ARGUMENT: none, too long, no JSON, no object. */
export async function readFields(request: Request, struct: string): Promise<JsonFields> {
  const value = await readJson(request)
  if (isObject(value)) return new JsonFields(struct, value)
  throw unfit(value, struct)
}

/** As `readFields`, where a list of such objects may stand as well. */
export async function readOneOrMany(
  request: Request,
  struct: string,
): Promise<JsonFields | readonly JsonFields[]> {
  const value = await readJson(request)
  if (isObject(value)) return new JsonFields(struct, value)
  if (!Array.isArray(value)) throw unfit(value, struct)
  return value.map((one: unknown, index) => {
    if (isObject(one)) return new JsonFields(`${struct}[${index}]`, one)
    throw unfit(one, `${struct}[${index}]`)
  })
}

async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type') ?? 'application/json'
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw invalid(`Content-Type specified (${type}) must be 'application/json'`)
  }
  const text = await boundedText(request.body, BODY_BYTES_MAX)
  if (text === null) throw invalid(`the body is longer than ${BODY_BYTES_MAX} bytes`)
  if (text.trim() === '') throw invalid('got EOF while reading request body')
  return parse(text)
}

function unfit(value: unknown, struct: string): Error {
  return invalid(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${struct}`)
}

/** The parser's words quote the text, where tokens may stand; ours do not. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const isCut = error instanceof Error && /end of JSON|Unterminated/.test(error.message)
    throw invalid(isCut ? 'unexpected EOF' : 'the body is no JSON')
  }
}

function invalid(message: string): Error {
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'body' })
}
