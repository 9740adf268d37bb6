/** What the kernel backend may fail in this lab for now, and why: nothing. */
import type { Waivers } from '@weft/dataplane/compliance'

/** Reasons a reader must accept. */
export const waivers: Waivers = {}
