/** `weft node ls`: the machines of the cluster. */
import type { InfoJson, NodeJson, TlsInfoJson } from '@weft/engine-api/client'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { filtersOf } from '../options/filters.ts'
import { printListing, type Listing } from '../output/listing.ts'
import { compareNaturally } from '../output/natural-order.ts'
import { capitalized } from '../output/units.ts'

interface Row {
  readonly node: NodeJson
  /** Null when only IDs are asked for. */
  readonly info: InfoJson | null
}

const LISTING: Listing<Row> = {
  typeName: '*node.nodeContext',
  table:
    'table {{.ID}} {{if .Self}}*{{else}} {{ end }}\t{{.Hostname}}\t{{.Status}}\t' +
    '{{.Availability}}\t{{.ManagerStatus}}\t{{.EngineVersion}}',
  raw: {
    full:
      'node_id: {{.ID}}\\nhostname: {{.Hostname}}\\nstatus: {{.Status}}\\n' +
      'availability: {{.Availability}}\\nmanager_status: {{.ManagerStatus}}\\n',
    quiet: 'node_id: {{.ID}}',
  },
  columns: {
    ID: { header: 'ID', of: ({ node }) => node.ID },
    Self: { header: '', of: ({ node, info }) => node.ID === (info?.Swarm.NodeID ?? '') },
    Hostname: { header: 'HOSTNAME', of: ({ node }) => node.Description.Hostname ?? '' },
    Status: { header: 'STATUS', of: ({ node }) => capitalized(node.Status.State) },
    Availability: { header: 'AVAILABILITY', of: ({ node }) => capitalized(node.Spec.Availability) },
    ManagerStatus: { header: 'MANAGER STATUS', of: ({ node }) => managerStatusText(node) },
    EngineVersion: {
      header: 'ENGINE VERSION',
      of: ({ node }) => node.Description.Engine.EngineVersion ?? '',
    },
    TLSStatus: { header: 'TLS STATUS', of: tlsStatusText },
  },
}

/** `node ls`. */
export const nodeLs: CommandSpec = {
  name: 'ls',
  aliases: ['list'],
  summary: 'List nodes in the swarm',
  operands: NO_OPERANDS,
  options: [
    {
      name: 'filter',
      short: 'f',
      value: 'filter',
      about: 'Filter output based on conditions provided',
    },
    { name: 'format', value: 'string', about: 'Pretty-print nodes using a Go template' },
    { name: 'quiet', short: 'q', about: 'Only display IDs' },
  ],
  examples: ['node ls', "node ls --filter role=worker --format '{{.Hostname}} {{.Status}}'"],
  run: async ({ client, options, out, signal }) => {
    const nodes = await client.nodes.list({ filters: filtersOf(options) }, { signal })
    const quiet = options.has('quiet')
    const info = nodes.length > 0 && !quiet ? await client.info({ signal }) : null
    const rows = [...nodes]
      .sort((a, b) => compareNaturally(hostname(a), hostname(b)))
      .map((node) => ({ node, info }))
    out.write(printListing(LISTING, rows, { format: options.text('format'), quiet }))
    return undefined
  },
}

function hostname({ Description }: NodeJson): string {
  return Description.Hostname ?? ''
}

function managerStatusText({ ManagerStatus }: NodeJson): string {
  if (ManagerStatus === undefined) return ''
  return ManagerStatus.Leader === true ? 'Leader' : capitalized(ManagerStatus.Reachability)
}

/** Whether a node's certificates come from the cluster's present root. */
function tlsStatusText({ node, info }: Row): string {
  const ours = info?.Swarm.Cluster?.TLSInfo
  const its = node.Description.TLSInfo
  if (ours === undefined || isEmpty(ours) || isEmpty(its)) return 'Unknown'
  const same =
    ours.TrustRoot === its.TrustRoot &&
    ours.CertIssuerSubject === its.CertIssuerSubject &&
    ours.CertIssuerPublicKey === its.CertIssuerPublicKey
  return same ? 'Ready' : 'Needs Rotation'
}

function isEmpty(tls: TlsInfoJson): boolean {
  return !tls.TrustRoot && !tls.CertIssuerSubject && !tls.CertIssuerPublicKey
}
