/** How often guards and associations are looked at although nothing was heard. */

/** Usual pause between looks, in ms: notices get lost, and of associations there are none. */
export const SECURITY_CHECK_MS = 500

/** Longest pause, in ms: whatever a look takes, what was lost is to be back within a second. */
export const SECURITY_PAUSE_MS_MAX = 900

/** A look that takes long comes less often, so that it leaves the rest of the time to others. */
const SHARE = 20

/** The pause after a look that took so long, in ms. */
export function securityPause(tookMs: number): number {
  return Math.min(Math.max(SECURITY_CHECK_MS, SHARE * tookMs), SECURITY_PAUSE_MS_MAX)
}
