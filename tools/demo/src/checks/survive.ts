/** The owner of a host's dataplane is killed; traffic does not notice, a successor adopts. */
import type { Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

/** Echoes to gather before the kill, between kill and succession, and after it. */
const ECHOES_EACH = 100
const PATIENCE_MS = 10_000

/** Kill the owner on host 1 under a stream of echoes, then let another take over. */
export async function survive(play: Play): Promise<readonly CheckResult[]> {
  const { world } = play
  const [host = ''] = play.hostNames()
  const last = play.members('blue').findLast((c) => c.host !== host)
  if (last === undefined) throw new Error('bug: no blue container on another host')
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
