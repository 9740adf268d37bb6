/** The command line as a library: run it in process, with surroundings of your own. */
export type { ContainedProcesses } from './run/contained-process.ts'
export { nodeSurroundings } from './node-surroundings.ts'
export type { Surroundings, TextSink } from './surroundings.ts'
export { weft } from './weft.ts'
