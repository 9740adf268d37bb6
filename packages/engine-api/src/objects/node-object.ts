/** From the cluster's object of a node to what Docker's API shows, and back. */
import { create } from '@bufbuild/protobuf'
import {
  NodeSpecSchema,
  swarmError,
  type Node,
  type NodeAvailability,
  type NodeDescription,
  type NodeRole,
  type NodeSpec,
  type NodeState,
  type Reachability,
} from '@weft/swarm'
import type { JsonFields } from '../json-fields.ts'
import { formatMoment } from '../timestamps.ts'
import type { NodeDescriptionJson, NodeJson, NodeSpecJson } from './node-json.ts'
import { base64 } from './swarm-object.ts'

const AVAILABILITY = ['active', 'pause', 'drain'] as const
const ROLE = ['worker', 'manager'] as const
const STATE = ['unknown', 'down', 'ready', 'disconnected'] as const
const REACHABILITY = ['unknown', 'unreachable', 'reachable'] as const

/** GET /nodes/{id}. */
export function nodeJson(node: Node): NodeJson {
  const { meta, status, managerStatus } = node
  return {
    ID: node.id,
    Version: { Index: Number(meta?.version?.index ?? 0n) },
    CreatedAt: formatMoment(meta?.createdAt),
    UpdatedAt: formatMoment(meta?.updatedAt),
    Spec: nodeSpecJson(node),
    Description: descriptionJson(node.description),
    Status: {
      State: stateText(status?.state),
      ...given('Message', status?.message),
      Addr: status?.addr ?? '',
    },
    ...(managerStatus === undefined
      ? {}
      : {
          ManagerStatus: {
            ...(managerStatus.leader ? { Leader: true } : {}),
            Reachability: reachabilityText(managerStatus.reachability),
            Addr: managerStatus.addr,
          },
        }),
  }
}

/** A node's state in Docker's words. */
export function stateText(state: NodeState | undefined): string {
  return STATE[state ?? 0] ?? 'unknown'
}

/** A manager's reachability in Docker's words. */
export function reachabilityText(reachability: Reachability): string {
  return REACHABILITY[reachability] ?? 'unknown'
}

/** An availability in Docker's words. */
export function availabilityText(
  availability: NodeAvailability | undefined,
): NodeSpecJson['Availability'] {
  return AVAILABILITY[availability ?? 0] ?? 'active'
}

/** A role in Docker's words. */
export function roleText(role: NodeRole | undefined): NodeSpecJson['Role'] {
  return ROLE[role ?? 0] ?? 'worker'
}

function nodeSpecJson({ spec }: Node): NodeSpecJson {
  return {
    ...given('Name', spec?.annotations?.name),
    Labels: { ...spec?.annotations?.labels },
    Role: roleText(spec?.desiredRole),
    Availability: availabilityText(spec?.availability),
  }
}

function descriptionJson(description: NodeDescription | undefined): NodeDescriptionJson {
  const { platform, resources, engine, tlsInfo } = description ?? {}
  const root = tlsInfo?.trustRoot ?? new Uint8Array(0)
  const plugins = (engine?.plugins ?? []).map(({ type, name }) => ({ Type: type, Name: name }))
  return {
    ...given('Hostname', description?.hostname),
    Platform: { ...given('Architecture', platform?.architecture), ...given('OS', platform?.os) },
    Resources: {
      ...given('NanoCPUs', Number(resources?.nanoCpus ?? 0n)),
      ...given('MemoryBytes', Number(resources?.memoryBytes ?? 0n)),
    },
    Engine: {
      ...given('EngineVersion', engine?.engineVersion),
      ...(Object.keys(engine?.labels ?? {}).length > 0 ? { Labels: { ...engine?.labels } } : {}),
      ...(plugins.length > 0 ? { Plugins: plugins } : {}),
    },
    TLSInfo: {
      ...given('TrustRoot', new TextDecoder().decode(root)),
      ...given('CertIssuerSubject', base64(tlsInfo?.certIssuerSubject ?? new Uint8Array(0))),
      ...given('CertIssuerPublicKey', base64(tlsInfo?.certIssuerPublicKey ?? new Uint8Array(0))),
    },
  }
}

/** Go's omitempty: nothing where the value is zero. */
function given<Name extends string, Value extends string | number>(
  name: Name,
  value: Value | undefined,
): { [name in Name]?: Value } {
  const isZero = value === undefined || value === '' || value === 0
  return (isZero ? {} : { [name]: value }) as { [name in Name]?: Value }
}

/** Body of POST /nodes/{id}/update. Membership is not people's to say. */
export function nodeSpecOf(fields: JsonFields): NodeSpec {
  const [role, availability] = [fields.text('Role'), fields.text('Availability')]
  const desiredRole = ROLE.findIndex((one) => one === role)
  if (desiredRole < 0) throw invalid('Role', role)
  const at = availabilityOf(availability)
  const annotations = { name: fields.text('Name'), labels: fields.textMap('Labels') }
  return create(NodeSpecSchema, {
    annotations,
    desiredRole: desiredRole as NodeRole,
    availability: at,
  })
}

/** Throws ERR_INVALID_ARGUMENT. */
export function availabilityOf(text: string): NodeAvailability {
  const at = AVAILABILITY.findIndex((one) => one === text)
  if (at < 0) throw invalid('Availability', text)
  return at as NodeAvailability
}

function invalid(field: string, text: string): Error {
  const message = `invalid ${field}: ${JSON.stringify(text)}`
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject: field })
}
