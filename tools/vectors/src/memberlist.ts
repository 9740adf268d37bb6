/** Golden vectors of HashiCorp's memberlist: what the library sends, as it sends it. */
import { buildMemberlistProgram, memberlistPackages, tierReport } from '@weft/lab'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { basename, resolve } from 'node:path'

/** Its name on the command line, beside the scenarios of the kernel's packets. */
export const MEMBERLIST = 'memberlist'

/** Where its vectors are kept, without the ending. */
export const MEMBERLIST_VECTORS = resolve(
  import.meta.dirname,
  '../../../packages/gossip/vectors/memberlist-go-0.2.2',
)

const OUTPUT_BYTES_MAX = 1 << 26

/** What a reader finds there. */
export const MEMBERLIST_ABOUT =
  "Packets and streams between nodes of HashiCorp's memberlist, and what Go reads in them."

/** Record and write them. False, with a word why, where the library cannot be built. */
export async function recordMemberlist(say: (line: string) => void): Promise<boolean> {
  const tier = (await tierReport()).find((one) => one.tier === 'memberlist')
  if (tier?.usable !== true) {
    say(`${MEMBERLIST}: left out, this machine has no ${tier?.missing.join(', ')}`)
    return false
  }
  using program = buildMemberlistProgram()
  const text = execFileSync(program.path, ['record'], {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  writeFileSync(`${MEMBERLIST_VECTORS}.json`, text)
  const { vectors } = JSON.parse(text) as { readonly vectors: readonly { name: string }[] }
  writeFileSync(`${MEMBERLIST_VECTORS}.md`, provenance(vectors.map(({ name }) => name)))
  return true
}

function provenance(names: readonly string[]): string {
  const go = execFileSync('go', ['version'], { encoding: 'utf8' }).trim()
  return `# memberlist-go-0.2.2

${MEMBERLIST_ABOUT}

- Kernel: Linux ${release()}
- Debian packages: ${memberlistPackages().join(', ')}
- Compiler: ${go}
- Date: ${new Date().toISOString().slice(0, 10)}
- Recorded by: \`node --conditions=@weft/source tools/vectors/src/main.ts ${MEMBERLIST}\`

## Commands

\`\`\`sh
cd tools/lab/memberlist-go
GO111MODULE=off GOPATH=/usr/share/gocode go build -o /tmp/memberlist-go .
/tmp/memberlist-go record > ${basename(MEMBERLIST_VECTORS)}.json
\`\`\`

Three nodes on loopback join, tell metadata and user messages, answer pings and refute
accusations with numbers of every width; one falls silent for datagrams, then altogether, is
declared dead, and returns; one leaves; one is spoken to in a way that it must refuse. A tap in
the library's transport takes what it hands to the sockets. Everything is taken apart again by
Go: AES-GCM, LZW and CRC-32 of its standard library, and the msgpack library that memberlist is
built on.

## Fields

\`bytes\` is a whole datagram, or all that one side of a stream wrote. \`key\` seals it;
\`plain\` is what was sealed. \`layers\` are the wrappers, outermost first; \`messages\` are what
is in them, each with its own bytes and with the fields of the library's structures (bytes as
hex; null is msgpack's nil, or a field that is absent). The keys are throw-away: bytes that count
upwards from their number.

## Vectors

\`\`\`
${names.join('\n')}
\`\`\`
`
}
