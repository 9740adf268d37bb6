/** What Docker's API has and Weft has not: an answer that says what to use. */
import { swarmError } from '@weft/swarm'
import type { Hono } from 'hono'
import type { EngineEnv } from '../engine-context.ts'

const NETWORKS_ONLY = 'Weft connects what runs elsewhere, and runs nothing itself'

const ATTACH = 'attach a namespace with "weft attach", or start a process with "weft run"'

/** First segments of paths, with why they are not here. */
const ABSENT: Readonly<Record<string, string>> = {
  containers: `no containers: ${NETWORKS_ONLY}; ${ATTACH}`,
  exec: `no containers: ${NETWORKS_ONLY}`,
  commit: `no containers: ${NETWORKS_ONLY}`,
  images: `no images: ${NETWORKS_ONLY}`,
  build: `no images: ${NETWORKS_ONLY}`,
  session: `no images: ${NETWORKS_ONLY}`,
  distribution: `no images: ${NETWORKS_ONLY}`,
  auth: `no registries: ${NETWORKS_ONLY}`,
  volumes: `no volumes: ${NETWORKS_ONLY}`,
  plugins: `no plugins: the one network driver is "overlay"`,
  services: `no services yet: attach endpoints with "weft attach"; networks are under /networks`,
  tasks: `no tasks to show: endpoints are under /weft/attachments ("weft status")`,
  secrets: `no secrets: ${NETWORKS_ONLY}`,
  configs: `no configs: ${NETWORKS_ONLY}`,
  system: `no disk of images and volumes: ${NETWORKS_ONLY}; see /info`,
}

/** Adds the routes. */
export function absentRoutes(app: Hono<EngineEnv>): void {
  for (const [segment, reason] of Object.entries(ABSENT)) {
    const refuse = (): never => {
      throw swarmError('ERR_UNIMPLEMENTED', `Weft has ${reason}`, { subject: segment })
    }
    app.all(`/${segment}`, refuse)
    app.all(`/${segment}/*`, refuse)
  }
}
