/** Hearing of it when somebody changes our rules: until they are back a VNI is not dark. */
import { isKernelError, openNftMonitor, type NftNotice, type Watch } from '@weft/linux'
import { guardTable } from './guard.ts'
import type { Host } from './host.ts'

/**
 * Call `touched` for whatever happens to the table of this instance, our own writing included; it
 * must not throw. Null when nothing can be heard: then only the clock looks.
 */
export function watchGuard({ log, options, underlay }: Host, touched: () => void): Watch | null {
  const ours = guardTable(options.instance, [])
  const isOurs = ({ table }: NftNotice): boolean =>
    table.name === ours.name && table.family === ours.family
  const deaf = (error: unknown): void =>
    log.warn('cannot listen for changes of rules, they are looked at by the clock', { error })
  try {
    return openNftMonitor(
      { namespace: underlay.namespace.fd },
      {
        told: (notices) => {
          if (notices.some(isOurs)) touched()
        },
        overrun: touched,
        failed: deaf,
      },
    )
  } catch (error) {
    if (!isKernelError(error)) throw error
    deaf(error)
    return null
  }
}
