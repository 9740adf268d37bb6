/** What the demo found out, as data: a line per check. */

/** One check. `figure` and `unit` are what was measured. */
export interface CheckResult {
  readonly name: string
  readonly ok: boolean
  readonly figure: number
  readonly unit: string
  /** For people: what holds, or what went wrong. */
  readonly says: string
}

/** The form that scripts rely on. */
export interface DemoDocument {
  readonly ok: boolean
  readonly backend: string
  readonly checks: readonly { name: string; ok: boolean; figure: number; unit: string }[]
  readonly ms: number
}

/** The JSON document of a finished run. */
export function demoDocument(
  backend: string,
  checks: readonly CheckResult[],
  ms: number,
): DemoDocument {
  return {
    ok: checks.length > 0 && checks.every((check) => check.ok),
    backend,
    checks: checks.map(({ name, ok, figure, unit }) => ({ name, ok, figure, unit })),
    ms: Math.round(ms),
  }
}
