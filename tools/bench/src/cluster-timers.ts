/** Stop-watches that run on the machines themselves, so that no way in and out is measured. */
import { runOn, type Machine } from '@weft/lab'

/** Perl starts in 5 ms and has a clock of its own. */
const MODULES = ['-MTime::HiRes=time,sleep', '-MIO::Socket::UNIX', '-MPOSIX=uname'] as const
export const PERL = ['perl', ...MODULES, '-e'] as const
/** How long anything that is timed may take, in ms. */
export const TIMED_WITHIN_MS = 300_000

/** How long each of some commands took, when all are started together. */
const COMMANDS = `
$| = 1; my @reads;
for my $command (@ARGV) {
  pipe(my $read, my $write); push @reads, $read;
  next if fork;
  my $began = time;
  system('sh', '-c', $command) == 0 or die "failed: $command";
  printf $write "%.3f\\n", 1000 * (time - $began);
  exit 0;
}
while (wait != -1) { exit 1 if $? }
print <$_> for @reads;
`

/** Start a daemon, wait for its first answer, end it and wait for its end; so many times. */
const STARTS = `
my ($times, $socket) = splice @ARGV, 0, 2;
for (1 .. $times) {
  my $began = time;
  my $pid = fork;
  if (!$pid) { open STDOUT, '>/dev/null'; open STDERR, '>/dev/null'; exec @ARGV }
  while (1) {
    my $s = IO::Socket::UNIX->new(Peer => $socket);
    if ($s) { print $s "GET /_ping HTTP/1.0\\r\\nHost: weft\\r\\n\\r\\n"; last if <$s> =~ / 200 / }
    die "it ended" if time - $began > 30;
    sleep 0.001;
  }
  printf "%.3f\\n", 1000 * (time - $began);
  kill 'TERM', $pid; waitpid $pid, 0;
}
`

/** Shell commands on a machine, all at once: ms each took. Rejects when one fails. */
export async function timeCommands(
  machine: Machine,
  commands: readonly string[],
): Promise<number[]> {
  const words = [...PERL, COMMANDS, ...commands] as const
  return numbersOf(await runOn(machine, [...words], { withinMs: TIMED_WITHIN_MS }))
}

/** A daemon's starts, one after another: ms until it answers. It must not run yet. */
export async function timeStarts(
  machine: Machine,
  times: number,
  { command, socket }: { readonly command: readonly string[]; readonly socket: string },
): Promise<number[]> {
  const words = [...PERL, STARTS, String(times), socket, ...command] as const
  return numbersOf(await runOn(machine, [...words], { withinMs: TIMED_WITHIN_MS }))
}

/** What a process has used of the processor, in ms, and what it holds, in bytes. */
export interface ProcessUse {
  readonly cpuMs: number
  readonly residentBytes: number
}

/** Read it. */
export async function processUse(machine: Machine, pid: number): Promise<ProcessUse> {
  const script = `cat /proc/${pid}/stat; getconf CLK_TCK; grep VmRSS /proc/${pid}/status`
  const said = await runOn(machine, ['sh', '-c', script])
  const [stat = '', ticks = '', resident = ''] = said.split('\n')
  // proc_pid_stat(5): fields 14 and 15, counted after the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0] = [fields[11], fields[12]].map(Number)
  const kilobytes = Number(/\d+/.exec(resident)?.[0])
  return { cpuMs: (1000 * (user + system)) / Number(ticks), residentBytes: 1024 * kilobytes }
}

/** A number a line. */
export function numbersOf(text: string): number[] {
  return text.split('\n').map(Number)
}
