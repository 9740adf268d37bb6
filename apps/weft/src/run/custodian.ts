/** Cleans up after a `weft run` that was killed: a shell that outlives it, waiting on a pipe. */
import { spawn } from 'node:child_process'
import type { Custodian } from './contained-process.ts'

/**
 * Reads what is to be guarded. When the pipe ends without `done`, whoever held it is dead: the
 * process is killed, and with it all in its namespace; then `weft detach` takes the shell's place.
 */
const SCRIPT = `
while read -r what value; do
  case $what in
    process) process=$value ;;
    endpoint) endpoint=$value ;;
    done) exit 0 ;;
  esac
done
[ -z "$process" ] || kill -KILL "$process"
[ -z "$endpoint" ] || exec "$@" detach "$endpoint"
`

/** Appoint one. It has a session of its own, so that no key of the terminal reaches it. */
export function custodianOf(weftCommand: readonly string[], host: string): Custodian {
  const words = ['-c', SCRIPT, 'weft-custodian', ...weftCommand, '--host', host]
  const shell = spawn('/bin/sh', words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  // A custodian that somebody killed is not missed before it is needed.
  shell.on('error', () => undefined)
  shell.stdin.on('error', () => undefined)
  const say = (line: string): void => {
    shell.stdin.write(`${line}\n`)
  }
  return {
    guardProcess: (pid) => say(`process ${pid}`),
    guardEndpoint: (id) => say(`endpoint ${id}`),
    dismiss: () => shell.stdin.end('done\n'),
  }
}
