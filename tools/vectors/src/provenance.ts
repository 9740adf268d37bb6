/** The `.md` beside a recording: where it comes from, and what is in it. */
import { execFileSync } from 'node:child_process'
import { release } from 'node:os'
import type { Scenario } from './scenario.ts'

function outputOf(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}

/** The text for a recording that stands at `path`. */
export function provenanceOf(scenario: Scenario, path: string): string {
  const summary = outputOf('tshark', ['-r', path, '-n']).trimEnd()
  const commands = [
    ...scenario.namespaces.map((name) => `ip netns add ${name}`),
    ...scenario.world,
    `ip netns exec ${scenario.capture.namespace} dumpcap -i ${scenario.capture.link} &`,
    ...(scenario.background ?? []).map((command) => `${command} &`),
    ...scenario.traffic,
  ]
  return `# ${scenario.name}

${scenario.about}

- Kernel: Linux ${release()}
- Captured with: ${firstLine(outputOf('dumpcap', ['--version']))}
- Dissected with: ${firstLine(outputOf('tshark', ['--version']))}
- Sent by: ${firstLine(outputOf('ip', ['-V']))}, ${firstLine(outputOf('ping', ['-V']))}
- Date: ${new Date().toISOString().slice(0, 10)}
- Recorded by: \`node --conditions=@weft/source tools/vectors/src/main.ts ${scenario.name}\`

## Commands

\`\`\`sh
${commands.join('\n')}
\`\`\`

## Frames

\`\`\`
${summary}
\`\`\`
`
}
