/** A real server on a Unix socket over an API, as a daemon has one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import type { EngineApi } from '../src/engine-api.ts'

/** An open server; disposing ends it and its connections. */
export interface EngineServer extends AsyncDisposable {
  readonly path: string
}

export async function serve(api: EngineApi): Promise<EngineServer> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-engine-'))
  const path = join(folder, 'weft.sock')
  const server = createAdaptorServer({ fetch: api, overrideGlobalObjects: false }) as Server
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
    rmSync(folder, { recursive: true })
  }
  return { path, [Symbol.asyncDispose]: close }
}
