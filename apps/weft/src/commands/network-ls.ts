/** `weft network ls`: the networks that this node knows. */
import type { NetworkJson } from '@weft/engine-api/client'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { filtersOf } from '../options/filters.ts'
import { printListing, type Listing } from '../output/listing.ts'
import { compareNaturally } from '../output/natural-order.ts'
import { goTime } from '../output/units.ts'

/** As long as a short ID is. */
const SHORT_ID_LENGTH = 12

interface Row {
  readonly network: NetworkJson
  readonly shortens: boolean
}

const LISTING: Listing<Row> = {
  typeName: '*network.networkContext',
  table: 'table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
  raw: {
    full: 'network_id: {{.ID}}\\nname: {{.Name}}\\ndriver: {{.Driver}}\\nscope: {{.Scope}}\\n',
    quiet: 'network_id: {{.ID}}',
  },
  columns: {
    ID: {
      header: 'NETWORK ID',
      of: ({ network, shortens }) => (shortens ? shortId(network.Id) : network.Id),
    },
    Name: { header: 'NAME', of: ({ network }) => network.Name },
    Driver: { header: 'DRIVER', of: ({ network }) => network.Driver },
    Scope: { header: 'SCOPE', of: ({ network }) => network.Scope },
    IPv6: { header: 'IPV6', of: ({ network }) => String(network.EnableIPv6) },
    Internal: { header: 'INTERNAL', of: ({ network }) => String(network.Internal) },
    Labels: { header: 'LABELS', of: ({ network }) => labelsText(network.Labels) },
    CreatedAt: { header: 'CREATED AT', of: ({ network }) => goTime(network.Created) },
  },
  methods: {
    Label:
      ({ network }) =>
      (key) =>
        typeof key === 'string' ? (network.Labels?.[key] ?? '') : '',
  },
}

/** `network ls`. */
export const networkLs: CommandSpec = {
  name: 'ls',
  aliases: ['list'],
  summary: 'List networks',
  operands: NO_OPERANDS,
  options: [
    {
      name: 'filter',
      short: 'f',
      value: 'filter',
      about: "Provide filter values (e.g. 'driver=overlay')",
    },
    { name: 'format', value: 'string', about: 'Pretty-print networks using a Go template' },
    { name: 'no-trunc', about: 'Do not truncate the output' },
    { name: 'quiet', short: 'q', about: 'Only display network IDs' },
  ],
  examples: ['network ls', "network ls -f driver=overlay --format '{{.Name}}: {{.Labels}}'"],
  run: async ({ client, options, out, signal }) => {
    const networks = await client.networks.list({ filters: filtersOf(options) }, { signal })
    const shortens = !options.has('no-trunc')
    const rows = [...networks]
      .sort((a, b) => compareNaturally(a.Name, b.Name))
      .map((network) => ({ network, shortens }))
    const style = { format: options.text('format'), quiet: options.has('quiet') }
    out.write(printListing(LISTING, rows, style))
    return undefined
  },
}

function shortId(id: string): string {
  return id.slice(id.indexOf(':') + 1).slice(0, SHORT_ID_LENGTH)
}

function labelsText(labels: NetworkJson['Labels']): string {
  return Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).join(',')
}
