/** What a dataplane answers, in a form that is easy to compare. */
import type { ApplyReport, Dataplane } from '../dataplane.ts'

/** The failures of a report as `item code`, sorted. */
export function failuresOf(report: ApplyReport): string[] {
  return report.failures.map(({ error, item }) => `${item} ${error.code}`).sort()
}

/** The items of the next drift. */
export function nextDrift(dataplane: Dataplane): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const listening = dataplane.events.on('drift', ({ items }) => {
      listening[Symbol.dispose]()
      resolve(items)
    })
  })
}
