/** `weft info`: where this node stands. */
import { CommandFailure } from '../command-failure.ts'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { infoShape } from '../docker-shapes.ts'
import { failureText } from '../failure-text.ts'
import { applyFormat, readFormat } from '../output/format-option.ts'
import { prettyInfo } from '../output/pretty-info.ts'

/** What a client of Docker's says of itself. */
const CLIENT_INFO = { Debug: false, Context: 'default', Plugins: [], Warnings: null }

/** `info`. */
export const info: CommandSpec = {
  name: 'info',
  summary: 'Display system-wide information',
  operands: NO_OPERANDS,
  options: [
    {
      name: 'format',
      short: 'f',
      value: 'string',
      about: 'Format the output using the given Go template',
    },
  ],
  examples: ['info', "info --format '{{.Swarm.LocalNodeState}}'"],
  run: async ({ client, options, out, err, signal, host }) => {
    const format = options.text('format')
    const template = format === '' ? null : readFormat(format)
    const answer = await client.info({ signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      return failureText(error, host)
    })
    if (template !== null) {
      const server = typeof answer === 'string' ? { ServerErrors: [answer] } : answer
      const value = infoShape({ ...server, ClientInfo: CLIENT_INFO })
      out.write(`${applyFormat(template, value)}\n`)
      return undefined
    }
    out.write('Client:\n Context:    default\n Debug Mode: false\n\nServer:\n')
    if (typeof answer === 'string') {
      out.write(`ERROR: ${answer}\n`)
      throw new CommandFailure('errors pretty printing info')
    }
    out.write(prettyInfo(answer))
    if (answer.Warnings !== null) err.write(answer.Warnings.map((one) => `${one}\n`).join(''))
    return undefined
  },
}
