/** Worker threads of a program: each is a file that has to lie beside the code that starts it. */
import { dirname, join } from 'node:path'

/**
 * How our sources name them: in the repository a thread runs `x-worker.ts`, from the package
 * `x-worker.js`, beside whoever starts it in either.
 */
const NAMED = /new URL\(`\.\/([a-z0-9-]+)\.\$\{extension\}`, import\.meta\.url\)/g
const STARTS = /\bnew Worker\(/

/** A thread's own program. */
export interface Worker {
  /** What it is called beside the program, without an ending. */
  readonly name: string
  readonly path: string
}

/** Threads that the module at `path` starts. Throws for one that is named in another way. */
export function workersOf(path: string, source: string): Worker[] {
  if (!STARTS.test(source)) return []
  const found = [...source.matchAll(NAMED)].map(([, name = '']) => name)
  if (found.length > 0) return found.map((name) => workerBeside(path, name))
  throw new Error(`${path} starts a thread whose file I cannot tell: see tools/bundle`)
}

function workerBeside(path: string, name: string): Worker {
  return { name, path: join(dirname(path), `${name}.ts`) }
}
