/** The owner of a host's dataplane is killed: what becomes of traffic, and of its successor. */
import type { CastContainer } from '../cast.ts'
import type { Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

/** Echoes to gather before the kill, between kill and succession, and after it. */
const ECHOES_EACH = 100
const PATIENCE_MS = 10_000
const PING_PAYLOAD_BYTES = 56

/** Kill the owner on host 1, then let another take over. */
export async function survive(play: Play): Promise<readonly CheckResult[]> {
  const [host = ''] = play.hostNames()
  const last = play.members('blue').findLast((c) => c.host !== host)
  if (last === undefined) throw new Error('bug: no blue container on another host')
  return play.world.control.isPersistent(host)
    ? outlive(play, host, last)
    : recover(play, host, last)
}

/** A kernel goes on forwarding: under a stream of echoes nothing is lost, and all is adopted. */
async function outlive(
  play: Play,
  host: string,
  last: CastContainer,
): Promise<readonly CheckResult[]> {
  const { world } = play
  const before = world.tables.fingerprint(host)
  const stream = await world.containers.stream(play.container('blue-1'), last)
  await stream.reached(ECHOES_EACH, PATIENCE_MS)
  await world.control.killOwner(host)
  await stream.reached(2 * ECHOES_EACH, PATIENCE_MS)
  await world.control.succeed(host)
  const report = await play.apply(host)
  await stream.reached(3 * ECHOES_EACH, PATIENCE_MS)
  const { sent, answered } = await stream.stop()
  const after = world.tables.fingerprint(host)
  const { changed, collected } = report
  const adoption = { changed, collected: collected.length, same: before === after }
  return [survived(sent, answered), adopted(adoption)]
}

function survived(sent: number, answered: number): CheckResult {
  const lost = sent - answered
  const ok = lost === 0 && sent >= 3 * ECHOES_EACH
  const says = `of ${sent} echoes sent before, during and after SIGKILL of the owner, ${lost} lost`
  return { name: 'kill-owner', ok, figure: lost, unit: 'packets lost', says }
}

interface Adoption {
  readonly changed: number
  readonly collected: number
  readonly same: boolean
}

function adopted({ changed, collected, same }: Adoption): CheckResult {
  const ok = changed === 0 && collected === 0 && same
  const readBack = same ? 'equal' : 'differs'
  return {
    name: 'adopt',
    ok,
    figure: changed + collected,
    unit: 'changes',
    says: ok
      ? 'the successor adopted every device, entry and address as it found them'
      : `the successor made ${changed} changes, collected ${collected}, read-back ${readBack}`,
  }
}

/** A switch in a process ends with it: the host is cut off until a successor is there. */
async function recover(
  play: Play,
  host: string,
  last: CastContainer,
): Promise<readonly CheckResult[]> {
  const { world } = play
  const from = play.container('blue-1')
  const start = world.now()
  await world.control.killOwner(host)
  await world.control.succeed(host)
  const found = (await world.control.observe(host)).items.size
  await play.apply(host)
  let answered = false
  while (!answered && world.now() - start < PATIENCE_MS) {
    answered = (await world.containers.ping(from, last.ip, PING_PAYLOAD_BYTES)).ok
  }
  const ms = Math.round(world.now() - start)
  return [recovered(answered, ms), startedClean(found)]
}

function recovered(ok: boolean, ms: number): CheckResult {
  const says = ok
    ? 'traffic of a userspace host stops with its process; with the next one it flowed again'
    : 'traffic did not flow again after the process was replaced'
  return { name: 'kill-owner', ok, figure: ok ? ms : -1, unit: 'ms cut off', says }
}

function startedClean(found: number): CheckResult {
  const ok = found === 0
  const says = ok
    ? 'the killed process left nothing behind, and its successor made all anew'
    : `the successor found ${found} items that nobody serves`
  return { name: 'start-clean', ok, figure: found, unit: 'leftovers', says }
}
