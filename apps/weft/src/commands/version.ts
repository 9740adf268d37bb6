/** `weft version`: of this program, and of the daemon. */
import type { VersionInfoJson } from '@weft/engine-api/client'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { versionShape } from '../docker-shapes.ts'
import { alignColumns, VERSION_LAYOUT } from '../output/column-writer.ts'
import { applyFormat, readFormat } from '../output/format-option.ts'
import { API_VERSION, architecture, RELEASE } from '../release.ts'

const CLIENT_LINES = [
  'Client:{{if ne .Platform.Name ""}} {{.Platform.Name}}{{end}}',
  ' Version:\t{{.Version}}',
  ' API version:\t{{.APIVersion}}',
  ' Go version:\t{{.GoVersion}}',
  ' Git commit:\t{{.GitCommit}}',
  ' Built:\t{{.BuildTime}}',
  ' OS/Arch:\t{{.Os}}/{{.Arch}}',
  ' Context:\t{{.Context}}',
  ' Experimental:\t{{.Experimental}}',
].join('\n')

const ENGINE_LINES = [
  '  Version:\t{{.Version}}',
  '  API version:\t{{index .Details "ApiVersion"}} ' +
    '(minimum version {{index .Details "MinAPIVersion"}})',
  '  Go version:\t{{index .Details "GoVersion"}}',
  '  Git commit:\t{{index .Details "GitCommit"}}',
  '  Built:\t{{index .Details "BuildTime"}}',
  '  OS/Arch:\t{{index .Details "Os"}}/{{index .Details "Arch"}}',
  '  Experimental:\t{{index .Details "Experimental"}}',
].join('\n')

const OTHER_LINES =
  '  Version:\t{{$component.Version}}{{range $key := getDetailsOrder $component}}\n' +
  '  {{$key}}:\t{{index $component.Details $key}}{{end}}'

/** Laid out as Docker lays it out. */
const FORMAT_DEFAULT = `{{with .Client}}${CLIENT_LINES}{{end}}{{if .ServerOK}}{{with .Server}}

Server:{{if ne .Platform.Name ""}} {{.Platform.Name}}{{end}}{{range $component := .Components}}
 {{$component.Name}}:{{if eq $component.Name "Engine"}}
${ENGINE_LINES}{{else}}
${OTHER_LINES}{{end}}{{end}}{{end}}{{end}}`

/** `version`. */
export const version: CommandSpec = {
  name: 'version',
  summary: 'Show the Weft version information',
  operands: NO_OPERANDS,
  options: [
    {
      name: 'format',
      short: 'f',
      value: 'string',
      about: 'Format the output using the given Go template',
    },
  ],
  examples: ['version', "version --format '{{.Server.Version}}'"],
  run: async ({ client, options, out, signal }) => {
    const template = readFormat(options.textOrNull('format') ?? FORMAT_DEFAULT, 'version')
    const answer = await client.version({ signal }).then(
      (server) => ({ server }),
      (error: unknown) => ({ error }),
    )
    const server = 'server' in answer ? withEngine(answer.server) : null
    const about = { Client: clientVersion(), Server: server, ServerOK: server !== null }
    out.write(alignColumns(`${applyFormat(template, versionShape(about))}\n`, VERSION_LAYOUT))
    if ('error' in answer) throw answer.error
    return undefined
  },
}

function clientVersion(): object {
  return {
    Platform: { Name: 'Weft' },
    Version: RELEASE,
    ApiVersion: API_VERSION,
    DefaultAPIVersion: API_VERSION,
    GitCommit: '',
    GoVersion: '',
    Os: process.platform,
    Arch: architecture(),
    BuildTime: '',
    Context: 'default',
    Experimental: true,
  }
}

/** Old daemons have no components: theirs is made of the rest, as Docker's client does. */
function withEngine(server: VersionInfoJson): VersionInfoJson {
  const components = (server.Components as VersionInfoJson['Components'] | undefined) ?? []
  const withDates = components.map((one) => ({ ...one, Details: dated(one.Details) }))
  if (components.some(({ Name }) => Name === 'Engine')) return { ...server, Components: withDates }
  const { Version, ApiVersion, MinAPIVersion, GitCommit, GoVersion, Os, Arch, BuildTime } = server
  const facts = { ApiVersion, MinAPIVersion, GitCommit, GoVersion, Os, Arch, BuildTime }
  const Details = dated({ ...facts, Experimental: 'false' })
  return { ...server, Components: [...withDates, { Name: 'Engine', Version, Details }] }
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** The build time as C's asctime has it, where it is an instant. */
function dated(details: Readonly<Record<string, string>>): Record<string, string> {
  const built = details['BuildTime']
  if (built === undefined || !/^\d{4}-\d\d-\d\dT/.test(built)) return { ...details }
  const at = new Date(built)
  const day = String(at.getUTCDate()).padStart(2)
  const date = `${WEEKDAYS[at.getUTCDay()] ?? ''} ${MONTHS[at.getUTCMonth()] ?? ''} ${day}`
  const BuildTime = `${date} ${at.toISOString().slice(11, 19)} ${at.getUTCFullYear()}`
  return { ...details, BuildTime }
}
