/** When each of many endpoints has its first ping answered, after one command attached them all. */
import { runOn, type Machine } from '@weft/lab'
import { numbersOf, PERL, TIMED_WITHIN_MS } from './cluster-timers.ts'

/**
 * One process asks for all of them: a socket in each namespace is there before the command begins,
 * and stays. A namespace without an address refuses to send, which costs next to nothing and is
 * tried again every 2 ms; what was sent is sent again after 20 ms.
 */
const ANSWERS = `
use strict; use Socket;
my ($target, $command, @names) = @ARGV;
my $number = { x86_64 => 308, aarch64 => 268 }->{(POSIX::uname())[4]} or die "which setns?";
my $to = sockaddr_in(0, inet_aton($target));
sub enter {
  open my $f, '<', $_[0] or die "$_[0]: $!";
  syscall($number, fileno $f, 1 << 30) == 0 or die "setns: $!";
}
open my $home, '<', '/proc/self/ns/net' or die $!;
my (@sockets, $all);
for (@names) {
  enter "/run/netns/$_";
  socket(my $socket, AF_INET, SOCK_RAW, 1) or die "socket: $!";
  push @sockets, $socket; vec($all, fileno $socket, 1) = 1;
}
syscall($number, fileno $home, 1 << 30) == 0 or die "setns: $!";
# An echo request (RFC 792) without data; its checksum is that of these words.
my $ask = pack 'CCnnn', 8, 0, 0xffff - 0x0800 - 0x5745 - 1, 0x5745, 1;
my %waiting = map { $_ => 0 } 0 .. $#names;
my @ms;
my $began = time;
my $pid = fork;
if (!$pid) { exec 'sh', '-c', "$command >/dev/null" }
while (%waiting) {
  my $now = time;
  die 'no answer to ' . join ' ', @names[keys %waiting] if $now - $began > 60;
  my $next = $now + 0.02;
  for (keys %waiting) {
    if ($now >= $waiting{$_}) {
      $waiting{$_} = $now + (defined send($sockets[$_], $ask, 0, $to) ? 0.02 : 0.002);
    }
    $next = $waiting{$_} if $waiting{$_} < $next;
  }
  my $ready = $all; my $left = $next - time;
  next unless select($ready, undef, undef, $left > 0 ? $left : 0) > 0;
  for (keys %waiting) {
    next unless vec($ready, fileno $sockets[$_], 1);
    recv($sockets[$_], my $packet, 2048, 0);
    next unless ord(substr $packet, 4 * (15 & ord $packet), 1) == 0;
    push @ms, 1000 * (time - $began);
    vec($all, fileno $sockets[$_], 1) = 0; delete $waiting{$_};
  }
}
waitpid $pid, 0; die "failed: $command" if $?;
printf "%.3f\\n", $_ for @ms;
`

/** Ms from the start of the command to the first answer in each. Rejects when it fails. */
export async function timeAnswers(
  machine: Machine,
  command: string,
  { names, target }: { readonly names: readonly string[]; readonly target: string },
): Promise<number[]> {
  const words = [...PERL, ANSWERS, target, command, ...names] as const
  return numbersOf(await runOn(machine, [...words], { withinMs: TIMED_WITHIN_MS }))
}
