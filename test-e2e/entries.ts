/** What the kernel of a machine holds for our networks, read with iproute2, not by our code. */
import { runOn, type Machine } from '@weft/lab'

/** All of one network namespace. */
export interface NetworkEntries {
  readonly namespace: string
  /** MAC → VTEP of static forwarding entries. */
  readonly forwarding: ReadonlyMap<string, string>
  /** Address → MAC of static neighbours. */
  readonly neighbours: ReadonlyMap<string, string>
  /** Names of its devices, `lo` left out. */
  readonly devices: readonly string[]
}

const READ = `
cd /run/netns
for n in *; do
  case $n in weft-*) ;; *) continue ;; esac
  echo "namespace $n"
  bridge -n "$n" fdb show | sed 's/^/fdb /'
  ip -n "$n" neigh show | sed 's/^/neighbour /'
  ip -n "$n" -o link show | sed 's/^/link /'
done
`

/** Read every network of a machine. */
export async function readEntries(machine: Machine): Promise<readonly NetworkEntries[]> {
  const text = await runOn(machine, ['sh', '-c', READ])
  return text
    .split(/^namespace /m)
    .slice(1)
    .map((part) => {
      const [namespace = '', ...lines] = part.split('\n')
      const all = (pattern: RegExp): string[][] =>
        lines.flatMap((line) => {
          const match = pattern.exec(line)
          return match === null ? [] : [match.slice(1)]
        })
      const pairs = (found: string[][]): Map<string, string> =>
        new Map(found.map(([key = '', value = '']) => [key, value]))
      return {
        namespace,
        forwarding: pairs(all(/^fdb (\S+) dev \S+ dst (\S+) .*\b(?:static|permanent)$/)),
        neighbours: pairs(all(/^neighbour (\S+) dev \S+ lladdr (\S+) .*PERMANENT/)),
        devices: all(/^link \d+: ([^:@]+)/)
          .map(([name = '']) => name)
          .filter((name) => name !== 'lo'),
      }
    })
}
