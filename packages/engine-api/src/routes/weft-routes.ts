/** What Weft has beyond Docker's API: /weft. */
import { parseIp, type Ip } from '@weft/core'
import { swarmError, type AttachmentRequest } from '@weft/swarm'
import type { Hono } from 'hono'
import type { EngineContext, EngineEnv } from '../engine-context.ts'
import { readOneOrMany, type JsonFields } from '../json-fields.ts'
import { nameOf } from '../lookup.ts'
import type { StatusJson } from '../objects/weft-json.ts'
import { attachEach } from './attach-each.ts'

/** Bytes of a path: Linux's PATH_MAX with its zero. */
export const NETNS_PATH_BYTES_MAX = 4095
/** Characters of an interface's name: Linux's IFNAMSIZ without its zero. */
export const IFNAME_LENGTH_MAX = 15

/** Attachments of one request: as many as a node can have, the ports of a kernel's bridge. */
export const ATTACH_LIST_LENGTH_MAX = 1024

/** Adds the routes. */
export function weftRoutes(app: Hono<EngineEnv>, context: EngineContext): void {
  const { node } = context
  app.get('/weft/status', (request) => request.json(statusJson(context)))
  app.get('/weft/peers', (request) => request.json(node.peers()))
  app.get('/weft/keys', (request) => request.json(node.keys()))
  app.get('/weft/attachments', (request) => request.json(node.attachments()))
  app.post('/weft/attachments', async (request) => {
    const { raw } = request.req
    const body = await readOneOrMany(raw, 'Attachment')
    if (isMany(body)) {
      request.header('content-type', 'application/json')
      return request.body(attachEach(context, attachmentsOf(body), raw.signal))
    }
    return request.json(await node.attach(attachmentOf(body), { signal: raw.signal }), 201)
  })
  app.delete('/weft/attachments/:id', async (request) => {
    await node.detach(request.req.param('id'), { signal: request.req.raw.signal })
    return request.body(null, 204)
  })
}

function statusJson({ node }: EngineContext): StatusJson {
  const { control } = node
  const usage = (control?.networks() ?? []).map((network) => ({
    name: nameOf(network),
    ...control?.usage(network.id),
  }))
  return {
    ...node.view(),
    failedItems: node.failedItems(),
    attachments: node.attachments().length,
    networks: node.networks().length,
    peers: node.peers().length,
    usage: usage as StatusJson['usage'],
  }
}

function isMany(body: JsonFields | readonly JsonFields[]): body is readonly JsonFields[] {
  return Array.isArray(body)
}

/** All are read before the first is begun: what is not to be understood changes nothing. */
function attachmentsOf(list: readonly JsonFields[]): readonly AttachmentRequest[] {
  if (list.length > ATTACH_LIST_LENGTH_MAX) {
    throw invalid(`more than ${ATTACH_LIST_LENGTH_MAX} attachments at once`, 'body')
  }
  return list.map(attachmentOf)
}

/** The path is opened by the daemon, which is root: it has to say where from. */
function attachmentOf(fields: JsonFields): AttachmentRequest {
  const [network, name] = [required(fields, 'network'), required(fields, 'name')]
  const path = required(fields, 'netns')
  const isPath = path.startsWith('/') && !path.includes('\0')
  if (!isPath || Buffer.byteLength(path) > NETNS_PATH_BYTES_MAX) {
    throw invalid(`netns must be an absolute path: ${JSON.stringify(path.slice(0, 64))}`, 'netns')
  }
  const ifname = fields.textOrNull('ifname')
  if (ifname !== null && !isInterfaceName(ifname)) {
    throw invalid(`not a name of an interface: ${JSON.stringify(ifname.slice(0, 64))}`, 'ifname')
  }
  return {
    network,
    name,
    aliases: fields.texts('aliases'),
    target: { kind: 'netns', path, ifname },
    address: addressOf(fields.textOrNull('address')),
  }
}

/** dev_valid_name of net/core/dev.c. */
function isInterfaceName(name: string): boolean {
  const length = Buffer.byteLength(name)
  return length <= IFNAME_LENGTH_MAX && !/^\.\.?$|[/:\s\0]/.test(name)
}

function addressOf(text: string | null): Ip | null {
  if (text === null) return null
  try {
    return parseIp(text)
  } catch (cause) {
    const message = `invalid IP address: ${text.slice(0, 64)}`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'address' }, cause)
  }
}

function required(fields: JsonFields, name: string): string {
  const text = fields.text(name)
  if (text !== '') return text
  throw invalid(`${name} is required`, name)
}

function invalid(message: string, subject: string): Error {
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject })
}
